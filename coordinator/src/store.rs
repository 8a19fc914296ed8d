//! A run's folder: what is kept of it, and where.

mod beside;
mod kept;
mod pieces;
mod rows;
mod socket;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use kept::{Stamp, sweep};
use muster_proto::id::RunId;
use muster_proto::plan::Plan;
use pieces::FolderShelf;

use crate::journal::{Head, Journal, JournalError, Left, LeftError, Replay, ReplayError, Shelf};
use crate::plan_file;
use crate::report::{Report, elided, html, json};

/// The folder of all runs, unless the user names another.
pub const RUNS: &str = "runs";
/// The plan as it was meant, for people.
const PLAN: &str = "plan.json";
/// Locked by whoever writes the journal.
const LOCK: &str = "lock";
/// The result document, once the run has ended.
const RESULT: &str = "result.json";
/// The name of the report as a page.
const PAGE: &str = "report.html";

/// A run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
    /// Whether what is made in it waits for the disk.
    durable: bool,
}

/// Why nothing can be read of a run.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such run.
    #[error("there is no run {name} in {}, and no such folder", runs.display())]
    Unknown {
        /// How it was called.
        name: String,
        /// Where it was looked for.
        runs: PathBuf,
    },
    /// There are several.
    #[error("{count} runs in {} begin with {name}; give more of its digits", runs.display())]
    Ambiguous {
        /// How they were called.
        name: String,
        /// Where they are.
        runs: PathBuf,
        /// How many they are.
        count: usize,
    },
    /// Somebody is writing it.
    #[error("the run is still going on")]
    Busy,
    /// Its file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Its journal tells nothing.
    #[error("the journal {} tells no run: {error}", path.display())]
    Journal {
        /// Which journal.
        path: PathBuf,
        /// Why.
        error: ReplayError,
    },
}

impl RunFolder {
    /// Makes the folder of a new run, with its plan in it. What is made in a durable one outlives a power cut.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(runs: &Path, id: RunId, plan: &Plan, durable: bool) -> io::Result<Self> {
        let folder = Self { path: runs.join(id.to_string()), durable };
        let first = !runs.exists();
        fs::create_dir_all(runs)?;
        fs::create_dir(&folder.path)?;
        folder.write(PLAN, |out| writeln!(out, "{:#}", plan_file::resolved(&elided(plan))))?;
        folder.sync(Some(runs))?;
        folder.sync(runs.parent().filter(|_| first))?;
        Ok(folder)
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins the run's journal, which is this program's alone until it is dropped.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin_journal(&self, head: &Head, bytes_max: u64) -> Result<Journal, JournalError> {
        let lock = OpenOptions::new().write(true).create_new(true).open(self.path.join(LOCK))?;
        // Where there are no locks, nobody can tell a run that goes on from one that was interrupted; it is kept all the same.
        let _ = lock.try_lock();
        let shelf = Arc::new(FolderShelf { folder: self.clone(), _lock: lock });
        Journal::begin(shelf.segment(1)?, head, bytes_max)?.on(shelf)
    }

    /// Makes a folder's names durable: without this a power cut may take a file away whose content is durable.
    fn sync(&self, folder: Option<&Path>) -> io::Result<()> {
        let Some(folder) = folder.filter(|_| self.durable) else { return Ok(()) };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()
    }

