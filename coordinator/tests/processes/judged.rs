//! Verdicts, as scripts meet them.

use super::process::Ended;
use super::programs::{Scene, muster};

/// So many seconds of two users, judged by one threshold, against a target that takes 20 ms.
fn judged_by(threshold: &str, seconds: u32) -> Ended {
    let scene = Scene::new("latency=20ms");
    let plan = scene.plan(&format!(
        "scenarios:\n  a: {{ executor: constant-users, users: 2, duration: {seconds}s, steps: [ {{ get: / }} ] }}\n\
         thresholds: [ \"{threshold}\" ]"
    ));
    muster(&["run", &plan]).end()
}

#[test]
fn a_violation_that_lasts_aborts_the_run() {
    let ended = judged_by("http_req_duration: p(50) < 1ms for 2s, abort", 300);
    assert_eq!(ended.code, Some(99), "{ended:?}");
    assert!(ended.out.contains("ABORTED"), "{}", ended.out);
    assert!(ended.out.contains("violated for 2 s up to second"), "{}", ended.out);
}

#[test]
fn windows_are_judged_one_by_one() {
    let ended = judged_by("http_req_duration: p(50) < 1ms over 2s", 3);
    assert_eq!(ended.code, Some(99), "{ended:?}");
    assert!(ended.out.contains("violated by the window that ends with second"), "{}", ended.out);
}

#[test]
fn what_no_second_and_no_window_violates_holds() {
    for threshold in ["http_req_duration: p(50) < 60s for 2s, abort", "http_req_failed: rate < 1% over 2s"] {
        let ended = judged_by(threshold, 3);
        assert!(ended.out.contains("thresholds   1 of 1 held"), "{}", ended.out);
    }
}

#[test]
fn a_run_that_cannot_be_trusted_fails_where_that_was_asked_for() {
    // One user for ten times as many arrivals as it can take: the plan's own bound makes every second suspect.
    let scene = Scene::new("latency=200ms");
    let plan = scene.plan(
        "scenarios:\n  a: { executor: constant-arrival-rate, rate: 50/s, max_users: 1, duration: 2s, graceful_stop: 1s, \
         steps: [ { get: / } ] }",
    );
    let lenient = muster(&["run", &plan]).end();
    assert_eq!(lenient.code, Some(0), "{lenient:?}");
    assert!(lenient.out.contains("invalid: max_users was the limit"), "it is told all the same: {}", lenient.out);
    let strict = muster(&["run", &plan, "--strict"]).end();
    assert_eq!(strict.code, Some(98), "{strict:?}");
}

#[test]
fn a_target_that_answers_nothing_well_is_told_beside_the_verdict() {
    let scene = Scene::new("status=503");
    let ended = muster(&["run", &scene.url(), "--rate", "20/s", "--duration", "1s"]).end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.out.lines().nth(1), Some("  every request failed: http_5xx 20"), "{}", ended.out);
}

#[test]
fn a_run_whose_agents_never_come_ends_with_1() {
    let scene = Scene::new("");
    let ended = muster(&["run", &scene.url(), "--agents", "2", "--listen", "127.0.0.1:0", "--wait", "1"]).end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("0 of 2 agents joined within 1 s"), "{}", ended.out);
    assert!(ended.out.contains("muster-agent --join"), "{}", ended.out);
    assert!(ended.out.contains("nothing was sent") && !ended.out.contains("INVALID"), "{}", ended.out);
    assert_eq!(scene.target.stop().requests, 0);
}
