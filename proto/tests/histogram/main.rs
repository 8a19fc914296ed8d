//! The laws that histograms keep, whatever is counted.

mod codec;
mod layout;
mod merging;

use muster_proto::histogram::{HIGHEST_NS, Histogram, LOWEST_NS};
use proptest::prelude::*;

/// Durations of every order of magnitude, and those at which something changes.
fn any_duration_ns() -> impl Strategy<Value = u64> {
    const EDGES_NS: [u64; 9] = [0, 1, LOWEST_NS - 1, LOWEST_NS, 1_023, 1_024, HIGHEST_NS, HIGHEST_NS + 1, u64::MAX];
    prop_oneof![
        4 => (0u32..64, any::<u64>()).prop_map(|(shift, bits)| bits >> shift),
        4 => 900_000u64..1_100_000,
        1 => prop::sample::select(&EDGES_NS[..]),
    ]
}

/// Durations that have a bucket of their own.
fn duration_in_range_ns() -> impl Strategy<Value = u64> {
    any_duration_ns().prop_map(|value_ns| value_ns.clamp(LOWEST_NS, HIGHEST_NS))
}

fn any_histogram() -> impl Strategy<Value = Histogram> {
    let sample = (any_duration_ns(), prop_oneof![4 => 1u64..4, 1 => 1u64..1 << 40]);
    prop::collection::vec(sample, 0..60).prop_map(|samples| {
        let mut histogram = Histogram::default();
        samples.iter().for_each(|(value_ns, n)| histogram.record_n(*value_ns, *n));
        histogram
    })
}

fn of(values_ns: &[u64]) -> Histogram {
    let mut histogram = Histogram::default();
    values_ns.iter().for_each(|value_ns| histogram.record(*value_ns));
    histogram
}
