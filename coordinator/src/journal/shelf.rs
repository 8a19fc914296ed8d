//! Where the pieces of a journal are kept.

use std::io;

use super::Medium;

/// Keeps the pieces of one run's journal. Segments are numbered from 1; a snapshot has the number of the segment that
/// goes on from it.
pub trait Shelf: Send + Sync + 'static {
    /// A new segment, empty and by its name durable.
    ///
    /// # Errors
    /// When it cannot be made.
    fn segment(&self, number: u32) -> io::Result<Box<dyn Medium>>;

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
