//! Every number that anyone will read of a run, computed and rounded once; then rendered.

mod accounting;
mod apdex;
mod checks;
pub mod csv;
mod curve;
mod document;
mod elide;
pub mod hlog;
pub mod html;
pub mod json;
pub mod junit;
pub mod kept;
pub mod live;
pub mod markdown;
mod metrics;
mod numbers;
mod plan;
pub mod progress;
#[cfg(test)]
mod tests;
pub mod text;
mod timeline;
pub mod trend;
pub mod window;

use muster_proto::histogram::Histogram;
use muster_proto::measurement::{Measurement, RequestStats, Sampled};
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::ThresholdWindow;

pub use apdex::{ApdexInfo, ApdexScore, NoTarget};
pub use document::*;
pub use elide::{ELIDED, elided};
pub use kept::{Digest, KeptRun};
pub use plan::{PlanView, ScenarioView, StageView, StepView, VarView};

use crate::run::record::{Absence, RunRecord};
use crate::verdict::books::Books;
use crate::verdict::validity::in_words;
use crate::verdict::{ThresholdResult, Value, Verdict, percentile_ns};
use numbers::{decimals, ms, ms_of, seconds, us};

impl Report {
    /// Judges a run that has ended and computes everything that can be read of it.
    #[must_use]
    pub fn of(record: &RunRecord) -> Self {
        let books = Books::of(record);
        let verdict = Verdict::of(record, &books);
        Self {
            schema: SCHEMA.to_owned(),
            run: run_info(record),
            verdict: verdict_info(record, &verdict),
            accounting: accounting::of(&books),
            metrics: metrics::of(record),
            checks: checks::of(record),
            errors: errors(record),
            agents: accounting::agents(record, &books),
            apdex: None,
            timeline: timeline::of(record),
        }
    }

    /// A metric by its name, scenario and request.
    #[must_use]
    pub fn metric(&self, name: &str, scenario: Option<&str>, request: Option<&str>) -> Option<&Metric> {
        self.metrics.iter().find(|metric| {
            metric.name == name && metric.scenario.as_deref() == scenario && metric.request.as_deref() == request
        })
    }
}

fn run_info(record: &RunRecord) -> RunInfo {
    RunInfo {
        id: record.id.to_string(),
        name: record.plan.name.clone(),
        plan: PlanView::of(&record.plan),
        seed: record.plan.seed,
        started_at: record.started_at.clone(),
        began: record.began,
        duration_s: seconds(record.duration_ns),
        judged_from_s: record.timeline.judged_from(),
        tags: record.tags.clone(),
        strict: record.strict,
        resumed: ResumedInfo::of(record.absence),
    }
}

impl ResumedInfo {
    /// As documents have it.
    #[must_use]
    pub fn of(absence: Absence) -> Self {
        let Absence { resumed, total_ns, by_wall_clock } = absence;
        Self { times: resumed, absent_s: seconds(total_ns), by_wall_clock }
    }
}

fn verdict_info(record: &RunRecord, verdict: &Verdict) -> VerdictInfo {
    VerdictInfo {
        outcome: verdict.outcome.name().to_owned(),
        exit_code: verdict.exit_code.code(),
        findings: verdict.findings.clone(),
        thresholds: verdict.thresholds.iter().map(threshold_info).collect(),
        validity: validity_info(record, verdict),
    }
}

fn threshold_info(result: &ThresholdResult) -> ThresholdInfo {
    let (value, unit) = match result.value {
        None => (None, None),
        Some(Value::Time(ns)) => (Some(ms_of(ns)), Some("ms")),
        Some(Value::Fraction(part)) => (Some(decimals(part, 6)), Some("fraction")),
        Some(Value::Count(count)) => (Some(count), Some("count")),
        Some(Value::Number(number)) => (Some(decimals(number, 6)), Some("value")),
        Some(Value::PerSecond(rate)) => (Some(decimals(rate, 3)), Some("per_s")),
    };
    ThresholdInfo {
        expression: result.expression.clone(),
        value,
        unit: unit.map(str::to_owned),
        passed: result.passed,
        window: match result.window {
            ThresholdWindow::Run => "run".to_owned(),
            ThresholdWindow::For(seconds) => format!("for {seconds}s"),
            ThresholdWindow::Over(seconds) => format!("over {seconds}s"),
        },
        remark: result.remark.clone(),
    }
}

fn validity_info(record: &RunRecord, verdict: &Verdict) -> ValidityInfo {
    let (measured, grades) = (record.timeline.measured(), &verdict.grades);
    let merged = |histograms: &mut dyn Iterator<Item = &Histogram>| {
        let mut whole = Histogram::default();
        histograms.for_each(|histogram| whole.merge(histogram));
        percentile_ns(&whole, 99.0).map(ms)
    };
    let starts = record.agents.iter().filter_map(|agent| agent.start_error_ns);
    let reasons = grades.reasons().map(|(reason, seconds)| ReasonInfo {
        reason: reason.name().to_owned(),
        suspect: seconds.suspect,
        invalid: seconds.invalid,
        text: in_words(reason, &seconds),
    });
    let uncertainty_ns = record.agents.iter().map(|agent| agent.clock_uncertainty_ns).max().unwrap_or(0);
    ValidityInfo {
        grade: verdict.grade.name().to_owned(),
        seconds: GradeSeconds { valid: grades.valid, suspect: grades.suspect, invalid: grades.invalid },
        reasons: reasons.collect(),
        arrival_lag_p99_ms: merged(&mut measured.scenarios.iter().map(|stats| &stats.arrival_lag)),
        lag_p99_ms: merged(&mut measured.series.iter().map(|stats| &stats.lag)),
        worker_cpu_max: decimals(record.timeline.agents().iter().map(|a| a.cpu.worker_max()).fold(0.0, f64::max), 3),
        start_spread_us: starts.map(i64::unsigned_abs).max().map(|ns| us(i64::try_from(ns).unwrap_or(i64::MAX))),
        clock_uncertainty_us: us(i64::try_from(uncertainty_ns).unwrap_or(i64::MAX)),
        clamped: clamped(record.timeline.warm_up()) + clamped(measured),
    }
}

/// Long durations only: what is shorter than the shortest bucket is as good as nothing.
fn clamped(measurement: &Measurement) -> u64 {
    let requests = measurement.series.iter().flat_map(RequestStats::histograms);
    requests.map(Histogram::above).sum()
}

fn errors(record: &RunRecord) -> Vec<ErrorInfo> {
    let timeline = &record.timeline;
    let mut errors = Vec::new();
    for (number, key) in timeline.table().keys().iter().enumerate() {
        for kind in ErrorKind::ALL {
            let failed = |measurement: &Measurement| measurement.series[number].failed[kind as usize];
            let count = failed(timeline.warm_up()) + failed(timeline.measured());
            if count == 0 {
                continue;
            }
            let of = Sampled::Failure(number as u32, kind);
            let sample = timeline.sample(of);
            errors.push(ErrorInfo {
                kind: kind.name().to_owned(),
                scenario: record.plan.scenarios[key.scenario].name.clone(),
                request: key.request.clone(),
                count,
                first_seen_s: sample.map(|sample| seconds(sample.at_ns)),
                sample: sample.map(|sample| sample.text.clone()),
                trace_id: timeline.trace(of).map(|trace| trace.to_string()),
            });
        }
    }
    errors.sort_by_key(|error| std::cmp::Reverse(error.count));
    errors
}
