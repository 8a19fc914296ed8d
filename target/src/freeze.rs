//! When the whole target stands still.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A stall that comes again: frozen for `lasts` in each `every`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// From the beginning of one freeze to that of the next.
    pub every: Duration,
    /// How long each freeze lasts; less than `every`.
    pub lasts: Duration,
}

/// The freezes of a running target, none of which ends early because something else was asked for.
pub(crate) struct Freeze {
    stall: Stall,
    first_ns: AtomicU64,
}

impl Freeze {
    /// The first freeze begins one `every` after the start.
    pub(crate) fn new(stall: Stall, start_ns: u64) -> Self {
        Self { stall, first_ns: AtomicU64::new(start_ns + stall.every.as_nanos() as u64) }
    }

    /// Lets the first freeze begin at this moment, and the others follow it.
    pub(crate) fn align(&self, first_ns: u64) {
        self.first_ns.store(first_ns, Relaxed);
    }

    /// When the freeze that holds at `now_ns` ends; `None` when none holds.
    pub(crate) fn thaw_ns(&self, now_ns: u64) -> Option<u64> {
        let every_ns = self.stall.every.as_nanos() as u64;
        let into_ns = now_ns.checked_sub(self.first_ns.load(Relaxed))? % every_ns;
        (self.stall.lasts.as_nanos() as u64).checked_sub(into_ns).filter(|&left| left > 0).map(|left| now_ns + left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_period_begins_with_a_freeze() {
        let stall = Stall { every: Duration::from_nanos(10), lasts: Duration::from_nanos(3) };
        let freeze = Freeze::new(stall, 100);
        let table =
            [(0, None), (109, None), (110, Some(113)), (112, Some(113)), (113, None), (119, None), (121, Some(123))];
        for (now, thaw) in table {
            assert_eq!(freeze.thaw_ns(now), thaw, "{now}");
        }
        freeze.align(105);
        assert_eq!((freeze.thaw_ns(104), freeze.thaw_ns(106), freeze.thaw_ns(110)), (None, Some(108), None));
    }
}
