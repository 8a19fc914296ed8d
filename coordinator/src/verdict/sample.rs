//! The part of a measurement that a threshold speaks of, and the number it asks for.

use muster_proto::histogram::Histogram;
use muster_proto::measurement::{
    Gauge, IterationStats, METRIC_UNIT, Measurement, Phase, RequestStats, SeriesTable, Tally, TallyKey, TallyKind,
    TallyTable,
};
use muster_proto::plan::{Aggregate, MetricKind, MetricName, Plan, Request, Selector, Threshold};
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
    /// Plain numbers.
    Values,
    /// How many.
    Counter,
    /// How much.
    Sum,
    /// How many of how many.
    Fraction,
    /// Where something stands.
    Gauge,
}

pub(super) fn kind_of(metric: MetricName, plan: &Plan) -> Kind {
    match metric {
        MetricName::HttpReqs | MetricName::Iterations | MetricName::DroppedIterations => Kind::Counter,
        MetricName::HttpReqFailed | MetricName::Checks => Kind::Fraction,
        MetricName::Own(place) => match plan.metrics.get(usize::from(place)).map(|(_, kind)| kind) {
            Some(MetricKind::Counter) => Kind::Sum,
            Some(MetricKind::Rate) => Kind::Fraction,
            Some(MetricKind::Gauge) => Kind::Gauge,
            _ => Kind::Values,
        },
        _ => Kind::Trend,
    }
}

impl Kind {
    /// Whether it only grows.
    pub(super) const fn is_count(self) -> bool {
        matches!(self, Self::Counter | Self::Sum)
    }
}

/// Which scenarios and series a threshold speaks of.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) metric: MetricName,
    pub(super) scenarios: Vec<usize>,
    parts: Parts,
    expected: Option<bool>,
}

/// What is selected of a measurement. Series and tallies are told by their numbers, each with its scenario.
#[derive(Clone, Debug)]
enum Parts {
    Iterations,
    Series(Vec<(usize, usize)>),
    Tallies(Vec<(usize, usize)>),
}

/// Whether something that is counted by request is selected by it, and by its tags.
fn is_chosen(selector: &Selector, plan: &Plan, scenario: usize, name: &str) -> bool {
    let has_tags = |request: &Request| selector.tags.iter().all(|tag| request.tags.contains(tag));
    let is_tagged =
        || plan.scenarios[scenario].requests().into_iter().any(|request| request.name == name && has_tags(request));
    selector.request.as_ref().is_none_or(|wanted| wanted == name) && (selector.tags.is_empty() || is_tagged())
}

impl Selection {
    pub(super) fn of(threshold: &Threshold, plan: &Plan, table: &SeriesTable, tallies: &TallyTable) -> Self {
        let selector = &threshold.selector;
        let chosen = |index: usize| selector.scenario.as_ref().is_none_or(|name| *name == plan.scenarios[index].name);
        let scenarios: Vec<usize> = (0..plan.scenarios.len()).filter(|index| chosen(*index)).collect();
        let of_tallies = |is_one: &dyn Fn(&TallyKey) -> bool| {
            let numbered = tallies.keys().iter().enumerate();
            let chosen = numbered.filter(|(_, key)| scenarios.contains(&key.scenario) && is_one(key));
            Parts::Tallies(chosen.map(|(number, key)| (number, key.scenario)).collect())
        };
        let parts = match threshold.metric {
            MetricName::IterationDuration | MetricName::Iterations | MetricName::DroppedIterations => Parts::Iterations,
            MetricName::Checks => of_tallies(&|key| {
                key.kind == TallyKind::Check
                    && selector.check.as_ref().is_none_or(|name| *name == key.name)
                    && is_chosen(selector, plan, key.scenario, &key.request)
            }),
            MetricName::GroupDuration => of_tallies(&|key| {
                key.kind == TallyKind::Group && selector.group.as_ref().is_none_or(|name| *name == key.name)
            }),
            MetricName::Own(place) => {
                let own = plan.metrics.get(usize::from(place));
                of_tallies(&|key| {
                    matches!(key.kind, TallyKind::Metric(_)) && own.is_some_and(|(name, _)| *name == key.name)
                })
            }
            _ => {
                let series = table.keys().iter().enumerate().filter(|(_, key)| {
                    scenarios.contains(&key.scenario) && is_chosen(selector, plan, key.scenario, &key.request)
                });
                Parts::Series(series.map(|(number, key)| (number, key.scenario)).collect())
            }
        };
        Self { metric: threshold.metric, scenarios, parts, expected: selector.expected_response }
    }

