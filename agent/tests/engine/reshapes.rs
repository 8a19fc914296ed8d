//! Profiles that change while load is generated.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use muster_agent::engine::clock;
use muster_agent::engine::lease::Lease;
use muster_agent::engine::start::Engine;
use muster_proto::change::{Reshape, Stages};
use muster_proto::measurement::SkipReason;
use muster_proto::plan::{Executor, Plan, Rate, RateStage, UserStage};
use muster_proto::share::Share;
use muster_target::{Config, IdCounts, Target};

use super::server::{OK, Server};
use super::support::{arrivals, generate_from, generate_while, get, per_user, plan, scenario, seconds, users};

const MS: u64 = 1_000_000;

/// From now on so many arrivals per second, for so long.
fn rate(per_second: u64, duration_s: f64) -> Reshape {
    let rate = Rate::per_second(per_second);
    let stages = Stages::Rate(vec![RateStage { duration: seconds(duration_s), from: rate, to: rate }]);
    Reshape { scenario: 0, stages }
}

/// From now on so many users, for so long.
fn crowd(users: u32, duration_s: f64) -> Reshape {
    let stages = Stages::Users(vec![UserStage { duration: seconds(duration_s), from: users, to: users }]);
    Reshape { scenario: 0, stages }
}

/// A plan whose requests carry numbers, and a target that remembers them.
fn numbered(executor: Executor) -> (Plan, Target) {
    let target = Target::start(Config { track_ids: true, ..Config::default() }).unwrap();
    let mut plan = plan(vec![scenario(executor, vec![get(target.addr(), "/?latency=5ms")])]);
    plan.http.request_ids = true;
    (plan, target)
}

fn reshape(engine: &Engine, wanted: &Reshape, at_ms: u64) -> u64 {
    engine.reshape(wanted, at_ms * MS).unwrap() / MS
}

#[test]
fn a_rate_that_is_set_holds_from_its_moment_on() {
    let (plan, target) = numbered(arrivals(500, 2.0, 100));
    let start_ns = clock::now_ns() + 50 * MS;
    let generated = generate_from(start_ns, &[Share::full()], &Lease::endless(), plan, 2, |engine| {
        assert_eq!(reshape(engine, &rate(100, 1.2), 800), 800);
        // Before the first has come to pass.
        assert_eq!(reshape(engine, &rate(0, 0.5), 1_500), 1_500);
        thread::sleep(Duration::from_millis(900));
        assert_eq!(reshape(engine, &rate(200, 0.3), 1_700), 1_700);
    });
    generated.assert_books_balance();
    let iterations = generated.iterations();
    assert_eq!((iterations.due, iterations.skipped_total()), (400 + 70 + 60, 0));
    let mut ids: Vec<u64> = target.arrivals().iter().map(|arrival| arrival.id).collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..530), "each number once, without a gap");
}

#[test]
fn what_an_agent_without_a_lease_had_started_by_then_is_not_due_again() {
    let (plan, target) = numbered(arrivals(500, 2.0, 100));
    let start_ns = clock::now_ns() + 50 * MS;
    let lease = Lease::until(start_ns + 400 * MS);
    let generated = generate_from(start_ns, &[Share::full()], &lease, plan, 2, |engine| {
        thread::sleep(Duration::from_millis(850));
        // Slower from 0.3 s on, of which it only hears now: 200 were due until its lease ended, and the 200th is due by the
        // new rate at 0.8 s.
        assert_eq!(reshape(engine, &rate(100, 1.7), 300), 400);
        lease.extend(u64::MAX);
    });
    generated.assert_books_balance();
    let iterations = generated.iterations();
    assert_eq!(iterations.due, 150 + 170);
    assert_eq!(iterations.skipped_total(), iterations.skipped[SkipReason::Lease as usize]);
    let counts = target.stop().ids.unwrap();
    assert_eq!((counts.repeated, counts.seen), (0, iterations.started));
}

#[test]
fn users_who_stay_go_on_where_they_are() {
    let (plan, target) = numbered(users(&[(1.5, 4, 4)]));
    let generated = generate_while(plan, 1, |engine| {
        reshape(engine, &crowd(7, 1.1), 400);
        thread::sleep(Duration::from_millis(500));
        reshape(engine, &crowd(2, 0.7), 800);
    });
    generated.assert_books_balance();
    assert_eq!((generated.iterations().cut_off, generated.iterations().failed), (0, 0));
    let served = target.stop();
    assert_eq!(served.connections, 7, "nobody connects again");
    let IdCounts { seen, repeated, .. } = served.ids.unwrap();
    assert_eq!((seen, repeated), (generated.requests().sent, 0));
    assert!(generated.gauges.len() == 1 && seen > 100, "{seen}");
}

#[test]
fn a_pause_keeps_what_is_left_of_a_number_of_iterations() {
    let (plan, target) = numbered(per_user(3, 60));
    let begun_ns = clock::now_ns();
    let generated = generate_while(plan, 2, |engine| {
        reshape(engine, &crowd(0, 29.9), 100);
        thread::sleep(Duration::from_millis(400));
        reshape(engine, &crowd(3, 29.4), 600);
    });
    generated.assert_books_balance();
    assert!(clock::now_ns() - begun_ns < 20_000 * MS, "it ends with the last iteration");
    let quiet: u64 = generated.windows.range(1..3).map(|(_, window)| window.scenarios[0].started).sum();
    assert_eq!((generated.iterations().started, quiet), (180, 0));
    let mut ids: Vec<u64> = target.arrivals().iter().map(|arrival| arrival.id).collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq((0..3_u64).flat_map(|user| (0..60).map(move |nth| user << 32 | nth))));
}

#[test]
fn a_user_that_waits_for_an_arrival_is_there_once_however_often_the_rate_changes() {
    static AT_WORK: AtomicUsize = AtomicUsize::new(0);
    static AT_WORK_MOST: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|_| {
        AT_WORK_MOST.fetch_max(AT_WORK.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(100));
        AT_WORK.fetch_sub(1, Ordering::SeqCst);
        Some(OK.to_owned())
    });
    let steps = vec![get(server.address, "/")];
    let generated = generate_while(plan(vec![scenario(arrivals(100, 1.0, 3), steps)]), 1, |engine| {
        for at_ms in [200, 400, 600] {
            reshape(engine, &rate(50, (1_000 - at_ms) as f64 / 1e3), at_ms);
        }
    });
    generated.assert_books_balance();
    assert_eq!((generated.iterations().due, AT_WORK_MOST.load(Ordering::SeqCst)), (60, 3));
}

#[test]
fn a_profile_of_another_kind_is_no_profile() {
    let (plan, _target) = numbered(arrivals(100, 0.2, 10));
    let generated = generate_while(plan, 1, |engine| assert!(engine.reshape(&crowd(1, 0.1), 0).is_err()));
    assert_eq!(generated.iterations().due, 20);
}
