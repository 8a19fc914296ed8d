//! How iterations that all users share are allotted to agents, as they need them.

use std::collections::BTreeMap;

use muster_proto::supply::{Allotted, Wanting};

use super::super::agent::State;
use super::super::event::{Command, Link};
use super::super::pool::{Claim, Pool};
use super::{Phase, Run};

/// What agents are told, by their places among the run's, together: so whatever happens, it takes one message to each.
type Allotments = BTreeMap<usize, Vec<Allotted>>;

impl Run {
    /// An agent says how it stands with a scenario's shared iterations.
    pub(super) fn wanting(&mut self, link: Link, wanting: &Wanting, now_ns: u64) {
        let Some(index) = self.hear(link, now_ns) else { return };
        let has_part = matches!(self.agents[index].state, State::Preparing | State::Ready);
        let begun = self.begun(index, wanting.scenario);
        let heard = match self.pools.iter_mut().find(|pool| pool.scenario() == wanting.scenario) {
            Some(pool) if has_part => pool.hear(index, wanting, begun),
            _ => Err("it asks for iterations of which it can have none"),
        };
        if let Err(reason) = heard {
            self.lose(index, reason, now_ns);
        }
    }

    /// Answers whoever waits as far as there is something, and tells whoever can get nothing more.
    pub(super) fn supply(&mut self, now_ns: u64) {
        if self.stopping.is_some() || !matches!(self.phase, Phase::Preparing { .. } | Phase::Running { .. }) {
            return;
        }
        let mut pools = std::mem::take(&mut self.pools);
        let mut allotted = Allotments::new();
        for pool in &mut pools {
            self.answer_the_waiting(pool, &mut allotted, now_ns);
            if pool.left() == 0 {
                self.tell_of_the_end(pool, &mut allotted);
            }
        }
        self.pools = pools;
        let to_agent = |(index, allotted): (usize, _)| Command::Allot(self.agents[index].link, allotted);
        self.commands.extend(allotted.into_iter().map(to_agent));
    }

    fn answer_the_waiting(&self, pool: &mut Pool, allotted: &mut Allotments, now_ns: u64) {
        for index in 0..self.agents.len() {
            if pool.waits(index)
                && self.may_begin_more(index)
                && let Some(answer) = pool.answer(index, self.claim(index, pool), now_ns)
            {
                allotted.entry(index).or_default().push(answer);
            }
        }
    }

    /// Nobody gets anything more unless another gives back what it has not begun.
    fn tell_of_the_end(&self, pool: &mut Pool, allotted: &mut Allotments) {
        let unbegun = |index: usize| match &self.agents[index] {
            agent if agent.is_awaited() => pool.unbegun(index, self.begun(index, pool.scenario())),
            _ => 0,
        };
        let unbegun: Vec<u64> = (0..self.agents.len()).map(unbegun).collect();
        let all: u64 = unbegun.iter().sum();
        for (index, own) in unbegun.into_iter().enumerate() {
            if own == all
                && self.agents[index].state == State::Ready
                && let Some(end) = pool.end(index)
            {
                allotted.entry(index).or_default().push(end);
            }
        }
    }

    /// What an agent has not begun that closes its books is others' again.
    pub(super) fn close_accounts(&mut self, index: usize) {
        let mut pools = std::mem::take(&mut self.pools);
        pools.iter_mut().for_each(|pool| pool.close(index, self.begun(index, pool.scenario())));
        self.pools = pools;
    }

    fn may_begin_more(&self, index: usize) -> bool {
        let agent = &self.agents[index];
        matches!(agent.state, State::Preparing | State::Ready) && !agent.record.left
    }

    fn claim(&self, index: usize, pool: &Pool) -> Claim {
        let weight = |index: usize| u64::from(self.agents[index].record.weight);
        let all = (0..self.agents.len()).filter(|index| self.may_begin_more(*index));
        let users = pool.users_of(&self.holdings.of(index)[pool.scenario()]);
        Claim { users, weight: weight(index), weights: all.map(weight).sum() }
    }

    /// How many iterations of a scenario an agent told that it began. In a closed model they fall due as they do.
    fn begun(&self, index: usize, scenario: usize) -> u64 {
        let told = self.timeline.agents().get(index);
        told.and_then(|told| told.due_by_scenario.get(scenario)).copied().unwrap_or(0)
    }
}
