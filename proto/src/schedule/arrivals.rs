//! The arrivals of an open model.

use serde::{Deserialize, Serialize};

use super::ScheduleError;
use super::poisson::{self, ARRIVALS_MAX, PoissonWalk};
use super::profile::RateProfile;
use super::segment::UNITS_PER_ARRIVAL;
use super::uniform::{self, UniformWalk};
use crate::plan::{Arrivals, RateStage};
use crate::share::{SHARDS, Share};

/// Which random numbers a scenario's arrivals are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The plan's seed.
    pub seed: u64,
    /// The scenario's place in the plan.
    pub scenario: u32,
}

/// Load from a profile's start up to somewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Load(pub(super) u128);

impl Load {
    /// As bytes, the least one first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// From such bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }
}

/// When the arrivals of a scenario are due, all of them, for everybody.
///
/// A constructed schedule cannot fail: whatever could overflow was refused.
#[derive(Clone, Debug)]
pub struct ArrivalSchedule {
    profile: RateProfile,
    arrivals: Arrivals,
    stream: Stream,
    /// What is due lies below this load, in units.
    load_end: u128,
}

impl ArrivalSchedule {
    /// The schedule of these stages; without stages, an empty one. `stream` matters only to Poisson arrivals.
    ///
    /// # Errors
    /// If a stage is beyond what can be computed exactly.
    pub fn new(stages: &[RateStage], arrivals: Arrivals, stream: Stream) -> Result<Self, ScheduleError> {
        Self::of_profile(RateProfile::new(stages)?, arrivals, stream)
    }

    /// The same until a moment, which must not be after its end, and from there on these stages. What is due before that
    /// moment is the same arrivals at the same moments; numbers go on from there.
    ///
    /// # Errors
    /// If a stage is beyond what can be computed exactly.
    pub fn amended(&self, at_ns: u64, stages: &[RateStage]) -> Result<Self, ScheduleError> {
        Self::of_profile(self.profile.amended(at_ns, stages)?, self.arrivals, self.stream)
    }

    /// What is left of the profile from a moment on, as stages: rates at which a stage is cut are rounded down.
    #[must_use]
    pub fn rest_from(&self, t_ns: u64) -> Vec<RateStage> {
        self.profile.rest_from(t_ns)
    }

    fn of_profile(profile: RateProfile, arrivals: Arrivals, stream: Stream) -> Result<Self, ScheduleError> {
        let load_end = profile.load_due_before(profile.duration_ns());
        if arrivals == Arrivals::Poisson && load_end > uniform::load_of(ARRIVALS_MAX) {
            return Err(ScheduleError::TooManyArrivals { max: ARRIVALS_MAX });
        }
        Ok(Self { profile, arrivals, stream, load_end })
    }

    /// How long the profile lasts, in nanoseconds.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        self.profile.duration_ns()
    }

    /// The least nanosecond t, from the profile's start, with N(t) ≥ u: where N, the area under the rate, reaches u.
    /// None if nothing is due there any more. For uniform arrivals it is the due moment of the arrival with the id u.
    #[must_use]
    pub fn due_ns(&self, u: u64) -> Option<u64> {
        let load = uniform::load_of(u);
        (load < self.load_end).then(|| self.profile.moment_of(load))
    }

    /// The load that is due before a moment.
    #[must_use]
    pub fn load_before(&self, t_ns: u64) -> Load {
        Load(self.profile.load_due_before(t_ns))
    }

    /// How many arrivals there are: the area under the rate, rounded up, if uniform. Poisson arrivals have to be drawn
    /// to be counted, which takes some 30 ns each.
    #[must_use]
    pub fn arrivals_total(&self) -> u64 {
        match self.arrivals {
            Arrivals::Uniform => uniform::arrivals_below(self.load_end),
            Arrivals::Poisson => {
                let everybody = Share::full();
                PoissonWalk::new(self.stream, self.load_end, &everybody).pass(self.load_end, &everybody)
            }
        }
    }

    /// How many arrivals there are on average over all seeds: the area under the rate.
    #[must_use]
    pub fn arrivals_mean(&self) -> f64 {
        self.profile.load_total() as f64 / UNITS_PER_ARRIVAL as f64
    }

    /// The rate at a moment after the profile's start, in arrivals per second, for people to read; 0 after its end.
    #[must_use]
    pub fn rate_at(&self, t_ns: u64) -> f64 {
        self.profile.rate_at(t_ns)
    }

    /// The shard that the arrival with this id belongs to.
    #[must_use]
    pub fn shard_of(&self, id: u64) -> u16 {
        let key = match self.arrivals {
            Arrivals::Uniform => id,
            Arrivals::Poisson => poisson::shard_key(id),
        };
        (key % SHARDS as u64) as u16
    }

    pub(super) fn profile(&self) -> &RateProfile {
        &self.profile
    }

    /// Stands at the share's first arrival.
    pub(super) fn walk(&self, share: &Share) -> Walk {
        match self.arrivals {
            Arrivals::Uniform => Walk::Uniform(UniformWalk::new(self.load_end, share)),
            Arrivals::Poisson => Walk::Poisson(Box::new(PoissonWalk::new(self.stream, self.load_end, share))),
        }
    }
}

/// Walks a share's arrivals in order, in terms of load.
#[derive(Clone, Debug)]
pub(super) enum Walk {
    Uniform(UniformWalk),
    Poisson(Box<PoissonWalk>),
}

impl Walk {
    /// The arrival at which it stands, and its load in units.
    pub(super) fn current(&self) -> Option<(u64, u128)> {
        match self {
            Self::Uniform(walk) => walk.current(),
            Self::Poisson(walk) => walk.current(),
        }
    }

    /// Goes to the next one.
    pub(super) fn advance(&mut self, share: &Share) {
        match self {
            Self::Uniform(walk) => walk.advance(share),
            Self::Poisson(walk) => walk.advance(share),
        }
    }

    /// Goes past everything below a load, and says how much that was.
    pub(super) fn pass(&mut self, load: u128, share: &Share) -> u64 {
        match self {
            Self::Uniform(walk) => walk.pass(load, share),
            Self::Poisson(walk) => walk.pass(load, share),
        }
    }

    /// Goes past everything below a load.
    pub(super) fn skip(&mut self, load: u128, share: &Share) {
        match self {
            Self::Uniform(walk) => _ = walk.pass(load, share),
            Self::Poisson(walk) => walk.skip(load, share),
        }
    }
}
