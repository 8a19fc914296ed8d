use std::time::Duration;

use muster_proto::measurement::SkipReason;
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{
    Aggregate, Bound, Comparison, Executor, MetricName, OnLoss, Plan, Selector, Threshold, ThresholdWindow,
};

use super::*;
use crate::run::synthetic::{Made, closed_plan, delta, fail, healthy, open_plan, p99_below, start, succeed, threshold};

use Aggregate::{Avg, Count, Max, Med, Min, Percentile, Rate};
use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
use MetricName as M;

fn judged(record: &RunRecord) -> Verdict {
    Verdict::of(record, &Books::of(record))
}

fn ms(ms: u64) -> Bound {
    Bound::Time(Duration::from_millis(ms))
}

fn with(mut plan: Plan, thresholds: Vec<Threshold>) -> Plan {
    plan.thresholds = thresholds;
    plan
}

/// One agent, five seconds, 100 iterations per second; of each series' 500 requests 5 fail, at 1 s.
fn five_seconds(plan: Plan) -> RunRecord {
    let made = Made::new(plan, 1).seconds(5, |_, window, delta| {
        healthy(delta);
        let scenario = &mut delta.measurement.scenarios[0];
        if window % 5 == 0 {
            scenario.due += 1;
            scenario.skipped[SkipReason::Users as usize] += 1;
            for stats in &mut delta.measurement.series {
                fail(stats, 1, 1_000, ErrorKind::Http5xx);
            }
        }
    });
    made.end(Ending::Completed)
}

#[test]
fn thresholds_over_the_run() {
    let table = [
        (M::HttpReqDuration, Percentile(50.0), Less, ms(60), true),
        (M::HttpReqDuration, Percentile(50.0), Less, ms(40), false),
        (M::HttpReqDuration, Med, Greater, ms(40), true),
        (M::HttpReqDuration, Avg, LessOrEqual, ms(70), true),
        (M::HttpReqDuration, Min, GreaterOrEqual, Bound::Time(Duration::from_micros(10_030)), true),
        (M::HttpReqDuration, Min, Greater, Bound::Time(Duration::from_micros(10_030)), false),
        (M::HttpReqDuration, Max, Equal, Bound::Number(1_000.03), true),
        (M::HttpReqDuration, Max, NotEqual, Bound::Number(1_000.03), false),
        (M::HttpReqDuration, Count, Equal, Bound::Number(1_010.0), true),
        (M::HttpReqDuration, Rate, Equal, Bound::Number(202.0), true),
        (M::ServiceTime, Max, Equal, ms(1_000), true),
        (M::Lag, Max, Less, ms(1), true),
        (M::IterationDuration, Avg, Equal, ms(60), true),
        (M::HttpReqs, Count, Equal, Bound::Number(1_010.0), true),
        (M::HttpReqs, Rate, GreaterOrEqual, Bound::Number(202.0), true),
        (M::HttpReqs, Rate, Greater, Bound::Number(202.0), false),
        (M::HttpReqFailed, Rate, Less, Bound::Number(0.01), true),
        (M::HttpReqFailed, Rate, Less, Bound::Number(0.009), false),
        (M::HttpReqFailed, Count, Equal, Bound::Number(10.0), true),
        (M::Iterations, Count, Equal, Bound::Number(500.0), true),
        (M::Iterations, Rate, Equal, Bound::Number(100.0), true),
        (M::DroppedIterations, Count, LessOrEqual, Bound::Number(5.0), true),
        (M::DroppedIterations, Rate, Less, Bound::Number(1.0), false),
    ];
    let thresholds =
        table.map(|(metric, aggregate, comparison, bound, _)| threshold(metric, aggregate, comparison, bound));
    let results = judged(&five_seconds(with(open_plan(5), thresholds.to_vec()))).thresholds;
    for (result, (.., held)) in results.iter().zip(table) {
        assert_eq!(result.passed, held, "{}: {:?}", result.expression, result.value);
        assert!(result.value.is_some() && result.remark.is_empty(), "{result:?}");
    }
}

