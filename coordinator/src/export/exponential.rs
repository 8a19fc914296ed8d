//! Counts in buckets of equal ratio, as Prometheus' native histograms and OpenTelemetry's exponential ones have them.

/// The finest scale: 256 buckets for each doubling, each 0.27 % wide, so that they are hardly wider than the buckets they
/// are made of. The finest that Prometheus knows.
pub const SCALE_MAX: i32 = 8;
/// The coarsest scale that Prometheus knows: one bucket for each 65 536-fold.
const SCALE_MIN: i32 = -4;
/// The most buckets, empty ones between others included: as many as OpenTelemetry's libraries take. What spreads further
/// is counted at a coarser scale.
pub const BUCKETS_MAX: usize = 160;

/// Bucket i counts what is above base^i and not above base^(i + 1), where base is 2^(2^-scale).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exponential {
    scale: i32,
    /// The first bucket's number.
    offset: i32,
    /// From the first bucket that counts something to the last.
    counts: Vec<u64>,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { scale: SCALE_MAX, offset: 0, counts: Vec::new() }
    }
}

impl Exponential {
    /// Counts a value above 0 so many times.
    pub fn record_n(&mut self, value: f64, n: u64) {
        if n > 0 {
            self.add(bucket_of(value), SCALE_MAX, n);
        }
    }

    /// Adds what `other` counted, at the coarser of both scales or a coarser one yet.
    pub fn merge(&mut self, other: &Self) {
        if let Some(by) = self.scale.checked_sub(other.scale).filter(|by| *by > 0 && !other.counts.is_empty()) {
            self.coarsen(by as u32);
        }
        other.buckets().for_each(|(index, n)| self.add(index, other.scale, n));
    }

    /// Takes away what `earlier` counted, which must be a part of this.
    pub fn take_away(&mut self, earlier: &Self) {
        for (index, n) in earlier.buckets() {
            let index = index >> (earlier.scale - self.scale).max(0);
            if let Some(count) = usize::try_from(index - self.offset).ok().and_then(|at| self.counts.get_mut(at)) {
                *count = count.saturating_sub(n);
            }
        }
    }

    /// How fine the buckets are.
    #[must_use]
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// The number of the first bucket.
    #[must_use]
    pub fn offset(&self) -> i32 {
        self.offset
    }

    /// The counts of the buckets, from the first on: [`BUCKETS_MAX`] at most.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The buckets that are not empty, with their numbers.
    pub fn buckets(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        let numbered = (self.offset..).zip(&self.counts);
        numbered.filter(|(_, n)| **n > 0).map(|(index, n)| (index, *n))
    }

    /// Adds to a bucket of a scale that is as fine or finer.
    fn add(&mut self, index: i32, scale: i32, n: u64) {
        let mut index = index >> (scale - self.scale);
        if self.counts.is_empty() {
            (self.offset, self.counts) = (index, vec![n]);
            return;
        }
        let last = |this: &Self| this.offset + this.counts.len() as i32 - 1;
        while (last(self).max(index) - self.offset.min(index)) as usize >= BUCKETS_MAX && self.scale > SCALE_MIN {
            self.coarsen(1);
            index >>= 1;
        }
        if index < self.offset {
            let missing = (self.offset - index) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.offset = index;
        }
        let at = (index - self.offset) as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += n;
    }

    /// Joins 2^by neighbours at a time: each scale's buckets are made of whole ones of the next.
    fn coarsen(&mut self, by: u32) {
        let mut coarser = Self { scale: self.scale - by as i32, offset: 0, counts: Vec::new() };
        self.buckets().for_each(|(index, n)| coarser.add(index, self.scale, n));
        *self = coarser;
    }
}

/// The bucket of the finest scale.
fn bucket_of(value: f64) -> i32 {
    let parts = f64::from(1 << SCALE_MAX);
    (value.log2() * parts).ceil() as i32 - 1
}
