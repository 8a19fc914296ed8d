//! Rows of data and the real programs: what lies where and for how long.

use std::path::{Path, PathBuf};

use muster_target::{Config, Target};
use serde_json::Value;
use tempfile::TempDir;

use super::places::agent_program;
use super::process::{Process, Signal, wait_for};
use super::programs::{agent, muster};

/// How many rows there are, each so long that all together do not fit into memory.
const ROWS: usize = 600;
const ROW_BYTES: usize = 8_000;

/// A folder with a plan and its rows, a target that notes which of them it is sent, and a place for runs and caches.
struct Scene {
    folder: TempDir,
    target: Target,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let access_log = Some(folder.path().join("access.log"));
        let target = Target::start(Config { access_log, ..Config::default() }).unwrap();
        let scene = Self { folder, target };
        let padding = "x".repeat(ROW_BYTES);
        let lines: String =
            (0..ROWS).map(|number| format!("{{\"id\":{number},\"padding\":\"{padding}\"}}\n")).collect();
        std::fs::write(scene.path("rows.jsonl"), lines).unwrap();
        let plan = format!(
            "name: data\ntarget: http://{}\ndata: {{ row: {{ file: rows.jsonl, on_end: stop }} }}\n\
             scenarios:\n  a: {{ executor: constant-arrival-rate, rate: 100/s, duration: 8s, graceful_stop: 60s, \
             steps: [ {{ name: row, get: '/row/{{{{ row.id }}}}' }} ] }}\n",
            scene.target.addr()
        );
        std::fs::write(scene.path("plan.yaml"), plan).unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The names of what lies in a folder, of those that end so.
    fn names(&self, folder: &Path, ending: &str) -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(ending)).collect()
    }

    /// The folder of the only run.
    fn run(&self) -> PathBuf {
        let folders: Vec<PathBuf> = std::fs::read_dir(self.path("runs")).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(folders.len(), 1);
        folders[0].clone()
    }

    fn join(&self, address: &str, name: &str) -> Process {
        let cache = self.text(name);
        agent(&["--join", address, "--name", name, "--workers", "1", "--weight", "1", "--once", "--cache", &cache])
    }

    fn served(&self, wanted: u64) {
        wait_for("requests are served", || (self.target.counts().responses >= wanted).then_some(()));
    }

    /// How often each row was sent.
    fn times(self) -> Vec<usize> {
        let _ = self.target.stop();
        let log = std::fs::read_to_string(self.folder.path().join("access.log")).unwrap();
        let mut times = vec![0; ROWS];
        log.lines().for_each(|line| times[line.split([' ', '/']).nth(3).unwrap().parse::<usize>().unwrap()] += 1);
        times
    }
}

fn address(line: &str) -> String {
    line.rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn an_agent_that_joins_after_its_coordinator_was_killed_gets_the_rows_from_the_next_one() {
    let scene = Scene::new();
    let (plan, runs, json) = (scene.text("plan.yaml"), scene.text("runs"), scene.text("result.json"));
    let mut first = muster(&["run", &plan, "--agents", "1", "--listen", "127.0.0.1:0", "--out", &runs]);
    let address = address(&first.says("waiting for "));
    let one = scene.join(&address, "one");
    scene.served(100);
    assert_eq!(scene.names(&scene.run(), ".jsonl").len(), 1, "whoever goes on with the run needs them");
    first.signal(Signal::KILL);
    assert_eq!(first.end().code, None);
    // The plan's own file is needed no more.
    std::fs::remove_file(scene.path("rows.jsonl")).unwrap();
    let mut second = muster(&["run", "--resume", scene.run().to_str().unwrap(), "--json", &json]);
    second.says("waiting for ");
    let two = scene.join(&address, "two");
    let ended = second.end();
    for agent in [one, two] {
        let ended = agent.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let document: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let agents = document["agents"].as_array().unwrap();
    let sent = |name: &str| agents.iter().find(|agent| agent["name"] == name).unwrap()["sent"].as_u64().unwrap();
    assert!(sent("one") > 0 && sent("two") > 0, "{ended:?}");
    assert_eq!(document["run"]["plan"]["data"][0]["rows"], ROWS);
    assert_eq!(scene.names(&scene.run(), ".jsonl"), [""; 0], "nobody needs them when it has ended");
    assert_eq!(scene.names(&scene.path("two"), ".rows").len(), 1);
    let told = muster(&["report", scene.run().to_str().unwrap(), "--from-journal", "--json", "-"]).end();
    assert_eq!(serde_json::from_str::<Value>(&told.out).unwrap(), document, "{}", told.err);
    let times = scene.times();
    assert!(times.iter().all(|times| *times <= 1), "no row is used twice: {times:?}");
}

#[test]
fn a_plan_is_read_without_leaving_anything_behind() {
    let scene = Scene::new();
    let temporary = scene.path("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let program = super::places::muster_program().to_str().unwrap().to_owned();
    let within = "TMPDIR=\"$1\" exec \"$2\" validate \"$3\"";
    let arguments = ["-c", within, "sh", temporary.to_str().unwrap(), &program, &scene.text("plan.yaml")];
    let ended = Process::start(Path::new("/bin/sh"), &arguments).end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("row = {\"id\": 0, \"padding\": \"xxx"), "{}", ended.out);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn an_agent_whose_disk_is_full_says_so_and_the_run_ends() {
    let scene = Scene::new();
    let (plan, runs) = (scene.text("plan.yaml"), scene.text("runs"));
    let mut coordinator = muster(&["run", &plan, "--agents", "1", "--listen", "127.0.0.1:0", "--out", &runs]);
    let address = address(&coordinator.says("waiting for "));
    // Files of this process hold so many blocks and no more; without the trap that would end it.
    let limited = "trap '' XFSZ; ulimit -f 2048; exec \"$@\"";
    let (program, cache) = (agent_program().to_str().unwrap().to_owned(), scene.text("cache"));
    let agent = ["-c", limited, "sh", &program, "--join", &address, "--once", "--workers", "1", "--cache", &cache];
    let agent = Process::start(Path::new("/bin/sh"), &agent);
    let ended = coordinator.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("the rows of feeder row: they cannot be kept: File too large"), "{ended:?}");
    assert_eq!(scene.names(&scene.path("cache"), ""), [""; 0]);
    drop(agent);
    assert_eq!(scene.target.stop().requests, 0);
}
