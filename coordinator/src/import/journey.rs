//! What every importer makes of its input, and what the plan is written from.

use std::time::Duration;

use super::address::Address;
use super::body::Body;
use super::json::Json;
use super::notes::Notes;
use super::text::Text;

/// Requests that one user makes one after the other, and what belongs to all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Journey {
    /// What the plan is called, if the input says so.
    pub(super) name: Option<String>,
    /// What the scenario is called.
    pub(super) scenario: &'static str,
    pub(super) vars: Vec<(String, Json)>,
    pub(super) connect: Connect,
    pub(super) requests: Vec<Request>,
    pub(super) notes: Notes,
}

/// How connections are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Connect {
    /// As `http://host:port`.
    pub(super) proxy: Option<String>,
    /// Any certificate is accepted.
    pub(super) insecure: bool,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// How long the user pauses before it.
    pub(super) think: Option<Duration>,
    pub(super) name: Option<String>,
    pub(super) method: String,
    pub(super) address: Address,
    pub(super) headers: Headers,
    pub(super) body: Body,
    /// The status that it must be answered with.
    pub(super) expect: Option<u16>,
    pub(super) redirects: Option<u8>,
    pub(super) timeout: Option<Duration>,
    /// What is kept of the response for later requests: a name, and where it stands.
    pub(super) captures: Vec<(String, String)>,
}

/// Header fields in order, names in lower case.
pub(super) type Headers = Vec<(String, Text)>;

impl Request {
    /// A request with nothing but its method and address.
    pub(super) fn new(method: &str, address: Address) -> Self {
        Self {
            think: None,
            name: None,
            method: method.to_ascii_uppercase(),
            address,
            headers: Headers::new(),
            body: Body::None,
            expect: None,
            redirects: None,
            timeout: None,
            captures: Vec::new(),
        }
    }

    /// What notes call it.
    pub(super) fn shown(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("{} {}", self.method, self.address.shown()))
    }

    /// Gives it a body and the `content-type` that says what it is, unless a field says so already, or what stands between
    /// its parts follows from them.
    pub(super) fn set_body(&mut self, body: Body, content_type: &str) {
        self.body = body;
        if let Body::Parts(_) = self.body {
            self.headers.retain(|(name, _)| name != "content-type");
        } else if self.header("content-type").is_none() {
            self.headers.push(("content-type".to_owned(), Text::literal(content_type)));
        }
    }

    /// The first header field of this name.
    pub(super) fn header(&self, name: &str) -> Option<&Text> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}
