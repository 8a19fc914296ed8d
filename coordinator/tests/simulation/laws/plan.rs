//! When iterations were to begin, by the plan alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use muster::run::record::RunRecord;
use muster_proto::schedule::{ArrivalCursor, Span, Stream, Timing, UserSchedule};
use muster_proto::share::Share;

/// One scenario's iterations, however its profile went on. Moments are of run time, in nanoseconds.
pub(super) struct Iterations {
    delay_ns: u64,
    /// From when on, in order, and when they begin by it.
    versions: Vec<(u64, Begins)>,
}

/// When the iterations of a profile begin, after the scenario's delay.
enum Begins {
    /// Each arrival when it is due, by its number.
    Arrivals(BTreeMap<u64, u64>),
    /// While users are active.
    Users(Arc<UserSchedule>),
}

/// The iterations of each scenario of a plan.
pub(super) fn iterations(record: &RunRecord) -> Vec<Iterations> {
    let scenarios = record.plan.scenarios.iter().enumerate();
    let of_scenario = scenarios.map(|(number, scenario)| {
        let delay_ns = scenario.start_delay.as_nanos() as u64;
        let stream = Stream { seed: record.plan.seed, scenario: number as u32 };
        let mut timings = vec![(0, Timing::of(&scenario.executor, stream).expect("a modest plan"))];
        for amendment in record.amendments.iter().filter(|amendment| amendment.reshape.scenario == number) {
            let at_ns = amendment.at_ns.saturating_sub(delay_ns);
            let (_, before) = &timings[timings.len() - 1];
            let amended = before.amended(at_ns, &amendment.reshape.stages).expect("a modest change");
            timings.push((amendment.at_ns, amended));
        }
        let versions = timings.into_iter().map(|(from_ns, timing)| (from_ns, Begins::by(timing))).collect();
        Iterations { delay_ns, versions }
    });
    of_scenario.collect()
}

impl Begins {
    fn by(timing: Timing) -> Self {
        match timing {
            Timing::Users(schedule) => Self::Users(schedule),
            Timing::Arrivals(schedule) => {
                let arrivals = ArrivalCursor::new(schedule, Arc::new(Share::full()));
                Self::Arrivals(arrivals.map(|arrival| (arrival.id, arrival.due_ns)).collect())
            }
        }
    }

    /// By how much an iteration that began at this moment began when it must not: before its arrival was due, or while its
    /// user was not active.
    fn untimely_ns(&self, id: u64, at_ns: i64) -> i64 {
        match self {
            Self::Arrivals(due) => due.get(&id).map_or(i64::MAX, |due_ns| *due_ns as i64 - at_ns),
            Self::Users(schedule) => {
                let apart = |span: Span| (span.start_ns as i64 - at_ns).max(at_ns - span.end_ns as i64);
                schedule.spans((id >> 32) as u32).map(apart).min().unwrap_or(i64::MAX)
            }
        }
    }
}

impl Iterations {
    /// Whether they are of users.
    pub(super) fn are_of_users(&self) -> bool {
        matches!(self.versions[0].1, Begins::Users(_))
    }

    /// How many arrivals there are, by how the profile went on last.
    pub(super) fn arrivals(&self) -> u64 {
        self.numbers().last().map_or(0, |due| due.len() as u64)
    }

    /// How many arrivals there were to be at some time or other.
    pub(super) fn arrivals_ever(&self) -> u64 {
        self.numbers().flat_map(BTreeMap::keys).collect::<BTreeSet<_>>().len() as u64
    }

    /// When the arrival of this number was due at the soonest.
    pub(super) fn due_ns(&self, id: u64) -> Option<u64> {
        self.numbers().filter_map(|due| due.get(&id)).min().map(|due_ns| self.delay_ns + due_ns)
    }

    /// By how much an iteration that began at this moment began when it must not, by all that may be known to whoever knew at
    /// `known_ns` how the profile had gone on until then.
    pub(super) fn untimely_ns(&self, id: u64, at_ns: i64, known_ns: i64) -> i64 {
        let is_past = |(_, next): &(usize, &(u64, Begins))| (next.0 as i64) < known_ns;
        let known = self.versions.iter().enumerate().skip(1).take_while(is_past).last().map_or(0, |(known, _)| known);
        let at_ns = at_ns - self.delay_ns as i64;
        let later = self.versions[known..].iter().map(|(_, begins)| begins.untimely_ns(id, at_ns));
        later.min().unwrap_or(i64::MAX)
    }

    fn numbers(&self) -> impl Iterator<Item = &BTreeMap<u64, u64>> {
        self.versions.iter().filter_map(|(_, begins)| match begins {
            Begins::Arrivals(due) => Some(due),
            Begins::Users(_) => None,
        })
    }
}
