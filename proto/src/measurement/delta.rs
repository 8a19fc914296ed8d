//! What an agent tells of itself, delta by delta and at the end.

use serde::{Deserialize, Serialize};

use super::Measurement;

/// How an agent itself was doing in some stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// The busiest worker's CPU use, as a fraction of one core.
    pub worker_cpu_max: f32,
    /// The whole process's CPU use, in cores.
    pub process_cpu: f32,
    /// The process's resident memory, in bytes.
    pub memory_bytes: u64,
    /// Open descriptors of the process.
    pub descriptors: u32,
    /// The most descriptors that the process may open.
    pub descriptors_max: u32,
    /// Attempts that failed for want of local ports or descriptors.
    pub exhausted: u64,
    /// Users at work at the end of the stretch.
    pub users: u32,
    /// How often an arrival found every user busy.
    pub starved: u64,
    /// Requests in flight at the end of the stretch.
    pub in_flight: u64,
}

/// What an agent saw since its last delta. Frozen once it was sent: the same number always means the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// 1, 2, 3, ... per run and incarnation.
    pub seq: u64,
    /// The first window of [`WINDOW_NS`](super::WINDOW_NS) that it covers, counted from the run's start.
    pub first_window: u32,
    /// The last window that it covers. A second's windows unless an absent coordinator made deltas coarser.
    pub last_window: u32,
    /// What was measured.
    pub measurement: Measurement,
    /// How the agent was doing.
    pub health: Health,
}

/// One agent's closing totals: cumulative over all its deltas, counted apart from them, so that both must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The number of the last delta.
    pub last_seq: u64,
    /// Iterations that fell due.
    pub due: u64,
    /// Iterations started.
    pub started: u64,
    /// Arrivals skipped.
    pub skipped: u64,
    /// Iterations completed.
    pub completed: u64,
    /// Iterations failed.
    pub failed: u64,
    /// Iterations cut off.
    pub cut_off: u64,
    /// Requests begun.
    pub sent: u64,
    /// Requests ended.
    pub outcomes: u64,
}

impl Totals {
    /// Adds what `other` counted; deltas are numbered apart, so their numbers are not added.
    pub fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.started += other.started;
        self.skipped += other.skipped;
        self.completed += other.completed;
        self.failed += other.failed;
        self.cut_off += other.cut_off;
        self.sent += other.sent;
        self.outcomes += other.outcomes;
    }
}
