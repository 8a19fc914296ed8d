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

#[test]
fn old_runs_are_removed_and_the_one_that_goes_on_is_not() {
    let history = History::new();
    history.run(&["--tag", "keep=yes"]);
    history.run(&[]);
    let run = history.start("300s", &[]);
    let going_on = history.goes_on();
    let without = history.ask(&["runs", "prune"]);
    assert_eq!(without.code, Some(104), "{without:?}");
    let pruned = history.ask(&["runs", "prune", "--keep", "0", "--dry-run"]);
    assert_eq!((pruned.code, pruned.out.matches("would remove").count()), (Some(0), 1), "{pruned:?}");
    assert_eq!(history.list(&[]).len(), 3);
    let pruned = history.ask(&["runs", "prune", "--keep", "0"]);
    assert_eq!(pruned.code, Some(0), "{pruned:?}");
    assert!(pruned.out.contains("it goes on") && pruned.out.contains("its tag keeps it"), "{}", pruned.out);
    assert_eq!(history.list(&[]).len(), 2);
    run.signal(Signal::KILL);
    run.end();
    let young = history.ask(&["runs", "prune", "--older-than", "1d"]);
    assert_eq!((young.code, young.out.as_str()), (Some(0), "nothing to remove\n"), "{young:?}");
    let pruned = history.ask(&["runs", "prune", "--older-than", "0s"]);
    assert!(pruned.out.contains("removed   ") && pruned.out.contains("interrupted"), "{pruned:?}");
    assert!(history.list(&[]).iter().all(|run| run["id"] != going_on.as_str()));
}

#[test]
fn a_baseline_is_found_by_its_tag_and_stays_while_older_runs_go() {
    let history = History::new();
    history.run(&[]);
    let tagged = history.ask(&["runs", "tag", "last", "release=1.4", "odd="]);
    assert_eq!((tagged.code, tagged.out.as_str()), (Some(0), "odd=\nrelease=1.4\n"), "{tagged:?}");
    let tagged = history.ask(&["runs", "tag", "last", "--remove", "odd"]);
    assert_eq!((tagged.code, tagged.out.as_str()), (Some(0), "release=1.4\n"), "{tagged:?}");
    let (one, two) =
        (history.ask(&["runs", "tag", "last", "--remove", "odd"]), history.ask(&["runs", "tag", "last", "x"]));
    assert_eq!((one.code, two.code), (Some(104), Some(104)), "there is none any more, and that is no tag");
    let baseline = history.list(&["--tag", "release=1.4"])[0]["id"].as_str().unwrap().to_owned();
    let report = history.ask(&["report", &baseline, "--json", "-"]);
    let document: Value = serde_json::from_str(&report.out).unwrap();
    assert_eq!(document["run"]["tags"], serde_json::json!({ "release": "1.4" }));
    history.run(&[]);
    let compared = history.start("1s", &["--baseline", "release=1.4", "--keep-runs", "1"]).end();
    assert_eq!(compared.code, Some(0), "{compared:?}");
    assert!(compared.err.contains("comparison.html") && compared.err.contains("removed 1 old runs"), "{compared:?}");
    let left = history.list(&[]);
    assert_eq!(
        (left.len(), left[1]["id"].as_str().unwrap()),
        (2, baseline.as_str()),
        "that of its own and its baseline"
    );
    let pruned = history.ask(&["runs", "prune", "--keep", "1"]);
    let because = format!("it is the baseline of {}", left[0]["id"].as_str().unwrap());
    assert!(pruned.out.contains(&because), "{pruned:?}");
    let page = history.scene.result().with_extension("html");
    let compared = history.ask(&["compare", "release", "--html", page.to_str().unwrap()]);
    assert_eq!((compared.code, page.exists()), (Some(0), true), "{compared:?}");
    let unknown = history.start("1s", &["--baseline", "release=2"]).end();
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(104), ""), "{unknown:?}");
    assert_eq!(history.list(&["--search", "RELEASE=1"]).len(), 1);
}

#[test]
fn a_stretch_of_a_run_is_told_by_itself() {
    let history = History::new();
    assert_eq!(history.start("3s", &[]).end().code, Some(0));
    let window = history.ask(&["report", "last", "--from", "1s", "--to", "2s", "--json", "-"]);
    let document: Value = serde_json::from_str(&window.out).unwrap_or_else(|error| panic!("{error}: {window:?}"));
    assert_eq!((&document["schema"], &document["iterations"]["due"]), (&"muster.window/1".into(), &50.into()));
    assert_eq!((&document["stretch"]["from_s"], &document["stretch"]["until_s"]), (&1.0.into(), &2.0.into()));
    let window = history.ask(&["report", "last", "--from", "1500ms"]);
    assert_eq!(window.code, Some(0), "{window:?}");
    assert!(window.out.contains("asked for 1.5 s to "), "{}", window.out);
    assert!(window.out.contains("thresholds are not judged anew"), "{}", window.out);
    for wrong in [&["--from", "60s"][..], &["--from", "2s", "--to", "1s"], &["--to", "1s", "--csv", "-"]] {
        let refused = history.ask(&[&["report", "last"], wrong].concat());
        assert_eq!((refused.code, refused.out.as_str()), (Some(104), ""), "{refused:?}");
    }
}

#[test]
fn apdex_is_told_of_any_target() {
    let history = History::new();
    history.run(&[]);
    let satisfied = history.ask(&["report", "last", "--apdex", "60s", "--json", "-"]);
    let document: Value = serde_json::from_str(&satisfied.out).unwrap();
    let all = document["apdex"]["scores"].as_array().unwrap().last().unwrap();
    assert_eq!((&all["score"], &all["satisfied"], &all["small_group"]), (&1.0.into(), &50.into(), &true.into()));
    let told = history.ask(&["report", "last", "--apdex", "60s"]);
    assert!(told.out.contains("1.00 [60]*   excellent"), "{}", told.out);
    assert!(told.out.contains("Apdex Technical Specification v1.1"), "{}", told.out);
    assert_eq!(history.ask(&["report", "last", "--apdex", "0s"]).code, Some(104));
    let without = history.ask(&["report", "last", "--json", "-"]);
    assert!(serde_json::from_str::<Value>(&without.out).unwrap()["apdex"].is_null());
}
