//! Histograms as others take them: the merged ones of the run, in wider buckets and other units.

use muster_proto::histogram::{Histogram, LOWEST_NS, highest_in_bucket_ns, lowest_in_bucket_ns};

use super::exponential::Exponential;

/// What the values of a histogram are.
#[derive(Debug, PartialEq)]
pub struct Measure {
    /// How many of the histogram's units make one of those that are exported.
    per_unit: f64,
    /// The upper bounds of the few buckets that every reader knows.
    bounds: &'static [f64],
}

/// Nanoseconds, exported as seconds.
pub static TIME: Measure = Measure {
    per_unit: 1e9,
    bounds: &[
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
        60.0,
    ],
};

/// Millionths, exported as what they are millionths of.
pub static NUMBER: Measure = Measure {
    per_unit: muster_proto::measurement::METRIC_UNIT as f64,
    bounds: &[0.01, 0.1, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 1e5, 1e6],
};

/// What a histogram counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    measure: &'static Measure,
    count: u64,
    /// Exact, in the histogram's units.
    sum: u128,
    /// What is so short that it is as good as nothing.
    zero: u64,
    exponential: Exponential,
    /// By the bounds of the measure, one more than there are.
    classic: Vec<u64>,
}

impl Distribution {
    /// An empty one.
    #[must_use]
    pub fn new(measure: &'static Measure) -> Self {
        let classic = vec![0; measure.bounds.len() + 1];
        Self { measure, count: 0, sum: 0, zero: 0, exponential: Exponential::default(), classic }
    }

    /// What this histogram counted. Each of its buckets goes into the one in which its middle lies, so a value may lie outside
    /// of its new bucket by half of what the histogram does not tell: 0.05 %, and at most 256 ns where that is more.
    #[must_use]
    pub fn of(histogram: &Histogram, measure: &'static Measure) -> Self {
        let mut all =
            Self { count: histogram.count(), sum: histogram.sum_ns(), zero: histogram.below(), ..Self::new(measure) };
        let mut short = histogram.below();
        for (index, n) in histogram.buckets() {
            // What was too short for a bucket of its own stands in the first.
            let n = n - std::mem::take(&mut short).min(n);
            let lowest = lowest_in_bucket_ns(index).max(LOWEST_NS);
            let value = (lowest + highest_in_bucket_ns(index)) as f64 / 2.0 / measure.per_unit;
            all.exponential.record_n(value, n);
            all.classic[measure.bounds.partition_point(|bound| *bound < value)] += n;
        }
        all.classic[0] += all.zero;
        all
    }

    /// Adds what `other` counted, of the same measure.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.zero += other.zero;
        self.exponential.merge(&other.exponential);
        self.classic.iter_mut().zip(&other.classic).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// Takes away what `earlier` counted, which must be a part of this.
    pub fn take_away(&mut self, earlier: &Self) {
        self.count = self.count.saturating_sub(earlier.count);
        self.sum = self.sum.saturating_sub(earlier.sum);
        self.zero = self.zero.saturating_sub(earlier.zero);
        self.exponential.take_away(&earlier.exponential);
        self.classic.iter_mut().zip(&earlier.classic).for_each(|(mine, theirs)| *mine = mine.saturating_sub(*theirs));
    }

