//! The part of a measurement that a threshold speaks of, and the number it asks for.

use muster_proto::histogram::Histogram;
use muster_proto::measurement::{IterationStats, Measurement, Phase, RequestStats, SeriesTable};
use muster_proto::plan::{Aggregate, MetricName, Plan, Selector, Threshold};
use serde::{Deserialize, Serialize};

/// The duration at or below which this percentage (0 to 100) lies, in nanoseconds: the bucket's highest value, but
/// never more than the exact maximum. Asked of merged histograms only.
#[must_use]
pub fn percentile_ns(histogram: &Histogram, percent: f64) -> Option<u64> {
    let highest = histogram.quantile_ns(percent / 100.0)?;
    Some(highest.min(histogram.max_ns()?))
}

/// What kind of numbers a metric has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Durations.
    Trend,
    /// How many.
    Counter,
    /// How many of how many.
    Fraction,
}

pub(super) const fn kind_of(metric: MetricName) -> Kind {
    match metric {
        MetricName::HttpReqs | MetricName::Iterations | MetricName::DroppedIterations => Kind::Counter,
        MetricName::HttpReqFailed => Kind::Fraction,
        _ => Kind::Trend,
    }
}

/// Which scenarios and series a threshold speaks of.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) metric: MetricName,
    pub(super) scenarios: Vec<usize>,
    /// By their numbers, each with its scenario.
    series: Vec<(usize, usize)>,
    expected: Option<bool>,
    of_iterations: bool,
}

impl Selection {
    pub(super) fn of(threshold: &Threshold, plan: &Plan, table: &SeriesTable) -> Self {
        let Selector { scenario, request, expected_response } = &threshold.selector;
        let chosen = |index: usize| scenario.as_ref().is_none_or(|name| *name == plan.scenarios[index].name);
        let scenarios: Vec<usize> = (0..plan.scenarios.len()).filter(|index| chosen(*index)).collect();
        let series = table.keys().iter().enumerate().filter(|(_, key)| {
            scenarios.contains(&key.scenario) && request.as_ref().is_none_or(|name| *name == key.request)
        });
        Self {
            metric: threshold.metric,
            series: series.map(|(number, key)| (number, key.scenario)).collect(),
            scenarios,
            expected: *expected_response,
            of_iterations: matches!(
                threshold.metric,
                MetricName::IterationDuration | MetricName::Iterations | MetricName::DroppedIterations
            ),
        }
    }

    /// Why this threshold can have no number at all, if so.
    pub(super) fn impossible(&self, threshold: &Threshold) -> Option<&'static str> {
        let kind = kind_of(self.metric);
        let split = matches!(self.metric, MetricName::HttpReqDuration | MetricName::HttpReqs);
        if self.scenarios.is_empty() || (!self.of_iterations && self.series.is_empty()) {
            return Some("no data: the plan has no such scenario or request");
        }
        if self.of_iterations && (threshold.selector.request.is_some() || self.expected.is_some()) {
            return Some("no data: iterations are not told apart by request or response");
        }
        if self.expected.is_some() && !split {
            return Some("no data: this metric is not told apart by response");
        }
        let asked = match (kind, threshold.aggregate) {
            (Kind::Trend, _) | (_, Aggregate::Count | Aggregate::Rate) | (Kind::Fraction, Aggregate::Avg) => None,
            _ => Some("no data: a count has no distribution"),
        };
        let time = matches!(threshold.bound, muster_proto::plan::Bound::Time(_));
        if asked.is_none() && time && !is_time(kind, threshold.aggregate) {
            return Some("no data: a number is compared with a time");
        }
        asked
    }

    /// What the threshold speaks of, in those scenarios that count; what is in flight counts in all of them.
    pub(super) fn sample(&self, measurement: &Measurement, counts: impl Fn(usize) -> bool) -> Sample {
        let mut sample = Sample::default();
        if self.of_iterations {
            for index in &self.scenarios {
                let stats = &measurement.scenarios[*index];
                sample.begun += stats.started;
                sample.ended += stats.completed + stats.failed + stats.cut_off;
                if counts(*index) {
                    sample.add_iterations(self.metric, stats);
                }
            }
        } else {
            for (number, scenario) in &self.series {
                let stats = &measurement.series[*number];
                sample.begun += stats.sent;
                sample.ended += stats.outcomes();
                if counts(*scenario) {
                    self.add_requests(&mut sample, stats);
                }
            }
        }
        sample
    }

    fn add_requests(&self, sample: &mut Sample, stats: &RequestStats) {
        sample.of += stats.outcomes();
        sample.count += match (self.metric, self.expected) {
            (MetricName::HttpReqFailed, _) | (_, Some(false)) => stats.failed_total(),
            (_, Some(true)) => stats.expected,
            (_, None) => stats.outcomes(),
        };
        let mut add = |histogram: &Histogram| sample.durations.merge(histogram);
        match self.metric {
            MetricName::HttpReqDuration => {
                if self.expected != Some(false) {
                    add(&stats.response_expected);
                }
                if self.expected != Some(true) {
                    add(&stats.response_failed);
                }
            }
            MetricName::ServiceTime => add(&stats.service),
            MetricName::Queued => add(&stats.queued),
            MetricName::Lag => add(&stats.lag),
            MetricName::HttpReqBlocked => add(&stats.phases[Phase::Blocked as usize]),
            MetricName::HttpReqDns => add(&stats.phases[Phase::Dns as usize]),
            MetricName::HttpReqConnecting => add(&stats.phases[Phase::Connecting as usize]),
            MetricName::HttpReqTlsHandshaking => add(&stats.phases[Phase::TlsHandshaking as usize]),
            MetricName::HttpReqSending => add(&stats.phases[Phase::Sending as usize]),
            MetricName::HttpReqWaiting => add(&stats.phases[Phase::Waiting as usize]),
            MetricName::HttpReqReceiving => add(&stats.phases[Phase::Receiving as usize]),
            MetricName::HttpReqs
            | MetricName::HttpReqFailed
            | MetricName::IterationDuration
            | MetricName::Iterations
            | MetricName::DroppedIterations => {}
        }
    }
}

