//! The users of a closed model.

use std::iter;
use std::time::Duration;

use super::{ScheduleError, end_ns};
use crate::plan::UserStage;

/// A stretch of time in which a user is active, in nanoseconds after the start of the scenario's profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first nanosecond.
    pub start_ns: u64,
    /// The first nanosecond after it.
    pub end_ns: u64,
}

/// When the users of a scenario are active: user u while u < n(t), where n(t) is the profile's value, rounded down.
#[derive(Clone, Debug, Default)]
pub struct UserSchedule {
    ramps: Vec<Ramp>,
    duration_ns: u64,
}

impl UserSchedule {
    /// The schedule of these stages; without stages, an empty one.
    ///
    /// # Errors
    /// If the stages last too long.
    pub fn new(stages: &[UserStage]) -> Result<Self, ScheduleError> {
        Self { ramps: Vec::new(), duration_ns: 0 }.amended(0, stages)
    }

    /// The same until a moment, which must not be after its end, and from there on these stages.
    ///
    /// # Errors
    /// If the stages last too long.
    pub fn amended(&self, at_ns: u64, stages: &[UserStage]) -> Result<Self, ScheduleError> {
        let mut ramps: Vec<Ramp> = self.ramps.iter().take_while(|ramp| ramp.span.start_ns < at_ns).cloned().collect();
        if let Some(last) = ramps.last_mut() {
            last.until_ns = last.until_ns.min(at_ns);
        }
        let mut start_ns = at_ns;
        for (index, &UserStage { duration, from, to }) in stages.iter().enumerate() {
            let end_ns = end_ns(start_ns, duration, index)?;
            // A stage of no length is a jump.
            if end_ns > start_ns {
                ramps.push(Ramp { span: Span { start_ns, end_ns }, from, to, until_ns: end_ns });
            }
            start_ns = end_ns;
        }
        Ok(Self { ramps, duration_ns: start_ns })
    }

    /// What is left of the profile from a moment on, as stages: where a stage is cut, its users are rounded down.
    #[must_use]
    pub fn rest_from(&self, t_ns: u64) -> Vec<UserStage> {
        let left = self.ramps.iter().filter(|ramp| ramp.until_ns > t_ns);
        left.map(|ramp| ramp.rest_from(t_ns.max(ramp.span.start_ns))).collect()
    }

    /// How long the profile lasts, in nanoseconds.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        self.duration_ns
    }

    /// The most users that are ever active at once. Users have the numbers below it.
    #[must_use]
    pub fn users_max(&self) -> u32 {
        let extremes = |ramp: &Ramp| ramp.users_at(ramp.span.start_ns).max(ramp.users_at(ramp.until_ns - 1));
        self.ramps.iter().map(extremes).max().unwrap_or(0)
    }

    /// How many users are active at a moment after the profile's start; 0 from its end on.
    #[must_use]
    pub fn active_at(&self, t_ns: u64) -> u32 {
        let index = self.ramps.partition_point(|ramp| ramp.until_ns <= t_ns);
        self.ramps.get(index).map_or(0, |ramp| ramp.users_at(t_ns))
    }

    /// The longest stretches in which a user is active, in order. They neither touch nor overlap.
    pub fn spans(&self, user: u32) -> impl Iterator<Item = Span> + '_ {
        let mut parts = self.ramps.iter().filter_map(move |ramp| ramp.span_of(user)).peekable();
        iter::from_fn(move || {
            let mut span = parts.next()?;
            while let Some(part) = parts.next_if(|part| part.start_ns == span.end_ns) {
                span.end_ns = part.end_ns;
            }
            Some(span)
        })
    }
}

/// A stage of some length, at its place in the profile.
#[derive(Clone, Debug)]
struct Ramp {
    span: Span,
    from: u32,
    to: u32,
    /// The first moment after it: its end, unless it was cut short.
    until_ns: u64,
}

impl Ramp {
    fn length(&self) -> i128 {
        i128::from(self.span.end_ns - self.span.start_ns)
    }

