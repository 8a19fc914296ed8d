//! What of a run is compared: one request's, or all requests', judged seconds.

use super::batches::{BATCHES_MIN, Shift, cut};
use crate::run::record::RunRecord;
use crate::run::timeline::{Interval, Sparse};

/// So many times of a batch should lie above a percentile, so that it says something of it.
const ABOVE_MIN: f64 = 5.0;

/// One interval, as far as it is compared.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment {
    pub(super) response: Sparse,
    pub(super) done: u64,
    pub(super) failed: u64,
    pub(super) seconds: u32,
}

/// The judged intervals of a run, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretch(pub(super) Vec<Moment>);

impl Stretch {
    /// Those of the series of this number, or of all together. The last second is left out: it is hardly ever a whole one.
    pub(super) fn of(record: &RunRecord, series: Option<usize>) -> Self {
        let from = record.timeline.judged_from();
        let until_s = record.duration_ns / 1_000_000_000;
        let judged = |interval: &&Interval| {
            interval.first >= from && u64::from(interval.first) + u64::from(interval.seconds) <= until_s
        };
        let moment = |interval: &Interval| {
            let mut moment = Moment { seconds: interval.seconds, ..Moment::default() };
            for of in
                interval.series.iter().enumerate().filter(|(place, _)| series.is_none_or(|wanted| *place == wanted))
            {
                moment.response.merge(of.1.response());
                moment.done += of.1.outcomes;
                moment.failed += of.1.errors;
            }
            moment
        };
        Self(record.timeline.intervals().iter().filter(judged).map(moment).collect())
    }

    fn merged(moments: &[Moment]) -> Sparse {
        match moments {
            [] => Sparse::default(),
            [one] => one.response.clone(),
            // By halves, so that what has grown large is not gone through again for every moment.
            _ => {
                let (first, second) = moments.split_at(moments.len() / 2);
                let mut all = Self::merged(first);
                all.merge(&Self::merged(second));
                all
            }
        }
    }

    /// The time at or below which a fraction `q` of the whole lies, as the logarithm of nanoseconds.
    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        log(&Self::merged(&self.0), q)
    }

    /// The same of batches; nothing if there is too little to tell.
    fn quantiles_of_batches(&self, q: f64) -> Option<Vec<f64>> {
        let done: u64 = self.0.iter().map(|moment| moment.done).sum();
        let batches_max = (done as f64 * (1.0 - q) / ABOVE_MIN) as usize;
        let batches = cut(self.0.len(), batches_max)?;
        let each = batches.into_iter().filter_map(|batch| log(&Self::merged(&self.0[batch]), q));
        Some(each.collect::<Vec<f64>>()).filter(|each| each.len() >= BATCHES_MIN)
    }

    /// A number of batches; nothing if there is too little to tell.
    fn of_batches(&self, number: impl Fn(&[Moment]) -> f64) -> Option<Vec<f64>> {
        let batches = cut(self.0.len(), usize::MAX)?;
        Some(batches.into_iter().map(|batch| number(&self.0[batch])).collect())
    }
}

fn log(times: &Sparse, q: f64) -> Option<f64> {
    times.quantile_ns(q).map(|ns| (ns.max(1) as f64).ln())
}

/// Requests done per second.
pub(super) fn rate(moments: &[Moment]) -> f64 {
    let seconds: u64 = moments.iter().map(|moment| u64::from(moment.seconds)).sum();
    moments.iter().map(|moment| moment.done).sum::<u64>() as f64 / seconds.max(1) as f64
}

/// The part of the requests that failed.
pub(super) fn failed(moments: &[Moment]) -> f64 {
    let done: u64 = moments.iter().map(|moment| moment.done).sum();
    moments.iter().map(|moment| moment.failed).sum::<u64>() as f64 / done.max(1) as f64
}

/// How a quantile of the second is shifted against the first's, as a fraction of it.
pub(super) fn shift_of_quantile(first: &Stretch, second: &Stretch, q: f64) -> Option<Shift> {
    let whole = (first.quantile(q)?, second.quantile(q)?);
    let (first, second) = (first.quantiles_of_batches(q)?, second.quantiles_of_batches(q)?);
    Shift::between(whole, &first, &second).map(as_fraction)
}

/// How far the second's number is from the first's.
pub(super) fn shift_of_number(first: &Stretch, second: &Stretch, number: fn(&[Moment]) -> f64) -> Option<Shift> {
    let whole = (number(&first.0), number(&second.0));
    Shift::between(whole, &first.of_batches(number)?, &second.of_batches(number)?)
}

/// The difference of two logarithms as a fraction of the first number.
fn as_fraction(logarithms: Shift) -> Shift {
    let Shift { by, low, high, shown_from } = logarithms;
    Shift { by: by.exp_m1(), low: low.exp_m1(), high: high.exp_m1(), shown_from: shown_from.exp_m1() }
}
