//! How an exchange with the target went.

use muster_proto::outcome::ErrorKind;

/// Why a request failed, with a text for the first sample of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kind under which it is counted.
    pub kind: ErrorKind,
    /// What was found, for a person to read.
    pub text: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// A complete response, with the moments at which its parts came, on [`clock::now_ns`](super::super::clock::now_ns).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// When the request's last byte was handed to the socket.
    pub written_ns: u64,
    /// When the response's first byte was read.
    pub first_byte_ns: u64,
    /// When the response's last byte was read.
    pub done_ns: u64,
    /// Bytes written, before encryption.
    pub bytes_sent: u64,
    /// Bytes read, after decryption.
    pub bytes_received: u64,
    /// Whether the connection may carry another request.
    pub reusable: bool,
    /// The `location` header of a redirect, if the caller asked for it.
    pub location: Option<Box<str>>,
    /// The response itself, if the caller asked for it.
    pub kept: Option<Box<Kept>>,
}

/// A response that is kept to be searched. It travels boxed, because most are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its head, from the status line to the empty line.
    pub head: Vec<u8>,
    /// Its body's content.
    pub body: Vec<u8>,
}

impl Kept {
    /// The values of the header fields of this name, in their order; those that are no UTF-8 are left out.
    pub fn header(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.head.split(|byte| *byte == b'\n').skip(1);
        lines.filter_map(move |line| {
            let (found, value) = line.split_at_checked(name.len())?;
            let value = value.strip_prefix(b":").filter(|_| found.eq_ignore_ascii_case(name.as_bytes()))?;
            Some(std::str::from_utf8(value).ok()?.trim())
        })
    }
}

impl Broken {
    /// A request that failed before any of it was sent.
    #[must_use]
    pub fn before_sending(failure: Failure, at_ns: u64) -> Box<Self> {
        Box::new(Self {
            failure,
            written_ns: None,
            first_byte_ns: None,
            at_ns,
            bytes_sent: 0,
            bytes_received: 0,
            closed_early: false,
        })
    }
}

/// An exchange that ended without a complete response; its connection must not be used again. It travels boxed: it is
/// rare, and would make every result as large as itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Why.
    pub failure: Failure,
    /// When the request's last byte was handed to the socket, if it was.
    pub written_ns: Option<u64>,
    /// When the response's first byte was read, if one was.
    pub first_byte_ns: Option<u64>,
    /// When it failed.
    pub at_ns: u64,
    /// Bytes written, before encryption.
    pub bytes_sent: u64,
    /// Bytes read, after decryption.
    pub bytes_received: u64,
    /// Whether the peer closed or reset the connection before any byte of a response: on a reused connection, the
    /// mark of a server that had already given it up.
    pub closed_early: bool,
}
