//! What the user of a run that goes on wants of it.

use std::time::Duration;

use muster_proto::plan::Rate;

/// The longest note, in characters; the rest is left out.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// What the user of a run that goes on wants of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A scenario goes on at another level until its end.
    Set {
        /// The scenario's name.
        scenario: String,
        /// At which one.
        level: Level,
        /// How long it takes to get there, in a straight line.
        over: Duration,
    },
    /// Nothing of any scenario falls due any more, and nobody iterates.
    Pause,
    /// Every scenario goes on with what its profile would have by now.
    Resume,
    /// The run comes to its end.
    Stop {
        /// Whether at once, rather than gracefully.
        now: bool,
    },
    /// This is to be remembered at this moment.
    Annotate(String),
}

/// How much load a scenario makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// So many arrivals, of an open model.
    Rate(Rate),
    /// So many users, of a closed one.
    Users(u32),
}

/// Who waits for the answer to an order, as the service numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// From which moment of run time on, in nanoseconds; none before there is a start.
    pub at_ns: Option<u64>,
    /// What is done, in words.
    pub text: String,
}
