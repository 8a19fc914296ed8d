//! What of a run is compared: one request's, or all requests', judged seconds.

use super::batches::{Shift, cut};
use crate::run::record::RunRecord;
use crate::run::timeline::{Interval, Sparse};

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

    /// A number of batches; nothing if there is too little to tell.
    fn of_batches(&self, number: impl Fn(&[Moment]) -> f64) -> Option<Vec<f64>> {
        let batches = cut(self.0.len(), usize::MAX)?;
        Some(batches.into_iter().map(|batch| number(&self.0[batch])).collect())
    }
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

/// How far the second's number is from the first's.
pub(super) fn shift_of_number(first: &Stretch, second: &Stretch, number: fn(&[Moment]) -> f64) -> Option<Shift> {
    let whole = (number(&first.0), number(&second.0));
    Shift::between(whole, &first.of_batches(number)?, &second.of_batches(number)?)
}
