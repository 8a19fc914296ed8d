//! Requests as bytes, rendered once where nothing varies.

use muster_proto::plan::Request;
use thiserror::Error;

use super::layout::ID_DIGITS;
use super::{Layout, check};

/// A request as it goes over the wire, with what the one who reads the response must know.
#[derive(Clone, Debug)]
pub struct Rendered {
    pub(super) bytes: Vec<u8>,
    pub(super) asked: Asked,
    pub(super) closes: bool,
    /// Where the digits of its number stand, if it has one.
    pub(super) id_at: Option<usize>,
}

/// A request on its way: its bytes, and the number that goes with them if they have a place for it.
#[derive(Clone, Copy, Debug)]
pub struct Numbered<'a> {
    /// The bytes.
    pub rendered: &'a Rendered,
    /// The number.
    pub id: u64,
}

impl<'a> Numbered<'a> {
    /// What is to be written after the first `sent` bytes, or its beginning: where the number is still to come, as much
    /// as `copy` takes, with the number in it. The same bytes whenever it is asked for, so nothing needs to be kept
    /// between two attempts to write.
    #[must_use]
    pub fn rest(&self, sent: usize, copy: &'a mut [u8]) -> &'a [u8] {
        let rest = &self.rendered.bytes()[sent..];
        let Some(at) = self.rendered.id_at.filter(|at| sent < at + ID_DIGITS) else { return rest };
        let length = rest.len().min(copy.len());
        let copy = &mut copy[..length];
        copy.copy_from_slice(&rest[..length]);
        let mut left = self.id;
        for place in (at..at + ID_DIGITS).rev() {
            if let Some(digit) = place.checked_sub(sent).and_then(|place| copy.get_mut(place)) {
                *digit = b'0' + (left % 10) as u8;
            }
            left /= 10;
        }
        copy
    }
}

/// What of a request decides about its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method, as far as it decides whether there is a body.
    pub verb: Verb,
    /// Whether a redirect's `location` is wanted.
    pub location: bool,
    /// Whether the response is to be kept, to be searched.
    pub keep: bool,
    /// Whether its head is to be kept if it sets cookies.
    pub cookies: bool,
}

/// The methods whose responses end differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// No response has a body.
    Head,
    /// A successful response turns the connection into a tunnel.
    Connect,
    /// Any other method: the response says itself where it ends.
    Other,
}

/// How requests are put on a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whether the request line names the whole URL, as a proxy that speaks plain HTTP needs it.
    pub absolute: bool,
    /// Whether the connection is kept for another request.
    pub keep_alive: bool,
    /// Whether the request carries a number, unless the plan gives it one of its own.
    pub numbered: bool,
    /// Whether its response is kept, to be searched.
    pub keep: bool,
    /// Whether the cookies are kept that its response sets.
    pub cookies: bool,
}

/// Why a request cannot be put on the wire.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RenderError {
    /// The method is no token of RFC 9110.
    #[error("the method is \"{}\": wanted a word such as GET", .0.escape_default())]
    Method(String),
    /// The path would break the request line.
    #[error("the path is \"{}\": wanted a slash, then printable ASCII; escape anything else as %XX", .0.escape_default())]
    Path(String),
    /// The host would break the request.
    #[error("the host is \"{}\": wanted a name or an address", .0.escape_default())]
    Host(String),
    /// A header's name is no token of RFC 9110.
    #[error("a header's name is \"{}\": wanted a word such as x-request-id", .0.escape_default())]
    HeaderName(String),
    /// A header's value holds a line end or another control character. It may be a secret, so it is not shown.
    #[error("the value of header {0} has a control character: remove the line ends in it")]
    HeaderValue(String),
    /// A given `content-length` would leave the target waiting, or take the body for another request.
    #[error("header content-length is given but the body has {0} bytes: leave the header out")]
    ContentLength(usize),
    /// Bodies are never sent in chunks, so a given `transfer-encoding` would be a lie.
    #[error("header transfer-encoding is given but bodies are sent with their length: leave the header out")]
    TransferEncoding,
}

impl Rendered {
    /// The request's head and body, with the headers that follow from the rest unless the plan gives them.
    ///
    /// # Errors
    /// What in the request is not HTTP, before any byte of it could do harm.
    pub fn new(request: &Request, manner: Manner) -> Result<Self, RenderError> {
        Layout::new(request, manner, &[])?.fill(|_, _| Ok(()))
    }

