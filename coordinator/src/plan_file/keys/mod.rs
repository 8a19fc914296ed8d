//! Every key that a plan file may have, described once: the reader refuses what does not stand here, and the schema
//! is made from it.

mod flow;
mod plan;
mod scenario;
mod step;

pub(super) use flow::{BLOCKS, CHOICE, CHOOSE, FOREACH, GROUP, IF, PACE, PARALLEL, REPEAT, SET, STEPS, STOP, WHILE};
pub(super) use plan::{AGENTS, CONNECT, DNS, FEEDER, FILE, HTTP, PLAN, SECRET, TLS};
pub(super) use scenario::{EXECUTORS, EXECUTORS_LATER, PRESET, SCENARIO, STAGE};
pub(super) use step::{
    AUTH, AWS, BASIC, BODY_FILE, CAPTURE, EXPECT, METHODS, METRIC, METRIC_KINDS, OAUTH2, PART, PAUSE_MAX, REQUEST,
    RETRY, THINK, THINK_DRAWN,
};

use std::time::Duration;

use muster_proto::plan::STEPS_MAX;

use super::limits::{HEADERS_MAX, PROFILE_MAX, REDIRECTS_MAX, TIMEOUT_MAX, USERS_MAX};

/// A map with fixed keys.
pub(super) struct Table {
    pub(super) about: &'static str,
    pub(super) keys: &'static [Key],
    /// Keys that are followed by a name or pattern of the user's choice, such as `header x-id`.
    pub(super) named: &'static [Key],
    /// Keys that plan files will have but that this version does not support.
    pub(super) later: &'static [&'static str],
}

/// A key and what may stand behind it.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// Other spellings, such as k6's.
    pub(super) also: &'static [&'static str],
    pub(super) kind: Kind,
    pub(super) about: &'static str,
    pub(super) required: bool,
}

/// What may stand behind a key.
pub(super) enum Kind {
    Text,
    Flag,
    Whole {
        min: u64,
        max: u64,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    Rate,
    Size {
        min: u64,
        max: u64,
    },
    /// A part of a whole.
    Part,
    Address,
    /// A status such as 200, `2xx` or `200-299`.
    Status,
    /// A pause such as `1s` or `1s..3s`.
    Pause,
    /// A step of any kind.
    Step,
    /// A pass/fail line.
    Threshold,
    /// What something in a response must be, such as `contains x`, or a value that it must equal.
    Expectation,
    OneOf(&'static [&'static str]),
    /// An executor, by any of its names.
    Executor,
    Table(&'static Table),
    /// A list of at least one and so many.
    List {
        of: &'static Self,
        max: usize,
    },
    /// A map from names of the user's choice.
    Map {
        of: &'static Self,
        max: usize,
    },
    AnyOf(&'static [Self]),
    Anything,
}

/// An executor, what it cannot do without, and what it takes beside the keys that all scenarios have.
pub(super) struct ExecutorKeys {
    pub(super) name: &'static str,
    /// Other spellings, such as k6's.
    pub(super) also: &'static [&'static str],
    pub(super) needs: &'static [&'static str],
    /// Of which it needs one, and takes no other.
    pub(super) needs_one: &'static [&'static str],
    pub(super) takes: &'static [&'static str],
}

impl ExecutorKeys {
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.also.contains(&name)
    }

    /// Whether a key belongs to it, or to all.
    pub(super) fn takes(&self, name: &str) -> bool {
        [scenario::OF_ALL, self.needs, self.needs_one, self.takes].iter().any(|names| names.contains(&name))
    }
}

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, also: &[], kind, about, required: false }
}

impl Key {
    const fn also(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const TIMEOUT: Kind = Kind::Duration { min: MILLISECOND, max: TIMEOUT_MAX };
const PROFILE: Kind = Kind::Duration { min: MILLISECOND, max: PROFILE_MAX };
const HOLD: Kind = Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(60) };
const DELAY: Kind = Kind::Duration { min: Duration::ZERO, max: PROFILE_MAX };
const USERS: Kind = Kind::Whole { min: 1, max: USERS_MAX };
/// Steps within a scenario, or within another step.
const LIST_OF_STEPS: Kind = Kind::List { of: &Kind::Step, max: STEPS_MAX };
const TAGS: Kind = Kind::Map { of: &Kind::Text, max: 100 };
const REDIRECTS: Kind = Kind::Whole { min: 0, max: REDIRECTS_MAX };
const VALUES: Kind = Kind::AnyOf(&[Kind::Text, Kind::List { of: &Kind::Text, max: 100 }]);
const HEADERS: Kind = Kind::Map { of: &VALUES, max: HEADERS_MAX };
const PAIRS: Kind = Kind::Map { of: &VALUES, max: 1_000 };
const ADDRESSES: Kind = Kind::AnyOf(&[Kind::Address, Kind::List { of: &Kind::Address, max: 1_000 }]);
const CONNECTIONS: Kind = Kind::OneOf(&["pool", "per-user", "new"]);
