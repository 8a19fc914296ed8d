//! An arrival-rate profile: cumulative load as a function of time, across stages, and its inverse.

use super::segment::Segment;
use super::{ScheduleError, end_ns};
use crate::plan::{Rate, RateStage};

/// The stages that take time, joined. Loads are in [`super::segment::UNITS_PER_ARRIVAL`].
#[derive(Clone, Debug)]
pub(super) struct RateProfile {
    segments: Vec<Segment>,
    duration_ns: u64,
    load_total: u128,
}

impl RateProfile {
    pub(super) fn new(stages: &[RateStage]) -> Result<Self, ScheduleError> {
        let (mut start_ns, mut load) = (0, 0);
        let mut segments = Vec::with_capacity(stages.len());
        for (index, stage) in stages.iter().enumerate() {
            let found = stage.from.max(stage.to);
            if found > Rate::MAX {
                return Err(ScheduleError::RateTooHigh { stage: index + 1, found });
            }
            let end_ns = end_ns(start_ns, stage.duration, index)?;
            // A stage of no length is a jump: it adds neither time nor load.
            if end_ns > start_ns {
                let segment = Segment::new(index, stage, (start_ns, end_ns), load)?;
                load = segment.load_after;
                segments.push(segment);
            }
            start_ns = end_ns;
        }
        Ok(Self { segments, duration_ns: start_ns, load_total: load })
    }

    pub(super) fn duration_ns(&self) -> u64 {
        self.duration_ns
    }

    /// How much load the whole profile makes.
    pub(super) fn load_total(&self) -> u128 {
        self.load_total
    }

    /// The least load whose moment is not before `t_ns`, or which is not due at all: what lies strictly below it is due
    /// before `t_ns` and before the profile's end.
    ///
    /// The total itself is never due. It is reached when the profile ends, or when its last arrival-free stretch
    /// begins, where an arrival would be one more than the area under the rate.
    pub(super) fn load_due_before(&self, t_ns: u64) -> u128 {
        match t_ns.min(self.duration_ns) {
            0 => 0,
            t_ns => (self.load_at(t_ns - 1) + 1).min(self.load_total),
        }
    }

    /// The least nanosecond at which the load is at least `load`, which must not exceed the total. `hint` is a segment
    /// before or in which that is; it becomes the one in which it is.
    pub(super) fn moment_from(&self, hint: &mut usize, load: u128) -> u64 {
        while self.segments[*hint].load_after < load {
            *hint += 1;
        }
        self.segments[*hint].moment_of(load)
    }

    /// [`RateProfile::moment_from`] for whoever has no hint.
    pub(super) fn moment_of(&self, load: u128) -> u64 {
        let index = self.segments.partition_point(|segment| segment.load_after < load);
        self.segments[index].moment_of(load)
    }

    /// The rate at a moment, in arrivals per second; where it jumps, the one after the jump. 0 from the end on.
    pub(super) fn rate_at(&self, t_ns: u64) -> f64 {
        self.segment_at(t_ns).map_or(0.0, |segment| segment.rate_at(t_ns))
    }

    /// The load at a moment, in whole units, rounded down.
    fn load_at(&self, t_ns: u64) -> u128 {
        self.segment_at(t_ns).map_or(self.load_total, |segment| segment.load_at(t_ns))
    }

    fn segment_at(&self, t_ns: u64) -> Option<&Segment> {
        self.segments.get(self.segments.partition_point(|segment| segment.end_ns <= t_ns))
    }
}
