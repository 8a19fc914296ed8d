//! How shares go from hand to hand while load is generated.
//!
//! What an agent holds is given to others only once it cannot start anything of it any more: it has said so, or its lease
//! has ended.

use muster_agent::planted::planted;
use muster_proto::change::{Change, Handed, Reshape, What};
use muster_proto::plan::{Executor, OnLoss};
use muster_proto::share::{SHARDS, Share};
use muster_proto::split;

use super::super::agent::{Agent, State, UNANSWERED_MAX};
use super::super::event::{Command, Link, Manner};
use super::losing::LEASE_MARGIN_NS;
use super::{Phase, Run};

/// Shares change hands at least so long after it was decided, in nanoseconds, so that everybody hears of it in time ...
const LEAD_MIN_NS: u64 = 100_000_000;
/// ... or so many of the longest round trips,
const LEAD_ROUND_TRIPS: u64 = 2;
/// ... but no later than this. Whoever hears of it later skips what fell due until then.
const LEAD_MAX_NS: u64 = 500_000_000;
/// An agent may put off giving something up for so long, in nanoseconds.
const PUT_OFF_MAX_NS: u64 = 1_000_000_000;

impl Run {
    /// Whether load goes from hand to hand now.
    pub(super) fn hands_on(&self) -> bool {
        let redistributes = self.settings.plan.agents.on_loss == OnLoss::Redistribute;
        redistributes && matches!(self.phase, Phase::Running { .. }) && self.stopping.is_none()
    }

    /// Whether an agent may be given more.
    fn may_hold_more(&self, index: usize) -> bool {
        let agent = &self.agents[index];
        agent.state == State::Ready && !agent.record.left && !agent.refuses_more
    }

    /// How long everybody takes to hear of a change, with time to spare.
    fn lead_ns(&self) -> u64 {
        let active = self.agents.iter().filter(|agent| agent.is_active());
        let round_trip_ns = active.map(|agent| agent.record.round_trip_ns).max().unwrap_or(0);
        round_trip_ns.saturating_mul(LEAD_ROUND_TRIPS).clamp(LEAD_MIN_NS, LEAD_MAX_NS)
    }

    /// The soonest moment of run time at which shares can be given to somebody.
    pub(super) fn giving_moment(&self, start_ns: u64, now_ns: u64) -> u64 {
        now_ns.saturating_sub(start_ns) + self.lead_ns()
    }

    /// A lost agent's load becomes others', once its lease has surely ended. Returns that moment of run time.
    pub(super) fn take_over(&mut self, index: usize, now_ns: u64) -> Option<u64> {
        let start_ns = self.start_ns().filter(|_| self.hands_on())?;
        if !(0..self.agents.len()).any(|other| self.may_hold_more(other)) {
            return None;
        }
        let lease_ended_ns = if planted("taken-over-at-once") { 0 } else { self.lease_surely_ended_ns(index) };
        let at_ns = self.giving_moment(start_ns, now_ns).max(lease_ended_ns.saturating_sub(start_ns));
        let pool = self.transferable(self.holdings.of(index));
        self.take_away(index, &pool, at_ns);
        Some(at_ns)
    }

    /// By when an agent can surely generate no load any more if it is heard no more.
    pub(super) fn lease_surely_ended_ns(&self, index: usize) -> u64 {
        match &self.agents[index] {
            agent if agent.record.has_ended => 0,
            agent => agent.heard_ns + self.settings.lease_ns + LEASE_MARGIN_NS,
        }
    }

    /// Takes shares from an agent that cannot start anything of them any more. It hears of it if it comes back.
    fn take_away(&mut self, index: usize, shares: &[Share], at_ns: u64) {
        self.note_change(index, at_ns, What::Revoked(shares.to_vec()));
        self.agents[index].taken_by_change = self.agents[index].last_change;
        let (pool, free_ns) = self.holdings.take(index, shares, at_ns);
        self.deal_out(pool, free_ns);
    }

