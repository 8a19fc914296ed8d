//! Requests that are made while load is generated.

use std::fmt::Write;

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{BodyPiece, Request};

use super::template::{Names, Scope, Template, TemplateError, is_template};
use super::transport::Failure;
use super::transport::http1::{Hole, Layout, Manner, RenderError, Rendered};

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

impl From<&MakeError> for Failure {
    fn from(error: &MakeError) -> Self {
        Self::new(ErrorKind::Protocol, error.to_string())
    }
}

/// A request with templates in it, laid out and compiled.
pub struct Made {
    layout: Layout,
    texts: Vec<Text>,
}

/// A text of a request that is made each time.
struct Text {
    hole: Hole,
    /// What it is called.
    place: String,
    template: Template,
}

impl Text {
    fn compile(hole: Hole, place: String, text: &str, names: &Names) -> Result<Self, MakeError> {
        match Template::compile(text, names) {
            Ok(template) => Ok(Self { hole, place, template }),
            Err(source) => Err(MakeError::Template { place, source }),
        }
    }

    fn make(&self, text: &mut String, scope: &Scope) -> Result<(), MakeError> {
        let wrong = |source| MakeError::Template { place: self.place.clone(), source };
        let from = text.len();
        self.template.render_to(text, scope).map_err(wrong)?;
        if self.hole == Hole::Path {
            escape(text, from);
        }
        Ok(())
    }
}

impl Made {
    /// A request, for the worker whose names these are.
    ///
    /// # Errors
    /// [`MakeError`] where a text of it is no template, or what does not vary cannot be written as HTTP.
    pub fn of(request: &Request, names: &Names, manner: Manner) -> Result<Self, MakeError> {
        let templates = request.templates;
        let compile = |hole, place: &str, text: &str| Text::compile(hole, place.to_owned(), text, names);
        let mut texts = Vec::new();
        if templates.head {
            texts.push(compile(Hole::Path, "path", &request.url.path)?);
            for (place, (name, value)) in
                request.headers.iter().enumerate().filter(|(_, (_, value))| is_template(value))
            {
                texts.push(compile(Hole::Value(place), &format!("header {name}"), value)?);
            }
        }
        if templates.body {
            for (place, piece) in request.body_pieces().into_iter().enumerate() {
                if let BodyPiece::Template(text) = piece {
                    texts.push(compile(Hole::Body(place), "body", &String::from_utf8_lossy(text))?);
                }
            }
        }
        let holes: Vec<Hole> = texts.iter().map(|text| text.hole).collect();
        Ok(Self { layout: Layout::new(request, manner, &holes)?, texts })
    }

    /// Whether it depends on what iterations find out, so that it cannot be made without one.
    #[must_use]
    pub fn needs_iteration(&self) -> bool {
        self.texts.iter().any(|text| text.template.needs_iteration())
    }

    /// The bytes for a step of an iteration.
    ///
    /// # Errors
    /// [`MakeError`] where a text of it has no value, or one that cannot be sent.
    pub(super) fn make(&self, scope: &Scope) -> Result<Rendered, MakeError> {
        // The holes come in the order of the texts.
        let mut texts = self.texts.iter();
        self.layout.fill(|hole, bytes| {
            let text = texts.find(|text| text.hole == hole);
            text.map_or(Ok(()), |text| text.make(bytes, scope))
        })
    }

    /// The request that these bytes were made for: `request`, with templates in place of what was made of them.
    pub(super) fn read_back(&self, request: &Request, rendered: &Rendered) -> Request {
        self.layout.read_back(request, rendered)
    }
}

/// Percent-encodes what can stand in no URI (RFC 3986, 2), and `#`, which would end the path, from this place on.
fn escape(text: &mut String, from: usize) {
    let is_harmless = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte);
    if text[from..].bytes().all(is_harmless) {
        return;
    }
    for byte in text.split_off(from).bytes() {
        match is_harmless(byte) {
            true => text.push(char::from(byte)),
            false => write!(text, "%{byte:02X}").unwrap_or_default(),
        }
    }
}
