//! What the page is made of: the document, with its timeline as columns, which take a fraction of the room.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::{
    Accounting, AgentInfo, CheckInfo, ErrorInfo, IntervalInfo, Metric, Quantiles, Report, RunInfo, SeriesInfo, Times,
    VerdictInfo,
};

/// All that the page shows.
#[derive(Serialize)]
pub(super) struct Page<'r> {
    run: &'r RunInfo,
    verdict: &'r VerdictInfo,
    accounting: &'r Accounting,
    metrics: Vec<Metric>,
    checks: &'r [CheckInfo],
    errors: &'r [ErrorInfo],
    agents: &'r [AgentInfo],
    timeline: Columns<'r>,
}

/// The timeline, a column for each number; every one has as many as there are intervals.
#[derive(Default, Serialize)]
pub(super) struct Columns<'r> {
    second: Vec<u32>,
    resolution_s: Vec<u32>,
    due_per_s: Vec<f64>,
    started_per_s: Vec<f64>,
    sent_per_s: Vec<f64>,
    done_per_s: Vec<f64>,
    errors: Vec<u64>,
    skipped: Vec<u64>,
    users: Vec<u64>,
    /// The beginning of the grade's name.
    validity: String,
    /// By interval, where there are some.
    reasons: BTreeMap<usize, String>,
    steps: Vec<&'r [(u16, u64)]>,
    all: QuantileColumns,
    series: Vec<SeriesColumns<'r>>,
    annotations: Vec<(f64, &'r str)>,
}

#[derive(Default, Serialize)]
struct QuantileColumns {
    p50_ms: Vec<Option<f64>>,
    p90_ms: Vec<Option<f64>>,
    p99_ms: Vec<Option<f64>>,
    max_ms: Vec<Option<f64>>,
}

/// A request's timeline, with fewer of its times: there may be many.
#[derive(Serialize)]
struct SeriesColumns<'r> {
    scenario: &'r str,
    request: &'r str,
    count: Vec<u64>,
    /// By interval, where there are some.
    errors: BTreeMap<usize, u64>,
    p50_ms: Vec<Option<f64>>,
    p99_ms: Vec<Option<f64>>,
}

impl QuantileColumns {
    fn set(&mut self, place: usize, of: Quantiles) {
        set(&mut self.p50_ms, place, of.p50_ms);
        set(&mut self.p90_ms, place, of.p90_ms);
        set(&mut self.p99_ms, place, of.p99_ms);
        set(&mut self.max_ms, place, of.max_ms);
    }
}

/// What there is at a place; nothing at those before it that have nothing yet.
fn set(column: &mut Vec<Option<f64>>, place: usize, value: Option<f64>) {
    column.resize(place, None);
    column.push(value);
}

impl<'r> Page<'r> {
    pub(super) fn of(report: &'r Report) -> Self {
        Self {
            run: &report.run,
            verdict: &report.verdict,
            accounting: &report.accounting,
            metrics: report.metrics.iter().map(without_histogram).collect(),
            checks: &report.checks,
            errors: &report.errors,
            agents: &report.agents,
            timeline: Columns::of(&report.timeline),
        }
    }
}

/// What the histogram tells is in the curve.
fn without_histogram(metric: &Metric) -> Metric {
    let times = metric.times.clone().map(|times| Times { hdr: None, ..times });
    Metric { times, ..metric.clone() }
}

impl<'r> Columns<'r> {
    pub(super) fn of(timeline: &'r [IntervalInfo]) -> Self {
        let mut columns = Self::default();
        for (place, interval) in timeline.iter().enumerate() {
            columns.second.push(interval.second);
            columns.resolution_s.push(interval.resolution_s);
            columns.due_per_s.push(interval.due_per_s);
            columns.started_per_s.push(interval.started_per_s);
            columns.sent_per_s.push(interval.sent_per_s);
            columns.done_per_s.push(interval.done_per_s);
            columns.errors.push(interval.errors);
            columns.skipped.push(interval.skipped);
            columns.users.push(interval.users);
            columns.validity.push(interval.validity.chars().next().unwrap_or('V'));
            if !interval.reasons.is_empty() {
                columns.reasons.insert(place, interval.reasons.join(", "));
            }
            columns.steps.push(&interval.response_steps);
            columns.all.set(place, interval.response);
            interval.series.iter().for_each(|series| columns.add(place, series));
            columns.annotations.extend(interval.annotations.iter().map(|note| (note.at_s, note.text.as_str())));
        }
        columns.series.iter_mut().for_each(|series| series.fill(timeline.len()));
        columns
    }

    /// The same without how many took how long, which takes the most room.
    pub(super) fn without_steps(self) -> Self {
        Self { steps: Vec::new(), ..self }
    }

    fn add(&mut self, place: usize, of: &'r SeriesInfo) {
        let known = self.series.iter().position(|known| (known.scenario, known.request) == (&of.scenario, &of.request));
        let known = known.unwrap_or_else(|| {
            let (count, errors, p50_ms, p99_ms) = Default::default();
            self.series.push(SeriesColumns {
                scenario: &of.scenario,
                request: &of.request,
                count,
                errors,
                p50_ms,
                p99_ms,
            });
            self.series.len() - 1
        });
        let series = &mut self.series[known];
        series.count.resize(place, 0);
        series.count.push(of.count);
        if of.errors > 0 {
            series.errors.insert(place, of.errors);
        }
        set(&mut series.p50_ms, place, of.response.p50_ms);
        set(&mut series.p99_ms, place, of.response.p99_ms);
    }
}

impl SeriesColumns<'_> {
    /// Nothing more happens in it.
    fn fill(&mut self, intervals: usize) {
        self.count.resize(intervals, 0);
        self.p50_ms.resize(intervals, None);
        self.p99_ms.resize(intervals, None);
    }
}
