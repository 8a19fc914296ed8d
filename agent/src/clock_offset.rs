//! How far the coordinator's clock is from ours, and how sure we are.

use std::collections::VecDeque;

/// How many of the newest probes are considered: enough to find a quick one, few enough to follow a drift.
const PROBES_KEPT: usize = 64;

/// Estimates the offset between two clocks from round trips (as NTP does, RFC 5905): the answer was given at some
/// moment between our sending and our receiving, so the quickest round trip bounds the error best.
#[derive(Debug, Default)]
pub struct ClockOffset(VecDeque<Probe>);

#[derive(Clone, Copy, Debug)]
struct Probe {
    offset_ns: i64,
    round_trip_ns: u64,
}

/// The offset as known now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The other clock minus ours, in nanoseconds.
    pub offset_ns: i64,
    /// It is off by at most this much, in nanoseconds.
    pub uncertainty_ns: u64,
    /// The round trip it rests on, in nanoseconds.
    pub round_trip_ns: u64,
}

impl ClockOffset {
    /// Adds a probe that left and came back at these moments of our clock, and was answered at that of the other.
    pub fn add(&mut self, sent_ns: u64, answered_ns: u64, received_ns: u64) {
        let round_trip_ns = received_ns.saturating_sub(sent_ns);
        let middle_ns = sent_ns + round_trip_ns / 2;
        if self.0.len() == PROBES_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Probe { offset_ns: answered_ns.wrapping_sub(middle_ns) as i64, round_trip_ns });
    }

    /// How many probes it rests on.
    pub fn probes(&self) -> usize {
        self.0.len()
    }

    /// The offset as known now; all zero before the first probe.
    pub fn estimate(&self) -> Estimate {
        let Some(best) = self.0.iter().min_by_key(|probe| probe.round_trip_ns) else { return Estimate::default() };
        let Probe { offset_ns, round_trip_ns } = *best;
        Estimate { offset_ns, uncertainty_ns: round_trip_ns.div_ceil(2), round_trip_ns }
    }
}

impl Estimate {
    /// A moment of the other clock, on ours.
    pub fn to_ours_ns(self, theirs_ns: u64) -> u64 {
        theirs_ns.wrapping_sub(self.offset_ns as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_true_offset_lies_within_the_uncertainty() {
        for true_offset_ns in [-5_000_000_000_000_i64, 0, 7_000_000_000_000] {
            let mut offset = ClockOffset::default();
            let mut ours_ns = 10_000_000_000_000_u64;
            for (there_ns, back_ns) in [(900_000, 100_000), (40_000, 60_000), (10_000, 300_000)] {
                let answered_ns = (ours_ns + there_ns).wrapping_add(true_offset_ns as u64);
                offset.add(ours_ns, answered_ns, ours_ns + there_ns + back_ns);
                ours_ns += 1_000_000_000;
            }
            let estimate = offset.estimate();
            assert_eq!(estimate.round_trip_ns, 100_000);
            assert!(estimate.offset_ns.abs_diff(true_offset_ns) <= estimate.uncertainty_ns);
            assert_eq!(estimate.to_ours_ns(1_000_u64.wrapping_add(estimate.offset_ns as u64)), 1_000);
        }
    }
}
