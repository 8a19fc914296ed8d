//! The pieces of a head: the request line, the fields that follow from the rest, and those that the plan gives.

use muster_proto::plan::Request;

use super::super::{Manner, RenderError, Verb, check};
use super::{HOLE_BYTES, Hole, ID_DIGITS};

/// What a request says that it comes from, unless the plan says something else.
pub(in super::super) const USER_AGENT: &str = concat!("muster/", env!("CARGO_PKG_VERSION"));
/// The field that carries a request's number.
const ID_NAME: &str = "x-request-id";
/// How the field begins that tells the body's length.
pub(super) const LENGTH: &str = "content-length: ";

/// A piece of a head.
#[derive(Debug)]
pub(super) enum Piece {
    /// The same each time.
    Text(String),
    Path,
    /// The value of the field at this place, which has this name.
    Value(usize, String),
    /// The field that tells the body's length, where there is one to tell.
    Length,
    /// The digits of the request's number begin here.
    Id,
}

impl Piece {
    /// How much room it gets at first, in bytes.
    pub(super) fn room(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Path | Self::Value(..) | Self::Length => HOLE_BYTES,
            Self::Id => 0,
        }
    }
}

/// All of a head, with the empty line after it.
pub(super) fn pieces(request: &Request, verb: Verb, manner: Manner, holes: &[Hole]) -> Result<Vec<Piece>, RenderError> {
    let mut pieces = Pieces(Vec::new());
    pieces.request_line(request, verb, manner.absolute, holes)?;
    pieces.default(request, "host", &request.url.authority());
    pieces.default(request, "user-agent", USER_AGENT);
    pieces.default(request, "accept", "*/*");
    if !is_given(request, "content-length") {
        pieces.0.push(Piece::Length);
    }
    if !manner.keep_alive {
        pieces.default(request, "connection", "close");
    }
    for (place, (name, value)) in request.headers.iter().enumerate() {
        pieces.add(&[name, ": "]);
        match holes.contains(&Hole::Value(place)) {
            true => pieces.0.push(Piece::Value(place, name.clone())),
            false => {
                check::value(name, value)?;
                pieces.add(&[value.trim()]);
            }
        }
        pieces.add(&["\r\n"]);
    }
    if manner.numbered && !is_given(request, ID_NAME) {
        pieces.add(&[ID_NAME, ": "]);
        pieces.0.push(Piece::Id);
        pieces.add(&[&"0".repeat(ID_DIGITS), "\r\n"]);
    }
    pieces.add(&["\r\n"]);
    Ok(pieces.0)
}

struct Pieces(Vec<Piece>);

impl Pieces {
    fn add(&mut self, parts: &[&str]) {
        if !matches!(self.0.last(), Some(Piece::Text(_))) {
            self.0.push(Piece::Text(String::new()));
        }
        if let Some(Piece::Text(text)) = self.0.last_mut() {
            text.extend(parts.iter().copied());
        }
    }

    /// A field that follows from the rest, unless it is given.
    fn default(&mut self, request: &Request, name: &str, value: &str) {
        if !is_given(request, name) {
            self.add(&[name, ": ", value, "\r\n"]);
        }
    }

    fn request_line(
        &mut self,
        request: &Request,
        verb: Verb,
        is_absolute: bool,
        holes: &[Hole],
    ) -> Result<(), RenderError> {
        let url = &request.url;
        let is_made = holes.contains(&Hole::Path);
        if !is_made {
            check::path(&url.path)?;
        }
        self.add(&[&request.method, " "]);
        if verb == Verb::Connect {
            let (open, close) = if url.host.contains(':') { ("[", "]") } else { ("", "") };
            self.add(&[open, &url.host, close, ":", &url.port.to_string(), " HTTP/1.1\r\n"]);
            return Ok(());
        }
        if is_absolute {
            self.add(&[if url.tls { "https://" } else { "http://" }, &url.authority()]);
        }
        match is_made {
            true => self.0.push(Piece::Path),
            false => self.add(&[&url.path]),
        }
        self.add(&[" HTTP/1.1\r\n"]);
        Ok(())
    }
}

/// Whether the plan gives this header field.
pub(super) fn is_given(request: &Request, name: &str) -> bool {
    request.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name))
}

/// Whether a field of this name in a head has such a value.
pub(super) fn says(head: &str, name: &str, such: impl Fn(&str) -> bool) -> bool {
    let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
    fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)).any(|(_, value)| such(value))
}
