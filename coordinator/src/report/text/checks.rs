//! What was expected of responses, and what the plan's own metrics are worth.

use super::format::{count, foreign, percent, plain};
use super::paint::{Ink, Paint};
use super::table::{Cell, Table};
use super::{LINES_MAX, NAME_MAX, headline, more_in_words, requests, traced};
use crate::report::{Metric, Report};

/// The checks that failed, the most frequent first, and how many held; nothing where nothing is checked.
pub(super) fn section(report: &Report, paint: Paint) -> String {
    let Some(all) = report.metric("checks", None, None) else { return String::new() };
    let (failed, held): (Vec<_>, Vec<_>) = report.checks.iter().partition(|check| check.fails > 0);
    let mut failed = failed;
    failed.sort_by_key(|check| std::cmp::Reverse(check.fails));
    let mut table = Table::default();
    for check in failed.iter().chain(&held).take(LINES_MAX) {
        let (word, ink) = if check.fails == 0 { ("ok", Ink::Good) } else { ("FAIL", Ink::Doubtful) };
        let total = check.passes + check.fails;
        let sample = check.sample.as_ref().map_or_else(String::new, |text| foreign(text, 100));
        let sample = sample + &traced(check.trace_id.as_deref());
        let part = if total == 0 { "-".to_owned() } else { percent(check.passes as f64 / total as f64) };
        table.row([
            Cell::left(word).ink(ink),
            Cell::left(requests::name(report, &check.scenario, &check.request)),
            Cell::left(foreign(&check.check, 48)),
            Cell::right(part),
            Cell::right(if check.fails == 0 { String::new() } else { format!("{} failed", count(check.fails)) }),
            Cell::left(sample).ink(Ink::Faint),
        ]);
    }
    let more = more_in_words(report.checks.len(), "checks");
    let words = format!("{} of them true{more}", percent(all.fraction.unwrap_or_default()));
    headline("checks", &words, paint) + &table.render(2, paint)
}

/// The plan's own metrics, over all scenarios.
pub(super) fn own(report: &Report, paint: Paint) -> String {
    let names = &report.run.plan.metrics;
    let own = report.metrics.iter().filter(|metric| metric.scenario.is_none() && names.contains(&metric.name));
    let mut table = Table::default();
    for metric in own.take(LINES_MAX) {
        let row = [Cell::left(foreign(&metric.name, NAME_MAX)), Cell::left(metric.kind.as_str()).ink(Ink::Faint)];
        table.row(row.into_iter().chain([Cell::left(worth(metric))]));
    }
    match table.render(2, paint) {
        rows if rows.is_empty() => rows,
        rows => headline("metrics", "", paint) + &rows,
    }
}

fn worth(metric: &Metric) -> String {
    if let Some(times) = &metric.times {
        let percentile = |name: &str| times.percentiles_ms.get(name).map_or_else(|| "-".to_owned(), |p| plain(*p));
        let [p50, p90, p99] = ["50", "90", "99"].map(percentile);
        let (mean, max) = (plain(times.mean_ms), plain(times.max_ms));
        return format!("{} values   mean {mean}   p50 {p50}   p90 {p90}   p99 {p99}   max {max}", count(metric.count));
    }
    match (metric.sum, metric.gauge, metric.fraction) {
        (Some(sum), _, _) => format!("{}   noted {} times", plain(sum), count(metric.count)),
        (_, Some(gauge), _) => {
            format!("{}   from {} to {}", plain(gauge.value), plain(gauge.lowest), plain(gauge.highest))
        }
        (_, _, Some(fraction)) => percent(fraction),
        _ => count(metric.count),
    }
}
