//! Throws of dice that depend on a seed and on nothing else.

use std::ops::RangeInclusive;

/// Dice that fall the same way for the same seed, on every machine (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for a part of the whole, so that its throws change nobody else's.
    pub(crate) fn of(seed: u64, part: u64) -> Self {
        Self(Self(seed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of this range.
    pub(crate) fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.next() % (range.end() - range.start() + 1)
    }

    /// True once in so many throws.
    pub(crate) fn one_in(&mut self, throws: u64) -> bool {
        self.within(1..=throws) == 1
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.within(0..=choice.len() as u64 - 1) as usize]
    }
}
