//! How far a number of one run is from the same of another, and how sure that is.
//!
//! Seconds of a run are not independent of each other: a slow one is often followed by another. So a run is cut into a few
//! long batches of neighbouring seconds, whose numbers are taken as independent (the method of batch means; see Schmeiser,
//! "Batch size effects in the analysis of simulation output", Operations Research 30, 1982, who shows that more than 30 gain
//! little). What batches vary by tells how far the whole run's number may be off, more so where neighbouring batches still hang
//! together: for a first-order autoregression with the correlation r the variance of a mean is (1 + r)/(1 − r) times that of
//! independent values (Law, "Simulation modeling and analysis", chapter 9). Two runs are compared as Welch does
//! it, by "The generalization of Student's problem when several different population variances are involved", Biometrika
//! 34, 1947.

/// The most batches of a run.
pub(super) const BATCHES_MAX: usize = 20;
/// Fewer than this say nothing of how much a run varies.
pub(super) const BATCHES_MIN: usize = 5;
/// Neighbouring batches that hang together more than this are no estimate of anything.
const CORRELATION_MAX: f64 = 0.9;
/// Of a standard normal variable: 95 % lie within so many deviations of the mean, and 80 % below so many.
const Z_95: f64 = 1.959_963_985;
const Z_80: f64 = 0.841_621_234;

/// How far apart two numbers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The second less the first.
    pub by: f64,
    /// The lower end of an interval of which 95 % of all such hold the true difference.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// A true difference of this size would be shown in four of five such pairs of runs.
    pub shown_from: f64,
}

impl Shift {
    /// Whether the interval says that there is a difference.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }

    /// The same as parts of a number.
    #[must_use]
    pub(super) fn divided_by(self, number: f64) -> Self {
        let Self { by, low, high, shown_from } = self;
        Self { by: by / number, low: low / number, high: high / number, shown_from: shown_from / number }
    }

    /// The difference of two whole numbers whose batches vary so; nothing if there are too few batches.
    #[must_use]
    pub fn between(whole: (f64, f64), first: &[f64], second: &[f64]) -> Option<Self> {
        let (a, b) = (Spread::of(first)?, Spread::of(second)?);
        let error = (a.error_squared + b.error_squared).sqrt();
        let freedom = freedom(&a, &b);
        let by = whole.1 - whole.0;
        let margin = error * t_95(freedom);
        Some(Self { by, low: by - margin, high: by + margin, shown_from: margin + error * Z_80 })
    }
}

/// What batches vary by.
struct Spread {
    /// The square of how far their mean may be off.
    error_squared: f64,
    batches: f64,
}

impl Spread {
    fn of(batches: &[f64]) -> Option<Self> {
        let count = batches.len() as f64;
        if batches.len() < BATCHES_MIN {
            return None;
        }
        let mean = batches.iter().sum::<f64>() / count;
        let variance = batches.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let together: f64 = batches.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
        let correlation = if variance > 0.0 { together / (variance * (count - 1.0)) } else { 0.0 };
        let correlation = correlation.clamp(0.0, CORRELATION_MAX);
        let error_squared = variance / count * (1.0 + correlation) / (1.0 - correlation);
        Some(Self { error_squared, batches: count })
    }
}

/// The degrees of freedom of Welch's comparison.
fn freedom(a: &Spread, b: &Spread) -> f64 {
    let sum = (a.error_squared + b.error_squared).powi(2);
    let parts = a.error_squared.powi(2) / (a.batches - 1.0) + b.error_squared.powi(2) / (b.batches - 1.0);
    if parts > 0.0 { (sum / parts).max(1.0) } else { a.batches + b.batches - 2.0 }
}

/// Within so many standard errors lie 95 % of a Student variable with these degrees of freedom, by the expansion 26.7.5 of
/// Abramowitz and Stegun, "Handbook of Mathematical Functions", whose error is below a hundredth from four degrees on.
fn t_95(freedom: f64) -> f64 {
    let z = Z_95;
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
        (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1_482.0 * z.powi(5) - 1_920.0 * z.powi(3) - 945.0 * z) / 92_160.0,
    ];
    (1..).zip(terms).map(|(power, term)| term / freedom.powi(power)).sum::<f64>() + z
}

/// Cuts so many intervals into at most so many batches of equal length, leaving out what is over at the beginning; nothing if
/// they are too few.
#[must_use]
pub(super) fn cut(intervals: usize, batches_max: usize) -> Option<Vec<std::ops::Range<usize>>> {
    let batches = batches_max.min(BATCHES_MAX).min(intervals / 2);
    if batches < BATCHES_MIN {
        return None;
    }
    let length = intervals / batches;
    let first = intervals - length * batches;
    Some((0..batches).map(|batch| first + batch * length..first + (batch + 1) * length).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_margin_is_students() {
        for (freedom, t) in [(4.0, 2.7764), (8.0, 2.3060), (18.0, 2.1009), (38.0, 2.0244), (1e6, 1.96)] {
            assert!((t_95(freedom) - t).abs() < 0.001, "{freedom}: {}", t_95(freedom));
        }
    }

    #[test]
    fn runs_that_do_not_vary_differ_by_what_they_differ() {
        let shift = Shift::between((10.0, 11.0), &[10.0; 20], &[11.0; 20]).unwrap();
        assert_eq!((shift.by, shift.low, shift.high), (1.0, 1.0, 1.0));
        assert!(shift.is_shown());
        assert!(Shift::between((1.0, 1.0), &[1.0; 4], &[1.0; 20]).is_none(), "too few batches");
    }

    proptest! {
        #[test]
        fn batches_are_equal_and_lie_behind_each_other_up_to_the_end(intervals in 10_usize..5_000, most in 5_usize..40) {
            let batches = cut(intervals, most).unwrap();
            prop_assert!(batches.iter().all(|batch| batch.len() == batches[0].len() && batch.len() >= 2));
            prop_assert!(batches.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert_eq!(batches.last().unwrap().end, intervals);
            prop_assert!(batches[0].start < batches.len() * 2);
        }
    }
}