    /// The floor of the straight line from `from` to `to`, at a moment of the stage.
    fn users_at(&self, t_ns: u64) -> u32 {
        let climb = i128::from(self.to) - i128::from(self.from);
        let climbed = (climb * i128::from(t_ns - self.span.start_ns)).div_euclid(self.length());
        (i128::from(self.from) + climbed) as u32
    }

    /// The moments of the stage at which the line is at or above `user + 1`. It is straight, so they are a prefix or
    /// a suffix of the stage, or none, or all.
    fn span_of(&self, user: u32) -> Option<Span> {
        let Span { mut start_ns, mut end_ns } = self.span;
        let wanted = i128::from(user) + 1;
        let (from, to) = (i128::from(self.from), i128::from(self.to));
        if from.max(to) < wanted {
            return None;
        }
        if from < wanted {
            // Reached, by a rising line, first after ⌈x⌉; `to` itself belongs to the next stage.
            start_ns += div_ceil((wanted - from) * self.length(), to - from);
        } else if to < wanted {
            // Left, by a falling line, after ⌊x⌋.
            end_ns = start_ns + ((from - wanted) * self.length() / (from - to)) as u64 + 1;
        }
        let end_ns = end_ns.min(self.until_ns);
        (start_ns < end_ns).then_some(Span { start_ns, end_ns })
    }

    fn rest_from(&self, t_ns: u64) -> UserStage {
        let duration = Duration::from_nanos(self.until_ns - t_ns);
        UserStage { duration, from: self.users_at(t_ns), to: self.users_at(self.until_ns) }
    }
}

