//! A stretch of a run, for a person.

use super::format::{count, duration, foreign, milliseconds, percent, plain, rate};
use super::paint::{Ink, Paint};
use super::runs::short;
use super::table::{Cell, Table};
use super::{LINES_MAX, NAME_MAX, WORDS_MAX, headline};
use crate::report::window::{Stretch, Window, WindowRequest};

const PERCENTILES: [&str; 6] = ["50", "90", "95", "99", "99.9", "99.99"];

/// What is told of a stretch of a run, and what is not.
#[must_use]
pub fn window(window: &Window, colour: bool) -> String {
    let paint = Paint(colour);
    let Stretch { from_s, until_s, .. } = window.stretch;
    let title = format!(
        "{}   run {}   from {} s to {} s of {}",
        foreign(&window.name, NAME_MAX),
        short(&window.id),
        plain(from_s),
        plain(until_s),
        duration(window.duration_s)
    );
    let notes: String = notes(&window.stretch).iter().map(|note| format!("  {note}\n")).collect();
    let sections = [
        format!("{}\n", paint.with(Ink::Strong, &title)) + &paint.with(Ink::Faint, &notes),
        requests(&window.requests, paint),
        iterations(window, paint) + &validity(window, paint) + &said(window, paint),
    ];
    sections.join("\n")
}

fn notes(stretch: &Stretch) -> Vec<String> {
    let Stretch { asked_from_s, asked_until_s, from_s, until_s, resolution_s, coarse, warm_up_until_s } = *stretch;
    let mut notes = Vec::new();
    if (asked_from_s, asked_until_s) != (from_s, until_s) {
        let steps = if resolution_s == 1 { "seconds are".to_owned() } else { format!("steps of {resolution_s} s are") };
        notes.push(format!("asked for {} s to {} s: whole {steps} told", plain(asked_from_s), plain(asked_until_s)));
    }
    if coarse {
        notes.push("something in it was told too coarsely to know its second".to_owned());
    }
    if let Some(until_s) = warm_up_until_s {
        notes.push(format!("with warm-up, which lasts until {until_s} s"));
    }
    notes.push(
        "thresholds are not judged anew; kinds of errors, service times and checks are told of whole runs".to_owned(),
    );
    notes
}

fn requests(requests: &[WindowRequest], paint: Paint) -> String {
    let mut table = Table::default();
    let titles = ["count", "rate/s", "failed", "p50", "p90", "p95", "p99", "p99.9", "p99.99", "max"].map(Cell::right);
    table.row([Cell::left("request")].into_iter().chain(titles).map(|title| title.ink(Ink::Strong)));
    let several = requests.iter().any(|request| request.scenario != requests[0].scenario && request.scenario.is_some());
    for request in requests.iter().filter(|request| request.request.is_some() || requests.len() != 2) {
        let name = match (&request.scenario, &request.request) {
            (Some(scenario), Some(name)) if several => format!("{scenario}/{name}"),
            (_, Some(name)) => name.clone(),
            (_, None) => "all".to_owned(),
        };
        let time = |ms: Option<f64>| Cell::right(ms.map_or_else(|| "-".to_owned(), milliseconds));
        let ink = if request.failed > 0 { Ink::Doubtful } else { Ink::Plain };
        let mut row = vec![
            Cell::left(foreign(&name, NAME_MAX)),
            Cell::right(count(request.count)),
            Cell::right(rate(request.rate_per_s)),
            Cell::right(percent(request.failed_fraction)).ink(ink),
        ];
        row.extend(PERCENTILES.map(|name| time(request.percentiles_ms.get(name).copied())));
        row.push(time(request.max_ms));
        table.row(row);
    }
    table.render(0, paint) + &format!("{}\n", paint.with(Ink::Faint, "  response times in ms"))
}

fn iterations(window: &Window, paint: Paint) -> String {
    let of = &window.iterations;
    let skipped: u64 = of.skipped.values().sum();
    let sent = window.requests.last().map_or(0, |all| all.sent);
    let words = format!(
        "due {}   started {}   skipped {}   completed {}   failed {}   cut off {}   requests sent {}",
        count(of.due),
        count(of.started),
        count(skipped),
        count(of.completed),
        count(of.failed),
        count(of.cut_off),
        count(sent)
    );
    headline("iterations", &words, paint)
}

fn validity(window: &Window, paint: Paint) -> String {
    let seconds = &window.seconds;
    let total = seconds.valid + seconds.suspect + seconds.invalid;
    let spoiled = [("SUSPECT", seconds.suspect), ("INVALID", seconds.invalid)];
    let spoiled = spoiled.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!(", {name} in {n} s"));
    let words = format!("VALID in {} of {total} s{}", seconds.valid, spoiled.collect::<String>());
    let reasons = window.reasons.iter().map(|reason| format!("{:13}{reason}\n", ""));
    headline("validity", &words, paint) + &reasons.collect::<String>()
}

fn said(window: &Window, paint: Paint) -> String {
    if window.annotations.is_empty() {
        return String::new();
    }
    let mut table = Table::default();
    for note in window.annotations.iter().take(LINES_MAX) {
        table.row([Cell::right(format!("{:.3} s", note.at_s)), Cell::left(foreign(&note.text, WORDS_MAX))]);
    }
    headline("notes", "", paint) + &table.render(2, paint)
}
