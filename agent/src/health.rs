//! How this agent itself is doing: what decides whether its measurements can be trusted.

use std::fs;

use muster_proto::measurement::Health;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::engine::clock;
use crate::engine::part::Gauges;

/// How often the costlier readings (memory, descriptors) are taken, in nanoseconds.
const READING_NS: u64 = 1_000_000_000;

/// Turns the workers' gauges and the system's readings into [`Health`].
#[derive(Debug, Default)]
pub struct HealthMonitor {
    seen_ns: u64,
    process_cpu_ns: u64,
    workers_cpu_ns: Vec<u64>,
    read_ns: u64,
    memory_bytes: u64,
    descriptors: u32,
    exhausted: u64,
    starved: u64,
}

impl HealthMonitor {
    /// How the agent did since the last call.
    pub fn sample(&mut self, gauges: &[Gauges]) -> Health {
        let now_ns = clock::now_ns();
        let elapsed_ns = now_ns.saturating_sub(self.seen_ns).max(1);
        let first = self.seen_ns == 0;
        self.seen_ns = now_ns;
        if now_ns - self.read_ns >= READING_NS {
            self.read_ns = now_ns;
            self.memory_bytes = resident_bytes();
            self.descriptors = fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u32);
        }
        let process_cpu_ns = clock::process_cpu_ns();
        let process_spent_ns = process_cpu_ns - std::mem::replace(&mut self.process_cpu_ns, process_cpu_ns);
        self.workers_cpu_ns.resize(gauges.len(), 0);
        let spent = self.workers_cpu_ns.iter_mut().zip(gauges).map(|(seen, worker)| {
            let spent_ns = worker.cpu_ns.saturating_sub(*seen);
            *seen = worker.cpu_ns;
            spent_ns
        });
        let busiest_ns = spent.max().unwrap_or(0);
        let share = |spent_ns: u64| if first { 0.0 } else { spent_ns as f32 / elapsed_ns as f32 };
        let exhausted = gauges.iter().map(|worker| worker.exhausted).sum();
        let starved = gauges.iter().map(|worker| worker.starved).sum();
        Health {
            worker_cpu_max: share(busiest_ns),
            process_cpu: share(process_spent_ns),
            memory_bytes: self.memory_bytes,
            descriptors: self.descriptors,
            descriptors_max: descriptors_max(),
            exhausted: exhausted - std::mem::replace(&mut self.exhausted, exhausted),
            users: gauges.iter().map(|worker| worker.users).sum(),
            starved: starved - std::mem::replace(&mut self.starved, starved),
            in_flight: gauges.iter().map(|worker| worker.in_flight).sum(),
        }
    }
}

/// Lets the process open as many descriptors as the system allows it, and returns how many that is.
pub fn raise_descriptor_limit() -> u32 {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
    descriptors_max()
}

/// How many descriptors the process may open.
pub fn descriptors_max() -> u32 {
    getrlimit(Resource::Nofile).current.map_or(u32::MAX, |limit| u32::try_from(limit).unwrap_or(u32::MAX))
}

fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
