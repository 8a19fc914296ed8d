//! How long runs are kept.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::{Asked, HistoryError, Kept, called_for, runs};
use crate::report::KeptRun;
use crate::store::{StoreError, sweep};

/// Tags that keep a run from being removed, whatever their values.
pub const KEEPING_TAGS: [&str; 2] = ["keep", "baseline"];

/// Which runs stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// So many of the latest.
    Latest(usize),
    /// Those that began no longer ago.
    Since(Timestamp),
}

impl Retention {
    /// Those that began no longer than this before `now`.
    #[must_use]
    pub fn for_as_long_as(age: Duration, now: Timestamp) -> Self {
        Self::Since(now.saturating_sub(age).unwrap_or(Timestamp::MIN))
    }
}

/// What becomes of a run that need not stay.
#[derive(Debug)]
pub enum Fate {
    /// It is gone, or would be.
    Removed,
    /// It stays, and why.
    Spared(&'static str),
    /// It could not be removed.
    Stuck(StoreError),
}

/// Removes the runs that need not stay, of those that are asked for, or only tells which they are.
///
/// # Errors
/// When the folder of runs cannot be read.
pub fn prune(
    path: &Path,
    asked: &Asked,
    retention: Retention,
    dry: bool,
) -> Result<Vec<(KeptRun, Fate)>, HistoryError> {
    let all = runs(path, asked)?;
    let old: Vec<Kept> = match retention {
        Retention::Latest(number) => all.into_iter().skip(number).collect(),
        Retention::Since(moment) => {
            all.into_iter().filter(|kept| called_for(&kept.folder).is_some_and(|at| at < moment)).collect()
        }
    };
    if !dry {
        sweep(path);
    }
    Ok(old.into_iter().map(|kept| (kept.run.clone(), remove(&kept, dry))).collect())
}

fn remove(kept: &Kept, dry: bool) -> Fate {
    let is_kept = KEEPING_TAGS.iter().any(|tag| kept.run.tags.contains_key(*tag));
    match kept.run.outcome.as_str() {
        "going-on" => Fate::Spared("it goes on"),
        _ if is_kept => Fate::Spared("its tag keeps it"),
        _ if !kept.tags_known => Fate::Spared("its tags cannot be read, and might keep it"),
        _ if dry => Fate::Removed,
        _ => match kept.folder.remove() {
            Ok(()) => Fate::Removed,
            Err(StoreError::Busy) => Fate::Spared("it goes on"),
            Err(error) => Fate::Stuck(error),
        },
    }
}
