//! An agent's part of the iterations that the users of the whole cluster share. It is topped up while it is used.

use std::future::Future;
use std::sync::Arc;

use muster_proto::plan::{Executor, Plan};
use muster_proto::share::Share;
use muster_proto::supply::{Allotted, Wanting};
use tokio::sync::Notify;

use super::sync::{AtomicU64, Ordering};

/// The iterations that an agent's users have left to begin.
///
/// Workers take them in blocks, so that users share no memory with other workers on their way from one iteration to the
/// next. A block is a small part of what is left: the less there is, the less a slow worker can keep from the others.
#[derive(Debug)]
pub struct Supply {
    /// What no worker has taken yet.
    left: AtomicU64,
    /// With no more than this left, more is wanted.
    low: AtomicU64,
    /// How asking for more stands: one of the constants below.
    asking: AtomicU64,
    /// How many workers have, or may come to have, users who begin something of it.
    takers: AtomicU64,
    /// All that was ever allotted, and what was given back of it.
    allotted: AtomicU64,
    returned: AtomicU64,
    /// Whether the coordinator may not know how it stands: 1 then.
    retell: AtomicU64,
    /// Wakes users who wait.
    changed: Notify,
    /// Wakes whoever speaks with the coordinator.
    wanted: Arc<Notify>,
}

/// How many scenarios ask at a time. The users of others wait until there is an answer.
const ASKING_MAX: usize = 64;

/// There is enough.
const NOTHING: u64 = 0;
/// More is wanted, which nobody was told yet.
const WANTED: u64 = 1;
/// The coordinator was asked, and has not answered.
const ASKED: u64 = 2;
/// There will never be more.
const OVER: u64 = 3;

impl Supply {
    /// Nothing yet, for so many workers. More is wanted at once if there are users from the start.
    pub(super) fn new(workers: usize, has_users: bool, wanted: &Arc<Notify>) -> Self {
        Self {
            left: AtomicU64::new(0),
            low: AtomicU64::new(0),
            asking: AtomicU64::new(if has_users { WANTED } else { NOTHING }),
            takers: AtomicU64::new(workers as u64),
            allotted: AtomicU64::new(0),
            returned: AtomicU64::new(0),
            retell: AtomicU64::new(0),
            changed: Notify::new(),
            wanted: Arc::clone(wanted),
        }
    }