/// ⌈a / b⌉ for positive numbers whose quotient fits.
fn div_ceil(a: i128, b: i128) -> u64 {
    ((a + b - 1) / b) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stage(duration_ns: u64, from: u32, to: u32) -> UserStage {
        UserStage { duration: Duration::from_nanos(duration_ns), from, to }
    }

    fn stages() -> impl Strategy<Value = Vec<UserStage>> {
        let users = || prop_oneof![0..12_u32, any::<u32>()];
        let duration_ns = prop_oneof![Just(0), 1..40_u64, 1..4_000_000_000_000_u64];
        prop::collection::vec((duration_ns, users(), users()).prop_map(|(d, f, t)| stage(d, f, t)), 0..6)
    }

    proptest! {
        #[test]
        fn spans_agree_with_the_number_of_active_users(
            stages in stages(),
            user in prop_oneof![0..14_u32, any::<u32>()],
        ) {
            let schedule = UserSchedule::new(&stages).unwrap();
            let is_active = |t_ns| user < schedule.active_at(t_ns);
            let spans: Vec<Span> = schedule.spans(user).collect();
            let mut previous_end_ns = None;
            for &Span { start_ns, end_ns } in &spans {
                prop_assert!(start_ns < end_ns && end_ns <= schedule.duration_ns());
                prop_assert!(previous_end_ns.is_none_or(|end_ns| end_ns < start_ns));
                prop_assert!(is_active(start_ns) && is_active(end_ns - 1) && !is_active(end_ns));
                prop_assert!(start_ns == 0 || !is_active(start_ns - 1));
                previous_end_ns = Some(end_ns);
            }
            // Within a stage activity changes at most once, so its ends and a few moments around them say it all.
            let mut edge_ns = 0;
            for stage in &stages {
                let length_ns = stage.duration.as_nanos() as u64;
                for t_ns in [edge_ns, edge_ns + length_ns / 2, edge_ns + length_ns.saturating_sub(1)] {
                    let in_span = spans.iter().any(|span| span.start_ns <= t_ns && t_ns < span.end_ns);
                    prop_assert_eq!(in_span, is_active(t_ns));
                }
                edge_ns += length_ns;
            }
            prop_assert_eq!(spans.is_empty(), user >= schedule.users_max());
        }

        #[test]
        fn an_amended_schedule_has_the_same_users_until_then_and_the_new_ones_from_there(
            first in stages(),
            then in stages(),
            place: prop::sample::Index,
            user in 0..14_u32,
        ) {
            let schedule = UserSchedule::new(&first).unwrap();
            let at_ns = place.index(usize::try_from(schedule.duration_ns()).unwrap() + 1) as u64;
            let amended = schedule.amended(at_ns, &then).unwrap();
            let new = UserSchedule::new(&then).unwrap();
            prop_assert_eq!(amended.duration_ns(), at_ns + new.duration_ns());
            let is_active = |t_ns| match t_ns {
                t_ns if t_ns < at_ns => user < schedule.active_at(t_ns),
                t_ns => user < new.active_at(t_ns - at_ns),
            };
            let spans: Vec<Span> = amended.spans(user).collect();
            for t_ns in [0, at_ns / 2, at_ns.saturating_sub(1), at_ns, at_ns + 1, at_ns + new.duration_ns() / 2] {
                prop_assert_eq!(user < amended.active_at(t_ns), is_active(t_ns));
                prop_assert_eq!(spans.iter().any(|span| span.start_ns <= t_ns && t_ns < span.end_ns), is_active(t_ns));
            }
            prop_assert!(spans.iter().all(|span| is_active(span.start_ns) && is_active(span.end_ns - 1)));
            prop_assert_eq!(spans.is_empty(), user >= amended.users_max());
            let same = schedule.amended(at_ns, &schedule.rest_from(at_ns)).unwrap();
            prop_assert_eq!(same.duration_ns(), schedule.duration_ns());
        }

        #[test]
        fn the_number_of_users_is_the_floor_of_the_line(
            (from, to) in (0..5_000_u32, 0..5_000_u32),
            ns in 1..1_000_000_u64,
            at: prop::sample::Index,
        ) {
            let t_ns = at.index(ns as usize) as u64;
            let active = UserSchedule::new(&[stage(ns, from, to)]).unwrap().active_at(t_ns);
            // active ≤ from + (to - from)·t/ns < active + 1, multiplied by ns.
            let line = i128::from(from) * i128::from(ns) + (i128::from(to) - i128::from(from)) * i128::from(t_ns);
            let floor = i128::from(active) * i128::from(ns);
            prop_assert!(floor <= line && line < floor + i128::from(ns));
        }
    }

    #[test]
    fn users_come_and_go_with_the_profile() {
        let second = 1_000_000_000;
        let stages = [stage(10 * second, 0, 10), stage(0, 10, 4), stage(second, 4, 4), stage(4 * second, 4, 0)];
        let schedule = UserSchedule::new(&stages).unwrap();
        assert_eq!(schedule.users_max(), 9);
        let spans = |user| schedule.spans(user).map(|span| (span.start_ns, span.end_ns)).collect::<Vec<_>>();
        assert_eq!(spans(0), [(second, 14 * second + 1)]);
        assert_eq!(spans(3), [(4 * second, 11 * second + 1)]);
        assert_eq!(spans(4), [(5 * second, 10 * second)]);
        assert_eq!(spans(9), []);
        assert_eq!(schedule.active_at(15 * second), 0);
    }

    #[test]
    fn no_stage_is_no_user() {
        let schedule = UserSchedule::new(&[stage(0, 5, 5)]).unwrap();
        assert_eq!((schedule.users_max(), schedule.duration_ns(), schedule.spans(0).count()), (0, 0, 0));
    }

    #[test]
    fn stages_of_more_than_64_bits_are_refused() {
        let stages = [stage(u64::MAX, u32::MAX, 0), stage(1, 0, u32::MAX)];
        assert_eq!(UserSchedule::new(&stages).unwrap_err(), ScheduleError::TooLong { stage: 2 });
        let schedule = UserSchedule::new(&stages[..1]).unwrap();
        assert_eq!((schedule.active_at(0), schedule.active_at(u64::MAX - 1)), (u32::MAX, 0));
        // The last user to leave does so when the line falls below 1, a u32::MAX-th of the time before its end.
        let end_ns = u64::MAX - u64::MAX / u64::from(u32::MAX) + 1;
        assert_eq!(schedule.spans(0).collect::<Vec<_>>(), [Span { start_ns: 0, end_ns }]);
    }
}
