//! Shares that are handed from agent to agent while load is generated.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use muster_agent::engine::clock;
use muster_agent::engine::lease::Lease;
use muster_agent::engine::progress::Progress;
use muster_agent::engine::start::Engine;
use muster_proto::change::Handed;
use muster_proto::measurement::SkipReason;
use muster_proto::plan::{Executor, Plan};
use muster_proto::share::Share;

use super::support::{Generated, arrivals, generate_from, get, plan, scenario, target, users};

const MS: u64 = 1_000_000;
/// Arrivals per second.
const RATE: u64 = 500;

/// Two agents carry the plan out, the first with all of it and the second with nothing until something is handed over.
/// The first one interferes with itself and sends what the second is given from when on.
fn handed_over(
    plan: &Plan,
    leases: &[Lease; 2],
    first: impl FnOnce(&Engine, mpsc::Sender<(Share, u64)>) + Send,
) -> [Generated; 2] {
    let start_ns = clock::now_ns() + 50 * MS;
    let (sender, given) = mpsc::channel();
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            generate_from(start_ns, &[Share::empty()], &leases[1], plan.clone(), 2, |engine| {
                given
                    .into_iter()
                    .for_each(|(share, from_ns)| engine.grant(&Handed::new(vec![share]), from_ns).unwrap());
            })
        });
        let first =
            generate_from(start_ns, &[Share::full()], &leases[0], plan.clone(), 2, |engine| first(engine, sender));
        [first, second.join().unwrap()]
    })
}

fn halves() -> [Share; 2] {
    Share::full().deal(&[1, 1]).try_into().unwrap()
}

/// How many of the arrivals at a rate of [`RATE`] fall due before a moment.
fn due_before(at_ns: u64) -> u64 {
    (at_ns * RATE).div_ceil(1_000_000_000)
}

fn answered(both: &[Generated; 2]) -> u64 {
    both.iter().map(|generated| generated.requests().outcomes()).sum()
}

fn plan_of(executor: Executor, target: &muster_target::Target) -> Plan {
    plan(vec![scenario(executor, vec![get(target.addr(), "/")])])
}

#[test]
fn arrivals_that_are_handed_over_in_time_all_start_once() {
    let target = target("");
    let leases = [Lease::endless(), Lease::endless()];
    let [kept, given] = halves();
    let handed = std::sync::Mutex::new(0);
    let both = handed_over(&plan_of(arrivals(RATE, 3.0, 100), &target), &leases, |engine, second| {
        for (share, at_ms) in [(&given, 700), (&kept, 1_600)] {
            thread::sleep(Duration::from_millis(300));
            let at_ns = engine.revoke(std::slice::from_ref(share), at_ms * MS).unwrap();
            *handed.lock().unwrap() += share.count_below(due_before(at_ns));
            second.send((share.clone(), at_ns)).unwrap();
        }
        assert!(engine.shares()[0].is_empty());
    });
    both.iter().for_each(Generated::assert_books_balance);
    let [first, second] = both.each_ref().map(Generated::iterations);
    assert_eq!((first.due, first.due + second.due), (handed.into_inner().unwrap(), 3 * RATE));
    // Whoever is given a share long before it is due has no reason to skip anything.
    assert_eq!(first.skipped_total() + second.skipped_total(), 0);
    assert_eq!(target.stop().responses, 3 * RATE);
}

#[test]
fn arrivals_that_are_given_too_late_are_skipped_and_not_made_up_for() {
    let target = target("");
    let leases = [Lease::endless(), Lease::endless()];
    let both = handed_over(&plan_of(arrivals(RATE, 2.0, 100), &target), &leases, |engine, second| {
        thread::sleep(Duration::from_millis(300));
        let at_ns = engine.revoke(&[Share::full()], 0).unwrap();
        thread::sleep(Duration::from_millis(400));
        second.send((Share::full(), at_ns)).unwrap();
    });
    both.iter().for_each(Generated::assert_books_balance);
    let [first, second] = both.each_ref().map(Generated::iterations);
    let skipped = second.skipped[SkipReason::AgentLost as usize];
    assert_eq!((first.due + second.due, second.skipped_total()), (1_000, skipped));
    assert!(skipped >= 190, "what fell due in 0.4 s and more: {skipped}");
    assert_eq!(target.stop().responses, answered(&both));
}

