//! A journal as whoever wrote it left it.

use std::io::{self, Read};
use std::sync::Arc;

use muster_agent::planted::planted;

use super::{Journal, JournalError, Piece, Pieces, ReplayError, Shelf, Told, tell_on};

/// A run that its coordinator left, and the shelf on which its journal goes on.
pub struct Left {
    /// The run.
    pub told: Told,
    segment: u32,
    shelf: Arc<dyn Shelf>,
}

/// Why the pieces on a shelf tell no run.
#[derive(Debug, thiserror::Error)]
pub enum LeftError {
    /// It is not known what is there.
    #[error("its pieces cannot be told: {0}")]
    Unknown(io::Error),
    /// A piece cannot be read.
    #[error("{0:?} cannot be read: {1}")]
    Unreadable(Piece, io::Error),
    /// It can, and tells nothing.
    #[error("{0:?} tells no run: {1}")]
    Senseless(Piece, ReplayError),
}

impl Left {
    /// The run as a shelf tells it. Nobody else may be writing there.
    ///
    /// # Errors
    /// [`LeftError`] says which piece is to blame.
    pub fn on(shelf: Arc<dyn Shelf>) -> Result<Self, LeftError> {
        let pieces = shelf.pieces().map_err(LeftError::Unknown)?;
        let told = tell_from_the_latest(&*shelf, &pieces)?;
        Ok(Self { told, segment: pieces.segments.last().copied().unwrap_or(1), shelf })
    }

    /// The journal to go on with, without what was never made durable at its end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn journal(self, bytes_max: u64) -> Result<(Told, Journal), JournalError> {
        let torn = if planted("torn-tail-kept") { self.told.torn } else { 0 };
        let medium = self.shelf.reopen(self.segment, self.told.bytes + torn)?;
        let journal = Journal::go_on(medium, &self.told, self.segment, bytes_max)?.on(self.shelf)?;
        Ok((self.told, journal))
    }
}

/// Tells the run from the latest snapshot that is not damaged, or else from the beginning.
fn tell_from_the_latest(shelf: &dyn Shelf, pieces: &Pieces) -> Result<Told, LeftError> {
    let mut broken = None;
    for start in pieces.snapshots.iter().rev().map(|number| Some(*number)).chain([None]) {
        match tell_from(start, shelf, pieces) {
            Ok(told) => return Ok(told),
            Err(why) => drop(broken.get_or_insert(why)),
        }
    }
    Err(broken.unwrap_or(LeftError::Senseless(Piece::Segment(1), ReplayError::Empty)))
}

fn tell_from(start: Option<u32>, shelf: &dyn Shelf, pieces: &Pieces) -> Result<Told, LeftError> {
    let mut told = None;
    if let Some(number) = start {
        told = Some(read(shelf, Piece::Snapshot(number), Told::from_snapshot)?);
    }
    let first = start.unwrap_or(1);
    let last = pieces.segments.last().copied().unwrap_or(first).max(first);
    let first = if planted("told-from-before-the-snapshot") { first.max(2) - 1 } else { first };
    for number in first..=last {
        told = Some(read(shelf, Piece::Segment(number), |source| tell_on(told, source))?);
    }
    told.ok_or(LeftError::Senseless(Piece::Segment(first), ReplayError::Empty))
}

fn read(
    shelf: &dyn Shelf,
    piece: Piece,
    tell: impl FnOnce(Box<dyn Read>) -> Result<Told, ReplayError>,
) -> Result<Told, LeftError> {
    let source = shelf.read(piece).map_err(|error| LeftError::Unreadable(piece, error))?;
    tell(source).map_err(|error| LeftError::Senseless(piece, error))
}
