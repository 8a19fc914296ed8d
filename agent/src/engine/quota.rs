//! How often users iterate, and the iterations that an agent's users share.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use muster_proto::share::Share;

/// How often users iterate.
#[derive(Clone, Debug)]
pub enum Quota {
    /// As long as they are active.
    Unlimited,
    /// Each so many times.
    PerUser(u64),
    /// All of the agent's users together, as long as there is something left.
    Shared(Arc<Supply>),
}

/// The iterations that an agent's users have left to begin.
///
/// Workers take them in blocks, so that users share no memory with other workers on their way from one iteration to the
/// next. A block is a small part of what is left: the less there is, the less a slow worker can keep from the others.
#[derive(Debug)]
pub struct Supply(AtomicU64);

impl Supply {
    /// So many iterations.
    #[must_use]
    pub fn new(iterations: u64) -> Self {
        Self(AtomicU64::new(iterations))
    }

    /// An agent's part of a scenario's iterations: they go to the users in turn, and each user to whoever owns it.
    #[must_use]
    pub fn of_share(iterations: u64, users: u32, share: &Share) -> Self {
        let users = u64::from(users);
        let Some(each) = iterations.checked_div(users) else { return Self::new(0) };
        Self::new(each * share.count_below(users) + share.count_below(iterations % users))
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Takes a block; it is empty only once nothing is left.
    #[must_use]
    pub fn take_block(&self) -> u64 {
        /// What is left at any time makes about so many blocks of its size.
        const BLOCKS: u64 = 64;
        let block = |left: u64| left.div_ceil(BLOCKS);
        let rest = |left: u64| (left > 0).then(|| left - block(left));
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest).map_or(0, block)
    }
}

/// The iterations that a user, or all users of a worker, may begin.
#[derive(Clone)]
pub(super) struct Allowance {
    left: Rc<Cell<u64>>,
    supply: Option<Arc<Supply>>,
}

impl Allowance {
    /// What the first of a worker's users may begin, or all of them if they share.
    pub(super) fn of(quota: &Quota) -> Self {
        let (left, supply) = match quota {
            Quota::Unlimited => (u64::MAX, None),
            Quota::PerUser(iterations) => (*iterations, None),
            Quota::Shared(supply) => (0, Some(Arc::clone(supply))),
        };
        Self { left: Rc::new(Cell::new(left)), supply }
    }

    /// What the next of the worker's users may begin.
    pub(super) fn next(&self, quota: &Quota) -> Self {
        if self.supply.is_some() { self.clone() } else { Self::of(quota) }
    }

    /// Whether no other iteration may begin.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0 && self.supply.as_ref().is_none_or(|supply| supply.is_empty())
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_cluster_makes_every_iteration_once_whoever_is_faster(
            iterations in prop_oneof![0..300_u64, 0..100_000_u64],
            users in 0..200_u32,
            weights in prop::collection::vec(1..9_u32, 1..5),
            turns in prop::collection::vec(0..3_usize, 1..40),
        ) {
            let mut begun = 0;
            for share in Share::full().deal(&weights) {
                let quota = Quota::Shared(Arc::new(Supply::of_share(iterations, users, &share)));
                let workers = [(); 3].map(|()| Allowance::of(&quota));
                // Some workers are faster at first, and then each makes what it can.
                begun += turns.iter().filter(|worker| workers[**worker].next(&quota).take()).count() as u64;
                for worker in &workers {
                    while worker.take() {
                        begun += 1;
                    }
                }
            }
            prop_assert_eq!(begun, if users == 0 { 0 } else { iterations });
        }

        #[test]
        fn blocks_are_small_and_end_with_single_iterations(iterations in 1..1_000_000_000_u64) {
            let supply = Supply::new(iterations);
            let blocks: Vec<u64> = std::iter::from_fn(|| Some(supply.take_block()).filter(|block| *block > 0)).collect();
            prop_assert_eq!(blocks.iter().sum::<u64>(), iterations);
            prop_assert!(blocks.is_sorted_by(|a, b| a >= b));
            prop_assert!(blocks[0] <= iterations.div_ceil(64) && blocks.len() < 2_000);
            prop_assert_eq!(blocks.last(), Some(&1));
        }
    }

    #[test]
    fn threads_take_every_iteration_once() {
        let supply = Arc::new(Supply::new(100_000));
        let taker = |_| {
            let supply = Arc::clone(&supply);
            std::thread::spawn(move || {
                std::iter::repeat_with(|| supply.take_block()).take_while(|n| *n > 0).sum::<u64>()
            })
        };
        let takers: Vec<_> = (0..4).map(taker).collect();
        assert_eq!(takers.into_iter().map(|taker| taker.join().unwrap()).sum::<u64>(), 100_000);
    }

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
