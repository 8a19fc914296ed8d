//! A lease only ever gets longer, whoever extends it at the same time.

use std::sync::atomic::{AtomicU64, Ordering};

use shuttle::thread;

use super::super::modelled::{breaks, breaks_torn, in_every_order};
use crate::engine::lease::Lease;

/// Two extend a lease, one of them twice, while a worker looks at it.
fn is_extended(extend: fn(&Lease, u64)) {
    let lease = Lease::until(10);
    // The latest end that anybody has granted.
    let granted_ns = AtomicU64::new(10);
    let extend = |until_ns| {
        granted_ns.fetch_max(until_ns, Ordering::SeqCst);
        extend(&lease, until_ns);
    };
    thread::scope(|threads| {
        threads.spawn(|| [20, 40].map(extend));
        threads.spawn(|| extend(30));
        let mut seen_ns = 0;
        for now_ns in [15, 35] {
            let granted = || granted_ns.load(Ordering::SeqCst);
            assert!(!lease.holds(now_ns) || now_ns < granted(), "held at a moment for which nobody extended it");
            let until_ns = lease.until_ns();
            assert!(until_ns >= seen_ns, "a lease got shorter");
            seen_ns = until_ns;
        }
    });
    assert!(lease.until_ns() >= 40, "an extension was lost");
}

#[test]
fn a_lease_only_ever_gets_longer_whoever_extends_it() {
    in_every_order(|| is_extended(Lease::extend));
}

#[test]
fn extensions_must_not_come_in_between_each_other() {
    breaks_torn("an extension was lost", || is_extended(Lease::extend));
}

#[test]
fn a_lease_must_not_hold_for_longer_than_it_was_extended() {
    breaks("for which nobody extended it", || is_extended(|lease, until_ns| lease.extend(until_ns + 20)));
}