#[test]
fn selectors_choose_their_part() {
    let select = |selector: Selector, max: u64| Threshold {
        selector,
        ..threshold(M::HttpReqDuration, Count, Equal, Bound::Number(max as f64))
    };
    let of = |name: &str| Some(name.to_owned());
    let thresholds = vec![
        select(Selector { request: of("cart"), ..Selector::default() }, 505),
        select(Selector { scenario: of("browse"), ..Selector::default() }, 1_010),
        select(Selector { expected_response: Some(true), ..Selector::default() }, 1_000),
        select(Selector { expected_response: Some(false), request: of("list"), ..Selector::default() }, 5),
        select(Selector { scenario: of("nobody"), ..Selector::default() }, 0),
    ];
    let results = judged(&five_seconds(with(open_plan(5), thresholds))).thresholds;
    let passed: Vec<bool> = results.iter().map(|result| result.passed).collect();
    assert_eq!(passed, [true, true, true, true, false]);
    assert_eq!(results[4].remark, "no data: the plan has no such scenario or request");
}

#[test]
fn what_was_never_measured_has_no_data_and_fails() {
    let thresholds = vec![
        p99_below(1_000),
        threshold(M::HttpReqTlsHandshaking, Avg, Less, ms(1)),
        threshold(M::HttpReqFailed, Rate, Less, Bound::Number(1.0)),
        threshold(M::HttpReqs, Count, Less, Bound::Number(1.0)),
        threshold(M::DroppedIterations, Count, Less, Bound::Number(1.0)),
        threshold(M::HttpReqs, Percentile(99.0), Less, Bound::Number(1.0)),
        threshold(M::HttpReqs, Count, Less, ms(1)),
    ];
    let verdict = judged(&Made::new(with(open_plan(5), thresholds), 1).end(Ending::Completed));
    for result in verdict.thresholds {
        assert!(!result.passed && result.value.is_none(), "{result:?}");
        assert!(result.remark.starts_with("no data"), "{result:?}");
    }
}

/// A run whose seconds have these response times in milliseconds; none for a second without any request.
fn seconds_of(plan: Plan, times: &[Option<u64>]) -> Made {
    Made::new(plan, 1).seconds(times.len() as u32, |_, window, delta| {
        start(&mut delta.measurement.scenarios[0], 1);
        delta.measurement.scenarios[0].completed += 1;
        if let Some(ms) = times[window as usize / 5] {
            succeed(&mut delta.measurement.series[0], 10, ms);
        }
    })
}

fn windowed(window: ThresholdWindow) -> Plan {
    with(open_plan(60), vec![Threshold { window, abort: true, ..p99_below(100) }])
}

#[test]
fn for_takes_that_many_violations_in_a_row() {
    let (good, bad) = (Some(50), Some(500));
    let table: [(&[Option<u64>], bool, &str); 5] = [
        (&[bad, bad, good, bad, bad], true, "a good second between"),
        (&[good, bad, bad, bad, good], false, "three in a row"),
        (&[bad, bad, None, bad], true, "an idle second between"),
        (&[good, good], true, "shorter than the window"),
        (&[bad, bad], true, "too short to be violated"),
    ];
    for (times, held, what) in table {
        let made = seconds_of(windowed(ThresholdWindow::For(3)), times);
        assert_eq!(made.aborted.is_none(), held, "{what}");
        assert_eq!(judged(&made.end(Ending::Completed)).thresholds[0].passed, held, "{what}");
    }
}

#[test]
fn an_empty_second_with_requests_in_flight_violates_a_latency_line() {
    for (window, held) in
        [(ThresholdWindow::For(3), false), (ThresholdWindow::For(4), true), (ThresholdWindow::Over(3), false)]
    {
        let made = seconds_of(windowed(window), &[Some(50)]);
        let made = made.seconds(3, |_, window, delta| {
            if window == 5 {
                delta.measurement.series[0].sent += 1;
            }
        });
        let result = &judged(&made.end(Ending::Completed)).thresholds[0];
        assert_eq!(result.passed, held, "{result:?}");
    }
}

#[test]
fn over_merges_its_window() {
    let (good, bad) = (Some(50), Some(500));
    let table: [(&[Option<u64>], bool, &str); 4] = [
        (&[good, good, good], true, "all good"),
        (&[good, bad, good], false, "one bad second of three is more than 1 %"),
        (&[good], true, "shorter than the window, good"),
        (&[bad], false, "shorter than the window, bad"),
    ];
    for (times, held, what) in table {
        let record = seconds_of(windowed(ThresholdWindow::Over(3)), times).end(Ending::Completed);
        assert_eq!(judged(&record).thresholds[0].passed, held, "{what}");
    }
}

