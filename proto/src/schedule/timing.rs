//! When a scenario's load is due, which may change while it is generated.

use std::sync::Arc;

use super::{ArrivalSchedule, Load, ScheduleError, Stream, UserSchedule};
use crate::change::Stages;
use crate::plan::{Executor, UserStage};

/// When a scenario's load is due, from the start of its profile.
#[derive(Clone, Debug)]
pub enum Timing {
    /// By the clock: every arrival's moment.
    Arrivals(Arc<ArrivalSchedule>),
    /// Whenever a user is free: when each user is active.
    Users(Arc<UserSchedule>),
}

/// Why a profile cannot go on in some way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReshapeError {
    /// Its numbers are too large for exact arithmetic.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// It has arrivals and was told of users, or the other way round.
    #[error("a profile of another kind")]
    Kind,
}

impl Default for Timing {
    /// No load at all.
    fn default() -> Self {
        Self::Users(Arc::default())
    }
}

impl Timing {
    /// As the plan has it. `stream` matters only to Poisson arrivals.
    ///
    /// # Errors
    /// [`ScheduleError`] when its numbers are too large for exact arithmetic.
    pub fn of(executor: &Executor, stream: Stream) -> Result<Self, ScheduleError> {
        let constant = |users: u32, duration| vec![UserStage { duration, from: users, to: users }];
        let stages = match executor {
            Executor::ArrivalRate { stages, arrivals, .. } => {
                return Ok(Self::Arrivals(Arc::new(ArrivalSchedule::new(stages, *arrivals, stream)?)));
            }
            Executor::Users { stages, .. } => stages.clone(),
            Executor::PerUserIterations { users, max_duration, .. }
            | Executor::SharedIterations { users, max_duration, .. } => constant(*users, *max_duration),
        };
        Ok(Self::Users(Arc::new(UserSchedule::new(&stages)?)))
    }

    /// The same until a moment, and from there on these stages.
    ///
    /// # Errors
    /// [`ReshapeError`] when that makes no profile.
    pub fn amended(&self, at_ns: u64, stages: &Stages) -> Result<Self, ReshapeError> {
        let at_ns = at_ns.min(self.duration_ns());
        match (self, stages) {
            (Self::Arrivals(schedule), Stages::Rate(stages)) => {
                Ok(Self::Arrivals(Arc::new(schedule.amended(at_ns, stages)?)))
            }
            (Self::Users(schedule), Stages::Users(stages)) => {
                Ok(Self::Users(Arc::new(schedule.amended(at_ns, stages)?)))
            }
            _ => Err(ReshapeError::Kind),
        }
    }

    /// How long the profile lasts, in nanoseconds.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        match self {
            Self::Arrivals(schedule) => schedule.duration_ns(),
            Self::Users(schedule) => schedule.duration_ns(),
        }
    }

    /// The arrivals that are due before a moment, as load; none of a closed model.
    #[must_use]
    pub fn load_before(&self, at_ns: u64) -> Load {
        match self {
            Self::Arrivals(schedule) => schedule.load_before(at_ns),
            Self::Users(_) => Load::default(),
        }
    }
}
