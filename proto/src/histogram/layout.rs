//! Where a value is counted: HdrHistogram's buckets for one fixed range and precision.
//!
//! Powers of two, each cut into 1 024 equal parts (twice that for the lowest), in units of 512 ns: the largest
//! power of two below the lowest value. See Gil Tene's HdrHistogram.

/// The shortest duration with a bucket of its own, in nanoseconds.
pub const LOWEST_NS: u64 = 1_000;
/// The longest duration with a bucket of its own, in nanoseconds: one hour.
pub const HIGHEST_NS: u64 = 3_600_000_000_000;

const UNIT_BITS: u32 = 9;
const HALF_BITS: u32 = 10;
const SUB_BUCKET_MASK: u64 = ((1 << (HALF_BITS + 1)) - 1) << UNIT_BITS;

/// How many buckets there are.
pub(super) const BUCKETS: usize = index_of(HIGHEST_NS) + 1;

/// The bucket that counts a value: the outermost one for values outside of the range.
#[inline]
pub(super) fn bucket_of(value_ns: u64) -> usize {
    index_of(value_ns.clamp(LOWEST_NS, HIGHEST_NS))
}

#[inline]
const fn index_of(value_ns: u64) -> usize {
    let octave = 64 - UNIT_BITS - HALF_BITS - 1 - (value_ns | SUB_BUCKET_MASK).leading_zeros();
    let part = (value_ns >> (octave + UNIT_BITS)) as usize;
    ((octave as usize + 1) << HALF_BITS) + part - (1 << HALF_BITS)
}

/// The smallest value that a bucket counts, in nanoseconds. An index beyond the last bucket is taken for the last.
#[must_use]
pub fn lowest_in_bucket_ns(index: usize) -> u64 {
    let (octave, part) = octave_and_part(index);
    part << (octave + UNIT_BITS)
}

/// The largest value that a bucket counts, in nanoseconds. An index beyond the last bucket is taken for the last.
#[must_use]
pub fn highest_in_bucket_ns(index: usize) -> u64 {
    let (octave, part) = octave_and_part(index);
    ((part + 1) << (octave + UNIT_BITS)) - 1
}

fn octave_and_part(index: usize) -> (u32, u64) {
    let index = index.min(BUCKETS - 1);
    let half = 1 << HALF_BITS;
    if index < 2 * half {
        return (0, index as u64);
    }
    let octave = (index >> HALF_BITS) as u32 - 1;
    (octave, (index & (half - 1)) as u64 + half as u64)
}
