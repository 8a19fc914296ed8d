//! Arrivals that nobody will ever tell of.

use muster_proto::measurement::{INTERVAL_NS, SkipReason};

use super::Timeline;

impl Timeline {
    /// Counts arrivals of a scenario as due and skipped that an agent never told of, or that fell due while nobody held them.
    /// They fell due in this stretch of run time, and are spread evenly over its seconds.
    pub fn miss(&mut self, agent: Option<usize>, scenario: usize, (from_ns, until_ns): (u64, u64), count: u64) {
        if count == 0 {
            return;
        }
        match agent {
            Some(agent) => self.agent_mut(agent).missed += count,
            None => self.unheld += count,
        }
        let last_closed = self.closed_until.saturating_sub(1);
        let (first, last) =
            (second_of(from_ns).min(last_closed), second_of(until_ns.saturating_sub(1)).min(last_closed));
        let seconds = u64::from(last.saturating_sub(first)) + 1;
        for nth in 0..seconds {
            let share = |seconds_gone: u64| (u128::from(count) * u128::from(seconds_gone) / u128::from(seconds)) as u64;
            self.miss_in(scenario, first + nth as u32, share(nth + 1) - share(nth));
        }
    }

    fn miss_in(&mut self, scenario: usize, second: u32, count: u64) {
        let totals = if second < self.spans[scenario].first_measured { &mut self.warm_up } else { &mut self.measured };
        let stats = &mut totals.scenarios[scenario];
        stats.due += count;
        stats.skipped[SkipReason::AgentLost as usize] += count;
        if let Some(interval) = self.intervals.get_mut((second / self.resolution_s) as usize) {
            interval.counts.due += count;
            interval.counts.skipped[SkipReason::AgentLost as usize] += count;
        }
    }
}

fn second_of(at_ns: u64) -> u32 {
    u32::try_from(at_ns / INTERVAL_NS).unwrap_or(u32::MAX)
}