    /// Why this threshold, whose numbers are of this kind, can have none at all, if so.
    pub(super) fn impossible(&self, threshold: &Threshold, kind: Kind) -> Option<&'static str> {
        let split = matches!(self.metric, MetricName::HttpReqDuration | MetricName::HttpReqs);
        let is_empty = match &self.parts {
            Parts::Iterations => false,
            Parts::Series(parts) | Parts::Tallies(parts) => parts.is_empty(),
        };
        if self.scenarios.is_empty() || is_empty {
            return Some("no data: the plan has no such scenario or request");
        }
        if matches!(self.parts, Parts::Iterations) && (threshold.selector.request.is_some() || self.expected.is_some())
        {
            return Some("no data: iterations are not told apart by request or response");
        }
        if self.expected.is_some() && !split {
            return Some("no data: this metric is not told apart by response");
        }
        let asked = match (kind, threshold.aggregate) {
            (Kind::Gauge, Aggregate::Value | Aggregate::Min | Aggregate::Max) => None,
            (Kind::Trend | Kind::Values, aggregate) if aggregate != Aggregate::Value => None,
            (_, Aggregate::Count | Aggregate::Rate) | (Kind::Fraction, Aggregate::Avg) => None,
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
        match &self.parts {
            Parts::Iterations => {
                for index in &self.scenarios {
                    let stats = &measurement.scenarios[*index];
                    sample.add_flight(stats);
                    if counts(*index) {
                        sample.add_iterations(self.metric, stats);
                    }
                }
            }
            Parts::Series(series) => {
                for (number, scenario) in series {
                    let stats = &measurement.series[*number];
                    sample.begun += stats.sent;
                    sample.ended += stats.outcomes();
                    if counts(*scenario) {
                        self.add_requests(&mut sample, stats);
                    }
                }
            }
            Parts::Tallies(tallies) => {
                self.scenarios.iter().for_each(|index| sample.add_flight(&measurement.scenarios[*index]));
                let counted = tallies.iter().filter(|(_, scenario)| counts(*scenario));
                counted.for_each(|(number, _)| sample.add_tally(&measurement.tallies[*number]));
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
            | MetricName::DroppedIterations
            | MetricName::Checks
            | MetricName::GroupDuration
            | MetricName::Own(_) => {}
        }
    }
}

/// Whether a kind's aggregate is a time.
pub(super) const fn is_time(kind: Kind, aggregate: Aggregate) -> bool {
    matches!(kind, Kind::Trend) && !matches!(aggregate, Aggregate::Count | Aggregate::Rate | Aggregate::Value)
}

/// What a threshold speaks of, in some stretch of time. Adding two stretches is adding their counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sample {
    durations: Histogram,
    count: u64,
    /// Of a counter of the plan's own, in units of a [`METRIC_UNIT`]th.
    sum: u64,
    gauge: Option<Gauge>,
    /// What the count is a part of; without it there is no data.
    of: u64,
    /// Requests or iterations begun and ended, from which follows what is in flight.
    pub(super) begun: u64,
    pub(super) ended: u64,
}

impl Sample {
    fn add_flight(&mut self, stats: &IterationStats) {
        self.begun += stats.started;
        self.ended += stats.completed + stats.failed + stats.cut_off;
    }

    fn add_tally(&mut self, tally: &Tally) {
        self.count += tally.hits;
        self.of += tally.count;
        self.sum = self.sum.saturating_add(tally.sum);
        self.durations.merge(&tally.trend);
        self.add_gauge(tally.gauge.as_ref());
    }

    fn add_gauge(&mut self, gauge: Option<&Gauge>) {
        if let Some(gauge) = gauge {
            self.gauge.get_or_insert(*gauge).merge(gauge);
        }
    }

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
        self.sum = self.sum.saturating_add(other.sum);
        self.add_gauge(other.gauge.as_ref());
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
            Kind::Values => {
                let in_units = matches!(aggregate, Aggregate::Count | Aggregate::Rate);
                let value = self.of_durations(aggregate, per_second)?;
                Some(if in_units { value } else { value / METRIC_UNIT as f64 })
            }
            Kind::Gauge => self.gauge.map(|gauge| {
                let units = match aggregate {
                    Aggregate::Min => gauge.min,
                    Aggregate::Max => gauge.max,
                    _ => gauge.last,
                };
                units as f64 / METRIC_UNIT as f64
            }),
            Kind::Sum if aggregate == Aggregate::Rate => {
                per_second(self.sum).map(|per_second| per_second / METRIC_UNIT as f64)
            }
            Kind::Sum => Some(self.sum as f64 / METRIC_UNIT as f64),
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
            Aggregate::Value => None,
        }
    }

    /// Whether anything happened that the metric could have counted.
    pub(super) fn has_data(&self, kind: Kind) -> bool {
        match kind {
            Kind::Trend | Kind::Values => !self.durations.is_empty(),
            Kind::Fraction => self.of > 0,
            Kind::Gauge => self.gauge.is_some(),
            Kind::Counter | Kind::Sum => self.of > 0 || self.begun > 0 || self.count > 0,
        }
    }
}