#[test]
fn what_was_taken_from_an_agent_without_a_lease_is_its_successors_alone() {
    let target = target("");
    let leases = [Lease::until(clock::now_ns() + 450 * MS), Lease::endless()];
    let both = handed_over(&plan_of(arrivals(RATE, 2.0, 100), &target), &leases, |engine, second| {
        thread::sleep(Duration::from_millis(800));
        // Long past for the first, which hears of it before it gets its lease back.
        second.send((Share::full(), 700 * MS)).unwrap();
        assert_eq!(engine.revoke(&[Share::full()], 700 * MS), Ok(700 * MS));
        leases[0].extend(u64::MAX);
    });
    both.iter().for_each(Generated::assert_books_balance);
    let [first, second] = both.each_ref().map(Generated::iterations);
    assert_eq!((first.due, second.due), (350, 650));
    let lease = first.skipped[SkipReason::Lease as usize];
    assert!(lease >= 149 && first.skipped_total() == lease, "from 0.4 to 0.7 s: {lease}");
    assert_eq!(target.stop().responses, answered(&both));
}

#[test]
fn a_worker_shows_how_far_it_has_come_also_where_it_holds_nothing() {
    let target = target("");
    let leases = [Lease::endless(), Lease::endless()];
    handed_over(&plan_of(arrivals(50, 1.5, 10), &target), &leases, |engine, second| {
        let progress = || engine.progress().collect::<Vec<_>>();
        engine.revoke(&[Share::full()], 0).unwrap();
        thread::sleep(Duration::from_millis(500));
        let before = progress();
        thread::sleep(Duration::from_millis(600));
        let after = progress();
        assert!(before.iter().zip(&after).all(|(before, after)| before < after), "{before:?} {after:?}");
        while progress().iter().any(|progress| *progress != Progress::ENDED) {
            thread::sleep(Duration::from_millis(10));
        }
        drop(second);
    });
}

#[test]
fn what_was_to_be_given_up_can_be_taken_away_sooner() {
    let target = target("");
    let leases = [Lease::until(clock::now_ns() + 450 * MS), Lease::endless()];
    let both = handed_over(&plan_of(arrivals(500, 2.0, 100), &target), &leases, |engine, second| {
        thread::sleep(Duration::from_millis(800));
        second.send((Share::full(), 700 * MS)).unwrap();
        let [given, _] = halves();
        assert_eq!(engine.revoke(&[given], 760 * MS), Ok(760 * MS));
        assert_eq!(engine.revoke(&[Share::full()], 700 * MS), Ok(700 * MS));
        assert!(engine.shares()[0].is_empty());
        leases[0].extend(u64::MAX);
    });
    both.iter().for_each(Generated::assert_books_balance);
    let [first, second] = both.each_ref().map(Generated::iterations);
    assert_eq!((first.due, second.due), (350, 650));
}

#[test]
fn users_go_from_one_agent_to_the_other() {
    let target = target("");
    let leases = [Lease::endless(), Lease::endless()];
    let plan = plan_of(users(&[(2.0, 8, 8)]), &target);
    let [kept, given] = halves();
    let both = handed_over(&plan, &leases, |engine, second| {
        thread::sleep(Duration::from_millis(300));
        let at_ns = engine.revoke(std::slice::from_ref(&given), 1_000 * MS).unwrap();
        second.send((given, at_ns)).unwrap();
    });
    both.iter().for_each(Generated::assert_books_balance);
    assert!(!kept.is_empty());
    let at_work = |generated: &Generated, windows: std::ops::Range<u32>| -> u64 {
        generated.windows.range(windows).map(|(_, window)| window.scenarios[0].started).sum()
    };
    assert_eq!(at_work(&both[1], 0..5), 0, "nobody is here before it is handed over");
    assert!(at_work(&both[0], 5..10) > 0 && at_work(&both[1], 5..10) > 0);
    assert_eq!(target.stop().responses, answered(&both));
}
