//! The rows of a feeder, found by number without all of them being in memory.
//!
//! Few bytes are held; many lie in a file and are read where they are wanted. What is in memory of such a file is where
//! each row begins, or if there are too many, each 64th.

mod index;
mod intake;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use memchr::memchr;
use muster_proto::plan::{ROW_BYTES_MAX, RowsId};

use self::index::Index;
pub use self::intake::Intake;

/// Rows that take no more than this are held in memory.
pub const HELD_BYTES_MAX: u64 = 4 << 20;
/// How much is read of a file at once, where it is not known where a row ends.
const READ_BYTES: u64 = 16 << 10;

/// The rows of a feeder, the same for all workers.
#[derive(Debug)]
pub struct Rows {
    id: RowsId,
    content: Content,
    index: Index,
}

/// Rows as they lie one after the other, each with its line feed.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory.
    Held(Bytes),
    /// In a file, which nobody writes to any more.
    File(Arc<File>),
}

impl Rows {
    /// Which they are.
    #[must_use]
    pub fn id(&self) -> RowsId {
        self.id
    }

    /// All of them, as bytes.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// A row, without its line feed. `buffer` is for what has to be read; it never gets longer than a row and what is read at
    /// once.
    ///
    /// # Errors
    /// When there is no such row, or when it cannot be read any more.
    pub fn row<'a>(&'a self, number: u64, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        let place = self.index.find(number).ok_or(io::ErrorKind::NotFound)?;
        let to = place.to.unwrap_or(self.id.bytes);
        match &self.content {
            Content::Held(bytes) => {
                let lines = bytes.get(place.from as usize..to as usize).unwrap_or_default();
                let (from, to) = line(lines, place.before).map_err(|_| io::ErrorKind::UnexpectedEof)?;
                Ok(&lines[from..to])
            }
            Content::File(file) => read_row(file, place.from..to, place.before, buffer),
        }
    }
}

impl Content {
    /// So many bytes from a place on, or as many as there are.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn piece(&self, offset: u64, bytes: u32) -> io::Result<Bytes> {
        match self {
            Self::Held(held) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(held.len());
                let to = from.saturating_add(bytes as usize).min(held.len());
                Ok(held.slice(from..to))
            }
            Self::File(file) => {
                let mut piece = vec![0; bytes as usize];
                let mut filled = 0;
                while filled < piece.len() {
                    match file.read_at(&mut piece[filled..], offset + filled as u64) {
                        Ok(0) => break,
                        Ok(read) => filled += read,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                piece.truncate(filled);
                Ok(piece.into())
            }
        }
    }
}

/// Reads a row from a file: the one after so many others, of those that lie in a range.
fn read_row<'a>(
    file: &File,
    range: std::ops::Range<u64>,
    mut before: u64,
    buffer: &'a mut Vec<u8>,
) -> io::Result<&'a [u8]> {
    let mut at = range.start;
    buffer.clear();
    loop {
        let bytes = range.end.saturating_sub(at).min(READ_BYTES) as usize;
        let kept = buffer.len();
        if bytes == 0 || kept > ROW_BYTES_MAX {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.resize(kept + bytes, 0);
        file.read_exact_at(&mut buffer[kept..], at)?;
        at += bytes as u64;
        match line(buffer, before) {
            Ok((from, to)) => return Ok(&buffer[from..to]),
            Err(rest) => {
                buffer.drain(..rest.from);
                before = rest.before;
            }
        }
    }
}

/// A line is not, or not whole, in what was looked through.
struct Rest {
    /// Where the last line begins, which has no end.
    from: usize,
    /// How many whole lines come before the one that is looked for, from there on.
    before: u64,
}

/// Where a line begins and ends that comes after so many others.
fn line(bytes: &[u8], mut before: u64) -> Result<(usize, usize), Rest> {
    let mut from = 0;
    loop {
        let Some(length) = memchr(b'\n', &bytes[from..]) else { return Err(Rest { from, before }) };
        if before == 0 {
            return Ok((from, from + length));
        }
        from += length + 1;
        before -= 1;
    }
}

#[cfg(test)]
mod tests;
