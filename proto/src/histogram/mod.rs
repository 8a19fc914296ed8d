//! Latency histograms that merge.

mod layout;

use layout::{BUCKETS, PAGE, index_of};
pub use layout::{HIGHEST_NS, LOWEST_NS, highest_in_bucket_ns, lowest_in_bucket_ns};

/// Counts of durations, in buckets whose width is less than a thousandth of their value.
///
/// The buckets are HdrHistogram's for [`LOWEST_NS`] to [`HIGHEST_NS`] with three significant digits, the same in
/// every program, so that merging is addition and exact. What lies outside is clamped and counted. Memory grows with
/// the ranges that are used, in pages, and is kept by [`Histogram::clear`].
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    pages: Vec<Option<Box<[u64; PAGE]>>>,
    count: u64,
    sum_ns: u128,
    min_ns: u64,
    max_ns: u64,
    below: u64,
    above: u64,
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, value_ns: u64) {
        self.record_n(value_ns, 1);
    }

    /// Counts one duration `n` times.
    pub fn record_n(&mut self, value_ns: u64, n: u64) {
        if n == 0 {
            return;
        }
        self.min_ns = if self.count == 0 { value_ns } else { self.min_ns.min(value_ns) };
        self.max_ns = self.max_ns.max(value_ns);
        self.sum_ns += u128::from(value_ns) * u128::from(n);
        self.count += n;
        if value_ns < LOWEST_NS {
            self.below += n;
        } else if value_ns > HIGHEST_NS {
            self.above += n;
        }
        *self.bucket_mut(index_of(value_ns.clamp(LOWEST_NS, HIGHEST_NS))) += n;
    }

    /// Adds everything that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min_ns = if self.count == 0 { other.min_ns } else { self.min_ns.min(other.min_ns) };
        self.max_ns = self.max_ns.max(other.max_ns);
        self.sum_ns += other.sum_ns;
        self.count += other.count;
        self.below += other.below;
        self.above += other.above;
        for (index, n) in other.buckets() {
            *self.bucket_mut(index) += n;
        }
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        if self.count == 0 {
            return;
        }
        for page in self.pages.iter_mut().flatten() {
            page.fill(0);
        }
        *self = Self { pages: std::mem::take(&mut self.pages), ..Self::default() };
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The exact sum, in nanoseconds.
    #[must_use]
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }

    /// The exact smallest duration, in nanoseconds.
    #[must_use]
    pub fn min_ns(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min_ns)
    }

    /// The exact largest duration, in nanoseconds.
    #[must_use]
    pub fn max_ns(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max_ns)
    }

    /// The exact arithmetic mean, in nanoseconds.
    #[must_use]
    pub fn mean_ns(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ns as f64 / self.count as f64)
    }

    /// How many durations were shorter than [`LOWEST_NS`] and counted there.
    #[must_use]
    pub fn below(&self) -> u64 {
        self.below
    }

    /// How many durations were longer than [`HIGHEST_NS`] and counted there.
    #[must_use]
    pub fn above(&self) -> u64 {
        self.above
    }

    /// The buckets that are not empty, as index and count, in ascending order.
    pub fn buckets(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.pages.iter().enumerate().flat_map(|(page_index, page)| {
            let counts = page.iter().flat_map(|page| page.iter().enumerate());
            counts.filter(|(_, n)| **n > 0).map(move |(offset, n)| (page_index * PAGE + offset, *n))
        })
    }

    /// The duration below or at which a fraction `q` (0 to 1) of all lies, in nanoseconds: the highest value of the
    /// bucket in which the ⌈q·count⌉-th smallest fell, as HdrHistogram defines it.
    #[must_use]
    pub fn quantile_ns(&self, q: f64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let rank = ((q.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).clamp(1, self.count);
        let mut seen = 0;
        for (index, n) in self.buckets() {
            seen += n;
            if seen >= rank {
                return Some(highest_in_bucket_ns(index));
            }
        }
        None
    }

    /// How many durations fell into buckets that lie wholly above `value_ns`.
    #[must_use]
    pub fn count_above(&self, value_ns: u64) -> u64 {
        let last = index_of(value_ns.clamp(LOWEST_NS, HIGHEST_NS));
        self.buckets().filter(|(index, _)| *index > last).map(|(_, n)| n).sum()
    }

    fn bucket_mut(&mut self, index: usize) -> &mut u64 {
        let (page, offset) = (index / PAGE, index % PAGE);
        if self.pages.len() <= page {
            self.pages.resize_with(BUCKETS.div_ceil(PAGE), || None);
        }
        &mut self.pages[page].get_or_insert_with(|| Box::new([0; PAGE]))[offset]
    }
}

impl PartialEq for Histogram {
    /// Equal counts, whatever memory they take.
    fn eq(&self, other: &Self) -> bool {
        let exact = |h: &Self| (h.count, h.sum_ns, h.min_ns, h.max_ns, h.below, h.above);
        exact(self) == exact(other) && self.buckets().eq(other.buckets())
    }
}
