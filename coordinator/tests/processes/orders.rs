//! Orders from another terminal: what they print, what they end with, and what the report says of them.

use super::process::{Ended, Signal, wait_for};
use super::programs::{Scene, muster};

/// A folder for runs, deeper than the path of a socket may be long.
fn deep_folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a-folder-with-a-long-name/".repeat(6));
    (folder, deep.to_str().unwrap().to_owned())
}

fn order(runs: &str, words: &[&str]) -> Ended {
    muster(&[words, &["--out", runs]].concat()).end()
}

#[test]
fn a_run_is_changed_noted_paused_and_stopped_from_another_terminal() {
    let scene = Scene::new("");
    let (_folder, runs) = deep_folder();
    let plan = scene.plan(
        "scenarios:\n  open: { executor: constant-arrival-rate, rate: 50/s, duration: 300s, steps: [ { get: / } ] }\n  \
         users: { executor: constant-users, users: 2, duration: 300s, steps: [ { get: \"/?latency=20ms\" } ] }",
    );
    let result = scene.result();
    let run = muster(&["run", &plan, "--out", &runs, "--json", result.to_str().unwrap()]);
    wait_for("the load is on", || (scene.target.counts().responses >= 25).then_some(()));
    let done = order(&runs, &["set", "last", "open", "--rate", "120/s", "--over", "300ms"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains(": open: 120/s within 0.3 s (from ") && done.out.ends_with(" s on)\n"), "{done:?}");
    for (words, says) in [
        (&["set", "last", "users", "--users", "4"][..], "users: 4 users (from "),
        (&["annotate", "last", "build 42"], "build 42 (from "),
        (&["pause", "last"], "paused (from "),
        (&["resume", "last"], "resumed (from "),
    ] {
        let done = order(&runs, words);
        assert!(done.code == Some(0) && done.out.contains(says), "{done:?}");
    }
    for (words, says) in [
        (
            &["set", "last", "users", "--rate", "5/s"][..],
            "scenario users is constant-users: a number of users can be set",
        ),
        (&["resume", "last"], "the run is not paused"),
        (&["set", "last", "open"], "--rate <RATE>|--users <N>"),
        (&["pause", "nosuch"], "there is no run nosuch in "),
    ] {
        let refused = order(&runs, words);
        assert!(refused.code == Some(104) && refused.err.contains(says), "{refused:?}");
    }
    let done = order(&runs, &["stop", "last"]);
    assert!(done.code == Some(0) && done.out.contains(": stops"), "{done:?}");
    let ended = run.end();
    assert_eq!(ended.code, Some(105), "{ended:?}");
    assert!(ended.out.contains("\nnotes\n") && ended.out.contains(" s   build 42\n"), "{}", ended.out);
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(result).unwrap()).unwrap();
    let seconds = document["timeline"].as_array().unwrap();
    let notes = seconds.iter().filter_map(|second| second.get("annotations")?.as_array()).flatten();
    assert_eq!(notes.count(), 5);
    let late = order(&runs, &["pause", "last"]);
    assert!(late.code == Some(104) && late.err.contains("muster report last"), "{late:?}");
}

#[test]
fn nobody_takes_orders_for_a_run_whose_coordinator_was_killed() {
    let scene = Scene::new("");
    let (_folder, runs) = deep_folder();
    let run = muster(&["run", &scene.url(), "--rate", "50/s", "--duration", "300s", "--out", &runs]);
    wait_for("the load is on", || (scene.target.counts().responses >= 5).then_some(()));
    run.signal(Signal::KILL);
    run.end();
    let late = order(&runs, &["pause", "last"]);
    assert!(late.code == Some(1) && late.err.contains("nobody takes orders for run last"), "{late:?}");
    let nowhere = muster(&["stop", "", "--on", "127.0.0.1:1"]).end();
    assert!(nowhere.code == Some(1) && nowhere.err.contains("http://127.0.0.1:1"), "{nowhere:?}");
}