/// Whether a kind's aggregate is a time.
pub(super) const fn is_time(kind: Kind, aggregate: Aggregate) -> bool {
    matches!(kind, Kind::Trend) && !matches!(aggregate, Aggregate::Count | Aggregate::Rate)
}

/// What a threshold speaks of, in some stretch of time. Adding two stretches is adding their counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sample {
    durations: Histogram,
    count: u64,
    /// What the count is a part of; without it there is no data.
    of: u64,
    /// Requests or iterations begun and ended, from which follows what is in flight.
    pub(super) begun: u64,
    pub(super) ended: u64,
}

impl Sample {
    fn add_iterations(&mut self, metric: MetricName, stats: &IterationStats) {
        self.of += stats.due + stats.completed;
        match metric {
            MetricName::DroppedIterations => self.count += stats.skipped_total(),
            MetricName::IterationDuration => self.durations.merge(&stats.duration),
            _ => self.count += stats.completed,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.durations.merge(&other.durations);
        self.count += other.count;
        self.of += other.of;
        self.begun += other.begun;
        self.ended += other.ended;
    }

    /// Whether nothing began, ended or was counted.
    pub(super) fn is_idle(&self) -> bool {
        self.begun == 0 && self.ended == 0 && self.of == 0 && self.count == 0 && self.durations.is_empty()
    }

    /// The number that is asked for, in nanoseconds if it is a time; `None` without data.
    pub(super) fn value(&self, kind: Kind, aggregate: Aggregate, stretch_ns: u64) -> Option<f64> {
        let per_second = |count: u64| (stretch_ns > 0).then(|| count as f64 * 1e9 / stretch_ns as f64);
        match kind {
            Kind::Trend => self.of_durations(aggregate, per_second),
            Kind::Fraction if self.of == 0 => None,
            Kind::Fraction if aggregate == Aggregate::Count => Some(self.count as f64),
            Kind::Fraction => Some(self.count as f64 / self.of as f64),
            Kind::Counter if aggregate == Aggregate::Rate => per_second(self.count),
            Kind::Counter => Some(self.count as f64),
        }
    }

    fn of_durations(&self, aggregate: Aggregate, per_second: impl Fn(u64) -> Option<f64>) -> Option<f64> {
        let durations = &self.durations;
        if durations.is_empty() {
            return None;
        }
        match aggregate {
            Aggregate::Count => Some(durations.count() as f64),
            Aggregate::Rate => per_second(durations.count()),
            Aggregate::Avg => durations.mean_ns(),
            Aggregate::Min => durations.min_ns().map(|ns| ns as f64),
            Aggregate::Max => durations.max_ns().map(|ns| ns as f64),
            Aggregate::Med => percentile_ns(durations, 50.0).map(|ns| ns as f64),
            Aggregate::Percentile(percent) => percentile_ns(durations, percent).map(|ns| ns as f64),
        }
    }

    /// Whether anything happened that the metric could have counted.
    pub(super) fn has_data(&self, kind: Kind) -> bool {
        match kind {
            Kind::Trend => !self.durations.is_empty(),
            Kind::Fraction => self.of > 0,
            Kind::Counter => self.of > 0 || self.begun > 0 || self.count > 0,
        }
    }
}