#[test]
fn an_incomplete_second_neither_extends_nor_breaks_a_row() {
    let plan = windowed(ThresholdWindow::For(2));
    let mut made = seconds_of(plan.clone(), &[Some(500)]);
    let mut coarse = delta(&plan, 5);
    coarse.last_window = 14;
    made.record.timeline.apply(0, &coarse);
    for second in made.record.timeline.close_until(3) {
        assert!(!second.complete);
        assert_eq!(made.record.judge.second(&second, &made.record.timeline), None);
    }
    let made = made.seconds(1, |_, _, delta| succeed(&mut delta.measurement.series[0], 1, 500));
    assert!(made.aborted.is_some(), "the second bad second in a row of complete ones");
}

#[test]
fn a_live_abort_waits_for_the_warm_up_and_for_counts_that_only_grow() {
    let mut plan = with(open_plan(60), vec![Threshold { abort: true, ..p99_below(100) }]);
    plan.scenarios[0].warm_up = Duration::from_secs(2);
    let made = seconds_of(plan, &[Some(500), Some(500), Some(50)]);
    assert_eq!(made.aborted, None, "only the warm-up was slow");
    let at_least = Threshold { abort: true, ..threshold(M::HttpReqs, Count, Greater, Bound::Number(1_000.0)) };
    let made = seconds_of(with(open_plan(60), vec![at_least]), &[Some(50)]);
    assert_eq!(made.aborted, None, "1 000 requests may still come");
    let at_most = Threshold { abort: true, ..threshold(M::HttpReqs, Count, Less, Bound::Number(10.0)) };
    let made = seconds_of(with(open_plan(60), vec![at_most]), &[Some(50)]);
    assert!(made.aborted.is_some());
}

fn quiet(plan: Plan) -> Made {
    Made::new(plan, 2).seconds(5, |_, _, delta| healthy(delta))
}

#[test]
fn the_most_severe_finding_decides() {
    let table = [
        (Ending::Completed, 500, Outcome::Passed, ExitCode::Passed),
        (Ending::Completed, 50, Outcome::Failed, ExitCode::ThresholdsFailed),
        (Ending::AbortedBy("x".to_owned()), 500, Outcome::Aborted, ExitCode::ThresholdsFailed),
        (Ending::StoppedByUser, 50, Outcome::Stopped, ExitCode::Stopped),
        (Ending::AgentLost("pod-1".to_owned()), 50, Outcome::Incomplete, ExitCode::Incomplete),
        (
            Ending::Failed { exit_code: ExitCode::Storage, reason: "disk full".to_owned() },
            50,
            Outcome::Broken,
            ExitCode::Storage,
        ),
    ];
    for (ending, p99_ms, outcome, exit_code) in table {
        let verdict = judged(&quiet(with(open_plan(5), vec![p99_below(p99_ms)])).end(ending.clone()));
        assert_eq!((verdict.outcome, verdict.exit_code), (outcome, exit_code), "{ending:?}");
        assert_eq!(verdict.findings.is_empty(), exit_code == ExitCode::Passed, "{ending:?}");
    }
}

#[test]
fn a_tired_generator_fails_only_what_is_judged() {
    for (plan, strict, exit_code) in [
        (open_plan(5), false, ExitCode::Passed),
        (open_plan(5), true, ExitCode::Invalid),
        (with(open_plan(5), vec![p99_below(500)]), false, ExitCode::Invalid),
        (closed_plan(5), true, ExitCode::Invalid),
    ] {
        let made = Made::new(plan, 1).seconds(5, |_, _, delta| {
            healthy(delta);
            delta.health.worker_cpu_max = 0.99;
        });
        let mut record = made.end(Ending::Completed);
        record.strict = strict;
        let verdict = judged(&record);
        assert_eq!((verdict.grade, verdict.exit_code), (Grade::Invalid, exit_code));
        assert!(verdict.findings[0].contains("generator"), "{:?}", verdict.findings);
    }
}

