//! The folder of a cache: files of rows by their hashes, and files that are yet being written.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, DirEntry, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::PathBuf;

use muster_proto::plan::RowsId;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use tempfile::NamedTempFile;

use crate::engine::rows::Rows;

/// What files end in that hold rows, and that are yet being written. Nothing else in the folder is touched.
const ROWS: &str = "rows";
const PART: &str = "part";

/// The folder of a cache, which others may use at the same time.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// How many bytes its files take at most.
    pub(super) bytes_max: u64,
}

/// A file that is being written. It is locked meanwhile, and gone if it is dropped.
pub(super) struct Draft(NamedTempFile);

/// A file of the folder that may go.
struct Old {
    used: (i64, i64),
    bytes: u64,
    path: PathBuf,
}

impl Folder {
    /// The rows, if they are here. What is not as it should be is removed.
    pub(super) fn find(&self, id: RowsId) -> io::Result<Option<Rows>> {
        let path = self.file(id);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // It has been used now. Where that cannot be noted, it only goes earlier.
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let _ = futimens(&file, &Timestamps { last_access: now, last_modification: now });
        let read = if file.metadata()?.len() == id.bytes {
            Rows::of_file(file)
        } else {
            Err(io::ErrorKind::InvalidData.into())
        };
        match read {
            Ok(rows) if rows.id() == id => return Ok(Some(rows)),
            Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
            Ok(_) | Err(_) => {}
        }
        tracing::warn!(file = %path.display(), "a damaged file of rows is removed, and they are fetched again");
        fs::remove_file(&path)?;
        Ok(None)
    }

    /// A file to be written, with room for so many bytes.
    pub(super) fn draft(&self, bytes: u64) -> io::Result<(Draft, File)> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        self.make_room(bytes)?;
        let suffix = format!(".{PART}");
        loop {
            let draft = tempfile::Builder::new().suffix(&suffix).tempfile_in(&self.path)?;
            // Where there are no locks, nobody can tell what was left behind, and it stays.
            let _ = draft.as_file().lock();
            // Before it was locked, somebody may have taken it for one that was left behind.
            if draft.path().exists() {
                let file = draft.as_file().try_clone()?;
                return Ok((Draft(draft), file));
            }
        }
    }

    /// Puts a file that holds these rows into its place.
    pub(super) fn place(&self, Draft(draft): Draft, id: RowsId) -> io::Result<()> {
        draft.persist(self.file(id)).map_err(|error| error.error)?;
        // Somebody else may have written meanwhile.
        self.make_room(0)
    }

    fn file(&self, id: RowsId) -> PathBuf {
        self.path.join(format!("{}.{ROWS}", id.hash))
    }

    /// Removes what was used longest ago, until there is room for so many bytes more, and what nobody goes on writing.
    fn make_room(&self, more: u64) -> io::Result<()> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = PathBuf::from(entry.file_name());
            match name.extension().and_then(OsStr::to_str) {
                Some(ROWS) => kept.extend(old(&entry)),
                Some(PART) if is_left_behind(&entry) => remove(&entry.path())?,
                _ => {}
            }
        }
        kept.sort_by_key(|old| old.used);
        let mut bytes = kept.iter().map(|old| old.bytes).sum::<u64>().saturating_add(more);
        for old in kept {
            if bytes <= self.bytes_max {
                break;
            }
            bytes -= old.bytes;
            remove(&old.path)?;
        }
        Ok(())
    }
}

/// A file, unless it is gone by now.
fn old(entry: &DirEntry) -> Option<Old> {
    let metadata = entry.metadata().ok()?;
    Some(Old { used: (metadata.mtime(), metadata.mtime_nsec()), bytes: metadata.len(), path: entry.path() })
}

/// Whether nobody writes to this file any more.
fn is_left_behind(entry: &DirEntry) -> bool {
    File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
}

/// Removes a file, unless somebody else has.
fn remove(path: &std::path::Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
