//! What a process left that ended before it had told everything.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use muster_proto::id::{Incarnation, RunId};
use muster_proto::measurement::{Measurement, Totals};
use uuid::Uuid;

use super::kept::{Begun, Kept};
use super::ring_path;
use crate::engine::record::Recorded;
use crate::engine::ring;
use crate::outbox::Outbox;

/// The most windows into which what was not in a delta yet is told apart.
const WINDOWS_MAX: usize = 1_024;

/// A folder whose process has ended. Locked, so that nobody else hands it in at the same time.
#[derive(Debug)]
pub struct Left {
    folder: PathBuf,
    _lock: File,
    remains: Remains,
}

/// An agent's part in a run, as far as it was not acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub struct Remains {
    /// Which run.
    pub run: RunId,
    /// Which start of the agent.
    pub incarnation: Incarnation,
    /// All that it may not have told.
    pub outbox: Outbox,
    /// All that it counted until its end.
    pub totals: Totals,
    /// First arrival's moment minus the moment at which it was due, in nanoseconds.
    pub start_error_ns: Option<i64>,
    /// Whether something is missing, so that its books can never be closed.
    pub has_gap: bool,
}

impl Left {
    /// Reads what is in a folder.
    ///
    /// # Errors
    /// Why it is of no use, for a person to read.
    pub(super) fn read(folder: &Path, lock: File, boot_id: &str) -> Result<Self, String> {
        let kept = Kept::read(folder, boot_id)?;
        let ring = |worker| fs::read(ring_path(folder, worker)).map_err(|error| format!("ring {worker}: {error}"));
        let rings = (0..kept.marks.len()).map(ring).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { folder: folder.to_owned(), _lock: lock, remains: Remains::of(kept, &rings)? })
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What there is.
    #[must_use]
    pub fn remains(&self) -> &Remains {
        &self.remains
    }

    /// Removes it: it was handed in, or nobody will ever want it.
    pub fn remove(self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Remains {
    /// What was kept, and the events after that in the workers' rings.
    ///
    /// # Errors
    /// Why it does not fit together.
    fn of(kept: Kept, rings: &[Vec<u8>]) -> Result<Self, String> {
        let shape = kept.about.shape;
        let mut windows: BTreeMap<u32, Measurement> = BTreeMap::new();
        let (mut totals, mut has_gap) = (Totals::default(), false);
        for (mark, ring) in kept.marks.iter().zip(rings) {
            totals.add(&mark.totals);
            for recorded in ring::read(ring, mark.position) {
                let Recorded::Event(window, event) = recorded else {
                    has_gap = true;
                    break;
                };
                let window = told_apart(&windows, window.max(kept.next_window));
                let measurement = windows.entry(window).or_insert_with(|| Measurement::new(shape));
                event.count(measurement, &mut totals).map_err(|error| error.to_string())?;
            }
        }
        let Kept { about, mut outbox, marks, mut begun, health, .. } = kept;
        windows.values().for_each(|measurement| Begun::add(&mut begun, measurement));
        if let Some(mut last) = windows.last_entry() {
            // An open window has yet to count what fell due in it. Whatever started or was skipped did fall due.
            for (stats, begun) in last.get_mut().scenarios.iter_mut().zip(&begun) {
                let uncounted = begun.settled.saturating_sub(begun.due);
                stats.due += uncounted;
                totals.due += uncounted;
            }
        }
        if !has_gap {
            windows.iter().for_each(|(window, measurement)| outbox.put((*window, *window), measurement, health));
        }
        let start_errors = marks.iter().filter_map(|mark| mark.start_error_ns);
        Ok(Self {
            run: RunId(Uuid::from_bytes(about.run)),
            incarnation: about.incarnation,
            start_error_ns: start_errors.max_by_key(|error| error.unsigned_abs()),
            outbox,
            totals,
            has_gap,
        })
    }
}

/// The window in which something is told that happened in this one: the last one if there are too many.
fn told_apart(windows: &BTreeMap<u32, Measurement>, window: u32) -> u32 {
    match windows.last_key_value() {
        Some((last, _)) if windows.len() >= WINDOWS_MAX && !windows.contains_key(&window) => *last,
        _ => window,
    }
}
