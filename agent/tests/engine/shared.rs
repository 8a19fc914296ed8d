//! Iterations that users share with those of other agents: what one has is topped up while it is used.

use std::thread;
use std::time::{Duration, Instant};

use muster_agent::engine::start::Engine;
use muster_proto::change::Handed;
use muster_proto::plan::Executor;
use muster_proto::share::Share;
use muster_proto::supply::{Allotted, Block, Wanting};
use muster_target::Target;

use super::support::{generate_while, get, plan, scenario, seconds, shared, target};

/// Allots the numbers up to this one.
fn allot(engine: &Engine, allotted: u64, last: bool) {
    let block = Block { first: 0, count: allotted };
    engine.supplies().allot(&Allotted { scenario: 0, allotted, block, last }).expect("a scenario that shares");
}

/// What the engine says next, which it must within half a minute.
fn wanting(engine: &Engine) -> Wanting {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let supplies = engine.supplies();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), supplies.wanting()).await }).expect("a word")
}

fn until_served(target: &Target, responses: u64) {
    while target.counts().responses < responses {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn users_wait_for_the_next_block_and_end_after_the_last_one() {
    for workers in [1, 3] {
        let target = target("");
        let together = plan(vec![scenario(shared(5, 1_000), vec![get(target.addr(), "/")])]);
        let generated = generate_while(together, workers, |engine| {
            let asks = |allotted| Wanting { allotted, more: true, ..Wanting::default() };
            assert_eq!(wanting(engine), asks(0));
            for allotted in [10, 11, 90] {
                allot(engine, allotted, false);
                assert_eq!(wanting(engine), asks(allotted), "as soon as half of it is left");
                until_served(&target, allotted);
            }
            thread::sleep(Duration::from_millis(50));
            assert_eq!(target.counts().responses, 90, "not one more than they were allotted");
            allot(engine, 100, true);
        });
        generated.assert_books_balance();
        assert_eq!((generated.iterations().started, generated.iterations().completed), (100, 100));
        assert_eq!(target.stop().responses, 100);
    }
}

#[test]
fn users_who_wait_end_when_the_run_is_drained_and_when_time_is_up() {
    for drained in [true, false] {
        let target = target("");
        let mut executor = shared(4, 1_000);
        if let (Executor::SharedIterations { max_duration, .. }, false) = (&mut executor, drained) {
            *max_duration = seconds(1.0);
        }
        let begun = Instant::now();
        let generated = generate_while(plan(vec![scenario(executor, vec![get(target.addr(), "/")])]), 2, |engine| {
            allot(engine, 20, false);
            until_served(&target, 20);
            if drained {
                engine.drain();
            }
        });
        generated.assert_books_balance();
        assert_eq!(generated.iterations().completed, 20);
        assert!(begun.elapsed() < Duration::from_secs(15), "without waiting for the grace of 20 s");
    }
}

#[test]
fn what_is_not_begun_is_given_back_when_there_are_no_users_any_more_and_asked_for_when_there_are_again() {
    let target = target("latency=5ms");
    let together = plan(vec![scenario(shared(4, 1_000), vec![get(target.addr(), "/")])]);
    let everybody = [Share::full()];
    let generated = generate_while(together, 2, |engine| {
        allot(engine, 1_000, false);
        until_served(&target, 10);
        engine.revoke(&everybody, 0).unwrap();
        let said = loop {
            let said = wanting(engine);
            if !said.returned.is_empty() {
                break said;
            }
        };
        let returned: u64 = said.returned.iter().map(|block| block.count).sum();
        let begun = said.allotted - returned;
        assert!((10..1_000).contains(&begun), "{said:?}");
        until_served(&target, begun);
        engine.grant(&Handed::new(everybody.to_vec()), 0).unwrap();
        assert_eq!(wanting(engine), Wanting { more: true, ..said.clone() });
        allot(engine, 1_000 + returned, true);
    });
    generated.assert_books_balance();
    assert_eq!(generated.iterations().completed, 1_000);
    assert_eq!(target.stop().responses, 1_000);
}
