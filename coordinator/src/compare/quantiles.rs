//! How the times of two runs are shifted, at any quantile.

use std::collections::BTreeMap;

use super::batches::{BATCHES_MIN, Shift, cut};
use super::stretch::{Moment, Stretch};
use crate::run::timeline::Sparse;

/// So many times of a batch should lie beyond a quantile, on the side where fewer are, so that it says something of it.
const BEYOND_MIN: f64 = 5.0;

/// Why nobody can tell how far a number is shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// There are too few seconds.
    Short,
    /// There are too few requests beyond the quantile.
    Few,
}

impl Open {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Short => "too few seconds to tell",
            Self::Few => "too few requests beyond it to tell",
        }
    }
}

/// The times of a stretch, merged once for all quantiles that are asked of it.
pub(super) struct Times<'s> {
    stretch: &'s Stretch,
    /// All of them together.
    pub(super) whole: Sparse,
    done: u64,
    /// Those of its batches, by how many there are.
    batches: BTreeMap<usize, Vec<Sparse>>,
}

impl<'s> Times<'s> {
    pub(super) fn of(stretch: &'s Stretch) -> Self {
        let done = stretch.0.iter().map(|moment| moment.done).sum();
        let mut batches = BTreeMap::new();
        // The whole is its batches and what is left over before them.
        let whole = match cut(stretch.0.len(), usize::MAX) {
            None => merged(&stretch.0),
            Some(all) => {
                let each: Vec<Sparse> = all.iter().map(|batch| merged(&stretch.0[batch.clone()])).collect();
                let mut whole = merged(&stretch.0[..all[0].start]);
                whole.merge(&Sparse::of_all(&each, &|batch| batch));
                batches.insert(each.len(), each);
                whole
            }
        };
        Self { stretch, whole, done, batches }
    }

    /// The time at or below which a fraction `q` of the whole lies, as the logarithm of nanoseconds.
    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        log(&self.whole, q)
    }

    /// The same quantile of batches.
    fn of_batches(&mut self, q: f64) -> Result<Vec<f64>, Open> {
        let batches_max = (self.done as f64 * q.min(1.0 - q) / BEYOND_MIN) as usize;
        let moments = &self.stretch.0;
        cut(moments.len(), usize::MAX).ok_or(Open::Short)?;
        let batches = cut(moments.len(), batches_max).ok_or(Open::Few)?;
        let merge = || batches.iter().map(|batch| merged(&moments[batch.clone()])).collect();
        let each = self.batches.entry(batches.len()).or_insert_with(merge);
        let each: Vec<f64> = each.iter().filter_map(|times| log(times, q)).collect();
        if each.len() >= BATCHES_MIN { Ok(each) } else { Err(Open::Few) }
    }
}

/// How a quantile of the second is shifted against the first's, as a fraction of it.
pub(super) fn shift_of_quantile(first: &mut Times<'_>, second: &mut Times<'_>, q: f64) -> Result<Shift, Open> {
    let whole = first.quantile(q).zip(second.quantile(q)).ok_or(Open::Few)?;
    let (first, second) = (first.of_batches(q)?, second.of_batches(q)?);
    Shift::between(whole, &first, &second).map(as_fraction).ok_or(Open::Few)
}

/// The difference of two logarithms as a fraction of the first number.
fn as_fraction(logarithms: Shift) -> Shift {
    let Shift { by, low, high, shown_from } = logarithms;
    Shift { by: by.exp_m1(), low: low.exp_m1(), high: high.exp_m1(), shown_from: shown_from.exp_m1() }
}

fn log(times: &Sparse, q: f64) -> Option<f64> {
    times.quantile_ns(q).map(|ns| (ns.max(1) as f64).ln())
}

/// All times of these moments.
fn merged(moments: &[Moment]) -> Sparse {
    Sparse::of_all(moments, &|moment| &moment.response)
}
