//! A request's head, and how its body will come.

use httparse::{Error, Status};

/// The most headers that a request may have.
pub const HEADERS_MAX: usize = 128;

/// A request whose head has been understood.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) is_http_10: bool,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
    pub(crate) body: Body,
    /// The number in `x-request-id`.
    pub(crate) id: Option<u64>,
    /// The head as it came.
    pub(crate) head: Vec<u8>,
}

/// How a request's body comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    None,
    Length(u64),
    Chunked,
}

/// A request that is refused, and the status that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
}

pub(crate) const fn refuse(status: u16, reason: &'static str) -> Refusal {
    Refusal { status, reason }
}

impl Request {
    /// Reads a head from the beginning of `bytes`; `None` when more bytes are needed.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, Refusal> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Request::new(&mut headers);
        let length = match head.parse(bytes) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Ok(None),
            Err(Error::TooManyHeaders) => return Err(refuse(431, "the request has more than 128 headers")),
            Err(Error::Version) => return Err(refuse(505, "the request's version is neither HTTP/1.0 nor HTTP/1.1")),
            Err(_) => return Err(refuse(400, "the request's head is not HTTP")),
        };
        let is_http_10 = head.version == Some(0);
        let mut request = Self {
            method: head.method.unwrap_or_default().to_owned(),
            target: origin_form(head.path.unwrap_or_default()).to_owned(),
            is_http_10,
            keep_alive: !is_http_10,
            expects_continue: false,
            body: Body::None,
            id: None,
            head: bytes[..length].to_vec(),
        };
        for header in head.headers.iter() {
            request.apply(header.name, header.value.trim_ascii())?;
        }
        Ok(Some(request))
    }

    fn apply(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal> {
        if name.eq_ignore_ascii_case("connection") {
            self.keep_alive = (self.keep_alive || has_token(value, "keep-alive")) && !has_token(value, "close");
        } else if name.eq_ignore_ascii_case("content-length") {
            self.body = match (self.body, number(value)) {
                (_, None) => return Err(refuse(400, "content-length is not a number")),
                (Body::None, Some(length)) => Body::Length(length),
                (Body::Length(before), Some(length)) if before == length => self.body,
                (Body::Length(_), _) => return Err(refuse(400, "two content-lengths differ")),
                (Body::Chunked, _) => return Err(refuse(400, "content-length beside transfer-encoding")),
            };
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            self.body = match self.body {
                Body::Length(_) => return Err(refuse(400, "content-length beside transfer-encoding")),
                _ if value.eq_ignore_ascii_case(b"chunked") => Body::Chunked,
                _ => return Err(refuse(501, "the only transfer-encoding known here is chunked")),
            };
        } else if name.eq_ignore_ascii_case("expect") {
            self.expects_continue = value.eq_ignore_ascii_case(b"100-continue") && !self.is_http_10;
        } else if name.eq_ignore_ascii_case("x-request-id") {
            self.id = number(value);
        }
        Ok(())
    }
}

/// Path and query of a target that may name a whole URL, as those sent to a proxy do.
fn origin_form(target: &str) -> &str {
    match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => target,
    }
}

/// Digits and nothing else: `parse` alone would take a sign.
fn number(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn has_token(value: &[u8], token: &str) -> bool {
    value.split(|&byte| byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> Request {
        Request::parse(head.as_bytes()).expect(head).expect(head)
    }

    #[test]
    fn the_version_and_connection_decide_who_stays() {
        for (head, stays) in [
            ("GET / HTTP/1.1\r\n\r\n", true),
            ("GET / HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nconnection: te, Keep-Alive\r\n\r\n", true),
        ] {
            assert_eq!(parse(head).keep_alive, stays, "{head}");
        }
    }

    #[test]
    fn the_target_is_path_and_query() {
        for (written, meant) in [
            ("/a?b=c", "/a?b=c"),
            ("http://x.test:8/a?b", "/a?b"),
            ("http://x", "/"),
            ("/?u=http://x/y", "/?u=http://x/y"),
        ] {
            assert_eq!(parse(&format!("GET {written} HTTP/1.1\r\n\r\n")).target, meant);
        }
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        for (head, status) in [
            ("GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\ncontent-length: +1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", 501),
            ("GET / HTTP/2.0\r\n\r\n", 505),
            ("GET /\x01 HTTP/1.1\r\n\r\n", 400),
        ] {
            assert_eq!(Request::parse(head.as_bytes()).unwrap_err().status, status, "{head}");
        }
    }
}
