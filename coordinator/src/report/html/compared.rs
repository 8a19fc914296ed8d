//! What the page of two runs side by side is made of: the comparison, and of each run what can be drawn over the other.

use serde::Serialize;

use super::columns::Columns;
use crate::compare::{Comparison, Judged, Limit, judged};
use crate::report::Report;

/// All that the page shows.
#[derive(Serialize)]
pub(super) struct Compared<'r> {
    comparison: &'r Comparison,
    limits: Vec<Judged<'r>>,
    runs: [Beside<'r>; 2],
}

/// One of the runs.
#[derive(Serialize)]
struct Beside<'r> {
    duration_s: f64,
    curves: Vec<Curve<'r>>,
    timeline: Columns<'r>,
}

/// A distribution of response times: per cents, and the times at or below which so many lie.
#[derive(Serialize)]
struct Curve<'r> {
    scenario: Option<&'r str>,
    request: Option<&'r str>,
    points: &'r [(f64, f64)],
}

impl<'r> Compared<'r> {
    pub(super) fn of(comparison: &'r Comparison, limits: &'r [Limit], runs: [&'r Report; 2]) -> Self {
        Self { comparison, limits: judged(comparison, limits), runs: runs.map(Beside::of) }
    }
}

impl<'r> Beside<'r> {
    fn of(report: &'r Report) -> Self {
        let metrics = report.metrics.iter().filter(|metric| metric.name == "http_req_duration");
        let curves = metrics.filter_map(|metric| {
            let points = metric.times.as_ref()?.curve.as_slice();
            Some(Curve { scenario: metric.scenario.as_deref(), request: metric.request.as_deref(), points })
        });
        let timeline = Columns::of(&report.timeline).without_steps();
        Self { duration_s: report.run.duration_s, curves: curves.collect(), timeline }
    }
}
