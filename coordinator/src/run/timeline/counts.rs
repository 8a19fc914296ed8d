//! The counts that the books are kept in.

use muster_proto::measurement::{IterationStats, Measurement, RequestStats, SkipReason, Totals};
use serde::{Deserialize, Serialize};

/// The most that one agent may count in a run, everything together: a million requests a second, with all that is
/// counted of each, for months. What the most agents of a run count together then fits, several times over, into 64
/// bits, so nothing that adds counts up has to expect an overflow.
pub const COUNTED_MAX: u64 = 1 << 48;

/// What happened in some stretch of time, or to some agent, without its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Iterations that fell due.
    pub due: u64,
    /// Iterations whose first step began.
    pub started: u64,
    /// Arrivals that were never started, by [`SkipReason`].
    pub skipped: [u64; SkipReason::ALL.len()],
    /// Iterations that went through all their steps.
    pub completed: u64,
    /// Iterations that a failed request ended.
    pub failed: u64,
    /// Iterations that the run's end ended.
    pub cut_off: u64,
    /// Those of them that ended because their agent's lease had.
    pub unleased: u64,
    /// Requests begun.
    pub sent: u64,
    /// Requests ended as expected.
    pub expected: u64,
    /// Requests ended otherwise.
    pub errors: u64,
}

impl Counts {
    /// The counts of a measurement.
    #[must_use]
    pub fn of(measurement: &Measurement) -> Self {
        let mut counts = Self::default();
        measurement.scenarios.iter().for_each(|stats| counts.add_iterations(stats));
        measurement.series.iter().for_each(|stats| counts.add_requests(stats));
        counts
    }

    fn add_iterations(&mut self, stats: &IterationStats) {
        self.due += stats.due;
        self.started += stats.started;
        for (mine, theirs) in self.skipped.iter_mut().zip(stats.skipped) {
            *mine += theirs;
        }
        self.completed += stats.completed;
        self.failed += stats.failed;
        self.cut_off += stats.cut_off;
        self.unleased += stats.unleased;
    }

    fn add_requests(&mut self, stats: &RequestStats) {
        self.sent += stats.sent;
        self.expected += stats.expected;
        self.errors += stats.failed_total();
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.due += other.due;
        self.started += other.started;
        for (mine, theirs) in self.skipped.iter_mut().zip(other.skipped) {
            *mine += theirs;
        }
        self.completed += other.completed;
        self.failed += other.failed;
        self.cut_off += other.cut_off;
        self.unleased += other.unleased;
        self.sent += other.sent;
        self.expected += other.expected;
        self.errors += other.errors;
    }

    /// All skipped arrivals, whatever the reason.
    #[must_use]
    pub fn skipped_total(&self) -> u64 {
        self.skipped.iter().sum()
    }

    /// Iterations that ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.completed + self.failed + self.cut_off
    }

    /// Requests that ended.
    #[must_use]
    pub fn outcomes(&self) -> u64 {
        self.expected + self.errors
    }

    /// The same counts as closing totals have them, name by name, for comparison.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 8] {
        let skipped = self.skipped_total();
        named(self.due, self.started, skipped, [self.completed, self.failed, self.cut_off], self.sent, self.outcomes())
    }
}

/// Closing totals name by name, in the order of [`Counts::named`].
#[must_use]
pub fn named_totals(t: &Totals) -> [(&'static str, u64); 8] {
    named(t.due, t.started, t.skipped, [t.completed, t.failed, t.cut_off], t.sent, t.outcomes)
}

fn named(due: u64, started: u64, skipped: u64, ended: [u64; 3], sent: u64, outcomes: u64) -> [(&'static str, u64); 8] {
    let [completed, failed, cut_off] = ended;
    [
        ("due", due),
        ("started", started),
        ("skipped", skipped),
        ("completed", completed),
        ("failed", failed),
        ("cut off", cut_off),
        ("sent", sent),
        ("outcomes", outcomes),
    ]
}
