//! An agent's part of the numbers that the users of the whole cluster share: of iterations, or of rows. It is topped up
//! while it is used.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use muster_proto::plan::Plan;
use muster_proto::share::Share;
use muster_proto::supply::{Allotted, BLOCK_MAX, Block, Numbers, RETURNS_MAX, Wanting};
use tokio::sync::Notify;

use super::bag::Bag;
use super::sync::{AtomicU64, Ordering};

/// The numbers that an agent's users have left for their iterations.
///
/// Workers take them in blocks, so that users share no memory with other workers on their way from one iteration to the
/// next. A block is a small part of what is left: the less there is, the less a slow worker can keep from the others.
#[derive(Debug)]
pub struct Supply {
    /// What no worker has taken yet.
    bag: Bag,
    /// With no more than this left, more is wanted.
    low: AtomicU64,
    /// How asking for more stands: one of the constants below.
    asking: AtomicU64,
    /// How many workers have, or may come to have, users who take of it.
    takers: AtomicU64,
    /// All that was ever allotted.
    allotted: AtomicU64,
    /// What was given back of it. Nobody who makes iterations needs to look at it, unless the bag is full.
    returned: Mutex<Vec<Block>>,
    /// Whether the coordinator may not know how it stands: 1 then.
    retell: AtomicU64,
    /// Wakes users who wait.
    changed: Notify,
    /// Wakes whoever speaks with the coordinator.
    wanted: Arc<Notify>,
}

