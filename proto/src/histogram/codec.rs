//! A histogram as bytes: small, one form only, and safe to read from a stranger.
//!
//! An empty histogram is no bytes at all. Any other is one byte, [`FORMAT`], and then numbers as varints:
//!
//! | number | written |
//! |---|---|
//! | count, sum, min, max | always |
//! | below − 1 | if min is below the range |
//! | above − 1 | if max is above the range |
//! | the count of min's bucket − 1 | always |
//! | per further bucket: empty buckets in between, then its count − 1 | up to max's bucket, which ends the bytes |
//!
//! So buckets cannot be out of order or empty: there is no way to write that down. What can still be inconsistent is
//! checked, all of it, before anything is added.

use thiserror::Error;

use super::Histogram;
use super::counts::Counts;
use super::layout::{HIGHEST_NS, LOWEST_NS, bucket_of};
use super::summary::Summary;
use super::varint::{Numbers, put};

/// The first byte of every histogram that is not empty. It stands for the layout of the buckets too.
const FORMAT: u8 = 1;

/// Why bytes are not those of a histogram, or cannot be added to one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodecError {
    /// The first byte is not this format's.
    #[error("the histogram has format {found}, wanted {FORMAT}: use programs of the same version")]
    Format {
        /// The first byte.
        found: u8,
    },
    /// The bytes end within a number or before one.
    #[error("the histogram ends where a number was wanted: it was cut short")]
    Truncated,
    /// A number has more bits than its kind may have.
    #[error("the histogram has a number of more than {bits} bits")]
    NumberTooLarge {
        /// How many bits were wanted at most.
        bits: u32,
    },
    /// A number is longer than it needs to be.
    #[error("the histogram has a number that is padded with zeros, wanted the shortest form")]
    Padded,
    /// The extremes are in the wrong order.
    #[error("the histogram's smallest duration is {min_ns} ns and its largest {max_ns} ns, wanted them in order")]
    Order {
        /// The declared smallest duration.
        min_ns: u64,
        /// The declared largest duration.
        max_ns: u64,
    },
    /// The last bucket is not the one in which the largest duration falls.
    #[error("the histogram's buckets do not end with the one of its largest duration, {max_ns} ns")]
    LastBucket {
        /// The declared largest duration.
        max_ns: u64,
    },
    /// The buckets do not add up.
    #[error("the histogram's buckets hold {found} durations, wanted {declared} as it declares")]
    Count {
        /// What the buckets hold.
        found: u128,
        /// What was declared.
        declared: u64,
    },
    /// The sum cannot be that of so many durations between the extremes.
    #[error("the sum of the histogram's durations is {found} ns, wanted one from {least} to {greatest} ns")]
    Sum {
        /// The declared sum.
        found: u128,
        /// The least that count and extremes allow.
        least: u128,
        /// The greatest that count and extremes allow.
        greatest: u128,
    },
    /// The durations outside of the range contradict the extremes or the outermost buckets.
    #[error("{below} durations below and {above} above the histogram's range contradict its extremes or buckets")]
    Outside {
        /// The declared number below.
        below: u64,
        /// The declared number above.
        above: u64,
    },
    /// A histogram cannot count so many durations.
    #[error("{more} more durations on top of {held} are more than a histogram can count")]
    Overflow {
        /// How many are counted already.
        held: u64,
        /// How many were to be added.
        more: u64,
    },
}

