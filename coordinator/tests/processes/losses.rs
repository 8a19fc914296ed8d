//! Agents that die or freeze while they generate load.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{Ended, Process, Signal, wait_for};
use super::programs::{Scene, agent, muster};

/// An agent is missed within so many seconds of run time ...
const NOTICED_WITHIN_S: f64 = 3.0;
/// ... and so many more are allowed for a machine that has other things to do than this test.
const NOISE_S: f64 = 5.0;
/// Both agents are at work once so many requests were served.
const IN_FULL_SWING: u64 = 60;

/// A run of a coordinator and two agents, at 100 arrivals per second.
struct Cluster {
    scene: Scene,
    coordinator: Process,
    survivor: Process,
    victim: Process,
    /// Not before the run's start.
    started: Instant,
}

impl Cluster {
    /// Starts a run of so many seconds, and waits until it is in full swing.
    fn in_full_swing(on_loss: &str, seconds: u32) -> Self {
        let scene = Scene::new("");
        let plan = scene.plan(&format!(
            "agents: {{ on_loss: {on_loss} }}\nscenarios:\n  a: {{ executor: constant-arrival-rate, rate: 100/s, \
             duration: {seconds}s, steps: [ {{ get: / }} ] }}"
        ));
        let result = scene.result();
        let result = result.to_str().unwrap();
        let mut coordinator = muster(&["run", &plan, "--agents", "2", "--listen", "127.0.0.1:0", "--json", result]);
        let line = coordinator.says("waiting for 2 agents at ");
        let address = line.rsplit(' ').next().unwrap();
        let join =
            |name: &str| agent(&["--join", address, "--name", name, "--weight", "1", "--workers", "1", "--once"]);
        let (survivor, victim) = (join("survivor"), join("victim"));
        wait_for("the first request is served", || (scene.target.counts().responses > 0).then_some(()));
        let started = Instant::now();
        wait_for("the load is on", || (scene.target.counts().responses >= IN_FULL_SWING).then_some(()));
        Self { scene, coordinator, survivor, victim, started }
    }

    /// Waits for the run's end. Returns it with its document, and with the agents.
    fn end(self) -> (Ended, Value, [Process; 2], Scene) {
        let ended = self.coordinator.end();
        let document = std::fs::read(self.scene.result()).unwrap();
        (ended, serde_json::from_slice(&document).unwrap(), [self.survivor, self.victim], self.scene)
    }
}

/// The loss was noticed in time, in run time that began before this moment.
fn check_noticed(document: &Value, lost_after: Duration) {
    let agents = document["agents"].as_array().unwrap();
    let lost_at_s = |name: &str| agents.iter().find(|agent| agent["name"] == name).unwrap()["lost_at"].as_f64();
    let noticed_s = lost_at_s("victim").expect("the victim is lost") - lost_after.as_secs_f64();
    assert!(noticed_s < NOTICED_WITHIN_S + NOISE_S, "noticed after {noticed_s} s");
    assert_eq!(lost_at_s("survivor"), None);
}

#[test]
fn an_agent_that_is_killed_fails_a_run_that_allows_no_loss() {
    let cluster = Cluster::in_full_swing("fail", 60);
    cluster.victim.signal(Signal::KILL);
    let killed_after = cluster.started.elapsed();
    let (ended, document, [survivor, _], _) = cluster.end();
    assert_eq!(ended.code, Some(97), "{}", ended.out);
    check_noticed(&document, killed_after);
    assert!(ended.err.contains("lost agent victim: silent for 1.5 s"), "{}", ended.err);
    assert!(ended.out.contains("agent victim was lost, which the plan does not allow"), "{}", ended.out);
    assert_eq!(survivor.end().code, Some(0), "the survivor is released");
}

#[test]
fn an_agent_that_is_killed_is_named_with_what_is_missing_and_the_others_go_on() {
    let cluster = Cluster::in_full_swing("degrade", 4);
    cluster.victim.signal(Signal::KILL);
    let killed_after = cluster.started.elapsed();
    let (ended, document, [survivor, _], scene) = cluster.end();
    assert_eq!(ended.code, Some(97), "{}", ended.out);
    check_noticed(&document, killed_after);
    let victim = ended.out.lines().find(|line| line.trim_start().starts_with("victim")).unwrap();
    assert!(victim.contains("LOST at"), "{}", ended.out);
    assert!(ended.out.contains("of the load was lost or left undone"), "{}", ended.out);
    assert!(ended.out.contains("lost with agents:"), "{}", ended.out);
    let survivors = document["agents"].as_array().unwrap().iter().find(|agent| agent["name"] == "survivor").unwrap();
    assert_eq!(survivors["due"], 200, "the survivor keeps to its half");
    let iterations = &document["accounting"]["iterations"];
    assert_eq!(iterations["due"], 400, "what nobody started was due all the same");
    assert!(iterations["skipped"]["agent_lost"].as_u64() > Some(100), "{iterations}");
    assert_eq!(survivor.end().code, Some(0));
    let told = document["accounting"]["requests"]["outcomes"].as_u64().unwrap();
    assert!(told <= scene.target.stop().responses, "nothing is told that did not happen");
}

#[test]
fn an_agent_that_is_told_to_end_closes_its_books_and_leaves_the_others_to_go_on() {
    let cluster = Cluster::in_full_swing("degrade", 4);
    cluster.victim.signal(Signal::TERM);
    let (ended, document, [survivor, victim], scene) = cluster.end();
    assert_eq!(victim.end().code, Some(0), "it went as it was told");
    assert_eq!(survivor.end().code, Some(0));
    assert_eq!(ended.code, Some(97), "a part of the load is missing: {}", ended.out);
    assert!(ended.out.contains("LEFT at"), "{}", ended.out);
    assert!(ended.out.contains("balanced on 2 of 2 agents"), "{}", ended.out);
    assert_eq!(
        (&document["accounting"]["lost"]["high"], &document["accounting"]["iterations"]["unknown"]),
        (&0.into(), &0.into())
    );
    assert_eq!(document["accounting"]["requests"]["outcomes"], scene.target.stop().responses);
}

#[test]
fn an_agent_that_freezes_is_missed_by_its_silence_and_sends_nothing_once_it_thaws() {
    let cluster = Cluster::in_full_swing("fail", 60);
    cluster.victim.signal(Signal::STOP);
    let frozen_after = cluster.started.elapsed();
    let (ended, document, [_, victim], scene) = cluster.end();
    assert_eq!(ended.code, Some(97), "{}", ended.out);
    check_noticed(&document, frozen_after);
    assert!(ended.err.contains("lost agent victim: silent for 1.5 s"), "{}", ended.err);
    let before = scene.target.counts().requests;
    victim.signal(Signal::CONT);
    std::thread::sleep(Duration::from_secs(1));
    // A worker may have been past its look at the lease, with one request.
    assert!(scene.target.counts().requests <= before + 1, "its lease has ended");
    victim.signal(Signal::KILL);
}
