//! The pieces of a run's journal in its folder: `journal`, `journal.2`, `snapshot.2`, `journal.3` and so on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use super::RunFolder;
use crate::journal::{Buffered, Durable, Medium, ReplayError, Shelf, Told, tell_on};

/// What happened.
const JOURNAL: &str = "journal";
/// What the run was before that.
const SNAPSHOT: &str = "snapshot";

/// A folder whose journal is written by this program alone, as long as this is held.
pub(super) struct FolderShelf {
    pub(super) folder: RunFolder,
    /// Locked, where there are locks.
    pub(super) _lock: File,
}

impl FolderShelf {
    /// The segment that others follow on, cut off behind so many bytes.
    pub(super) fn reopen(&self, number: u32, bytes: u64) -> io::Result<Box<dyn Medium>> {
        let file = OpenOptions::new().append(true).open(segment(&self.folder.path, number))?;
        file.set_len(bytes)?;
        file.sync_all()?;
        Ok(self.medium(file))
    }

    fn medium(&self, file: File) -> Box<dyn Medium> {
        if self.folder.durable { Box::new(Durable(file)) } else { Box::new(Buffered(file)) }
    }
}

impl Shelf for FolderShelf {
    fn segment(&self, number: u32) -> io::Result<Box<dyn Medium>> {
        let file = OpenOptions::new().append(true).create_new(true).open(segment(&self.folder.path, number))?;
        self.folder.sync(Some(&self.folder.path))?;
        Ok(self.medium(file))
    }

    fn keep(&self, number: u32, content: &[u8]) -> io::Result<()> {
        self.folder.write(&format!("{SNAPSHOT}.{number}"), |out| io::Write::write_all(out, content))?;
        self.folder.sync(Some(&self.folder.path))
    }

    fn forget_below(&self, number: u32) -> io::Result<()> {
        let pieces = Pieces::of(&self.folder.path)?;
        let segments = pieces.segments.iter().filter(|n| **n < number).map(|n| segment(&self.folder.path, *n));
        let snapshots = pieces.snapshots.iter().filter(|n| **n < number).map(|n| snapshot(&self.folder.path, *n));
        segments.chain(snapshots).try_for_each(fs::remove_file)
    }

    fn bytes_before(&self, number: u32) -> io::Result<u64> {
        let pieces = Pieces::of(&self.folder.path)?;
        let segments = pieces.segments.iter().filter(|n| **n < number).map(|n| segment(&self.folder.path, *n));
        let snapshots = pieces.snapshots.iter().map(|n| snapshot(&self.folder.path, *n));
        segments.chain(snapshots).map(|path| Ok(fs::metadata(path)?.len())).sum()
    }
}

/// The numbers of what is there, in order.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) segments: Vec<u32>,
    snapshots: Vec<u32>,
}

/// Why the pieces tell no run, and which of them is to blame.
pub(super) type Broken = (PathBuf, Problem);

/// What is wrong with a piece.
pub(super) enum Problem {
    /// It cannot be read.
    Io(io::Error),
    /// It can, and tells nothing.
    Replay(ReplayError),
}

impl Pieces {
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let mut pieces = Self::default();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            match name.to_str().and_then(|name| name.split_once('.')) {
                Some((JOURNAL, number)) => pieces.segments.extend(number.parse::<u32>()),
                Some((SNAPSHOT, number)) => pieces.snapshots.extend(number.parse::<u32>()),
                _ if name == JOURNAL => pieces.segments.push(1),
                _ => {}
            }
        }
        pieces.segments.sort_unstable();
        pieces.snapshots.sort_unstable();
        Ok(pieces)
    }

    /// Tells the run from the latest snapshot that is not damaged, or else from the beginning.
    pub(super) fn tell(&self, folder: &Path) -> Result<Told, Broken> {
        let mut broken = None;
        for start in self.snapshots.iter().rev().map(|number| Some(*number)).chain([None]) {
            match self.tell_from(start, folder) {
                Ok(told) => return Ok(told),
                Err(why) => drop(broken.get_or_insert(why)),
            }
        }
        Err(broken.unwrap_or_else(|| (segment(folder, 1), Problem::Replay(ReplayError::Empty))))
    }

    fn tell_from(&self, start: Option<u32>, folder: &Path) -> Result<Told, Broken> {
        let mut told = None;
        if let Some(number) = start {
            told = Some(read(snapshot(folder, number), Told::from_snapshot)?);
        }
        let first = start.unwrap_or(1);
        let last = self.segments.last().copied().unwrap_or(first).max(first);
        for number in first..=last {
            told = Some(read(segment(folder, number), |source| tell_on(told, source))?);
        }
        told.ok_or_else(|| (segment(folder, first), Problem::Replay(ReplayError::Empty)))
    }
}

fn read(path: PathBuf, tell: impl FnOnce(BufReader<File>) -> Result<Told, ReplayError>) -> Result<Told, Broken> {
    match File::open(&path) {
        Ok(file) => tell(BufReader::new(file)).map_err(|error| (path, Problem::Replay(error))),
        Err(error) => Err((path, Problem::Io(error))),
    }
}

fn segment(folder: &Path, number: u32) -> PathBuf {
    if number == 1 { folder.join(JOURNAL) } else { folder.join(format!("{JOURNAL}.{number}")) }
}

fn snapshot(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{SNAPSHOT}.{number}"))
}
