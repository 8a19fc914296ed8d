//! How much worse a run may be than the one before it.

use std::str::FromStr;

use super::{Comparison, Row};
use crate::plan_file::parse_part;

/// A bound such as `p99=5%`: a number of all requests together, and how much worse it may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    number: String,
    /// As a fraction of what it was; of `failed`, the difference.
    worse_max: f64,
}

/// The numbers that can be bounded.
const NUMBERS: [&str; 6] = ["p50", "p90", "p95", "p99", "rate", "failed"];

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("wanted {} with a part, such as `p99=5%`, found `{text}`", NUMBERS.join(", "));
        let (number, part) = text.split_once('=').ok_or_else(wanted)?;
        let part = parse_part(part.trim()).map_err(|_| wanted())?;
        let number = number.trim().to_owned();
        if !NUMBERS.contains(&number.as_str()) {
            return Err(wanted());
        }
        Ok(Self { number, worse_max: f64::from(part) / 1e6 })
    }
}

impl Limit {
    /// What it bounds.
    fn row<'c>(&self, comparison: &'c Comparison) -> Option<&'c Row> {
        comparison.rows.iter().find(|row| row.scenario.is_none() && row.number == self.number)
    }
}

/// The bounds of which nobody can tell whether they hold, in words.
#[must_use]
pub fn unjudged(comparison: &Comparison, limits: &[Limit]) -> Vec<String> {
    let is_unknown = |limit: &&Limit| limit.row(comparison).is_none_or(|row| row.finding == "unknown");
    let words = |limit: &Limit| format!("{}: the runs are too short, or have too few requests, to tell", limit.number);
    limits.iter().filter(is_unknown).map(words).collect()
}

/// The bounds that are broken, in words: where the number is shown to be worse, and by more than the bound.
#[must_use]
pub fn broken(comparison: &Comparison, limits: &[Limit]) -> Vec<String> {
    let broken = limits.iter().filter_map(|limit| {
        let row = limit.row(comparison)?;
        let worse = row.shift.map(|shift| if row.number == "rate" { -shift } else { shift })?;
        let is_broken = row.finding == "worse" && worse > limit.worse_max;
        let percent = |part: f64| format!("{:.1} %", part * 100.0);
        is_broken.then(|| {
            format!(
                "{} is {} worse than before, where {} is allowed",
                row.number,
                percent(worse),
                percent(limit.worse_max)
            )
        })
    });
    broken.collect()
}