    /// Keeps the result document, with which nobody goes on with the run any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, report: &Report) -> io::Result<()> {
        self.write(RESULT, |out| json::write(report, out))?;
        self.keep_page(report)?;
        self.forget_rows()
    }

    /// Keeps the report as a page.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_page(&self, report: &Report) -> io::Result<()> {
        self.write(PAGE, |out| html::write(report, out))
    }

    /// The report as a page.
    #[must_use]
    pub fn page(&self) -> PathBuf {
        self.path.join(PAGE)
    }

    /// Writes a file whole or not at all.
    fn write(&self, name: &str, content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
        let beside = self.path.join(format!("{name}.new"));
        let mut out = BufWriter::new(File::create(&beside)?);
        content(&mut out)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        if self.durable {
            file.sync_all()?;
        }
        fs::rename(&beside, self.path.join(name))
    }

    /// The folder at this path, or else of the one run whose identity begins so, or of the `last` run.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn find(runs: &Path, name: &str) -> Result<Self, StoreError> {
        let found = |path: PathBuf| Self { path, durable: true };
        let last = || Self::last(runs).filter(|_| name == "last");
        let direct = last().unwrap_or_else(|| PathBuf::from(name));
        if direct.join(LOCK).exists() || direct.join(RESULT).exists() {
            return Ok(found(direct));
        }
        let entries = fs::read_dir(runs).into_iter().flatten().flatten();
        let matching = entries.filter(|entry| {
            let identity = entry.file_name().to_string_lossy().into_owned();
            let begins = identity.starts_with(name) || identity.replace('-', "").starts_with(name);
            !name.is_empty() && begins && identity.parse::<uuid::Uuid>().is_ok()
        });
        let mut paths: Vec<PathBuf> = matching.map(|entry| entry.path()).collect();
        match (paths.pop(), paths.len()) {
            (Some(only), 0) => Ok(found(only)),
            (None, _) => Err(StoreError::Unknown { name: name.to_owned(), runs: runs.to_owned() }),
            (_, others) => {
                Err(StoreError::Ambiguous { name: name.to_owned(), runs: runs.to_owned(), count: others + 1 })
            }
        }
    }

    /// The folder of the run that began last: identities are in the order of time.
    fn last(runs: &Path) -> Option<PathBuf> {
        let entries = fs::read_dir(runs).into_iter().flatten().flatten();
        let identity = |path: &PathBuf| path.file_name()?.to_str()?.parse::<uuid::Uuid>().ok();
        entries.map(|entry| entry.path()).filter(|path| identity(path).is_some()).max_by_key(identity)
    }

    /// The result document, if the run came as far as that.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn result(&self) -> Result<Option<Report>, StoreError> {
        let path = self.path.join(RESULT);
        let read = fs::read(&path).and_then(|bytes| Ok(json::read(&bytes)?));
        match read {
            Ok(report) => Ok(Some(report)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::Io { path, error }),
        }
    }

    /// The run as its journal tells it.
    ///
    /// # Errors
    /// When the run still goes on, or the journal cannot be read.
    pub fn replay(&self) -> Result<Replay, StoreError> {
        let lock = self.lock(File::options().read(true))?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock_shared() {
            return Err(StoreError::Busy);
        }
        Ok(self.left(lock)?.told.interrupted())
    }

    /// The run as it was left by a coordinator that ended before it did. As long as that is held, nobody else has it.
    ///
    /// # Errors
    /// When the run still goes on, or the journal cannot be read or locked.
    pub fn reopen(&self) -> Result<Left, StoreError> {
        let lock = self.lock(File::options().read(true).write(true))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::Busy,
            // Where there are no locks, nobody can tell whether another coordinator is at work.
            TryLockError::Error(error) => StoreError::Io { path: self.path.join(LOCK), error },
        })?;
        self.left(lock)
    }

    fn lock(&self, how: &OpenOptions) -> Result<File, StoreError> {
        let path = self.path.join(LOCK);
        how.open(&path).map_err(|error| StoreError::Io { path, error })
    }

    fn left(&self, lock: File) -> Result<Left, StoreError> {
        let shelf = Arc::new(FolderShelf { folder: self.clone(), _lock: lock });
        Left::on(shelf).map_err(|error| match error {
            LeftError::Unknown(error) => StoreError::Io { path: self.path.clone(), error },
            LeftError::Unreadable(piece, error) => StoreError::Io { path: pieces::path(&self.path, piece), error },
            LeftError::Senseless(piece, error) => StoreError::Journal { path: pieces::path(&self.path, piece), error },
        })
    }
}

#[cfg(test)]
mod snapshots;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::begun::Begun;
    use crate::journal::BYTES_MAX_DEFAULT;
    use crate::run::life::RunSettings;
    use crate::run::synthetic::open_plan;

    fn begin(folder: &RunFolder) -> Journal {
        let settings = RunSettings {
            id: RunId::generate(),
            plan: open_plan(1),
            tags: Default::default(),
            strict: false,
            lease_ns: 0,
            gather_max_ns: 0,
        };
        folder.begin_journal(&Head::new(settings, Begun::now(), None), BYTES_MAX_DEFAULT).unwrap()
    }

    #[test]
    fn runs_are_found_by_folder_and_by_what_their_identity_begins_with() {
        let runs = tempfile::tempdir().unwrap();
        let id = |low: u128| RunId(uuid::Uuid::from_u128(0x019a_d3f1_0000_7000_8000_0000_0000_0000 + low));
        for low in [1, 2] {
            begin(&RunFolder::create(runs.path(), id(low), &open_plan(1), false).unwrap());
        }
        let first = RunFolder { path: runs.path().join(id(1).to_string()), durable: true };
        let find = |name: &str| RunFolder::find(runs.path(), name);
        assert_eq!(find(&id(1).to_string()).unwrap(), first);
        assert_eq!(find(&id(1).0.simple().to_string()).unwrap(), first);
        assert_eq!(find(first.path().to_str().unwrap()).unwrap(), first);
        assert!(matches!(find("019ad3f1"), Err(StoreError::Ambiguous { count: 2, .. })));
        assert!(matches!(find("019ad3f2"), Err(StoreError::Unknown { .. })));
        fs::write(runs.path().join("index.sqlite"), "").unwrap();
        for name in ["", "index"] {
            assert!(matches!(find(name), Err(StoreError::Unknown { .. })), "{name}");
        }
    }

    #[test]
    fn a_run_that_is_being_written_is_not_read() {
        let runs = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(runs.path(), RunId::generate(), &open_plan(1), false).unwrap();
        let journal = begin(&folder);
        assert!(matches!(folder.replay(), Err(StoreError::Busy)));
        assert!(matches!(folder.reopen(), Err(StoreError::Busy)));
        drop(journal);
        let left = folder.reopen().unwrap();
        assert!(matches!(folder.replay(), Err(StoreError::Busy)));
        drop(left);
        assert_eq!(folder.replay().unwrap().entries, 0);
        fs::write(folder.path().join("journal"), "").unwrap();
        assert!(matches!(folder.replay(), Err(StoreError::Journal { error: ReplayError::Empty, .. })));
        assert!(folder.result().unwrap().is_none());
    }

    #[test]
    fn nothing_secret_is_kept_of_a_plan() {
        let runs = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&runs.path().join("runs"), RunId::generate(), &open_plan(1), true).unwrap();
        let kept = fs::read_to_string(folder.path().join(PLAN)).unwrap();
        assert!(kept.contains("shop.test") && !kept.contains("s3cret"), "{kept}");
    }
}
