//! A run that has ended, as the report is told of it.

use std::collections::BTreeMap;

use muster_proto::change::Amendment;
use muster_proto::id::{AgentId, RunId};
use muster_proto::measurement::Totals;
use muster_proto::plan::Plan;
use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;
use crate::run::pool::Pool;
use crate::run::timeline::Timeline;
use crate::verdict::Judge;

/// Everything that a report needs to know of a run, and nothing that it must compute.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// Which run it was.
    pub id: RunId,
    /// What was to be done.
    pub plan: Plan,
    /// When it started, in RFC 3339; of the coordinator's wall clock, for people only.
    pub started_at: String,
    /// Whether it ever started: enough agents came, and all of them were prepared.
    pub began: bool,
    /// From its start to its end, in nanoseconds of run time.
    pub duration_ns: u64,
    /// What the user noted about it.
    pub tags: BTreeMap<String, String>,
    /// Whether an invalid run fails even if nothing is judged.
    pub strict: bool,
    /// How it ended.
    pub ending: Ending,
    /// Why its teardown has failed, if it has.
    pub teardown_failure: Option<String>,
    /// When nobody coordinated it.
    pub absence: Absence,
    /// How the plan's profiles went on, in order.
    pub amendments: Vec<Amendment>,
    /// What is to be remembered, in the order in which it was said.
    pub annotations: Vec<Annotation>,
    /// Iterations that all users of a scenario shared: what is left of them, and who had the others.
    pub pools: Vec<Pool>,
    /// Its agents, in the order of the numbers that the timeline knows them by.
    pub agents: Vec<AgentRecord>,
    /// What was measured.
    pub timeline: Timeline,
    /// What the thresholds saw of every second.
    pub judge: Judge,
}

/// Something to be remembered of a moment: what the user changed, or noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// When, in nanoseconds of run time.
    pub at_ns: u64,
    /// What.
    pub text: String,
}

/// How long a run was without a coordinator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// How often another one went on with it.
    pub resumed: u32,
    /// How long nobody did in all, in nanoseconds: from the last sign of each in the journal until the next one came.
    pub total_ns: u64,
    /// Whether the wall clock had to tell how long it was, because the machine had been started anew.
    pub by_wall_clock: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It did what the plan asked.
    Completed,
    /// Its user stopped it.
    StoppedByUser,
    /// A step of the plan ended it; on which agent.
    StoppedByStep(String),
    /// A threshold with `abort` was violated; its expression.
    AbortedBy(String),
    /// An agent was lost and the plan says that this fails the run; the agent's name.
    AgentLost(String),
    /// Its coordinator ended before it did; what agents did after that is not known.
    Interrupted,
    /// It could not go on.
    Failed {
        /// What the program ends with because of it.
        exit_code: ExitCode,
        /// Why, for a person to read.
        reason: String,
    },
}

/// One agent's part in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentRecord {
    /// Who, as the coordinator numbered it.
    pub id: AgentId,
    /// Who, as its operator named it.
    pub name: String,
    /// Its build.
    pub version: String,
    /// What its operator noted about it, such as its zone.
    pub labels: BTreeMap<String, String>,
    /// Its part of the load, in proportion to the other agents' weights.
    pub weight: u32,
    /// The cores that it may use.
    pub cores: u32,
    /// The workers that it ran.
    pub workers: u32,
    /// Its clock minus the coordinator's, in nanoseconds.
    pub clock_offset_ns: i64,
    /// How far off that offset may be, in nanoseconds.
    pub clock_uncertainty_ns: u64,
    /// The fastest round trip to it, in nanoseconds.
    pub round_trip_ns: u64,
    /// How much later (or earlier) than told it started, in nanoseconds by its own clock.
    pub start_error_ns: Option<i64>,
    /// When it was given up or left, in nanoseconds of run time.
    pub lost_at_ns: Option<u64>,
    /// Until when it may have generated load after all, if it was given up, in nanoseconds of run time.
    pub may_work_until_ns: Option<u64>,
    /// How many arrivals of each scenario may have fallen due in its hands after its last word until then, if it died.
    pub untold_arrivals: Vec<u64>,
    /// Why it was given up.
    pub lost_because: Option<String>,
    /// When what it held became others', in nanoseconds of run time.
    pub taken_over_at_ns: Option<u64>,
    /// Whether it left by itself.
    pub left: bool,
    /// Whether its process ended before its part was over, which another one told that hands in what it left.
    pub has_ended: bool,
    /// Its closing totals, if it lived to send them.
    pub totals: Option<Totals>,
    /// Deltas that arrived again and were not counted again.
    pub duplicates_refused: u64,
}

impl AgentRecord {
    /// When it was given up, or could surely generate no load any more, if that was later, in nanoseconds of run time.
    #[must_use]
    pub fn idle_at_ns(&self) -> Option<u64> {
        self.lost_at_ns.map(|lost_at_ns| self.may_work_until_ns.map_or(lost_at_ns, |until_ns| until_ns.max(lost_at_ns)))
    }

    /// Whether what it had in flight can no longer be known.
    #[must_use]
    pub fn died(&self) -> bool {
        self.lost_at_ns.is_some() && self.totals.is_none()
    }
}
