//! Whether a worker is still at work, for whoever cannot see into its thread.

use std::sync::Arc;

use super::sync::{AtomicU64, Ordering};

/// A number that grows as long as a worker is at work. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// What it stands at once its worker has ended.
    pub const ENDED: u64 = u64::MAX;

    /// The worker has come a little further.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The worker has nothing left to do.
    pub fn end(&self) {
        self.0.store(Self::ENDED, Ordering::Relaxed);
    }

    /// How far it has come.
    #[must_use]
    pub fn current(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
