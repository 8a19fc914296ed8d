//! Arrivals at even distances: one whenever the load reaches a whole number.

use super::segment::UNITS_PER_ARRIVAL;
use crate::share::Share;

/// How many of the loads 0, 1, 2, ... arrivals lie below a load in units.
pub(super) fn arrivals_below(load: u128) -> u64 {
    // No profile makes more than an arrival each nanosecond.
    load.div_ceil(UNITS_PER_ARRIVAL) as u64
}

/// The load at which an arrival is due, in units.
pub(super) fn load_of(id: u64) -> u128 {
    u128::from(id) * UNITS_PER_ARRIVAL
}

/// Walks a share's arrivals in order.
#[derive(Clone, Debug)]
pub(super) struct UniformWalk {
    /// The arrival at which it stands.
    id: Option<u64>,
    /// The number of arrivals, whosever.
    total: u64,
}

impl UniformWalk {
    /// Stands at the share's first arrival below `load_end`.
    pub(super) fn new(load_end: u128, share: &Share) -> Self {
        let mut walk = Self { id: None, total: arrivals_below(load_end) };
        walk.seek(0, share);
        walk
    }

    /// The arrival at which it stands, and its load in units.
    pub(super) fn current(&self) -> Option<(u64, u128)> {
        self.id.map(|id| (id, load_of(id)))
    }

    /// Goes to the next one.
    pub(super) fn advance(&mut self, share: &Share) {
        if let Some(id) = self.id {
            self.seek(id + 1, share);
        }
    }

    /// Goes past everything below a load, and says how much that was.
    pub(super) fn pass(&mut self, load: u128, share: &Share) -> u64 {
        let bound = arrivals_below(load).min(self.total);
        match self.id {
            Some(id) if id < bound => {
                self.seek(bound, share);
                share.count_below(bound) - share.count_below(id)
            }
            _ => 0,
        }
    }

    fn seek(&mut self, from: u64, share: &Share) {
        self.id = share.next_owned(from).filter(|&id| id < self.total);
    }
}
