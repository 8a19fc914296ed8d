//! A step of the plan that ends the whole run.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether an iteration has come to such a step. Clones share it.
#[derive(Clone, Default)]
pub struct Enough(Arc<watch::Sender<bool>>);

impl Enough {
    /// An iteration has come to one.
    pub(super) fn say(&self) {
        self.0.send_if_modified(|said| !std::mem::replace(said, true));
    }

    /// Waits until an iteration has.
    pub async fn said(&self) {
        // The sender is our own, so that waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|said| *said).await;
    }
}
