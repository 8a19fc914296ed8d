//! Who holds which shares of a plan, and when.

use std::sync::Arc;

use muster_agent::planted::planted;
use muster_proto::change::{Amendment, Handed};
use muster_proto::plan::Plan;
use muster_proto::schedule::{ArrivalCursor, Load, ReshapeError, Stream, Timing};
use muster_proto::share::{SHARDS, Share};
use serde::{Deserialize, Serialize};

/// Who holds which shares of a plan's scenarios, and how many arrivals fell due while somebody did. Moments are of run
/// time, agents are known by their place among the run's agents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Holdings {
    /// One for each scenario. They follow from the plan, and from how its profiles went on.
    #[serde(skip)]
    profiles: Vec<Profile>,
    tenures: Vec<Tenure>,
    /// By agent, then by scenario: arrivals of tenures that are over.
    counted: Vec<Vec<u64>>,
}

/// A scenario's profile, as it was planned and as it went on each time it was amended.
#[derive(Clone, Debug)]
struct Profile {
    delay_ns: u64,
    /// From when on, in run time, and how.
    versions: Vec<(u64, Timing)>,
}

/// Shares in somebody's hands.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Tenure {
    agent: usize,
    /// One for each scenario.
    parts: Vec<Part>,
    from_ns: u64,
    until_ns: Option<u64>,
}

/// A share of a scenario, and when its load is due.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    share: Share,
    /// Which version of the profile its holder goes by.
    version: usize,
    /// Load that was due to it before, by an earlier version.
    passed: Load,
}

impl Part {
    fn with(&self, share: Share) -> Self {
        Self { share, ..*self }
    }
}

impl Profile {
    fn latest(&self) -> &Timing {
        &self.versions[self.versions.len() - 1].1
    }

    /// What a part has passed when its holder leaves its version of the profile at a moment of run time.
    fn passed(&self, part: &Part, at_ns: u64) -> Load {
        part.passed.max(self.versions[part.version].1.load_before(at_ns.saturating_sub(self.delay_ns)))
    }
}

impl Holdings {
    /// Nobody holds anything.
    pub(super) fn none(plan: &Plan) -> Self {
        let profile = |(index, scenario): (usize, &muster_proto::plan::Scenario)| {
            let stream = Stream { seed: plan.seed, scenario: index as u32 };
            // A plan whose numbers are too large was refused before it came here.
            let timing = Timing::of(&scenario.executor, stream).unwrap_or_default();
            Profile { delay_ns: scenario.start_delay.as_nanos() as u64, versions: vec![(0, timing)] }
        };
        let profiles = plan.scenarios.iter().enumerate().map(profile).collect();
        Self { profiles, tenures: Vec::new(), counted: Vec::new() }
    }

    /// These holdings, of this plan and how its profiles went on, after they were kept without what follows from them.
    /// `None` if profiles cannot have gone on so.
    pub(super) fn of_plan(self, plan: &Plan, amendments: &[Amendment]) -> Option<Self> {
        let mut holdings = Self { profiles: Self::none(plan).profiles, ..self };
        amendments.iter().try_for_each(|amendment| holdings.amend(amendment)).ok()?;
        Some(holdings)
    }

    /// Lets a profile go on in another way. Whoever holds something of it goes by that once it says so.
    pub(super) fn amend(&mut self, amendment: &Amendment) -> Result<(), ReshapeError> {
        let amended = self.amended(amendment)?;
        let Amendment { at_ns, reshape } = amendment;
        self.profiles[reshape.scenario].versions.push((*at_ns, amended));
        Ok(())
    }

    /// How a profile would go on.
    pub(super) fn amended(&self, Amendment { at_ns, reshape }: &Amendment) -> Result<Timing, ReshapeError> {
        let profile = self.profiles.get(reshape.scenario).ok_or(ReshapeError::Kind)?;
        profile.latest().amended(at_ns.saturating_sub(profile.delay_ns), &reshape.stages)
    }

    /// How a scenario's profile goes on, as far as is known now.
    pub(super) fn latest(&self, scenario: usize) -> &Timing {
        self.profiles[scenario].latest()
    }

    /// Which version that is.
    pub(super) fn latest_version(&self, scenario: usize) -> usize {
        self.profiles[scenario].versions.len() - 1
    }

