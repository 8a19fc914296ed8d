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
    scenario: usize,
    share: Share,
    from_ns: u64,
    until_ns: u64,
}

impl Hands {
    /// Holds these shares, one for each scenario, from the beginning on.
    pub(crate) fn new(clock: SkewedClock, lease: Lease, shares: Vec<Share>) -> Self {
        let shares = shares.into_iter().enumerate();
        let held = shares.map(|(scenario, share)| Held { scenario, share, from_ns: 0, until_ns: u64::MAX });
        Self { clock, lease, held: Mutex::new(held.collect()) }
    }

    /// Holds more, or less, from this moment on.
    pub(crate) fn change(&self, what: &What, at_ns: u64) {
        let (is_granted, shares) = match what {
            What::Granted(handed) => (true, &handed.shares),
            What::Revoked(shares) => (false, shares),
            What::Reshaped(_) => return,
        };
        let mut held = self.held();
        for (scenario, share) in shares.iter().enumerate().filter(|(_, share)| !share.is_empty()) {
            if is_granted {
                held.push(Held { scenario, share: share.clone(), from_ns: at_ns, until_ns: u64::MAX });
                continue;
            }
            // Also what was to be held for longer, by what was said before.
            let is_meant = |held: &mut Held| held.until_ns > at_ns && held.scenario == scenario;
            for Held { share: mine, from_ns, until_ns, .. } in held.extract_if(.., is_meant).collect::<Vec<_>>() {
                held.push(Held { scenario, share: mine.within(share), from_ns, until_ns: at_ns });
                held.push(Held { scenario, share: mine.without(share), from_ns, until_ns });
            }
        }
        held.retain(|held| !held.share.is_empty());
    }

    /// Whether an iteration that is due at this moment of run time could be started now: an arrival, or a user's. `key` is
    /// what its shard follows from.
    pub(crate) fn could_start(&self, scenario: usize, key: u64, due_ns: u64) -> bool {
        let is_meant = |held: &Held| held.scenario == scenario && held.share.owns(key);
        let is_held = |held: &Held| is_meant(held) && (held.from_ns..held.until_ns).contains(&due_ns);
        self.lease.holds(self.clock.now_ns()) && self.held().iter().any(is_held)
    }

    fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().expect("nobody panics with shares in his hands")
    }
}
