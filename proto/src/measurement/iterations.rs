//! What a scenario's iterations did.

use serde::{Deserialize, Serialize};

use super::sum;
use crate::histogram::Histogram;

/// Why an arrival was never started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SkipReason {
    /// `max_users` users were busy until the scenario's end.
    Users,
    /// The agent's right to generate load had ended.
    Lease,
    /// Its agent was lost, and the slot was not handed on in time.
    AgentLost,
    /// The generator could not keep up until the scenario's end.
    Overload,
    /// The run was stopped first.
    Stopped,
    /// There was no row of data left for it.
    Data,
}

impl SkipReason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 6] = [Self::Users, Self::Lease, Self::AgentLost, Self::Overload, Self::Stopped, Self::Data];

    /// The name that reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Lease => "lease",
            Self::AgentLost => "agent_lost",
            Self::Overload => "overload",
            Self::Stopped => "stopped",
            Self::Data => "data",
        }
    }
}

/// What a scenario's iterations did in some stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IterationStats {
    /// Iterations that fell due, counted in the second in which they did.
    pub due: u64,
    /// Iterations whose first step began.
    pub started: u64,
    /// Arrivals that were never started, by [`SkipReason`], counted in their due second.
    pub skipped: [u64; SkipReason::ALL.len()],
    /// Iterations that went through all their steps, each request as expected.
    pub completed: u64,
    /// Iterations that ended with at least one failed request.
    pub failed: u64,
    /// Iterations that were ended by the run's end, or by that of the lease.
    pub cut_off: u64,
    /// Those of them that the lease's end ended.
    pub unleased: u64,
    /// Arrivals that started more than one second late through the generator's own lag, counted in their due second.
    pub very_late: u64,
    /// From due to the end of the last step, in nanoseconds, of completed and failed iterations.
    pub duration: Histogram,
    /// From the moment at which an arrival was due and a user free to its start, in nanoseconds (open models).
    pub arrival_lag: Histogram,
    /// From the planned end of a pause to its real end, in nanoseconds.
    pub think_lag: Histogram,
}

impl IterationStats {
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
        self.very_late += other.very_late;
        self.duration.merge(&other.duration);
        self.arrival_lag.merge(&other.arrival_lag);
        self.think_lag.merge(&other.think_lag);
    }

    /// All skipped arrivals, whatever the reason.
    #[must_use]
    pub fn skipped_total(&self) -> u64 {
        self.skipped.iter().sum()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due == 0
            && self.started == 0
            && self.skipped_total() == 0
            && self.completed == 0
            && self.failed == 0
            && self.cut_off == 0
            && self.very_late == 0
            && self.think_lag.is_empty()
    }

    pub(super) fn volume(&self) -> u64 {
        let counts = [self.due, self.started, self.completed, self.failed, self.cut_off, self.unleased, self.very_late];
        let times = [&self.duration, &self.arrival_lag, &self.think_lag].map(Histogram::count);
        sum(counts.into_iter().chain(self.skipped).chain(times))
    }

    /// Forgets everything, keeping the memory for the next window.
    pub fn clear(&mut self) {
        let Self {
            due,
            started,
            skipped,
            completed,
            failed,
            cut_off,
            unleased,
            very_late,
            duration,
            arrival_lag,
            think_lag,
        } = self;
        for count in [due, started, completed, failed, cut_off, unleased, very_late] {
            *count = 0;
        }
        *skipped = Default::default();
        duration.clear();
        arrival_lag.clear();
        think_lag.clear();
    }
}
