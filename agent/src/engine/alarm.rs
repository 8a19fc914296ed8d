//! A panic of a thread or task, which would otherwise end it and nothing else.

use std::sync::Arc;
use std::thread;

use tokio::sync::watch;

/// Goes off once a panic drops any of its copies: whatever holds one cannot panic unnoticed.
#[derive(Clone, Default)]
pub struct Alarm(Arc<watch::Sender<bool>>);

impl Alarm {
    /// Whether it has gone off.
    #[must_use]
    pub fn has_gone_off(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it goes off.
    pub async fn goes_off(&self) {
        // The sender is our own, so that waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|gone_off| *gone_off).await;
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.send_replace(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_thread_or_task_sets_it_off_and_nothing_else_does() {
        let alarm = Alarm::default();
        let (held, held_too) = (alarm.clone(), alarm.clone());
        thread::spawn(move || drop(held)).join().unwrap();
        tokio::spawn(async move { drop(held_too) }).await.unwrap();
        assert!(!alarm.has_gone_off());

        let held = alarm.clone();
        let task = tokio::spawn(async move {
            let _held = held;
            tokio::task::yield_now().await;
            panic!("for the test");
        });
        assert!(task.await.unwrap_err().is_panic());
        alarm.goes_off().await;

        let alarm = Alarm::default();
        let held = alarm.clone();
        let thread = thread::spawn(move || {
            let _held = held;
            panic!("for the test");
        });
        assert!(thread.join().is_err());
        assert!(alarm.has_gone_off());
    }
}
