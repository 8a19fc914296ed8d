//! Kept runs as a table.

use std::collections::BTreeMap;

use super::format::{count, duration, foreign, milliseconds, percent, rate};
use super::paint::{Ink, Paint};
use super::table::{Cell, Table};
use super::{NAME_MAX, WIDTH};
use crate::report::KeptRun;

/// The longest tag by itself, in columns.
const TAG_MAX: usize = 400;
/// The longest list of tags, in columns.
const TAGS_MAX: usize = 40;

/// The table of these runs, of so many, and what its columns mean.
#[must_use]
pub fn runs(runs: &[KeptRun], total: usize, colour: bool) -> String {
    let paint = Paint(colour);
    let mut table = Table::default();
    let left = ["run", "started (UTC)", "name"].map(Cell::left);
    let right = ["took", "requests", "rate/s", "failed", "p50", "p99"].map(Cell::right);
    let titles = left.into_iter().chain(["outcome"].map(Cell::left)).chain(right).chain([Cell::left("tags")]);
    table.row(titles.map(|title| title.ink(Ink::Strong)));
    runs.iter().for_each(|run| row(&mut table, run));
    let more = if total > runs.len() {
        format!("   {} of {total} runs; --last shows more", runs.len())
    } else {
        String::new()
    };
    table.render(0, paint) + &format!("{}\n", paint.with(Ink::Faint, &format!("  response times in ms{more}")))
}

/// A run by itself, in a few words.
#[must_use]
pub fn run(run: &KeptRun) -> String {
    let [name, outcome] = [&run.name, &run.outcome].map(|text| foreign(text, NAME_MAX));
    format!("{}   {}   {name}   {outcome}", short(&run.id), date(&run.started_at))
}

/// A run's tags, one a line.
#[must_use]
pub fn tags(tags: &BTreeMap<String, String>) -> String {
    if tags.is_empty() {
        return "no tags\n".to_owned();
    }
    tags.iter().map(|(key, value)| format!("{}\n", foreign(&format!("{key}={value}"), TAG_MAX))).collect()
}

/// The first digits of an identity, which tell it apart from others for a person.
pub(super) fn short(id: &str) -> String {
    foreign(&id.chars().filter(|c| *c != '-').take(12).collect::<String>(), NAME_MAX)
}

/// A date without its fraction of a second.
pub(super) fn date(started_at: &str) -> String {
    let seconds = started_at.get(..19).unwrap_or(started_at);
    foreign(&seconds.replace('T', " "), NAME_MAX)
}

/// A verdict's word, with the grade where that is not the best, and what it means to a reader.
pub(super) fn outcome(run: &KeptRun) -> (String, Ink) {
    let ink = match run.outcome.as_str() {
        "passed" => Ink::Good,
        "going-on" | "stopped" => Ink::Doubtful,
        _ => Ink::Bad,
    };
    match run.grade.as_deref() {
        Some("VALID") | None => (foreign(&run.outcome, NAME_MAX), ink),
        Some(grade) => {
            (foreign(&format!("{} {grade}", run.outcome), NAME_MAX), if ink == Ink::Good { Ink::Doubtful } else { ink })
        }
    }
}

fn row(table: &mut Table, run: &KeptRun) {
    let (outcome, ink) = outcome(run);
    let number = |text: Option<String>| Cell::right(text.unwrap_or_else(|| "-".to_owned()));
    let tags: Vec<String> = run.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    table.row([
        Cell::left(short(&run.id)),
        Cell::left(date(&run.started_at)),
        Cell::left(foreign(&run.name, NAME_MAX)),
        Cell::left(outcome).ink(ink),
        number(run.duration_s.map(duration)),
        number(run.requests.map(count)),
        number(run.rate_per_s.map(rate)),
        number(run.failed.map(percent)),
        number(run.p50_ms.map(milliseconds)),
        number(run.p99_ms.map(milliseconds)),
        Cell::left(foreign(&tags.join(" "), TAGS_MAX.min(WIDTH))).ink(Ink::Faint),
    ]);
}