    /// What its values are.
    #[must_use]
    pub fn measure(&self) -> &'static Measure {
        self.measure
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum, in the exported unit.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum as f64 / self.measure.per_unit
    }

    /// How many are no longer than [`Distribution::zero_threshold`].
    #[must_use]
    pub fn zero(&self) -> u64 {
        self.zero
    }

    /// Up to where a value is as good as nothing, in the exported unit.
    #[must_use]
    pub fn zero_threshold(&self) -> f64 {
        LOWEST_NS as f64 / self.measure.per_unit
    }

    /// The values in buckets of equal ratio.
    #[must_use]
    pub fn exponential(&self) -> &Exponential {
        &self.exponential
    }

    /// How many values lie at or below each of a few bounds; above the last there may be more.
    pub fn classic(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.measure.bounds.iter().zip(&self.classic).scan(0, |seen, (bound, n)| {
            *seen += n;
            Some((*bound, *seen))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::exponential::{BUCKETS_MAX, SCALE_MAX};
    use super::*;

    /// Half a bucket of the histogram, relative and absolute.
    const PRECISION: f64 = 0.0006;
    const PRECISION_S: f64 = 300e-9;

    fn histogram_of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.record(*value));
        histogram
    }

    fn values() -> impl Strategy<Value = Vec<u64>> {
        let value = prop_oneof![
            0_u64..3_000,
            1_000_u64..1_000_000,
            1_000_000_u64..100_000_000,
            1_000_000_000_u64..5_000_000_000_000,
        ];
        prop::collection::vec(value, 0..80)
    }

    /// The bounds of a bucket, in seconds.
    fn bounds(index: i32, scale: i32) -> (f64, f64) {
        let base_log2 = 2_f64.powi(-scale);
        let bound = |index: i32| (f64::from(index) * base_log2).exp2();
        (bound(index), bound(index + 1))
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_each_value_lies_in_its_bucket(values in values()) {
            let all = Distribution::of(&histogram_of(&values), &TIME);
            let buckets: Vec<(i32, u64)> = all.exponential().buckets().collect();
            prop_assert_eq!(all.count(), values.len() as u64);
            prop_assert_eq!(all.zero() + buckets.iter().map(|(_, n)| n).sum::<u64>(), all.count());
            prop_assert_eq!(all.classic.iter().sum::<u64>(), all.count());
            prop_assert_eq!(all.sum, values.iter().map(|value| u128::from(*value)).sum::<u128>());
            prop_assert!(all.exponential().counts().len() <= BUCKETS_MAX);
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let short = sorted.iter().take_while(|value| **value < LOWEST_NS).count();
            prop_assert_eq!(all.zero(), short as u64);
            let mut rest = sorted[short..].iter();
            for (index, n) in buckets {
                let (lower, upper) = bounds(index, all.exponential().scale());
                for value in rest.by_ref().take(n as usize) {
                    let seconds = (*value).min(muster_proto::histogram::HIGHEST_NS) as f64 / 1e9;
                    prop_assert!(seconds > lower * (1.0 - PRECISION) - PRECISION_S, "{seconds} above {lower}");
                    prop_assert!(seconds <= upper * (1.0 + PRECISION) + PRECISION_S, "{seconds} up to {upper}");
                }
            }
            let mut before = 0;
            for (bound, n) in all.classic() {
                let least = sorted.iter().filter(|value| (**value as f64) < bound * 1e9 * (1.0 - 2.0 * PRECISION) - 600.0);
                let most = sorted.iter().filter(|value| (**value as f64) <= bound * 1e9 * (1.0 + 2.0 * PRECISION) + 600.0);
                prop_assert!(least.count() as u64 <= n && n <= most.count() as u64, "{bound}: {n}");
                prop_assert!(n >= before);
                before = n;
            }
        }

        #[test]
        fn merging_what_was_made_is_making_it_of_what_was_merged(a in values(), b in values(), c in values()) {
            let whole = histogram_of(&[&a[..], &b, &c].concat());
            let parts = [a, b, c].map(|values| Distribution::of(&histogram_of(&values), &TIME));
            for order in [[0, 1, 2], [2, 0, 1]] {
                let mut merged = Distribution::new(&TIME);
                order.iter().for_each(|part| merged.merge(&parts[*part]));
                prop_assert_eq!(&merged, &Distribution::of(&whole, &TIME));
            }
        }

        #[test]
        fn what_is_taken_away_leaves_the_rest(a in values(), b in values()) {
            let [before, more] = [a, b].map(|values| Distribution::of(&histogram_of(&values), &TIME));
            let mut after = before.clone();
            after.merge(&more);
            let scale = after.exponential().scale();
            after.take_away(&before);
            prop_assert_eq!((after.count, after.sum, after.zero), (more.count, more.sum, more.zero));
            prop_assert_eq!(&after.classic, &more.classic);
            let at_scale: u64 = more.exponential().buckets().map(|(_, n)| n).sum();
            prop_assert_eq!(after.exponential.buckets().map(|(_, n)| n).sum::<u64>(), at_scale);
            for (index, n) in after.exponential.buckets() {
                let finer = more.exponential().buckets();
                let shift = more.exponential().scale() - scale;
                prop_assert_eq!(n, finer.filter(|(of, _)| of >> shift == index).map(|(_, n)| n).sum::<u64>());
            }
        }
    }

    #[test]
    fn the_scale_is_the_finest_at_which_all_find_room() {
        let scale_of = |values: &[u64]| Distribution::of(&histogram_of(values), &TIME).exponential().scale();
        assert_eq!(scale_of(&[10_000_000]), SCALE_MAX);
        assert_eq!(scale_of(&[10_000_000, 14_000_000]), 8);
        assert_eq!(scale_of(&[10_000_000, 40_000_000]), 6);
        assert_eq!(scale_of(&[1_500, 3_600_000_000_000]), 2);
    }

    #[test]
    fn plain_numbers_keep_their_own_unit() {
        let tenths: Vec<u64> = (0..10).map(|tenth| tenth * 100_000).collect();
        let all = Distribution::of(&histogram_of(&tenths), &NUMBER);
        assert_eq!((all.count(), all.sum(), all.zero()), (10, 4.5, 1));
        assert_eq!(all.classic().find(|(bound, _)| *bound == 1.0), Some((1.0, 10)));
    }
}
