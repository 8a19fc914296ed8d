//! When load is due.
//!
//! A *profile* maps cumulative load to the moment at which it is reached: N(t) is the area under the rate up to t, and
//! the moment of u is the least nanosecond t with N(t) ≥ u. Uniform arrivals are u = 0, 1, 2, ...; Poisson arrivals lie
//! at exponential distances in u, so both are even or random in *load*, and the profile alone bends time.
//!
//! Two machines that hold equal stages agree on every arrival to the nanosecond: N(t) is computed in whole numbers of
//! a unit so small that the load at the end of each stage is a whole number of it. Floating point is only used for
//! first guesses, which integers then correct, and for the logarithm of Poisson distances, which is a portable one.

mod arrivals;
mod cursor;
mod poisson;
mod profile;
mod segment;
mod timing;
mod uniform;
mod users;

#[cfg(test)]
mod laws;

use std::time::Duration;

pub use arrivals::{ArrivalSchedule, Load, Stream};
pub use cursor::{Arrival, ArrivalCursor};
pub use poisson::PoissonOrdinals;
pub use timing::{ReshapeError, Timing};
pub use users::{Span, UserSchedule};

use crate::plan::Rate;

/// Why stages make no schedule. Stages are counted from 1, as people do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Moments are 64-bit nanoseconds.
    #[error("the stages up to stage {stage} last longer than 584 years, the most a schedule can; shorten them")]
    TooLong {
        /// The first stage that ends too late.
        stage: usize,
    },
    /// Above [`Rate::MAX`].
    #[error(
        "stage {stage} asks for {found:.0} arrivals per second, at most {max:.0} are possible; lower the rate",
        found = found.as_per_second(),
        max = Rate::MAX.as_per_second()
    )]
    RateTooHigh {
        /// The stage.
        stage: usize,
        /// What it asks for.
        found: Rate,
    },
    /// The moments of such a ramp cannot be computed exactly in 128 bits.
    #[error(
        "stage {stage} ramps by an uneven rate over {duration:?}, too finely to be exact; \
         round its duration or its rates, or cut it into shorter stages"
    )]
    RampTooFine {
        /// The stage.
        stage: usize,
        /// How long it lasts.
        duration: Duration,
    },
    /// Poisson arrivals are numbered within blocks, which leaves fewer numbers.
    #[error("the stages make more than {max} Poisson arrivals; shorten them or lower the rate")]
    TooManyArrivals {
        /// The most there may be, on average.
        max: u64,
    },
}

/// The moment at which a stage ends that begins at `start_ns`.
fn end_ns(start_ns: u64, duration: Duration, index: usize) -> Result<u64, ScheduleError> {
    let duration_ns = u64::try_from(duration.as_nanos()).ok();
    duration_ns.and_then(|ns| start_ns.checked_add(ns)).ok_or(ScheduleError::TooLong { stage: index + 1 })
}
