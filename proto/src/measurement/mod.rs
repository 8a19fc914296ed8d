//! What workers record, agents send and the coordinator merges.
//!
//! Everything here merges: adding two measurements is adding their counts. So it never matters in which order, or
//! in how many steps, parts of a run come together.

mod delta;
mod iterations;
mod requests;
mod sample;
mod series;
mod tally;

pub use delta::{Delta, Health, Totals};
pub use iterations::{IterationStats, SkipReason};
pub use requests::{Phase, RequestStats};
pub use sample::{SAMPLE_BYTES_MAX, SAMPLES_MAX, Sample, Sampled, TraceId};
pub use series::{SeriesKey, SeriesTable};
pub use tally::{Gauge, METRIC_UNIT, Note, Tally, TallyKey, TallyKind, TallyTable};

use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// Recorders are emptied at every multiple of this much run time, in nanoseconds.
pub const WINDOW_NS: u64 = 200_000_000;
/// One interval of the run's timeline, in nanoseconds.
pub const INTERVAL_NS: u64 = 1_000_000_000;
/// The windows of one interval.
pub const WINDOWS_PER_INTERVAL: u32 = (INTERVAL_NS / WINDOW_NS) as u32;

/// What was measured in some stretch of time, by one worker, one agent or the whole cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// By the scenario's place in the plan.
    pub scenarios: Vec<IterationStats>,
    /// By the series' number in the [`SeriesTable`].
    pub series: Vec<RequestStats>,
    /// By the tally's number in the [`TallyTable`].
    pub tallies: Vec<Tally>,
    /// At most [`SAMPLES_MAX`].
    pub samples: Vec<Sample>,
}

/// How much there is to count in the measurements of one plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Scenarios.
    pub scenarios: usize,
    /// Series.
    pub series: usize,
    /// Tallies.
    pub tallies: usize,
}

impl Shape {
    /// The shape of this plan's measurements.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let tallies = TallyTable::of(plan).keys().len();
        Self { scenarios: plan.scenarios.len(), series: SeriesTable::of(plan).len(), tallies }
    }
}

impl Measurement {
    /// An empty measurement of this shape.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self {
            scenarios: vec![IterationStats::default(); shape.scenarios],
            series: vec![RequestStats::default(); shape.series],
            tallies: vec![Tally::default(); shape.tallies],
            samples: Vec::new(),
        }
    }

    /// How much there is to count in it.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let Self { scenarios, series, tallies, .. } = self;
        Shape { scenarios: scenarios.len(), series: series.len(), tallies: tallies.len() }
    }

    /// Adds what `other` counted. Both must be of the same plan.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.shape(), other.shape(), "measurements of one plan");
        for (mine, theirs) in self.scenarios.iter_mut().zip(&other.scenarios) {
            if !theirs.is_empty() {
                mine.merge(theirs);
            }
        }
        for (mine, theirs) in self.series.iter_mut().zip(&other.series) {
            if !theirs.is_empty() {
                mine.merge(theirs);
            }
        }
        for (mine, theirs) in self.tallies.iter_mut().zip(&other.tallies) {
            if !theirs.is_empty() {
                mine.merge(theirs);
            }
        }
        let room = SAMPLES_MAX.saturating_sub(self.samples.len());
        self.samples.extend(other.samples.iter().take(room).cloned());
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scenarios.iter().all(IterationStats::is_empty)
            && self.series.iter().all(RequestStats::is_empty)
            && self.tallies.iter().all(Tally::is_empty)
    }

    /// All its counts together, but for bytes, or `u64::MAX` if they are more: no sum of some of them is larger.
    #[must_use]
    pub fn volume(&self) -> u64 {
        let scenarios = self.scenarios.iter().map(IterationStats::volume);
        let series = self.series.iter().map(RequestStats::volume);
        sum(scenarios.chain(series).chain(self.tallies.iter().map(Tally::volume)))
    }

    /// Forgets everything, keeping the memory for the next window.
    pub fn clear(&mut self) {
        self.scenarios.iter_mut().filter(|s| !s.is_empty()).for_each(IterationStats::clear);
        self.series.iter_mut().filter(|s| !s.is_empty()).for_each(RequestStats::clear);
        self.tallies.iter_mut().filter(|tally| !tally.is_empty()).for_each(Tally::clear);
        self.samples.clear();
    }
}

fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}
