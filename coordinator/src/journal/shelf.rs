//! Where the pieces of a journal are kept.

use std::io::{self, Read};

use super::Medium;

/// Which piece of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// What happened. Segments are numbered from 1.
    Segment(u32),
    /// What the run was before the segment of this number, which goes on from it.
    Snapshot(u32),
}

/// The numbers of what is on a shelf, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    /// Of the segments.
    pub segments: Vec<u32>,
    /// Of the snapshots.
    pub snapshots: Vec<u32>,
}

impl FromIterator<Piece> for Pieces {
    fn from_iter<I: IntoIterator<Item = Piece>>(pieces: I) -> Self {
        let mut found = Self::default();
        pieces.into_iter().for_each(|piece| match piece {
            Piece::Segment(number) => found.segments.push(number),
            Piece::Snapshot(number) => found.snapshots.push(number),
        });
        found.segments.sort_unstable();
        found.snapshots.sort_unstable();
        found
    }
}

/// Keeps the pieces of one run's journal.
pub trait Shelf: Send + Sync + 'static {
    /// What is there.
    ///
    /// # Errors
    /// When that cannot be told.
    fn pieces(&self) -> io::Result<Pieces>;

    /// What a piece says, from its beginning.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, piece: Piece) -> io::Result<Box<dyn Read>>;

    /// A new segment, empty and by its name durable.
    ///
    /// # Errors
    /// When it cannot be made.
    fn segment(&self, number: u32) -> io::Result<Box<dyn Medium>>;

    /// A segment to go on with, cut off behind so many bytes; these and its name are durable then, whoever wrote them.
    ///
    /// # Errors
    /// When it cannot be written.
    fn reopen(&self, number: u32, bytes: u64) -> io::Result<Box<dyn Medium>>;

    /// Keeps a snapshot, whole and durable or not at all.
    ///
    /// # Errors
    /// When it is not kept.
    fn keep(&self, number: u32, snapshot: &[u8]) -> io::Result<()>;

    /// Takes away all segments and snapshots below this number.
    ///
    /// # Errors
    /// When one is still there.
    fn forget_below(&self, number: u32) -> io::Result<()>;

    /// How many bytes all pieces take but for this segment and those after it.
    ///
    /// # Errors
    /// When that cannot be told.
    fn bytes_before(&self, segment: u32) -> io::Result<u64>;
}
