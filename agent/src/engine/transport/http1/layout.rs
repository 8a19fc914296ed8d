//! A request laid out once: what of its bytes is always the same, and holes for what is made each time.

mod head;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memchr;
use muster_proto::plan::{Body, BodyPiece, Request};

use super::{Asked, Manner, RenderError, Rendered, Verb, check};
#[cfg(test)]
pub(super) use head::USER_AGENT;
use head::{LENGTH, Piece, is_given, pieces, says};

/// How many digits a request's number has: those of the largest, so that every number takes the same place.
pub(super) const ID_DIGITS: usize = 20;

/// How much room a text that is made gets at first, in bytes. What is longer takes more.
const HOLE_BYTES: usize = 64;
/// The same for a body.
const BODY_BYTES: usize = 512;

/// A text of a request that is made each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole {
    /// Its path.
    Path,
    /// The value of the header field at this place.
    Value(usize),
    /// The piece of its body at this place.
    Body(usize),
}

/// A request, laid out.
#[derive(Debug)]
pub struct Layout {
    head: Vec<Piece>,
    body: Vec<BodyPart>,
    asked: Asked,
    keep_alive: bool,
    /// Whether the length of an empty body is told too.
    tells_empty: bool,
    /// Whether header fields are given whose values must fit the rest, or decide about the connection.
    gives_length: bool,
    gives_connection: bool,
    /// How much room the bytes get at first.
    room: usize,
}

/// A piece of a body.
#[derive(Debug)]
enum BodyPart {
    /// The same each time.
    Bytes(Box<[u8]>),
    /// Made each time, as the piece at this place.
    Made(usize),
}

impl BodyPart {
    fn room(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Made(_) => BODY_BYTES,
        }
    }
}

/// A head that is filled in, but for the length of what is to come.
struct Head {
    text: String,
    /// Where the field stands that tells it, if it is to be told ...
    length_at: Option<usize>,
    /// ... and the digits of the request's number. They come later.
    id_at: Option<usize>,
}

impl Layout {
    /// Lays a request out with these holes, and with the header fields that follow from the rest unless it gives them.
    ///
    /// # Errors
    /// What in the request is not HTTP.
    pub fn new(request: &Request, manner: Manner, holes: &[Hole]) -> Result<Self, RenderError> {
        check::frame(request)?;
        let verb = match request.method.as_str() {
            "HEAD" => Verb::Head,
            "CONNECT" => Verb::Connect,
            _ => Verb::Other,
        };
        let head = pieces(request, verb, manner, holes)?;
        let body: Vec<BodyPart> = body_parts(request, holes);
        let body_room: usize = body.iter().map(BodyPart::room).sum();
        Ok(Self {
            room: head.iter().map(Piece::room).sum::<usize>() + body_room,
            head,
            body,
            asked: Asked { verb, location: request.redirects.0 > 0, keep: manner.keep, cookies: manner.cookies },
            keep_alive: manner.keep_alive,
            tells_empty: matches!(request.method.as_str(), "POST" | "PUT" | "PATCH"),
            gives_length: is_given(request, "content-length"),
            gives_connection: is_given(request, "connection"),
        })
    }

