//! A distribution as a curve: which time so many per cent lie at or below.

use muster_proto::histogram::Histogram;

use super::numbers::{decimals, ms};
use crate::verdict::percentile_ns;

/// Points between a percentile and the one that is half as far from all, as HdrHistogram's output has it.
const POINTS_PER_HALF: i32 = 5;
/// The curve goes up to 99.9999 per cent, if so many were measured, and ends with the longest time.
const REST_MIN: f64 = 1e-6;

/// The curve, as per cents and milliseconds; nothing of nothing.
pub(super) fn of(histogram: &Histogram) -> Vec<(f64, f64)> {
    let rest_min = REST_MIN.max(1.0 / histogram.count().max(1) as f64);
    let rests = (0..).map(|point| 0.5_f64.powf(f64::from(point) / f64::from(POINTS_PER_HALF)));
    let percents = rests.take_while(|rest| *rest >= rest_min).map(|rest| decimals((1.0 - rest) * 100.0, 5));
    let point = |percent: f64| Some((percent, ms(percentile_ns(histogram, percent)?)));
    percents.chain([100.0]).filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_from_the_shortest_to_the_longest_time_no_finer_than_what_was_measured() {
        let mut histogram = Histogram::default();
        assert_eq!(of(&histogram), []);
        histogram.record(5_000_000);
        assert_eq!(of(&histogram), [(0.0, 5.0), (100.0, 5.0)]);
        (1..=100_000_u64).for_each(|n| histogram.record(n * 10_000));
        let curve = of(&histogram);
        assert!(curve.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{curve:?}");
        assert_eq!((curve[0], curve[curve.len() - 1]), ((0.0, 0.01), (100.0, 1_000.0)));
        assert!(curve.len() < 100 && curve[curve.len() - 2].0 > 99.998, "{curve:?}");
    }
}
