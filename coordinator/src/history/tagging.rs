//! Tags after the fact: which run has one, and how they are changed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::{Asked, HistoryError, runs};
use crate::store::RunFolder;

/// The most tags that a run has after a change.
pub const TAGS_MAX: usize = 100;

/// Why a run's tags stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum RetagError {
    /// Which it has is not known.
    #[error("nobody can tell which tags the run has")]
    Unknown,
    /// It has none of this name.
    #[error("the run has no tag {0}")]
    Missing(String),
    /// They would be too many.
    #[error("a run has at most {TAGS_MAX} tags")]
    TooMany,
    /// They cannot be written.
    #[error("the tags cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// The latest run of a plan of this name that came to a result and has this tag: `key=value`, or `key` with whatever value.
///
/// # Errors
/// When the folder of runs cannot be read.
pub fn tagged(path: &Path, tag: &str, plan: &str) -> Result<Option<RunFolder>, HistoryError> {
    let (key, value) = tag.split_once('=').map_or((tag, None), |(key, value)| (key, Some(value)));
    let mut all = runs(path, &Asked { name: Some(plan.to_owned()), ..Asked::default() })?.into_iter();
    let has =
        |tags: &BTreeMap<String, String>| tags.get(key).is_some_and(|found| value.is_none_or(|value| value == found));
    Ok(all.find(|kept| kept.run.grade.is_some() && has(&kept.run.tags)).map(|kept| kept.folder))
}

/// Takes tags from a run and gives it others, and returns those that it has then. What was measured stays as it is.
///
/// # Errors
/// [`RetagError`] says why they stay as they are.
pub fn retag(
    folder: &RunFolder,
    set: &[(String, String)],
    remove: &[String],
) -> Result<BTreeMap<String, String>, RetagError> {
    let mut tags = now(folder).ok_or(RetagError::Unknown)?;
    for key in remove {
        tags.remove(key).ok_or_else(|| RetagError::Missing(key.clone()))?;
    }
    tags.extend(set.iter().cloned());
    if tags.len() > TAGS_MAX {
        return Err(RetagError::TooMany);
    }
    if !(set.is_empty() && remove.is_empty()) {
        folder.keep_tags(tags.clone())?;
    }
    Ok(tags)
}

/// The tags that a run has now, as far as anybody can tell.
fn now(folder: &RunFolder) -> Option<BTreeMap<String, String>> {
    let begun = || match folder.digest() {
        Ok(digest) => Some(digest.line().tags),
        Err(_) => Some(folder.head()?.settings.tags),
    };
    folder.tags().ok()?.or_else(begun)
}
