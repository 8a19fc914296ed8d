//! Load is generated while the lease holds, and not a moment longer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use muster_agent::engine::clock;
use muster_agent::engine::lease::Lease;
use muster_proto::measurement::SkipReason;
use muster_proto::plan::{Executor, Scenario, Step, Think};

use super::support::{Generated, arrivals, generate_under, get, plan, scenario, target, users};

/// Generates load for 2 s under a lease that has ended from some moment after 0.5 s until 1.3 s. Returns how many
/// requests were sent while it had.
fn with_a_gap(executor: Executor) -> (Generated, u64) {
    let target = target("");
    let lease = Lease::until(clock::now_ns() + 500_000_000);
    let sent_without = AtomicU64::new(0);
    let plan = plan(vec![scenario(executor, vec![get(target.addr(), "/")])]);
    let generated = generate_under(&lease, plan, 2, |_| {
        std::thread::sleep(Duration::from_millis(600));
        let before = target.counts().requests;
        std::thread::sleep(Duration::from_millis(700));
        sent_without.store(target.counts().requests - before, Ordering::Relaxed);
        lease.extend(u64::MAX);
    });
    generated.assert_books_balance();
    assert_eq!(target.stop().responses, generated.requests().outcomes());
    (generated, sent_without.into_inner())
}

#[test]
fn arrivals_without_a_lease_are_skipped_and_not_made_up_for() {
    let (generated, sent_without) = with_a_gap(arrivals(100, 2.0, 100));
    let stats = generated.iterations();
    // Each worker may have been past its look at the lease, with one request.
    assert!(sent_without <= 2, "{sent_without}");
    let skipped = stats.skipped[SkipReason::Lease as usize];
    assert_eq!((stats.due, stats.skipped_total()), (200, skipped));
    assert!(skipped >= 70, "{skipped} fell due in 0.7 s and more");
    let late = |window: &u32| (5..=10).contains(window);
    let started: u64 = generated.windows.iter().filter(|(n, _)| late(n)).map(|(_, w)| w.scenarios[0].started).sum();
    assert!(started <= 110, "{started} started in about one second: no burst");
}

#[test]
fn iterations_under_way_end_with_the_lease_and_are_told_apart() {
    let target = target("");
    let lease = Lease::until(clock::now_ns() + 500_000_000);
    let pause = Step::Think(Think::Even(Duration::from_millis(800), Duration::from_millis(800)));
    let steps = vec![get(target.addr(), "/"), pause, get(target.addr(), "/")];
    let plan = plan(vec![scenario(arrivals(50, 0.4, 100), steps)]);
    let generated = generate_under(&lease, plan, 2, |_| {
        std::thread::sleep(Duration::from_millis(1_500));
        lease.extend(u64::MAX);
    });
    generated.assert_books_balance();
    let stats = generated.iterations();
    assert!(stats.started > 0 && stats.started == stats.unleased, "{} of {}", stats.unleased, stats.started);
    let told = (stats.cut_off, generated.requests().sent);
    assert_eq!(told, (stats.unleased, stats.started), "no second request is sent");
}

#[test]
fn what_fell_due_at_the_end_is_counted_once_there_is_a_lease() {
    let target = target("");
    let lease = Lease::until(clock::now_ns() + 500_000_000);
    let scenario = scenario(arrivals(100, 1.0, 100), vec![get(target.addr(), "/")]);
    let plan = plan(vec![Scenario { graceful_stop: Duration::from_millis(100), ..scenario }]);
    let generated = generate_under(&lease, plan, 2, |_| {
        std::thread::sleep(Duration::from_millis(1_600));
        lease.extend(u64::MAX);
    });
    generated.assert_books_balance();
    let stats = generated.iterations();
    let skipped = stats.skipped[SkipReason::Lease as usize];
    assert_eq!((stats.due, stats.skipped_total()), (100, skipped));
    assert!(skipped >= 40, "{skipped} fell due in half a second");
    assert_eq!(target.stop().responses, generated.requests().outcomes());
}

#[test]
fn users_without_a_lease_wait_and_go_on() {
    let (generated, sent_without) = with_a_gap(users(&[(2.0, 3, 3)]));
    assert!(sent_without <= 2, "{sent_without}");
    let last = generated.windows.range(8..).map(|(_, window)| window.scenarios[0].started).sum::<u64>();
    assert!(last > 0, "they go on with a lease");
}
