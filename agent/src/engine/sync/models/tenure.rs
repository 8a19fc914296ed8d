//! A share changes hands at one moment, for whoever gives it up as for whoever gets it.

use std::sync::Arc;
use std::sync::atomic;
use std::time::Duration;

use muster_proto::plan::{Arrivals, Rate, RateStage};
use muster_proto::schedule::{Arrival, ArrivalSchedule, Load, Stream, Timing};
use muster_proto::share::Share;
use shuttle::thread;

use super::super::modelled::{breaks, breaks_torn, in_every_order};
use super::super::{AtomicU64, Ordering};
use crate::engine::changes::{Grant, revocable_from_ns};
use crate::engine::held::HeldArrivals;
use crate::engine::lease::Lease;
use crate::engine::tenure::Tenure;

/// Two end a tenure, while a worker looks at it.
fn is_ended_by_two() {
    let tenure = Tenure::from(0);
    let asked_ns = atomic::AtomicU64::new(u64::MAX);
    let end_at = |at_ns| {
        asked_ns.fetch_min(at_ns, Ordering::SeqCst);
        tenure.end_at(at_ns);
    };
    thread::scope(|threads| {
        threads.spawn(|| [40, 20].map(end_at));
        threads.spawn(|| end_at(30));
        let mut seen_ns = u64::MAX;
        for _ in 0..3 {
            let until_ns = tenure.until_ns();
            assert!(until_ns <= seen_ns, "a tenure got longer");
            assert!(until_ns >= asked_ns.load(Ordering::SeqCst), "a tenure ended sooner than anybody wanted");
            seen_ns = until_ns;
        }
    });
    assert_eq!(tenure.until_ns(), 20, "an end was lost");
}

#[test]
fn a_tenure_only_ever_gets_shorter_whoever_ends_it() {
    in_every_order(is_ended_by_two);
}

#[test]
fn ends_must_not_come_in_between_each_other() {
    breaks_torn("an end was lost", is_ended_by_two);
}

/// How long shares that are taken away are held at least, in nanoseconds.
fn lead_ns() -> u64 {
    revocable_from_ns(&Lease::endless(), 0)
}

/// When a share is taken away. Moments are in tenths of the lead.
#[derive(Clone, Copy)]
struct Moments {
    /// The time at first, and what it becomes at any moment from then on.
    clock: (u64, u64),
    /// The end of the lease, until it is renewed.
    lease: u64,
}

/// How shares are taken away at a moment of the clock, and the lease is renewed. Returns from when on they are not held.
type TakeAway = fn(&Lease, &Tenure, u64) -> u64;

/// As the engine does.
fn take_away(lease: &Lease, tenure: &Tenure, now_ns: u64) -> u64 {
    let at_ns = revocable_from_ns(lease, now_ns);
    tenure.end_at(at_ns);
    lease.extend(u64::MAX);
    at_ns
}

/// Two arrivals are due in each lead.
fn held(tenure: &Tenure) -> HeldArrivals {
    let lead_ns = lead_ns();
    let rate = Rate::per_second(2_000_000_000 / lead_ns);
    let stage = RateStage { duration: Duration::from_nanos(4 * lead_ns), from: rate, to: rate };
    let stream = Stream { seed: 7, scenario: 0 };
    let timing = Timing::Arrivals(Arc::new(ArrivalSchedule::new(&[stage], Arrivals::Uniform, stream).unwrap()));
    let (share, tenure) = (Arc::new(Share::full()), tenure.clone());
    let mut held = HeldArrivals::none(0);
    held.hold(&Grant { share, tenure, timing, passed: Load::default(), begin_ns: 0 });
    held
}

fn due_before(held: &mut HeldArrivals, at_ns: u64) -> Vec<Arrival> {
    std::iter::from_fn(|| held.next_before(at_ns)).collect()
}

/// A share is taken from a worker that is about to start what is due, and given to another.
fn changes_hands(moments: Moments, take_away: TakeAway) {
    let tenth_ns = lead_ns() / 10;
    let (clock_ns, then_ns) = (AtomicU64::new(moments.clock.0 * tenth_ns), moments.clock.1 * tenth_ns);
    let lease = Lease::until(moments.lease.saturating_mul(tenth_ns));
    let tenure = Tenure::from(0);
    let mut mine = held(&tenure);
    let mut started = due_before(&mut mine, moments.clock.0 * tenth_ns);
    let mut at_ns = 0;
    thread::scope(|threads| {
        threads.spawn(|| clock_ns.store(then_ns, Ordering::SeqCst));
        threads.spawn(|| {
            let now_ns = clock_ns.load(Ordering::SeqCst);
            if lease.holds(now_ns) {
                started.append(&mut due_before(&mut mine, now_ns + 1));
            }
        });
        at_ns = take_away(&lease, &tenure, clock_ns.load(Ordering::SeqCst));
    });
    assert!(started.iter().all(|arrival| arrival.due_ns < at_ns), "started what was another's");
    // Each of the two also comes to what it has not come to yet.
    started.append(&mut due_before(&mut mine, u64::MAX));
    started.append(&mut due_before(&mut held(&Tenure::from(at_ns)), u64::MAX));
    assert_eq!(started, due_before(&mut held(&Tenure::from(0)), u64::MAX), "not every arrival was somebody's");
}

/// The time goes on by less than the lead.
const LEASED: Moments = Moments { clock: (5, 14), lease: u64::MAX };

/// The lease ends, and an arrival falls due before it is renewed.
const UNLEASED: Moments = Moments { clock: (8, 15), lease: 12 };

#[test]
fn nothing_is_started_from_the_moment_on_that_was_answered() {
    in_every_order(|| changes_hands(LEASED, take_away));
}

#[test]
fn nothing_is_started_from_the_end_of_the_lease_on_when_shares_were_taken_away_since() {
    in_every_order(|| changes_hands(UNLEASED, take_away));
}

#[test]
fn shares_must_not_be_taken_away_at_once() {
    breaks("another's", || {
        changes_hands(LEASED, |_, tenure, now_ns| {
            tenure.end_at(now_ns);
            now_ns
        });
    });
}

#[test]
fn a_lease_must_not_be_renewed_before_shares_were_taken_away() {
    breaks("another's", || {
        changes_hands(UNLEASED, |lease, tenure, now_ns| {
            let at_ns = revocable_from_ns(lease, now_ns);
            lease.extend(u64::MAX);
            tenure.end_at(at_ns);
            at_ns
        });
    });
}

/// That is what the lead is for, and how far it goes.
#[test]
fn a_session_must_not_stand_still_for_the_lead() {
    breaks("another's", || changes_hands(Moments { clock: (5, 15), ..LEASED }, take_away));
}
