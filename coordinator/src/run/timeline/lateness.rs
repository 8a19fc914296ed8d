//! How many arrivals of a second the generators began too late.

use std::collections::VecDeque;

use muster_proto::histogram::Histogram;
use muster_proto::measurement::{IterationStats, Measurement, SeriesTable, SkipReason};
use serde::{Deserialize, Serialize};

use super::spans::Span;
use crate::verdict::validity::{SLIDING_SECONDS, Seen};

/// Arrivals that begin at most this much late are never called late, in nanoseconds.
const LATE_AT_LEAST_NS: u64 = 1_000_000;

/// Remembers the last seconds' service times, because what is late depends on how fast the target is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Lateness {
    /// By scenario, the latest second last.
    service: Vec<VecDeque<Histogram>>,
}

impl Lateness {
    pub(super) fn new(scenarios: usize) -> Self {
        Self { service: vec![VecDeque::new(); scenarios] }
    }

    /// Counts the arrivals of the open scenarios; closed ones have none.
    pub(super) fn of_second(&mut self, spans: &[Span], table: &SeriesTable, measurement: &Measurement) -> Seen {
        let mut seen = Seen::default();
        let mut service = vec![Histogram::default(); spans.len()];
        for (key, stats) in table.keys().iter().zip(&measurement.series) {
            service[key.scenario].merge(&stats.service);
        }
        let scenarios = spans.iter().zip(&measurement.scenarios).zip(&mut self.service);
        for (((span, stats), recent), service) in scenarios.zip(service) {
            if !span.open {
                continue;
            }
            if recent.len() == SLIDING_SECONDS {
                recent.pop_front();
            }
            recent.push_back(service);
            seen.arrivals += stats.arrival_lag.count();
            if stats.arrival_lag.max_ns() > Some(LATE_AT_LEAST_NS) {
                seen.late += stats.arrival_lag.count_above(late_above_ns(recent));
            }
            seen.due += stats.due;
            // What the generators, rather than the plan's bound or its user, kept from starting in time ...
            seen.short += skipped(stats, SkipReason::Overload) + stats.very_late;
            // ... and what nobody had a right to start.
            seen.cut_off += skipped(stats, SkipReason::Lease) + skipped(stats, SkipReason::AgentLost);
        }
        seen
    }
}

/// A tenth of the median service time, but no less than [`LATE_AT_LEAST_NS`].
fn late_above_ns(recent: &VecDeque<Histogram>) -> u64 {
    let mut service = Histogram::default();
    recent.iter().for_each(|second| service.merge(second));
    service.quantile_ns(0.5).map_or(LATE_AT_LEAST_NS, |p50| LATE_AT_LEAST_NS.max(p50 / 10))
}

fn skipped(stats: &IterationStats, reason: SkipReason) -> u64 {
    stats.skipped[reason as usize]
}
