//! Merging is addition: exact, in any order and in any number of steps.

use muster_proto::histogram::Histogram;
use proptest::prelude::*;

use super::{any_duration_ns, any_histogram, of};

fn merged<'a>(parts: impl IntoIterator<Item = &'a Histogram>) -> Histogram {
    let mut whole = Histogram::default();
    parts.into_iter().for_each(|part| whole.merge(part));
    whole
}

proptest! {
    #[test]
    fn order_and_steps_do_not_matter(a in any_histogram(), b in any_histogram(), c in any_histogram()) {
        let whole = merged([&a, &b, &c]);
        prop_assert_eq!(&merged([&c, &a, &b]), &whole);
        prop_assert_eq!(&merged([&a, &merged([&b, &c])]), &whole);
        prop_assert_eq!(whole.count(), a.count() + b.count() + c.count());
        prop_assert_eq!(whole.buckets().map(|(_, n)| n).sum::<u64>(), whole.count());
        prop_assert_eq!(whole.sum_ns(), a.sum_ns() + b.sum_ns() + c.sum_ns());
    }

    #[test]
    fn parts_make_what_recording_everything_into_one_makes(
        parts in prop::collection::vec(prop::collection::vec(any_duration_ns(), 0..30), 0..6),
    ) {
        let histograms: Vec<_> = parts.iter().map(|part| of(part)).collect();
        prop_assert_eq!(merged(&histograms), of(&parts.concat()));
    }

    #[test]
    fn recording_often_at_once_is_recording_often(value_ns in any_duration_ns(), n in 0u64..50) {
        let mut at_once = Histogram::default();
        at_once.record_n(value_ns, n);
        prop_assert_eq!(at_once, of(&vec![value_ns; n as usize]));
    }

    #[test]
    fn a_cleared_histogram_is_as_good_as_new(
        before in any_histogram(),
        values_ns in prop::collection::vec(any_duration_ns(), 0..30),
    ) {
        let mut reused = before;
        reused.clear();
        prop_assert_eq!(&reused, &Histogram::default());
        values_ns.iter().for_each(|value_ns| reused.record(*value_ns));
        prop_assert_eq!(reused, of(&values_ns));
    }
}

#[test]
fn what_would_overflow_is_left_out_whole() {
    let mut full = Histogram::default();
    full.record_n(u64::MAX, u64::MAX - 1);
    let before = full.clone();
    full.record_n(5_000, 2);
    full.merge(&of(&[5_000, 6_000]));
    assert_eq!(full, before);
    full.record(u64::MAX);
    full.record(u64::MAX);
    assert_eq!(full.count(), u64::MAX);
    assert_eq!(full.sum_ns(), u128::from(u64::MAX) * u128::from(u64::MAX));
    assert_eq!(full.quantile_ns(0.5), Some(u64::MAX));
}
