//! The one clock of the target.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since boot, suspended time included (`CLOCK_BOOTTIME`): the clock that load generators on this machine
/// can read too, so that their moments and the target's compare.
#[must_use]
pub fn now_ns() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The moment that comes so long after another; the end of time when there is none.
pub(crate) fn after(moment_ns: u64, wait: Duration) -> u64 {
    moment_ns.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX))
}
