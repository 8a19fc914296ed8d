//! What an agent has not told yet, in a folder that outlives its process.
//!
//! An agent's part in a run has a folder of its own in there, locked as long as the process lives. It holds a ring of
//! the latest events for each worker (`engine/ring.rs`), and the deltas that are not acknowledged ([`kept`]), which say
//! up to which event they go ([`keeper`]). Whoever finds a folder that is not locked hands in what is in it ([`left`]).

pub mod keeper;
pub mod kept;
pub mod left;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use muster_proto::id::{Incarnation, RunId};
use muster_proto::measurement::Shape;

use self::keeper::Keeper;
use self::left::Left;
use crate::engine::ring::RingFile;

/// The most folders of processes that have ended. The oldest runs' go first.
pub const LEFT_MAX: usize = 64;
/// What is locked as long as a folder's process lives.
const LOCK: &str = "lock";
/// What says which start of the machine it is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A folder for the spools of all agents that are started with it.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
    incarnation: Incarnation,
    boot_id: String,
}

/// Why a folder cannot be used for spools.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The system does not permit it.
    #[error("the spool {}: {source}", folder.display())]
    Io {
        /// Which folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others could read what is in there, or change it.
    #[error("the spool {} must be a folder of this user's, with access for nobody else (chmod 700)", .0.display())]
    NotPrivate(PathBuf),
}

impl Spool {
    /// A spool in this folder, which is made if there is none, for this start of the agent.
    ///
    /// # Errors
    /// [`SpoolError`] when the folder cannot be used.
    pub fn open(folder: &Path, incarnation: Incarnation) -> Result<Self, SpoolError> {
        let failed = |source| SpoolError::Io { folder: folder.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let metadata = fs::metadata(folder).map_err(failed)?;
        let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
        if !metadata.is_dir() || !is_ours || metadata.mode() & 0o077 != 0 {
            return Err(SpoolError::NotPrivate(folder.to_owned()));
        }
        let boot_id = fs::read_to_string(BOOT_ID).map_err(failed)?.trim().to_owned();
        Ok(Self { folder: folder.to_owned(), incarnation, boot_id })
    }

    /// Begins to keep what is measured for a run whose plan has this shape, with a ring for each worker.
    ///
    /// # Errors
    /// What the system says when there is no room, or no permission.
    pub fn begin(&self, run: RunId, shape: Shape, workers: usize) -> io::Result<(Keeper, Vec<RingFile>)> {
        let _scan = self.hold_still()?;
        let folder = self.folder.join(format!("{run}-{:016x}", self.incarnation.0));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let lock = create(&folder.join(LOCK))?;
        lock.try_lock()?;
        let rings = (0..workers).map(|worker| RingFile::new(create(&ring_path(&folder, worker))?));
        let rings = rings.collect::<io::Result<Vec<_>>>();
        let rings = rings.inspect_err(|_| drop(fs::remove_dir_all(&folder)))?;
        let freed = rings.iter().map(RingFile::freed).collect();
        let about = kept::About { run: *run.0.as_bytes(), incarnation: self.incarnation, shape };
        Ok((Keeper::new(folder, lock, about, self.boot_id.clone(), freed), rings))
    }

    /// What processes left that have ended, oldest runs first, and why the rest of it is of no use.
    ///
    /// # Errors
    /// What the system says when the folder cannot be read.
    pub fn left(&self) -> io::Result<(Vec<Left>, Vec<String>)> {
        let _scan = self.hold_still()?;
        let entries = fs::read_dir(&self.folder)?.filter_map(Result::ok);
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        folders.sort_unstable();
        let (mut left, mut useless) = (Vec::new(), Vec::new());
        for folder in folders {
            let Some(lock) = lock_of_the_dead(&folder) else { continue };
            match Left::read(&folder, lock, &self.boot_id) {
                Ok(found) => left.push(found),
                Err(reason) => {
                    useless.push(format!("{}: {reason}", folder.display()));
                    let _ = fs::remove_dir_all(&folder);
                }
            }
        }
        while left.len() > LEFT_MAX {
            let oldest = left.remove(0);
            useless.push(format!("{}: there are more than {LEFT_MAX} newer ones", oldest.folder().display()));
            oldest.remove();
        }
        Ok((left, useless))
    }

    /// Keeps other agents from making or looking for folders until it is dropped, so that nobody finds one that is made
    /// but not locked yet.
    fn hold_still(&self) -> io::Result<File> {
        let path = self.folder.join(LOCK);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        lock.lock()?;
        Ok(lock)
    }
}

/// The lock of a folder, unless a process that lives holds it, or it cannot be had.
fn lock_of_the_dead(folder: &Path) -> Option<File> {
    let path = folder.join(LOCK);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).ok()?;
    match lock.try_lock() {
        Ok(()) => Some(lock),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
    }
}

fn ring_path(folder: &Path, worker: usize) -> PathBuf {
    folder.join(format!("ring.{worker}"))
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests;
