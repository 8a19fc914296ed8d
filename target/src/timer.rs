//! Waits that end within microseconds of their moment, where the runtime's own wheel rounds to a millisecond.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::net::unix::pipe::Receiver;

use crate::clock::now_ns;

/// One kernel timer and all who wait for it. A connection waits for one moment at a time, so the number of
/// connections bounds the number of those who wait.
pub(crate) struct Timer {
    fd: OwnedFd,
    waits: Mutex<BinaryHeap<Wait>>,
}

struct Wait {
    due_ns: u64,
    waker: Waker,
}

impl Timer {
    pub(crate) fn new() -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Self { fd, waits: Mutex::default() })
    }

    /// Waits until the clock shows `due_ns`. Someone must [`drive`](Self::drive).
    pub(crate) async fn wait_until(&self, due_ns: u64) {
        let mut waiting: Option<Waker> = None;
        poll_fn(|context| {
            if now_ns() >= due_ns {
                return Poll::Ready(());
            }
            if !waiting.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                waiting = Some(context.waker().clone());
                self.add(Wait { due_ns, waker: context.waker().clone() });
            }
            Poll::Pending
        })
        .await;
    }

    /// Wakes whoever is due, for as long as this future lives.
    pub(crate) async fn drive(&self) -> io::Result<()> {
        // To the runtime a timer is like a pipe's end: it becomes readable, and a read empties it.
        let expiries = Receiver::from_owned_fd_unchecked(self.fd.try_clone()?)?;
        loop {
            expiries.readable().await?;
            // Arming the timer anew takes an expiry back, and then there is nothing to read, which is as well.
            let _ = expiries.try_read(&mut [0; 8]);
            self.wake_due();
        }
    }

    fn add(&self, wait: Wait) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let is_next = waits.peek().is_none_or(|next| wait.due_ns < next.due_ns);
        if is_next {
            self.arm(wait.due_ns);
        }
        waits.push(wait);
    }

    fn wake_due(&self) {
        let now = now_ns();
        let mut due = Vec::new();
        {
            let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            while waits.peek().is_some_and(|next| next.due_ns <= now) {
                due.extend(waits.pop());
            }
            if let Some(next) = waits.peek() {
                self.arm(next.due_ns);
            }
        }
        due.into_iter().for_each(|wait| wait.waker.wake());
    }

    fn arm(&self, due_ns: u64) {
        let at = Timespec { tv_sec: (due_ns / 1_000_000_000) as i64, tv_nsec: (due_ns % 1_000_000_000) as i64 };
        let once = Itimerspec { it_interval: Timespec::default(), it_value: at };
        // The descriptor is a timer and the moment a valid one, which leaves the kernel nothing to refuse.
        let _ = timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &once);
    }
}

/// The earliest is the greatest, because the heap gives the greatest first.
impl Ord for Wait {
    fn cmp(&self, other: &Self) -> Ordering {
        other.due_ns.cmp(&self.due_ns)
    }
}

impl PartialOrd for Wait {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Wait {
    fn eq(&self, other: &Self) -> bool {
        self.due_ns == other.due_ns
    }
}

impl Eq for Wait {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn waits_end_in_order_and_never_early() {
        let timer = Arc::new(Timer::new().unwrap());
        let driver = timer.clone();
        tokio::spawn(async move { driver.drive().await });
        let start_ns = now_ns();
        let order = Arc::new(Mutex::new(Vec::new()));
        let waits = [30, 10, 20, 0, 10].map(|after_ms| {
            let (timer, order) = (timer.clone(), order.clone());
            tokio::spawn(async move {
                timer.wait_until(start_ns + after_ms * 1_000_000).await;
                assert!(now_ns() >= start_ns + after_ms * 1_000_000);
                order.lock().unwrap().push(after_ms);
            })
        });
        for wait in waits {
            wait.await.unwrap();
        }
        let order = order.lock().unwrap();
        assert!(order.len() == 5 && now_ns() >= start_ns + 30_000_000);
    }
}
