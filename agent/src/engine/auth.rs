//! Who a request says it comes from, where that is found out when it is sent.

use muster_proto::plan::{Auth, Aws, Request};

use super::made::MakeError;
use super::random::Key;
use super::sigv4::{Outgoing, Signer};
use super::template::{Names, Template, TemplateError, Variables, within};
use super::transport::http1::Rendered;
use super::worker::Worker;

/// What proves who a request comes from.
pub enum Credentials {
    /// Keys of AWS, compiled for each worker by its number.
    Aws(Box<[AwsKeys]>),
    /// The token from this place among the plan's.
    Token(usize),
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
        Ok(match &request.auth {
            None => None,
            Some(Auth::Token(place)) => Some(Self::Token(usize::from(*place))),
            Some(Auth::Aws(aws)) => {
                let keys = names.iter().map(|names| AwsKeys::compile(aws, names));
                Some(Self::Aws(keys.collect::<Result<_, _>>()?))
            }
        })
    }

    /// The request's bytes with what they prove, for a worker.
    ///
    /// # Errors
    /// [`MakeError`] where a text has no value, or one that cannot be sent.
    pub(super) fn add_to(
        &self,
        rendered: &Rendered,
        worker: &Worker,
        key: Key,
        variables: &mut Variables,
    ) -> Result<Rendered, MakeError> {
        match self {
            Self::Token(place) => match worker.tokens.borrow().get(*place) {
                Some(token) => Ok(rendered.with_fields(&[("authorization", token)])?),
                None => Ok(rendered.clone()),
            },
            Self::Aws(keys) => {
                let signer = within(key, variables, |scope| keys[worker.number].signer(scope))?;
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
