//! How long a share is held.

use std::sync::Arc;

use super::sync::{AtomicU64, Ordering};

/// From when on a share is held, and until when. It is held for ever unless it is taken away; clones share that moment,
/// so that all workers see it at once. Moments are of the engine's clock.
#[derive(Clone, Debug)]
pub struct Tenure {
    /// The first moment.
    pub from_ns: u64,
    until_ns: Arc<AtomicU64>,
}

impl Tenure {
    /// A tenure from this moment on.
    #[must_use]
    pub fn from(from_ns: u64) -> Self {
        Self::between(from_ns, u64::MAX)
    }

    /// A tenure from this moment on, that ends at another.
    #[must_use]
    pub fn between(from_ns: u64, until_ns: u64) -> Self {
        Self { from_ns, until_ns: Arc::new(AtomicU64::new(until_ns)) }
    }

    /// The first moment after it.
    #[inline]
    #[must_use]
    pub fn until_ns(&self) -> u64 {
        self.until_ns.load(Ordering::Acquire)
    }

    /// Lets it end at this moment, if that is earlier than before.
    pub fn end_at(&self, at_ns: u64) {
        self.until_ns.fetch_min(at_ns, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenure_is_only_ever_shortened() {
        let tenure = Tenure::from(5);
        let shared = tenure.clone();
        assert_eq!((tenure.from_ns, tenure.until_ns()), (5, u64::MAX));
        shared.end_at(20);
        shared.end_at(30);
        assert_eq!(tenure.until_ns(), 20);
    }
}
