//! What one side puts down and the other takes when it can, so that nobody waits for the slower one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A bounded row of things. Whoever puts something down says what gives when there are too many.
pub(super) struct Belt<T> {
    row: Mutex<Row<T>>,
    bell: Notify,
}

struct Row<T> {
    waiting: VecDeque<T>,
    is_closed: bool,
}

impl<T> Belt<T> {
    pub(super) fn new() -> Self {
        Self { row: Mutex::new(Row { waiting: VecDeque::new(), is_closed: false }), bell: Notify::new() }
    }

    /// Changes what waits.
    pub(super) fn put<R>(&self, put: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        let result = put(&mut self.row().waiting);
        self.bell.notify_one();
        result
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        self.row().is_closed = true;
        self.bell.notify_one();
    }

    /// The next thing, once there is one; nothing after the last.
    pub(super) async fn next(&self) -> Option<T> {
        loop {
            {
                let mut row = self.row();
                if let Some(next) = row.waiting.pop_front() {
                    return Some(next);
                }
                if row.is_closed {
                    return None;
                }
            }
            self.bell.notified().await;
        }
    }

    fn row(&self) -> MutexGuard<'_, Row<T>> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
