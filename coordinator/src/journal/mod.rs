//! A run written down: what happened to it, in order, before it is acted upon, so that it can be told again exactly.
//!
//! A run is a pure function of what it was told at its beginning and of what happened to it when; so the journal holds
//! these ([`Head`], [`Entry`]) and nothing that follows from them. So that it does not grow with the run, it is cut into
//! segments: a [`Snapshot`] of the run stands for all of them before its own.

mod entry;
mod frame;
mod head;
mod left;
mod medium;
mod replay;
mod shelf;
mod snapshot;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::sync::Arc;

use muster_agent::planted::planted;

pub use entry::{Entry, Happened};
pub use frame::FrameError;
pub use head::Head;
pub use left::{Left, LeftError};
pub use medium::{Buffered, Durable, Medium};
pub use replay::{Replay, ReplayError, Told, replay, tell, tell_on};
pub use shelf::{Piece, Pieces, Shelf};
pub use snapshot::Snapshot;

use crate::run::life::Run;
use crate::run_clock::Anchor;

/// How large a journal grows unless its user wants it otherwise, in bytes.
pub const BYTES_MAX_DEFAULT: u64 = 4 << 30;
/// How long a segment grows before a snapshot takes the place of what came before it, in bytes ...
const SEGMENT_BYTES: u64 = 64 << 20;
/// ... unless fewer of them than this fit into the journal: two are kept, with their snapshots, and one is being written.
const SEGMENTS_MIN: u64 = 8;

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
    /// Where its other pieces are; without one it has a single segment, and no snapshots.
    shelf: Option<Arc<dyn Shelf>>,
    /// The head, with which every piece begins.
    head: Vec<u8>,
    /// The number of the segment that is written.
    segment: u32,
    /// How many bytes are in it.
    bytes: u64,
    /// How many bytes all other pieces have.
    bytes_before: u64,
    /// How many bytes are kept free for the snapshot that is being written.
    reserved: u64,
    bytes_max: u64,
    /// How long a segment grows before the next.
    segment_bytes: u64,
    anchor: Anchor,
    last_ns: u64,
    entries: u64,
}

impl Journal {
    /// Begins a journal in an empty medium.
    ///
    /// # Errors
    /// When the head cannot be made durable.
    pub fn begin(medium: impl Medium, head: &Head, bytes_max: u64) -> Result<Self, JournalError> {
        Self::go_on(medium, &Told::begin(head.clone()), 1, bytes_max)
    }

    /// Goes on with a journal in its last segment, which has this number, and all of which was told.
    ///
    /// # Errors
    /// When the segment has no head yet, and that cannot be made durable.
    pub fn go_on(medium: impl Medium, told: &Told, segment: u32, bytes_max: u64) -> Result<Self, JournalError> {
        let journal = Self {
            medium: Box::new(medium),
            shelf: None,
            head: told.head.encode(),
            segment,
            bytes: told.bytes,
            bytes_before: 0,
            reserved: 0,
            bytes_max,
            segment_bytes: SEGMENT_BYTES.min(bytes_max / SEGMENTS_MIN),
            anchor: told.anchor,
            last_ns: told.last_ns,
            entries: told.entries,
        };
        if journal.bytes > 0 { Ok(journal) } else { journal.write_head() }
    }

    /// With a shelf for further segments and for snapshots.
    ///
    /// # Errors
    /// When it cannot be told how much is on the shelf.
    pub fn on(self, shelf: Arc<dyn Shelf>) -> Result<Self, JournalError> {
        let bytes_before = shelf.bytes_before(self.segment)?;
        Ok(Self { shelf: Some(shelf), bytes_before, ..self })
    }

    /// With segments of this length in bytes, each with a snapshot before the next.
    #[must_use]
    pub fn in_segments_of(self, segment_bytes: u64) -> Self {
        Self { segment_bytes, ..self }
    }

    /// Writes a group of entries and makes it durable as one. Gives itself back only if all of it is.
    ///
    /// # Errors
    /// When it may not be durable. The journal is gone then, and ends with the group before.
    pub fn commit(mut self, group: &[Entry]) -> Result<Self, JournalError> {
        let mut content = Vec::new();
        for entry in group {
            entry.encode(&mut content);
            self.last_ns = self.last_ns.max(entry.at_ns());
            // What this program has just made of its own clocks makes sense to itself.
            self.anchor = entry.anchor().ok().flatten().unwrap_or(self.anchor);
        }
        self.entries += group.len() as u64;
        self.write(&content)
    }

    /// A snapshot of the run as all groups until now have made it, once the segment is long enough to be worth one.
    #[must_use]
    pub fn snapshot_if_due(&self, run: &Run) -> Option<Snapshot> {
        let shelf = self.shelf.as_ref().filter(|_| self.bytes >= self.segment_bytes)?;
        Some(Snapshot::new(self, Arc::clone(shelf), run))
    }

    /// Begins the next segment, beside which a snapshot is written.
    ///
    /// # Errors
    /// When it cannot be made durable. The journal ends with the segment before then.
    pub fn turn(self) -> Result<Self, JournalError> {
        let Some(shelf) = &self.shelf else { return Ok(self) };
        let (segment, bytes_before, reserved) = (self.segment + 1, self.total_bytes(), self.room());
        let medium = shelf.segment(segment)?;
        Self { medium, segment, bytes: 0, bytes_before, reserved, ..self }.write_head()
    }

    /// Takes note that no snapshot is being written any more; if it was saved, so many bytes are left before the segment
    /// that goes on from it.
    pub fn note_saved(&mut self, bytes_before: Option<u64>) {
        self.reserved = 0;
        self.bytes_before = bytes_before.unwrap_or(self.bytes_before);
    }

    /// How large a snapshot may be: the journal goes on in the other half of what is left.
    fn room(&self) -> u64 {
        self.bytes_max.saturating_sub(self.total_bytes()) / 2
    }

    fn total_bytes(&self) -> u64 {
        self.bytes_before + self.bytes
    }

    fn write_head(mut self) -> Result<Self, JournalError> {
        let head = std::mem::take(&mut self.head);
        Ok(Self { head: head.clone(), ..self.write(&head)? })
    }

    fn write(mut self, content: &[u8]) -> Result<Self, JournalError> {
        let frame = frame::frame(self.bytes, content);
        self.bytes += frame.len() as u64;
        if self.total_bytes() + self.reserved > self.bytes_max {
            return Err(JournalError::Full(self.bytes_max));
        }
        self.medium.append(&frame)?;
        if !planted("not-synchronised") {
            self.medium.sync()?;
        }
        Ok(self)
    }
}
