//! One moment, by the clock that measures runs and by the one that people read.

use jiff::Timestamp;
use muster_agent::engine::clock;
use uuid::Uuid;

/// How often both clocks are read, so that the two are read together once, whatever comes between them otherwise.
const READINGS: usize = 16;
/// Where the system says which of its starts it is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// One moment by both clocks: when a run began, or was gone on with. The wall clock is read this once, so that nothing
/// depends on whether it steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Nanoseconds since the machine's boot.
    pub clock_ns: u64,
    /// The wall clock.
    pub wall: Timestamp,
    /// Which start of the machine it is; nil where the system does not say.
    pub boot: Uuid,
}

impl Begun {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        let boot = std::fs::read_to_string(BOOT_ID).ok().and_then(|text| text.trim().parse().ok());
        let reading = |_| {
            let (before_ns, wall) = (clock::now_ns(), Timestamp::now());
            (clock::now_ns() - before_ns, before_ns, wall)
        };
        let (apart_ns, before_ns, wall) = (0..READINGS).map(reading).min().unwrap_or_default();
        Self { clock_ns: before_ns + apart_ns / 2, wall, boot: boot.unwrap_or_default() }
    }

    /// The date of a later moment of the first clock, in RFC 3339; without one, of this moment.
    #[must_use]
    pub fn date(&self, clock_ns: Option<u64>) -> String {
        let since_ns = clock_ns.map_or(0, |clock_ns| clock_ns.saturating_sub(self.clock_ns));
        let since = std::time::Duration::from_nanos(since_ns);
        self.wall.saturating_add(since).unwrap_or(self.wall).to_string()
    }

    /// A later moment of the first clock by the second, in nanoseconds since 1970.
    #[must_use]
    pub fn unix_ns(&self, clock_ns: u64) -> u64 {
        let wall_ns = u64::try_from(self.wall.as_nanosecond()).unwrap_or(0);
        wall_ns.saturating_add(clock_ns).saturating_sub(self.clock_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_moments_are_dated_from_the_beginning() {
        let begun = Begun { clock_ns: 500, wall: Timestamp::from_second(1_000_000_000).unwrap(), boot: Uuid::nil() };
        assert_eq!(begun.date(None), "2001-09-09T01:46:40Z");
        assert_eq!(begun.date(Some(1_500_000_500)), "2001-09-09T01:46:41.5Z");
        assert_eq!(begun.date(Some(0)), begun.date(None));
        assert_eq!(begun.unix_ns(1_500_000_500), 1_000_000_001_500_000_000);
    }

    #[test]
    fn both_clocks_are_read_together() {
        let (first, second) = (Begun::now(), Begun::now());
        let by_wall = second.wall.duration_since(first.wall).as_nanos();
        let by_clock = i128::from(second.clock_ns) - i128::from(first.clock_ns);
        assert!((by_wall - by_clock).abs() < 1_000_000_000, "{by_wall} {by_clock}");
    }

    #[test]
    fn one_start_of_the_machine_is_known_again() {
        assert_eq!(Begun::now().boot, Begun::now().boot);
        assert_ne!(Begun::now().boot, Uuid::nil(), "Linux says which start it is");
    }
}
