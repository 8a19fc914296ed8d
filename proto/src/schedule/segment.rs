//! One stage of an arrival-rate profile: load as a function of time, and its exact inverse.

use std::time::Duration;

use super::ScheduleError;
use crate::plan::{Rate, RateStage};

/// Load is counted in this fraction of an arrival: half of a thousandth, per hour, in a nanosecond.
///
/// A rate of r thousandths per hour that lasts for t nanoseconds makes 2·r·t units, and one that changes linearly from
/// r to s in the same time makes (r + s)·t: whole numbers, so stages join without an error.
pub(super) const UNITS_PER_ARRIVAL: u128 = 2 * Rate::PER_SECOND as u128 * 1_000_000_000;

/// A stage of some length, at its place in the profile.
///
/// Seen from its lower end, a ramp climbs as g(x) = 2·low·x + rise·x²/run units within x nanoseconds. A rising one is
/// seen forwards from its start, a falling one backwards from its end, so there is one curve to invert, and no
/// difference of nearly equal numbers. No number here is negative, hence unsigned ones.
///
/// It may be cut short: then it lasts until before its end, and is the same until there.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) start_ns: u64,
    /// The first moment after it, and the load there.
    pub(super) until_ns: u64,
    pub(super) load_until: u128,
    /// Where it would end if it were not cut.
    end_ns: u64,
    /// The load at its start and at its end, in units.
    load_before: u128,
    load_after: u128,
    from: Rate,
    to: Rate,
    /// The slope of the rate as a reduced fraction, per nanosecond.
    rise: u128,
    run: u128,
}

impl Segment {
    /// The stage with this index, which begins at `start_ns` and ends later, at `end_ns`. Evaluates the extremes, so
    /// that nothing can overflow afterwards.
    pub(super) fn new(
        index: usize,
        stage: &RateStage,
        (start_ns, end_ns): (u64, u64),
        load_before: u128,
    ) -> Result<Self, ScheduleError> {
        let RateStage { duration, from, to } = *stage;
        let length = u128::from(end_ns - start_ns);
        let difference = u128::from(from.0.abs_diff(to.0));
        let divisor = gcd(difference, length);
        let (rise, run) = (difference / divisor, length / divisor);
        // The steepest value of g; its other term and its sum, the load, stay below 2⁶⁴ · 2 · `Rate::MAX` < 2¹¹⁷ for
        // the whole profile.
        if rise.checked_mul(length * length).is_none() {
            return Err(ScheduleError::RampTooFine { stage: index + 1, duration });
        }
        let load_after = load_before + u128::from(from.0 + to.0) * length;
        let (until_ns, load_until) = (end_ns, load_after);
        Ok(Self { start_ns, until_ns, load_until, end_ns, load_before, load_after, from, to, rise, run })
    }

    /// The part of it before a moment of it.
    pub(super) fn cut_at(&self, at_ns: u64) -> Self {
        Self { until_ns: at_ns, load_until: self.load_at(at_ns), ..self.clone() }
    }

    /// The part of it from a moment of it on, as a stage of its own. It begins at the rate of that moment, rounded down,
    /// and ends at the rate of its last one.
    pub(super) fn rest_from(&self, t_ns: u64) -> RateStage {
        let (from, to) = (self.whole_rate_at(t_ns), self.whole_rate_at(self.until_ns));
        RateStage { duration: Duration::from_nanos(self.until_ns - t_ns), from, to }
    }

    /// The load at a moment of the stage, in whole units, rounded down.
    pub(super) fn load_at(&self, t_ns: u64) -> u128 {
        if self.from <= self.to {
            let (whole, rest) = self.climb(t_ns - self.start_ns);
            self.load_before + whole + rest / self.run
        } else {
            let (whole, rest) = self.climb(self.end_ns - t_ns);
            self.load_after - whole - rest.div_ceil(self.run)
        }
    }

    /// The least nanosecond at which the load is at least so many units, which must lie between those at its ends.
    pub(super) fn moment_of(&self, load: u128) -> u64 {
        let wanted = load - self.load_before;
        if wanted == 0 {
            return self.start_ns;
        }
        if self.rise == 0 {
            return self.start_ns + wanted.div_ceil(2 * u128::from(self.from.0)) as u64;
        }
        let last = self.end_ns - self.start_ns;
        if self.from < self.to {
            let reached = |x| {
                let (whole, rest) = self.climb(x);
                whole + rest / self.run >= wanted
            };
            self.start_ns + least(self.guess(wanted), last, reached)
        } else {
            // Backwards: the latest moment that leaves at least `left` is just before the first that leaves more.
            let left = self.load_after - load;
            let exceeded = |x| {
                let (whole, rest) = self.climb(x);
                whole + rest.div_ceil(self.run) > left
            };
            self.end_ns - (least(self.guess(left), last, exceeded) - 1)
        }
    }

