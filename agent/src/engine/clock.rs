//! The one clock of the data plane.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds since boot, suspended time included (`CLOCK_BOOTTIME`): never steps, and a lease does not outlive a
/// nap of the machine. One reading costs about 25 ns, so read it once per event rather than once per use.
#[must_use]
pub fn now_ns() -> u64 {
    read(ClockId::CLOCK_BOOTTIME)
}

/// The calling thread's CPU time, in nanoseconds.
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    read(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// The process's CPU time, in nanoseconds.
#[must_use]
pub fn process_cpu_ns() -> u64 {
    read(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

/// Reads a clock that Linux always has, so that a failure is not worth a word.
fn read(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// Sleeps until a moment of this clock, to the runtime's millisecond: for ends and rhythms, never for pacing.
pub async fn sleep_until(at_ns: u64) {
    tokio::time::sleep(Duration::from_nanos(at_ns.saturating_sub(now_ns()))).await;
}