#[test]
fn a_closed_model_has_no_lateness() {
    let made = Made::new(closed_plan(5), 1).seconds(5, |_, _, delta| {
        healthy(delta);
        delta.measurement.scenarios[0].arrival_lag.record_n(5_000_000_000, 1_000);
    });
    assert_eq!(judged(&made.end(Ending::Completed)).grade, Grade::Valid);
}

#[test]
fn unbalanced_books_never_pass() {
    type Break = fn(&mut RunRecord);
    let table: [(Break, &str); 5] = [
        (|record| record.agents[0].totals.as_mut().unwrap().sent += 1, "sum of deltas = closing total (sent)"),
        (
            |record| record.agents[1].totals.as_mut().unwrap().completed -= 1,
            "sum of deltas = closing total (completed)",
        ),
        (|record| record.agents[0].totals = None, "closing totals arrived"),
        (|record| drop(record.agents.pop()), "sum of agents = report (due)"),
        (
            |record| {
                let mut delta = delta(&record.plan, 24);
                delta.measurement.series[0].sent = 3;
                record.timeline.apply(0, &delta);
                record.agents[0].totals.as_mut().unwrap().sent += 3;
            },
            "sent = outcomes + unknown",
        ),
    ];
    for (unbalance, law) in table {
        let mut record = quiet(open_plan(5)).end(Ending::Completed);
        assert!(Books::of(&record).balance());
        unbalance(&mut record);
        let books = Books::of(&record);
        let broken: Vec<&str> = books.laws().filter(|law| !law.holds()).map(|law| law.name.as_str()).collect();
        assert!(broken.contains(&law), "{law}: {broken:?}");
        assert_eq!(Verdict::of(&record, &books).exit_code, ExitCode::Incomplete, "{law}");
    }
}

#[test]
fn what_a_dead_agent_had_in_flight_is_unknown_and_the_books_balance() {
    let mut plan = open_plan(5);
    plan.agents.on_loss = OnLoss::Degrade;
    let made = Made::new(plan, 2).seconds(5, |agent, window, delta| {
        healthy(delta);
        if agent == 1 && window == 24 {
            let stats = &mut delta.measurement.scenarios[0];
            (stats.due, stats.started) = (stats.due + 9, stats.started + 6);
            delta.measurement.series[0].sent += 4;
        }
    });
    let books = Books::of(&made.lose(1).end(Ending::Completed));
    assert!(books.balance(), "{:?}", books.total.laws);
    assert_eq!((books.total.unknown_iterations, books.total.unknown_requests), (6, 4));
    assert_eq!(books.total.counts.skipped[SkipReason::AgentLost as usize], 3);
    assert_eq!(books.lost, books::Lost { low: 0, high: 44 * 8 }, "44 requests a window, eight windows of silence");
    assert_eq!(books.undone, 0, "the plan had ended");
}

#[test]
fn who_dies_before_its_first_word_may_have_sent_what_the_plan_asked_of_it() {
    let mut plan = open_plan(5);
    plan.agents.on_loss = OnLoss::Degrade;
    let mut record = Made::new(plan, 2).lose(1).seconds(5, |_, _, delta| healthy(delta)).end(Ending::Completed);
    record.agents[1].untold_arrivals = vec![80];
    assert_eq!(Books::of(&record).lost, books::Lost { low: 0, high: 80 * 2 }, "two steps each");
}

#[test]
fn a_loss_is_forgiven_as_far_as_the_plan_tolerates_it() {
    let lost_with = |seconds: u32, on_loss: OnLoss, loss_tolerance_millionths: u32| {
        let mut plan = open_plan(100);
        plan.agents.on_loss = on_loss;
        plan.agents.loss_tolerance_millionths = loss_tolerance_millionths;
        let made = Made::new(plan, 2).seconds(seconds, |_, _, delta| healthy(delta)).lose(1);
        let record = made.seconds(100 - seconds, |_, _, delta| healthy(delta)).end(Ending::Completed);
        judged(&record)
    };
    let lost_after = |seconds: u32, on_loss: OnLoss| lost_with(seconds, on_loss, 10_000);
    assert_eq!(lost_with(99, OnLoss::Degrade, 1_000).exit_code, ExitCode::Incomplete);
    assert_eq!(lost_with(50, OnLoss::Degrade, 500_000).exit_code, ExitCode::Passed);
    assert_eq!(lost_after(99, OnLoss::Degrade).exit_code, ExitCode::Passed);
    assert_eq!(lost_after(50, OnLoss::Degrade).exit_code, ExitCode::Incomplete);
    assert_eq!(lost_after(99, OnLoss::Fail).exit_code, ExitCode::Incomplete);
}

