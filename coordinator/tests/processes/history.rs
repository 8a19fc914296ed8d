//! What is kept of earlier runs: listed, compared over time, and let go.

use serde_json::Value;
use tempfile::TempDir;

use super::process::{Ended, Process, Signal, wait_for};
use super::programs::{Scene, muster};

/// A folder of runs, and a target that takes a millisecond.
struct History {
    scene: Scene,
    runs: TempDir,
}

impl History {
    fn new() -> Self {
        Self { scene: Scene::new("latency=1ms"), runs: tempfile::tempdir().unwrap() }
    }

    fn start(&self, duration: &str, more: &[&str]) -> Process {
        let url = self.scene.url();
        muster(&[&["run", &url, "--rate", "50/s", "--duration", duration, "--out", self.out()], more].concat())
    }

    fn run(&self, more: &[&str]) {
        let ended = self.start("1s", more).end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    fn out(&self) -> &str {
        self.runs.path().to_str().unwrap()
    }

    fn ask(&self, arguments: &[&str]) -> Ended {
        muster(&[arguments, &["--out", self.out()]].concat()).end()
    }

    fn list(&self, more: &[&str]) -> Vec<Value> {
        let ended = self.ask(&[&["runs", "--json"], more].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let list: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(list["schema"], "muster.runs/1");
        list["runs"].as_array().unwrap().clone()
    }

    /// Waits until the run that goes on has a folder, and is listed.
    fn goes_on(&self) -> String {
        let on = || self.list(&["--outcome", "going-on"]);
        wait_for("the run goes on", || on().first().map(|run| run["id"].as_str().unwrap().to_owned()))
    }
}

#[test]
fn runs_are_listed_the_latest_first_with_the_numbers_of_their_reports() {
    let history = History::new();
    let none = history.ask(&["runs"]);
    assert_eq!((none.code, none.out.starts_with("no such runs in ")), (Some(0), true), "{none:?}");
    history.run(&["--tag", "build=17"]);
    history.run(&["--tag", "build=18"]);
    let all = history.list(&[]);
    assert_eq!(all.iter().map(|run| run["tags"]["build"].as_str().unwrap()).collect::<Vec<_>>(), ["18", "17"]);
    let id = all[0]["id"].as_str().unwrap();
    let json = history.ask(&["show", id, "--json", "-"]);
    let document: Value = serde_json::from_str(&json.out).unwrap();
    let duration = |metric: &&Value| {
        metric["name"] == "http_req_duration" && metric["request"].is_null() && metric["scenario"].is_null()
    };
    let metric = document["metrics"].as_array().unwrap().iter().find(duration).unwrap();
    assert_eq!(all[0]["p99_ms"], metric["percentiles_ms"]["99"]);
    assert_eq!((&all[0]["requests"], &all[0]["outcome"]), (&50.into(), &"passed".into()));
    assert_eq!(history.list(&["--tag", "build=17"]), all[1..]);
    assert_eq!(history.list(&["--last", "1"]), all[..1]);
    assert_eq!(history.list(&["--outcome", "failed"]).len(), 0);
    let table = history.ask(&["runs", "--last", "1"]);
    assert!(table.out.contains("build=18") && table.out.contains("1 of 2 runs"), "{}", table.out);
    assert_eq!(history.ask(&["report", id]).out, history.ask(&["show", id]).out);
}

#[test]
fn one_that_goes_on_and_one_that_was_interrupted_are_listed_as_such() {
    let history = History::new();
    let run = history.start("300s", &["--tag", "build=17"]);
    let id = history.goes_on();
    run.signal(Signal::KILL);
    run.end();
    let all = history.list(&["--outcome", "interrupted", "--tag", "build=17"]);
    assert_eq!(all.iter().map(|run| run["id"].as_str().unwrap()).collect::<Vec<_>>(), [id]);
    assert!(all[0]["p99_ms"].is_null());
}

#[test]
fn a_trend_shows_one_number_of_all_runs_of_a_plan() {
    let history = History::new();
    (0..3).for_each(|_| history.run(&[]));
    let page = history.scene.result().with_extension("html");
    let trend = history.ask(&["trend", "requests", "--html", page.to_str().unwrap()]);
    assert_eq!(trend.code, Some(0), "{trend:?}");
    assert!(
        trend.out.contains("lowest 50   median 50   highest 50   last 50, 0.00 % above the median of the 2"),
        "{}",
        trend.out
    );
    assert!(std::fs::read_to_string(page).unwrap().contains("http_reqs: count"));
    let trend = history.ask(&["trend", "service_time: p(95)", "--json", "-"]);
    let document: Value = serde_json::from_str(&trend.out).unwrap();
    assert_eq!((&document["unit"], document["points"].as_array().unwrap().len()), (&"ms".into(), 3));
    for wrong in [&["trend", "p98"][..], &["trend", "p99", "--name", "nobody"]] {
        let refused = history.ask(wrong);
        assert_eq!((refused.code, refused.out.as_str()), (Some(104), ""), "{refused:?}");
    }
}
