//! Who a request says it comes from, where that is found out when it is sent.

use muster_proto::plan::{Auth, Aws, Request};

use super::made::MakeError;
use super::random::Key;
use super::sigv4::{Outgoing, Signer};
use super::template::{Names, Template, TemplateError, Variables, within};
use super::transport::http1::Rendered;

/// What proves who a request comes from.
pub enum Credentials {
    /// Keys of AWS, compiled for each worker by its number.
    Aws(Box<[AwsKeys]>),
}

/// Keys of AWS, and what they are for: texts that may be templates.
pub struct AwsKeys {
    region: Template,
    service: Template,
    access_key: Template,
    secret_key: Template,
    session_token: Option<Template>,
}

impl Credentials {
    /// Those of a request, for workers whose names these are; nothing where its header fields say all that there is to say.
    ///
    /// # Errors
    /// [`MakeError`] where a text is no template.
    pub fn of(request: &Request, names: &[Names]) -> Result<Option<Self>, MakeError> {
        request
            .auth
            .as_ref()
            .map(|Auth::Aws(aws)| {
                Ok(Self::Aws(names.iter().map(|names| AwsKeys::compile(aws, names)).collect::<Result<_, _>>()?))
            })
            .transpose()
    }

    /// The request's bytes with what they prove, for the worker of this number.
    ///
    /// # Errors
    /// [`MakeError`] where a text has no value, or one that cannot be sent.
    pub(super) fn add_to(
        &self,
        rendered: &Rendered,
        worker: usize,
        key: Key,
        variables: &mut Variables,
    ) -> Result<Rendered, MakeError> {
        match self {
            Self::Aws(keys) => {
                let signer = within(key, variables, |scope| keys[worker].signer(scope))?;
                let (head, body) = rendered.parts();
                Ok(rendered.with_fields(&signer.fields(&Outgoing::of(head, body)))?)
            }
        }
    }
}

impl AwsKeys {
    fn compile(aws: &Aws, names: &Names) -> Result<Self, MakeError> {
        let compile = |text: &String| Template::compile(text, names).map_err(wrong);
        Ok(Self {
            region: compile(&aws.region)?,
            service: compile(&aws.service)?,
            access_key: compile(&aws.access_key)?,
            secret_key: compile(&aws.secret_key)?,
            session_token: aws.session_token.as_ref().map(compile).transpose()?,
        })
    }

    fn signer(&self, scope: &super::template::Scope) -> Result<Signer, MakeError> {
        let make = |template: &Template| template.render(scope).map_err(wrong);
        Ok(Signer {
            region: make(&self.region)?,
            service: make(&self.service)?,
            access_key: make(&self.access_key)?,
            secret_key: make(&self.secret_key)?,
            session_token: self.session_token.as_ref().map(make).transpose()?,
        })
    }
}

fn wrong(source: TemplateError) -> MakeError {
    MakeError::Template { place: "auth".to_owned(), source }
}
