//! Two runs side by side: what is different, by how much, and how sure that is.

mod batches;
mod conditions;
mod gate;
mod quantiles;
mod stretch;
#[cfg(test)]
mod tests;
pub mod text;
mod words;

use serde::Serialize;

pub use batches::Shift;
pub use gate::{Judged, Limit, judged};
pub use words::Finding;

use crate::run::record::RunRecord;
use quantiles::{Open, Times, shift_of_quantile};
use stretch::{Stretch, failed, rate, shift_of_number};

/// The quantiles that are compared.
const QUANTILES: [(&str, f64); 13] = [
    ("p1", 0.01),
    ("p5", 0.05),
    ("p10", 0.1),
    ("p25", 0.25),
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.5", 0.995),
    ("p99.9", 0.999),
    ("p99.95", 0.9995),
    ("p99.99", 0.9999),
];
/// Those of them that stand among the rows.
const OF_ROWS: [&str; 4] = ["p50", "p90", "p95", "p99"];
/// What the intervals of many quantiles say together.
const POINTWISE: &str = "pointwise: each interval by itself holds its true shift with 95 % confidence; that all of them do at \
                         a time is less sure";

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Which is compared with which.
    pub runs: [Side; 2],
    /// What was different about the runs themselves, in words: differences of their numbers may come from there.
    pub conditions: Vec<String>,
    /// What it comes to, in words.
    pub findings: Vec<Finding>,
    /// What is different about their numbers.
    pub rows: Vec<Row>,
    /// The same of response times at many quantiles, from the lowest to the highest: of all requests, then of each.
    pub quantiles: Vec<Row>,
    /// What the intervals of many quantiles say together.
    pub quantile_bands: &'static str,
}

/// One of the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// Its identity.
    pub id: String,
    /// Its plan's name.
    pub name: String,
    /// When it started.
    pub started_at: String,
    /// Whether its generators can be believed.
    pub validity: String,
}

/// One number of both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Of which scenario; of all without.
    pub scenario: Option<String>,
    /// Of which request; of all without.
    pub request: Option<String>,
    /// `p50`, `p90`, `p95`, `p99`, `rate` or `failed`; among quantiles `p1` to `p99.99`.
    pub number: &'static str,
    /// What it is in each: milliseconds, requests per second, or a fraction.
    pub values: [f64; 2],
    /// How far the second is from the first: as a fraction of it, but for `failed`, where it is the difference.
    pub shift: Option<f64>,
    /// Where the true shift lies, with 95 % confidence.
    pub band: Option<[f64; 2]>,
    /// A true shift of this size would be shown in four of five such comparisons.
    pub shown_from: Option<f64>,
    /// `better`, `worse`, or `same` where no difference is shown; `unknown` where the runs are too short to tell.
    pub finding: &'static str,
    /// Why nobody can tell, where the finding is `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<&'static str>,
}

impl Row {
    /// Whether a difference is shown.
    fn is_shown(&self) -> bool {
        matches!(self.finding, "better" | "worse")
    }
}

impl Comparison {
    /// Compares a run with one before it.
    #[must_use]
    pub fn of(before: &RunRecord, after: &RunRecord) -> Self {
        let Rows { mut rows, mut quantiles } = Rows::of(before, after, None);
        for (place, key) in before.timeline.table().keys().iter().enumerate() {
            let scenario = &before.plan.scenarios[key.scenario].name;
            let matching = after.timeline.table().keys().iter().position(|other| {
                other.request == key.request && after.plan.scenarios[other.scenario].name == *scenario
            });
            if let Some(other) = matching {
                let of = Rows::of(before, after, Some((place, other)));
                let named = |row: Row| {
                    let (scenario, request) = (Some(scenario.clone()), Some(key.request.clone()));
                    Row { scenario, request, ..row }
                };
                rows.extend(of.rows.into_iter().map(named));
                quantiles.extend(of.quantiles.into_iter().map(named));
            }
        }
        let runs = [before, after].map(|record| Side {
            id: record.id.to_string(),
            name: record.plan.name.clone(),
            started_at: record.started_at.clone(),
            validity: record.timeline.grades().of_run().name().to_owned(),
        });
        let conditions = conditions::differences(before, after);
        let findings = words::findings(&runs, &rows);
        Self { runs, conditions, findings, rows, quantiles, quantile_bands: POINTWISE }
    }
}

/// All numbers of one request, or of all together.
#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    quantiles: Vec<Row>,
}

impl Rows {
    /// Those of the request at this place in each run, or of all together.
    fn of(before: &RunRecord, after: &RunRecord, places: Option<(usize, usize)>) -> Self {
        let first = Stretch::of(before, places.map(|(first, _)| first));
        let second = Stretch::of(after, places.map(|(_, second)| second));
        if first.0.is_empty() || second.0.is_empty() {
            return Self::default();
        }
        let quantiles = quantiles_of(&first, &second);
        let mut rows: Vec<Row> = quantiles.iter().filter(|row| OF_ROWS.contains(&row.number)).cloned().collect();
        let rates = [rate(&first.0), rate(&second.0)];
        if rates[0] > 0.0 {
            let shift = shift_of_number(&first, &second, rate).map(|shift| shift.divided_by(rates[0]));
            rows.push(row("rate", rates, shift.ok_or(Open::Short), Wanted::More));
        }
        let parts = [failed(&first.0), failed(&second.0)];
        rows.push(row("failed", parts, shift_of_number(&first, &second, failed).ok_or(Open::Short), Wanted::Less));
        Self { rows, quantiles }
    }
}

fn quantiles_of(first: &Stretch, second: &Stretch) -> Vec<Row> {
    let (mut first, mut second) = (Times::of(first), Times::of(second));
    let ms = |times: &Times<'_>, q| times.quantile(q).map(|log| log.exp() / 1e6);
    let quantile = |(name, q)| {
        let values = [ms(&first, q)?, ms(&second, q)?];
        Some(row(name, values, shift_of_quantile(&mut first, &mut second, q), Wanted::Less))
    };
    QUANTILES.into_iter().filter_map(quantile).collect()
}

/// Which way is the better one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Less,
    More,
}

fn row(number: &'static str, values: [f64; 2], shift: Result<Shift, Open>, wanted: Wanted) -> Row {
    let finding = match shift {
        Err(_) => "unknown",
        Ok(shift) if !shift.is_shown() => "same",
        Ok(shift) if (shift.by < 0.0) == (wanted == Wanted::Less) => "better",
        Ok(_) => "worse",
    };
    let because = shift.err().map(Open::in_words);
    let shift = shift.ok();
    Row {
        scenario: None,
        request: None,
        number,
        values,
        shift: shift.map(|shift| shift.by),
        band: shift.map(|shift| [shift.low, shift.high]),
        shown_from: shift.map(|shift| shift.shown_from),
        finding,
        because,
    }
}
