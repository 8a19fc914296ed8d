//! A run's clock, which goes on whoever coordinates it.

use muster_agent::planted::planted;

use crate::begun::Begun;

/// The clock since boot of the machine on which a run began, as if that had gone on for ever. It is the same as any
/// coordinator's own until the machine is started anew, or is another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunClock {
    /// How far it is ahead of this machine's clock since boot, in nanoseconds.
    ahead_ns: i64,
}

impl RunClock {
    /// The run's time when the clock since boot shows this, both in nanoseconds.
    #[must_use]
    pub fn at(self, clock_ns: u64) -> u64 {
        clock_ns.saturating_add_signed(self.ahead_ns)
    }
}

/// A moment of a run's clock, and what a coordinator's machine showed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The run's time, in nanoseconds.
    pub at_ns: u64,
    /// What the machine showed.
    pub shown: Begun,
}

/// How a run's clock goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoesOn {
    /// The clock.
    pub clock: RunClock,
    /// The run's time at that moment, in nanoseconds.
    pub now_ns: u64,
    /// Whether only the wall clock could tell how much time had gone by.
    pub by_wall_clock: bool,
}

impl Anchor {
    /// The run's clock for a coordinator whose machine shows this now. It is never behind `last_ns`, the latest moment
    /// that is known of the run, whatever became of the wall clock.
    #[must_use]
    pub fn goes_on(&self, last_ns: u64, now: &Begun) -> GoesOn {
        let by_wall_clock = self.shown.boot != now.boot && !planted("boot-overlooked");
        let since_ns = match by_wall_clock {
            true => now.wall.as_nanosecond() - self.shown.wall.as_nanosecond(),
            false => i128::from(now.clock_ns) - i128::from(self.shown.clock_ns),
        };
        let now_ns = u64::try_from(i128::from(self.at_ns) + since_ns).unwrap_or(0).max(last_ns);
        let ahead_ns = i128::from(now_ns) - i128::from(now.clock_ns);
        GoesOn { clock: RunClock { ahead_ns: ahead_ns as i64 }, now_ns, by_wall_clock }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    const S: u64 = 1_000_000_000;

    fn shown(boot: u128, clock_s: u64, wall_s: i64) -> Begun {
        let wall = Timestamp::from_second(1_700_000_000 + wall_s).unwrap();
        Begun { clock_ns: clock_s * S, wall, boot: Uuid::from_u128(boot) }
    }

    fn ahead_s(clock: RunClock) -> i64 {
        clock.ahead_ns / S as i64
    }

    #[test]
    fn on_the_same_machine_it_is_the_clock_since_boot_whatever_the_wall_clock_does() {
        let anchor = Anchor { at_ns: 500 * S, shown: shown(1, 500, 0) };
        for wall_s in [-9_000, 7, 9_000] {
            let GoesOn { clock, now_ns, by_wall_clock } = anchor.goes_on(505 * S, &shown(1, 507, wall_s));
            assert_eq!((clock, now_ns, by_wall_clock), (RunClock::default(), 507 * S, false));
        }
    }

    #[test]
    fn over_a_start_of_the_machine_it_goes_on_by_the_wall_clock() {
        let anchor = Anchor { at_ns: 500 * S, shown: shown(1, 500, 0) };
        let second = anchor.goes_on(505 * S, &shown(2, 20, 90));
        assert_eq!((ahead_s(second.clock), second.now_ns, second.by_wall_clock), (570, 590 * S, true));
        let anchor = Anchor { at_ns: second.now_ns, shown: shown(2, 20, 90) };
        let third = anchor.goes_on(600 * S, &shown(2, 35, -9_000));
        assert_eq!((ahead_s(third.clock), third.now_ns, third.by_wall_clock), (570, 605 * S, false));
    }

    #[test]
    fn it_never_goes_back() {
        let anchor = Anchor { at_ns: 500 * S, shown: shown(1, 500, 0) };
        let set_back = anchor.goes_on(505 * S, &shown(2, 20, -3_600));
        assert_eq!((ahead_s(set_back.clock), set_back.now_ns), (485, 505 * S));
    }
}
