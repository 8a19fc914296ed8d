//! Kept runs among others: which there are, what is known of those without a result, and how one goes.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::{LOCK, PLAN, RESULT, RunFolder, StoreError};
use crate::journal::{Head, Piece, Shelf as _};
use crate::report::Digest;
use crate::store::pieces::{self, FolderShelf};

/// What a folder is called while it is being removed, so that nobody takes what is left of it for a run.
const REMOVED: &str = ".removed-";

/// By what a result is known to be the same as before, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When it was written, in nanoseconds of the file system's clock.
    pub at_ns: i64,
    /// How long it is, in bytes.
    pub bytes: i64,
}

impl RunFolder {
    /// The folders of all runs, the one that began last first; of no folder, none.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn all(runs: &Path) -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(runs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        let mut folders: Vec<Self> = paths.into_iter().map(|path| Self { path, durable: true }).collect();
        folders.retain(|folder| folder.identity().is_some());
        folders.sort_unstable_by(|a, b| b.path.cmp(&a.path));
        Ok(folders)
    }

    /// The run's identity, which is the folder's name.
    #[must_use]
    pub fn identity(&self) -> Option<uuid::Uuid> {
        self.path.file_name()?.to_str()?.parse().ok()
    }

    /// Which result it has, if the run came as far as that.
    #[must_use]
    pub fn stamp(&self) -> Option<Stamp> {
        let file = fs::metadata(self.path.join(RESULT)).ok()?;
        let since = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Stamp { at_ns: i64::try_from(since.as_nanos()).ok()?, bytes: i64::try_from(file.len()).ok()? })
    }

    /// What a list of runs tells of its result.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn digest(&self) -> io::Result<Digest> {
        Ok(Digest::read(&fs::read(self.path.join(RESULT))?)?)
    }

    /// Whether somebody is writing its journal. Where there are no locks, nobody can tell, and it seems not.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        let lock = File::open(self.path.join(LOCK));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// What the run was told at its beginning, if its journal says it to this build.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        let first = self.segments().ok()?.first().copied()?;
        Head::read(File::open(pieces::path(&self.path, Piece::Segment(first))).ok()?).ok()
    }

    /// The plan as its own file says it.
    #[must_use]
    pub fn plan_text(&self) -> Option<String> {
        fs::read_to_string(self.path.join(PLAN)).ok()
    }

    /// The plan's name, as its own file says it.
    #[must_use]
    pub fn plan_name(&self) -> Option<String> {
        let plan: serde_json::Value = serde_json::from_str(&self.plan_text()?).ok()?;
        plan["name"].as_str().map(str::to_owned)
    }

    /// Removes the run, unless it goes on. It is gone at once, whatever becomes of its files.
    ///
    /// # Errors
    /// When the run goes on, or nobody can tell whether it does, or its folder cannot be removed.
    pub fn remove(&self) -> Result<(), StoreError> {
        let _lock = self.lock_to_remove()?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.path.with_file_name(format!("{REMOVED}{name}"));
        let removed = fs::rename(&self.path, &aside).and_then(|()| match fs::remove_dir_all(&aside) {
            // Somebody else swept it away meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        });
        removed.map_err(|error| StoreError::Io { path: self.path.clone(), error })
    }

    fn lock_to_remove(&self) -> Result<Option<File>, StoreError> {
        let has_ended = self.path.join(RESULT).exists();
        let lock = match self.lock(File::options().read(true).write(true)) {
            Err(_) if has_ended => return Ok(None),
            lock => lock?,
        };
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy),
            Err(TryLockError::Error(error)) if !has_ended => Err(StoreError::Io { path: self.path.join(LOCK), error }),
            _ => Ok(Some(lock)),
        }
    }

    fn segments(&self) -> io::Result<Vec<u32>> {
        let lock = File::open(self.path.join(LOCK))?;
        Ok(FolderShelf { folder: self.clone(), _lock: lock }.pieces()?.segments)
    }
}

/// Removes what is left of folders that somebody was removing when it ended.
pub fn sweep(runs: &Path) {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let left = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(REMOVED));
    // What cannot be removed now is there for the next time.
    left.for_each(|entry| drop(fs::remove_dir_all(entry.path())));
}
