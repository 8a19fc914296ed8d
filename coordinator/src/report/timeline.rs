//! The run by time, as documents have it.

use muster_proto::measurement::INTERVAL_NS;

use super::document::{AnnotationInfo, IntervalInfo, Quantiles, SeriesInfo};
use super::numbers::{ms, per_second, seconds};
use crate::run::record::{Annotation, RunRecord};
use crate::run::timeline::{Interval, SeriesInterval, Sparse};

pub(super) fn of(record: &RunRecord) -> Vec<IntervalInfo> {
    let mut intervals: Vec<IntervalInfo> =
        record.timeline.intervals().iter().map(|interval| interval_info(record, interval)).collect();
    let mut notes: Vec<&Annotation> = record.annotations.iter().collect();
    notes.sort_by_key(|note| note.at_ns);
    for Annotation { at_ns, text } in notes {
        // What was to come about after the end is noted there.
        let behind = intervals.partition_point(|interval| u64::from(interval.second) * INTERVAL_NS <= *at_ns);
        if let Some(interval) = behind.checked_sub(1).and_then(|place| intervals.get_mut(place)) {
            interval.annotations.push(AnnotationInfo { at_s: seconds(*at_ns), text: text.clone() });
        }
    }
    intervals
}

fn interval_info(record: &RunRecord, interval: &Interval) -> IntervalInfo {
    let Interval { first, seconds, counts, users, coarse, grades, .. } = interval;
    let response = interval.response();
    let rate = |count: u64| per_second(count, u64::from(*seconds) * 1_000_000_000);
    let keys = record.timeline.table().keys().iter().zip(&interval.series);
    let busy = keys.filter(|(_, series)| series.sent + series.outcomes > 0);
    IntervalInfo {
        second: *first,
        resolution_s: *seconds,
        due_per_s: rate(counts.due),
        started_per_s: rate(counts.started),
        sent_per_s: rate(counts.sent),
        done_per_s: rate(counts.outcomes()),
        skipped: counts.skipped_total(),
        errors: interval.series.iter().map(|series| series.errors).sum(),
        response: quantiles(&response),
        response_steps: steps(&response),
        users: *users,
        validity: grades.worst().name().to_owned(),
        reasons: grades.reasons().map(|(reason, _)| reason.name().to_owned()).collect(),
        coarse: *coarse,
        annotations: Vec::new(),
        series: busy
            .map(|(key, series)| series_info(&record.plan.scenarios[key.scenario].name, &key.request, series))
            .collect(),
    }
}

fn series_info(scenario: &str, request: &str, series: &SeriesInterval) -> SeriesInfo {
    SeriesInfo {
        scenario: scenario.to_owned(),
        request: request.to_owned(),
        count: series.outcomes,
        errors: series.errors,
        response: quantiles(series.response()),
    }
}

fn quantiles(response: &Sparse) -> Quantiles {
    let quantile = |q: f64| response.quantile_ns(q).map(ms);
    Quantiles {
        p50_ms: quantile(0.5),
        p90_ms: quantile(0.9),
        p99_ms: quantile(0.99),
        max_ms: response.max_ns().map(ms),
    }
}

/// How many took how long, in steps of a tenth of a decade of microseconds.
fn steps(response: &Sparse) -> Vec<(u16, u64)> {
    let mut steps: Vec<(u16, u64)> = Vec::new();
    for (highest_ns, count) in response.buckets() {
        let step = ((highest_ns as f64 / 1e3).log10() * 10.0).max(0.0) as u16;
        match steps.last_mut() {
            Some((last, sum)) if *last == step => *sum += count,
            _ => steps.push((step, count)),
        }
    }
    steps
}
