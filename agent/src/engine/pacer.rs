//! Waits for moments, to the microsecond.

use std::io;
use std::os::fd::OwnedFd;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use super::clock;

/// Wakes its owner at absolute moments of the engine's clock.
///
/// The runtime's own timers round to a millisecond, which would show in every response time; a timer descriptor is
/// woken by the kernel within microseconds.
pub struct Pacer {
    timer: AsyncFd<OwnedFd>,
}

impl Pacer {
    /// A pacer on the runtime of the calling task.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
        #[expect(deprecated, reason = "its replacement is unsafe; the descriptor is owned here and never handed out")]
        let timer = AsyncFd::new(timer)?;
        Ok(Self { timer })
    }

    /// Waits until `at_ns` of the engine's clock and returns the time then, which is never earlier.
    ///
    /// # Errors
    /// Only when the kernel refuses to set the timer, which it has no reason to.
    pub async fn wait_until(&mut self, at_ns: u64) -> io::Result<u64> {
        let mut now_ns = clock::now_ns();
        if now_ns >= at_ns {
            return Ok(now_ns);
        }
        self.set(at_ns)?;
        while now_ns < at_ns {
            // Setting the timer anew also resets its count of expirations, so there is no need to read it.
            self.timer.readable().await?.clear_ready();
            now_ns = clock::now_ns();
        }
        Ok(now_ns)
    }

    fn set(&self, at_ns: u64) -> io::Result<()> {
        let it_value = Timespec { tv_sec: (at_ns / 1_000_000_000) as i64, tv_nsec: (at_ns % 1_000_000_000) as i64 };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &once)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_moment_is_never_early_and_a_past_one_is_now() {
        let mut pacer = Pacer::new().unwrap();
        let start_ns = clock::now_ns();
        for step in 1..=20 {
            let at_ns = start_ns + step * 300_000;
            assert!(pacer.wait_until(at_ns).await.unwrap() >= at_ns);
        }
        let before_ns = clock::now_ns();
        assert!(pacer.wait_until(start_ns).await.unwrap() >= before_ns);
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_does_not_disturb_the_next() {
        let mut pacer = Pacer::new().unwrap();
        let start_ns = clock::now_ns();
        {
            let mut wait = std::pin::pin!(pacer.wait_until(start_ns + 1_000_000));
            std::future::poll_fn(|cx| {
                assert!(wait.as_mut().poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
        let at_ns = clock::now_ns() + 5_000_000;
        assert!(pacer.wait_until(at_ns).await.unwrap() >= at_ns);
    }
}
