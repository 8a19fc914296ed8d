//! When iterations were to begin, by the plan alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster_proto::plan::{Executor, Plan};
use muster_proto::schedule::{ArrivalCursor, ArrivalSchedule, Span, Stream, UserSchedule};
use muster_proto::share::Share;

/// One scenario's iterations. Moments are of run time, in nanoseconds.
pub(super) enum Iterations {
    /// When each arrival is due, by its number.
    Arrivals(BTreeMap<u64, u64>),
    /// When users are active, after the scenario's delay.
    Users(UserSchedule, u64),
}

/// The iterations of each scenario of a plan.
pub(super) fn iterations(plan: &Plan) -> Vec<Iterations> {
    let scenarios = plan.scenarios.iter().enumerate();
    let of_scenario = scenarios.map(|(number, scenario)| {
        let delay_ns = scenario.start_delay.as_nanos() as u64;
        match &scenario.executor {
            Executor::ArrivalRate { stages, arrivals, .. } => {
                let stream = Stream { seed: plan.seed, scenario: number as u32 };
                let schedule = ArrivalSchedule::new(stages, *arrivals, stream).expect("a modest plan");
                let all = ArrivalCursor::new(Arc::new(schedule), Arc::new(Share::full()));
                Iterations::Arrivals(all.map(|arrival| (arrival.id, delay_ns + arrival.due_ns)).collect())
            }
            Executor::Users { stages, .. } => {
                Iterations::Users(UserSchedule::new(stages).expect("a modest plan"), delay_ns)
            }
            other => panic!("{other:?} is not simulated"),
        }
    });
    of_scenario.collect()
}

impl Iterations {
    /// How many arrivals there are.
    pub(super) fn arrivals(&self) -> u64 {
        match self {
            Self::Arrivals(due) => due.len() as u64,
            Self::Users(..) => 0,
        }
    }

    /// When the arrival of this number is due.
    pub(super) fn due_ns(&self, id: u64) -> Option<u64> {
        match self {
            Self::Arrivals(due) => due.get(&id).copied(),
            Self::Users(..) => None,
        }
    }

    /// By how much an iteration that began at this moment began when it must not: before its arrival was due, or while its
    /// user was not active.
    pub(super) fn untimely_ns(&self, id: u64, at_ns: i64) -> i64 {
        match self {
            Self::Arrivals(due) => due.get(&id).map_or(i64::MAX, |due_ns| *due_ns as i64 - at_ns),
            Self::Users(schedule, delay_ns) => {
                let moment = |ns: u64| (delay_ns + ns) as i64;
                let apart = |span: Span| (moment(span.start_ns) - at_ns).max(at_ns - moment(span.end_ns));
                schedule.spans((id >> 32) as u32).map(apart).min().unwrap_or(i64::MAX)
            }
        }
    }
}
