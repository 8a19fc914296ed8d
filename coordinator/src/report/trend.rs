//! One number over many runs.

use std::io::{self, Write};

use serde::Serialize;

use super::KeptRun;
use super::numbers::decimals;

/// The version of a trend as a document.
const SCHEMA: &str = "muster.trend/1";

/// What a number is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// A part of a whole, 0 to 1.
    Fraction,
    /// So many per second.
    PerS,
    /// So many.
    Count,
    /// What it is worth.
    Value,
}

/// One number over many runs, in the order of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    schema: &'static str,
    /// The plan's name, which all runs have in common.
    pub name: String,
    /// What was asked for, as a threshold writes it.
    pub metric: String,
    /// Of which scenario; of all without.
    pub scenario: Option<String>,
    /// Of which request; of all without.
    pub request: Option<String>,
    /// What the number is in.
    pub unit: Unit,
    /// How many runs have no such number.
    pub without: usize,
    /// At a glance; nothing of nothing.
    pub summary: Option<Summary>,
    /// The runs.
    pub points: Vec<Point>,
}

/// A run with its number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The number.
    pub value: f64,
    /// Whose.
    pub run: KeptRun,
}

/// Many numbers at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The lowest.
    pub lowest: f64,
    /// As many are below as above.
    pub median: f64,
    /// The highest.
    pub highest: f64,
    /// The last one.
    pub last: f64,
    /// By which part of the median of those before it the last one is higher; nothing without any before it, or if
    /// that is nought.
    pub change: Option<f64>,
}

/// Of what a trend is.
#[derive(Clone, Debug, Default)]
pub struct Of {
    /// The plan's name.
    pub name: String,
    /// The metric, as a threshold writes it.
    pub metric: String,
    /// The scenario.
    pub scenario: Option<String>,
    /// The request.
    pub request: Option<String>,
}

impl Trend {
    /// The trend of these points, which are in the order of time, and of so many runs without such a number.
    #[must_use]
    pub fn new(of: Of, unit: Unit, points: Vec<Point>, without: usize) -> Self {
        let Of { name, metric, scenario, request } = of;
        let summary = Summary::of(&points.iter().map(|point| point.value).collect::<Vec<_>>());
        Self { schema: SCHEMA, name, metric, scenario, request, unit, without, summary, points }
    }

    /// Of what it is, in words.
    #[must_use]
    pub fn of_what(&self) -> String {
        match (&self.scenario, &self.request) {
            (None, None) => "all requests".to_owned(),
            (None, Some(request)) => request.clone(),
            (Some(scenario), None) => scenario.clone(),
            (Some(scenario), Some(request)) => format!("{scenario}/{request}"),
        }
    }
}

impl Summary {
    fn of(values: &[f64]) -> Option<Self> {
        let (last, before) = values.split_last()?;
        let change = median(before).filter(|usual| *usual != 0.0).map(|usual| decimals((last - usual) / usual, 4));
        Some(Self {
            lowest: values.iter().copied().fold(f64::INFINITY, f64::min),
            median: median(values)?,
            highest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            last: *last,
            change,
        })
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (*sorted.get(sorted.len().checked_sub(1)? / 2)?, *sorted.get(sorted.len() / 2)?);
    Some(decimals(f64::midpoint(low, high), 6))
}

/// Writes a trend as JSON.
///
/// # Errors
/// When the writer fails.
pub fn write(trend: &Trend, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, trend)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_is_compared_with_the_median_of_those_before_it() {
        let summary = Summary::of(&[10.0, 30.0, 12.0, 14.0, 13.0, 26.0]).unwrap();
        assert_eq!((summary.lowest, summary.median, summary.highest), (10.0, 13.5, 30.0));
        assert_eq!((summary.last, summary.change), (26.0, Some(1.0)));
        assert_eq!(Summary::of(&[3.0]).unwrap().change, None);
        assert_eq!(Summary::of(&[0.0, 3.0]).unwrap().change, None);
        assert_eq!(Summary::of(&[]), None);
    }
}
