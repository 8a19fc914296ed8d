//! A coordinator that is killed: whatever it had acknowledged is found again.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use muster_proto::convert::pack;
use muster_proto::wire::from_agent::Message;
use muster_proto::wire::{self, from_coordinator};
use serde_json::Value;

use super::stranger::Stranger;

/// Deltas that are acknowledged before the end.
const ACKNOWLEDGED: u64 = 20;
/// Further ones that are sent and whose acknowledgement nobody waits for.
const PENDING: u64 = 5;

/// A delta of the first window in which so many iterations fell due and were skipped.
fn delta(seq: u64) -> Message {
    let stats = wire::IterationStats { due: 7, skipped: vec![7], ..Default::default() };
    let measurement = pack(&wire::Measurement { scenarios: vec![stats], ..Default::default() });
    Message::Delta(wire::Delta { seq, measurement, ..Default::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_coordinator_had_acknowledged_is_found_again() {
    let runs = tempfile::tempdir().unwrap();
    let mut coordinator = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(["run", "http://127.0.0.1:9/", "--rate", "10/s", "--duration", "60s", "--agents", "1"])
        .args(["--listen", "127.0.0.1:0", "--out", runs.path().to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(coordinator.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().rsplit(' ').next().unwrap();
    let mut agent = Stranger::join(address, "agent").await;
    agent.say(Message::Ready(wire::Ready::default())).await;
    while !matches!(agent.hear().await.expect("a start"), from_coordinator::Message::Start(_)) {}
    for seq in 1..=ACKNOWLEDGED + PENDING {
        agent.say(delta(seq)).await;
    }
    let mut acknowledged = 0;
    while acknowledged < ACKNOWLEDGED {
        if let from_coordinator::Message::Ack(ack) = agent.hear().await.expect("an acknowledgement") {
            acknowledged = ack.seq;
        }
    }
    coordinator.kill().unwrap();
    coordinator.wait().unwrap();

    let folder = std::fs::read_dir(runs.path()).unwrap().next().unwrap().unwrap().path();
    let report = Command::new(env!("CARGO_BIN_EXE_muster")).arg("report").arg(folder).args(["--json", "-"]).output();
    let report = report.unwrap();
    assert_eq!(report.status.code(), Some(97), "{report:?}");
    let document: Value = serde_json::from_slice(&report.stdout).unwrap();
    let due = document["accounting"]["iterations"]["due"].as_u64().unwrap();
    assert!((7 * acknowledged..=7 * (ACKNOWLEDGED + PENDING)).contains(&due), "{due} of {acknowledged} deltas");
    assert!(due.is_multiple_of(7), "a delta is told whole or not at all");
    assert_eq!(document["accounting"]["balanced"], true);
    assert_eq!(document["run"]["began"], true);
}
