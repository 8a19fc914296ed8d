//! A stretch of a run by itself, after the fact: what its timeline keeps of each second, merged and asked anew.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use muster_proto::measurement::{INTERVAL_NS, SkipReason};
use serde::{Deserialize, Serialize};

use super::document::{AnnotationInfo, GradeSeconds};
use super::metrics::PERCENTILES;
use super::numbers::{fraction, ms, per_second, seconds};
use crate::run::record::RunRecord;
use crate::run::timeline::{Interval, SeriesInterval};
use crate::verdict::validity::in_words;

/// The version of the document.
const SCHEMA: &str = "muster.window/1";

/// What is told of a stretch of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The version of the document.
    pub schema: String,
    /// The run's identity.
    pub id: String,
    /// The plan's name.
    pub name: String,
    /// When the run started, RFC 3339.
    pub started_at: String,
    /// How long it took.
    pub duration_s: f64,
    /// Which stretch it is.
    pub stretch: Stretch,
    /// Iterations: due, started, skipped, and how they ended.
    pub iterations: WindowIterations,
    /// Each request, and all of them together, which have no name.
    pub requests: Vec<WindowRequest>,
    /// The most users at work.
    pub users: u64,
    /// How many seconds got which grade.
    pub seconds: GradeSeconds,
    /// Why some are not valid, in words.
    pub reasons: Vec<String>,
    /// What the user changed or noted in it.
    pub annotations: Vec<AnnotationInfo>,
}

/// Which stretch of a run, in seconds from its start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// From when on it was asked for.
    pub asked_from_s: f64,
    /// Until when.
    pub asked_until_s: f64,
    /// From when on things are counted.
    pub from_s: f64,
    /// Until when.
    pub until_s: f64,
    /// How many seconds the timeline keeps together.
    pub resolution_s: u32,
    /// Whether something in it was told too coarsely to know its second.
    pub coarse: bool,
    /// Until when a scenario warms up, if some of that lies in it.
    pub warm_up_until_s: Option<u32>,
}

/// Iterations of a stretch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowIterations {
    /// Fell due.
    pub due: u64,
    /// Started.
    pub started: u64,
    /// Never started, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Went through all their steps.
    pub completed: u64,
    /// Ended early by a failure.
    pub failed: u64,
    /// Ended by the run's end.
    pub cut_off: u64,
}

/// Requests of a stretch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowRequest {
    /// Of which scenario; of all without.
    pub scenario: Option<String>,
    /// Which; all without.
    pub request: Option<String>,
    /// How many began.
    pub sent: u64,
    /// How many ended.
    pub count: u64,
    /// How many ended per second.
    pub rate_per_s: f64,
    /// How many of those failed.
    pub failed: u64,
    /// Which part of them that is, 0 to 1.
    pub failed_fraction: f64,
    /// The response times at or below which so many per cent lie.
    pub percentiles_ms: BTreeMap<String, f64>,
    /// The exact longest.
    pub max_ms: Option<f64>,
}

/// Why there is nothing to be told of a stretch.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WindowError {
    /// It has no length.
    #[error("the window ends before it begins")]
    Empty,
    /// The run was over by then.
    #[error("the run is told from 0 s to {0} s, and the window begins after that")]
    Behind(f64),
}

impl Window {
    /// What is told of a run between these moments of it; without an end, until its own.
    ///
    /// # Errors
    /// When that is no stretch of the run.
    pub fn of(record: &RunRecord, from: Duration, until: Option<Duration>) -> Result<Self, WindowError> {
        let timeline = &record.timeline;
        let from_ns = nanoseconds(from);
        let until_ns = until.map_or(record.duration_ns, nanoseconds);
        let behind = WindowError::Behind(seconds(record.duration_ns));
        if until.is_some_and(|until| until <= from) {
            return Err(WindowError::Empty);
        }
        let [first, last] =
            [from_ns / INTERVAL_NS, until_ns.div_ceil(INTERVAL_NS)].map(|s| u32::try_from(s).unwrap_or(u32::MAX));
        let whole = timeline.between(first, last).filter(|_| from_ns < record.duration_ns).ok_or(behind)?;
        let whole_from_ns = u64::from(whole.first) * INTERVAL_NS;
        let whole_until_ns = (whole_from_ns + u64::from(whole.seconds) * INTERVAL_NS).min(record.duration_ns);
        let warm_until = timeline.spans().iter().map(|span| span.first_measured).max();
        let stretch = Stretch {
            asked_from_s: seconds(from_ns),
            asked_until_s: seconds(until_ns),
            from_s: seconds(whole_from_ns),
            until_s: seconds(whole_until_ns),
            resolution_s: timeline.resolution_s(),
            coarse: whole.coarse,
            warm_up_until_s: warm_until.filter(|until| whole.first < *until),
        };
        let is_within = |at_ns: u64| (whole_from_ns..whole_until_ns).contains(&at_ns);
        let notes = record.annotations.iter().filter(|note| is_within(note.at_ns));
        Ok(Self {
            schema: SCHEMA.to_owned(),
            id: record.id.to_string(),
            name: record.plan.name.clone(),
            started_at: record.started_at.clone(),
            duration_s: seconds(record.duration_ns),
            stretch,
            iterations: iterations(&whole),
            requests: requests(record, &whole, whole_until_ns - whole_from_ns),
            users: whole.users,
            seconds: GradeSeconds {
                valid: whole.grades.valid,
                suspect: whole.grades.suspect,
                invalid: whole.grades.invalid,
            },
            reasons: whole.grades.reasons().map(|(reason, seconds)| in_words(reason, &seconds)).collect(),
            annotations: notes
                .map(|note| AnnotationInfo { at_s: seconds(note.at_ns), text: note.text.clone() })
                .collect(),
        })
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn iterations(whole: &Interval) -> WindowIterations {
    let counts = &whole.counts;
    let skipped = SkipReason::ALL.into_iter().zip(counts.skipped);
    WindowIterations {
        due: counts.due,
        started: counts.started,
        skipped: skipped.map(|(reason, count)| (reason.name().to_owned(), count)).collect(),
        completed: counts.completed,
        failed: counts.failed,
        cut_off: counts.cut_off,
    }
}

fn requests(record: &RunRecord, whole: &Interval, stretch_ns: u64) -> Vec<WindowRequest> {
    let of = |scenario: Option<&str>, request: Option<&str>, series: &SeriesInterval| {
        let response = series.response();
        let percentile =
            |(name, percent): (&str, f64)| Some((name.to_owned(), ms(response.quantile_ns(percent / 100.0)?)));
        WindowRequest {
            scenario: scenario.map(str::to_owned),
            request: request.map(str::to_owned),
            sent: series.sent,
            count: series.outcomes,
            rate_per_s: per_second(series.outcomes, stretch_ns),
            failed: series.errors,
            failed_fraction: fraction(series.errors, series.outcomes),
            percentiles_ms: PERCENTILES.into_iter().filter_map(percentile).collect(),
            max_ms: response.max_ns().map(ms),
        }
    };
    let keys = record.timeline.table().keys().iter().zip(&whole.series);
    let mut requests: Vec<WindowRequest> = keys
        .map(|(key, series)| of(Some(&record.plan.scenarios[key.scenario].name), Some(&key.request), series))
        .collect();
    requests.push(of(None, None, &whole.together(|_| true)));
    requests
}

/// Writes it as JSON.
///
/// # Errors
/// When the writer fails.
pub fn write(window: &Window, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, window)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests;
