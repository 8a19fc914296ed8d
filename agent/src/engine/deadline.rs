//! A deadline that costs nothing while it is only moved further away.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::clock;

/// The end of somebody's patience.
///
/// Almost every deadline of a load test is replaced by a later one before it expires. So the timer underneath is left
/// alone until it fires, and only then set to what the deadline has become meanwhile. It is as coarse as the runtime's
/// timers, about a millisecond, and never early.
#[derive(Default)]
pub struct Deadline {
    at_ns: u64,
    armed_ns: u64,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whom the timer will wake, once it was asked.
    waker: Option<Waker>,
}

impl Deadline {
    /// Expires at this moment of [`clock::now_ns`].
    pub fn set(&mut self, at_ns: u64) {
        self.at_ns = at_ns;
    }

    /// The moment at which it expires, on [`clock::now_ns`].
    #[must_use]
    pub fn at_ns(&self) -> u64 {
        self.at_ns
    }

    /// Whether the caller is sure to be woken when the moment has come, and it has not come by `now_ns`: then there is no
    /// need to ask [`Deadline::poll_expired`], which looks at the timer, far away in memory.
    #[must_use]
    pub fn wakes_later(&self, cx: &Context<'_>, now_ns: u64) -> bool {
        now_ns < self.armed_ns && self.armed_ns <= self.at_ns && self.will_wake(cx)
    }

    fn will_wake(&self, cx: &Context<'_>) -> bool {
        self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
    }

    /// Ready once the moment has passed.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.timer.is_none() || self.at_ns < self.armed_ns {
                let now_ns = clock::now_ns();
                if self.at_ns <= now_ns {
                    return Poll::Ready(());
                }
                self.arm(now_ns);
            }
            let Some(timer) = self.timer.as_mut() else { return Poll::Pending };
            if timer.as_mut().poll(cx).is_pending() {
                self.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            let now_ns = clock::now_ns();
            if self.at_ns <= now_ns {
                return Poll::Ready(());
            }
            self.arm(now_ns);
        }
    }

    fn arm(&mut self, now_ns: u64) {
        self.armed_ns = self.at_ns;
        self.waker = None;
        let at = Instant::now() + Duration::from_nanos(self.at_ns.saturating_sub(now_ns));
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(at),
            None => self.timer = Some(Box::pin(sleep_until(at))),
        }
    }

    /// Waits for `work` until the deadline.
    ///
    /// # Errors
    /// [`Expired`] when the deadline came first; `work` is dropped.
    pub async fn limit<F: Future>(&mut self, work: F) -> Result<F::Output, Expired> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll_expired(cx).map(|()| Err(Expired)),
        })
        .await
    }
}

/// The deadline came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deadline_moved_later_expires_only_then() {
        let mut deadline = Deadline::default();
        let start_ns = clock::now_ns();
        deadline.set(start_ns + 10_000_000);
        assert!(deadline.limit(std::future::ready(())).await.is_ok());
        std::future::poll_fn(|cx| Poll::Ready(deadline.poll_expired(cx).is_pending())).await;
        deadline.set(start_ns + 60_000_000);
        assert_eq!(deadline.limit(std::future::pending::<()>()).await, Err(Expired));
        assert!(clock::now_ns() >= start_ns + 60_000_000);
    }

    #[tokio::test]
    async fn a_deadline_moved_earlier_is_noticed() {
        let mut deadline = Deadline::default();
        deadline.set(clock::now_ns() + 3_600_000_000_000);
        assert!(std::future::poll_fn(|cx| Poll::Ready(deadline.poll_expired(cx).is_pending())).await);
        deadline.set(clock::now_ns() + 5_000_000);
        assert_eq!(deadline.limit(std::future::pending::<()>()).await, Err(Expired));
    }
}