    /// Gives shares that nobody holds any more to those who hold too little, from a moment on.
    fn deal_out(&mut self, pool: Handed, at_ns: u64) {
        if pool.is_nothing() {
            return;
        }
        let takes = |index: &usize| self.may_hold_more(*index) && !self.agents[*index].is_behind();
        let takers: Vec<usize> = (0..self.agents.len()).filter(takes).collect();
        if takers.is_empty() {
            // It waits for somebody who joins, or who answers what it was given before.
            self.wants_balance = true;
            return self.unheld.take_in(&pool);
        }
        self.handed_on_ns = at_ns;
        let weights: Vec<u32> = takers.iter().map(|index| self.agents[*index].record.weight).collect();
        let held: Vec<Vec<Share>> = takers.iter().map(|index| self.holdings.of(*index)).collect();
        let mut dealt = vec![vec![Share::empty(); pool.shares.len()]; takers.len()];
        for (scenario, share) in pool.shares.iter().enumerate().filter(|(_, share)| !share.is_empty()) {
            let mine: Vec<Share> = held.iter().map(|held| held[scenario].clone()).collect();
            let mut wanted = split::missing(&mine, SHARDS, &weights);
            if wanted.iter().all(|wanted| *wanted == 0) {
                wanted.clone_from(&weights);
            }
            let parts = split::deal(&self.settings.plan.scenarios[scenario].executor, share, &wanted);
            dealt.iter_mut().zip(parts).for_each(|(dealt, part)| dealt[scenario] = part);
        }
        for (index, shares) in takers.into_iter().zip(dealt) {
            let handed = Handed { shares, passed: pool.passed.clone() };
            if !handed.is_nothing() {
                self.holdings.give(index, handed.clone(), at_ns);
                self.tell_of_change(index, at_ns, What::Granted(handed));
            }
        }
    }

    /// Lets everybody hold what its weight entitles it to. What somebody holds too much of is taken away first.
    pub(super) fn rebalance(&mut self, now_ns: u64) {
        let Some(start_ns) = self.start_ns().filter(|_| self.hands_on()) else { return };
        self.wants_balance = true;
        let is_giving = |index: usize| {
            self.agents[index].is_active() && self.agents[index].changes.iter().any(Change::is_revocation)
        };
        if (0..self.agents.len()).any(is_giving) || !(0..self.agents.len()).any(|index| self.may_hold_more(index)) {
            return;
        }
        self.wants_balance = false;
        // Whoever gives something up says so before others are told that it will be theirs.
        let at_ns = self.giving_moment(start_ns, now_ns) + self.lead_ns();
        let unheld = std::mem::take(&mut self.unheld);
        self.deal_out(unheld, at_ns);
        let held: Vec<Vec<Share>> = (0..self.agents.len()).map(|index| self.holdings.of(index)).collect();
        let weight = |index: usize| match &self.agents[index] {
            agent if agent.state != State::Ready || agent.record.left => 0,
            agent => agent.record.weight,
        };
        let weights: Vec<u32> = (0..self.agents.len()).map(weight).collect();
        let mut surplus = vec![vec![Share::empty(); self.settings.plan.scenarios.len()]; self.agents.len()];
        for (scenario, planned) in self.settings.plan.scenarios.iter().enumerate() {
            let mine: Vec<Share> = held.iter().map(|held| held[scenario].clone()).collect();
            let given = split::surplus(&planned.executor, &mine, &weights);
            surplus.iter_mut().zip(given).for_each(|(surplus, given)| surplus[scenario] = given);
        }
        for (index, shares) in surplus.into_iter().enumerate() {
            let shares = self.transferable(shares);
            if shares.iter().all(Share::is_empty) {
                continue;
            }
            if self.agents[index].is_active() {
                self.tell_of_change(index, at_ns, What::Revoked(shares));
            } else {
                self.take_away(index, &shares, at_ns);
            }
        }
    }

