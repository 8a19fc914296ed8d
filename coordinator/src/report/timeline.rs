//! The run by time, as documents have it.

use muster_proto::measurement::INTERVAL_NS;

use super::document::{AnnotationInfo, IntervalInfo, SeriesInfo};
use super::numbers::{ms, per_second, seconds};
use crate::run::record::{Annotation, RunRecord};
use crate::run::timeline::{Interval, SeriesInterval};

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
    let quantile = |q: f64| series.response_quantile_ns(q).map(ms);
    SeriesInfo {
        scenario: scenario.to_owned(),
        request: request.to_owned(),
        count: series.outcomes,
        errors: series.errors,
        p50_ms: quantile(0.5),
        p90_ms: quantile(0.9),
        p99_ms: quantile(0.99),
        max_ms: series.response_max_ns().map(ms),
    }
}
