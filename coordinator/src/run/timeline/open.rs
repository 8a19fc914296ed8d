//! A second of which not every agent has told yet.

use std::collections::BTreeMap;

use muster_proto::measurement::Shape;
use muster_proto::measurement::{Health, Measurement};
use serde::{Deserialize, Serialize};

use super::agent::CpuUse;

/// What agents have told of a second so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OpenSecond {
    pub(super) measurement: Measurement,
    health: BTreeMap<usize, AgentHealth>,
}

/// How one agent was doing during the second.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct AgentHealth {
    cpu: CpuUse,
    /// Of the latest window, whose number is kept because deltas may be applied in any order.
    latest: (u32, Health),
    waited: bool,
    exhausted: bool,
}

impl OpenSecond {
    pub(super) fn new(shape: Shape) -> Self {
        Self { measurement: Measurement::new(shape), health: BTreeMap::new() }
    }

    pub(super) fn note_health(&mut self, agent: usize, last_window: u32, windows: u64, health: &Health) {
        let mine = self.health.entry(agent).or_default();
        mine.cpu.add(health, windows);
        if last_window >= mine.latest.0 {
            mine.latest = (last_window, *health);
        }
        mine.waited |= health.starved > 0;
        let full = health.descriptors_max > 0 && health.descriptors >= health.descriptors_max;
        mine.exhausted |= health.exhausted > 0 || full;
    }

    /// The busiest worker's processor use on average over the second, of the busiest agent.
    pub(super) fn worker_cpu(&self) -> f64 {
        self.health.values().map(|health| health.cpu.worker_mean()).fold(0.0, f64::max)
    }

    /// Users at work at its end.
    pub(super) fn users(&self) -> u64 {
        self.health.values().map(|health| u64::from(health.latest.1.users)).sum()
    }

    pub(super) fn waited(&self) -> bool {
        self.health.values().any(|health| health.waited)
    }

    pub(super) fn exhausted(&self) -> bool {
        self.health.values().any(|health| health.exhausted)
    }
}
