//! Latency histograms that merge.

mod codec;
mod counts;
mod kept;
mod layout;
mod summary;
mod varint;

use std::fmt;

pub use codec::CodecError;
use counts::Counts;
use layout::bucket_of;
pub use layout::{HIGHEST_NS, LOWEST_NS, highest_in_bucket_ns, lowest_in_bucket_ns};
use summary::Summary;

/// Counts of durations, in buckets that are 512 ns wide up to 1 ms, and narrower than a thousandth of their value beyond.
///
/// The buckets are HdrHistogram's for [`LOWEST_NS`] to [`HIGHEST_NS`] with three significant digits, the same in
/// every program, so that merging is addition and exact. What lies outside is clamped and counted. Memory grows with
/// the ranges that are used, in pages, up to 190 KiB, and is kept by [`Histogram::clear`].
///
/// At most `u64::MAX` durations are counted. What would go beyond is left out, whole, so that counts, sum and buckets
/// always agree.
#[derive(Clone, Default, PartialEq)]
pub struct Histogram {
    summary: Summary,
    counts: Counts,
}

impl Histogram {
    /// Counts one duration.
    #[inline]
    pub fn record(&mut self, value_ns: u64) {
        self.record_n(value_ns, 1);
    }

    /// Counts one duration `n` times.
    // Inlined without fail, so that counting one needs no multiplication: it is done several times for every request.
    #[inline(always)]
    pub fn record_n(&mut self, value_ns: u64, n: u64) {
        if n == 0 || n > u64::MAX - self.summary.count {
            return;
        }
        self.summary.record(value_ns, n);
        self.counts.add(bucket_of(value_ns), n);
    }

    /// Adds everything that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        if let Some(both) = self.summary.plus(&other.summary) {
            self.summary = both;
            self.counts.merge(&other.counts);
        }
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        if self.is_empty() {
            return;
        }
        self.summary = Summary::default();
        self.counts.clear();
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.summary.count
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The exact sum, in nanoseconds.
    #[must_use]
    pub fn sum_ns(&self) -> u128 {
        self.summary.sum_ns
    }

    /// The exact smallest duration, in nanoseconds.
    #[must_use]
    pub fn min_ns(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.summary.min_ns)
    }

    /// The exact largest duration, in nanoseconds.
    #[must_use]
    pub fn max_ns(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.summary.max_ns)
    }

    /// The exact arithmetic mean, in nanoseconds.
    #[must_use]
    pub fn mean_ns(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.sum_ns() as f64 / self.count() as f64)
    }

    /// The standard deviation of the durations (of all of them, so the divisor is their count), in nanoseconds.
    ///
    /// Every duration is taken to lie in the middle of its bucket, as HdrHistogram does; so what lies outside of
    /// the range counts as if it were at its edge.
    #[must_use]
    pub fn stddev_ns(&self) -> Option<f64> {
        if self.is_empty() {
            return None;
        }
        let mean_ns = self.mean_over_buckets(|value_ns| value_ns);
        Some(self.mean_over_buckets(|value_ns| (value_ns - mean_ns) * (value_ns - mean_ns)).sqrt())
    }

    /// How many durations were shorter than [`LOWEST_NS`] and counted there.
    #[must_use]
    pub fn below(&self) -> u64 {
        self.summary.below
    }

    /// How many durations were longer than [`HIGHEST_NS`] and counted there.
    #[must_use]
    pub fn above(&self) -> u64 {
        self.summary.above
    }

    /// The buckets that are not empty, as index and count, in ascending order.
    pub fn buckets(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.counts.iter()
    }

    /// The duration below or at which a fraction `q` (0 to 1) of all lies, in nanoseconds.
    ///
    /// It is the highest value of the bucket in which the ⌈q·count⌉-th smallest fell, as HdrHistogram defines it, but
    /// never outside of the exact extremes. The extremes themselves are exact: `q` = 0 gives the smallest duration,
    /// and the largest is given as soon as ⌈q·count⌉ is the count.
    #[must_use]
    pub fn quantile_ns(&self, q: f64) -> Option<u64> {
        let Summary { count, min_ns, max_ns, .. } = self.summary;
        if count == 0 {
            return None;
        }
        let rank = (q.clamp(0.0, 1.0) * count as f64).ceil() as u64;
        if rank == 0 {
            return Some(min_ns);
        }
        if rank >= count {
            return Some(max_ns);
        }
        let mut seen = 0;
        let reached = self.buckets().find(|(_, n)| {
            seen += n;
            seen >= rank
        });
        reached.map(|(index, _)| highest_in_bucket_ns(index).clamp(min_ns, max_ns))
    }

    /// How many durations fell into buckets that lie wholly above `value_ns`.
    #[must_use]
    pub fn count_above(&self, value_ns: u64) -> u64 {
        let last = bucket_of(value_ns);
        self.buckets().filter(|(index, _)| *index > last).map(|(_, n)| n).sum()
    }

    fn mean_over_buckets(&self, measure: impl Fn(f64) -> f64) -> f64 {
        let total: f64 = self.buckets().map(|(index, n)| measure(middle_of_bucket_ns(index)) * n as f64).sum();
        total / self.count() as f64
    }
}

fn middle_of_bucket_ns(index: usize) -> f64 {
    (lowest_in_bucket_ns(index) + highest_in_bucket_ns(index)).div_ceil(2) as f64
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buckets: std::collections::BTreeMap<_, _> = self.buckets().collect();
        f.debug_struct("Histogram").field("summary", &self.summary).field("buckets", &buckets).finish()
    }
}
