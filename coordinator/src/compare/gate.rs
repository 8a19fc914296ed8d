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

/// The bounds that are broken, in words: where the number is shown to be worse, and by more than the bound. What the runs
/// are too short to tell breaks none, and is told all the same.
#[must_use]
pub fn broken(comparison: &Comparison, limits: &[Limit]) -> Vec<String> {
    let of_all = |row: &&Row| row.scenario.is_none();
    let of = |limit: &Limit| comparison.rows.iter().filter(of_all).find(|row| row.number == limit.number);
    let broken = limits.iter().filter_map(|limit| {
        let row = of(limit)?;
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
