//! What is counted beside requests and iterations: checks, groups, and the plan's own metrics.

use muster_proto::measurement::{METRIC_UNIT, Sampled, Tally, TallyKind};
use muster_proto::plan::MetricKind;

use super::document::{CheckInfo, GaugeInfo, Metric};
use super::metrics::Scope;
use super::numbers::{decimals, seconds};
use crate::run::record::RunRecord;

/// All checks, in the order of the plan.
pub(super) fn of(record: &RunRecord) -> Vec<CheckInfo> {
    let timeline = &record.timeline;
    let numbered = timeline.tallies().keys().iter().zip(&timeline.measured().tallies).enumerate();
    let checks = numbered.filter(|(_, (key, _))| key.kind == TallyKind::Check);
    let info = checks.map(|(number, (key, tally))| {
        let sample = timeline.sample(Sampled::Miss(number as u32));
        CheckInfo {
            scenario: record.plan.scenarios[key.scenario].name.clone(),
            request: key.request.clone(),
            check: key.name.clone(),
            passes: tally.hits,
            fails: tally.misses(),
            first_failed_s: sample.map(|sample| seconds(sample.at_ns)),
            sample: sample.map(|sample| sample.text.clone()),
            trace_id: timeline.trace(Sampled::Miss(number as u32)).map(|trace| trace.to_string()),
        }
    });
    info.collect()
}

/// The checks and own metrics of one scenario, or of all.
pub(super) fn metrics(record: &RunRecord, scope: &Scope, scenario: Option<usize>, metrics: &mut Vec<Metric>) {
    let timeline = &record.timeline;
    let merged = |kind: TallyKind, name: Option<&str>| {
        let mut whole: Option<Tally> = None;
        for (key, tally) in timeline.tallies().keys().iter().zip(&timeline.measured().tallies) {
            let is_asked = key.kind == kind && name.is_none_or(|name| name == key.name);
            if is_asked && scenario.is_none_or(|scenario| scenario == key.scenario) {
                whole.get_or_insert_default().merge(tally);
            }
        }
        whole
    };
    if let Some(checks) = merged(TallyKind::Check, None) {
        metrics.push(scope.rate("checks", checks.hits, checks.count));
    }
    if let Some(scenario) = scenario {
        for name in record.plan.scenarios[scenario].groups() {
            let times = merged(TallyKind::Group, Some(&name));
            let metric = times.and_then(|tally| scope.trend("group_duration", &tally.trend, true));
            metrics.extend(metric.map(|metric| Metric { group: Some(name), ..metric }));
        }
    }
    for (name, kind) in &record.plan.metrics {
        if let Some(tally) = merged(TallyKind::Metric(*kind), Some(name)) {
            metrics.extend(own(scope, name, *kind, &tally));
        }
    }
}

fn own(scope: &Scope, name: &str, kind: MetricKind, tally: &Tally) -> Option<Metric> {
    let worth = |units: f64| decimals(units / METRIC_UNIT as f64, 6);
    match kind {
        MetricKind::Trend => scope.trend(name, &tally.trend, true),
        MetricKind::Rate => Some(scope.rate(name, tally.hits, tally.count)),
        MetricKind::Counter => Some(Metric { sum: Some(worth(tally.sum as f64)), ..scope.counter(name, tally.count) }),
        MetricKind::Gauge => tally.gauge.map(|gauge| {
            let [value, lowest, highest] = [gauge.last, gauge.min, gauge.max].map(|units| worth(units as f64));
            Metric { gauge: Some(GaugeInfo { value, lowest, highest }), ..scope.metric(name, "gauge", tally.count) }
        }),
    }
}
