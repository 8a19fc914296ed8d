//! Shared memory whose accesses can be put into every order.
//!
//! A model is a closure that starts a few threads. They are run one at a time; before each access to shared memory, any
//! of them may be the one that goes on, and the model is run once for every choice. What a processor or compiler may do
//! beyond that, by an ordering that is weaker than sequential consistency, is not part of it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic;
use std::time::Duration;

use shuttle::scheduler::DfsScheduler;
use shuttle::{Config, FailurePersistence, Runner, thread};

use super::Ordering;

/// The most orders that a model may have: one with more takes too long to be tried in all of them.
const ORDERS_MAX: usize = 300_000;

/// What threads do when they change shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changes {
    /// Nobody comes in between: an ordinary test, with real threads.
    AsEver,
    /// Others come in before each.
    Whole,
    /// Others also come in between its reading and its writing: a bug, planted.
    Torn,
}

thread_local! {
    /// For all threads of a model, which are run in one.
    static CHANGES: Cell<Changes> = const { Cell::new(Changes::AsEver) };
}

/// Runs a model in every order. Panics as it does.
pub(super) fn in_every_order(model: impl Fn() + Send + Sync + 'static) {
    let orders = run(Changes::Whole, model);
    assert!((2..ORDERS_MAX).contains(&orders), "tried in {orders} orders, which is none to speak of, or not all");
}

/// Fails unless a model panics in some order, and with these words.
pub(super) fn breaks(words: &str, model: impl Fn() + Send + Sync + 'static) {
    must_panic(words, Changes::Whole, model);
}

/// Fails unless a model panics in some order, and with these words, when whatever changes shared memory is made of a load
/// and a store.
pub(super) fn breaks_torn(words: &str, model: impl Fn() + Send + Sync + 'static) {
    must_panic(words, Changes::Torn, model);
}

fn must_panic(words: &str, changes: Changes, model: impl Fn() + Send + Sync + 'static) {
    let outcome = catch_unwind(AssertUnwindSafe(|| run(changes, model)));
    let panic = outcome.expect_err("a planted bug was not found");
    let said = panic.downcast_ref::<String>().cloned();
    let said = said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
    assert!(said.contains(words), "{words:?} expected: {said}");
}

fn run(changes: Changes, model: impl Fn() + Send + Sync + 'static) -> usize {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            CHANGES.set(Changes::AsEver);
        }
    }
    let _restore = Restore;
    CHANGES.set(changes);
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    Runner::new(DfsScheduler::new(Some(ORDERS_MAX), false), config).run(model)
}

/// Others may come in here.
pub(super) fn meet() {
    if CHANGES.get() != Changes::AsEver {
        // Time is no part of a model.
        thread::sleep(Duration::ZERO);
    }
}

/// The standard library's, as far as the engine uses it.
#[derive(Debug, Default)]
pub(in super::super) struct AtomicU64(atomic::AtomicU64);

impl AtomicU64 {
    pub(in super::super) const fn new(value: u64) -> Self {
        Self(atomic::AtomicU64::new(value))
    }

    pub(in super::super) fn load(&self, order: Ordering) -> u64 {
        meet();
        self.0.load(order)
    }

    pub(in super::super) fn store(&self, value: u64, order: Ordering) {
        meet();
        self.0.store(value, order);
    }

    pub(in super::super) fn fetch_add(&self, more: u64, order: Ordering) -> u64 {
        self.change(|value| value.wrapping_add(more), || self.0.fetch_add(more, order))
    }

    pub(in super::super) fn fetch_sub(&self, less: u64, order: Ordering) -> u64 {
        self.change(|value| value.wrapping_sub(less), || self.0.fetch_sub(less, order))
    }

    pub(in super::super) fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.change(|_| value, || self.0.swap(value, order))
    }

    pub(in super::super) fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        let torn = |value| if value == current { new } else { value };
        let whole = || self.0.compare_exchange(current, new, success, failure).unwrap_or_else(|found| found);
        let before = self.change(torn, whole);
        if before == current { Ok(before) } else { Err(before) }
    }

    pub(in super::super) fn fetch_update(
        &self,
        set: Ordering,
        fetch: Ordering,
        update: impl Fn(u64) -> Option<u64>,
    ) -> Result<u64, u64> {
        let torn = |value| update(value).unwrap_or(value);
        let whole = || self.0.fetch_update(set, fetch, &update).unwrap_or_else(|found| found);
        let before = self.change(torn, whole);
        if update(before).is_some() { Ok(before) } else { Err(before) }
    }

    pub(in super::super) fn fetch_max(&self, other: u64, order: Ordering) -> u64 {
        self.change(|value| value.max(other), || self.0.fetch_max(other, order))
    }

    pub(in super::super) fn fetch_min(&self, other: u64, order: Ordering) -> u64 {
        self.change(|value| value.min(other), || self.0.fetch_min(other, order))
    }

    /// Changes the value, at once or as the planted bug does, and returns the one before.
    fn change(&self, torn: impl Fn(u64) -> u64, whole: impl Fn() -> u64) -> u64 {
        if CHANGES.get() == Changes::Torn {
            let before = self.load(Ordering::SeqCst);
            self.store(torn(before), Ordering::SeqCst);
            return before;
        }
        meet();
        whole()
    }
}
