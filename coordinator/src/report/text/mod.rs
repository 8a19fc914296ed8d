//! What a person sees at the end of a run.

mod apdex;
mod checks;
mod format;
mod paint;
mod requests;
mod runs;
mod table;
mod trend;
mod window;

use std::collections::BTreeMap;

pub(crate) use format::foreign;
pub(super) use format::rate;
pub(crate) use format::{count, duration, milliseconds, percent};
use format::{microseconds, plain};
use paint::{Ink, Paint};
pub use runs::{run, runs, tags};
use table::{Cell, Table};
pub use trend::trend;
pub use window::window;

use super::{Report, ResumedInfo, ThresholdInfo};

/// About how wide a summary is, in columns.
pub const WIDTH: usize = 110;
/// The longest name, in columns.
const NAME_MAX: usize = 32;
/// The longest line of foreign words, in columns.
const WORDS_MAX: usize = 90;
/// The most agents that have a line of their own, and the most errors; the document has them all.
const LINES_MAX: usize = 20;

/// The summary of a run: verdict and thresholds, requests with their percentiles, errors, agents, validity, books. Of
/// a run that never began there is only a verdict.
#[must_use]
pub fn summary(report: &Report, colour: bool) -> String {
    let paint = Paint(colour);
    if !report.run.began {
        return header(report, paint);
    }
    let sections = [
        header(report, paint),
        notes(report, paint),
        thresholds(report, paint),
        requests::section(report, paint),
        apdex::section(report, paint),
        checks::section(report, paint),
        checks::own(report, paint),
        errors(report, paint),
        agents(report, paint),
        validity(report, paint) + &books(report, paint),
    ];
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A section's first line: its name, and what it says at a glance.
fn headline(name: &str, words: &str, paint: Paint) -> String {
    let line = format!("{}{words}", paint.with(Ink::Strong, &format!("{name:<13}")));
    format!("{}\n", line.trim_end())
}

fn header(report: &Report, paint: Paint) -> String {
    let run = &report.run;
    let short: String = run.id.chars().filter(|c| *c != '-').take(8).collect();
    let parts = [
        foreign(&run.name, NAME_MAX),
        format!("run {short}"),
        agents_in_words(report),
        duration(run.duration_s),
        format!("seed {}", run.seed),
    ];
    let (left, outcome) = (parts.join("   "), report.verdict.outcome.to_uppercase());
    let gap = WIDTH.saturating_sub(left.chars().count() + outcome.len()).max(3);
    let ink = match report.verdict.outcome.as_str() {
        "passed" if report.verdict.findings.is_empty() => Ink::Good,
        "passed" | "stopped" => Ink::Doubtful,
        _ => Ink::Bad,
    };
    let mut out = format!("{left}{}{}\n", " ".repeat(gap), paint.with(ink, &outcome));
    for finding in &report.verdict.findings {
        out += &format!("  {}\n", foreign(finding, WIDTH - 3));
    }
    if run.resumed.times > 0 {
        out += &format!("  {}\n", resumed(&run.resumed));
    }
    out
}

/// What the user changed or noted while the run went on.
fn notes(report: &Report, paint: Paint) -> String {
    let all: Vec<_> = report.timeline.iter().flat_map(|interval| &interval.annotations).collect();
    if all.is_empty() {
        return String::new();
    }
    let mut table = Table::default();
    for note in all.iter().take(LINES_MAX) {
        table.row([Cell::right(format!("{:.3} s", note.at_s)), Cell::left(foreign(&note.text, WORDS_MAX))]);
    }
    let left_out = all.len().saturating_sub(LINES_MAX);
    let words = if left_out > 0 { format!("{left_out} more in the document") } else { String::new() };
    headline("notes", &words, paint) + &table.render(2, paint)
}

/// That a run was gone on with, in words.
#[must_use]
pub fn resumed(info: &ResumedInfo) -> String {
    let often = if info.times == 1 { "once".to_owned() } else { format!("{} times", info.times) };
    let clock = if info.by_wall_clock { ", by the wall clock, as its machine was started anew" } else { "" };
    format!("resumed {often}: without a coordinator for {:.1} s{clock}", info.absent_s)
}

/// `3 agents (eu 2, us 1)`, where agents say which zone they are in.
fn agents_in_words(report: &Report) -> String {
    let number = report.agents.len();
    let mut zones: BTreeMap<&str, usize> = BTreeMap::new();
    for zone in report.agents.iter().filter_map(|agent| agent.labels.get("zone")) {
        *zones.entry(zone).or_default() += 1;
    }
    let zones: Vec<String> = zones.iter().map(|(zone, n)| format!("{} {n}", foreign(zone, NAME_MAX))).collect();
    let agents = if number == 1 { "1 agent".to_owned() } else { format!("{number} agents") };
    if zones.is_empty() { agents } else { foreign(&format!("{agents} ({})", zones.join(", ")), 48) }
}

fn thresholds(report: &Report, paint: Paint) -> String {
    let all = &report.verdict.thresholds;
    if all.is_empty() {
        return headline("thresholds", "none", paint);
    }
    let held = all.iter().filter(|threshold| threshold.passed).count();
    let mut table = Table::default();
    for threshold in all {
        let (word, ink) = if threshold.passed { ("ok", Ink::Good) } else { ("FAIL", Ink::Bad) };
        table.row([
            Cell::left(word).ink(ink),
            Cell::left(foreign(&threshold.expression, 64)),
            Cell::right(value_in_words(threshold)),
            Cell::left(foreign(&threshold.remark, WORDS_MAX)).ink(Ink::Faint),
        ]);
    }
    headline("thresholds", &format!("{held} of {} held", all.len()), paint) + &table.render(2, paint)
}

pub(super) fn value_in_words(threshold: &ThresholdInfo) -> String {
    match (threshold.value, threshold.unit.as_deref()) {
        (Some(value), Some("ms")) => format!("{} ms", milliseconds(value)),
        (Some(value), Some("fraction")) => percent(value),
        (Some(value), Some("value")) => plain(value),
        (Some(value), Some("per_s")) => format!("{}/s", rate(value)),
        (Some(value), _) => count(value as u64),
        (None, _) => "-".to_owned(),
    }
}

fn errors(report: &Report, paint: Paint) -> String {
    if report.errors.is_empty() {
        return headline("errors", "none", paint);
    }
    let total: u64 = report.errors.iter().map(|error| error.count).sum();
    let mut table = Table::default();
    for error in report.errors.iter().take(LINES_MAX) {
        let name = requests::name(report, &error.scenario, &error.request);
        let first = error.first_seen_s.map_or_else(String::new, |at_s| format!("first at {at_s:.1} s"));
        let sample = error.sample.as_ref().map_or_else(String::new, |text| format!("\"{}\"", foreign(text, 100)));
        let sample = sample + &traced(error.trace_id.as_deref());
        table.row([
            Cell::left(error.kind.as_str()),
            Cell::right(count(error.count)),
            Cell::left(name),
            Cell::left(first),
            Cell::left(sample).ink(Ink::Faint),
        ]);
    }
    let more = more_in_words(report.errors.len(), "kinds");
    headline("errors", &format!("{}{more}", count(total)), paint) + &table.render(2, paint)
}

/// By which the trace of one such failure is found.
fn traced(trace_id: Option<&str>) -> String {
    trace_id.map_or_else(String::new, |trace_id| format!("  trace {}", foreign(trace_id, 32)))
}

fn more_in_words(number: usize, what: &str) -> String {
    if number > LINES_MAX { format!("   ({LINES_MAX} of {number} {what} shown)") } else { String::new() }
}

fn agents(report: &Report, paint: Paint) -> String {
    let mut table = Table::default();
    let titles = ["due", "sent", "worker CPU", "lag p99", "start", "clock"];
    let titles = std::iter::once(Cell::left("name")).chain(titles.into_iter().map(Cell::right));
    table.row(titles.map(|cell| cell.ink(Ink::Faint)));
    for agent in report.agents.iter().take(LINES_MAX) {
        let lag = agent.lag_p99_ms.map_or_else(|| "-".to_owned(), |ms| format!("{} ms", milliseconds(ms)));
        let start = agent.start_error_us.map_or_else(|| "-".to_owned(), microseconds);
        let how = if agent.left { "LEFT" } else { "LOST" };
        let why = agent.lost_because.as_ref().map(|why| format!(": {}", foreign(why, NAME_MAX))).unwrap_or_default();
        let rest = if agent.handed_in { ", the rest was handed in" } else { "" };
        let lost = agent.lost_at_s.map_or_else(String::new, |at_s| format!("{how} at {at_s:.1} s{why}{rest}"));
        table.row([
            Cell::left(foreign(&agent.name, NAME_MAX)),
            Cell::right(count(agent.due)),
            Cell::right(count(agent.sent)),
            Cell::right(format!("{:.0} %", agent.cpu.worker_mean * 100.0)),
            Cell::right(lag),
            Cell::right(start),
            Cell::right(format!("± {}", microseconds(agent.clock_uncertainty_us))),
            Cell::left(lost).ink(Ink::Bad),
        ]);
    }
    let more = more_in_words(report.agents.len(), "agents");
    let listed = if report.agents.is_empty() { String::new() } else { table.render(2, paint) };
    headline("agents", &format!("{}{more}", report.agents.len()), paint) + &listed
}

fn validity(report: &Report, paint: Paint) -> String {
    let validity = &report.verdict.validity;
    let seconds = &validity.seconds;
    let ink = match validity.grade.as_str() {
        "VALID" => Ink::Good,
        "SUSPECT" => Ink::Doubtful,
        _ => Ink::Bad,
    };
    let total = seconds.valid + seconds.suspect + seconds.invalid;
    let mut grades = format!("VALID in {} of {total} s", seconds.valid);
    for (name, spoiled) in [("SUSPECT", seconds.suspect), ("INVALID", seconds.invalid)] {
        if spoiled > 0 {
            grades += &format!(", {name} in {spoiled} s");
        }
    }
    let mut words = vec![match validity.grade.as_str() {
        "VALID" => paint.with(ink, &grades),
        grade => format!("{}: {grades}", paint.with(ink, grade)),
    }];
    if let Some(lag_ms) = validity.arrival_lag_p99_ms.or(validity.lag_p99_ms) {
        words.push(format!("lag p99 {} ms", milliseconds(lag_ms)));
    }
    words.push(format!("busiest worker {:.0} % CPU", validity.worker_cpu_max * 100.0));
    if let Some(spread_us) = validity.start_spread_us {
        let bound = microseconds(validity.clock_uncertainty_us);
        words.push(format!("start within {} (± {bound})", microseconds(spread_us)));
    }
    let mut out = headline("validity", &words.join("   "), paint);
    for reason in &validity.reasons {
        out += &format!("{:13}{}\n", "", reason.text);
    }
    if validity.clamped > 0 {
        out += &format!("{:13}{} durations of more than an hour count as an hour\n", "", count(validity.clamped));
    }
    out
}

fn books(report: &Report, paint: Paint) -> String {
    let accounting = &report.accounting;
    let (iterations, requests) = (&accounting.iterations, &accounting.requests);
    let skipped: u64 = iterations.skipped.values().sum();
    let balanced = report.agents.iter().filter(|agent| agent.balanced).count();
    let equal = |holds: bool| if holds { "=" } else { "≠" };
    let law = |index: usize| accounting.laws.get(index).is_none_or(|law| law.holds);
    let unknown = |n: u64| if n > 0 { format!(" + unknown {}", count(n)) } else { String::new() };
    let words = format!(
        "due {} {} started {} + skipped {};  sent {} {} outcomes {}{};  balanced on {balanced} of {} agents",
        count(iterations.due),
        equal(law(0)),
        count(iterations.started),
        count(skipped),
        count(requests.sent),
        equal(law(2)),
        count(requests.outcomes),
        unknown(requests.unknown),
        report.agents.len(),
    );
    let mut out = headline("books", &words, paint);
    let mut line = |words: String| out += &format!("{:13}{words}\n", "");
    for (reason, n) in iterations.skipped.iter().filter(|(_, n)| **n > 0) {
        line(format!("skipped for {reason}: {}", count(*n)));
    }
    let cluster = accounting.laws.iter().map(|law| (String::new(), law));
    let own = report
        .agents
        .iter()
        .flat_map(|agent| agent.laws.iter().map(|law| (format!("{}: ", foreign(&agent.name, NAME_MAX)), law)));
    for (whose, law) in cluster.chain(own).filter(|(_, law)| !law.holds).take(LINES_MAX) {
        let words = format!("{whose}{}: {} ≠ {}", law.law, count(law.left), count(law.right));
        line(paint.with(Ink::Bad, &words));
    }
    if iterations.unknown + requests.unknown + accounting.lost.high + accounting.undone > 0 {
        let mut words = format!(
            "lost with agents: {} iterations in flight, {} to {} requests untold",
            count(iterations.unknown),
            count(accounting.lost.low),
            count(accounting.lost.high),
        );
        if accounting.undone > 0 {
            words += &format!(", about {} iterations undone", count(accounting.undone));
        }
        line(format!("{words} ({} of the load)", percent(accounting.undelivered)));
    }
    if accounting.duplicates_refused > 0 {
        line(format!("refused as duplicates: {} deltas", count(accounting.duplicates_refused)));
    }
    out
}
