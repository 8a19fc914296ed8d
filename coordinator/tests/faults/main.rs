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
//! `MUSTER_FAULTS_AT_ONCE` sets how many clusters there are at a time, `MUSTER_FAULTS_ONLY=KillCoordinator` the only kind of
//! fault. The seed that a run prints brings its faults back.

mod act;
mod campaign;
mod cluster;
mod coordinator;
mod draw;
mod evidence;
mod fault;
mod figures;
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
    if sandbox::enter("whatever_breaks_the_report_tells_what_the_target_has_seen") {
        campaign::Campaign::from_environment().run();
    }
}

#[test]
fn whatever_is_planted_is_seen() {
    if sandbox::enter("whatever_is_planted_is_seen") {
        planted::try_all();
    }
}
