//! Who holds which shares, by what each agent was told: no arrival may be in two hands that could both start it.

use std::sync::{Mutex, MutexGuard};

use muster_agent::engine::lease::Lease;
use muster_proto::change::What;
use muster_proto::share::Share;

use super::clock::SkewedClock;

/// What one agent's generator holds or held. Moments are of run time, which all of them share.
pub(crate) struct Hands {
    clock: SkewedClock,
    lease: Lease,
    held: Mutex<Vec<Held>>,
}

struct Held {
    share: Share,
    from_ns: u64,
    until_ns: u64,
}

impl Hands {
    /// Holds this share from the beginning on.
    pub(crate) fn new(clock: SkewedClock, lease: Lease, share: Share) -> Self {
        let held = Mutex::new(vec![Held { share, from_ns: 0, until_ns: u64::MAX }]);
        Self { clock, lease, held }
    }

    /// Holds more, or less, from this moment on.
    pub(crate) fn change(&self, what: &What, at_ns: u64) {
        let mut held = self.held();
        let share = match what {
            What::Granted(shares) => {
                return held.push(Held { share: shares[0].clone(), from_ns: at_ns, until_ns: u64::MAX });
            }
            What::Revoked(shares) => &shares[0],
            What::Reshaped(_) => return,
        };
        for Held { share: mine, from_ns, .. } in
            held.extract_if(.., |held| held.until_ns == u64::MAX).collect::<Vec<_>>()
        {
            held.push(Held { share: mine.within(share), from_ns, until_ns: at_ns });
            held.push(Held { share: mine.without(share), from_ns, until_ns: u64::MAX });
        }
        held.retain(|held| !held.share.is_empty());
    }

    /// Whether an arrival that is due at this moment could be started now.
    pub(crate) fn could_start(&self, arrival: u64, due_ns: u64) -> bool {
        let is_held = |held: &Held| (held.from_ns..held.until_ns).contains(&due_ns) && held.share.owns(arrival);
        self.lease.holds(self.clock.now_ns()) && self.held().iter().any(is_held)
    }

    fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().expect("nobody panics with shares in his hands")
    }
}
