//! How much worse a run may be than the one before it.

use std::str::FromStr;

use serde::Serialize;

use super::words::percent;
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

/// A bound, and whether it holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged<'l> {
    /// What is bounded.
    pub number: &'l str,
    /// How much worse it may be.
    pub worse_max: f64,
    /// Whether it is; nothing where nobody can tell. It is broken where the number is shown to be worse, and by more.
    pub holds: Option<bool>,
    /// The same in words.
    pub text: String,
}

/// The bounds, each with what the comparison says of it.
#[must_use]
pub fn judged<'l>(comparison: &Comparison, limits: &'l [Limit]) -> Vec<Judged<'l>> {
    limits.iter().map(|limit| limit.judge(limit.row(comparison))).collect()
}

impl Limit {
    fn judge(&self, row: Option<&Row>) -> Judged<'_> {
        let Self { number, worse_max } = self;
        let worse = row.and_then(|row| Some((row, row.shift?)));
        let worse = worse.map(|(row, shift)| (row, if row.number == "rate" { -shift } else { shift }));
        let (holds, text) = match worse {
            None => (None, format!("{number}: the runs are too short, or have too few requests, to tell")),
            Some((row, worse)) if row.finding == "worse" && worse > *worse_max => {
                let [found, allowed] = [worse, *worse_max].map(percent);
                (Some(false), format!("{number} is {found} worse than before, where {allowed} is allowed"))
            }
            Some(_) => (Some(true), format!("{number} is not shown to be worse by more than {}", percent(*worse_max))),
        };
        Judged { number, worse_max: *worse_max, holds, text }
    }
}
