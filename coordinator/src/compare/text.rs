//! A comparison for people to read.

use std::fmt::Write;

use super::words::{interval, percent, signed};
use super::{Comparison, Row};
use crate::report::text::foreign;

/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 40;

/// The comparison as a table.
#[must_use]
pub fn table(comparison: &Comparison) -> String {
    let mut text = String::new();
    for (which, side) in ["before", "after "].into_iter().zip(&comparison.runs) {
        let id = side.id.get(..8).unwrap_or(&side.id);
        let _ = writeln!(
            text,
            "{which}  {id}  {}  {}  {}",
            foreign(&side.name, NAME_CHARS_MAX),
            side.started_at,
            side.validity
        );
    }
    if !comparison.conditions.is_empty() {
        text.push_str("\nnot the same\n");
        comparison.conditions.iter().for_each(|told| _ = writeln!(text, "  {}", foreign(told, 200)));
    }
    let mut named = None;
    for row in &comparison.rows {
        let name = name_of(row);
        if named.as_ref() != Some(&name) {
            let _ = writeln!(
                text,
                "\n{name:<16} {:>10} {:>10} {:>9}   {:<20} finding",
                "before", "after", "shift", "95 % of the time in"
            );
            named = Some(name);
        }
        let _ = writeln!(text, "{}", line(row));
    }
    text.push_str(
        "\nresponse times in ms; shifts of times and rates as parts of what they were, of failures in percentage points.\n\
         A difference is shown where the interval leaves zero out; `same` names what would have been shown.\n",
    );
    text
}

fn name_of(row: &Row) -> String {
    match (&row.scenario, &row.request) {
        (Some(scenario), Some(request)) => foreign(&format!("{scenario}/{request}"), NAME_CHARS_MAX),
        _ => "all".to_owned(),
    }
}

fn line(row: &Row) -> String {
    let value = |value: f64| match row.number {
        "failed" => format!("{:.2} %", value * 100.0),
        "rate" => format!("{value:.1}/s"),
        _ => format!("{value:.2}"),
    };
    let band = row.band.map_or_else(|| "-".to_owned(), interval);
    let finding = match (row.finding, row.shown_from) {
        ("same", Some(from)) => format!("same (from {} on it would be seen)", percent(from)),
        ("unknown", _) => "too little to tell".to_owned(),
        (finding, _) => finding.to_owned(),
    };
    format!(
        "  {:<14} {:>10} {:>10} {:>9}   {band:<20} {finding}",
        row.number,
        value(row.values[0]),
        value(row.values[1]),
        row.shift.map_or_else(|| "-".to_owned(), signed),
    )
}
