//! Many seeds: in one process for a test, in several for a campaign.

use std::fs::OpenOptions;
use std::io::Write;
use std::ops::Range;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use super::cluster::{keep_panics, simulate};
use super::tally::Tally;

/// How many seeds one process of a campaign takes at a time.
const CHUNK: u64 = 1_000;
/// What the result of a campaign's process begins with when all of its seeds passed.
const PASSED: &str = "test result: ok.";

/// The seeds that were asked for with `MUSTER_SEEDS`, such as `100..200`.
pub(crate) fn wanted(usually: Range<u64>) -> Range<u64> {
    let Ok(text) = std::env::var("MUSTER_SEEDS") else { return usually };
    let range = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    range.expect("MUSTER_SEEDS is a range such as 0..1000")
}

/// Simulates these seeds one after the other: what happened, and the seeds that failed, which are shown.
pub(crate) fn simulate_all(seeds: Range<u64>) -> (Tally, Vec<u64>) {
    keep_panics();
    let (mut tally, mut failed) = (Tally::default(), Vec::new());
    for seed in seeds {
        let outcome = simulate(seed);
        tally.merge(&outcome.tally);
        if !outcome.wrong.is_empty() {
            failed.push(seed);
            eprintln!("seed {seed}:");
            outcome.wrong.iter().for_each(|wrong| eprintln!("  {wrong}"));
            let again = format!("MUSTER_SEEDS={seed}..{} cargo test -p muster --test simulation whatever", seed + 1);
            eprintln!("  again: {again}");
        }
    }
    (tally, failed)
}

/// Simulates the wanted seeds in `MUSTER_JOBS` processes, and writes what became of them to the end of the file
/// `MUSTER_LOG`.
///
/// # Panics
/// When a seed failed, or something interesting never happened.
pub(crate) fn run() {
    let seeds = wanted(0..10 * CHUNK);
    let jobs: usize = std::env::var("MUSTER_JOBS").map_or(2, |jobs| jobs.parse().expect("a number of processes"));
    let begun = Instant::now();
    let mut chunks = seeds.clone().step_by(CHUNK as usize).map(|from| from..seeds.end.min(from + CHUNK));
    let (mut tally, mut failed) = (Tally::default(), 0);
    loop {
        let running: Vec<Child> = chunks.by_ref().take(jobs).map(|chunk| begin(&chunk)).collect();
        if running.is_empty() {
            break;
        }
        for child in running {
            let Output { stdout, stderr, .. } = child.wait_with_output().expect("a process that can be waited for");
            let stdout = String::from_utf8_lossy(&stdout);
            tally.merge(&Tally::parse(&stdout));
            if !stdout.contains(PASSED) {
                failed += 1;
                eprintln!("{}", String::from_utf8_lossy(&stderr));
            }
        }
    }
    let result = if failed == 0 { "all true".to_owned() } else { format!("{failed} chunks FAILED") };
    let line = format!("{} seeds {seeds:?}: {result}, {} s", commit(), begun.elapsed().as_secs());
    println!("{line}\n{tally}");
    note(&line, &tally);
    assert_eq!((failed, tally.missing()), (0, Vec::new()), "failed chunks, and what never happened");
}

fn begin(seeds: &Range<u64>) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["whatever_happens_the_report_is_true", "--exact", "--nocapture"]);
    command.env("MUSTER_SEEDS", format!("{}..{}", seeds.start, seeds.end));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("another process")
}

/// The commit that is tested, if that can be known.
fn commit() -> String {
    let described = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).output();
    let text = described.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown commit".to_owned())
}

fn note(line: &str, tally: &Tally) {
    let Ok(path) = std::env::var("MUSTER_LOG") else { return };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let mut file = file.unwrap_or_else(|error| panic!("{path}: {error}"));
    write!(file, "{line}\n{tally}").unwrap_or_else(|error| panic!("{path}: {error}"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (all, same) = (seeds_in(&text, ""), seeds_in(&text, &commit()));
    println!("{path} tells of {all} seeds, {same} of them of this commit");
}

/// How many seeds the campaigns that a file tells of had together, those of one commit or all.
fn seeds_in(text: &str, commit: &str) -> u64 {
    let seeds = |line: &str| {
        let (from, to) = line.split_once(" seeds ")?.1.split_once(':')?.0.split_once("..")?;
        Some(to.parse::<u64>().ok()? - from.parse::<u64>().ok()?)
    };
    text.lines().filter(|line| line.starts_with(commit)).filter_map(seeds).sum()
}
