//! What is kept of earlier runs: which there are, how their numbers went on, and how long they are kept.
//!
//! The folders are the truth. An index in their midst saves reading all their results again; it is brought up to date by
//! whoever asks, from the names of the folders and the dates of their results.

mod index;
mod measure;
mod retention;
mod tagging;
#[cfg(test)]
mod tests;
mod trend;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use index::{Answer, Index, is_damage};
use jiff::Timestamp;
pub use measure::Measure;
pub use retention::{Fate, KEEPING_TAGS, Retention, prune};
pub use tagging::{RetagError, TAGS_MAX, retag, tagged};
pub use trend::{Scope, TrendError, trend};

use crate::report::KeptRun;
use crate::store::{RunFolder, Stamp};

/// The name of the index.
const INDEX: &str = "index.sqlite";
/// How many results are read before what was read is written down.
const READ_AT_ONCE: usize = 64;

/// Which runs are asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Those of a plan of this name.
    pub name: Option<String>,
    /// Those with all of these tags.
    pub tags: BTreeMap<String, String>,
    /// Those that came out like this.
    pub outcome: Option<String>,
    /// Those of which this is a part of the identity, the plan, a tag or what came out, however it is written.
    pub search: Option<String>,
}

impl Asked {
    fn is(&self, kept: &Kept) -> bool {
        let run = &kept.run;
        self.name.as_ref().is_none_or(|name| *name == run.name)
            && self.outcome.as_ref().is_none_or(|outcome| *outcome == run.outcome)
            && self.tags.iter().all(|(key, value)| run.tags.get(key) == Some(value))
            && self.search.as_ref().is_none_or(|text| kept.mentions(&text.to_lowercase()))
    }
}

/// Why nothing can be told of earlier runs.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Their folder cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Not even an index in memory can be had.
    #[error("no index of runs can be made: {0}")]
    Index(#[from] rusqlite::Error),
}

/// A kept run with its folder.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The run in a line.
    pub run: KeptRun,
    /// Where it is.
    pub folder: RunFolder,
    /// Whether its tags are known; without a result, only a journal of this build tells them.
    pub tags_known: bool,
}

impl Kept {
    /// Whether this, in small letters, is a part of what is known of the run, or of its plan.
    fn mentions(&self, text: &str) -> bool {
        let run = &self.run;
        let tags = run.tags.iter().map(|(key, value)| format!("{key}={value}"));
        let grade = run.grade.iter().cloned();
        let line = [run.id.clone(), run.name.clone(), run.outcome.clone()].into_iter().chain(grade).chain(tags);
        // The plan is read only where the line does not have it.
        line.chain(std::iter::once_with(|| self.folder.plan_text().unwrap_or_default()))
            .any(|part| part.to_lowercase().contains(text))
    }
}

/// All kept runs that are asked for, the one that began last first.
///
/// # Errors
/// When their folder cannot be read.
pub fn runs(path: &Path, asked: &Asked) -> Result<Vec<Kept>, HistoryError> {
    let folders = folders(path)?;
    let lines = if folders.is_empty() { HashMap::new() } else { ask(path, &folders, Index::lines)? };
    let kept = folders.into_iter().map(|folder| match lines.get(&folder.name) {
        Some(line) if folder.stamp.is_some() => Kept { run: line.clone(), folder: folder.folder, tags_known: true },
        _ => without_result(folder),
    });
    Ok(kept.map(with_tags).filter(|kept| asked.is(kept)).collect())
}

/// The run with the tags that it has now. Nobody can tell those that cannot be read.
fn with_tags(mut kept: Kept) -> Kept {
    match kept.folder.tags() {
        Ok(None) => {}
        Ok(Some(tags)) => {
            kept.run.tags = tags;
            kept.tags_known = true;
        }
        Err(_) => kept.tags_known = false,
    }
    kept
}

/// A run's folder, as the folder of all runs tells of it.
struct Listed {
    name: String,
    folder: RunFolder,
    stamp: Option<Stamp>,
}

fn folders(path: &Path) -> Result<Vec<Listed>, HistoryError> {
    let all = RunFolder::all(path).map_err(|error| HistoryError::Folder { path: path.to_owned(), error })?;
    let listed = all.into_iter().filter_map(|folder| {
        let name = folder.path().file_name()?.to_str()?.to_owned();
        Some(Listed { name, stamp: folder.stamp(), folder })
    });
    Ok(listed.collect())
}

/// Asks the index, once it is up to date. A damaged one is made anew, and where none can be written there is one in memory.
fn ask<T>(path: &Path, folders: &[Listed], question: impl Fn(&Index) -> Answer<T>) -> Answer<T> {
    let answer = |mut index: Index| {
        bring_up_to_date(&mut index, folders)?;
        question(&index)
    };
    let path = path.join(INDEX);
    let on_disk = || Index::open(&path).and_then(answer);
    let answered = on_disk().or_else(|error| {
        if !is_damage(&error) {
            return Err(error);
        }
        Index::discard(&path);
        on_disk()
    });
    answered.or_else(|_| answer(Index::in_memory()?))
}

/// Reads what is new, forgets what has vanished. What cannot be read is left out, and tried again the next time.
fn bring_up_to_date(index: &mut Index, folders: &[Listed]) -> Answer<()> {
    let known = index.known()?;
    let with_results: HashMap<&str, Stamp> =
        folders.iter().filter_map(|folder| Some((folder.name.as_str(), folder.stamp?))).collect();
    let mut gone = known.keys().map(String::as_str).filter(|name| !with_results.contains_key(name)).peekable();
    if gone.peek().is_some() {
        index.change(gone, &[])?;
    }
    let fresh = |folder: &&Listed| folder.stamp.is_some_and(|stamp| known.get(&folder.name) != Some(&stamp));
    let fresh: Vec<&Listed> = folders.iter().filter(fresh).collect();
    for some in fresh.chunks(READ_AT_ONCE) {
        // The date is older than what is read, so a result that is written meanwhile is read again.
        let read = some.iter().filter_map(|of| Some((of.name.clone(), of.stamp?, of.folder.digest().ok()?)));
        index.change(std::iter::empty(), &read.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// What is known of a run that came to no result, or to none that can be read.
fn without_result(of: Listed) -> Kept {
    let (head, outcome) = match of.stamp {
        Some(_) => (None, "unreadable"),
        None if of.folder.goes_on() => (of.folder.head(), "going-on"),
        None => (of.folder.head(), "interrupted"),
    };
    let called_for = called_for(&of.folder);
    let run = KeptRun {
        id: of.name,
        name: of.folder.plan_name().unwrap_or_else(|| "?".to_owned()),
        started_at: called_for.map_or_else(|| "?".to_owned(), |date| date.to_string()),
        outcome: outcome.to_owned(),
        tags: head.as_ref().map(|head| head.settings.tags.clone()).unwrap_or_default(),
        ..KeptRun::default()
    };
    Kept { run, folder: of.folder, tags_known: head.is_some() }
}

/// When a run was called for, which its identity tells.
fn called_for(folder: &RunFolder) -> Option<Timestamp> {
    let (seconds, nanoseconds) = folder.identity()?.get_timestamp()?.to_unix();
    Timestamp::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?).ok()
}
