//! Who holds which shares of a plan, and when.

use std::sync::Arc;

use muster_proto::plan::{Executor, Plan};
use muster_proto::schedule::{ArrivalCursor, ArrivalSchedule, Stream};
use muster_proto::share::Share;
use serde::{Deserialize, Serialize};

/// Who holds which shares of a plan's scenarios, and how many arrivals fell due while somebody did. Moments are of run
/// time, agents are known by their place among the run's agents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Holdings {
    /// One for each scenario; arrivals of closed models are nobody's to count. They follow from the plan.
    #[serde(skip)]
    schedules: Vec<Option<Schedule>>,
    tenures: Vec<Tenure>,
    /// By agent, then by scenario: arrivals of tenures that are over.
    counted: Vec<Vec<u64>>,
}

#[derive(Clone, Debug)]
struct Schedule {
    arrivals: Arc<ArrivalSchedule>,
    delay_ns: u64,
}

/// Shares in somebody's hands.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Tenure {
    agent: usize,
    /// One for each scenario.
    shares: Vec<Share>,
    from_ns: u64,
    until_ns: Option<u64>,
}

impl Holdings {
    /// Nobody holds anything.
    pub(super) fn none(plan: &Plan) -> Self {
        let schedule = |(index, scenario): (usize, &muster_proto::plan::Scenario)| {
            let Executor::ArrivalRate { stages, arrivals, .. } = &scenario.executor else { return None };
            let stream = Stream { seed: plan.seed, scenario: index as u32 };
            let arrivals = Arc::new(ArrivalSchedule::new(stages, *arrivals, stream).ok()?);
            Some(Schedule { arrivals, delay_ns: scenario.start_delay.as_nanos() as u64 })
        };
        let schedules = plan.scenarios.iter().enumerate().map(schedule).collect();
        Self { schedules, tenures: Vec::new(), counted: Vec::new() }
    }

    /// These holdings, of this plan, after they were kept without what follows from it.
    pub(super) fn of_plan(self, plan: &Plan) -> Self {
        Self { schedules: Self::none(plan).schedules, ..self }
    }

    /// An agent holds these shares, one for each scenario, from a moment on. Nobody else does.
    pub(super) fn give(&mut self, agent: usize, shares: Vec<Share>, from_ns: u64) {
        self.tenures.push(Tenure { agent, shares, from_ns, until_ns: None });
    }

    /// An agent holds these shares no longer than until a moment. Returns what of them it held, and the moment from which on
    /// they can be given to others: a later one for what it was given but does not hold yet, since another still may.
    pub(super) fn take(&mut self, agent: usize, shares: &[Share], at_ns: u64) -> (Vec<Share>, u64) {
        let mut taken = vec![Share::empty(); shares.len()];
        let mut free_ns = at_ns;
        for index in 0..self.tenures.len() {
            let tenure = &mut self.tenures[index];
            if tenure.agent != agent || tenure.until_ns.is_some() {
                continue;
            }
            let pairs = || tenure.shares.iter().zip(shares);
            let kept: Vec<Share> = pairs().map(|(mine, wanted)| mine.without(wanted)).collect();
            let given: Vec<Share> = pairs().map(|(mine, wanted)| mine.within(wanted)).collect();
            if is_nothing(&given) {
                continue;
            }
            taken.iter_mut().zip(&given).for_each(|(all, given)| all.union(given));
            let from_ns = tenure.from_ns;
            free_ns = free_ns.max(from_ns);
            (tenure.shares, tenure.until_ns) = (given, Some(at_ns.max(from_ns)));
            if !is_nothing(&kept) {
                self.give(agent, kept, from_ns);
            }
        }
        (taken, free_ns)
    }

    /// What an agent holds, one share for each scenario.
    pub(super) fn of(&self, agent: usize) -> Vec<Share> {
        let mut held = vec![Share::empty(); self.schedules.len()];
        for tenure in self.tenures.iter().filter(|tenure| tenure.agent == agent && tenure.until_ns.is_none()) {
            held.iter_mut().zip(&tenure.shares).for_each(|(held, share)| held.union(share));
        }
        held
    }

