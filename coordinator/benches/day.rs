//! What a run of a day costs its coordinator, and how large its report is: `cargo bench -p muster --bench day`.
//!
//! One agent tells of 50 busy series five times a second for 86 400 seconds of virtual time: as fast as this machine can, through
//! all that unpacks, merges, judges and reports. `MUSTER_DAY_SECONDS` makes the day shorter, `MUSTER_DAY_PAGE=FILE` keeps its page.

mod made;
mod whole;

use std::fs;
use std::path::Path;
use std::time::Instant;

use made::{Values, delta, plan, plan_text, settings};
use muster::plan_file::{self, Format};
use muster::report::{Report, html, json};
use muster::run::record::RunRecord;
use muster_proto::convert::{delta_from_wire, delta_to_wire};
use muster_proto::measurement::Shape;
use muster_proto::plan::Plan;
use whole::Whole;

const DAY_S: u32 = 86_400;
const DAY_SERIES: usize = 50;
const HOUR_S: u32 = 3_600;
const HOUR_SERIES: usize = 20;
/// Requests of each series in a window.
const PER_WINDOW: u64 = 20;
/// How many windows differ from each other, before they come again.
const WINDOWS: u32 = 128;

fn main() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let seconds = number("MUSTER_DAY_SECONDS").unwrap_or(DAY_S);
    println!("{:<62}{:>12}{:>12}", "figure", "measured", "goal");
    let text = plan_text("127.0.0.1:9", DAY_SERIES, seconds.into());
    let day = plan_file::from_str(&text, Format::Yaml, "plan", Path::new(".")).expect("a plan").plan;
    let (since, before_mib) = (Instant::now(), peak_mib());
    let record = told(&day, seconds);
    let took_s = since.elapsed().as_secs_f64();
    println!("{DAY_SERIES} series, {seconds} s, {} requests", record.timeline.counts().sent);
    row("  told and judged, s", took_s, None);
    row("  memory before, MiB", before_mib, None);
    row("  most memory while it went on, MiB", peak_mib(), Some(300.0));
    let page = reported(&record);
    row("  most memory with its report, MiB", peak_mib(), Some(300.0));
    if let Some(file) = std::env::var_os("MUSTER_DAY_PAGE") {
        fs::write(file, page).expect("the page is kept");
    }
    let hour = plan(HOUR_SERIES);
    let record = told(&hour, HOUR_S.min(seconds));
    println!("{HOUR_SERIES} series, {} s, {} requests", HOUR_S.min(seconds), record.timeline.counts().sent);
    reported(&record);
}

/// A run whose agent measures what such an agent does, and sends it packed.
fn told(plan: &Plan, seconds: u32) -> RunRecord {
    let (mut values, shape) = (Values(1), Shape::of(plan));
    let packed: Vec<_> =
        (0..WINDOWS).map(|window| delta_to_wire(&delta(plan, window, PER_WINDOW, &mut values))).collect();
    let measured = |window: u32| {
        delta_from_wire(&packed[(window % WINDOWS) as usize], shape).expect("it was packed by the same rules")
    };
    let mut whole = Whole::begun(settings(plan, 1));
    whole.go_on(seconds, measured);
    whole.ended()
}

/// Makes the report as documents have it and as a page, and tells what that took.
fn reported(record: &RunRecord) -> Vec<u8> {
    let since = Instant::now();
    let report = Report::of(record);
    assert_eq!((report.verdict.outcome.as_str(), report.accounting.balanced), ("passed", true), "{:?}", report.verdict);
    let computed_ms = ms(since);
    let mut page = Vec::new();
    html::write(&report, &mut page).expect("memory");
    row("  report and page, ms", ms(since), Some(2_000.0));
    row("    of that, the report's numbers, ms", computed_ms, None);
    row("  intervals", report.timeline.len() as f64, None);
    row("  page, MiB", page.len() as f64 / f64::from(1 << 20), Some(5.0));
    let mut document = Vec::new();
    json::write(&report, &mut document).expect("memory");
    row("  document, MiB", document.len() as f64 / f64::from(1 << 20), None);
    page
}

fn row(figure: &str, measured: f64, goal: Option<f64>) {
    println!("{figure:<62}{measured:>12.1}{:>12}", goal.map(|goal| goal.to_string()).unwrap_or_default());
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// The most memory that this process has ever had, in MiB.
fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of it");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1_024.0
}
