//! A run written down: what happened to it, in order, before it is acted upon, so that it can be told again exactly.
//!
//! A run is a pure function of what it was told at its beginning and of what happened to it when; so the journal holds
//! these ([`Head`], [`Entry`]) and nothing that follows from them.

mod entry;
mod frame;
mod head;
mod medium;
mod replay;
#[cfg(test)]
mod tests;

use std::io;

pub use entry::{Entry, Happened, Shape};
pub use frame::FrameError;
pub use head::Head;
pub use medium::{Buffered, Durable, Medium};
pub use replay::{Replay, ReplayError, Told, replay, tell};

/// How large a journal grows unless its user wants it otherwise, in bytes.
pub const BYTES_MAX_DEFAULT: u64 = 4 << 30;

/// Why something was not written down. There is no second attempt: after a failure nobody knows what the disk holds.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk failed, or is full.
    #[error("the journal cannot be written: {0}")]
    Io(#[from] io::Error),
    /// There is no room left in the journal.
    #[error("the journal has reached its bound of {0} bytes; a larger one is allowed with --journal-max")]
    Full(u64),
}

/// A journal that is being written, by whoever holds it alone.
pub struct Journal {
    medium: Box<dyn Medium>,
    bytes: u64,
    bytes_max: u64,
}

impl Journal {
    /// Begins a journal in an empty medium.
    ///
    /// # Errors
    /// When the head cannot be made durable.
    pub fn begin(medium: impl Medium, head: &Head, bytes_max: u64) -> Result<Self, JournalError> {
        let journal = Self { medium: Box::new(medium), bytes: 0, bytes_max };
        journal.write(&head.encode())
    }

    /// Goes on with a journal in a medium that holds so many bytes, all of which were told.
    #[must_use]
    pub fn go_on(medium: impl Medium, bytes: u64, bytes_max: u64) -> Self {
        Self { medium: Box::new(medium), bytes, bytes_max }
    }

    /// Writes a group of entries and makes it durable as one. Gives itself back only if all of it is.
    ///
    /// # Errors
    /// When it may not be durable. The journal is gone then, and ends with the group before.
    pub fn commit(self, group: &[Entry]) -> Result<Self, JournalError> {
        let mut content = Vec::new();
        group.iter().for_each(|entry| entry.encode(&mut content));
        self.write(&content)
    }

    fn write(mut self, content: &[u8]) -> Result<Self, JournalError> {
        let frame = frame::frame(self.bytes, content);
        self.bytes += frame.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(JournalError::Full(self.bytes_max));
        }
        self.medium.append(&frame)?;
        self.medium.sync()?;
        Ok(self)
    }
}