    /// Counts what fell due in tenures that are over, so that they need no more room.
    pub(super) fn settle(&mut self, now_ns: u64) {
        let is_over = |tenure: &mut Tenure| tenure.until_ns.is_some_and(|until_ns| until_ns <= now_ns);
        let over: Vec<Tenure> = self.tenures.extract_if(.., is_over).collect();
        for tenure in over {
            let due: Vec<u64> =
                (0..self.schedules.len()).map(|scenario| self.due_in(&tenure, scenario, now_ns)).collect();
            if self.counted.len() <= tenure.agent {
                self.counted.resize_with(tenure.agent + 1, || vec![0; self.schedules.len()]);
            }
            self.counted[tenure.agent].iter_mut().zip(due).for_each(|(sum, due)| *sum += due);
        }
    }

    /// How many arrivals of a scenario fell due in an agent's hands before a moment; none of closed models.
    pub(super) fn due_of(&self, agent: usize, scenario: usize, until_ns: u64) -> u64 {
        let settled = self.counted.get(agent).map_or(0, |counted| counted[scenario]);
        let tenures = self.tenures.iter().filter(|tenure| tenure.agent == agent);
        settled + tenures.map(|tenure| self.due_in(tenure, scenario, until_ns)).sum::<u64>()
    }

    /// All arrivals of a scenario, in order, and how long after the run's start its profile begins; nothing for closed
    /// models.
    pub(super) fn arrivals_of(&self, scenario: usize) -> Option<(ArrivalCursor, u64)> {
        let schedule = self.schedules[scenario].as_ref()?;
        let cursor = ArrivalCursor::new(Arc::clone(&schedule.arrivals), Arc::new(Share::full()));
        Some((cursor, schedule.delay_ns))
    }

    fn due_in(&self, tenure: &Tenure, scenario: usize, until_ns: u64) -> u64 {
        let Some(Schedule { arrivals, delay_ns }) = &self.schedules[scenario] else { return 0 };
        let mut cursor = ArrivalCursor::new(Arc::clone(arrivals), Arc::new(tenure.shares[scenario].clone()));
        cursor.skip_before(tenure.from_ns.saturating_sub(*delay_ns));
        let until_ns = tenure.until_ns.unwrap_or(u64::MAX).min(until_ns);
        cursor.count_before(until_ns.saturating_sub(*delay_ns))
    }
}

/// Whether no share has a shard.
pub(super) fn is_nothing(shares: &[Share]) -> bool {
    shares.iter().all(Share::is_empty)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::synthetic::open_plan;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Whatever goes from hand to hand, each arrival falls due in the hands of one.
        #[test]
        fn what_falls_due_falls_due_in_somebodys_hands(
            weights in prop::collection::vec(1..4_u32, 2..5),
            moves in prop::collection::vec((0..4_usize, 0..4_usize, any::<prop::sample::Index>(), 0..6_000_u64), 0..12),
            until_ms in 0..6_000_u64,
        ) {
            let plan = open_plan(5);
            let mut holdings = Holdings::none(&plan);
            for (agent, share) in Share::full().deal(&weights).into_iter().enumerate() {
                holdings.give(agent, vec![share; plan.scenarios.len()], 0);
            }
            let mut moves = moves;
            moves.sort_by_key(|(_, _, _, at_ms)| *at_ms);
            for (from, to, part, at_ms) in moves {
                let (from, at_ns) = (from % weights.len(), at_ms * 1_000_000);
                let wanted = vec![part.get(&Share::full().deal(&[1, 2, 3])).clone(); plan.scenarios.len()];
                let (given, free_ns) = holdings.take(from, &wanted, at_ns);
                prop_assert_eq!(free_ns, at_ns);
                prop_assert!(holdings.of(from).iter().zip(&wanted).all(|(kept, wanted)| !kept.overlaps(wanted)));
                holdings.give(to % weights.len(), given, at_ns);
                holdings.settle(at_ns);
            }
            let until_ns = until_ms * 1_000_000;
            for scenario in 0..plan.scenarios.len() {
                let Some((mut all, delay_ns)) = holdings.arrivals_of(scenario) else { continue };
                let due: u64 = (0..weights.len()).map(|agent| holdings.due_of(agent, scenario, u64::MAX)).sum();
                prop_assert_eq!(due, all.count_before(u64::MAX));
                let (mut all, _) = holdings.arrivals_of(scenario).unwrap();
                let unsettled = holdings.counted.is_empty();
                let due: u64 = (0..weights.len()).map(|agent| holdings.due_of(agent, scenario, until_ns)).sum();
                prop_assert!(!unsettled || due == all.count_before(until_ns.saturating_sub(delay_ns)));
            }
        }
    }
}
