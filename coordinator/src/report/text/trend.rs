//! A trend as bars.

use super::format::{count, foreign, milliseconds, percent, plain, rate};
use super::paint::{Ink, Paint};
use super::runs::{date, outcome, short};
use super::table::{Cell, Table};
use super::{NAME_MAX, WORDS_MAX};
use crate::report::trend::{Summary, Trend, Unit};

/// The longest bar, in columns.
const BAR_MAX: usize = 40;
/// Eighths of a column.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// The chart of a trend: a line for each run, the latest at the end.
#[must_use]
pub fn trend(trend: &Trend, colour: bool) -> String {
    let paint = Paint(colour);
    let of = foreign(&trend.of_what(), WORDS_MAX);
    let title = format!("{} of {of}, of {}", foreign(&trend.metric, WORDS_MAX), foreign(&trend.name, NAME_MAX));
    let mut out = format!("{}\n", paint.with(Ink::Strong, &title));
    let highest = trend.summary.map_or(0.0, |summary| summary.highest);
    let mut table = Table::default();
    for point in &trend.points {
        let (outcome, ink) = outcome(&point.run);
        table.row([
            Cell::left(date(&point.run.started_at)),
            Cell::left(short(&point.run.id)),
            Cell::left(outcome).ink(ink),
            Cell::right(number(point.value, trend.unit)),
            Cell::left(bar(point.value, highest)),
        ]);
    }
    out += &table.render(2, paint);
    match &trend.summary {
        Some(summary) => out += &format!("{}\n", at_a_glance(summary, trend.unit, trend.points.len())),
        None => out += "  no run has such a number\n",
    }
    if trend.without > 0 {
        let words = format!("  left out: {} without such a number", numbered(trend.without));
        out += &format!("{}\n", paint.with(Ink::Faint, &words));
    }
    out
}

fn numbered(runs: usize) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") }
}

fn at_a_glance(summary: &Summary, unit: Unit, runs: usize) -> String {
    let [lowest, median, highest, last] =
        [summary.lowest, summary.median, summary.highest, summary.last].map(|value| number(value, unit));
    let change = summary.change.map_or_else(String::new, |change| {
        let way = if change < 0.0 { "below" } else { "above" };
        format!(", {} {way} the median of the {} before it", percent(change.abs()), runs - 1)
    });
    format!("  lowest {lowest}   median {median}   highest {highest}   last {last}{change}")
}

/// A number with its unit, as a person reads it.
fn number(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Ms => format!("{} ms", milliseconds(value)),
        Unit::Fraction => percent(value),
        Unit::PerS => format!("{}/s", rate(value)),
        Unit::Count if value >= 0.0 && value.fract() == 0.0 => count(value as u64),
        Unit::Count | Unit::Value => plain(value),
    }
}

/// A bar from nought; what is below nought has none.
fn bar(value: f64, highest: f64) -> String {
    let part = if highest > 0.0 { (value / highest).clamp(0.0, 1.0) } else { 0.0 };
    let eighths = (part * (BAR_MAX * 8) as f64).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_numbers() {
        let lengths = [0.0, 1.0, 25.0, 50.0, 100.0, -3.0].map(|value| bar(value, 100.0).chars().count());
        assert_eq!(lengths, [0, 1, 10, 20, 40, 0]);
        assert_eq!(bar(1.0, 100.0), "▍");
        assert_eq!(bar(0.0, 0.0), "");
    }
}