/// How many scenarios ask at a time. The users of others wait until there is an answer.
const ASKING_MAX: usize = 64;
/// There is room for what workers put back, and for so many blocks besides. What finds none is given back.
const BLOCKS_BESIDES: usize = 8;

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
    fn new(workers: usize, has_users: bool, wanted: &Arc<Notify>) -> Self {
        Self::with_room(workers + BLOCKS_BESIDES, workers, has_users, wanted)
    }

    /// The same, with room for so many blocks.
    pub(super) fn with_room(blocks: usize, workers: usize, has_users: bool, wanted: &Arc<Notify>) -> Self {
        Self {
            bag: Bag::new(blocks),
            low: AtomicU64::new(0),
            asking: AtomicU64::new(if has_users { WANTED } else { NOTHING }),
            takers: AtomicU64::new(workers as u64),
            allotted: AtomicU64::new(0),
            returned: Mutex::default(),
            retell: AtomicU64::new(0),
            changed: Notify::new(),
            wanted: Arc::clone(wanted),
        }
    }

    /// Takes a block. It is empty when nothing is left for now, or, once it [is over](Self::is_over), for ever.
    #[must_use]
    pub fn take_block(&self) -> Block {
        let block = self.bag.take();
        if self.bag.left() <= self.low.load(Ordering::Relaxed) {
            self.want();
        }
        block
    }

    /// Whether there will never be more than what is left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.asking.load(Ordering::Acquire) == OVER
    }

    /// Whether a user finds nothing here, now and for ever.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.is_over() && self.bag.left() == 0
    }

    /// Waits until something was added, or something else happened that users who wait must look at. It is noticed from
    /// when this was called.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }

    /// Whether it is worth waiting for a change: there is nothing to take.
    pub(super) fn is_dry(&self) -> bool {
        self.bag.left() == 0 && !self.is_over()
    }

    /// Lets all who wait look again.
    pub(super) fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// A worker has users again who may use something.
    pub(super) fn engage(&self) {
        if self.takers.fetch_add(1, Ordering::AcqRel) == 0 {
            // What was wanted when nobody was left is wanted again.
            self.wanted.notify_one();
        }
    }

    /// A worker has no users any more, and puts back what they have not used.
    pub(super) fn disengage(&self, left: Block) {
        if left.count > 0 {
            self.put(left);
            self.wake();
        }
        if self.takers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.wanted.notify_one();
        }
    }

    /// Takes in what the agent may use in all. What was heard before changes nothing.
    ///
    /// `None` when there is more in all than what was heard and this block make, or more at once than there may be.
    pub(super) fn allot(&self, allotted: u64, block: Block, last: bool) -> Option<()> {
        let more = allotted.saturating_sub(self.allotted.load(Ordering::Acquire));
        let heard = block.count.checked_sub(more).filter(|_| block.count <= BLOCK_MAX)?;
        self.allotted.fetch_max(allotted, Ordering::AcqRel);
        if more > 0 {
            self.low.store(more / 2, Ordering::Relaxed);
            self.put(block.split(heard).1);
        }
        if last {
            self.asking.store(OVER, Ordering::SeqCst);
        } else if more > 0 && !self.is_over() {
            self.asking.store(NOTHING, Ordering::SeqCst);
            // It may have been used up before anybody could ask again.
            if self.bag.left() <= more / 2 {
                self.want();
            }
        }
        // Others may ask now, or nobody is left here to use it.
        self.wanted.notify_one();
        self.wake();
        Some(())
    }

    /// Others can have what there is no room for.
    fn put(&self, block: Block) {
        if let Err(block) = self.bag.put(block) {
            self.give_back([block].into_iter());
        }
    }

    /// Notes what is given back to the coordinator, and that it must hear of it.
    fn give_back(&self, blocks: impl Iterator<Item = Block>) {
        let mut returned = self.returned();
        for block in blocks.take(RETURNS_MAX - returned.len()) {
            returned.push(block);
            self.retell.fetch_max(1, Ordering::AcqRel);
        }
    }

    fn returned(&self) -> MutexGuard<'_, Vec<Block>> {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_asking(&self) -> bool {
        self.asking.load(Ordering::Acquire) == ASKED
    }

    fn want(&self) {
        // In one order with what is taken and put in, by all: whoever comes last asks.
        if self.asking.load(Ordering::SeqCst) == NOTHING && self.turn(NOTHING, WANTED) {
            self.wanted.notify_one();
        }
    }

    fn turn(&self, from: u64, to: u64) -> bool {
        self.asking.compare_exchange(from, to, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// What there is to say to the coordinator, if there is anything.
    pub(super) fn word(&self, scenario: usize, may_ask: bool) -> Option<Wanting> {
        let has_users = self.takers.load(Ordering::Acquire) > 0;
        if !has_users && self.returned().len() + self.bag.room() <= RETURNS_MAX {
            // Others can use it.
            self.give_back(self.bag.drain());
        }
        let asks = has_users && may_ask && self.turn(WANTED, ASKED);
        if self.retell.swap(0, Ordering::AcqRel) == 0 && !asks {
            return None;
        }
        let (allotted, returned) = (self.allotted.load(Ordering::Acquire), self.returned().clone());
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
    /// One for each scenario whose users share numbers.
    by_scenario: Arc<[Option<Arc<Supply>>]>,
    wanted: Arc<Notify>,
}

impl Supplies {
    /// Empty ones, for an agent with these shares of the plan's scenarios and so many workers.
    #[must_use]
    pub fn new(plan: &Plan, shares: &[Share], workers: usize) -> Self {
        let wanted = Arc::new(Notify::new());
        let supplies = plan.scenarios.iter().zip(shares).map(|(scenario, share)| {
            let numbers = Numbers::of(plan, scenario)?;
            let has_users = share.count_below(u64::from(numbers.users)) > 0;
            Some(Arc::new(Supply::new(workers, has_users, &wanted)))
        });
        Self { by_scenario: supplies.collect(), wanted }
    }

    /// That of one scenario, if its users share numbers.
    #[must_use]
    pub fn of(&self, scenario: usize) -> Option<&Arc<Supply>> {
        self.by_scenario.get(scenario)?.as_ref()
    }

    /// Takes in what the coordinator says; `None` when that cannot be, for the scenario has no such numbers.
    #[must_use]
    pub fn allot(&self, said: &Allotted) -> Option<()> {
        let Allotted { scenario, allotted, block, last } = *said;
        self.of(scenario)?.allot(allotted, block, last)
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