    /// The same with more header fields.
    ///
    /// # Errors
    /// [`RenderError::HeaderValue`] where a value has control characters.
    pub fn with_fields<V: AsRef<str>>(&self, fields: &[(&str, V)]) -> Result<Self, RenderError> {
        let (head, rest) = self.bytes.split_at(self.head_bytes());
        let room: usize = fields.iter().map(|(name, value)| name.len() + value.as_ref().len() + 4).sum();
        let mut bytes = Vec::with_capacity(self.bytes.len() + room);
        bytes.extend_from_slice(head);
        for (name, value) in fields {
            check::value(name, value.as_ref())?;
            for part in [name, ": ", value.as_ref(), "\r\n"] {
                bytes.extend_from_slice(part.as_bytes());
            }
        }
        bytes.extend_from_slice(rest);
        Ok(Self { bytes, asked: self.asked, closes: self.closes, id_at: self.id_at })
    }

    /// The lines of its head, and its body.
    #[must_use]
    pub fn parts(&self) -> (&str, &[u8]) {
        let (head, rest) = self.bytes.split_at(self.head_bytes());
        (std::str::from_utf8(head).unwrap_or_default(), rest.get(2..).unwrap_or_default())
    }

    /// How long the lines of the head are, without the empty one after them.
    fn head_bytes(&self) -> usize {
        memchr::memmem::find(&self.bytes, b"\r\n\r\n").map_or(self.bytes.len(), |at| at + 2)
    }

    /// Everything to write.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What to tell the decoder of the response.
    #[must_use]
    pub fn asked(&self) -> Asked {
        self.asked
    }

    /// Whether the connection ends with this request, whatever the response says.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.closes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use muster_proto::plan::{Body, Redirects, Url};

    use super::super::layout::USER_AGENT;
    use super::*;

    const KEPT: Manner = Manner { absolute: false, keep_alive: true, numbered: false, keep: false, cookies: false };

    fn request(method: &str, headers: &[(&str, &str)], body: &'static str) -> Request {
        Request {
            headers: headers.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
            body: Body(body.into()),
            timeout: Duration::from_secs(1),
            ..Request::new(
                "step",
                method,
                Url { tls: false, host: "shop.test".into(), port: 8080, path: "/a?b=c".into() },
            )
        }
    }

    fn text(request: &Request, manner: Manner) -> String {
        String::from_utf8(Rendered::new(request, manner).unwrap().bytes().to_vec()).unwrap()
    }

    #[test]
    fn what_the_plan_does_not_say_follows_from_the_rest() {
        let agent = format!("user-agent: {USER_AGENT}\r\naccept: */*\r\n");
        let get = text(&request("GET", &[], ""), KEPT);
        assert_eq!(get, format!("GET /a?b=c HTTP/1.1\r\nhost: shop.test:8080\r\n{agent}\r\n"));
        let empty_post = text(&request("POST", &[], ""), KEPT);
        assert_eq!(
            empty_post,
            format!("POST /a?b=c HTTP/1.1\r\nhost: shop.test:8080\r\n{agent}content-length: 0\r\n\r\n")
        );
        let delete = text(&request("DELETE", &[], "why"), KEPT);
        assert!(delete.ends_with("content-length: 3\r\n\r\nwhy"), "{delete}");
    }

    #[test]
    fn what_the_plan_says_replaces_it() {
        let given = [("host", "other.test"), ("User-Agent", "x"), ("accept", "a/b"), ("x-a", " 1 "), ("x-a", "2")];
        assert_eq!(
            text(&request("GET", &given, ""), KEPT),
            "GET /a?b=c HTTP/1.1\r\nhost: other.test\r\nUser-Agent: x\r\naccept: a/b\r\nx-a: 1\r\nx-a: 2\r\n\r\n"
        );
        let put = text(&request("PUT", &[("content-length", "2")], "ok"), KEPT);
        assert_eq!(put.matches("content-length").count(), 1, "{put}");
    }

