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
    /// Where it was amended, in order.
    amendments: Vec<Amendment>,
}

/// Load that was not due before a moment when the profile was amended there, so that it is not due before it now: the total
/// of what went before would be, for it was reached, but never due.
#[derive(Clone, Copy, Debug)]
struct Amendment {
    at_ns: u64,
    load: u128,
}

impl RateProfile {
    pub(super) fn new(stages: &[RateStage]) -> Result<Self, ScheduleError> {
        let nothing = Self { segments: Vec::new(), duration_ns: 0, load_total: 0, amendments: Vec::new() };
        nothing.followed_by(Vec::new(), (0, 0), stages)
    }

    /// The same until a moment, which must not be after its end, and from there on these stages.
    pub(super) fn amended(&self, at_ns: u64, stages: &[RateStage]) -> Result<Self, ScheduleError> {
        let before = |segment: &&Segment| segment.start_ns < at_ns;
        let mut segments: Vec<Segment> = self.segments.iter().take_while(before).cloned().collect();
        if let Some(last) = segments.last_mut().filter(|last| last.until_ns > at_ns) {
            *last = last.cut_at(at_ns);
        }
        let load = segments.last().map_or(0, |last| last.load_until);
        let mut amended = self.followed_by(segments, (at_ns, load), stages)?;
        amended.amendments.push(Amendment { at_ns, load: self.load_due_before(at_ns) });
        Ok(amended)
    }

    /// These segments, which end at this moment with this load, and then these stages.
    fn followed_by(
        &self,
        mut segments: Vec<Segment>,
        (mut start_ns, mut load): (u64, u128),
        stages: &[RateStage],
    ) -> Result<Self, ScheduleError> {
        for (index, stage) in stages.iter().enumerate() {
            let found = stage.from.max(stage.to);
            if found > Rate::MAX {
                return Err(ScheduleError::RateTooHigh { stage: index + 1, found });
            }
            let end_ns = end_ns(start_ns, stage.duration, index)?;
            // A stage of no length is a jump: it adds neither time nor load.
            if end_ns > start_ns {
                let segment = Segment::new(index, stage, (start_ns, end_ns), load)?;
                load = segment.load_until;
                segments.push(segment);
            }
            start_ns = end_ns;
        }
        Ok(Self { segments, duration_ns: start_ns, load_total: load, amendments: self.amendments.clone() })
    }

    /// What is left of it from a moment on, as stages.
    pub(super) fn rest_from(&self, t_ns: u64) -> Vec<RateStage> {
        let left = self.segments.iter().filter(|segment| segment.until_ns > t_ns);
        left.map(|segment| segment.rest_from(t_ns.max(segment.start_ns))).collect()
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
        let load = match t_ns.min(self.duration_ns) {
            0 => 0,
            t_ns => (self.load_at(t_ns - 1) + 1).min(self.load_due()),
        };
        let next = self.amendments.partition_point(|amendment| amendment.at_ns < t_ns);
        self.amendments.get(next).map_or(load, |amendment| load.min(amendment.load))
    }

    /// What lies strictly below this load is due some time: all but the total itself, unless that was due before the
    /// profile was amended to end so soon.
    fn load_due(&self) -> u128 {
        self.amendments.last().map_or(0, |amendment| amendment.load).max(self.load_total)
    }

    /// The least nanosecond at which the load is at least `load`, which must not exceed the total. `hint` is a segment
    /// before or in which that is; it becomes the one in which it is.
    pub(super) fn moment_from(&self, hint: &mut usize, load: u128) -> u64 {
        while self.segments[*hint].load_until < load {
            *hint += 1;
        }
        self.segments[*hint].moment_of(load).max(self.amended_before(load))
    }

    /// The moment before which this load is not due, however soon it is reached.
    fn amended_before(&self, load: u128) -> u64 {
        if self.amendments.is_empty() {
            return 0;
        }
        let index = self.amendments.partition_point(|amendment| amendment.load <= load);
        index.checked_sub(1).map_or(0, |last| self.amendments[last].at_ns)
    }

    /// [`RateProfile::moment_from`] for whoever has no hint.
    pub(super) fn moment_of(&self, load: u128) -> u64 {
        let index = self.segments.partition_point(|segment| segment.load_until < load);
        self.segments[index].moment_of(load).max(self.amended_before(load))
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
        self.segments.get(self.segments.partition_point(|segment| segment.until_ns <= t_ns))
    }
}
