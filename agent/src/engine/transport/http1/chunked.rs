//! A body in chunks (RFC 9112, 7.1), counted, and its content shown.

use super::super::Failure;
use super::found::{malformed, too_large};

/// The most hexadecimal digits of a chunk's size; what 64 bits hold.
const SIZE_DIGITS_MAX: u8 = 16;
/// The most bytes of chunk extensions and trailers in one response.
const EXTRA_BYTES_MAX: u32 = 256 << 10;

/// Where in a chunked body the decoder stands.
#[derive(Debug)]
pub(super) struct Chunked {
    at: At,
    /// What of the chunk is yet to come; while its size is read, the size so far.
    left: u64,
    digits: u8,
    extra: u32,
    allowed: u64,
    bytes_max: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    LineStart,
    Trailer,
    TrailerLf,
    EndLf,
    Done,
}

impl Chunked {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { at: At::Size, left: 0, digits: 0, extra: 0, allowed: bytes_max, bytes_max }
    }

    /// How much of `input` was used when the body is complete, or none when all was used and there is more to come.
    /// Shows the content of chunks, in order.
    pub(super) fn feed(&mut self, input: &[u8], mut show: impl FnMut(&[u8])) -> Result<Option<usize>, Failure> {
        let mut used = 0;
        while let Some(&byte) = input.get(used) {
            if self.at == At::Data {
                let data = self.skip_data(input.len() - used);
                show(&input[used..used + data]);
                used += data;
                continue;
            }
            self.at = self.step(byte).map_err(|fault| fault.failure(self.bytes_max, &input[used..]))?;
            used += 1;
            if self.at == At::Done {
                return Ok(Some(used));
            }
        }
        Ok(None)
    }

    fn skip_data(&mut self, available: usize) -> usize {
        let skipped = self.left.min(available as u64);
        self.left -= skipped;
        if self.left == 0 {
            self.at = At::DataCr;
        }
        skipped as usize
    }

    fn step(&mut self, byte: u8) -> Result<At, Fault> {
        match (self.at, byte) {
            (At::Size, _) => self.size(byte),
            (At::Extension, b'\r') => Ok(At::SizeLf),
            (At::Extension, _) => self.extra(byte, At::Extension),
            (At::SizeLf, b'\n') => self.open(),
            (At::DataCr, b'\r') => Ok(At::DataLf),
            (At::DataLf, b'\n') => Ok(At::Size),
            (At::DataCr | At::DataLf, _) => Err(Fault::NoEndOfChunk),
            (At::LineStart, b'\r') => Ok(At::EndLf),
            // A trailer begins with its name; a space would fold it onto the line before.
            (At::LineStart, b' ' | b'\t' | b':') => Err(Fault::Line),
            (At::LineStart, _) => self.extra(byte, At::Trailer),
            (At::Trailer, b'\r') => Ok(At::TrailerLf),
            (At::Trailer, _) => self.extra(byte, At::Trailer),
            (At::TrailerLf, b'\n') => Ok(At::LineStart),
            (At::EndLf, b'\n') => Ok(At::Done),
            _ => Err(Fault::Line),
        }
    }

    fn size(&mut self, byte: u8) -> Result<At, Fault> {
        if let Some(digit) = char::from(byte).to_digit(16) {
            if self.digits == SIZE_DIGITS_MAX {
                return Err(Fault::Body);
            }
            self.digits += 1;
            self.left = self.left << 4 | u64::from(digit);
            return Ok(At::Size);
        }
        match byte {
            _ if self.digits == 0 => Err(Fault::NoSize),
            b'\r' => Ok(At::SizeLf),
            b';' | b' ' | b'\t' => self.extra(byte, At::Extension),
            _ => Err(Fault::NoSize),
        }
    }

    fn open(&mut self) -> Result<At, Fault> {
        self.digits = 0;
        self.allowed = self.allowed.checked_sub(self.left).ok_or(Fault::Body)?;
        Ok(if self.left == 0 { At::LineStart } else { At::Data })
    }

    fn extra(&mut self, byte: u8, next: At) -> Result<At, Fault> {
        if byte.is_ascii_control() && byte != b'\t' {
            return Err(Fault::Line);
        }
        if self.extra == EXTRA_BYTES_MAX {
            return Err(Fault::Extra);
        }
        self.extra += 1;
        Ok(next)
    }
}

enum Fault {
    NoSize,
    NoEndOfChunk,
    Line,
    Body,
    Extra,
}

impl Fault {
    #[cold]
    fn failure(&self, body_bytes_max: u64, found: &[u8]) -> Failure {
        match self {
            Self::NoSize => malformed("a chunk's size is hexadecimal", found),
            Self::NoEndOfChunk => malformed("a chunk ends with a line end", found),
            Self::Line => malformed("a chunk extension or trailer is broken", found),
            Self::Body => too_large("the response body in bytes", body_bytes_max),
            Self::Extra => too_large("chunk extensions and trailers in bytes", u64::from(EXTRA_BYTES_MAX)),
        }
    }
}
