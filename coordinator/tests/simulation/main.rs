//! A whole cluster in one thread: the real sessions, service, run and journal on a simulated network, disk and clock,
//! with everything that may go wrong drawn from a seed, and the report held against what the target saw.
//!
//! `MUSTER_SEEDS=100..200` chooses the seeds, and `MUSTER_TELL=1` tells what happens; see `docs/reliability.md`.

mod agent;
mod campaign;
mod clock;
mod cluster;
mod coordinator;
mod dice;
mod disk;
mod generator;
mod hands;
mod history;
mod laws;
mod ledger;
mod planted;
mod tally;
mod target;
mod tasks;
mod weather;
mod wire;

use std::ops::Range;
use std::process::Command;

use campaign::{simulate_all, wanted};
use cluster::simulate;

/// The seeds of a test unless others are wanted.
const SEEDS: Range<u64> = 0..600;
/// The seeds whose histories are compared between processes.
const COMPARED: Range<u64> = 60..80;

#[test]
fn whatever_happens_the_report_is_true() {
    let seeds = wanted(SEEDS);
    let (tally, failed) = simulate_all(seeds.clone());
    println!("{tally}");
    assert_eq!(failed, Vec::<u64>::new(), "seeds failed");
    if seeds.end - seeds.start >= SEEDS.end {
        assert_eq!(tally.missing(), Vec::<&str>::new(), "never happened");
    }
}

#[test]
fn the_same_seed_has_the_same_history_in_every_process_whatever_ran_before() {
    let one = |seed| {
        tasks::spawn_one();
        histories(seed..seed + 1)
    };
    let here: Vec<String> = COMPARED.flat_map(one).collect();
    let mut elsewhere = Command::new(std::env::current_exe().unwrap());
    elsewhere.args(["print_histories", "--exact", "--ignored", "--nocapture"]);
    elsewhere.env("MUSTER_SEEDS", format!("{}..{}", COMPARED.start, COMPARED.end));
    let output = elsewhere.output().unwrap();
    let there = String::from_utf8(output.stdout).unwrap();
    let there: Vec<&str> = there.lines().filter(|line| line.starts_with("history ")).collect();
    assert_eq!(there, here);
}

fn histories(seeds: Range<u64>) -> Vec<String> {
    seeds.map(|seed| format!("history {seed} {:016x}", simulate(seed).history.0)).collect()
}

#[test]
#[ignore = "prints what another test compares"]
fn print_histories() {
    histories(wanted(COMPARED)).iter().for_each(|history| println!("{history}"));
}

#[test]
#[ignore = "takes as long as one likes; see docs/reliability.md"]
fn campaign() {
    campaign::run();
}

#[test]
fn every_planted_bug_is_caught() {
    planted::all_are_caught();
}
