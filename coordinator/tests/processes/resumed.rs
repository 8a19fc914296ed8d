//! A coordinator that is killed, and another that goes on with its run.

use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::process::{Ended, Process, Signal, wait_for};
use super::programs::{Scene, agent, muster};

/// Arrivals in a second, of all agents.
const RATE: u64 = 100;
/// So much longer than their coordinator was away agents may have been without a lease, in seconds, on a machine that has
/// other things to do than this test.
const NOISE_S: f64 = 5.0;

/// A run whose coordinators come and go.
struct Cluster {
    scene: Scene,
    runs: TempDir,
    address: String,
    coordinator: Process,
    agents: Vec<Process>,
}

impl Cluster {
    /// A coordinator that waits for so many agents, with a target that behaves so.
    fn waiting(agents: usize, script: &str, seconds: u64, more: &[&str]) -> Self {
        let (scene, runs) = (Scene::new(script), tempfile::tempdir().unwrap());
        let plan = scene.plan(&format!(
            "scenarios:\n  a: {{ executor: constant-arrival-rate, rate: {RATE}/s, duration: {seconds}s, graceful_stop: 60s, \
             steps: [ {{ get: / }} ] }}"
        ));
        let (agents, out) = (agents.to_string(), runs.path().to_str().unwrap());
        let common = ["run", &plan, "--agents", &agents, "--listen", "127.0.0.1:0", "--out", out];
        let mut coordinator = muster(&[&common[..], more].concat());
        let address = address(&coordinator.says("waiting for "));
        Self { scene, runs, address, coordinator, agents: Vec::new() }
    }

    /// So many agents take part in a run, until it ends.
    fn of(agents: usize, script: &str, seconds: u64) -> Self {
        Self::waiting(agents, script, seconds, &[]).with(agents)
    }

    /// So many agents join.
    fn with(mut self, agents: usize) -> Self {
        (0..agents).for_each(|_| self.join(&["--once"]));
        self
    }

    fn join(&mut self, more: &[&str]) {
        let name = format!("agent-{}", self.agents.len());
        let common = ["--join", &self.address, "--name", &name, "--weight", "1", "--workers", "1"];
        self.agents.push(agent(&[&common[..], more].concat()));
    }

    fn served(&self, wanted: u64) {
        wait_for("requests are served", || (self.scene.target.counts().responses >= wanted).then_some(()));
    }

    fn kill_coordinator(&mut self) {
        self.coordinator.signal(Signal::KILL);
        wait_for("it is dead", || self.coordinator.has_ended().then_some(()));
    }

