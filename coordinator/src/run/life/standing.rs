//! How a run stands right now, for whoever watches it.

use muster_proto::id::RunId;
use muster_proto::plan::{Executor, Plan};
use muster_proto::schedule::Timing;

use super::super::agent::State;
use super::super::event::Manner;
use super::super::order::Level;
use super::super::record::AgentRecord;
use super::{Phase, Run};
use crate::run::timeline::{Second, Timeline};
use crate::verdict::Judge;

/// Of so many scenarios it is told which part of them agents hold, and at which level they are: of more, counting would
/// cost more than the numbers tell.
const SCENARIOS_COUNTED: usize = 16;

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It waits for its agents.
    Gathering,
    /// Its agents prepare.
    Preparing,
    /// Its load is on.
    Running,
    /// Its user has paused it.
    Paused,
    /// No iteration begins any more; what is in flight may end.
    Draining,
    /// What is in flight is cut off.
    Aborting,
    /// The load has ended, and what is made once after it is being made.
    TearingDown,
    /// Nothing more will happen.
    Ended,
}

/// How far an agent has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has no part in the load yet.
    Preparing,
    /// It is ready, or generates load.
    AtWork,
    /// It has told everything.
    Done,
    /// It has left by itself.
    Left,
    /// It was given up.
    Lost,
}

/// One agent of a run under way.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its place among the run's agents, by which the timeline knows it.
    pub index: usize,
    /// What is known of it.
    pub record: &'a AgentRecord,
    /// How far it has come.
    pub presence: Presence,
    /// The part of all shards that it holds, 0 to 1.
    pub part: f64,
}

/// How a run stands at one moment.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// Which run it is.
    pub id: RunId,
    /// What is to be done.
    pub plan: &'a Plan,
    /// What it is doing.
    pub doing: Doing,
    /// Since its start, in nanoseconds of run time; none before it.
    pub elapsed_ns: Option<u64>,
    /// How many agents have joined, those that were lost included.
    pub joined: usize,
    /// Its agents, or the first of them.
    pub members: Vec<Member<'a>>,
    /// The level from which a scenario would go on if it were changed now, for the first scenarios of the plan. None before
    /// there is a start, after the scenario's end, and where nothing can be set.
    pub levels: Vec<Option<Level>>,
    /// What was measured.
    pub timeline: &'a Timeline,
    /// What the thresholds saw of it.
    pub judge: &'a Judge,
}

impl Run {
    fn doing(&self) -> Doing {
        match (self.phase, self.stopping) {
            (Phase::Ended { .. }, _) => Doing::Ended,
            (Phase::TearingDown { .. }, _) => Doing::TearingDown,
            (_, Some((Manner::Drain, _))) => Doing::Draining,
            (_, Some((Manner::Abort, _))) => Doing::Aborting,
            (Phase::Gathering { .. }, None) => Doing::Gathering,
            (Phase::Preparing { .. }, None) => Doing::Preparing,
            (Phase::Running { .. }, None) if self.pause.is_some() => Doing::Paused,
            (Phase::Running { .. }, None) => Doing::Running,
        }
    }

    /// The seconds that closed by what happened last, for whoever takes them before something else happens.
    #[must_use]
    pub fn take_closed(&mut self) -> Vec<Second> {
        std::mem::take(&mut self.closed)
    }

    /// How long its load lasted, in nanoseconds of run time; nothing while it is on.
    #[must_use]
    pub fn lasted_ns(&self) -> Option<u64> {
        match self.phase {
            Phase::TearingDown { start_ns, end_ns } | Phase::Ended { start_ns, end_ns } => {
                start_ns.map(|start_ns| end_ns.saturating_sub(start_ns))
            }
            Phase::Gathering { .. } | Phase::Preparing { .. } | Phase::Running { .. } => None,
        }
    }

    /// How it stands at this moment, with so many of its agents at most.
    #[must_use]
    pub fn standing(&self, now_ns: u64, members_max: usize) -> Standing<'_> {
        let scenarios = 0..self.settings.plan.scenarios.len().min(SCENARIOS_COUNTED);
        Standing {
            id: self.settings.id,
            plan: &self.settings.plan,
            doing: self.doing(),
            elapsed_ns: self.elapsed_ns(now_ns),
            joined: self.agents.len(),
            members: self.members(members_max),
            levels: scenarios.map(|scenario| self.level(scenario, now_ns)).collect(),
            timeline: &self.timeline,
            judge: &self.judge,
        }
    }

    /// So many of its agents at most: those at work come before those that are gone.
    #[must_use]
    pub fn members(&self, members_max: usize) -> Vec<Member<'_>> {
        let mut order: Vec<usize> = (0..self.agents.len()).collect();
        order.sort_by_key(|index| matches!(self.agents[*index].state, State::Closed | State::Lost | State::HandingIn));
        order.truncate(members_max);
        order.into_iter().map(|index| self.member(index)).collect()
    }

    fn elapsed_ns(&self, now_ns: u64) -> Option<u64> {
        match self.phase {
            Phase::Running { start_ns } => Some(now_ns.saturating_sub(start_ns)),
            _ => self.lasted_ns(),
        }
    }

    fn member(&self, index: usize) -> Member<'_> {
        let agent = &self.agents[index];
        let presence = match agent.state {
            State::Joined | State::Preparing => Presence::Preparing,
            State::Ready => Presence::AtWork,
            _ if agent.record.left => Presence::Left,
            State::Closed => Presence::Done,
            State::Lost | State::HandingIn => Presence::Lost,
        };
        Member { index, record: &agent.record, presence, part: self.holdings.part_of(index, SCENARIOS_COUNTED) }
    }

    fn level(&self, scenario: usize, now_ns: u64) -> Option<Level> {
        let moment = self.moment_of_change(scenario, now_ns)?;
        match (&self.settings.plan.scenarios.get(scenario)?.executor, self.holdings.latest(scenario)) {
            (Executor::ArrivalRate { .. }, Timing::Arrivals(schedule)) => {
                schedule.rest_from(moment.profile_ns).first().map(|rest| Level::Rate(rest.from))
            }
            (Executor::Users { .. }, Timing::Users(schedule)) => {
                Some(Level::Users(schedule.active_at(moment.profile_ns)))
            }
            _ => None,
        }
    }
}
