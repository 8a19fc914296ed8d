//! A response's bytes, piece by piece, so that a large body never stands in memory.

use crate::script::Framing;

/// The most bytes of a body in one chunk, or in one write.
const PIECE: usize = 1 << 14;

/// The bytes of every scripted body, over and over.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";

static PATTERN: [u8; PIECE] = pattern();

const fn pattern() -> [u8; PIECE] {
    let mut bytes = [0; PIECE];
    let mut at = 0;
    while at < PIECE {
        bytes[at] = ALPHABET[at % ALPHABET.len()];
        at += 1;
    }
    bytes
}

/// What a response carries.
#[derive(Debug)]
pub(crate) enum Content {
    /// So many bytes of the pattern, as plain text.
    Pattern(u64),
    /// A JSON document.
    Json(Vec<u8>),
    /// A sentence.
    Text(String),
}

/// Gives a response's bytes in order.
pub(crate) struct Encoder {
    head: Vec<u8>,
    content: Content,
    framing: Framing,
    sent: u64,
    bodiless: bool,
    head_sent: bool,
}

impl Encoder {
    /// A response with these headers besides those that tell of its content. Without a body when it answers HEAD
    /// (`to_head`) or its status forbids one; the head says what the body would have been.
    pub(crate) fn new(
        status: u16,
        framing: Framing,
        content: Content,
        headers: &[(&str, &str)],
        to_head: bool,
    ) -> Self {
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        let forbidden = matches!(status, 204 | 304);
        if !forbidden {
            head += &format!("content-type: {}\r\n", content.media_type());
            match framing {
                Framing::Length => head += &format!("content-length: {}\r\n", content.len()),
                Framing::Chunked => head += "transfer-encoding: chunked\r\n",
                Framing::Close => {}
            }
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        let bodiless = forbidden || to_head;
        Self { head: head.into_bytes(), content, framing, sent: 0, bodiless, head_sent: false }
    }

    /// The head's length in bytes.
    pub(crate) fn head_len(&self) -> usize {
        self.head.len()
    }

    /// The content's length in bytes, whether or not it will be sent.
    pub(crate) fn content_len(&self) -> u64 {
        self.content.len()
    }

    /// Gives the head on its own.
    pub(crate) fn take_head(&mut self) -> Vec<u8> {
        self.head_sent = true;
        std::mem::take(&mut self.head)
    }

    /// Whether nothing follows the head.
    pub(crate) fn is_only_head(&self) -> bool {
        self.bodiless || (self.content.len() == 0 && self.framing != Framing::Chunked)
    }

    /// Adds the next bytes; true when they are the last.
    pub(crate) fn next(&mut self, piece: &mut Vec<u8>) -> bool {
        if !self.head_sent {
            piece.extend_from_slice(&self.head);
            self.head_sent = true;
        }
        if self.is_only_head() {
            return true;
        }
        let slice = self.content.slice(self.sent);
        self.sent += slice.len() as u64;
        let is_last = self.sent == self.content.len();
        match self.framing {
            Framing::Chunked => {
                if !slice.is_empty() {
                    piece.extend_from_slice(format!("{:x}\r\n", slice.len()).as_bytes());
                    piece.extend_from_slice(slice);
                    piece.extend_from_slice(b"\r\n");
                }
                if is_last {
                    piece.extend_from_slice(b"0\r\n\r\n");
                }
            }
            Framing::Length | Framing::Close => piece.extend_from_slice(slice),
        }
        is_last
    }
}

impl Content {
    fn len(&self) -> u64 {
        match self {
            Self::Pattern(size) => *size,
            Self::Json(bytes) => bytes.len() as u64,
            Self::Text(text) => text.len() as u64,
        }
    }

    fn media_type(&self) -> &'static str {
        match self {
            Self::Pattern(_) | Self::Text(_) => "text/plain",
            Self::Json(_) => "application/json",
        }
    }

    /// At most one piece of the content, from this offset on. Pieces begin at multiples of their size.
    fn slice(&self, from: u64) -> &[u8] {
        let bytes = match self {
            Self::Pattern(size) => return &PATTERN[..(size - from).min(PIECE as u64) as usize],
            Self::Json(bytes) => bytes.as_slice(),
            Self::Text(text) => text.as_bytes(),
        };
        let rest = &bytes[(from as usize).min(bytes.len())..];
        &rest[..rest.len().min(PIECE)]
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Scripted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut encoder: Encoder) -> String {
        let mut bytes = Vec::new();
        while !encoder.next(&mut bytes) {}
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_framing_tells_where_the_body_ends() {
        let of = |framing, size| all(Encoder::new(200, framing, Content::Pattern(size), &[("a", "b")], false));
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
        assert_eq!(of(Framing::Length, 3), format!("{head}content-length: 3\r\na: b\r\n\r\nabc"));
        assert_eq!(of(Framing::Length, 0), format!("{head}content-length: 0\r\na: b\r\n\r\n"));
        assert_eq!(of(Framing::Close, 3), format!("{head}a: b\r\n\r\nabc"));
        let chunked = format!("{head}transfer-encoding: chunked\r\na: b\r\n\r\n");
        assert_eq!(of(Framing::Chunked, 3), format!("{chunked}3\r\nabc\r\n0\r\n\r\n"));
        assert_eq!(of(Framing::Chunked, 0), format!("{chunked}0\r\n\r\n"));
        let large = of(Framing::Chunked, PIECE as u64 + 1);
        assert!(large.starts_with(&format!("{chunked}4000\r\nabc")) && large.ends_with("45\r\n1\r\na\r\n0\r\n\r\n"));
    }

    #[test]
    fn some_responses_have_no_body() {
        let head = all(Encoder::new(200, Framing::Length, Content::Pattern(3), &[], true));
        assert_eq!(head, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\n");
        let empty = all(Encoder::new(204, Framing::Chunked, Content::Pattern(3), &[], false));
        assert_eq!(empty, "HTTP/1.1 204 No Content\r\n\r\n");
    }
}
