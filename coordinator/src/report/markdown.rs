//! The result as Markdown, such as build servers show at the end of a step.

use std::io::{self, Write};

use super::text::foreign;
use super::{Metric, Report, ThresholdInfo};

/// The longest name or finding, in characters.
const CHARS_MAX: usize = 120;
/// The most requests that are listed; the others are counted.
const REQUESTS_MAX: usize = 50;

/// Writes the verdict, thresholds, requests and errors.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report, mut out: impl Write) -> io::Result<()> {
    let verdict = &report.verdict;
    writeln!(out, "## {}: {}\n", cell(&report.run.name), verdict.outcome.to_uppercase())?;
    for finding in &verdict.findings {
        writeln!(out, "- {}", cell(finding))?;
    }
    let (run, validity) = (&report.run, &verdict.validity);
    writeln!(
        out,
        "\nRun `{}`, {} s on {} agents, seed {}; validity {}\n",
        run.id,
        run.duration_s,
        report.agents.len(),
        run.seed,
        validity.grade
    )?;
    thresholds(&verdict.thresholds, &mut out)?;
    requests(report, &mut out)?;
    errors(report, &mut out)
}

fn thresholds(thresholds: &[ThresholdInfo], out: &mut impl Write) -> io::Result<()> {
    if thresholds.is_empty() {
        return Ok(());
    }
    writeln!(out, "| | threshold | found |\n|---|---|---|")?;
    for threshold in thresholds {
        let found = match (threshold.value, threshold.unit.as_deref()) {
            (Some(value), Some("fraction")) => format!("{:.2} %", value * 100.0),
            (Some(value), Some("count" | "value") | None) => value.to_string(),
            (Some(value), Some(unit)) => format!("{value} {}", unit.replace("per_s", "/s")),
            (None, _) => "no data".to_owned(),
        };
        let mark = if threshold.passed { "✅" } else { "❌" };
        writeln!(out, "| {mark} | {} | {found} |", cell(&threshold.expression))?;
    }
    writeln!(out)
}

fn requests(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let is_row =
        |metric: &&Metric| metric.name == "http_reqs" && (metric.request.is_some() || metric.scenario.is_none());
    let rows: Vec<&Metric> = report.metrics.iter().filter(is_row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "| request | count | per s | failed | p50 ms | p95 ms | p99 ms | max ms |")?;
    writeln!(out, "|---|--:|--:|--:|--:|--:|--:|--:|")?;
    let (all, each): (Vec<&Metric>, Vec<&Metric>) = rows.into_iter().partition(|row| row.request.is_none());
    for of in each.iter().take(REQUESTS_MAX).chain(&all) {
        let find = |name: &str| report.metric(name, of.scenario.as_deref(), of.request.as_deref());
        let times = find("http_req_duration").and_then(|metric| metric.times.as_ref());
        let time =
            |name: &str| times.and_then(|times| times.percentiles_ms.get(name)).map_or("-".into(), f64::to_string);
        let failed = find("http_req_failed").and_then(|metric| metric.fraction).unwrap_or(0.0);
        let name = match (&of.scenario, &of.request) {
            (Some(scenario), Some(request)) => format!("{scenario} / {request}"),
            _ => "all".to_owned(),
        };
        let max = times.map_or_else(|| "-".to_owned(), |times| times.max_ms.to_string());
        writeln!(
            out,
            "| {} | {} | {} | {:.2} % | {} | {} | {} | {max} |",
            cell(&name),
            of.count,
            of.rate_per_s,
            failed * 100.0,
            time("50"),
            time("95"),
            time("99"),
        )?;
    }
    match each.len().saturating_sub(REQUESTS_MAX) {
        0 => writeln!(out),
        more => writeln!(out, "\nand {more} requests more\n"),
    }
}

fn errors(report: &Report, out: &mut impl Write) -> io::Result<()> {
    if report.errors.is_empty() {
        return Ok(());
    }
    writeln!(out, "| error | request | count | found first |\n|---|---|--:|---|")?;
    for error in report.errors.iter().take(REQUESTS_MAX) {
        let sample = error.sample.as_deref().unwrap_or("-");
        let trace = error.trace_id.as_ref().map_or_else(String::new, |trace_id| format!(" (trace {trace_id})"));
        let sample = cell(sample) + &trace;
        writeln!(out, "| {} | {} | {} | {sample} |", error.kind, cell(&error.request), error.count)?;
    }
    writeln!(out)
}

/// Foreign text in a table: nothing of it is markup.
fn cell(text: &str) -> String {
    let mut shown = String::new();
    for character in foreign(text, CHARS_MAX).chars() {
        if "\\`*_{}[]<>()#+-.!|~&@:".contains(character) {
            // As an entity no reader takes it for markup, a link or a mention.
            shown.push_str(&format!("&#{};", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::passed;

    #[test]
    fn the_verdict_stands_first_and_foreign_text_is_no_markup() {
        let mut report = Report::of(&passed());
        report.errors[0].sample = Some("<img src=x> | [a](http://b) @all `c`".to_owned());
        let mut out = Vec::new();
        write(&report, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("## shop: PASSED\n"), "{text}");
        assert_eq!(text.matches('✅').count(), 2);
        for markup in ["<img", "](", "@all", "`c`"] {
            assert!(!text.contains(markup), "{text}");
        }
        let columns = |line: &str| line.matches('|').count();
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ") && line.contains(" % ")).collect();
        assert!(rows.iter().all(|row| [4, 9].contains(&columns(row))), "{rows:?}");
    }
}
