//! The table of requests: counts, rates, failures, and the two times side by side.

use super::format::{count, foreign, milliseconds, percent, rate};
use super::paint::{Ink, Paint};
use super::table::{Cell, Table};
use super::{NAME_MAX, WORDS_MAX};
use crate::report::{Report, Times};

/// The columns that show a distribution.
const PERCENTILES: [&str; 4] = ["50", "90", "99", "99.9"];
/// The most requests that are shown; the document has them all.
const REQUESTS_MAX: usize = 50;

pub(super) fn section(report: &Report, paint: Paint) -> String {
    let mut table = Table::default();
    let titles = ["count", "rate/s", "failed", "p50", "p90", "p99", "p99.9", "max"];
    let titles = titles.into_iter().map(|title| Cell::right(title).ink(Ink::Strong));
    table.row(std::iter::once(Cell::left("request").ink(Ink::Strong)).chain(titles));
    let series: Vec<(Option<&str>, Option<&str>)> = report
        .metrics
        .iter()
        .filter(|metric| metric.name == "http_reqs" && metric.request.is_some())
        .map(|metric| (metric.scenario.as_deref(), metric.request.as_deref()))
        .collect();
    for (scenario, request) in series.iter().take(REQUESTS_MAX) {
        let shown = name(report, scenario.unwrap_or_default(), request.unwrap_or_default());
        rows(&mut table, report, &shown, *scenario, *request);
    }
    if series.len() > 1 {
        rows(&mut table, report, "all", None, None);
    }
    groups(&mut table, report);
    let mut out = table.render(0, paint);
    for note in notes(report, series.len()) {
        out += &format!("{}\n", paint.with(Ink::Faint, &format!("  {note}")));
    }
    out
}

/// A row for each group: how often it was gone through, and how long that took.
fn groups(table: &mut Table, report: &Report) {
    let all = report.metrics.iter().filter_map(|metric| metric.group.as_ref().map(|group| (metric, group)));
    for (metric, group) in all.take(REQUESTS_MAX) {
        let shown = name(report, metric.scenario.as_deref().unwrap_or_default(), group);
        let mut row = vec![
            Cell::left(format!("group {shown}")),
            Cell::right(count(metric.count)),
            Cell::right(rate(metric.rate_per_s)),
            Cell::left(""),
        ];
        row.extend(distribution(metric.times.as_ref()));
        table.row(row);
    }
}

/// A request's name; with its scenario's where there are several.
pub(super) fn name(report: &Report, scenario: &str, request: &str) -> String {
    if report.run.plan.scenarios.len() > 1 {
        foreign(&format!("{scenario}/{request}"), NAME_MAX)
    } else {
        foreign(request, NAME_MAX)
    }
}

/// Two rows: the response time with the counts, and the service time under it.
fn rows(table: &mut Table, report: &Report, name: &str, scenario: Option<&str>, request: Option<&str>) {
    let metric = |metric: &str| report.metric(metric, scenario, request);
    let (total, per_s) = metric("http_reqs").map_or((0, 0.0), |reqs| (reqs.count, reqs.rate_per_s));
    let failed = metric("http_req_failed").and_then(|failed| failed.fraction).unwrap_or(0.0);
    let ink = if failed > 0.0 { Ink::Doubtful } else { Ink::Plain };
    let mut row = vec![
        Cell::left(name),
        Cell::right(count(total)),
        Cell::right(rate(per_s)),
        Cell::right(percent(failed)).ink(ink),
    ];
    row.extend(times(report, "http_req_duration", scenario, request));
    table.row(row);
    if total > 0 {
        let indented = std::iter::once(Cell::left("  service").ink(Ink::Faint));
        let blank = (0..3).map(|_| Cell::left(""));
        let service = times(report, "service_time", scenario, request).into_iter().map(|cell| cell.ink(Ink::Faint));
        table.row(indented.chain(blank).chain(service));
    }
}

fn times(report: &Report, name: &str, scenario: Option<&str>, request: Option<&str>) -> Vec<Cell> {
    distribution(report.metric(name, scenario, request).and_then(|metric| metric.times.as_ref()))
}

fn distribution(times: Option<&Times>) -> Vec<Cell> {
    let percentile = |percent: &str| times.and_then(|times| times.percentiles_ms.get(percent)).copied();
    let all = PERCENTILES.iter().map(|percent| percentile(percent)).chain([times.map(|times| times.max_ms)]);
    all.map(|ms| Cell::right(ms.map_or_else(|| "-".to_owned(), milliseconds))).collect()
}

/// What the numbers mean and leave out.
fn notes(report: &Report, series: usize) -> Vec<String> {
    let mut notes = vec!["times in ms; response time from due to done, service time from sent to done".to_owned()];
    let scenarios = &report.run.plan.scenarios;
    let closed: Vec<&str> = scenarios.iter().filter(|s| s.model == "closed").map(|s| s.name.as_str()).collect();
    if !closed.is_empty() {
        let names = foreign(&closed.join(", "), WORDS_MAX / 2);
        notes.push(format!(
            "closed model ({names}): due is when a user turned to the request, so load follows the target"
        ));
    }
    if scenarios.iter().any(|scenario| scenario.warm_up_s > 0.0) {
        notes.push("without the warm-up, which the books and errors include".to_owned());
    }
    if series > REQUESTS_MAX {
        notes.push(format!("{REQUESTS_MAX} of {series} requests shown; the result document has them all"));
    }
    notes
}
