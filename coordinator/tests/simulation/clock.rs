//! Clocks that agree neither on the time nor on how fast it goes by.

use std::time::Duration;

/// The true time of the simulation, in nanoseconds since its beginning; 0 outside of every host.
pub(crate) fn true_ns() -> u64 {
    turmoil::sim_elapsed().map_or(0, |elapsed| elapsed.as_nanos() as u64)
}

/// A host's clock: somewhere else than the others', and a little faster or slower than the true time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SkewedClock {
    /// What it shows at the simulation's beginning, or would have.
    pub(crate) offset_ns: i128,
    /// How much faster than the true time it goes, in millionths.
    pub(crate) rate_ppm: i64,
}

impl SkewedClock {
    /// A clock that goes as fast, and shows this at a true moment.
    pub(crate) fn set_to(self, own_ns: u64, true_ns: u64) -> Self {
        let shown_ns = i128::from(self.at(true_ns)) - self.offset_ns;
        Self { offset_ns: i128::from(own_ns) - shown_ns, ..self }
    }

    /// What it shows now.
    pub(crate) fn now_ns(self) -> u64 {
        self.at(true_ns())
    }

    /// What it shows at a true moment.
    pub(crate) fn at(self, true_ns: u64) -> u64 {
        let gained = i128::from(true_ns) * i128::from(self.rate_ppm) / 1_000_000;
        (self.offset_ns + i128::from(true_ns) + gained) as u64
    }

    /// The true moment at which it shows this, to the microsecond.
    pub(crate) fn true_at(self, own_ns: u64) -> i64 {
        let since = i128::from(own_ns) - self.offset_ns;
        (since * 1_000_000 / i128::from(1_000_000 + self.rate_ppm)) as i64
    }

    /// Sleeps until it shows this. Never too short; up to two milliseconds too long.
    pub(crate) async fn sleep_until(self, own_ns: u64) {
        loop {
            let left_ns = own_ns.saturating_sub(self.now_ns());
            if left_ns == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_nanos(left_ns)).await;
        }
    }
}
