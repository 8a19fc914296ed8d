//! One closed second of a run, as it is handed over to be exported.

use std::collections::BTreeSet;
use std::sync::Arc;

use muster_proto::histogram::Histogram;
use muster_proto::measurement::{Health, INTERVAL_NS, Measurement};

use crate::run::life::{Presence, Run};
use crate::run::timeline::Second;
use crate::verdict::validity::Grade;

/// So many agents are exported by their names; those at work come before those that are gone.
const AGENTS_MAX: usize = 64;

/// A closed second, or several of them.
#[derive(Debug)]
pub(super) struct Moment {
    /// The run's start, in nanoseconds since 1970.
    pub(super) start_ns: u64,
    /// Its end, in nanoseconds since 1970.
    pub(super) end_ns: u64,
    /// What was measured in it.
    pub(super) measurement: Measurement,
    /// How the run stood when it closed.
    pub(super) state: Arc<State>,
}

/// How a run stands.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) users: u64,
    /// Of the last second.
    pub(super) grade: Grade,
    /// Seconds that were valid, suspect, invalid.
    pub(super) graded: [u64; 3],
    pub(super) joined: u64,
    /// The first of them.
    pub(super) agents: Vec<AgentState>,
}

/// How an agent does.
#[derive(Clone, Debug)]
pub(super) struct AgentState {
    pub(super) name: Arc<str>,
    pub(super) is_at_work: bool,
    pub(super) sent: u64,
    pub(super) health: Health,
    pub(super) lag: Histogram,
}

impl Moment {
    /// A second of a run that began at this moment, in nanoseconds since 1970, and has lasted so long if it has ended: then
    /// the last second is not a whole one.
    pub(super) fn of(second: Second, state: Arc<State>, start_ns: u64, lasted_ns: Option<u64>) -> Self {
        let end_ns = (u64::from(second.number) + 1) * INTERVAL_NS;
        let end_ns = start_ns + lasted_ns.map_or(end_ns, |lasted_ns| end_ns.min(lasted_ns));
        let mut measurement = second.measurement;
        measurement.samples.clear();
        Self { start_ns, end_ns, measurement, state }
    }

    /// Takes in the one that follows.
    pub(super) fn merge(&mut self, next: Self) {
        self.end_ns = next.end_ns;
        self.measurement.merge(&next.measurement);
        self.state = next.state;
    }
}

impl State {
    /// How a run stands now.
    pub(super) fn of(run: &Run) -> Self {
        let timeline = run.timeline();
        let grades = timeline.grades();
        let mut names = BTreeSet::new();
        let agents = run.members(AGENTS_MAX).into_iter().map(|member| {
            let told = timeline.agents().get(member.index);
            let mut name = member.record.name.clone();
            if !names.insert(name.clone()) {
                name = format!("{name}#{}", member.index);
            }
            AgentState {
                name: name.into(),
                is_at_work: member.presence == Presence::AtWork,
                sent: told.map_or(0, |told| told.counts.sent),
                health: told.map(|told| *told.health()).unwrap_or_default(),
                lag: told.map(|told| told.lag.clone()).unwrap_or_default(),
            }
        });
        Self {
            users: timeline.last().map_or(0, |last| last.users),
            grade: timeline.last().map(|last| last.grades.worst()).unwrap_or_default(),
            graded: [grades.valid, grades.suspect, grades.invalid],
            joined: run.joined() as u64,
            agents: agents.collect(),
        }
    }
}

impl State {
    /// The run is over: nobody is at work any more.
    pub(super) fn leave(&mut self) {
        self.users = 0;
        for agent in &mut self.agents {
            (agent.is_at_work, agent.health.users, agent.health.in_flight) = (false, 0, 0);
        }
    }
}
