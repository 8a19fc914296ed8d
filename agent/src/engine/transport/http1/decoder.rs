//! Bytes to responses. Knows no runtime, so that it can be tested with nothing but bytes.

use memchr::memchr;

use super::super::{Failure, Kept};
use super::body::Body;
use super::found::{cut_short, malformed};
use super::head::{self, Head};
use super::{Asked, KnownHeads, Limits, Verb};

/// The largest body that is kept to be searched, in bytes.
const KEPT_BYTES_MAX: u64 = 8 << 20;
/// The most interim responses (1xx) before the final one.
const INTERIM_MAX: u8 = 16;

/// Decodes one response. Its status, reuse and location are known once it is complete.
#[derive(Debug)]
pub struct Decoder {
    asked: Asked,
    head_bytes_max: usize,
    body_bytes_max: u64,
    stage: Stage,
    /// The beginning of a head that has not come in one piece. Never allocated otherwise.
    carry: Vec<u8>,
    interim: u8,
    status: u16,
    persistent: bool,
    location: Option<Box<str>>,
    kept: Option<Box<Kept>>,
}

#[derive(Debug)]
enum Stage {
    Head,
    Body(Body),
    Complete,
}

/// How far a piece of input has brought the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// All of the piece was used, and there is more to come.
    Partial,
    /// The response is complete; it ended after so many bytes of the piece.
    Complete {
        /// Bytes of the piece that belong to the response. Any that follow were not asked for.
        consumed: usize,
    },
}

impl Decoder {
    /// Awaits the response to such a request.
    #[must_use]
    pub fn begin(asked: Asked, limits: &Limits) -> Self {
        Self {
            asked,
            head_bytes_max: limits.head_bytes_max,
            body_bytes_max: match asked.keep {
                true => limits.body_bytes_max.min(KEPT_BYTES_MAX),
                false => limits.body_bytes_max,
            },
            stage: Stage::Head,
            carry: Vec::new(),
            interim: 0,
            status: 0,
            persistent: false,
            location: None,
            kept: None,
        }
    }

    /// Takes the next bytes of the connection. A complete response takes no more.
    ///
    /// # Errors
    /// `protocol` when the bytes are no HTTP/1 response, `too_large` when they exceed the limits. The connection is
    /// then of no use.
    pub fn feed(&mut self, known: &mut KnownHeads, input: &[u8]) -> Result<Fed, Failure> {
        let mut consumed = 0;
        loop {
            let rest = &input[consumed..];
            let used = match &mut self.stage {
                Stage::Head => self.feed_head(known, rest)?,
                Stage::Body(body) => {
                    let kept = if self.asked.keep { &mut self.kept } else { &mut None };
                    let used = body.feed(rest, |data| {
                        if let Some(kept) = kept {
                            kept.body.extend_from_slice(data);
                        }
                    })?;
                    if used.is_some() {
                        self.stage = Stage::Complete;
                    }
                    used
                }
                Stage::Complete => return Ok(Fed::Complete { consumed }),
            };
            match used {
                Some(used) => consumed += used,
                None => return Ok(Fed::Partial),
            }
        }
    }

    /// The peer sends no more: whether that completes the response.
    ///
    /// # Errors
    /// `reset` when something was still to come, `protocol` when what has come of a head was none.
    pub fn eof(&mut self) -> Result<(), Failure> {
        match &self.stage {
            Stage::Head => {
                head::parse(&self.carry, self.head_bytes_max)?;
                return Err(cut_short("the response head"));
            }
            Stage::Body(body) => body.eof()?,
            Stage::Complete => {}
        }
        self.stage = Stage::Complete;
        self.persistent = false;
        Ok(())
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the peer lets the connection carry another request.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.persistent
    }

    /// The `location` of a redirect, if the request wanted it and it is text.
    pub fn take_location(&mut self) -> Option<Box<str>> {
        self.location.take()
    }

    /// The response itself, if the request wanted it kept.
    pub fn take_kept(&mut self) -> Option<Box<Kept>> {
        self.kept.take()
    }

    /// How much of `input` belongs to the head when it is complete.
    fn feed_head(&mut self, known: &mut KnownHeads, input: &[u8]) -> Result<Option<usize>, Failure> {
        if !self.carry.is_empty() {
            return self.feed_carried_head(input);
        }
        if let Some((bytes, head)) = known.find(input)
            && bytes <= self.head_bytes_max
        {
            self.accept(head, &input[..bytes])?;
            return Ok(Some(bytes));
        }
        let Some((bytes, head)) = head::parse(input, self.head_bytes_max)? else {
            self.carry.extend_from_slice(input);
            return Ok(None);
        };
        known.learn(&input[..bytes], head);
        self.accept(head, &input[..bytes])?;
        Ok(Some(bytes))
    }

    /// A head that comes in pieces is parsed anew only when another of its lines has come. As their number is bounded,
    /// a target that sends byte by byte costs no more than so many times its head.
    fn feed_carried_head(&mut self, input: &[u8]) -> Result<Option<usize>, Failure> {
        let before = self.carry.len();
        // One byte above the limit is enough to see that it is exceeded.
        let piece = &input[..input.len().min(self.head_bytes_max.saturating_add(1) - before)];
        self.carry.extend_from_slice(piece);
        if memchr(b'\n', piece).is_none() && self.carry.len() <= self.head_bytes_max {
            return Ok(None);
        }
        let carry = std::mem::take(&mut self.carry);
        match head::parse(&carry, self.head_bytes_max)? {
            Some((bytes, head)) => {
                self.accept(head, &carry[..bytes])?;
                Ok(Some(bytes - before))
            }
            None => {
                self.carry = carry;
                Ok(None)
            }
        }
    }

    fn accept(&mut self, head: Head, bytes: &[u8]) -> Result<(), Failure> {
        if head.status < 200 {
            return self.skip_interim(head.status, bytes);
        }
        if self.asked.keep || (self.asked.cookies && head.sets_cookies) {
            self.kept = Some(Box::new(Kept { head: bytes.to_vec(), body: Vec::new() }));
        }
        self.status = head.status;
        self.persistent = head.persistent;
        if self.asked.location
            && (300..400).contains(&head.status)
            && let Some((from, to)) = head.location
        {
            self.location = std::str::from_utf8(&bytes[from..to]).ok().map(Box::from);
        }
        // RFC 9112, 6.3: these have no body, whatever their fields say.
        let body = match (self.asked.verb, head.status) {
            (Verb::Head, _) | (_, 204 | 304) => Body::NONE,
            (Verb::Connect, 200..300) => {
                self.persistent = false;
                Body::NONE
            }
            _ => Body::new(head.length, self.body_bytes_max)?,
        };
        self.stage = Stage::Body(body);
        Ok(())
    }

    fn skip_interim(&mut self, status: u16, found: &[u8]) -> Result<(), Failure> {
        if status == 101 {
            return Err(malformed("the target switched protocols unasked", found));
        }
        if self.interim == INTERIM_MAX {
            return Err(malformed("more than 16 interim responses", found));
        }
        self.interim += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
