//! A target that stalls is seen to stall, however few users there are to see it.

use std::time::Duration;

use muster_agent::engine::clock;
use muster_proto::measurement::SkipReason;
use muster_target::{Config, Stall, Target};

use super::support::{arrivals, generate, generate_while, get, plan, scenario, seconds, target};

#[test]
fn a_freeze_shows_in_the_response_time_even_when_two_users_saw_it() {
    let stall = Some(Stall { every: Duration::from_secs(60), lasts: Duration::from_millis(400) });
    let target = Target::start(Config { stall, ..Config::default() }).unwrap();
    let plan = plan(vec![scenario(arrivals(200, 1.0, 2), vec![get(target.addr(), "/")])]);
    target.align_stalls(clock::now_ns() + 300_000_000);
    let generated = generate(plan, 1);
    generated.assert_books_balance();
    assert_eq!(generated.iterations().completed, 200);
    let requests = generated.requests();
    let response_p90_ns = requests.response_expected.quantile_ns(0.90).unwrap();
    assert!(response_p90_ns >= 150_000_000, "{response_p90_ns}");
    let slow = |histogram: &muster_proto::histogram::Histogram| histogram.count_above(100_000_000);
    assert!(slow(&requests.response_expected) >= 50, "those that waited for a user waited for the target");
    assert!(slow(&requests.queued) > slow(&requests.service));
    assert!(generated.gauges[0].starved > 0, "it is said that the users were the bound");
}

#[test]
fn with_enough_users_a_freeze_shows_in_the_service_time_as_well() {
    let stall = Some(Stall { every: Duration::from_secs(60), lasts: Duration::from_millis(400) });
    let target = Target::start(Config { stall, ..Config::default() }).unwrap();
    let plan = plan(vec![scenario(arrivals(200, 1.0, 1_000), vec![get(target.addr(), "/")])]);
    target.align_stalls(clock::now_ns() + 300_000_000);
    let generated = generate(plan, 1);
    generated.assert_books_balance();
    assert_eq!(generated.iterations().completed, 200);
    let requests = generated.requests();
    assert_eq!((requests.queued.max_ns(), generated.gauges[0].starved), (Some(0), 0), "nobody waited for a user");
    assert!(requests.service.count_above(100_000_000) > 0);
    let parts_ns = requests.lag.sum_ns() + requests.service.sum_ns();
    assert_eq!(requests.response_expected.sum_ns(), parts_ns, "the response time is the lag and the service time");
}

#[test]
fn whoever_never_finds_a_user_is_skipped_for_that_reason() {
    let target = target("fault=never");
    let mut scenario = scenario(arrivals(50, 1.0, 3), vec![get(target.addr(), "/")]);
    scenario.graceful_stop = seconds(0.2);
    let generated = generate(plan(vec![scenario]), 2);
    generated.assert_books_balance();
    let stats = generated.iterations();
    assert_eq!((stats.due, stats.started, stats.cut_off), (50, 3, 3));
    assert_eq!(stats.skipped[SkipReason::Users as usize], 47);
    let in_first_second: u64 =
        generated.windows.range(..5).map(|(_, window)| window.scenarios[0].skipped_total()).sum();
    assert_eq!(in_first_second, 47, "they are charged to the second in which they were due");
}

#[test]
fn a_drained_run_starts_nothing_more_and_lets_requests_end() {
    let target = target("latency=100ms");
    let plan = plan(vec![scenario(arrivals(100, 30.0, 100), vec![get(target.addr(), "/")])]);
    let generated = generate_while(plan, 2, |engine| {
        std::thread::sleep(Duration::from_millis(500));
        engine.drain();
    });
    generated.assert_books_balance();
    let stats = generated.iterations();
    assert!(stats.due < 3_000, "nothing falls due after the stop");
    assert_eq!((stats.completed, stats.cut_off), (stats.started, 0));
    assert_eq!(target.stop().responses, stats.completed);
}

#[test]
fn an_aborted_run_cuts_off_what_is_in_flight_and_counts_it() {
    let target = target("latency=20s");
    let plan = plan(vec![scenario(arrivals(50, 30.0, 5), vec![get(target.addr(), "/")])]);
    let generated = generate_while(plan, 1, |engine| {
        std::thread::sleep(Duration::from_millis(600));
        engine.abort();
    });
    generated.assert_books_balance();
    let stats = generated.iterations();
    assert_eq!(stats.started, stats.cut_off);
    assert_eq!(generated.failed(muster_proto::outcome::ErrorKind::Cancelled), stats.cut_off);
    assert_eq!(stats.skipped_total(), stats.skipped[SkipReason::Stopped as usize]);
}