impl Histogram {
    /// Appends this histogram as bytes. Equal histograms give equal bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if self.is_empty() {
            return;
        }
        let Summary { count, sum_ns, min_ns, max_ns, below, above } = self.summary;
        out.push(FORMAT);
        put(out, count);
        put(out, sum_ns);
        put(out, min_ns);
        put(out, max_ns);
        for outside in [below, above].into_iter().filter(|n| *n > 0) {
            put(out, outside - 1);
        }
        let mut next = None;
        for (index, n) in self.buckets() {
            if let Some(next) = next {
                put(out, (index - next) as u64);
            }
            put(out, n - 1);
            next = Some(index + 1);
        }
    }

    /// Adds the histogram that these bytes are, without building it first.
    ///
    /// # Errors
    ///
    /// If the bytes are not in the one form that [`Histogram::encode`] writes, or contradict themselves, or if both
    /// together count more than `u64::MAX` durations. This histogram is unchanged then.
    pub fn merge_encoded(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let Some((format, numbers)) = bytes.split_first() else {
            return Ok(());
        };
        if *format != FORMAT {
            return Err(CodecError::Format { found: *format });
        }
        let payload = Payload::read(Numbers(numbers))?;
        let buckets = payload.check()?;
        if self.is_empty() {
            let mut list = Vec::with_capacity(buckets);
            payload.walk(|index, n| list.push((index as u32, n)))?;
            *self = Self { summary: payload.summary, counts: Counts::of_list(list) };
            return Ok(());
        }
        let (held, more) = (self.count(), payload.summary.count);
        self.summary = self.summary.plus(&payload.summary).ok_or(CodecError::Overflow { held, more })?;
        payload.walk(|index, n| self.counts.add(index, n))
    }

    /// The histogram that these bytes are.
    ///
    /// # Errors
    ///
    /// If the bytes are not in the one form that [`Histogram::encode`] writes, or contradict themselves.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut histogram = Self::default();
        histogram.merge_encoded(bytes)?;
        Ok(histogram)
    }
}

/// A histogram that is not empty, as it was found in bytes.
struct Payload<'a> {
    summary: Summary,
    buckets: Numbers<'a>,
}

impl<'a> Payload<'a> {
    fn read(mut numbers: Numbers<'a>) -> Result<Self, CodecError> {
        let count = numbers.next()?;
        let sum_ns = numbers.next_wide()?;
        let min_ns = numbers.next()?;
        let max_ns = numbers.next()?;
        let below = if min_ns < LOWEST_NS { at_least_one(&mut numbers)? } else { 0 };
        let above = if max_ns > HIGHEST_NS { at_least_one(&mut numbers)? } else { 0 };
        Ok(Self { summary: Summary { count, sum_ns, min_ns, max_ns, below, above }, buckets: numbers })
    }

    /// How many buckets there are, if the parts agree with each other.
    fn check(&self) -> Result<usize, CodecError> {
        let Summary { count: declared, sum_ns: found, min_ns, max_ns, below, above } = self.summary;
        if min_ns > max_ns {
            return Err(CodecError::Order { min_ns, max_ns });
        }
        let (mut buckets, mut total, mut first, mut last) = (0, 0, None, 0);
        self.walk(|_, n| {
            buckets += 1;
            total += u128::from(n);
            first = first.or(Some(n));
            last = n;
        })?;
        if total != u128::from(declared) {
            return Err(CodecError::Count { found: total, declared });
        }
        let (least, greatest) = self.summary.sum_bounds_ns();
        if found < least || found > greatest {
            return Err(CodecError::Sum { found, least, greatest });
        }
        // What is below is in the first bucket, and is everything only if even the largest is below; likewise above.
        let fits = below <= first.unwrap_or(0) && above <= last;
        if !fits || (below == declared) != (max_ns < LOWEST_NS) || (above == declared) != (min_ns > HIGHEST_NS) {
            return Err(CodecError::Outside { below, above });
        }
        Ok(buckets)
    }

    /// Shows index and count of one bucket after the other. Indices ascend from the bucket of the smallest duration
    /// to the one of the largest, or it is an error. The smallest must not exceed the largest.
    #[inline]
    fn walk(&self, mut visit: impl FnMut(usize, u64)) -> Result<(), CodecError> {
        let Summary { min_ns, max_ns, .. } = self.summary;
        let (mut index, last) = (bucket_of(min_ns), bucket_of(max_ns));
        let mut numbers = self.buckets;
        loop {
            visit(index, at_least_one(&mut numbers)?);
            if numbers.is_empty() {
                return if index == last { Ok(()) } else { Err(CodecError::LastBucket { max_ns }) };
            }
            let gap = numbers.next()?;
            if gap >= (last - index) as u64 {
                return Err(CodecError::LastBucket { max_ns });
            }
            index += 1 + gap as usize;
        }
    }
}

/// A number that was written one less than it is.
#[inline]
fn at_least_one(numbers: &mut Numbers<'_>) -> Result<u64, CodecError> {
    numbers.next()?.checked_add(1).ok_or(CodecError::NumberTooLarge { bits: u64::BITS })
}
