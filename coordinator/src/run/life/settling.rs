//! What fell due in nobody's hands, or in those of an agent that never told of it.

use muster_proto::measurement::SkipReason;

use super::super::record::Ending;
use super::Run;

impl Run {
    /// Counts the arrivals that nobody started, once it is known that nobody will tell of them: due, and skipped because an
    /// agent was lost.
    ///
    /// What an agent tells of are the first arrivals that fell due in its hands, so the rest of them are missing. What is
    /// more than all that fell due in anybody's hands fell due between two of them.
    pub(super) fn settle(&mut self) {
        let Some(start_ns) = self.start_ns() else { return };
        let ended_ns = match (&self.ending, self.stopping) {
            (Some(Ending::Interrupted), _) => self.agents.iter().filter_map(|agent| agent.record.lost_at_ns).max(),
            (_, stopping) => stopping.map(|(_, at_ns)| at_ns.saturating_sub(start_ns)),
        };
        if !self.was_disturbed() {
            return;
        }
        for scenario in 0..self.settings.plan.scenarios.len() {
            let Some((mut all, delay_ns)) = self.holdings.arrivals_of(scenario) else { continue };
            let until_ns = ended_ns.unwrap_or(u64::MAX);
            let planned = all.count_before(until_ns.saturating_sub(delay_ns));
            let mut held = 0;
            for index in 0..self.agents.len() {
                let due = self.holdings.due_of(index, scenario, until_ns);
                held += due;
                if ended_ns.is_none() || self.is_known_lost_before(index, ended_ns) {
                    self.miss_of(index, scenario, due, ended_ns);
                }
            }
            self.timeline.miss(None, scenario, (self.handed_on_ns, self.handed_on_ns), planned.saturating_sub(held));
        }
    }

    /// Counts what may have fallen due in the hands of agents that died, after their last word and before their leases ended.
    pub(super) fn bound_losses(&mut self) {
        for index in 0..self.agents.len() {
            let record = &self.agents[index].record;
            let Some(until_ns) = record.idle_at_ns().filter(|_| record.died()) else { continue };
            let told = self.timeline.agents().get(index);
            let told_until_ns = told.map_or(0, |told| told.told_until_ns);
            let untold = (0..self.settings.plan.scenarios.len()).map(|scenario| {
                let told_due = told.and_then(|told| told.due_by_scenario.get(scenario)).copied().unwrap_or(0);
                let due = self.holdings.due_of(index, scenario, until_ns);
                let later = self.holdings.due_by_later_versions(index, scenario, told_until_ns, until_ns);
                due.saturating_sub(told_due) + later
            });
            self.agents[index].record.untold_arrivals = untold.collect();
        }
    }

    /// Whether anything happened that may have kept arrivals from whoever should have started them.
    fn was_disturbed(&self) -> bool {
        let disturbed = |agent: &super::Agent| agent.record.lost_at_ns.is_some() || agent.last_change > 0;
        let skipped = self.timeline.counts().skipped[SkipReason::Lease as usize];
        self.agents.iter().any(disturbed) || skipped > 0
    }

    fn is_known_lost_before(&self, index: usize, ended_ns: Option<u64>) -> bool {
        self.agents[index].record.lost_at_ns < ended_ns && self.agents[index].record.lost_at_ns.is_some()
    }

    /// Counts what fell due in an agent's hands beyond what it told of.
    fn miss_of(&mut self, index: usize, scenario: usize, due: u64, ended_ns: Option<u64>) {
        let told = self.timeline.agents().get(index);
        let told_due = told.and_then(|told| told.due_by_scenario.get(scenario)).copied().unwrap_or(0);
        let told_until_ns = told.map_or(0, |told| told.told_until_ns);
        let planned = &self.settings.plan.scenarios[scenario];
        let end_ns = (planned.start_delay + planned.executor.duration()).as_nanos() as u64;
        let taken_over_ns = self.agents[index].record.taken_over_at_ns.unwrap_or(u64::MAX);
        let until_ns = end_ns.min(taken_over_ns).min(ended_ns.unwrap_or(u64::MAX));
        self.timeline.miss(Some(index), scenario, (told_until_ns, until_ns), due.saturating_sub(told_due));
    }
}
