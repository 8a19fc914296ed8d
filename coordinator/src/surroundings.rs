//! What a conducted run finds around it, apart from its agents.

use std::future::Future;
use std::io;

use muster_agent::engine::clock;

/// What a conducted run finds around it. [`ThisMachine`] is what it finds in earnest.
pub trait Surroundings: Clone + Send + Sync + 'static {
    /// The coordinator's clock, in nanoseconds. It never steps back; the run and its journal go by it.
    fn now_ns(&self) -> u64;

    /// Does some work that may wait for the disk, while others go on.
    ///
    /// # Errors
    /// When the work was not done to its end.
    fn wait_for_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = io::Result<T>> + Send;
}

/// This machine's clock since boot, and threads that may wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl Surroundings for ThisMachine {
    fn now_ns(&self) -> u64 {
        clock::now_ns()
    }

    async fn wait_for_disk<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
    }
}
