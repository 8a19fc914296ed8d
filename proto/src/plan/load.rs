//! How much load a scenario generates, and when.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::change::Stages;

/// A rate, as a whole number of thousandths of an arrival per hour.
///
/// That unit makes `500/s`, `0.5/s`, `100/min` and `1/h` whole numbers alike, so schedules are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rate(pub u64);

impl Rate {
    /// One arrival per second.
    pub const PER_SECOND: u64 = 3_600_000;
    /// One arrival per minute.
    pub const PER_MINUTE: u64 = 60_000;
    /// One arrival per hour.
    pub const PER_HOUR: u64 = 1_000;
    /// The highest rate a plan may ask for: a thousand million arrivals per second.
    pub const MAX: Self = Self(Self::PER_SECOND * 1_000_000_000);

    /// So many arrivals per second.
    #[must_use]
    pub const fn per_second(count: u64) -> Self {
        Self(count * Self::PER_SECOND)
    }

    /// The rate in arrivals per second, for people to read.
    #[must_use]
    pub fn as_per_second(self) -> f64 {
        self.0 as f64 / Self::PER_SECOND as f64
    }
}

/// A stretch of an arrival-rate profile, over which the rate changes linearly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateStage {
    /// How long it lasts; zero is a jump.
    pub duration: Duration,
    /// The rate at its beginning.
    pub from: Rate,
    /// The rate at its end.
    pub to: Rate,
}

/// The most users of one scenario.
pub const USERS_MAX: u32 = 10_000_000;

/// A stretch of a user profile, over which the number of users changes linearly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserStage {
    /// How long it lasts; zero is a jump.
    pub duration: Duration,
    /// The users at its beginning.
    pub from: u32,
    /// The users at its end.
    pub to: u32,
}

/// How the arrivals of an open model are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// At even distances.
    Uniform,
    /// As a Poisson process: memoryless, like many independent people.
    Poisson,
}

/// How a plan writes a profile. It makes no difference to the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As one level.
    Constant,
    /// As stages.
    Ramping,
    /// As the level that it begins with: its user goes on from there.
    Manual,
}

/// The kind of profile, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executor {
    /// Open model: iterations begin at a rate, however slow the target is. `constant-arrival-rate` is one stage.
    ArrivalRate {
        /// The profile, in order.
        stages: Vec<RateStage>,
        /// How the arrivals are spread.
        arrivals: Arrivals,
        /// The most users at work at once over the whole cluster. A bound, not a reservation.
        max_users: u32,
        /// How the plan wrote it.
        shape: Shape,
    },
    /// Closed model: users repeat iterations for as long as the profile keeps them. `constant-users` is one stage.
    Users {
        /// The profile, in order.
        stages: Vec<UserStage>,
        /// How the plan wrote it.
        shape: Shape,
    },
    /// Closed model: each user makes the same number of iterations.
    PerUserIterations {
        /// How many users, over the whole cluster.
        users: u32,
        /// How many iterations each makes.
        iterations: u64,
        /// When whoever is not done is stopped.
        max_duration: Duration,
    },
    /// Closed model: users share a number of iterations.
    SharedIterations {
        /// How many users, over the whole cluster.
        users: u32,
        /// How many iterations they make together.
        iterations: u64,
        /// When whoever is not done is stopped.
        max_duration: Duration,
    },
}

impl Executor {
    /// The name that a plan file uses for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ArrivalRate { shape: Shape::Constant, .. } => "constant-arrival-rate",
            Self::ArrivalRate { shape: Shape::Ramping, .. } => "ramping-arrival-rate",
            Self::Users { shape: Shape::Constant, .. } => "constant-users",
            Self::Users { shape: Shape::Ramping, .. } => "ramping-users",
            Self::ArrivalRate { shape: Shape::Manual, .. } | Self::Users { shape: Shape::Manual, .. } => "manual",
            Self::PerUserIterations { .. } => "per-user-iterations",
            Self::SharedIterations { .. } => "shared-iterations",
        }
    }

    /// Whether iterations begin by the clock (open model) rather than when a user is free (closed model).
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::ArrivalRate { .. })
    }

    /// Takes these stages for its own, if it is of their kind. A number of iterations has a profile that is not of its making.
    pub fn take_stages(&mut self, new: &Stages) {
        match (self, new) {
            (Self::ArrivalRate { stages, .. }, Stages::Rate(new)) => stages.clone_from(new),
            (Self::Users { stages, .. }, Stages::Users(new)) => stages.clone_from(new),
            _ => {}
        }
    }

    /// Whether its user goes on by hand with it, and ends it.
    #[must_use]
    pub const fn is_manual(&self) -> bool {
        matches!(self, Self::ArrivalRate { shape: Shape::Manual, .. } | Self::Users { shape: Shape::Manual, .. })
    }

    /// The most users at work at once over the whole cluster, as the plan has it.
    #[must_use]
    pub fn users_max(&self) -> u32 {
        match self {
            Self::ArrivalRate { max_users, .. } => *max_users,
            Self::Users { stages, .. } => stages.iter().map(|stage| stage.from.max(stage.to)).max().unwrap_or(0),
            Self::PerUserIterations { users, .. } | Self::SharedIterations { users, .. } => *users,
        }
    }

    /// How long the profile lasts at most, without start delay and graceful stop.
    #[must_use]
    pub fn duration(&self) -> Duration {
        match self {
            Self::ArrivalRate { stages, .. } => stages.iter().map(|s| s.duration).sum(),
            Self::Users { stages, .. } => stages.iter().map(|s| s.duration).sum(),
            Self::PerUserIterations { max_duration, .. } | Self::SharedIterations { max_duration, .. } => *max_duration,
        }
    }
}
