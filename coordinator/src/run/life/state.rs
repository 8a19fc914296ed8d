//! All that a run is apart from what it was told at its beginning, to be kept and taken up again.

use muster_agent::planted::planted;
use muster_proto::change::{Amendment, Handed};
use serde::{Deserialize, Serialize};

use super::super::agent::Agent;
use super::super::pool::Pool;
use super::super::record::{Absence, Annotation, Ending};
use super::chores::Chores;
use super::orders::Pause;
use super::{Holdings, Judge, Manner, Phase, Run, RunSettings, Timeline};
use crate::verdict::LineSeen;

/// A run between two events, without its settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunState {
    phase: Phase,
    agents: Vec<Agent>,
    welcomed: u32,
    holdings: Holdings,
    pools: Vec<Pool>,
    chores: Chores,
    wants_balance: bool,
    amendments: Vec<Amendment>,
    pause: Option<Pause>,
    annotations: Vec<Annotation>,
    handed_on_ns: u64,
    unheld: Handed,
    timeline: Timeline,
    seen: Vec<LineSeen>,
    ending: Option<Ending>,
    stopping: Option<(Manner, u64)>,
    told_ns: u64,
    ticked_ns: u64,
    conducted_since_ns: u64,
    absence: Absence,
    next_link: u64,
    lacks_secrets: bool,
}

impl Agent {
    /// All of it, unless a bug is planted.
    fn kept(mut self) -> Self {
        if planted("applied-numbers-not-kept") {
            self.seq = 0;
        }
        if planted("changes-not-kept") {
            self.changes.clear();
        }
        self
    }
}

impl Run {
    /// Its state. What it wants done was handed out with the last event, so that there is nothing of it to keep.
    #[must_use]
    pub fn state(&self) -> RunState {
        RunState {
            phase: self.phase,
            agents: self.agents.iter().cloned().map(Agent::kept).collect(),
            welcomed: self.welcomed,
            holdings: self.holdings.clone(),
            pools: self.pools.clone(),
            chores: self.chores.clone().kept(),
            wants_balance: self.wants_balance,
            amendments: self.amendments.clone(),
            pause: self.pause.clone(),
            annotations: self.annotations.clone(),
            handed_on_ns: self.handed_on_ns,
            unheld: self.unheld.clone(),
            timeline: self.timeline.clone(),
            seen: self.judge.seen(),
            ending: self.ending.clone(),
            stopping: self.stopping.filter(|_| !planted("stop-not-kept")),
            told_ns: self.told_ns,
            ticked_ns: self.ticked_ns,
            conducted_since_ns: self.conducted_since_ns,
            absence: self.absence,
            next_link: self.next_link,
            lacks_secrets: self.lacks_secrets,
        }
    }

    /// The run of these settings in this state. `None` when the state is of another plan.
    #[must_use]
    pub fn in_state(settings: RunSettings, state: RunState) -> Option<Self> {
        let fits = *state.timeline.table() == *Timeline::new(&settings.plan).table();
        Some(Self {
            judge: Judge::who_has_seen(&settings.plan, state.seen).filter(|_| fits)?,
            holdings: state.holdings.of_plan(&settings.plan, &state.amendments)?,
            pools: state.pools,
            chores: state.chores,
            wants_balance: state.wants_balance,
            amendments: state.amendments,
            pause: state.pause,
            annotations: state.annotations,
            handed_on_ns: state.handed_on_ns,
            unheld: state.unheld,
            lacks_secrets: state.lacks_secrets,
            settings,
            phase: state.phase,
            agents: state.agents,
            welcomed: state.welcomed,
            timeline: state.timeline,
            ending: state.ending,
            stopping: state.stopping,
            commands: Vec::new(),
            closed: Vec::new(),
            told_ns: state.told_ns,
            ticked_ns: state.ticked_ns,
            conducted_since_ns: state.conducted_since_ns,
            absence: state.absence,
            next_link: state.next_link,
        })
    }
}