    fn whole_rate_at(&self, t_ns: u64) -> Rate {
        let climb = i128::from(self.to.0) - i128::from(self.from.0);
        let climbed = (climb * i128::from(t_ns - self.start_ns)).div_euclid(i128::from(self.end_ns - self.start_ns));
        Rate((i128::from(self.from.0) + climbed) as u64)
    }

    /// The rate at a moment of the stage, in arrivals per second.
    pub(super) fn rate_at(&self, t_ns: u64) -> f64 {
        let progress = (t_ns - self.start_ns) as f64 / (self.end_ns - self.start_ns) as f64;
        let (from, to) = (self.from.as_per_second(), self.to.as_per_second());
        from + (to - from) * progress
    }

    /// g(x) as its whole part without the quadratic term, and the quadratic term's numerator over `run`.
    fn climb(&self, x_ns: u64) -> (u128, u128) {
        let x = u128::from(x_ns);
        (2 * u128::from(self.from.min(self.to).0) * x, self.rise * (x * x))
    }

    /// About where g(x) = load: the root of a quadratic, in the form that does not cancel.
    fn guess(&self, load: u128) -> u64 {
        let low = self.from.min(self.to).0 as f64;
        let slope = self.rise as f64 / self.run as f64;
        let load = load as f64;
        (load / (low + (low * low + slope * load).sqrt())) as u64
    }
}

/// The least x with `reached(x)`, which holds from some x ≤ `last` on. Walks from the guess in doubling steps until x
/// is enclosed, then halves: a good guess costs two or three questions, and a bad one a few dozen.
fn least(guess: u64, last: u64, reached: impl Fn(u64) -> bool) -> u64 {
    let (mut lower, mut upper) = (guess.min(last), guess.min(last));
    let mut step: u64 = 1;
    while !reached(upper) {
        lower = upper + 1;
        upper = upper.saturating_add(step).min(last);
        step = step.saturating_mul(2);
    }
    if lower == upper {
        step = 1;
        while lower > 0 && reached(lower - 1) {
            upper = lower - 1;
            lower = upper.saturating_sub(step);
            step = step.saturating_mul(2);
        }
    }
    // From here on `upper` is reached and `lower - 1`, if there is one, is not.
    while lower < upper {
        let middle = lower + (upper - lower) / 2;
        if reached(middle) {
            upper = middle;
        } else {
            lower = middle + 1;
        }
    }
    upper
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Rates so low that a nanosecond makes a unit or two: where rounding the wrong way would show.
        #[test]
        fn every_unit_of_load_is_reached_at_its_least_nanosecond(
            (from, to) in (0..9_u64, 0..9_u64),
            length in 1..60_u64,
            before in 0..9_u128,
        ) {
            let stage = RateStage { duration: Duration::from_nanos(length), from: Rate(from), to: Rate(to) };
            let start_ns = 100;
            let segment = Segment::new(0, &stage, (start_ns, start_ns + length), before).unwrap();
            // The load after x nanoseconds, multiplied by the length.
            let scaled = |x: u64| {
                let (from, to, length, x) = (i128::from(from), i128::from(to), i128::from(length), i128::from(x));
                (before as i128 + 2 * from * x) * length + (to - from) * x * x
            };
            prop_assert_eq!(segment.load_after * u128::from(length), scaled(length) as u128);
            for x in 0..=length {
                prop_assert_eq!(segment.load_at(start_ns + x), scaled(x) as u128 / u128::from(length));
            }
            for load in before..=segment.load_after {
                let least = (0..=length).find(|&x| scaled(x) as u128 >= load * u128::from(length)).unwrap();
                prop_assert_eq!(segment.moment_of(load), start_ns + least, "load {}", load);
            }
        }

        #[test]
        fn the_least_is_found_from_any_guess(answer in any::<u64>(), guess in any::<u64>(), last in any::<u64>()) {
            let answer = answer.min(last);
            prop_assert_eq!(least(guess, last, |x| x >= answer), answer);
            prop_assert_eq!(least(answer.wrapping_add(guess % 9).wrapping_sub(4), last, |x| x >= answer), answer);
        }
    }
}