    /// A version of a scenario's profile.
    pub(super) fn version(&self, scenario: usize, version: usize) -> &Timing {
        &self.profiles[scenario].versions[version].1
    }

    /// When a scenario's profile went on in another way last, in run time.
    pub(super) fn amended_at(&self, scenario: usize) -> u64 {
        self.profiles[scenario].versions.last().map_or(0, |(at_ns, _)| *at_ns)
    }

    /// An agent goes by the version of a scenario's profile that was decided for `decided_ns`, from a moment on.
    pub(super) fn reshape(&mut self, agent: usize, scenario: usize, decided_ns: u64, at_ns: u64) {
        let profile = &self.profiles[scenario];
        let version = profile.versions.iter().rposition(|(from_ns, _)| *from_ns == decided_ns);
        let Some(version) = version else { return };
        let mut later = Vec::new();
        for tenure in self.tenures.iter_mut().filter(|tenure| tenure.agent == agent) {
            let part = tenure.parts[scenario].clone();
            if part.share.is_empty() || part.version >= version || tenure.until_ns.is_some_and(|until| until <= at_ns) {
                continue;
            }
            let was_held = tenure.from_ns < at_ns;
            let passed = if was_held { profile.passed(&part, at_ns) } else { part.passed };
            let (from_ns, until_ns) = (tenure.from_ns.max(at_ns), tenure.until_ns);
            // Only this scenario's part is cut in two.
            let mut parts: Vec<Part> = tenure.parts.iter().map(|part| part.with(Share::empty())).collect();
            parts[scenario] = part;
            tenure.parts[scenario].share = Share::empty();
            if was_held {
                let parts = parts.clone();
                later.push(Tenure { agent, parts, from_ns: tenure.from_ns, until_ns: Some(at_ns) });
            }
            (parts[scenario].version, parts[scenario].passed) = (version, passed);
            later.push(Tenure { agent, parts, from_ns, until_ns });
        }
        self.tenures.extend(later);
        self.tenures.retain(|tenure| tenure.parts.iter().any(|part| !part.share.is_empty()));
    }

    /// An agent holds these shares from a moment on. Nobody else does.
    pub(super) fn give(&mut self, agent: usize, handed: Handed, from_ns: u64) {
        let parts = handed.shares.into_iter().zip(handed.passed).enumerate();
        let part = |(scenario, (share, passed))| Part { share, version: self.latest_version(scenario), passed };
        let parts = parts.map(part).collect();
        self.tenures.push(Tenure { agent, parts, from_ns, until_ns: None });
    }

    /// An agent holds these shares no longer than until a moment. Returns what of them it held, and the moment from which on
    /// they can be given to others: a later one for what it was given but does not hold yet, since another still may.
    pub(super) fn take(&mut self, agent: usize, shares: &[Share], at_ns: u64) -> (Handed, u64) {
        let mut taken = Handed::new(vec![Share::empty(); shares.len()]);
        let mut free_ns = at_ns;
        for index in 0..self.tenures.len() {
            let tenure = &mut self.tenures[index];
            if tenure.agent != agent || tenure.until_ns.is_some() {
                continue;
            }
            let pairs = || tenure.parts.iter().zip(shares);
            let kept: Vec<Part> = pairs().map(|(mine, wanted)| mine.with(mine.share.without(wanted))).collect();
            let given: Vec<Part> = pairs().map(|(mine, wanted)| mine.with(mine.share.within(wanted))).collect();
            if given.iter().all(|part| part.share.is_empty()) {
                continue;
            }
            let (from_ns, until_ns) = (tenure.from_ns, at_ns.max(tenure.from_ns));
            free_ns = free_ns.max(from_ns);
            for (scenario, part) in given.iter().enumerate().filter(|(_, part)| !part.share.is_empty()) {
                let was_held = from_ns < at_ns && !planted("free-by-any-profile");
                let passed = if was_held { self.profiles[scenario].passed(part, at_ns) } else { part.passed };
                taken.shares[scenario].union(&part.share);
                taken.passed[scenario] = taken.passed[scenario].max(passed);
            }
            (tenure.parts, tenure.until_ns) = (given, Some(until_ns));
            if kept.iter().any(|part| !part.share.is_empty()) {
                self.tenures.push(Tenure { agent, parts: kept, from_ns, until_ns: None });
            }
        }
        (taken, free_ns)
    }

