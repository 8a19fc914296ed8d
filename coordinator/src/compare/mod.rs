//! Two runs side by side: what is different, by how much, and how sure that is.

mod batches;
mod conditions;
mod gate;
mod stretch;
#[cfg(test)]
mod tests;
pub mod text;

use serde::Serialize;

pub use batches::Shift;
pub use gate::{Limit, broken, unjudged};

use crate::run::record::RunRecord;
use stretch::{Stretch, failed, rate, shift_of_number, shift_of_quantile};

/// The percentiles that are compared.
const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Which is compared with which.
    pub runs: [Side; 2],
    /// What was different about the runs themselves, in words: differences of their numbers may come from there.
    pub conditions: Vec<String>,
    /// What is different about their numbers.
    pub rows: Vec<Row>,
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
    /// `p50`, `p90`, `p95`, `p99`, `rate` or `failed`.
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
}

impl Comparison {
    /// Compares a run with one before it.
    #[must_use]
    pub fn of(before: &RunRecord, after: &RunRecord) -> Self {
        let mut rows = rows_of(before, after, None);
        for (place, key) in before.timeline.table().keys().iter().enumerate() {
            let scenario = &before.plan.scenarios[key.scenario].name;
            let matching = after.timeline.table().keys().iter().position(|other| {
                other.request == key.request && after.plan.scenarios[other.scenario].name == *scenario
            });
            if let Some(other) = matching {
                let named = rows_of(before, after, Some((place, other))).into_iter();
                rows.extend(named.map(|row| Row {
                    scenario: Some(scenario.clone()),
                    request: Some(key.request.clone()),
                    ..row
                }));
            }
        }
        let runs = [before, after].map(|record| Side {
            id: record.id.to_string(),
            name: record.plan.name.clone(),
            started_at: record.started_at.clone(),
            validity: record.timeline.grades().of_run().name().to_owned(),
        });
        Self { runs, conditions: conditions::differences(before, after), rows }
    }
}

/// All numbers of one request, by its place in each run, or of all together.
fn rows_of(before: &RunRecord, after: &RunRecord, places: Option<(usize, usize)>) -> Vec<Row> {
    let first = Stretch::of(before, places.map(|(first, _)| first));
    let second = Stretch::of(after, places.map(|(_, second)| second));
    if first.0.is_empty() || second.0.is_empty() {
        return Vec::new();
    }
    let mut rows: Vec<Row> = Vec::new();
    let ms = |stretch: &Stretch, q| stretch.quantile(q).map(|log| log.exp() / 1e6);
    for (name, q) in PERCENTILES {
        if let (Some(a), Some(b)) = (ms(&first, q), ms(&second, q)) {
            rows.push(row(name, [a, b], shift_of_quantile(&first, &second, q), Wanted::Less));
        }
    }
    let rates = [rate(&first.0), rate(&second.0)];
    if rates[0] > 0.0 {
        let by = |number: f64| number / rates[0];
        let shift = shift_of_number(&first, &second, rate).map(|Shift { by: shift, low, high, shown_from }| Shift {
            by: by(shift),
            low: by(low),
            high: by(high),
            shown_from: by(shown_from),
        });
        rows.push(row("rate", rates, shift, Wanted::More));
    }
    let parts = [failed(&first.0), failed(&second.0)];
    rows.push(row("failed", parts, shift_of_number(&first, &second, failed), Wanted::Less));
    rows
}

/// Which way is the better one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Less,
    More,
}

fn row(number: &'static str, values: [f64; 2], shift: Option<Shift>, wanted: Wanted) -> Row {
    let finding = match shift {
        None => "unknown",
        Some(shift) if !shift.is_shown() => "same",
        Some(shift) if (shift.by < 0.0) == (wanted == Wanted::Less) => "better",
        Some(_) => "worse",
    };
    Row {
        scenario: None,
        request: None,
        number,
        values,
        shift: shift.map(|shift| shift.by),
        band: shift.map(|shift| [shift.low, shift.high]),
        shown_from: shift.map(|shift| shift.shown_from),
        finding,
    }
}
