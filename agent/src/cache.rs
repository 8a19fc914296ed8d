//! The rows of a plan's feeders: asked for piece by piece, checked, and kept for the next run.
//!
//! What fits into memory is held there, and asked for anew by each run. Everything else lies in a folder, by its hash, and
//! is found there again. Several agents may use one folder: a file comes into its place whole, and whoever has opened one
//! keeps it, whatever becomes of its name.

mod folder;

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use muster_proto::plan::{Feeder, PIECE_BYTES_MAX, Plan, RowsId};
use tokio::task::spawn_blocking;

use self::folder::{Draft, Folder};
use crate::engine::rows::{HELD_BYTES_MAX, Intake, Rows};

/// How much a cache keeps, unless its owner says otherwise, in bytes.
pub const CACHE_BYTES_DEFAULT: u64 = 16 << 30;

/// Whom pieces of rows are asked of.
pub trait Pieces: Send {
    /// A piece of these rows from this byte on: as much of them as suits the asker, and no more than
    /// [`PIECE_BYTES_MAX`].
    fn piece(&mut self, rows: RowsId, offset: u64) -> impl Future<Output = Result<Bytes, String>> + Send;
}

/// Where rows are kept that do not fit into memory. Copies are of the same.
#[derive(Clone, Debug)]
pub struct Cache(Arc<Folder>);

/// Why a feeder's rows are not here.
#[derive(Debug, thiserror::Error)]
#[error("the rows of feeder {feeder}: {fault}")]
pub struct RowsError {
    feeder: String,
    fault: Fault,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("they cannot be fetched: {0}")]
    Unfetched(String),
    #[error("they are not the plan's: wanted {wanted}, got {got}")]
    Wrong { wanted: String, got: String },
    #[error("they take {bytes} bytes, and the cache may hold {bytes_max} (--cache-max; it is {})", folder.display())]
    TooLarge { bytes: u64, bytes_max: u64, folder: PathBuf },
    #[error("they cannot be kept: {error} (in the cache {})", folder.display())]
    Unkept { folder: PathBuf, error: io::Error },
}

impl Default for Cache {
    /// In this user's own folder for caches.
    fn default() -> Self {
        Self::usual(CACHE_BYTES_DEFAULT)
    }
}

impl Cache {
    /// In this user's own folder for caches, of this many bytes at most.
    #[must_use]
    pub fn usual(bytes_max: u64) -> Self {
        Self::at(&usual_folder(), bytes_max)
    }

    /// In this folder, which is made when it is needed, of this many bytes at most. What was used longest ago goes first.
    #[must_use]
    pub fn at(folder: &Path, bytes_max: u64) -> Self {
        Self(Arc::new(Folder { path: folder.to_owned(), bytes_max }))
    }

    /// The rows of all feeders of a plan, by their places.
    ///
    /// # Errors
    /// [`RowsError`] says what is not here, and why.
    pub async fn rows(&self, plan: &Plan, mut pieces: impl Pieces) -> Result<Vec<Arc<Rows>>, RowsError> {
        let mut all: Vec<Arc<Rows>> = Vec::with_capacity(plan.data.len());
        for Feeder { name, rows: id, .. } in &plan.data {
            let rows = match all.iter().find(|rows| rows.id() == *id) {
                Some(rows) => Arc::clone(rows),
                None => {
                    let rows = self.rows_of(*id, &mut pieces).await;
                    Arc::new(rows.map_err(|fault| RowsError { feeder: name.clone(), fault })?)
                }
            };
            all.push(rows);
        }
        Ok(all)
    }

    async fn rows_of(&self, id: RowsId, pieces: &mut impl Pieces) -> Result<Rows, Fault> {
        if id.bytes <= HELD_BYTES_MAX {
            let rows = fetch(id, Intake::held(), pieces).await?.map_err(|error| Fault::wrong(id, &error.to_string()));
            return rows.and_then(|rows| checked(rows, id));
        }
        let folder = &self.0;
        let unkept = |error| Fault::Unkept { folder: folder.path.clone(), error };
        if id.bytes > folder.bytes_max {
            let (bytes_max, folder) = (folder.bytes_max, folder.path.clone());
            return Err(Fault::TooLarge { bytes: id.bytes, bytes_max, folder });
        }
        let found = self.apart(move |folder| folder.find(id)).await.map_err(unkept)?;
        if let Some(rows) = found {
            return Ok(rows);
        }
        let (draft, file): (Draft, _) = self.apart(move |folder| folder.draft(id.bytes)).await.map_err(unkept)?;
        let rows = fetch(id, Intake::in_file(file), pieces).await?.map_err(unkept)?;
        let rows = checked(rows, id)?;
        self.apart(move |folder| folder.place(draft, id)).await.map_err(unkept)?;
        Ok(rows)
    }

    /// Does some work with the folder that may wait for the disk.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let folder = Arc::clone(&self.0);
        spawn_blocking(move || work(&folder)).await?
    }
}

impl Fault {
    fn wrong(id: RowsId, got: &str) -> Self {
        Self::Wrong { wanted: in_words(id), got: got.to_owned() }
    }
}

/// Asks for all of some rows, piece by piece, and takes them in. The inner result is that of keeping them.
async fn fetch(id: RowsId, mut intake: Intake, pieces: &mut impl Pieces) -> Result<io::Result<Rows>, Fault> {
    while intake.bytes() < id.bytes {
        let piece = pieces.piece(id, intake.bytes()).await.map_err(Fault::Unfetched)?;
        let left = id.bytes - intake.bytes();
        if piece.is_empty() || piece.len() as u64 > left.min(PIECE_BYTES_MAX.into()) {
            let got = format!("a piece of {} bytes where {left} were left", piece.len());
            return Err(Fault::wrong(id, &got));
        }
        let taken = spawn_blocking(move || intake.push(&piece).map(|()| intake)).await;
        intake = match taken.map_err(io::Error::other).and_then(|taken| taken) {
            Ok(intake) => intake,
            Err(error) => return Ok(Err(error)),
        };
    }
    Ok(spawn_blocking(move || intake.finish()).await.map_err(io::Error::other).and_then(|rows| rows))
}

/// The rows, if they are those that are wanted.
fn checked(rows: Rows, id: RowsId) -> Result<Rows, Fault> {
    if rows.id() == id { Ok(rows) } else { Err(Fault::wrong(id, &in_words(rows.id()))) }
}

fn in_words(id: RowsId) -> String {
    format!("{} rows in {} bytes with SHA-256 {}", id.count, id.bytes, id.hash)
}

/// Where this user's caches are; without such a place, a folder of this user's among what is temporary.
fn usual_folder() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
    match caches {
        Some(caches) => caches.join("muster/rows"),
        None => std::env::temp_dir().join(format!("muster-{}/rows", rustix::process::geteuid().as_raw())),
    }
}

#[cfg(test)]
mod tests;
