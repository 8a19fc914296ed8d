//! Durations are counted where HdrHistogram counts them, and asked for as it asks.

use hdrhistogram::Histogram as Hdr;
use muster_proto::histogram::{HIGHEST_NS, Histogram, LOWEST_NS, highest_in_bucket_ns, lowest_in_bucket_ns};
use proptest::prelude::*;

use super::{any_duration_ns, duration_in_range_ns, of};

const QUANTILES: [f64; 9] = [0.001, 0.1, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];

fn hdr_of(values_ns: &[u64]) -> Hdr<u64> {
    let mut hdr = Hdr::new_with_bounds(LOWEST_NS, HIGHEST_NS, 3).expect("the bounds are valid");
    for value_ns in values_ns {
        hdr.record(*value_ns.clamp(&LOWEST_NS, &HIGHEST_NS)).expect("the value is within bounds");
    }
    hdr
}

/// The bounds of the bucket in which a duration is counted.
fn bucket_around(value_ns: u64) -> (u64, u64) {
    let (index, n) = of(&[value_ns]).buckets().next().expect("one was counted");
    assert_eq!(n, 1);
    (lowest_in_bucket_ns(index), highest_in_bucket_ns(index))
}

proptest! {
    #[test]
    fn buckets_are_hdr_histograms(value_ns in duration_in_range_ns()) {
        let hdr = hdr_of(&[]);
        let theirs = (hdr.lowest_equivalent(value_ns), hdr.highest_equivalent(value_ns));
        prop_assert_eq!(bucket_around(value_ns), theirs);
    }

    /// Below rank = count, a quantile is HdrHistogram's, bit for bit, held between our exact extremes; the last
    /// rank is the exact largest, which for durations within range is the same rule.
    #[test]
    fn quantiles_are_hdr_histograms_within_the_exact_extremes(
        values_ns in prop::collection::vec(any_duration_ns(), 1..400),
    ) {
        let (ours, hdr) = (of(&values_ns), hdr_of(&values_ns));
        let (min_ns, max_ns) = (*values_ns.iter().min().unwrap(), *values_ns.iter().max().unwrap());
        for q in QUANTILES {
            let is_last = (q * values_ns.len() as f64).ceil() as usize >= values_ns.len();
            let wanted = if is_last { max_ns } else { hdr.value_at_quantile(q).clamp(min_ns, max_ns) };
            prop_assert_eq!(ours.quantile_ns(q), Some(wanted), "q = {}", q);
        }
        prop_assert_eq!(ours.quantile_ns(0.0), Some(min_ns));
        prop_assert_eq!(ours.quantile_ns(1.0), Some(max_ns));
    }

    /// Where nothing is clamped there is no special case: the lesser of HdrHistogram's answer and the maximum.
    #[test]
    fn quantiles_within_range_are_hdr_histograms_or_the_maximum(
        values_ns in prop::collection::vec(duration_in_range_ns(), 1..400),
        q in 1e-9f64..=1.0,
    ) {
        let (ours, hdr) = (of(&values_ns), hdr_of(&values_ns));
        let max_ns = *values_ns.iter().max().unwrap();
        for q in QUANTILES.into_iter().chain([q]) {
            prop_assert_eq!(ours.quantile_ns(q), Some(hdr.value_at_quantile(q).min(max_ns)), "q = {}", q);
        }
    }

    #[test]
    fn quantiles_never_fall(values_ns in prop::collection::vec(any_duration_ns(), 1..100)) {
        let ours = of(&values_ns);
        let quantiles: Vec<_> = (0..=100).map(|q| ours.quantile_ns(f64::from(q) / 100.0)).collect();
        prop_assert!(quantiles.is_sorted());
    }

    #[test]
    fn standard_deviations_are_hdr_histograms(values_ns in prop::collection::vec(any_duration_ns(), 1..400)) {
        let (ours, theirs) = (of(&values_ns).stddev_ns().unwrap(), hdr_of(&values_ns).stdev());
        prop_assert!((ours - theirs).abs() <= 1e-9 * hdr_of(&values_ns).mean(), "{} and {}", ours, theirs);
    }

    #[test]
    fn what_lies_above_is_counted_by_buckets(
        values_ns in prop::collection::vec(duration_in_range_ns(), 1..100),
        limit_ns in duration_in_range_ns(),
    ) {
        let hdr = hdr_of(&values_ns);
        let above = values_ns.iter().filter(|value_ns| **value_ns > hdr.highest_equivalent(limit_ns)).count();
        prop_assert_eq!(of(&values_ns).count_above(limit_ns), above as u64);
    }
}

#[test]
fn every_bucket_begins_where_the_last_one_ended() {
    let (first, last) = (bucket_around(LOWEST_NS), bucket_around(HIGHEST_NS));
    let mut next_ns = first.0;
    for index in 1.. {
        assert_eq!(lowest_in_bucket_ns(index), next_ns);
        next_ns = highest_in_bucket_ns(index) + 1;
        if next_ns > HIGHEST_NS {
            break;
        }
    }
    assert_eq!(next_ns, last.1 + 1);
    assert_eq!(highest_in_bucket_ns(usize::MAX), last.1, "there is no bucket beyond the last");
}

#[test]
fn what_lies_outside_is_clamped_and_counted() {
    for (value_ns, counted_as_ns, below, above) in [
        (0, LOWEST_NS, 1, 0),
        (999, LOWEST_NS, 1, 0),
        (1_000, LOWEST_NS, 0, 0),
        (3_600_000_000_000, HIGHEST_NS, 0, 0),
        (3_600_000_000_001, HIGHEST_NS, 0, 1),
        (u64::MAX, HIGHEST_NS, 0, 1),
    ] {
        let histogram = of(&[value_ns]);
        assert_eq!(bucket_around(value_ns), bucket_around(counted_as_ns));
        assert_eq!((histogram.count(), histogram.below(), histogram.above()), (1, below, above), "{value_ns}");
        assert_eq!((histogram.min_ns(), histogram.max_ns()), (Some(value_ns), Some(value_ns)));
        assert_eq!(histogram.sum_ns(), u128::from(value_ns));
        for q in [0.0, 0.5, 1.0, f64::NAN, -1.0, 2.0] {
            assert_eq!(histogram.quantile_ns(q), Some(value_ns), "q = {q}");
        }
    }
}

#[test]
fn an_empty_histogram_has_no_statistics() {
    let empty = Histogram::default();
    assert_eq!((empty.count(), empty.sum_ns(), empty.count_above(0)), (0, 0, 0));
    assert_eq!((empty.min_ns(), empty.max_ns(), empty.quantile_ns(0.5)), (None, None, None));
    assert_eq!((empty.mean_ns(), empty.stddev_ns()), (None, None));
}
