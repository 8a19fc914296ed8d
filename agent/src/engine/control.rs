//! What a worker is told while it runs.

use tokio::sync::watch;

/// What a worker is told. Later words replace earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Be ready and wait.
    Wait,
    /// The run begins, or began, at this moment of the engine's clock.
    StartAt(u64),
    /// Start nothing new from now on; what is in flight may end within the scenario's graceful stop.
    Drain,
    /// End at once.
    Abort,
}

/// A worker's ear.
#[derive(Clone)]
pub struct ControlReceiver(pub(super) watch::Receiver<Control>);

impl ControlReceiver {
    /// What was said last.
    pub fn current(&self) -> Control {
        *self.0.borrow()
    }

    /// Waits until `wanted` was said, or nobody is left to say anything, which counts as [`Control::Abort`].
    pub async fn wait_for(&mut self, wanted: impl FnMut(&Control) -> bool) -> Control {
        self.0.wait_for(wanted).await.map_or(Control::Abort, |control| *control)
    }

    /// Waits until no iteration may start any more.
    pub async fn wait_for_stop(&mut self) -> Control {
        self.wait_for(|control| matches!(control, Control::Drain | Control::Abort)).await
    }
}
