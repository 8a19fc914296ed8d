//! How often users iterate.

use std::cell::Cell;
use std::future::{Future, pending};
use std::rc::Rc;
use std::sync::Arc;

use super::clock;
use super::supply::Supply;

/// How often users iterate.
#[derive(Clone, Debug)]
pub enum Quota {
    /// As long as they are active.
    Unlimited,
    /// Each so many times.
    PerUser(u64),
    /// All of the cluster's users together, as long as there is something left.
    Shared(Arc<Supply>),
}

/// The iterations that a user, or all users of a worker, may begin.
#[derive(Clone)]
pub(super) struct Allowance {
    left: Rc<Cell<u64>>,
    supply: Option<Arc<Supply>>,
    /// Whether the worker counts among those that take of the supply, as it does from the beginning.
    engaged: Rc<Cell<bool>>,
}

impl Allowance {
    /// What the first of a worker's users may begin, or all of them if they share.
    pub(super) fn of(quota: &Quota) -> Self {
        let (left, supply) = match quota {
            Quota::Unlimited => (u64::MAX, None),
            Quota::PerUser(iterations) => (*iterations, None),
            Quota::Shared(supply) => (0, Some(Arc::clone(supply))),
        };
        Self { left: Rc::new(Cell::new(left)), supply, engaged: Rc::new(Cell::new(true)) }
    }

    /// What the next of the worker's users may begin.
    pub(super) fn next(&self, quota: &Quota) -> Self {
        if self.supply.is_some() { self.clone() } else { Self::of(quota) }
    }

    /// Whether no other iteration may ever begin.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0 && self.supply.as_ref().is_none_or(|supply| supply.is_spent())
    }

    /// Notes whether the worker has users who may take of a supply. What they have not begun is others' once it has none.
    pub(super) fn engage(&self, has_users: bool) {
        let Some(supply) = self.supply.as_ref().filter(|_| self.engaged.replace(has_users) != has_users) else {
            return;
        };
        match has_users {
            true => supply.engage(),
            false => supply.disengage(self.left.take()),
        }
    }

    /// Lets users who wait for more look whether they still should.
    pub(super) fn wake(&self) {
        self.supply.iter().for_each(|supply| supply.wake());
    }

    /// Waits for a change of the supply, from now on; for ever if there is none.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + '_ {
        let changed = self.supply.as_ref().map(|supply| supply.changed());
        async {
            match changed {
                Some(changed) => changed.await,
                None => pending().await,
            }
        }
    }

    /// Waits until there may be something to take again, until this moment at the latest, and returns the time then.
    pub(super) async fn replenished(&self, until_ns: u64) -> u64 {
        let changed = self.changed();
        if self.supply.as_ref().is_some_and(|supply| supply.is_dry()) {
            tokio::select! {
                biased;
                () = changed => {},
                () = clock::sleep_until(until_ns) => {},
            }
        }
        clock::now_ns()
    }

    /// Whether one more iteration may begin, which then counts.
    pub(super) fn take(&self) -> bool {
        if self.left.get() == 0
            && let Some(supply) = &self.supply
        {
            self.left.set(supply.take_block());
        }
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_their_own_allowance_unless_they_share() {
        let quota = Quota::PerUser(2);
        let first = Allowance::of(&quota);
        let second = first.next(&quota);
        assert_eq!([first.take(), first.take(), first.take()], [true, true, false]);
        assert_eq!([second.take(), second.take(), second.take()], [true, true, false]);
        assert!(Allowance::of(&Quota::Unlimited).take());
    }
}
