//! What happens to a run, and what it wants done about it.

use std::collections::BTreeMap;

use muster_proto::change::{Amendment, Change};
use muster_proto::convert::Performed;
use muster_proto::id::{Incarnation, RunId};
use muster_proto::measurement::{Delta, Totals};
use muster_proto::plan::Plan;
use muster_proto::share::Share;
use muster_proto::supply::{Allotted, Wanting};
use serde::{Deserialize, Serialize};

use super::order::{Done, Order, Ticket};

/// One agent's stream, as the service numbers them. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link(pub u64);

/// Who wants to take part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// Its protocol's version.
    pub protocol_version: u32,
    /// Its build's version.
    pub build_version: String,
    /// Its name in reports.
    pub name: String,
    /// Which start of its process it is: by this an agent is known again on another stream.
    pub incarnation: Incarnation,
    /// The run that it has a part in already.
    pub run: Option<RunId>,
    /// Whether its process has ended, and another one hands in what it left.
    pub has_ended: bool,
    /// What its operator noted about it.
    pub labels: BTreeMap<String, String>,
    /// The cores it may use.
    pub cores: u32,
    /// The workers it runs.
    pub workers: u32,
    /// Its part of the load, in proportion to the others'.
    pub weight: u32,
}

/// A sign of life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When it was sent, by the agent's own clock, in nanoseconds.
    pub sent_at_ns: u64,
    /// One number for each worker, which grows as long as it is at work; the greatest once it has ended.
    pub progress: Vec<u64>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// An agent opened a stream and said who it is.
    Joined(Link, Newcomer),
    /// It said something that only shows that it lives.
    Heard(Link, Pulse),
    /// It is prepared.
    Ready(Link, ClockReading),
    /// It cannot carry the plan out.
    Unable {
        /// Which stream.
        link: Link,
        /// Why, for a person to read.
        reason: String,
        /// Whether its operator's policy forbids it.
        by_policy: bool,
    },
    /// It has changed what it holds.
    Changed {
        /// Which stream.
        link: Link,
        /// Which change.
        number: u64,
        /// From which moment of run time on.
        at_ns: u64,
        /// Why it has not, if its operator does not allow it.
        refusal: Option<String>,
    },
    /// It says how it stands with iterations that all users share.
    Wanting(Link, Wanting),
    /// It has made what is made once per run, or has failed to.
    Performed(Link, Performed),
    /// A step of the plan ends the run.
    Enough(Link),
    /// It measured something.
    Delta(Link, Box<Delta>),
    /// It has sent everything.
    Closing {
        /// Which stream.
        link: Link,
        /// What it counted apart from its deltas.
        totals: Totals,
        /// How much later than due its first arrival started, in nanoseconds.
        start_error_ns: Option<i64>,
    },
    /// Its operator wants it to end: it will close its books early.
    Leaving(Link),
    /// Its stream ended or broke; why, for a person to read. It may come back on another.
    Gone(Link, String),
    /// It does not keep to the protocol, or cannot be spoken to; why, for a person to read.
    Expelled(Link, String),
    /// The user wants the run to end: gracefully at first, at once when said again.
    Stop,
    /// The user wants something of the run.
    Ordered(Ticket, Order),
    /// Time went by.
    Tick,
    /// Another coordinator goes on with the run; whether it had to go by the wall clock to tell how long nobody did.
    Resumed {
        /// The machine had been started anew.
        by_wall_clock: bool,
        /// Whether it lacks the plan's secrets, which are not written down.
        lacks_secrets: bool,
    },
    /// What happens can no longer be written down; why, for a person to read.
    Unstorable(String),
    /// The coordinator itself ended here, which nobody can know before a run is told again.
    Interrupted,
}

/// How an agent's clock relates to ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockReading {
    /// Our clock minus the agent's, in nanoseconds.
    pub offset_ns: i64,
    /// It is off by at most this much, in nanoseconds.
    pub uncertainty_ns: u64,
    /// The quickest round trip, in nanoseconds.
    pub round_trip_ns: u64,
}

/// How a run is brought to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manner {
    /// Nothing new starts; what is in flight may end in grace.
    Drain,
    /// Everything ends at once.
    Abort,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Let the agent in.
    Welcome {
        /// On this stream.
        link: Link,
        /// Under this number.
        agent: u32,
        /// Everything up to this delta is in the result.
        applied_seq: u64,
        /// What it may not have heard of what it holds.
        changes: Vec<Change>,
    },
    /// Turn it away and end its stream.
    Refuse(Link, String),
    /// Let it make what is made once per run, as the one iteration of this plan.
    Perform(Link, Box<Plan>),
    /// Hand it the plan.
    Assign {
        /// On this stream.
        link: Link,
        /// With its share of each scenario.
        shares: Vec<Share>,
        /// And how profiles went on until now.
        amendments: Vec<Amendment>,
        /// And what the setup has found out.
        found: Vec<(String, String)>,
    },
    /// Renew its lease for what it said at this moment of its own clock.
    Renew(Link, u64),
    /// Let it do more, or less, or in another way.
    Change(Link, Change),
    /// Tell it what it may begin of iterations that all users share.
    Allot(Link, Vec<Allotted>),
    /// Let it begin at this moment of our clock.
    Start(Link, u64),
    /// Tell it that everything up to this delta is in the result.
    Ack(Link, u64),
    /// Bring its load to an end.
    Stop(Link, Manner),
    /// End its stream without a word, so that it may come back on another.
    HangUp(Link),
    /// Let it go and end its stream.
    Release(Link),
    /// Tell the user.
    Tell(String),
    /// Tell whoever gave an order what became of it, or why nothing did.
    Answer(Ticket, Result<Done, String>),
}
