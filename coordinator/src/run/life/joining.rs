//! How agents come to a run, and come back to it.

use muster_agent::planted::planted;
use muster_proto::id::AgentId;
use muster_proto::plan::OnLoss;
use muster_proto::share::Share;
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};

use super::super::agent::{Agent, State};
use super::super::event::{Command, Link, Newcomer};
use super::{Phase, Run};

/// The most agents of one run.
const AGENTS_MAX: usize = 10_000;

impl Run {
    /// Somebody opened a stream and said who it is.
    pub(super) fn join(&mut self, link: Link, newcomer: Newcomer, now_ns: u64) {
        self.next_link = self.next_link.max(link.0.saturating_add(1));
        if let Some(index) = self.comes_back(&newcomer) {
            return match newcomer.has_ended {
                true => self.hand_in(index, link, now_ns),
                false => self.rejoin(index, link, now_ns),
            };
        }
        let refusal = if newcomer.protocol_version != PROTOCOL_VERSION {
            Some(format!(
                "it speaks protocol {} (build {}), this coordinator speaks protocol {PROTOCOL_VERSION} (build {BUILD_VERSION}); \
                 install the same version on both",
                newcomer.protocol_version, newcomer.build_version
            ))
        } else if newcomer.weight == 0 || newcomer.workers == 0 {
            Some("its weight and its workers must be 1 or more".to_owned())
        } else if self.agents.len() >= AGENTS_MAX {
            Some(format!("there are {AGENTS_MAX} agents already"))
        } else if let Some(run) =
            newcomer.run.filter(|run| *run != self.settings.id || !self.gathers_anew() || newcomer.has_ended)
        {
            Some(format!("its part in run {} is over, or was never given here", run.short()))
        } else if !self.is_gathering() && !self.hands_on() {
            Some("the run has begun without it".to_owned())
        } else if self.lacks_secrets {
            Some(
                "its coordinator was started again in mid-run, and does not know the plan's secrets any more"
                    .to_owned(),
            )
        } else {
            None
        };
        if let Some(reason) = refusal {
            self.tell(format!("refused agent {}: {reason}", newcomer.name));
            self.commands.push(Command::Refuse(link, reason));
            return;
        }
        let id = AgentId(self.welcomed);
        self.welcomed += 1;
        self.commands.push(Command::Welcome { link, agent: id.0, applied_seq: 0, changes: Vec::new() });
        self.agents.push(Agent::new(link, id, newcomer, now_ns));
        if !self.is_gathering() {
            return self.take_in();
        }
        let wanted = self.settings.plan.agents.start_when as usize;
        if wanted > 1 {
            self.tell(format!("{} of {wanted} agents joined", self.agents.len()));
        }
        self.begin_if_complete(now_ns);
    }

    fn is_gathering(&self) -> bool {
        matches!(self.phase, Phase::Gathering { .. })
    }

    /// Whether agents are waited for that a coordinator before us may have known: it was killed before the start.
    fn gathers_anew(&self) -> bool {
        self.is_gathering() && self.absence.resumed > 0
    }

    /// Lets the agent that joined last prepare while load is generated. It is given its part once it is ready.
    fn take_in(&mut self) {
        let Some(agent) = self.agents.last_mut() else { return };
        agent.state = State::Preparing;
        let nothing = vec![Share::empty(); self.settings.plan.scenarios.len()];
        agent.amendments_told = self.amendments.len();
        let (link, name) = (agent.link, agent.record.name.clone());
        let amendments = if planted("newcomers-not-told") { Vec::new() } else { self.amendments.clone() };
        let found = self.chores.found().to_vec();
        self.commands.push(Command::Assign { link, shares: nothing, amendments, found });
        self.tell(format!("agent {name} joins while the run goes on"));
    }

    /// Which agent of this run it is, if it is one that comes back on another stream.
    fn comes_back(&self, newcomer: &Newcomer) -> Option<usize> {
        let known = |agent: &Agent| agent.incarnation == newcomer.incarnation;
        let index = self.agents.iter().rposition(known).filter(|_| newcomer.run == Some(self.settings.id))?;
        let agent = &self.agents[index];
        let may_work_again = !agent.record.has_ended && self.settings.plan.agents.on_loss != OnLoss::Fail;
        let welcome = match agent.state {
            State::Lost => agent.was_missed && (newcomer.has_ended || may_work_again),
            State::HandingIn => newcomer.has_ended,
            State::Joined | State::Preparing => false,
            State::Ready | State::Closed => true,
        };
        let goes_on = match self.phase {
            Phase::Running { .. } => true,
            Phase::TearingDown { .. } => agent.state == State::Closed,
            Phase::Gathering { .. } | Phase::Preparing { .. } | Phase::Ended { .. } => false,
        };
        (welcome && goes_on).then_some(index)
    }

    /// Goes on with an agent on another stream. What it says on the one before does not count any more.
    fn rejoin(&mut self, index: usize, link: Link, now_ns: u64) {
        let agent = &mut self.agents[index];
        let newest = if planted("newest-stream-not-taken") { agent.link } else { link };
        let before = std::mem::replace(&mut agent.link, newest);
        agent.heard_ns = now_ns;
        let applied_seq = if planted("welcome-from-nothing") { 0 } else { agent.seq };
        let changes =
            if planted("welcome-without-changes") { Vec::new() } else { agent.changes.iter().cloned().collect() };
        let welcome = Command::Welcome { link, agent: agent.record.id.0, applied_seq, changes };
        let name = agent.record.name.clone();
        self.commands.extend([Command::HangUp(before), welcome]);
        self.pools.iter_mut().for_each(|pool| pool.come_back(index));
        match self.agents[index].state {
            State::Closed => return self.release_or_keep(link, now_ns),
            State::Lost => {
                let agent = &mut self.agents[index];
                agent.state = State::Ready;
                agent.was_missed = false;
                (agent.record.lost_at_ns, agent.record.may_work_until_ns) = (None, None);
                (agent.record.lost_because, agent.record.taken_over_at_ns) = (None, None);
                self.timeline.expect(index);
                self.tell(format!("agent {name} is back, and its lease begins anew"));
            }
            State::Joined | State::Preparing | State::HandingIn | State::Ready => {
                self.tell(format!("agent {name} is back"));
            }
        }
        self.commands.extend(self.start_ns().map(|start_ns| Command::Start(link, start_ns)));
        self.commands.extend(self.stopping.map(|(manner, _)| Command::Stop(link, manner)));
        self.rebalance(now_ns);
    }
}
