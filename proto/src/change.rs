//! Changes of what an agent is to do, while load is generated.

use serde::{Deserialize, Serialize};

use crate::plan::{RateStage, UserStage};
use crate::schedule::Load;
use crate::share::Share;

/// A change of what an agent is to do, from a moment of a run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// 1, 2, 3, ... for each agent.
    pub number: u64,
    /// From when on, in nanoseconds since the run's start.
    pub at_ns: u64,
    /// What changes.
    pub what: What,
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// It holds these more.
    Granted(Handed),
    /// It holds these shares less, one for each scenario in the plan's order.
    Revoked(Vec<Share>),
    /// A scenario's profile goes on in another way, for whoever holds what of it.
    Reshaped(Reshape),
}

/// The most amendments of one run's profiles.
pub const AMENDMENTS_MAX: usize = 10_000;

/// How a scenario's profile went on from a moment of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// From when on, in nanoseconds since the run's start.
    pub at_ns: u64,
    /// How.
    pub reshape: Reshape,
}

/// Shares that go to somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// One for each scenario, in the plan's order.
    pub shares: Vec<Share>,
    /// For each scenario: arrivals of this load were begun, or could have been, by whoever held them before, perhaps sooner
    /// than they are due by now.
    pub passed: Vec<Load>,
}

impl Handed {
    /// Shares of which nothing was begun.
    #[must_use]
    pub fn new(shares: Vec<Share>) -> Self {
        Self { passed: vec![Load::default(); shares.len()], shares }
    }

    /// Whether no share has a shard.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.shares.iter().all(Share::is_empty)
    }

    /// Takes in what else goes to the same.
    pub fn take_in(&mut self, other: &Self) {
        let scenarios = self.shares.len().max(other.shares.len());
        self.shares.resize(scenarios, Share::empty());
        self.passed.resize(scenarios, Load::default());
        self.shares.iter_mut().zip(&other.shares).for_each(|(mine, more)| mine.union(more));
        self.passed.iter_mut().zip(&other.passed).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
    }
}

/// How a scenario's profile goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reshape {
    /// The scenario's place in the plan.
    pub scenario: usize,
    /// The stages that take the place of what was left of its profile, until its end.
    pub stages: Stages,
}

/// The stages of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stages {
    /// Of an open model.
    Rate(Vec<RateStage>),
    /// Of a closed model.
    Users(Vec<UserStage>),
}

impl Change {
    /// Whether shares are taken away by it.
    #[must_use]
    pub fn is_revocation(&self) -> bool {
        matches!(self.what, What::Revoked(_))
    }
}
