//! Signals, as a terminal or a supervisor sends them.

use std::time::{Duration, Instant};

use super::process::{Signal, wait_for};
use super::programs::{Scene, agent, muster};

/// How often an impatient user interrupts. Signals that come too fast count as one.
const IMPATIENCE: Duration = Duration::from_millis(300);

#[test]
fn the_second_interrupt_ends_at_once_and_everything_is_accounted_for() {
    // Nobody waits for so slow a target, whatever else the machine has to do.
    let scene = Scene::new("latency=100s");
    let mut run = muster(&["run", &scene.url(), "--users", "3", "--duration", "300s", "--timeout", "200s"]);
    wait_for("every user waits", || (scene.target.counts().requests >= 3).then_some(()));
    let since = Instant::now();
    while !run.has_ended() {
        assert!(since.elapsed() < Duration::from_secs(60), "it does not wait for the target");
        run.signal(Signal::INT);
        std::thread::sleep(IMPATIENCE);
    }
    let ended = run.end();
    assert_eq!(ended.code, Some(105), "{ended:?}");
    assert!(ended.out.contains("stopped by its user"), "{}", ended.out);
    assert!(ended.out.contains("cancelled   3"), "{}", ended.out);
    assert!(ended.out.contains("sent 3 = outcomes 3;  balanced on 1 of 1 agents"), "{}", ended.out);
}

#[test]
fn a_run_that_still_waits_for_agents_ends_with_the_first_interrupt_and_judges_nothing() {
    let scene = Scene::new("");
    let plan = scene.plan(
        "scenarios:\n  a: { executor: constant-users, users: 1, duration: 1s, steps: [ { get: / } ] }\n\
         thresholds: [ \"http_req_failed: rate < 1%\" ]",
    );
    let mut run = muster(&["run", &plan, "--agents", "2", "--listen", "127.0.0.1:0"]);
    let line = run.says("waiting for 2 agents at ");
    let _early = agent(&["--join", line.rsplit(' ').next().unwrap()]);
    run.says("1 of 2 agents joined");
    run.signal(Signal::INT);
    let ended = run.end();
    assert_eq!(ended.code, Some(105), "{ended:?}");
    assert!(ended.out.contains("the run had not begun"), "{}", ended.out);
    assert!(!ended.out.contains("INVALID") && !ended.out.contains("FAIL"), "{}", ended.out);
}

#[test]
fn a_polite_termination_drains_as_the_first_interrupt_does() {
    let scene = Scene::new("latency=50ms");
    let result = scene.result();
    let json = ["--json", result.to_str().unwrap()];
    let run = muster(&[&["run", &scene.url(), "--rate", "50/s", "--duration", "300s"][..], &json].concat());
    wait_for("the load is on", || (scene.target.counts().responses >= 25).then_some(()));
    run.signal(Signal::TERM);
    let ended = run.end();
    assert_eq!(ended.code, Some(105), "{ended:?}");
    assert!(ended.out.contains("balanced on 1 of 1 agents"), "{}", ended.out);
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(result).unwrap()).unwrap();
    let iterations = &document["accounting"]["iterations"];
    assert_eq!(iterations["cut_off"], 0, "what was in flight has ended by itself");
    assert_eq!(iterations["completed"], scene.target.stop().responses);
}
