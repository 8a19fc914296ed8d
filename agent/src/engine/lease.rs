//! The right to generate load, which ends by itself.

use std::sync::Arc;

use super::clock;
use super::sync::{AtomicU64, Ordering};

/// Until when load may be generated: whoever is cut off from its coordinator stops by itself.
///
/// The session extends it by what it hears; workers look at it before each request. Clones share it.
#[derive(Clone, Debug)]
pub struct Lease(Arc<AtomicU64>);

impl Lease {
    /// A lease that ends at this moment of [`clock::now_ns`].
    #[must_use]
    pub fn until(at_ns: u64) -> Self {
        Self(Arc::new(AtomicU64::new(at_ns)))
    }

    /// A lease without an end, for load that nobody coordinates.
    #[must_use]
    pub fn endless() -> Self {
        Self::until(u64::MAX)
    }

    /// Lets it end at this moment, if that is later than before. Whoever sees that sees what was done before, such as
    /// shares that were taken away.
    pub fn extend(&self, until_ns: u64) {
        self.0.fetch_max(until_ns, Ordering::Release);
    }

    /// Whether load may be generated at this moment.
    #[inline]
    #[must_use]
    pub fn holds(&self, now_ns: u64) -> bool {
        now_ns < self.until_ns()
    }

    /// The first moment at which load may not be generated, as far as is known now.
    #[inline]
    #[must_use]
    pub fn until_ns(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Waits until load may be generated, looking every so many nanoseconds, and returns the time then.
    pub async fn regained(&self, look_ns: u64) -> u64 {
        loop {
            let now_ns = clock::now_ns();
            if self.holds(now_ns) {
                return now_ns;
            }
            clock::sleep_until(now_ns + look_ns).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_only_ever_extended() {
        let lease = Lease::until(10);
        let shared = lease.clone();
        assert!(lease.holds(9) && !lease.holds(10));
        shared.extend(20);
        shared.extend(15);
        assert!(lease.holds(19) && !lease.holds(20));
        assert!(Lease::endless().holds(u64::MAX - 1));
    }
}