    /// An agent has changed what it holds, or must not.
    pub(super) fn changed(&mut self, link: Link, number: u64, made_ns: u64, refusal: Option<String>, now_ns: u64) {
        let Some(index) = self.hear(link, now_ns) else { return };
        let Phase::Running { start_ns } = self.phase else {
            return self.lose(index, "it changed what it holds before the start", now_ns);
        };
        let agent = &mut self.agents[index];
        if agent.changes.front().is_none_or(|change| change.number != number) {
            // It may answer again what it answered on a stream that broke.
            if number > agent.last_change {
                self.lose(index, "it made a change of its own", now_ns);
            }
            return;
        }
        let Some(Change { at_ns, what, .. }) = agent.changes.pop_front() else { return };
        let (name, was_taken) = (agent.record.name.clone(), number <= agent.taken_by_change);
        let next_ns = self.giving_moment(start_ns, now_ns);
        if made_ns < at_ns || made_ns > next_ns.max(at_ns) + PUT_OFF_MAX_NS {
            return self.lose(index, "it changes what it does at a moment that nobody asked for", now_ns);
        }
        let is_granted = matches!(what, What::Granted(_));
        let concerned = match what {
            What::Granted(Handed { shares, .. }) | What::Revoked(shares) if !was_taken => shares,
            What::Reshaped(Reshape { scenario, .. }) if refusal.is_none() => {
                self.holdings.reshape(index, scenario, at_ns, made_ns);
                Vec::new()
            }
            // Of a profile that it must not carry on, it has given up everything.
            What::Reshaped(Reshape { scenario, .. }) => self.only(scenario, self.holdings.of(index)),
            What::Granted(_) | What::Revoked(_) => Vec::new(),
        };
        if let Some(refusal) = &refusal {
            let words = if is_granted { "takes over no more" } else { "does not do so much" };
            self.tell(format!("agent {name} {words}: {refusal}"));
            self.agents[index].refuses_more = true;
        }
        if !is_granted || refusal.is_some() {
            let (pool, free_ns) = self.holdings.take(index, &concerned, made_ns);
            let free_ns = if planted("given-before-it-is-free") { at_ns } else { free_ns.max(next_ns) };
            self.deal_out(pool, free_ns);
        }
        if self.wants_balance {
            self.rebalance(now_ns);
        }
    }

    /// Gives up whoever makes none of the changes that wait for it, though it had the time, and shows that it lives.
    pub(super) fn give_up_on_the_unanswering(&mut self, start_ns: u64, now_ns: u64) {
        let run_ns = now_ns.saturating_sub(start_ns);
        let is_late = |change: &Change| change.at_ns.saturating_add(PUT_OFF_MAX_NS) < run_ns;
        let refuses =
            |agent: &Agent| agent.is_active() && agent.is_behind() && agent.changes.front().is_some_and(is_late);
        while let Some(index) = self.agents.iter().position(refuses) {
            self.lose(index, &format!("it left {UNANSWERED_MAX} changes unanswered"), now_ns);
        }
    }

    /// An agent that leaves hands back what it holds, if there is anybody to take it.
    pub(super) fn hand_back(&mut self, index: usize, now_ns: u64) {
        if self.hands_on() && (0..self.agents.len()).any(|other| self.may_hold_more(other)) {
            self.rebalance(now_ns);
        } else {
            self.commands.push(Command::Stop(self.agents[index].link, Manner::Drain));
        }
    }

    pub(super) fn tell_of_change(&mut self, index: usize, at_ns: u64, what: What) {
        self.note_change(index, at_ns, what);
        let agent = &self.agents[index];
        self.commands.extend(agent.changes.back().map(|change| Command::Change(agent.link, change.clone())));
    }

    /// Notes a change for an agent to hear of, now or when it comes back.
    pub(super) fn note_change(&mut self, index: usize, at_ns: u64, what: What) {
        let agent = &mut self.agents[index];
        agent.last_change += 1;
        agent.changes.push_back(Change { number: agent.last_change, at_ns, what });
    }

    /// What these shares are of one scenario.
    fn only(&self, scenario: usize, mut shares: Vec<Share>) -> Vec<Share> {
        let others = shares.iter_mut().enumerate().filter(|(place, _)| *place != scenario);
        others.for_each(|(_, share)| *share = Share::empty());
        shares
    }

    /// The part of some shares that others can go on with. How many iterations users have left who count their own is known
    /// to nobody else.
    fn transferable(&self, mut shares: Vec<Share>) -> Vec<Share> {
        for (share, scenario) in shares.iter_mut().zip(&self.settings.plan.scenarios) {
            if matches!(scenario.executor, Executor::PerUserIterations { .. }) {
                *share = Share::empty();
            }
        }
        shares
    }
}
