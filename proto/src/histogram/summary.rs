//! What a histogram knows exactly, beside its buckets.

use super::layout::{HIGHEST_NS, LOWEST_NS};

/// Exact counts, sum and extremes. The sum cannot overflow unless the count does, for it is at most count · max.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) sum_ns: u128,
    /// The largest value there is while nothing was counted, so that the first duration needs no special case.
    pub(super) min_ns: u64,
    pub(super) max_ns: u64,
    pub(super) below: u64,
    pub(super) above: u64,
}

impl Summary {
    /// Counts a duration `n` times. The caller makes sure that the count does not overflow.
    // Inlined without fail, for the reason that its caller is.
    #[inline(always)]
    pub(super) fn record(&mut self, value_ns: u64, n: u64) {
        self.count += n;
        self.sum_ns += u128::from(value_ns) * u128::from(n);
        self.min_ns = self.min_ns.min(value_ns);
        self.max_ns = self.max_ns.max(value_ns);
        self.below += if value_ns < LOWEST_NS { n } else { 0 };
        self.above += if value_ns > HIGHEST_NS { n } else { 0 };
    }

    /// Both together, unless the count overflows.
    pub(super) fn plus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            count: self.count.checked_add(other.count)?,
            sum_ns: self.sum_ns + other.sum_ns,
            min_ns: self.min_ns.min(other.min_ns),
            max_ns: self.max_ns.max(other.max_ns),
            below: self.below + other.below,
            above: self.above + other.above,
        })
    }

    /// The least and the greatest sum of so many durations, one of which is the smallest and one the largest.
    pub(super) fn sum_bounds_ns(&self) -> (u128, u128) {
        let (min_ns, max_ns) = (u128::from(self.min_ns), u128::from(self.max_ns));
        let others = u128::from(self.count.saturating_sub(1));
        (min_ns * others + max_ns, max_ns * others + min_ns)
    }
}

impl Default for Summary {
    fn default() -> Self {
        Self { count: 0, sum_ns: 0, min_ns: u64::MAX, max_ns: 0, below: 0, above: 0 }
    }
}
