//! The arrivals that a worker holds.

use std::sync::Arc;

use muster_proto::schedule::{Arrival, ArrivalCursor, Timing};
use muster_proto::share::Share;

use super::changes::Grant;
use super::tenure::Tenure;

/// The arrivals of all shares that a worker holds of a scenario, each while it is held, in the order in which they are
/// due. Moments are of the engine's clock.
pub struct HeldArrivals {
    /// The beginning of the profile.
    start_ns: u64,
    held: Vec<Held>,
}

struct Held {
    share: Arc<Share>,
    tenure: Tenure,
    cursor: ArrivalCursor,
}

impl Held {
    fn peek(&mut self, start_ns: u64) -> Option<Arrival> {
        let arrival = self.cursor.peek()?;
        let arrival = Arrival { due_ns: start_ns + arrival.due_ns, ..arrival };
        (arrival.due_ns < self.tenure.until_ns()).then_some(arrival)
    }
}

impl HeldArrivals {
    /// None, of a profile that begins at this moment.
    #[must_use]
    pub fn none(start_ns: u64) -> Self {
        Self { start_ns, held: Vec::new() }
    }

    /// None, of the same profile.
    #[must_use]
    pub fn like(&self) -> Self {
        Self::none(self.start_ns)
    }

    /// Takes over what another holds of the same profile.
    pub fn take_in(&mut self, other: Self) {
        self.held.extend(other.held);
    }

    /// Holds one share more. What falls due before its time has come, or was passed before, is not part of it; nor are users
    /// of a closed model, who make arrivals of their own.
    pub fn hold(&mut self, grant: &Grant) {
        let Timing::Arrivals(schedule) = &grant.timing else { return };
        let mut cursor = ArrivalCursor::new(Arc::clone(schedule), Arc::clone(&grant.share));
        cursor.skip_before(grant.tenure.from_ns.saturating_sub(self.start_ns));
        cursor.skip_load(grant.passed);
        self.held.push(Held { share: Arc::clone(&grant.share), tenure: grant.tenure.clone(), cursor });
    }

    /// The next arrival.
    pub fn peek(&mut self) -> Option<Arrival> {
        let start_ns = self.start_ns;
        match self.held.as_mut_slice() {
            [only] => only.peek(start_ns),
            several => several.iter_mut().filter_map(|held| held.peek(start_ns)).min_by_key(|next| next.due_ns),
        }
    }

    /// Takes the next arrival, if it is due before this moment.
    pub fn next_before(&mut self, at_ns: u64) -> Option<Arrival> {
        let next = self.peek().filter(|next| next.due_ns < at_ns)?;
        let start_ns = self.start_ns;
        let mut held = self.held.iter_mut();
        held.find_map(|held| (held.peek(start_ns) == Some(next)).then(|| held.cursor.next()))?;
        Some(next)
    }

    /// Moves past every arrival that is due before a moment, and says how many those were.
    pub fn count_before(&mut self, at_ns: u64) -> u64 {
        let count = |held: &mut Held| {
            let until_ns = at_ns.min(held.tenure.until_ns());
            held.cursor.count_before(until_ns.saturating_sub(self.start_ns))
        };
        self.held.iter_mut().map(count).sum()
    }

    /// Forgets the shares that were taken away and of which nothing is left. Returns whether there were any, and whether
    /// there are others that were taken away.
    pub fn forget_the_revoked(&mut self) -> (bool, bool) {
        let (start_ns, before) = (self.start_ns, self.held.len());
        let was_revoked = |held: &Held| held.tenure.until_ns() < u64::MAX;
        self.held.retain_mut(|held| !was_revoked(held) || held.peek(start_ns).is_some());
        (self.held.len() < before, self.held.iter().any(was_revoked))
    }

    /// How many of the numbers `0..ids` the shares own together. One that is held in two ways, as it was due before and as it
    /// will be, owns none twice.
    #[must_use]
    pub fn owned_below(&self, ids: u64) -> u64 {
        match self.held.as_slice() {
            [only] => only.share.count_below(ids),
            several => {
                let mut together = Share::empty();
                several.iter().for_each(|held| together.union(&held.share));
                together.count_below(ids)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use muster_proto::plan::{Arrivals, Rate, RateStage};
    use muster_proto::schedule::{ArrivalSchedule, Load, Stream};
    use proptest::prelude::*;

    use super::*;

    const START_NS: u64 = 1_000_000_000;
    const SECONDS: u64 = 3;

    fn schedule(arrivals: Arrivals) -> Arc<ArrivalSchedule> {
        let stage =
            RateStage { duration: Duration::from_secs(SECONDS), from: Rate::per_second(0), to: Rate::per_second(300) };
        Arc::new(ArrivalSchedule::new(&[stage], arrivals, Stream { seed: 7, scenario: 0 }).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Shares are handed from worker to worker at any moments, and together they make the whole schedule.
        #[test]
        fn whoever_holds_a_share_when_an_arrival_is_due_has_it(
            arrivals in prop_oneof![Just(Arrivals::Uniform), Just(Arrivals::Poisson)],
            weights in prop::collection::vec(1..5_u32, 2..5),
            moves in prop::collection::vec((0..8_usize, 0..4_usize, 0..SECONDS * 1_000_000_000), 0..12),
        ) {
            let schedule = schedule(arrivals);
            let grant = |share, tenure| {
                let timing = Timing::Arrivals(Arc::clone(&schedule));
                Grant { share, tenure, timing, passed: Load::default(), begin_ns: 0 }
            };
            let parties = weights.len();
            let empty = || HeldArrivals::none(START_NS);
            let (mut workers, mut counters): (Vec<_>, Vec<_>) = (0..parties).map(|_| (empty(), empty())).unzip();
            let mut tenures: Vec<(Arc<Share>, Tenure)> = Vec::new();
            for (party, share) in Share::full().deal(&weights).into_iter().enumerate() {
                let grant = grant(Arc::new(share), Tenure::from(0));
                workers[party].hold(&grant);
                counters[party].hold(&grant);
                tenures.push((grant.share, grant.tenure));
            }
            let mut moves: Vec<_> = moves.into_iter().map(|(what, to, at_ns)| (START_NS + at_ns, what, to)).collect();
            moves.sort_unstable();
            let (mut taken, mut counted) = (Vec::new(), 0);
            for (at_ns, what, to) in moves {
                workers.iter_mut().for_each(|worker| taken.extend(std::iter::from_fn(|| worker.next_before(at_ns))));
                let (share, tenure) = tenures.swap_remove(what % tenures.len());
                tenure.end_at(at_ns);
                let grant = grant(share, Tenure::from(at_ns));
                workers[to % parties].hold(&grant);
                counted += counters[to % parties].count_before(at_ns);
                counters[to % parties].hold(&grant);
                tenures.push((grant.share, grant.tenure));
            }
            workers.iter_mut().for_each(|worker| taken.extend(std::iter::from_fn(|| worker.next_before(u64::MAX))));
            counted += counters.iter_mut().map(|counter| counter.count_before(u64::MAX)).sum::<u64>();
            taken.sort_by_key(|arrival| (arrival.due_ns, arrival.id));
            let mut all: Vec<_> = ArrivalCursor::new(Arc::clone(&schedule), Arc::new(Share::full()))
                .map(|arrival| Arrival { due_ns: START_NS + arrival.due_ns, ..arrival })
                .collect();
            all.sort_by_key(|arrival| (arrival.due_ns, arrival.id));
            prop_assert_eq!(counted, all.len() as u64);
            prop_assert_eq!(taken, all);
        }
    }
}
