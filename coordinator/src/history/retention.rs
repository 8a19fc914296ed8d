//! How long runs are kept.

use std::collections::HashMap;
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
    /// Whether a run need not stay that is the so-and-so-many-th of those that are asked for, the latest being the first.
    fn is_over(&self, kept: &Kept, number: usize) -> bool {
        match self {
            Self::Latest(most) => number > *most,
            Self::Since(moment) => called_for(&kept.folder).is_some_and(|at| at < *moment),
        }
    }

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
    Spared(String),
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
    let mut asked_for = 0;
    let (old, young): (Vec<Kept>, Vec<Kept>) = runs(path, &Asked::default())?.into_iter().partition(|kept| {
        let is_asked_for = asked.is(kept);
        asked_for += usize::from(is_asked_for);
        is_asked_for && retention.is_over(kept, asked_for)
    });
    let old: Vec<(Kept, Option<String>)> = old
        .into_iter()
        .map(|kept| {
            let why = own_reason(&kept);
            (kept, why)
        })
        .collect();
    let staying = young.iter().chain(old.iter().filter(|(_, why)| why.is_some()).map(|(kept, _)| kept));
    let baselines: HashMap<String, String> =
        staying.filter_map(|kept| Some((kept.folder.baseline()?, kept.run.id.clone()))).collect();
    if !dry {
        sweep(path);
    }
    let fates = old.into_iter().map(|(kept, why)| {
        let fate = why.or_else(|| of_another(&kept, &baselines)).map_or_else(|| remove(&kept, dry), Fate::Spared);
        (kept.run, fate)
    });
    Ok(fates.collect())
}

/// Why a run stays by itself, if it does.
fn own_reason(kept: &Kept) -> Option<String> {
    let is_kept = KEEPING_TAGS.iter().any(|tag| kept.run.tags.contains_key(*tag));
    let why = match kept.run.outcome.as_str() {
        "going-on" => "it goes on",
        _ if is_kept => "its tag keeps it",
        _ if !kept.tags_known => "its tags cannot be read, and might keep it",
        _ => return None,
    };
    Some(why.to_owned())
}

/// Why it stays for the sake of another, if it does: one that stays anyway was compared with it. What stays only for another's
/// sake keeps nothing, or no run of a chain, each compared with the one before it, would ever go.
fn of_another(kept: &Kept, baselines: &HashMap<String, String>) -> Option<String> {
    let of = baselines.get(&kept.folder.identity()?.to_string())?;
    Some(format!("it is the baseline of {of}"))
}

fn remove(kept: &Kept, dry: bool) -> Fate {
    if dry {
        return Fate::Removed;
    }
    match kept.folder.remove() {
        Ok(()) => Fate::Removed,
        Err(StoreError::Busy) => Fate::Spared("it goes on".to_owned()),
        Err(error) => Fate::Stuck(error),
    }
}