    /// Takes a block. It is empty when nothing is left for now, or, once it [is over](Self::is_over), for ever.
    #[must_use]
    pub fn take_block(&self) -> u64 {
        /// What is left at any time makes about so many blocks of its size.
        const BLOCKS: u64 = 64;
        let block = |left: u64| left.div_ceil(BLOCKS);
        let rest = |left: u64| (left > 0).then(|| left - block(left));
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Acquire, rest).unwrap_or(0);
        let taken = block(left);
        if left - taken <= self.low.load(Ordering::Relaxed) {
            self.want();
        }
        taken
    }

    /// Whether there will never be more than what is left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.asking.load(Ordering::Acquire) == OVER
    }

    /// Whether a user finds nothing here, now and for ever.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.is_over() && self.left.load(Ordering::Acquire) == 0
    }

    /// Waits until something was added, or something else happened that users who wait must look at. It is noticed from
    /// when this was called.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }

    /// Whether it is worth waiting for a change: there is nothing to take.
    pub(super) fn is_dry(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0 && !self.is_over()
    }

    /// Lets all who wait look again.
    pub(super) fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// A worker has users again who may begin something.
    pub(super) fn engage(&self) {
        if self.takers.fetch_add(1, Ordering::AcqRel) == 0 {
            // What was wanted when nobody was left is wanted again.
            self.wanted.notify_one();
        }
    }

    /// A worker has no users any more, and puts back what they have not begun.
    pub(super) fn disengage(&self, left: u64) {
        if left > 0 {
            self.left.fetch_add(left, Ordering::AcqRel);
            self.wake();
        }
        if self.takers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.wanted.notify_one();
        }
    }

    /// What the agent may begin in all. What was heard before changes nothing.
    pub(super) fn allot(&self, iterations: u64, last: bool) {
        let before = self.allotted.fetch_max(iterations, Ordering::AcqRel);
        let more = iterations.saturating_sub(before);
        if more > 0 {
            self.low.store(more / 2, Ordering::Relaxed);
            self.left.fetch_add(more, Ordering::AcqRel);
        }
        if last {
            self.asking.store(OVER, Ordering::Release);
        } else if more > 0 && !self.is_over() {
            self.asking.store(NOTHING, Ordering::Release);
            // It may have been used up before anybody could ask again.
            if self.left.load(Ordering::Acquire) <= more / 2 {
                self.want();
            }
        }
        // Others may ask now, or nobody is left here to begin it.
        self.wanted.notify_one();
        self.wake();
    }

    fn is_asking(&self) -> bool {
        self.asking.load(Ordering::Acquire) == ASKED
    }

    fn want(&self) {
        if self.asking.load(Ordering::Relaxed) == NOTHING && self.turn(NOTHING, WANTED) {
            self.wanted.notify_one();
        }
    }

    fn turn(&self, from: u64, to: u64) -> bool {
        self.asking.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// What there is to say to the coordinator, if there is anything.
    pub(super) fn word(&self, scenario: usize, may_ask: bool) -> Option<Wanting> {
        let has_users = self.takers.load(Ordering::Acquire) > 0;
        if !has_users {
            // Others can begin it.
            let returned = self.left.swap(0, Ordering::AcqRel);
            self.returned.fetch_add(returned, Ordering::AcqRel);
            self.retell.fetch_max(u64::from(returned > 0), Ordering::AcqRel);
        }
        let asks = has_users && may_ask && self.turn(WANTED, ASKED);
        if self.retell.swap(0, Ordering::AcqRel) == 0 && !asks {
            return None;
        }
        let (allotted, returned) = (self.allotted.load(Ordering::Acquire), self.returned.load(Ordering::Acquire));
        Some(Wanting { scenario, allotted, returned, more: self.is_asking() })
    }

    /// Another stream leads to the coordinator: what was said may not have been heard, nor the answer.
    fn say_again(&self) {
        self.turn(ASKED, WANTED);
        self.retell.store(u64::from(self.allotted.load(Ordering::Acquire) > 0), Ordering::Release);
        self.wanted.notify_one();
    }
}

/// The supplies of a plan's scenarios. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Supplies {
    /// One for each scenario whose users share iterations.
    by_scenario: Arc<[Option<Arc<Supply>>]>,
    wanted: Arc<Notify>,
}

impl Supplies {
    /// Empty ones, for an agent with these shares of the plan's scenarios and so many workers.
    #[must_use]
    pub fn new(plan: &Plan, shares: &[Share], workers: usize) -> Self {
        let wanted = Arc::new(Notify::new());
        let supplies = plan.scenarios.iter().zip(shares).map(|(scenario, share)| match &scenario.executor {
            Executor::SharedIterations { users, .. } => {
                let has_users = share.count_below(u64::from(*users)) > 0;
                Some(Arc::new(Supply::new(workers, has_users, &wanted)))
            }
            _ => None,
        });
        Self { by_scenario: supplies.collect(), wanted }
    }

    /// That of one scenario, if its users share iterations.
    #[must_use]
    pub fn of(&self, scenario: usize) -> Option<&Arc<Supply>> {
        self.by_scenario.get(scenario)?.as_ref()
    }

    /// Takes in what the coordinator says; `None` when there is no such scenario.
    #[must_use]
    pub fn allot(&self, allotted: &Allotted) -> Option<()> {
        let Allotted { scenario, iterations, last } = *allotted;
        self.of(scenario)?.allot(iterations, last);
        Some(())
    }

    /// Waits until there is something to say to the coordinator. Nothing is missed when it is given up.
    pub async fn wanting(&self) -> Wanting {
        loop {
            let supplies = || self.by_scenario.iter().enumerate();
            let asking = supplies().filter(|(_, supply)| supply.as_ref().is_some_and(|supply| supply.is_asking()));
            let may_ask = asking.count() < ASKING_MAX;
            let mut words = supplies().filter_map(|(scenario, supply)| supply.as_ref()?.word(scenario, may_ask));
            if let Some(word) = words.next() {
                return word;
            }
            self.wanted.notified().await;
        }
    }

    /// Goes on over another stream: whatever has not been answered is said again.
    pub fn say_again(&self) {
        self.by_scenario.iter().flatten().for_each(|supply| supply.say_again());
    }
}

#[cfg(test)]
mod tests;
