//! When iterations were to begin, by the plan alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster::run::record::RunRecord;
use muster_proto::schedule::{ArrivalCursor, Span, Stream, Timing, UserSchedule};
use muster_proto::share::Share;

/// One scenario's iterations, however its profile went on. Moments are of run time, in nanoseconds.
pub(super) enum Iterations {
    /// When each arrival was due at the soonest, by its number, and how many there are by how the profile went on last.
    Arrivals(BTreeMap<u64, u64>, u64),
    /// When users are active, after the scenario's delay: by the plan, and by each way in which its profile went on.
    Users(Vec<Arc<UserSchedule>>, u64),
}

/// The iterations of each scenario of a plan.
pub(super) fn iterations(record: &RunRecord) -> Vec<Iterations> {
    let scenarios = record.plan.scenarios.iter().enumerate();
    let of_scenario = scenarios.map(|(number, scenario)| {
        let delay_ns = scenario.start_delay.as_nanos() as u64;
        let stream = Stream { seed: record.plan.seed, scenario: number as u32 };
        let mut versions = vec![Timing::of(&scenario.executor, stream).expect("a modest plan")];
        for amendment in record.amendments.iter().filter(|amendment| amendment.reshape.scenario == number) {
            let at_ns = amendment.at_ns.saturating_sub(delay_ns);
            let before = &versions[versions.len() - 1];
            versions.push(before.amended(at_ns, &amendment.reshape.stages).expect("a modest change"));
        }
        let (mut due, mut planned, mut users) = (BTreeMap::new(), 0, Vec::new());
        for version in versions {
            match version {
                Timing::Arrivals(schedule) => {
                    planned = schedule.arrivals_total();
                    for arrival in ArrivalCursor::new(schedule, Arc::new(Share::full())) {
                        let soonest: &mut u64 = due.entry(arrival.id).or_insert(u64::MAX);
                        *soonest = (*soonest).min(delay_ns + arrival.due_ns);
                    }
                }
                Timing::Users(schedule) => users.push(schedule),
            }
        }
        if users.is_empty() { Iterations::Arrivals(due, planned) } else { Iterations::Users(users, delay_ns) }
    });
    of_scenario.collect()
}

impl Iterations {
    /// How many arrivals there are.
    pub(super) fn arrivals(&self) -> u64 {
        match self {
            Self::Arrivals(_, planned) => *planned,
            Self::Users(..) => 0,
        }
    }

    /// How many arrivals there were to be at some time or other.
    pub(super) fn arrivals_ever(&self) -> u64 {
        match self {
            Self::Arrivals(due, _) => due.len() as u64,
            Self::Users(..) => 0,
        }
    }

    /// When the arrival of this number was due at the soonest.
    pub(super) fn due_ns(&self, id: u64) -> Option<u64> {
        match self {
            Self::Arrivals(due, _) => due.get(&id).copied(),
            Self::Users(..) => None,
        }
    }

    /// By how much an iteration that began at this moment began when it must not: before its arrival was due, or while its
    /// user was not active.
    pub(super) fn untimely_ns(&self, id: u64, at_ns: i64) -> i64 {
        match self {
            Self::Arrivals(due, _) => due.get(&id).map_or(i64::MAX, |due_ns| *due_ns as i64 - at_ns),
            Self::Users(schedules, delay_ns) => {
                let moment = |ns: u64| (delay_ns + ns) as i64;
                let apart = |span: Span| (moment(span.start_ns) - at_ns).max(at_ns - moment(span.end_ns));
                let user = (id >> 32) as u32;
                let spans = schedules.iter().flat_map(|schedule| schedule.spans(user).map(apart));
                spans.min().unwrap_or(i64::MAX)
            }
        }
    }
}