#[test]
fn iterations_that_a_lost_lease_cut_off_count_as_left_undone() {
    let undelivered = |unleased: u64| {
        let made = Made::new(open_plan(10), 1).seconds(10, |_, window, delta| {
            healthy(delta);
            delta.measurement.scenarios[0].unleased = if window == 7 { unleased } else { 0 };
        });
        Books::of(&made.end(Ending::Completed)).undelivered_fraction()
    };
    assert_eq!((undelivered(0), undelivered(20)), (0.0, 0.02));
}

#[test]
fn what_agents_did_not_come_to_before_they_left_is_left_undone() {
    let undelivered = |ending: Ending| {
        let made = Made::new(open_plan(10), 1).seconds(10, |_, window, delta| {
            healthy(delta);
            let abandoned = if window == 7 { 20 } else { 0 };
            delta.measurement.scenarios[0].due += abandoned;
            delta.measurement.scenarios[0].skipped[SkipReason::Stopped as usize] = abandoned;
        });
        Books::of(&made.end(ending)).undelivered_fraction()
    };
    assert_eq!((undelivered(Ending::Completed), undelivered(Ending::StoppedByUser)), (20.0 / 1_020.0, 0.0));
}

/// Two scenarios of which the slow one is still warming up: a window judges only the other.
#[test]
fn a_window_leaves_out_whoever_warms_up() {
    let mut plan = windowed(ThresholdWindow::For(2));
    let mut slow = plan.scenarios[0].clone();
    (slow.name, slow.warm_up) = ("slow".to_owned(), Duration::from_secs(3));
    plan.scenarios.push(slow);
    let made = Made::new(plan, 1);
    let tell = |_: u32, _: u32, delta: &mut muster_proto::measurement::Delta| {
        succeed(&mut delta.measurement.series[0], 5, 20);
        succeed(&mut delta.measurement.series[2], 5, 900);
    };
    let made = made.seconds(4, tell);
    assert_eq!(made.aborted, None, "one second of the slow scenario counts so far");
    assert!(made.seconds(1, tell).aborted.is_some());
}

#[test]
fn what_lost_agents_leave_undone_is_their_share_of_the_rest_of_the_plan() {
    let undone_of = |made: Made, ending: Ending| {
        let made = made.seconds(2, |_, _, delta| healthy(delta)).lose(1);
        Books::of(&made.seconds(8, |_, _, delta| healthy(delta)).end(ending)).undone
    };
    let undone = |plan: Plan, ending: Ending| undone_of(Made::new(plan, 2), ending);
    assert_eq!(undone(open_plan(10), Ending::Completed), 0, "arrivals are in the books, whoever lost them");
    assert_eq!(undone(closed_plan(10), Ending::StoppedByUser), 650, "its 100/s of 2 s, from 3.5 s to 10 s");
    let max_duration = Duration::from_secs(60);
    let mut shared = closed_plan(10);
    shared.scenarios[0].executor = Executor::SharedIterations { users: 20, iterations: 1_000, max_duration };
    let allotted = |of: [u64; 2]| Made::new(shared.clone(), 2).allot(0, of[0]).allot(1, of[1]);
    let completed = Ending::Completed;
    assert_eq!(undone_of(allotted([700, 300]), completed.clone()), 100, "without the 200 of which it told");
    assert_eq!(undone_of(allotted([700, 240]), completed.clone()), 40 + 60, "it would have begun what is left");
    assert_eq!(undone_of(allotted([0, 200]), completed), 650, "its 100/s of 2 s, from 3.5 s to 10 s");
    assert_eq!(undone_of(allotted([700, 300]), Ending::StoppedByUser), 0);
    shared.scenarios[0].executor = Executor::PerUserIterations { users: 20, iterations: 50, max_duration };
    assert_eq!(undone(shared, Ending::Completed), 300);
}
