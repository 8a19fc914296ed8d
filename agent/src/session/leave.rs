//! An operator's wish that an agent ends.

use tokio::sync::watch;

/// Whether the agent is to leave: start nothing new, let what is in flight end, close its books and go.
#[derive(Clone, Debug)]
pub struct Leave(Option<watch::Receiver<bool>>);

impl Leave {
    /// A wish that comes when `true` is sent.
    #[must_use]
    pub fn when(wanted: watch::Receiver<bool>) -> Self {
        Self(Some(wanted))
    }

    /// An agent that stays until it is released.
    #[must_use]
    pub fn never() -> Self {
        Self(None)
    }

    /// Waits for the wish.
    pub async fn wanted(&mut self) {
        if let Some(wanted) = &mut self.0
            && wanted.wait_for(|wanted| *wanted).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Whether it has come.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.0.as_ref().is_some_and(|wanted| *wanted.borrow())
    }
}