    /// Which part of all shards of the first so many scenarios an agent holds, 0 to 1.
    pub(super) fn part_of(&self, agent: usize, scenarios: usize) -> f64 {
        let scenarios = scenarios.min(self.profiles.len());
        let held = self.tenures.iter().filter(|tenure| tenure.agent == agent && tenure.until_ns.is_none());
        let held: usize =
            held.flat_map(|tenure| tenure.parts.iter().take(scenarios)).map(|part| part.share.len()).sum();
        held as f64 / (SHARDS * scenarios.max(1)) as f64
    }

    /// What an agent holds, one share for each scenario.
    pub(super) fn of(&self, agent: usize) -> Vec<Share> {
        let mut held = vec![Share::empty(); self.profiles.len()];
        for tenure in self.tenures.iter().filter(|tenure| tenure.agent == agent && tenure.until_ns.is_none()) {
            held.iter_mut().zip(&tenure.parts).for_each(|(held, part)| held.union(&part.share));
        }
        held
    }

    /// Counts what fell due in tenures that are over, so that they need no more room; not in those of agents that may still
    /// say that they went by another profile in them.
    pub(super) fn settle(&mut self, now_ns: u64, may_say: impl Fn(usize) -> bool) {
        let has_ended = |tenure: &Tenure| tenure.until_ns.is_some_and(|until_ns| until_ns <= now_ns);
        let is_over = |tenure: &mut Tenure| has_ended(tenure) && !may_say(tenure.agent);
        let over: Vec<Tenure> = self.tenures.extract_if(.., is_over).collect();
        for tenure in over {
            let due: Vec<u64> =
                (0..self.profiles.len()).map(|scenario| self.due_in(&tenure, scenario, now_ns)).collect();
            if self.counted.len() <= tenure.agent {
                self.counted.resize_with(tenure.agent + 1, || vec![0; self.profiles.len()]);
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
        let profile = &self.profiles[scenario];
        let Timing::Arrivals(arrivals) = profile.latest() else { return None };
        Some((ArrivalCursor::new(Arc::clone(arrivals), Arc::new(Share::full())), profile.delay_ns))
    }

    /// How many more arrivals of a scenario may fall due in an agent's hands in a stretch of run time if it goes by later
    /// versions of the profile than those it told of.
    pub(super) fn due_by_later_versions(&self, agent: usize, scenario: usize, from_ns: u64, until_ns: u64) -> u64 {
        let tenures = self.tenures.iter().filter(|tenure| tenure.agent == agent);
        let later = |tenure: &Tenure| {
            let part = &tenure.parts[scenario];
            let versions = self.profiles[scenario].versions.iter().enumerate().skip(part.version + 1);
            let due = versions.map(|(version, (decided_ns, _))| {
                let from_ns = tenure.from_ns.max(from_ns).max(*decided_ns);
                let tenure = Tenure { from_ns, parts: tenure.parts.clone(), ..*tenure };
                self.due_by(&tenure, scenario, version, until_ns)
            });
            due.sum::<u64>()
        };
        tenures.map(later).sum()
    }

    fn due_in(&self, tenure: &Tenure, scenario: usize, until_ns: u64) -> u64 {
        self.due_by(tenure, scenario, tenure.parts[scenario].version, until_ns)
    }

    fn due_by(&self, tenure: &Tenure, scenario: usize, version: usize, until_ns: u64) -> u64 {
        let (profile, part) = (&self.profiles[scenario], &tenure.parts[scenario]);
        let Timing::Arrivals(arrivals) = &profile.versions[version].1 else { return 0 };
        if part.share.is_empty() {
            return 0;
        }
        let mut cursor = ArrivalCursor::new(Arc::clone(arrivals), Arc::new(part.share.clone()));
        cursor.skip_before(tenure.from_ns.saturating_sub(profile.delay_ns));
        cursor.skip_load(part.passed);
        let until_ns = tenure.until_ns.unwrap_or(u64::MAX).min(until_ns);
        cursor.count_before(until_ns.saturating_sub(profile.delay_ns))
    }
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
                holdings.give(agent, Handed::new(vec![share; plan.scenarios.len()]), 0);
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
                holdings.settle(at_ns, |_| false);
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
