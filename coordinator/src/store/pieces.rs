//! The pieces of a run's journal in its folder: `journal`, `journal.2`, `snapshot.2`, `journal.3` and so on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::RunFolder;
use crate::journal::{Buffered, Durable, Medium, Piece, Pieces, Shelf};

/// What happened.
const JOURNAL: &str = "journal";
/// What the run was before that.
const SNAPSHOT: &str = "snapshot";

/// A folder whose journal is read or written by this program alone, as long as this is held.
pub(super) struct FolderShelf {
    pub(super) folder: RunFolder,
    /// Locked, where there are locks.
    pub(super) _lock: File,
}

impl FolderShelf {
    fn path(&self, piece: Piece) -> PathBuf {
        path(&self.folder.path, piece)
    }

    fn medium(&self, file: File) -> Box<dyn Medium> {
        if self.folder.durable { Box::new(Durable(file)) } else { Box::new(Buffered(file)) }
    }

    /// The pieces whose numbers are lower, but of snapshots perhaps all.
    fn below(&self, number: u32, all_snapshots: bool) -> io::Result<Vec<PathBuf>> {
        let Pieces { segments, snapshots } = self.pieces()?;
        let segments = segments.into_iter().filter(|n| *n < number).map(Piece::Segment);
        let snapshots = snapshots.into_iter().filter(|n| *n < number || all_snapshots).map(Piece::Snapshot);
        Ok(segments.chain(snapshots).map(|piece| self.path(piece)).collect())
    }
}

impl Shelf for FolderShelf {
    fn pieces(&self) -> io::Result<Pieces> {
        let entries = fs::read_dir(&self.folder.path)?;
        let pieces = entries.filter_map(|entry| match entry {
            Ok(entry) => piece(entry.file_name().to_str()?).map(Ok),
            Err(error) => Some(Err(error)),
        });
        pieces.collect()
    }

    fn read(&self, piece: Piece) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(BufReader::new(File::open(self.path(piece))?)))
    }

    fn segment(&self, number: u32) -> io::Result<Box<dyn Medium>> {
        let file = OpenOptions::new().append(true).create_new(true).open(self.path(Piece::Segment(number)))?;
        self.folder.sync(Some(&self.folder.path))?;
        Ok(self.medium(file))
    }

    fn reopen(&self, number: u32, bytes: u64) -> io::Result<Box<dyn Medium>> {
        let file = OpenOptions::new().append(true).open(self.path(Piece::Segment(number)))?;
        file.set_len(bytes)?;
        file.sync_all()?;
        // Whoever made it may not have come as far as that.
        self.folder.sync(Some(&self.folder.path))?;
        Ok(self.medium(file))
    }

    fn keep(&self, number: u32, content: &[u8]) -> io::Result<()> {
        self.folder.write(&format!("{SNAPSHOT}.{number}"), |out| io::Write::write_all(out, content))?;
        self.folder.sync(Some(&self.folder.path))
    }

    fn forget_below(&self, number: u32) -> io::Result<()> {
        self.below(number, false)?.into_iter().try_for_each(fs::remove_file)
    }

    fn bytes_before(&self, number: u32) -> io::Result<u64> {
        self.below(number, true)?.into_iter().map(|path| Ok(fs::metadata(path)?.len())).sum()
    }
}

/// Which piece a file's name stands for, if any.
fn piece(name: &str) -> Option<Piece> {
    match name.split_once('.') {
        Some((JOURNAL, number)) => number.parse().ok().map(Piece::Segment),
        Some((SNAPSHOT, number)) => number.parse().ok().map(Piece::Snapshot),
        _ => (name == JOURNAL).then_some(Piece::Segment(1)),
    }
}

/// Where a piece is in a run's folder.
pub(super) fn path(folder: &Path, piece: Piece) -> PathBuf {
    match piece {
        Piece::Segment(1) => folder.join(JOURNAL),
        Piece::Segment(number) => folder.join(format!("{JOURNAL}.{number}")),
        Piece::Snapshot(number) => folder.join(format!("{SNAPSHOT}.{number}")),
    }
}
