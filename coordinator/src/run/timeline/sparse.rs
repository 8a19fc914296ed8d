//! Response times of one series in one interval: exact, and no larger than what happened.

use std::cmp::Ordering;

use muster_proto::histogram::{Histogram, highest_in_bucket_ns};
use serde::{Deserialize, Serialize};

/// A bucket's number in the upper sixteen bits and its count in the others: there are fewer than 2¹⁶ buckets, and
/// 2⁴⁸ requests are a million a second for nine years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry(u64);

const COUNT_BITS: u32 = 48;

impl Entry {
    fn new(index: usize, count: u64) -> Self {
        Self((index as u64) << COUNT_BITS | count.min((1 << COUNT_BITS) - 1))
    }

    fn index(self) -> usize {
        (self.0 >> COUNT_BITS) as usize
    }

    fn count(self) -> u64 {
        self.0 & ((1 << COUNT_BITS) - 1)
    }
}

/// The buckets of a [`Histogram`] that are not empty, eight bytes each, so that thousands of intervals can keep
/// theirs and still be merged exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sparse {
    entries: Vec<Entry>,
    max_ns: u64,
}

impl Sparse {
    /// Those of all of these together. They are merged by halves, so that what has grown large is not gone through again for each.
    pub fn of_all<T>(all: &[T], times: &impl Fn(&T) -> &Self) -> Self {
        match all {
            [] => Self::default(),
            [one] => times(one).clone(),
            _ => {
                let (first, second) = all.split_at(all.len() / 2);
                let mut both = Self::of_all(first, times);
                both.merge(&Self::of_all(second, times));
                both
            }
        }
    }

    /// Adds everything that a histogram counted.
    pub fn add(&mut self, histogram: &Histogram) {
        let entries = histogram.buckets().map(|(index, count)| Entry::new(index, count)).collect();
        self.merge(&Self { entries, max_ns: histogram.max_ns().unwrap_or(0) });
    }

    /// Adds everything that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.max_ns = self.max_ns.max(other.max_ns);
        if self.entries.is_empty() {
            self.entries.clone_from(&other.entries);
            return;
        }
        if other.entries.is_empty() {
            return;
        }
        let mut merged = Vec::with_capacity(self.entries.len().max(other.entries.len()));
        let (mut mine, mut theirs) = (self.entries.as_slice(), other.entries.as_slice());
        while let (Some(a), Some(b)) = (mine.first(), theirs.first()) {
            let order = a.index().cmp(&b.index());
            merged.push(match order {
                Ordering::Less => *a,
                Ordering::Greater => *b,
                Ordering::Equal => Entry::new(a.index(), a.count() + b.count()),
            });
            mine = if order.is_le() { &mine[1..] } else { mine };
            theirs = if order.is_ge() { &theirs[1..] } else { theirs };
        }
        merged.extend_from_slice(mine);
        merged.extend_from_slice(theirs);
        merged.shrink_to_fit();
        self.entries = merged;
    }

    /// How many buckets are not empty.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The longest time that each bucket counts, in nanoseconds and never above the exact maximum, and how many it has counted.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let shown = |entry: &Entry| (highest_in_bucket_ns(entry.index()).min(self.max_ns), entry.count());
        self.entries.iter().map(shown)
    }

    /// The exact longest time, in nanoseconds.
    #[must_use]
    pub fn max_ns(&self) -> Option<u64> {
        (!self.entries.is_empty()).then_some(self.max_ns)
    }

    /// The time at or below which a fraction `q` of all lies, in nanoseconds, as [`Histogram::quantile_ns`] has it
    /// but never above the exact maximum.
    #[must_use]
    pub fn quantile_ns(&self, q: f64) -> Option<u64> {
        let count: u64 = self.entries.iter().map(|entry| entry.count()).sum();
        let rank = ((q.clamp(0.0, 1.0) * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut seen = 0;
        let entry = self.entries.iter().find(|entry| {
            seen += entry.count();
            seen >= rank
        })?;
        Some(highest_in_bucket_ns(entry.index()).min(self.max_ns))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram_of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.record(*value));
        histogram
    }

    proptest! {
        #[test]
        fn merging_sparsely_is_merging(
            a in prop::collection::vec(0_u64..10_000_000_000, 0..50),
            b in prop::collection::vec(0_u64..10_000_000_000, 0..50),
            q in 0.0..=1.0_f64,
        ) {
            let (mut whole, other) = (histogram_of(&a), histogram_of(&b));
            let mut sparse = Sparse::default();
            sparse.add(&whole);
            sparse.add(&other);
            whole.merge(&other);
            let expected = whole.quantile_ns(q).map(|ns| ns.min(whole.max_ns().unwrap_or(0)));
            prop_assert_eq!(sparse.quantile_ns(q), expected);
            prop_assert_eq!(sparse.max_ns(), whole.max_ns());
            prop_assert_eq!(sparse.len(), whole.buckets().count());
        }

        #[test]
        fn all_together_are_one_after_the_other(
            each in prop::collection::vec(prop::collection::vec(0_u64..1_000_000_000, 0..9), 0..9),
        ) {
            let parts: Vec<Sparse> = each.iter().map(|values| {
                let mut part = Sparse::default();
                part.add(&histogram_of(values));
                part
            }).collect();
            let mut whole = Sparse::default();
            parts.iter().for_each(|part| whole.merge(part));
            prop_assert_eq!(Sparse::of_all(&parts, &|part| part), whole);
        }
    }
}