    /// The request's bytes. `make` adds the texts for the holes, in the order in which they are sent.
    ///
    /// # Errors
    /// Those of `make`, and what in its texts is not HTTP, before any byte of it could do harm.
    pub fn fill<E: From<RenderError>>(
        &self,
        mut make: impl FnMut(Hole, &mut String) -> Result<(), E>,
    ) -> Result<Rendered, E> {
        let Head { mut text, length_at, mut id_at } = self.fill_head(&mut make)?;
        let head_bytes = text.len();
        let closes = !self.keep_alive || (self.gives_connection && says(&text, "connection", is_close));
        let rest = self.fill_body(&mut text, &mut make)?;
        let length = text.len() - head_bytes + rest.len();
        if self.gives_length && says(&text[..head_bytes], "content-length", |value| value != length.to_string()) {
            return Err(RenderError::ContentLength(length).into());
        }
        if let Some(at) = length_at.filter(|_| length > 0 || self.tells_empty) {
            let field = format!("{LENGTH}{length}\r\n");
            text.insert_str(at, &field);
            id_at = id_at.map(|id_at| id_at + field.len());
        }
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&rest);
        Ok(Rendered { bytes, asked: self.asked, closes, id_at })
    }

    /// Adds what is made of the body to the text, up to the first bytes that are always the same: with these, which may be
    /// no text, begins what is returned.
    fn fill_body<E: From<RenderError>>(
        &self,
        text: &mut String,
        make: &mut impl FnMut(Hole, &mut String) -> Result<(), E>,
    ) -> Result<Cow<'_, [u8]>, E> {
        let mut rest: Option<Cow<'_, [u8]>> = None;
        for part in &self.body {
            match (part, &mut rest) {
                (BodyPart::Made(place), None) => make(Hole::Body(*place), text)?,
                (BodyPart::Made(place), Some(rest)) => {
                    let mut made = String::new();
                    make(Hole::Body(*place), &mut made)?;
                    rest.to_mut().extend_from_slice(made.as_bytes());
                }
                (BodyPart::Bytes(bytes), None) => rest = Some(Cow::Borrowed(bytes)),
                (BodyPart::Bytes(bytes), Some(rest)) => rest.to_mut().extend_from_slice(bytes),
            }
        }
        Ok(rest.unwrap_or_default())
    }

    fn fill_head<E: From<RenderError>>(
        &self,
        make: &mut impl FnMut(Hole, &mut String) -> Result<(), E>,
    ) -> Result<Head, E> {
        let mut head = Head { text: String::with_capacity(self.room), length_at: None, id_at: None };
        for piece in &self.head {
            let at = head.text.len();
            let text = &mut head.text;
            match piece {
                Piece::Text(always) => text.push_str(always),
                Piece::Path => {
                    make(Hole::Path, text)?;
                    check::path(&text[at..])?;
                }
                Piece::Value(place, name) => {
                    make(Hole::Value(*place), text)?;
                    check::value(name, &text[at..])?;
                    trim(text, at);
                }
                Piece::Length => head.length_at = Some(at),
                Piece::Id => head.id_at = Some(at),
            }
        }
        Ok(head)
    }

    /// The request whose bytes these are, which were filled in here: `request`, with the texts that were made for it.
    #[must_use]
    pub fn read_back(&self, request: &Request, rendered: &Rendered) -> Request {
        let (mut request, mut rest) = (request.clone(), rendered.bytes());
        for piece in &self.head {
            match piece {
                Piece::Text(always) => rest = rest.get(always.len()..).unwrap_or_default(),
                // Neither has the byte in it that stands behind it.
                Piece::Path => request.url.path = take_to(&mut rest, b' '),
                Piece::Value(place, _) => request.headers[*place].1 = take_to(&mut rest, b'\r'),
                Piece::Length if rest.starts_with(LENGTH.as_bytes()) => {
                    take_to(&mut rest, b'\n');
                    rest = rest.get(1..).unwrap_or_default();
                }
                Piece::Length | Piece::Id => {}
            }
        }
        if self.body.iter().any(|part| matches!(part, BodyPart::Made(_))) {
            request.body = Body(Bytes::copy_from_slice(rest));
            request.verbatim.clear();
        }
        request
    }
}

/// The pieces of a body, of which some are holes.
fn body_parts(request: &Request, holes: &[Hole]) -> Vec<BodyPart> {
    let part = |(place, piece)| match piece {
        _ if holes.contains(&Hole::Body(place)) => BodyPart::Made(place),
        BodyPiece::Verbatim(bytes) | BodyPiece::Template(bytes) => BodyPart::Bytes(bytes.into()),
    };
    request.body_pieces().into_iter().enumerate().map(part).collect()
}

/// Takes what stands before this byte.
fn take_to(rest: &mut &[u8], byte: u8) -> String {
    let (taken, left) = rest.split_at(memchr(byte, rest).unwrap_or(rest.len()));
    *rest = left;
    String::from_utf8_lossy(taken).into_owned()
}

/// Takes the blanks around a text away that begins here.
fn trim(text: &mut String, from: usize) {
    text.truncate(text.trim_end().len().max(from));
    let blanks = text.len() - text[from..].trim_start().len() - from;
    if blanks > 0 {
        text.drain(from..from + blanks);
    }
}

fn is_close(value: &str) -> bool {
    value.split(',').any(|option| option.trim().eq_ignore_ascii_case("close"))
}
