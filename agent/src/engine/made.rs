//! Requests that are made while load is generated.

use bytes::Bytes;
use muster_proto::plan::{Body, Request};

use super::template::{Names, Scope, Template, TemplateError, is_template};
use super::transport::http1::{Manner, RenderError, Rendered};

/// Why a request cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MakeError {
    /// One of its texts cannot be made.
    #[error("{place}: {source}")]
    Template {
        /// Which one.
        place: String,
        /// What is wrong with it.
        source: TemplateError,
    },
    /// What was made cannot be written as HTTP.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// A request that is sent once: one that was made for this iteration, or to which another was redirected.
pub(super) struct OneOff {
    /// What it asks for.
    pub(super) request: Request,
    /// Its bytes.
    pub(super) rendered: Rendered,
}

impl OneOff {
    pub(super) fn new(request: Request, manner: Manner) -> Result<Self, RenderError> {
        Ok(Self { rendered: Rendered::new(&request, manner)?, request })
    }
}

/// A request with templates in it, compiled.
pub struct Made {
    request: Request,
    path: Option<Template>,
    /// By the place of the header field.
    headers: Vec<(usize, Template)>,
    body: Option<Template>,
    manner: Manner,
}

impl Made {
    /// A request, for the worker whose names these are.
    ///
    /// # Errors
    /// [`MakeError`] where a text of it is no template.
    pub fn of(request: &Request, names: &Names, manner: Manner) -> Result<Self, MakeError> {
        let templates = request.templates;
        let compile = |place: &str, text: &str| {
            let wrong = |source| MakeError::Template { place: place.to_owned(), source };
            Template::compile(text, names).map_err(wrong)
        };
        let path = templates.head.then(|| compile("path", &request.url.path)).transpose()?;
        let fields = request.headers.iter().enumerate().filter(|(_, (_, value))| templates.head && is_template(value));
        let headers = fields.map(|(place, (name, value))| Ok((place, compile(&format!("header {name}"), value)?)));
        let headers = headers.collect::<Result<_, MakeError>>()?;
        let text = String::from_utf8_lossy(&request.body.0);
        let body = templates.body.then(|| compile("body", &text)).transpose()?;
        // Bytes of its own, so that no other worker counts who uses them.
        let own = Body(Bytes::copy_from_slice(&request.body.0));
        let request = Request { body: own, ..request.clone() };
        Ok(Self { request, path, headers, body, manner })
    }

    /// Whether it depends on what iterations find out, so that it cannot be made without one.
    #[must_use]
    pub fn needs_iteration(&self) -> bool {
        let texts = self.path.iter().chain(self.headers.iter().map(|(_, template)| template)).chain(&self.body);
        texts.into_iter().any(Template::needs_iteration)
    }

    /// The request for a step of an iteration.
    ///
    /// # Errors
    /// [`MakeError`] where a text of it has no value, or one that cannot be sent.
    pub(super) fn make(&self, scope: &Scope) -> Result<OneOff, MakeError> {
        let make = |place: &str, template: &Template| {
            template.render(scope).map_err(|source| MakeError::Template { place: place.to_owned(), source })
        };
        let mut request = self.request.clone();
        if let Some(path) = &self.path {
            request.url.path = escaped(make("path", path)?);
        }
        for (place, value) in &self.headers {
            request.headers[*place].1 = make(&self.request.headers[*place].0, value)?;
        }
        if let Some(body) = &self.body {
            request.body = Body(make("body", body)?.into());
        }
        Ok(OneOff::new(request, self.manner)?)
    }
}

/// A path in which whatever can stand in no URI (RFC 3986, 2) is percent-encoded, and `#`, which would end it.
fn escaped(path: String) -> String {
    let is_harmless = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte);
    if path.bytes().all(is_harmless) {
        return path;
    }
    let mut escaped = String::with_capacity(path.len() + 16);
    for byte in path.bytes() {
        match is_harmless(byte) {
            true => escaped.push(char::from(byte)),
            false => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
