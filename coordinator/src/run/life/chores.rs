//! What is made once per run, by one agent: the setup before its load, and the teardown after it.

use muster_proto::convert::Performed;
use muster_proto::plan::{ChoreKind, Plan};
use serde::{Deserialize, Serialize};

use super::super::agent::{Agent, State};
use super::super::event::{Command, Link, Manner};
use super::super::record::Ending;
use super::resuming::RETURN_MAX_NS;
use super::{Phase, Run};
use crate::exit::ExitCode;

/// How much longer than a chore may take its agent may be silent about it, in nanoseconds.
const CHORE_MARGIN_NS: u64 = 10_000_000_000;

/// Who is at a chore, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Errand {
    link: Link,
    since_ns: u64,
}

/// How far the setup is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Setup {
    /// It waits for the agents.
    Wanted,
    /// It is being made.
    Underway(Errand),
    /// It is done, and this is what it found out; nothing if there is none.
    Done(Vec<(String, String)>),
}

/// How far the teardown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Teardown {
    /// It waits for the end of the load.
    Wanted,
    /// It waits for an agent to come back.
    Awaited { since_ns: u64 },
    /// It is being made.
    Underway(Errand),
    /// It is over, or there is none.
    Over,
}

/// What is made once per run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chores {
    setup: Setup,
    teardown: Teardown,
    /// The streams of agents that have nothing else to do, and wait to be released until the teardown is made.
    kept: Vec<Link>,
    /// Why the teardown has failed, if it has.
    pub(super) teardown_failure: Option<String>,
}

impl Chores {
    pub(super) fn of(plan: &Plan) -> Self {
        let has = |kind| !plan.chore(kind).steps.is_empty();
        Self {
            setup: if has(ChoreKind::Setup) { Setup::Wanted } else { Setup::Done(Vec::new()) },
            teardown: if has(ChoreKind::Teardown) { Teardown::Wanted } else { Teardown::Over },
            kept: Vec::new(),
            teardown_failure: None,
        }
    }

    /// What the setup has found out.
    pub(super) fn found(&self) -> &[(String, String)] {
        match &self.setup {
            Setup::Done(found) => found,
            Setup::Wanted | Setup::Underway(_) => &[],
        }
    }

    /// To be kept on disk: what the setup has found out may be secret, and is left out.
    pub(super) fn kept(mut self) -> Self {
        if let Setup::Done(found) = &mut self.setup {
            found.iter_mut().for_each(|(_, json)| json.clear());
        }
        self
    }

    /// Whether an agent is setting up.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.setup, Setup::Underway(_))
    }

    fn is_setting_up(&self, link: Link) -> bool {
        matches!(self.setup, Setup::Underway(errand) if errand.link == link)
    }

    fn is_tearing_down(&self, link: Link) -> bool {
        matches!(self.teardown, Teardown::Underway(errand) if errand.link == link)
    }
}

impl Run {
    /// Enough agents are there: the setup is made first, and the plan assigned then.
    pub(super) fn begin_if_complete(&mut self, now_ns: u64) {
        let wanted = self.settings.plan.agents.start_when as usize;
        let Some(link) = self.agents.first().filter(|_| self.agents.len() >= wanted).map(|agent| agent.link) else {
            return;
        };
        match self.chores.setup {
            Setup::Wanted => {
                self.chores.setup = Setup::Underway(Errand { link, since_ns: now_ns });
                self.hand_out(ChoreKind::Setup, link);
            }
            Setup::Underway(_) => {}
            Setup::Done(_) => self.assign(now_ns),
        }
    }

    fn hand_out(&mut self, kind: ChoreKind, link: Link) {
        let plan = self.settings.plan.of_chore(kind, self.chores.found());
        let by = self.agents.iter().find(|agent| agent.link == link);
        let by = by.map_or_else(String::new, |agent| format!(", by agent {}", agent.record.name));
        self.tell(format!("{}{by}", kind.name()));
        self.commands.push(Command::Perform(link, Box::new(plan)));
    }

    /// An agent tells what came of a chore.
    pub(super) fn performed(&mut self, link: Link, performed: Performed, now_ns: u64) {
        if self.chores.is_tearing_down(link) {
            return self.torn_down(performed.failure);
        }
        let Some(index) = self.hear(link, now_ns) else { return };
        if !self.chores.is_setting_up(link) {
            return self.lose(index, "it performed what nobody had asked for", now_ns);
        }
        match performed.failure {
            Some(reason) => self.fail_setup(&reason, now_ns),
            None => {
                self.chores.setup = Setup::Done(performed.found);
                // Whoever has left meanwhile is waited for anew.
                self.phase = Phase::Gathering { since_ns: now_ns };
                self.begin_if_complete(now_ns);
            }
        }
    }

    fn fail_setup(&mut self, reason: &str, now_ns: u64) {
        let reason = format!("the setup has failed: {reason}");
        self.end_by(Ending::Failed { exit_code: ExitCode::Failure, reason }, Manner::Abort, now_ns);
    }

    /// An agent that has joined, and waits for the others, is gone.
    pub(super) fn gone_from_setup(&mut self, link: Link, reason: &str, now_ns: u64) {
        if self.chores.is_setting_up(link) {
            self.fail_setup(&format!("its agent was lost: {reason}"), now_ns);
        }
    }

