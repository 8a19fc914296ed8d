//! How agents are lost to a run.

use muster_agent::planted::planted;
use muster_proto::plan::OnLoss;

use super::super::agent::{Agent, State};
use super::super::event::{Command, Link, Manner};
use super::super::record::Ending;
use super::{Phase, Run};

/// An agent is lost when it was silent for its lease and this much longer, in nanoseconds: clocks may differ in rate, and
/// what it said may wait to be heard.
pub(super) const LEASE_MARGIN_NS: u64 = 500_000_000;
/// The longest pause between two ticks that may count as silence of the agents, in nanoseconds. In a longer one it was
/// this side that did not listen, and what agents said meanwhile is yet to be heard.
const LISTENING_GAP_MAX_NS: u64 = 250_000_000;

impl Run {
    /// A stream that breaks under load leaves its agent the rest of the lease to come back on another.
    pub(super) fn gone(&mut self, link: Link, reason: &str, now_ns: u64) {
        self.gone_from_teardown(link, reason);
        let Some(index) = self.find(link) else { return };
        let may_come_back = matches!(self.agents[index].state, State::Ready | State::HandingIn);
        if !may_come_back || !matches!(self.phase, Phase::Running { .. }) {
            return self.lose(index, reason, now_ns);
        }
        self.tell(format!("agent {}: {reason}; it may come back", self.agents[index].record.name));
    }

    /// An agent's operator wants it to end. It hands back what it holds, starts nothing new, and closes its books.
    pub(super) fn leave(&mut self, link: Link, now_ns: u64) {
        let Some(index) = self.hear(link, now_ns) else { return };
        let Phase::Running { start_ns } = self.phase else { return self.lose(index, "it left", now_ns) };
        if self.agents[index].state != State::Ready {
            return self.lose(index, "it left", now_ns);
        }
        let record = &mut self.agents[index].record;
        record.left = true;
        record.lost_at_ns = Some(now_ns.saturating_sub(start_ns));
        let name = record.name.clone();
        self.tell(format!("agent {name} leaves"));
        if self.settings.plan.agents.on_loss == OnLoss::Fail {
            return self.end_by(Ending::AgentLost(name), Manner::Drain, now_ns);
        }
        self.hand_back(index, now_ns);
    }

    /// When the last agent has closed its books because it left, nobody is there to go on.
    pub(super) fn end_if_all_have_left(&mut self, last: usize, now_ns: u64) {
        if self.agents[last].record.left && self.agents.iter().all(|agent| agent.record.lost_at_ns.is_some()) {
            let name = self.agents[last].record.name.clone();
            self.end_by(Ending::AgentLost(name), Manner::Drain, now_ns);
        }
    }

    /// An agent did what it must not.
    pub(super) fn expel(&mut self, link: Link, reason: &str, now_ns: u64) {
        self.gone_from_teardown(link, reason);
        if let Some(index) = self.find(link) {
            self.lose(index, reason, now_ns);
        }
    }

    /// Gives up whoever has been silent for too long.
    pub(super) fn miss_the_silent(&mut self, now_ns: u64) {
        self.excuse_agents_for_our_own_stall(now_ns);
        let margin_ns = if planted("no-margin") { 0 } else { LEASE_MARGIN_NS };
        let silence_max_ns = self.settings.lease_ns.saturating_add(margin_ns);
        let silence_max_ns = if planted("taken-over-at-once") { self.settings.lease_ns / 2 } else { silence_max_ns };
        let silent = |agent: &Agent| agent.is_awaited() && now_ns.saturating_sub(agent.heard_ns) > silence_max_ns;
        while let Some(index) = self.agents.iter().position(silent) {
            let reason = format!("silent for {:.1} s", silence_max_ns as f64 / 1e9);
            self.miss(index, &reason, now_ns);
        }
    }

    fn excuse_agents_for_our_own_stall(&mut self, now_ns: u64) {
        let deaf_ns = now_ns.saturating_sub(self.ticked_ns).saturating_sub(LISTENING_GAP_MAX_NS);
        self.ticked_ns = now_ns;
        for agent in self.agents.iter_mut().filter(|agent| agent.heard_ns < now_ns) {
            agent.heard_ns = (agent.heard_ns + deaf_ns).min(now_ns);
        }
    }

    /// Gives up an agent that did no wrong, which may come back where the plan lets the run go on. What it left may be
    /// handed in anyway.
    fn miss(&mut self, index: usize, reason: &str, now_ns: u64) {
        // One that was still preparing has not compared clocks: it may only join anew.
        self.agents[index].was_missed = self.agents[index].state != State::Preparing;
        if self.settings.plan.agents.on_loss == OnLoss::Fail {
            return self.lose(index, reason, now_ns);
        }
        self.commands.push(Command::HangUp(self.agents[index].link));
        self.give_up(index, reason, now_ns);
    }

    /// Gives up an agent for what it did.
    pub(super) fn lose(&mut self, index: usize, reason: &str, now_ns: u64) {
        self.commands.push(Command::Refuse(self.agents[index].link, reason.to_owned()));
        self.give_up(index, reason, now_ns);
    }

    pub(super) fn give_up(&mut self, index: usize, reason: &str, now_ns: u64) {
        if self.agents[index].state == State::HandingIn {
            return self.stop_handing_in(index, reason, now_ns);
        }
        let agent = &mut self.agents[index];
        let name = agent.record.name.clone();
        match self.phase {
            Phase::Gathering { .. } => {
                self.tell(format!("agent {name} left before the run: {reason}"));
                let link = self.agents.remove(index).link;
                return self.gone_from_setup(link, reason, now_ns);
            }
            Phase::Preparing { .. } | Phase::Running { .. } | Phase::TearingDown { .. } | Phase::Ended { .. } => {
                agent.state = State::Lost;
            }
        }
        let lost_at_ns = self.start_ns().map_or(0, |start_ns| now_ns.saturating_sub(start_ns));
        self.agents[index].record.lost_at_ns = Some(lost_at_ns);
        let ended_ns = self.lease_surely_ended_ns(index).max(now_ns);
        self.agents[index].record.may_work_until_ns = self.start_ns().map(|start_ns| ended_ns.saturating_sub(start_ns));
        self.agents[index].record.lost_because = Some(reason.to_owned());
        self.tell(format!("lost agent {name}: {reason}"));
        let taken_over_at_ns = self.take_over(index, now_ns);
        self.agents[index].record.taken_over_at_ns = taken_over_at_ns;
        self.timeline.release(index, taken_over_at_ns.unwrap_or(lost_at_ns));
        let before_start = matches!(self.phase, Phase::Preparing { .. });
        let on_loss = self.settings.plan.agents.on_loss;
        if before_start || on_loss == OnLoss::Fail || self.agents.iter().all(Agent::is_gone) {
            self.end_by(Ending::AgentLost(name), Manner::Drain, now_ns);
        }
        self.close_intervals(now_ns);
    }
}
