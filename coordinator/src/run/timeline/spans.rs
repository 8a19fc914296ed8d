//! When each scenario is at work, and from when on it is judged.

use std::time::Duration;

use muster_proto::measurement::INTERVAL_NS;
use muster_proto::plan::{Executor, Plan, Scenario};
use serde::{Deserialize, Serialize};

/// A scenario's times, in nanoseconds of run time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first second that lies wholly behind its warm-up.
    pub first_measured: u32,
    /// The end of its profile, or of its last sign of life if that is what ends it.
    profile_end_ns: u64,
    /// Whether a number of iterations, rather than a profile, ends it.
    pub counted: bool,
    /// Whether arrivals are due by the clock.
    pub open: bool,
    last_active_ns: u64,
}

impl Span {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let measured_ns = nanoseconds(scenario.start_delay.saturating_add(scenario.warm_up));
        let counted =
            matches!(scenario.executor, Executor::PerUserIterations { .. } | Executor::SharedIterations { .. });
        let profile_end_ns = nanoseconds(scenario.start_delay.saturating_add(scenario.executor.duration()));
        Self {
            first_measured: u32::try_from(measured_ns.div_ceil(INTERVAL_NS)).unwrap_or(u32::MAX),
            profile_end_ns: if counted { 0 } else { profile_end_ns },
            counted,
            open: scenario.executor.is_open(),
            last_active_ns: 0,
        }
    }

    pub(super) fn note_active(&mut self, until_ns: u64) {
        self.last_active_ns = self.last_active_ns.max(until_ns);
    }

    /// The moment at which its load ended, or has come to: a rate is so many per second until then.
    pub(super) fn active_until_ns(&self, now_ns: u64) -> u64 {
        self.profile_end_ns.max(self.last_active_ns).min(now_ns)
    }

    /// Whether this second lies wholly behind its warm-up and before its profile's end.
    #[must_use]
    pub fn holds(&self, second: u32) -> bool {
        let end_ns = (u64::from(second) + 1) * INTERVAL_NS;
        second >= self.first_measured && (self.counted || end_ns <= self.profile_end_ns)
    }
}

/// The spans of a plan's scenarios, in their order.
pub(super) fn spans_of(plan: &Plan) -> Vec<Span> {
    plan.scenarios.iter().map(Span::of).collect()
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