    /// An agent has nothing else to do. It is let go, unless it may be needed for the teardown.
    pub(super) fn release_or_keep(&mut self, link: Link, now_ns: u64) {
        if self.chores.teardown == Teardown::Wanted && matches!(self.phase, Phase::Running { .. }) {
            return self.chores.kept.push(link);
        }
        if matches!(self.chores.teardown, Teardown::Awaited { .. }) {
            self.chores.kept.push(link);
            return self.tear_down(now_ns);
        }
        self.commands.push(Command::Release(link));
    }

    /// A stream has ended whose agent was kept for the teardown, or is at it.
    pub(super) fn gone_from_teardown(&mut self, link: Link, reason: &str) {
        self.chores.kept.retain(|kept| *kept != link);
        if self.chores.is_tearing_down(link) {
            self.torn_down(Some(format!("its agent was lost: {reason}")));
        }
    }

    /// The load has ended, or there was none: what is left is the teardown, if anything has been done that it could undo.
    pub(super) fn end(&mut self, start_ns: Option<u64>, end_ns: u64, now_ns: u64) {
        let was_set_up = !self.settings.plan.setup.steps.is_empty() && matches!(self.chores.setup, Setup::Done(_));
        if start_ns.is_none() {
            let active = self.agents.iter().filter(|agent| agent.is_active());
            self.chores.kept.extend(active.map(|agent| agent.link));
        }
        if self.chores.teardown != Teardown::Wanted || !(start_ns.is_some() || was_set_up) {
            self.release_all();
            self.phase = Phase::Ended { start_ns, end_ns };
            return;
        }
        self.phase = Phase::TearingDown { start_ns, end_ns };
        self.tear_down(now_ns);
    }

    /// Lets an agent make the teardown, once there is one and nobody can be at the load any more.
    fn tear_down(&mut self, now_ns: u64) {
        let since_ns = match self.chores.teardown {
            Teardown::Awaited { since_ns } => since_ns,
            _ => now_ns,
        };
        self.chores.teardown = Teardown::Awaited { since_ns };
        if self.lacks_secrets {
            let reason = "its coordinator was started again in mid-run, and does not know the plan's secrets any more";
            return self.torn_down(Some(reason.to_owned()));
        }
        if now_ns < self.idle_at_ns() {
            return;
        }
        if let Some(link) = self.chores.kept.first().copied() {
            self.chores.teardown = Teardown::Underway(Errand { link, since_ns: now_ns });
            return self.hand_out(ChoreKind::Teardown, link);
        }
        let may_come_back =
            |agent: &Agent| agent.state == State::Closed && !agent.record.left && !agent.record.has_ended;
        let waited_ns = now_ns.saturating_sub(since_ns.max(self.conducted_since_ns));
        if waited_ns > RETURN_MAX_NS || !self.agents.iter().any(may_come_back) {
            self.torn_down(Some("no agent is there to make it".to_owned()));
        }
    }

    /// From when on no agent can be at the load that was given up.
    fn idle_at_ns(&self) -> u64 {
        let idle_ns = self.agents.iter().filter_map(|agent| agent.record.idle_at_ns());
        self.start_ns().unwrap_or(0).saturating_add(idle_ns.max().unwrap_or(0))
    }

    fn torn_down(&mut self, failure: Option<String>) {
        let Phase::TearingDown { start_ns, end_ns } = self.phase else { return };
        if let Some(reason) = &failure {
            self.tell(format!("the teardown has failed: {reason}"));
        }
        self.chores.teardown = Teardown::Over;
        self.chores.teardown_failure = failure;
        self.release_all();
        self.phase = Phase::Ended { start_ns, end_ns };
    }

    fn release_all(&mut self) {
        let kept = std::mem::take(&mut self.chores.kept);
        self.commands.extend(kept.into_iter().map(Command::Release));
    }

    /// Gives a chore up that has taken too long.
    pub(super) fn give_up_on_chores(&mut self, now_ns: u64) {
        let timeout_ns =
            |kind| (self.settings.plan.chore(kind).timeout.as_nanos() as u64).saturating_add(CHORE_MARGIN_NS);
        let took_ns = |since_ns: u64| now_ns.saturating_sub(since_ns.max(self.conducted_since_ns));
        if let Setup::Underway(errand) = self.chores.setup
            && took_ns(errand.since_ns) > timeout_ns(ChoreKind::Setup)
        {
            return self.fail_setup("its agent did not say that it had ended", now_ns);
        }
        match self.chores.teardown {
            Teardown::Underway(errand) if took_ns(errand.since_ns) > timeout_ns(ChoreKind::Teardown) => {
                self.torn_down(Some("its agent did not say that it had ended".to_owned()));
            }
            Teardown::Awaited { .. } => self.tear_down(now_ns),
            _ => {}
        }
    }

    /// The user does not want to wait for the teardown.
    pub(super) fn skip_teardown(&mut self) {
        self.torn_down(Some("its user gave it up".to_owned()));
    }

    /// Another coordinator goes on. Nobody knows how far a chore had come, and it is made once; what the setup had found
    /// out was not written down.
    pub(super) fn resume_chores(&mut self, now_ns: u64) {
        const CUT: &str = "the coordinator ended in the middle of it, and it is made once";
        self.chores.kept.clear();
        self.lacks_secrets |= !self.chores.found().is_empty();
        if self.start_ns().is_none() && !self.settings.plan.setup.steps.is_empty() && self.chores.setup != Setup::Wanted
        {
            self.fail_setup(CUT, now_ns);
        }
        if matches!(self.chores.teardown, Teardown::Underway(_)) {
            self.torn_down(Some(CUT.to_owned()));
        }
    }
}
