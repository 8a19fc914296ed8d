//! How often users iterate.

use std::cell::Cell;
use std::future::{Future, pending};
use std::rc::Rc;
use std::sync::Arc;

use muster_proto::supply::Block;

use super::clock;
use super::supply::Supply;

/// How often users iterate.
#[derive(Clone, Debug)]
pub enum Quota {
    /// As long as they are active.
    Unlimited,
    /// Each so many times.
    PerUser(u64),
    /// All of the cluster's users together, as long as there are numbers left for their iterations.
    Shared(Arc<Supply>),
}

/// The iterations that a user, or all users of a worker, may begin.
#[derive(Clone)]
pub(super) struct Allowance {
    left: Rc<Cell<Block>>,
    supply: Option<Arc<Supply>>,
    /// Whether the worker counts among those that take of the supply, as it does from the beginning.
    engaged: Rc<Cell<bool>>,
}

impl Allowance {
    /// What the first of a worker's users may begin, or all of them if they share.
    pub(super) fn of(quota: &Quota) -> Self {
        let (count, supply) = match quota {
            Quota::Unlimited => (u64::MAX, None),
            Quota::PerUser(iterations) => (*iterations, None),
            Quota::Shared(supply) => (0, Some(Arc::clone(supply))),
        };
        Self { left: Rc::new(Cell::new(Block { first: 0, count })), supply, engaged: Rc::new(Cell::new(true)) }
    }

    /// What another of the worker's users may begin.
    pub(super) fn another(&self, quota: &Quota) -> Self {
        if self.supply.is_some() { self.clone() } else { Self::of(quota) }
    }

    /// Whether no other iteration may ever begin.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get().count == 0 && self.supply.as_ref().is_none_or(|supply| supply.is_spent())
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

    /// The number of the next iteration, if one may begin. Where numbers are shared, it is nobody else's.
    pub(super) fn next_number(&self) -> Option<u64> {
        if self.left.get().count == 0
            && let Some(supply) = &self.supply
        {
            self.left.set(supply.take_block());
        }
        let left = self.left.get();
        (left.count > 0).then_some(left.first)
    }

    /// Counts the iteration that has this number.
    pub(super) fn take(&self) {
        self.left.set(self.left.get().split(1).1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_their_own_allowance_unless_they_share() {
        let quota = Quota::PerUser(2);
        let first = Allowance::of(&quota);
        for allowance in [first.another(&quota), first] {
            let numbers = [(); 3].map(|()| allowance.next_number().inspect(|_| allowance.take()));
            assert_eq!(numbers, [Some(0), Some(1), None]);
        }
        assert!(Allowance::of(&Quota::Unlimited).next_number().is_some());
    }
}
