//! Response times of one series in one interval: exact, and no larger than what happened.

use std::cmp::Ordering;
use std::iter;

use muster_proto::histogram::{Histogram, highest_in_bucket_ns};
use serde::{Deserialize, Serialize};

/// The buckets of a [`Histogram`] that are not empty, two to four bytes each as a rule, so that thousands of intervals can
/// keep theirs and still be merged exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sparse {
    /// Of each bucket, in order: how far its number is from that of the one before, and its count; both in as many groups
    /// of seven bits as they need, the lowest first.
    packed: Vec<u8>,
    count: u64,
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

    /// These counts by bucket, of which the longest time is this.
    fn of(entries: impl Iterator<Item = (usize, u64)>, max_ns: u64) -> Self {
        let (mut packed, mut all, mut last) = (Vec::new(), 0, 0);
        for (index, count) in entries {
            push(&mut packed, (index - last) as u64);
            push(&mut packed, count);
            (all, last) = (all + count, index);
        }
        packed.shrink_to_fit();
        Self { packed, count: all, max_ns }
    }

    /// Adds everything that a histogram counted.
    pub fn add(&mut self, histogram: &Histogram) {
        self.merge(&Self::of(histogram.buckets(), histogram.max_ns().unwrap_or(0)));
    }

    /// Adds everything that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            self.clone_from(other);
        } else if other.count > 0 {
            *self = Self::of(both(self.entries(), other.entries()), self.max_ns.max(other.max_ns));
        }
    }

    /// The number of each bucket that is not empty, and how many it has counted.
    fn entries(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let (mut rest, mut last) = (&self.packed[..], 0);
        iter::from_fn(move || {
            last += pop(&mut rest)? as usize;
            Some((last, pop(&mut rest)?))
        })
    }

    /// How much memory it takes beside itself, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.packed.len()
    }

    /// The longest time that each bucket counts, in nanoseconds and never above the exact maximum, and how many it has counted.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.entries().map(|(index, count)| (highest_in_bucket_ns(index).min(self.max_ns), count))
    }

    /// The exact longest time, in nanoseconds.
    #[must_use]
    pub fn max_ns(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max_ns)
    }

    /// The time at or below which a fraction `q` of all lies, in nanoseconds, as [`Histogram::quantile_ns`] has it
    /// but never above the exact maximum.
    #[must_use]
    pub fn quantile_ns(&self, q: f64) -> Option<u64> {
        let rank = ((q.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        let is_reached = |(_, count): &(u64, u64)| {
            seen += count;
            seen >= rank
        };
        self.buckets().find(is_reached).map(|(highest_ns, _)| highest_ns)
    }
}

/// What two have counted together.
fn both(
    mine: impl Iterator<Item = (usize, u64)>,
    theirs: impl Iterator<Item = (usize, u64)>,
) -> impl Iterator<Item = (usize, u64)> {
    let (mut mine, mut theirs) = (mine.peekable(), theirs.peekable());
    iter::from_fn(move || match (mine.peek(), theirs.peek()) {
        (Some(a), Some(b)) => match a.0.cmp(&b.0) {
            Ordering::Less => mine.next(),
            Ordering::Greater => theirs.next(),
            Ordering::Equal => mine.next().zip(theirs.next()).map(|((index, a), (_, b))| (index, a + b)),
        },
        _ => mine.next().or_else(|| theirs.next()),
    })
}

/// Adds a number, seven bits a byte; of all but the last byte the highest bit is set.
fn push(packed: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        packed.push(number as u8 | 0x80);
        number >>= 7;
    }
    packed.push(number as u8);
}

/// Takes the next number, if there is one.
fn pop(packed: &mut &[u8]) -> Option<u64> {
    let (mut number, mut bits) = (0, 0);
    loop {
        let (byte, rest) = packed.split_first()?;
        *packed = rest;
        number |= u64::from(byte & 0x7f).checked_shl(bits)?;
        bits += 7;
        if *byte < 0x80 {
            return Some(number);
        }
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
            prop_assert!(sparse.entries().eq(whole.buckets()));
        }

        #[test]
        fn numbers_of_any_size_are_kept(numbers in prop::collection::vec((0..64_u32, any::<u64>()), 0..20)) {
            let numbers: Vec<u64> = numbers.into_iter().map(|(bits, number)| number >> bits).collect();
            let mut packed = Vec::new();
            numbers.iter().for_each(|number| push(&mut packed, *number));
            let rest = &mut &packed[..];
            let kept: Vec<u64> = iter::from_fn(|| pop(rest)).collect();
            prop_assert_eq!(kept, numbers);
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
