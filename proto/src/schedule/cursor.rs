//! One party's arrivals, in the order in which they are due.

use std::sync::Arc;

use super::ArrivalSchedule;
use super::arrivals::{Load, Walk};
use crate::share::Share;

/// An iteration that is due at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number, unique in the scenario and the same on every machine: its ordinal if arrivals are uniform.
    pub id: u64,
    /// When it is due, in nanoseconds after the start of the scenario's profile.
    pub due_ns: u64,
}

/// Iterates over the arrivals of a schedule that fall into a share, in due order.
#[derive(Clone, Debug)]
pub struct ArrivalCursor {
    schedule: Arc<ArrivalSchedule>,
    share: Arc<Share>,
    walk: Walk,
    /// The stage in which the last arrival fell; the next one falls there or later.
    segment: usize,
    /// The arrival at which the walk stands, if its moment is known already.
    ahead: Option<Arrival>,
}

impl ArrivalCursor {
    /// Stands before the share's first arrival.
    #[must_use]
    pub fn new(schedule: Arc<ArrivalSchedule>, share: Arc<Share>) -> Self {
        let walk = schedule.walk(&share);
        Self { schedule, share, walk, segment: 0, ahead: None }
    }

    /// The arrival that [`Iterator::next`] will return.
    pub fn peek(&mut self) -> Option<Arrival> {
        if self.ahead.is_none() {
            let (id, load) = self.walk.current()?;
            let due_ns = self.schedule.profile().moment_from(&mut self.segment, load);
            self.ahead = Some(Arrival { id, due_ns });
        }
        self.ahead
    }

    /// Moves past every arrival that is due before a moment, and says how many those were. Independent of their number
    /// if they are uniform; Poisson arrivals are drawn.
    pub fn count_before(&mut self, t_ns: u64) -> u64 {
        let load = self.schedule.profile().load_due_before(t_ns);
        let count = self.walk.pass(load, &self.share);
        if count > 0 {
            self.ahead = None;
        }
        count
    }

    /// Moves past every arrival that is due before a moment without counting them, at no cost for how far that is: for
    /// whoever takes over a share in the middle of a run.
    pub fn skip_before(&mut self, t_ns: u64) {
        self.skip_load(self.schedule.load_before(t_ns));
    }

    /// Moves past every arrival of this load in the same way.
    pub fn skip_load(&mut self, Load(load): Load) {
        self.ahead = None;
        self.walk.skip(load, &self.share);
    }
}

impl Iterator for ArrivalCursor {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let arrival = self.peek();
        self.ahead = None;
        self.walk.advance(&self.share);
        arrival
    }
}
