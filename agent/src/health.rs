//! How this agent itself is doing: what decides whether its measurements can be trusted.

use std::fs;

use muster_proto::measurement::{Health, WINDOW_NS};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::engine::clock;
use crate::engine::part::Gauges;

/// How often the costlier readings (memory, descriptors) are taken, in nanoseconds.
const READING_NS: u64 = 1_000_000_000;

/// Turns the workers' gauges and the system's readings into [`Health`].
#[derive(Debug, Default)]
pub struct HealthMonitor {
    /// The first window that has not been sampled yet.
    next_window: u32,
    process_cpu_ns: u64,
    workers_cpu_ns: Vec<u64>,
    read_ns: u64,
    last: Health,
    exhausted: u64,
    starved: u64,
}

impl HealthMonitor {
    /// How the agent did in the windows since the last call, up to `last_window` at whose end the gauges were read.
    pub fn sample(&mut self, last_window: u32, gauges: &[Gauges]) -> Health {
        self.read_rarely();
        // Corrections of earlier windows come without a reading of their own.
        if last_window >= self.next_window {
            let elapsed_ns = u64::from(last_window + 1 - self.next_window) * WINDOW_NS;
            self.next_window = last_window + 1;
            self.read_cpu(elapsed_ns, gauges);
        }
        let exhausted = gauges.iter().map(|worker| worker.exhausted).sum();
        let starved = gauges.iter().map(|worker| worker.starved).sum();
        self.last = Health {
            exhausted: exhausted - std::mem::replace(&mut self.exhausted, exhausted),
            starved: starved - std::mem::replace(&mut self.starved, starved),
            users: gauges.iter().map(|worker| worker.users).sum(),
            in_flight: gauges.iter().map(|worker| worker.in_flight).sum(),
            ..self.last
        };
        self.last
    }

    fn read_rarely(&mut self) {
        let now_ns = clock::now_ns();
        if now_ns.saturating_sub(self.read_ns) >= READING_NS {
            self.read_ns = now_ns;
            self.last.memory_bytes = resident_bytes();
            self.last.descriptors = fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u32);
            self.last.descriptors_max = descriptors_max();
        }
    }

    fn read_cpu(&mut self, elapsed_ns: u64, gauges: &[Gauges]) {
        let share = |spent_ns: u64| spent_ns as f32 / elapsed_ns as f32;
        let process_cpu_ns = clock::process_cpu_ns();
        let before_ns = std::mem::replace(&mut self.process_cpu_ns, process_cpu_ns);
        // What the process did before the run began is not the run's.
        self.last.process_cpu = if before_ns == 0 { 0.0 } else { share(process_cpu_ns - before_ns) };
        self.workers_cpu_ns.resize(gauges.len(), 0);
        let spent = self.workers_cpu_ns.iter_mut().zip(gauges).map(|(seen, worker)| {
            let before_ns = std::mem::replace(seen, worker.cpu_ns);
            worker.cpu_ns.saturating_sub(before_ns)
        });
        // A worker that was late with a window tells of more than it covers; no thread uses more than a core.
        self.last.worker_cpu_max = share(spent.max().unwrap_or(0)).min(1.0);
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
