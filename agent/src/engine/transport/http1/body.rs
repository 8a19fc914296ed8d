//! The body of a response: where it ends, and that it stays within its bounds. What it says is shown to whoever wants it.

use super::super::Failure;
use super::chunked::Chunked;
use super::found::{cut_short, too_large};
use super::head::Length;

/// The rest of a body, in one of the three ways in which its end is told (RFC 9112, 6.3).
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes.
    Fixed { left: u64 },
    /// Chunks, of which the last is empty.
    Chunked(Chunked),
    /// Everything until the peer closes the connection.
    UntilClose { allowed: u64, bytes_max: u64 },
}

impl Body {
    pub(super) const NONE: Self = Self::Fixed { left: 0 };

    pub(super) fn new(length: Length, bytes_max: u64) -> Result<Self, Failure> {
        match length {
            Length::Fixed(bytes) if bytes > bytes_max => Err(too_large("the response body in bytes", bytes_max)),
            Length::Fixed(bytes) => Ok(Self::Fixed { left: bytes }),
            Length::Chunked => Ok(Self::Chunked(Chunked::new(bytes_max))),
            Length::Unstated => Ok(Self::UntilClose { allowed: bytes_max, bytes_max }),
        }
    }

    /// How much of `input` was used when the body is complete, or none when all was used and there is more to come.
    /// Shows what of it is the body's content, in order.
    #[inline]
    pub(super) fn feed(&mut self, input: &[u8], mut show: impl FnMut(&[u8])) -> Result<Option<usize>, Failure> {
        let available = input.len() as u64;
        match self {
            Self::Fixed { left } if *left <= available => {
                let used = std::mem::take(left) as usize;
                show(&input[..used]);
                Ok(Some(used))
            }
            Self::Fixed { left } => {
                *left -= available;
                show(input);
                Ok(None)
            }
            Self::Chunked(chunked) => chunked.feed(input, show),
            Self::UntilClose { allowed, bytes_max } => match allowed.checked_sub(available) {
                Some(left) => {
                    *allowed = left;
                    show(input);
                    Ok(None)
                }
                None => Err(too_large("the response body in bytes", *bytes_max)),
            },
        }
    }

    /// The peer sends no more: whether that is the end of the body.
    pub(super) fn eof(&self) -> Result<(), Failure> {
        match self {
            Self::UntilClose { .. } | Self::Fixed { left: 0 } => Ok(()),
            Self::Fixed { left } => Err(cut_short(&format!("the body, {left} bytes before its end"))),
            Self::Chunked(_) => Err(cut_short("a body in chunks")),
        }
    }
}