    /// The folder of the only run.
    fn folder(&self) -> PathBuf {
        let folders: Vec<PathBuf> = std::fs::read_dir(self.runs.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(folders.len(), 1);
        folders[0].clone()
    }

    /// Another coordinator for the run, by its folder.
    fn another(&self) -> Process {
        self.another_with(&[])
    }

    fn another_with(&self, more: &[&str]) -> Process {
        let (folder, json) = (self.folder(), self.scene.result());
        let common = ["run", "--resume", folder.to_str().unwrap(), "--json", json.to_str().unwrap()];
        muster(&[&common[..], more].concat())
    }

    /// Another coordinator goes on. Returns what it says that it waits for.
    fn resume(&mut self) -> String {
        self.coordinator = self.another();
        let line = self.coordinator.says("waiting for ");
        assert_eq!(address(&line), self.address, "agents find it where they look for it");
        line
    }

    /// Waits for the run's end. Nothing may be missing but what nobody had a lease for, and the journal tells the same.
    fn end(self, resumed: u64, due: u64) -> Ended {
        let folder = self.folder();
        let ended = self.coordinator.end();
        let document: Value = serde_json::from_slice(&std::fs::read(self.scene.result()).unwrap()).unwrap();
        let served = self.scene.target.stop();
        let (iterations, requests) = (&document["accounting"]["iterations"], &document["accounting"]["requests"]);
        assert_eq!(document["run"]["resumed"]["times"], resumed, "{}", ended.out);
        assert!(ended.out.contains("  resumed "), "{}", ended.out);
        assert_eq!((&document["accounting"]["balanced"], &iterations["due"]), (&true.into(), &due.into()), "{ended:?}");
        let counted = (&requests["sent"], &requests["outcomes"]);
        assert_eq!(counted, (&served.requests.into(), &served.responses.into()), "{ended:?}");
        let unknown = (&iterations["unknown"], &requests["unknown"], &document["accounting"]["lost"]["high"]);
        assert_eq!(unknown, (&0.into(), &0.into(), &0.into()));
        let skipped = iterations["skipped"]["lease"].as_u64().unwrap();
        assert_eq!(iterations["started"].as_u64().unwrap() + skipped, due, "{iterations}");
        let absent_s = document["run"]["resumed"]["absent_s"].as_f64().unwrap();
        assert!(skipped as f64 <= (absent_s + NOISE_S) * RATE as f64, "{skipped} skipped in {absent_s} s");
        assert!(ended.code == Some(0) || skipped > 0, "{ended:?}");
        let told = muster(&["report", folder.to_str().unwrap(), "--from-journal", "--json", "-"]).end();
        assert_eq!(serde_json::from_str::<Value>(&told.out).unwrap(), document, "{}", told.err);
        ended
    }
}

/// The address at the end of a line.
fn address(line: &str) -> String {
    line.rsplit(' ').next().unwrap().to_owned()
}

/// Random numbers whose seed is printed, each below its bound.
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let seed = RandomState::new().hash_one(0) | 1;
        println!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[test]
fn a_run_goes_on_whenever_its_coordinator_is_killed() {
    let (mut random, seconds) = (Random::seeded(), 6);
    let mut cluster = Cluster::of(2, "", seconds);
    cluster.served(1 + random.below(RATE * (seconds - 2)));
    cluster.kill_coordinator();
    assert!(cluster.resume().contains("waiting for 2 agents to come back"));
    let agents = std::mem::take(&mut cluster.agents);
    cluster.end(1, RATE * seconds);
    for agent in agents {
        assert_eq!(agent.end().code, Some(0), "it is released");
    }
}

/// How many iterations fell due, as a page for Prometheus has it; nothing before a second was told of.
fn due_on(page: &str) -> Option<u64> {
    let mut stream = TcpStream::connect(page).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let line = answer.lines().find(|line| line.starts_with("muster_iterations_due_total{"))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn a_run_that_goes_on_goes_on_with_its_metrics() {
    let seconds = 8;
    let mut cluster = Cluster::of(2, "", seconds);
    cluster.served(3 * RATE + RATE / 2);
    cluster.kill_coordinator();
    cluster.coordinator = cluster.another_with(&["--prometheus", "0", "--prometheus-linger", "600s"]);
    let page = cluster.coordinator.says("metrics at http://");
    let page = page.split("http://").nth(1).unwrap().trim_end_matches("/metrics");
    let mut seen = Vec::new();
    wait_for("all was due", || {
        seen.extend(due_on(page));
        (seen.last() == Some(&(seconds * RATE))).then_some(())
    });
    assert!(seen[0] > 2 * RATE && seen.is_sorted(), "what was before counts: {seen:?}");
    assert!(seen.iter().all(|due| due.is_multiple_of(RATE)), "each second once: {seen:?}");
    cluster.coordinator.says("metrics stay at");
    cluster.coordinator.signal(Signal::INT);
    cluster.end(1, RATE * seconds);
}

#[test]
fn a_run_goes_on_as_often_as_its_coordinators_are_killed() {
    let (mut random, seconds) = (Random::seeded(), 9);
    let mut cluster = Cluster::of(3, "latency=20ms", seconds);
    for times in 0..3 {
        cluster.served(1 + times * 2 * RATE + random.below(RATE));
        cluster.kill_coordinator();
        cluster.resume();
    }
    let ended = cluster.end(3, RATE * seconds);
    assert!(ended.out.contains("  resumed 3 times: without a coordinator for "), "{}", ended.out);
}

#[test]
fn agents_whose_coordinator_was_away_for_longer_than_their_lease_skip_and_count_what_was_due() {
    let seconds = 8;
    let mut cluster = Cluster::of(2, "", seconds);
    cluster.served(RATE);
    cluster.kill_coordinator();
    let served = || cluster.scene.target.counts().responses;
    let mut before = u64::MAX;
    wait_for("no lease is left", || {
        std::thread::sleep(std::time::Duration::from_millis(500));
        let stands = served() == before;
        before = served();
        stands.then_some(())
    });
    cluster.resume();
    let ended = cluster.end(1, RATE * seconds);
    assert!(ended.out.contains("skipped for lease: "), "{}", ended.out);
}

#[test]
fn a_run_that_ends_without_its_coordinator_is_concluded_by_the_next() {
    // All that is due was sent, and nothing has ended: what follows is the agents' farewell.
    let mut cluster = Cluster::of(2, "latency=4s", 1);
    wait_for("all is sent", || (cluster.scene.target.counts().requests == RATE).then_some(()));
    cluster.kill_coordinator();
    cluster.served(RATE);
    cluster.resume();
    assert_eq!(cluster.end(1, RATE).code, Some(0));
}

#[test]
fn a_run_that_still_waits_for_agents_goes_on_waiting() {
    let mut cluster = Cluster::waiting(2, "", 1, &[]);
    cluster.join(&[]);
    cluster.coordinator.says("1 of 2 agents joined");
    cluster.kill_coordinator();
    assert!(cluster.resume().contains("it had not begun: waiting for 2 agents"));
    cluster.coordinator.says("1 of 2 agents joined");
    cluster.join(&[]);
    assert_eq!(cluster.end(1, RATE).code, Some(0));
}

#[test]
fn a_torn_end_of_the_journal_is_cut_off_and_said() {
    let mut random = Random::seeded();
    let mut cluster = Cluster::of(2, "", 4);
    cluster.served(RATE);
    cluster.kill_coordinator();
    let journal = cluster.folder().join("journal");
    let torn = 1 + random.below(100);
    let unfinished: Vec<u8> = (0..torn).map(|_| random.below(256) as u8).collect();
    std::fs::OpenOptions::new().append(true).open(&journal).unwrap().write_all(&unfinished).unwrap();
    cluster.coordinator = cluster.another();
    cluster.coordinator.says(&format!("cut off: the last {torn} bytes of the journal"));
    cluster.end(1, RATE * 4);
}

#[test]
fn a_run_that_has_outgrown_its_journal_goes_on_from_a_snapshot() {
    let seconds = 10;
    let mut cluster = Cluster::waiting(2, "", seconds, &["--journal-max", "48KiB"]).with(2);
    let snapshot = cluster.folder().join("snapshot.3");
    wait_for("a second snapshot is kept", || snapshot.exists().then_some(()));
    let beginning = cluster.folder().join("journal");
    wait_for("nobody needs its beginning any more", || (!beginning.exists()).then_some(()));
    cluster.kill_coordinator();
    cluster.resume();
    cluster.end(1, RATE * seconds);
}

#[test]
fn only_one_coordinator_conducts_a_run() {
    let mut cluster = Cluster::of(2, "", 4);
    cluster.served(1);
    let second = cluster.another().end();
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.err.contains("the run is still going on"), "{second:?}");
    cluster.kill_coordinator();
    cluster.resume();
    let third = cluster.another().end();
    assert_eq!(third.code, Some(1), "{third:?}");
    cluster.end(1, RATE * 4);
}

#[test]
fn a_run_with_nothing_to_go_on_with_is_refused_with_a_hint() {
    let cluster = Cluster::of(1, "", 1);
    let (folder, runs, scene) = (cluster.folder(), cluster.runs, cluster.scene);
    assert_eq!(cluster.coordinator.end().code, Some(0));
    let resume = |name: &str| muster(&["run", "--resume", name, "--out", runs.path().to_str().unwrap()]).end();
    let ended = resume(folder.file_name().unwrap().to_str().unwrap());
    assert_eq!(ended.code, Some(104), "{ended:?}");
    assert!(ended.err.contains("the run has ended") && ended.err.contains("hint: its report: muster report "));
    std::fs::remove_file(folder.join("result.json")).unwrap();
    assert_eq!(resume(folder.to_str().unwrap()).code, Some(104), "its journal says so too");
    let unknown = resume("ffff");
    assert_eq!(unknown.code, Some(104), "{unknown:?}");

    let local = tempfile::tempdir().unwrap();
    let run = muster(&["run", &scene.url(), "--duration", "300s", "--out", local.path().to_str().unwrap()]);
    let journal = || Some(std::fs::read_dir(local.path()).ok()?.next()?.ok()?.path());
    let served = scene.target.counts().responses;
    wait_for("the load is on", || (scene.target.counts().responses > served).then_some(()));
    run.signal(Signal::KILL);
    assert_eq!(run.end().code, None);
    let refused = resume(journal().unwrap().to_str().unwrap());
    assert_eq!(refused.code, Some(104), "{refused:?}");
    assert!(refused.err.contains("in its coordinator's own process"), "{refused:?}");
}

#[test]
fn a_plan_whose_secrets_are_forgotten_cannot_be_handed_out_any_more() {
    let (scene, runs) = (Scene::new(""), tempfile::tempdir().unwrap());
    let (url, out) = (scene.url(), runs.path().to_str().unwrap().to_owned());
    let cluster = ["--agents", "1", "--listen", "127.0.0.1:0", "--out", &out, "--header", "x-api-key: 1"];
    let mut run = muster(&[&["run", &url][..], &cluster].concat());
    run.says("waiting for 1 agents at ");
    run.signal(Signal::KILL);
    assert_eq!(run.end().code, None);
    let folder = std::fs::read_dir(runs.path()).unwrap().next().unwrap().unwrap().path();
    let refused = muster(&["run", "--resume", folder.to_str().unwrap()]).end();
    assert_eq!(refused.code, Some(104), "{refused:?}");
    assert!(refused.err.contains("are not written down") && refused.err.contains("hint: nothing was sent"));
}