    #[test]
    fn a_number_is_written_over_its_place_wherever_writing_goes_on() {
        let post = Rendered::new(&request("POST", &[("x-a", "1")], "body"), Manner { numbered: true, ..KEPT }).unwrap();
        let wanted = String::from_utf8(post.bytes().to_vec()).unwrap();
        let wanted = wanted.replace(&"0".repeat(20), "09223372036854775809");
        assert!(wanted.ends_with("x-a: 1\r\nx-request-id: 09223372036854775809\r\n\r\nbody"), "{wanted}");
        let numbered = Numbered { rendered: &post, id: (1 << 63) + 1 };
        for room in [7, 64, 1_000] {
            let (mut sent, mut copy) = (Vec::new(), vec![0; room]);
            while sent.len() < wanted.len() {
                sent.extend_from_slice(numbered.rest(sent.len(), &mut copy));
            }
            assert_eq!(String::from_utf8(sent).unwrap(), wanted);
        }
        let given = Rendered::new(&request("GET", &[("X-Request-Id", "5")], ""), Manner { numbered: true, ..KEPT });
        let given = given.unwrap();
        assert_eq!(Numbered { rendered: &given, id: 9 }.rest(0, &mut [0; 100]), given.bytes(), "the plan's own stays");
    }

    #[test]
    fn connections_that_are_not_kept_say_so() {
        let once = Manner { keep_alive: false, ..KEPT };
        assert!(text(&request("GET", &[], ""), once).contains("\r\nconnection: close\r\n"));
        assert!(Rendered::new(&request("GET", &[], ""), once).unwrap().closes());
        assert!(!Rendered::new(&request("GET", &[], ""), KEPT).unwrap().closes());
        assert!(Rendered::new(&request("GET", &[("connection", "te, Close")], ""), KEPT).unwrap().closes());
    }

    #[test]
    fn a_proxy_is_told_the_whole_url() {
        let through_proxy = Manner { absolute: true, ..KEPT };
        let mut get = request("GET", &[], "");
        assert!(text(&get, through_proxy).starts_with("GET http://shop.test:8080/a?b=c HTTP/1.1\r\nhost: shop.test"));
        get.method = "CONNECT".into();
        assert!(text(&get, KEPT).starts_with("CONNECT shop.test:8080 HTTP/1.1\r\n"));
        get.url.host = "::1".into();
        assert!(text(&get, KEPT).starts_with("CONNECT [::1]:8080 HTTP/1.1\r\nhost: [::1]:8080\r\n"));
    }

    #[test]
    fn what_decides_about_the_response_is_kept() {
        let asked = |method| Rendered::new(&request(method, &[], ""), KEPT).unwrap().asked();
        assert_eq!(asked("GET"), Asked { verb: Verb::Other, location: false, keep: false, cookies: false });
        assert_eq!(asked("HEAD").verb, Verb::Head);
        assert_eq!(asked("CONNECT").verb, Verb::Connect);
        let following = Request { redirects: Redirects(3), ..request("GET", &[], "") };
        assert!(Rendered::new(&following, KEPT).unwrap().asked().location);
    }

    #[test]
    fn nothing_can_be_smuggled_into_a_head() {
        let refused = |request: &Request| Rendered::new(request, KEPT).unwrap_err();
        for method in ["", "GE T", "GET\r\n", "G\u{e9}T"] {
            assert_eq!(refused(&request(method, &[], "")), RenderError::Method(method.into()));
        }
        for path in ["", "a", "/a b", "/a\r\nx: y", "/a\0", "/\u{e9}", "/a#b"] {
            let mut get = request("GET", &[], "");
            get.url.path = path.into();
            assert_eq!(refused(&get), RenderError::Path(path.into()));
        }
        for host in ["", "a b", "a\r\nx: y", "a/b", "u@h"] {
            let mut get = request("GET", &[], "");
            get.url.host = host.into();
            assert_eq!(refused(&get), RenderError::Host(host.into()));
        }
        for name in ["", "x y", "x:", "x\n"] {
            assert_eq!(refused(&request("GET", &[(name, "v")], "")), RenderError::HeaderName(name.into()));
        }
        for value in ["a\rb", "a\nb", "a\0b", "secret\r\n", "\x7f"] {
            assert_eq!(refused(&request("GET", &[("x", value)], "")), RenderError::HeaderValue("x".into()));
        }
        assert_eq!(refused(&request("POST", &[("Content-Length", "9")], "ok")), RenderError::ContentLength(2));
        assert_eq!(refused(&request("POST", &[("te", "x"), ("Transfer-Encoding", "chunked")], "ok")), {
            RenderError::TransferEncoding
        });
    }

    #[test]
    fn a_secret_value_is_not_shown() {
        let error = Rendered::new(&request("GET", &[("authorization", "hunter2\n")], ""), KEPT).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
