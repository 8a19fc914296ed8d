//! Who and what: identities that the cluster's messages carry.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One execution of a plan. A version 7 UUID, so that identities sort by the time they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub Uuid);

impl RunId {
    /// A new identity, from this moment's wall clock and the system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The first eight digits, enough for a person to tell runs apart.
    #[must_use]
    pub fn short(&self) -> String {
        self.0.simple().to_string()[..8].to_owned()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One start of one agent process: random, so that a restarted agent is never taken for its predecessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Incarnation(pub u64);

impl Incarnation {
    /// A new identity from the system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4().as_u64_pair().0)
    }

    /// A number from 0 to 1 that differs from one to the other, so that not all do the same thing in the same moment.
    #[must_use]
    pub fn fraction(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// An agent as one coordinator knows it: its place in the order in which agents joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AgentId(pub u32);

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "agent {}", self.0)
    }
}
