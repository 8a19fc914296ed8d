//! Agents with a spool that are killed, and started again with the same one.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::process::{Process, Signal, wait_for};
use super::programs::{Scene, agent, muster};

/// All agents are at work once so many requests were served.
const IN_FULL_SWING: u64 = 200;

/// Arrivals in a second, of all agents.
const RATE: u64 = 300;
/// Users who load the target beside the arrivals.
const USERS: &str = "\n  b: { executor: constant-users, users: 6, duration: 10s, graceful_stop: 60s, steps: [ { get: / }, { think: 50ms } ] }";

/// A run of three agents, each with a spool.
struct Cluster {
    scene: Scene,
    spools: TempDir,
    address: String,
    coordinator: Process,
    agents: Vec<Process>,
}

impl Cluster {
    fn in_full_swing(on_loss: &str, seconds: u64, more: &str) -> Self {
        let (scene, spools) = (Scene::new("latency=20ms"), tempfile::tempdir().unwrap());
        let plan = scene.plan(&format!(
            "agents: {{ on_loss: {on_loss} }}\nscenarios:\n  a: {{ executor: constant-arrival-rate, rate: {RATE}/s, \
             duration: {seconds}s, graceful_stop: 60s, steps: [ {{ get: / }} ] }}{more}"
        ));
        let result = scene.result();
        let words = ["--agents", "3", "--listen", "127.0.0.1:0", "--json", result.to_str().unwrap()];
        let mut coordinator = muster(&[&["run", &plan][..], &words].concat());
        let line = coordinator.says("waiting for 3 agents at ");
        let address = line.rsplit(' ').next().unwrap().to_owned();
        let mut cluster = Self { scene, spools, address, coordinator, agents: Vec::new() };
        (0..3).for_each(|number| cluster.join(number));
        wait_for("the load is on", || (cluster.scene.target.counts().responses >= IN_FULL_SWING).then_some(()));
        cluster
    }

    fn join(&mut self, number: usize) {
        let (name, spool) = (format!("agent-{number}"), self.spool(number));
        let words = ["--join", &self.address, "--name", &name, "--weight", "1", "--workers", "2", "--spool", &spool];
        self.agents.push(agent(&[&words[..], &["--once"]].concat()));
    }

    fn spool(&self, number: usize) -> String {
        self.spools.path().join(number.to_string()).to_string_lossy().into_owned()
    }

    fn kill(&mut self, number: usize) {
        self.agents[number].signal(Signal::KILL);
        wait_for("it is dead", || self.agents[number].has_ended().then_some(()));
    }

    /// Waits for the run's end. Nothing is lost: the report tells of all that was served, to the request, but for what was
    /// in flight when somebody was killed.
    fn end(mut self, code: Option<i32>) -> Value {
        self.agents.iter_mut().for_each(|agent| wait_for("agents end", || agent.has_ended().then_some(())));
        assert!(is_empty(Path::new(&self.spool(0))), "nothing is left in the spool");
        let ended = self.coordinator.end();
        let document: Value = serde_json::from_slice(&std::fs::read(self.scene.result()).unwrap()).unwrap();
        let served = self.scene.target.stop();
        assert!(code.is_none() || ended.code == code, "{ended:?}");
        let accounting = &document["accounting"];
        assert_eq!((&accounting["balanced"], &accounting["lost"]["high"]), (&true.into(), &0.into()), "{ended:?}");
        let requests = |name: &str| accounting["requests"][name].as_u64().unwrap();
        let (sent, unknown, outcomes) = (requests("sent"), requests("unknown"), requests("outcomes"));
        assert_eq!(sent, outcomes + unknown, "{ended:?}");
        assert!((sent - unknown..=sent).contains(&served.requests), "{} served: {ended:?}", served.requests);
        document
    }
}

/// Whether there is no agent's folder in a spool.
fn is_empty(spool: &Path) -> bool {
    std::fs::read_dir(spool).unwrap().all(|entry| !entry.unwrap().path().is_dir())
}

#[test]
fn an_agent_that_is_killed_and_started_again_at_once_loses_nothing() {
    let mut cluster = Cluster::in_full_swing("redistribute", 10, USERS);
    cluster.kill(0);
    cluster.join(0);
    cluster.coordinator.says("what agent agent-0 had not told is handed in");
    let document = cluster.end(None);
    let iterations = &document["accounting"]["iterations"];
    assert!(document["accounting"]["requests"]["unknown"].as_u64() > Some(0), "some were in flight: {iterations}");
    let agents = document["agents"].as_array().unwrap();
    let handed_in = agents.iter().filter(|agent| agent["handed_in"] == true && !agent["lost_at"].is_null());
    assert!(handed_in.map(|agent| agent["name"].as_str().unwrap()).eq(["agent-0"]), "{agents:?}");
}

#[test]
fn one_that_is_started_again_after_it_was_given_up_loses_nothing_either() {
    let mut cluster = Cluster::in_full_swing("degrade", 10, "");
    cluster.kill(0);
    cluster.coordinator.says("lost agent agent-0: silent");
    cluster.join(0);
    cluster.coordinator.says("what agent agent-0 had not told is handed in");
    let document = cluster.end(Some(97));
    let due = document["accounting"]["iterations"]["due"].as_u64();
    assert_eq!(due, Some(10 * RATE), "what nobody started was due all the same");
}
