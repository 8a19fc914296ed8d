//! What one agent contributed.

use muster_proto::histogram::Histogram;
use muster_proto::measurement::{Delta, Health, WINDOW_NS};
use serde::{Deserialize, Serialize};

use super::counts::Counts;

/// One agent's contribution to a run, as its deltas told it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AgentTotals {
    /// Everything it counted.
    pub counts: Counts,
    /// Iterations that fell due, by the scenario's place in the plan.
    pub due_by_scenario: Vec<u64>,
    /// How late its attempts began through its own fault, in nanoseconds.
    pub lag: Histogram,
    /// Its processor use.
    pub cpu: CpuUse,
    /// The most resident memory it told of, in bytes.
    pub memory_bytes_max: u64,
    /// The first moment of run time of which it has not told yet, in nanoseconds.
    pub told_until_ns: u64,
    /// Arrivals that fell due in its hands and that it never told of.
    pub missed: u64,
    /// The most requests it began per window of [`WINDOW_NS`].
    pub sent_per_window_max: u64,
    latest: (u32, Health),
    expected: bool,
    released_at_ns: Option<u64>,
}

impl AgentTotals {
    /// How it was doing in the latest stretch that it told of.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.latest.1
    }

    pub(super) fn expect(&mut self) {
        self.expected = true;
        self.released_at_ns = None;
    }

    pub(super) fn release(&mut self, at_ns: u64) {
        let earlier = self.released_at_ns.map_or(at_ns, |before| before.min(at_ns));
        self.released_at_ns = Some(earlier);
    }

    /// Whether seconds wait for it.
    pub(super) fn is_leased(&self) -> bool {
        self.expected && self.released_at_ns.is_none()
    }

    /// Whether it has yet to tell of some of this stretch of run time.
    pub(super) fn owes(&self, from_ns: u64, until_ns: u64) -> bool {
        let wanted_ns = self.released_at_ns.map_or(until_ns, |released| released.min(until_ns));
        self.expected && self.told_until_ns.max(from_ns) < wanted_ns
    }

    pub(super) fn add(&mut self, delta: &Delta) {
        let counts = Counts::of(&delta.measurement);
        let windows = u64::from(delta.last_window.saturating_sub(delta.first_window)) + 1;
        self.counts.merge(&counts);
        self.due_by_scenario.resize(delta.measurement.scenarios.len().max(self.due_by_scenario.len()), 0);
        for (mine, theirs) in self.due_by_scenario.iter_mut().zip(&delta.measurement.scenarios) {
            *mine += theirs.due;
        }
        delta.measurement.series.iter().for_each(|series| self.lag.merge(&series.lag));
        self.cpu.add(&delta.health, windows);
        if delta.last_window >= self.latest.0 {
            self.latest = (delta.last_window, delta.health);
        }
        self.memory_bytes_max = self.memory_bytes_max.max(delta.health.memory_bytes);
        self.told_until_ns = self.told_until_ns.max((u64::from(delta.last_window) + 1) * WINDOW_NS);
        self.sent_per_window_max = self.sent_per_window_max.max(counts.sent.div_ceil(windows));
    }
}

/// Processor use over some windows, kept in whole millionths so that the order of adding never shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuUse {
    windows: u64,
    worker_millionths: u64,
    worker_max_millionths: u64,
    process_millionths: u64,
}

impl CpuUse {
    pub(super) fn add(&mut self, health: &Health, windows: u64) {
        let (worker, process) = (millionths(health.worker_cpu_max), millionths(health.process_cpu));
        self.windows = self.windows.saturating_add(windows);
        self.worker_millionths = self.worker_millionths.saturating_add(worker.saturating_mul(windows));
        self.worker_max_millionths = self.worker_max_millionths.max(worker);
        self.process_millionths = self.process_millionths.saturating_add(process.saturating_mul(windows));
    }

    /// The busiest worker's use on average, as a fraction of one core.
    #[must_use]
    pub fn worker_mean(&self) -> f64 {
        self.worker_millionths as f64 / 1e6 / self.windows.max(1) as f64
    }

    /// The busiest worker's use in its busiest window, as a fraction of one core.
    #[must_use]
    pub fn worker_max(&self) -> f64 {
        self.worker_max_millionths as f64 / 1e6
    }

    /// The whole process's use on average, in cores.
    #[must_use]
    pub fn process_mean(&self) -> f64 {
        self.process_millionths as f64 / 1e6 / self.windows.max(1) as f64
    }
}

/// A stranger may claim any number, also none, so it is held to a million cores.
fn millionths(cores: f32) -> u64 {
    (f64::from(cores).clamp(0.0, 1e6) * 1e6).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_owes_what_it_has_not_told_until_it_is_released() {
        let mut agent = AgentTotals::default();
        assert!(!agent.owes(0, 100), "nothing is expected of it yet");
        agent.expect();
        assert!(agent.owes(0, 100));
        agent.told_until_ns = 100;
        assert!(!agent.owes(0, 100));
        assert!(agent.owes(100, 200));
        agent.release(150);
        assert!(agent.owes(100, 200), "of the half before its release");
        assert!(!agent.owes(200, 300));
        agent.told_until_ns = 150;
        assert!(!agent.owes(100, 200));
    }

    #[test]
    fn nonsense_about_processors_is_held_to_numbers() {
        for claimed in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -3.0] {
            let mut cpu = CpuUse::default();
            cpu.add(&Health { worker_cpu_max: claimed, process_cpu: claimed, ..Health::default() }, 1);
            assert!((0.0..=1e6).contains(&cpu.worker_mean()), "{claimed}");
        }
    }

    #[test]
    fn any_claim_may_be_repeated_for_ever() {
        let mut cpu = CpuUse::default();
        let health = Health { worker_cpu_max: f32::MAX, process_cpu: f32::MAX, ..Health::default() };
        (0..3).for_each(|_| cpu.add(&health, u64::MAX));
        assert!((0.0..=1e6).contains(&cpu.worker_mean()));
    }
}
