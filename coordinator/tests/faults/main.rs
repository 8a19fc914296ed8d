//! Real faults on a real cluster: programs in network namespaces of their own are killed, frozen, cut off and slowed
//! down, and what they report is held against what the target has seen.
//!
//! Without arguments a few dozen faults are tried. As many as asked, and what came of them in a file:
//!
//! ```sh
//! cargo build --bins
//! MUSTER_FAULTS_RUNS=300 MUSTER_FAULTS_SEED=1000 MUSTER_FAULTS_FILE=$PWD/faults.jsonl \
//!     cargo test --test faults -- --nocapture
//! ```
//!
//! The power of coordinators is cut where the test runs as root and may mount a disk of its own:
//!
//! ```sh
//! MUSTER_FAULTS_RUNS=30 cargo test --test faults power -- --nocapture
//! ```
//!
//! `MUSTER_FAULTS_AT_ONCE` sets how many clusters there are at a time, `MUSTER_FAULTS_ONLY=KillCoordinator` the only kind of
//! fault. The seed that a run prints brings its faults back.

mod act;
mod campaign;
mod cluster;
mod coordinator;
mod disk;
mod draw;
mod evidence;
mod fault;
mod figures;
mod folder;
mod network;
mod oracle;
#[path = "../processes/places.rs"]
mod places;
mod planted;
#[path = "../processes/process.rs"]
mod process;
mod record;
mod sandbox;
mod shell;

#[test]
fn whatever_breaks_the_report_tells_what_the_target_has_seen() {
    if sandbox::enter("whatever_breaks_the_report_tells_what_the_target_has_seen", &sandbox::ANYBODY) {
        campaign::Campaign::from_environment().run();
    }
}

#[test]
fn whatever_is_planted_is_seen() {
    if sandbox::enter("whatever_is_planted_is_seen", &sandbox::ANYBODY) {
        planted::try_all();
    }
}

#[test]
fn whatever_was_acknowledged_outlives_power_cuts() {
    if sandbox::enter("whatever_was_acknowledged_outlives_power_cuts", &sandbox::ROOT) {
        campaign::Campaign::of_power_cuts().run();
    }
}

#[test]
fn a_disk_that_lies_is_noticed_at_a_power_cut() {
    if sandbox::enter("a_disk_that_lies_is_noticed_at_a_power_cut", &sandbox::ROOT) {
        planted::try_a_disk_that_lies();
    }
}
