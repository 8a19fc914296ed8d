//! The result as comma-separated values, for spreadsheets.

use std::io::{self, Write};

use csv::Writer;

use super::{Metric, Quantiles, Report};

const SUMMARY: [&str; 16] = [
    "scenario",
    "request",
    "count",
    "rate_per_s",
    "failed",
    "failed_fraction",
    "min_ms",
    "mean_ms",
    "stddev_ms",
    "p50_ms",
    "p90_ms",
    "p95_ms",
    "p99_ms",
    "p99.9_ms",
    "p99.99_ms",
    "max_ms",
];
const TIMELINE: [&str; 12] = [
    "second",
    "resolution_s",
    "scenario",
    "request",
    "done",
    "failed",
    "p50_ms",
    "p90_ms",
    "p99_ms",
    "max_ms",
    "users",
    "validity",
];
const PERCENTILES: [&str; 6] = ["50", "90", "95", "99", "99.9", "99.99"];

/// Writes a row for each request, with its response times, and one for all together, which has no request.
///
/// # Errors
/// When the writer fails.
pub fn summary(report: &Report, out: impl Write) -> io::Result<()> {
    let mut rows = Writer::from_writer(out);
    rows.write_record(SUMMARY)?;
    for of in report.metrics.iter().filter(|metric| metric.name == "http_reqs" && metric.is_row()) {
        let find = |name: &str| report.metric(name, of.scenario.as_deref(), of.request.as_deref());
        let failed = find("http_req_failed");
        let times = find("http_req_duration").and_then(|metric| metric.times.as_ref());
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let mut row = vec![name(&of.scenario), name(&of.request), of.count.to_string(), of.rate_per_s.to_string()];
        row.push(failed.map_or_else(String::new, |failed| failed.count.to_string()));
        row.push(number(failed.and_then(|failed| failed.fraction)));
        row.extend([times.map(|times| times.min_ms), times.map(|times| times.mean_ms)].map(number));
        row.push(number(times.map(|times| times.stddev_ms)));
        row.extend(PERCENTILES.map(|name| number(times.and_then(|times| times.percentiles_ms.get(name).copied()))));
        row.push(number(times.map(|times| times.max_ms)));
        rows.write_record(row)?;
    }
    rows.flush()
}

/// Writes a row for each interval and request that did anything in it, and one for all of them together.
///
/// # Errors
/// When the writer fails.
pub fn timeline(report: &Report, out: impl Write) -> io::Result<()> {
    let mut rows = Writer::from_writer(out);
    rows.write_record(TIMELINE)?;
    for interval in &report.timeline {
        let done: u64 = interval.series.iter().map(|series| series.count).sum();
        let all = ("", "", done, interval.errors, interval.response);
        let each = interval.series.iter();
        let each = each.map(|of| (of.scenario.as_str(), of.request.as_str(), of.count, of.errors, of.response));
        for (scenario, request, done, failed, response) in each.chain([all]) {
            let Quantiles { p50_ms, p90_ms, p99_ms, max_ms } = response;
            let mut row = vec![interval.second.to_string(), interval.resolution_s.to_string()];
            row.extend([scenario.to_owned(), request.to_owned(), done.to_string(), failed.to_string()]);
            row.extend([p50_ms, p90_ms, p99_ms, max_ms].map(number));
            row.extend([interval.users.to_string(), interval.validity.clone()]);
            rows.write_record(row)?;
        }
    }
    rows.flush()
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

impl Metric {
    /// Whether it is of a request, or of all.
    fn is_row(&self) -> bool {
        self.request.is_some() || self.scenario.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::passed;

    fn rows(write: impl FnOnce(&Report, &mut Vec<u8>) -> io::Result<()>) -> Vec<Vec<String>> {
        let mut report = Report::of(&passed());
        report.timeline[0].series[0].request = "a, \"b\"".to_owned();
        let mut out = Vec::new();
        write(&report, &mut out).unwrap();
        let mut read = csv::ReaderBuilder::new().has_headers(false).from_reader(&*out);
        read.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn each_request_has_a_row_and_all_have_one_together() {
        let (report, rows) = (Report::of(&passed()), rows(|report, out| summary(report, out)));
        assert_eq!(rows.len(), 1 + 2 + 1);
        let all = rows.last().unwrap();
        let requests = report.metric("http_reqs", None, None).unwrap();
        assert_eq!((all[0].as_str(), all[1].as_str(), &all[2]), ("", "", &requests.count.to_string()));
        let times = report.metric("http_req_duration", None, None).unwrap().times.as_ref().unwrap();
        let p99 = SUMMARY.iter().position(|name| *name == "p99_ms").unwrap();
        assert_eq!(all[p99], times.percentiles_ms["99"].to_string());
    }

    #[test]
    fn each_second_has_a_row_for_each_request_and_one_for_all_whose_sum_it_is() {
        let rows = rows(|report, out| timeline(report, out));
        let first: Vec<_> = rows.iter().filter(|row| row[0] == "0").collect();
        assert_eq!(first.len(), 3);
        assert_eq!(first[0][3], "a, \"b\"", "as it was");
        let done = |row: &[String]| row[4].parse::<u64>().unwrap();
        assert_eq!(done(first[2]), done(first[0]) + done(first[1]));
    }
}
