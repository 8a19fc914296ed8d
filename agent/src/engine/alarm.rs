//! What keeps an agent from going on: mostly a panic of a thread or task, which would otherwise end it and nothing else.

use std::sync::Arc;
use std::thread;

use tokio::sync::watch;

/// Why it goes off when something panics.
const PANICKED: &str = "a worker panicked";

/// Goes off once a panic drops any of its copies, or somebody sets it off: whatever holds one cannot panic unnoticed.
#[derive(Clone, Default)]
pub struct Alarm(Arc<watch::Sender<Option<&'static str>>>);

impl Alarm {
    /// Why it has gone off, if it has.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        *self.0.borrow()
    }

    /// Sets it off, for this reason unless there was one before.
    pub fn set_off(&self, reason: &'static str) {
        self.0.send_if_modified(|before| {
            let is_first = before.is_none();
            before.get_or_insert(reason);
            is_first
        });
    }

    /// Waits until it goes off.
    pub async fn goes_off(&self) {
        // The sender is our own, so that waiting cannot fail.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.set_off(PANICKED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_thread_or_task_sets_it_off_and_an_end_does_not() {
        let alarm = Alarm::default();
        let (held, held_too) = (alarm.clone(), alarm.clone());
        thread::spawn(move || drop(held)).join().unwrap();
        tokio::spawn(async move { drop(held_too) }).await.unwrap();
        assert_eq!(alarm.reason(), None);

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
        assert_eq!(alarm.reason(), Some(PANICKED));
        alarm.set_off("later");
        assert_eq!(alarm.reason(), Some(PANICKED));
    }
}
