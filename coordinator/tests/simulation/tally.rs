//! How often something interesting happened: a simulation in which it never does proves nothing.

use std::collections::BTreeMap;
use std::fmt;

/// What must happen somewhere among the seeds of a whole test.
pub(crate) const INTERESTING: &[&str] = &[
    "seeds",
    "requests",
    "deltas",
    "deltas sent again",
    "deltas of several windows",
    "streams cut",
    "networks parted",
    "networks held",
    "agents crashed",
    "agents restarted",
    "agents refused",
    "agents lost",
    "agents back after they were lost",
    "agents that left",
    "agents joined late",
    "agents taken over",
    "shares granted",
    "shares revoked",
    "levels set",
    "pauses",
    "profiles amended",
    "agents that went on by another profile",
    "arrivals without a lease",
    "books closed",
    "runs passed",
    "runs incomplete",
    "runs stopped",
    "runs without a start",
    "disks slow",
    "disks failed",
    "power cuts",
    "scenarios with users",
    "far runs whose starts were compared",
    "coordinators killed",
    "coordinators started again",
    "snapshots damaged",
    "snapshots at the end",
    "journals torn",
    "journals told again",
];

/// What the names of numbers begin with that are not added up.
const LARGEST: &str = "largest ";

/// Counts of what happened, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(pub(crate) BTreeMap<String, u64>);

impl Tally {
    /// This happened so many times more; or was so much, where the largest is wanted.
    pub(crate) fn add(&mut self, what: &str, times: u64) {
        let counted = self.0.entry(what.to_owned()).or_default();
        *counted = if what.starts_with(LARGEST) { times.max(*counted) } else { times + *counted };
    }

    /// Adds what another counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(what, times)| self.add(what, *times));
    }

    /// What never happened though it must.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        INTERESTING.iter().copied().filter(|what| self.0.get(*what).is_none_or(|times| *times == 0)).collect()
    }

    /// From lines as they are displayed; other lines are passed over.
    pub(crate) fn parse(text: &str) -> Self {
        let mut tally = Self::default();
        for (times, what) in text.lines().filter_map(|line| line.trim().strip_prefix("# ")?.split_once(' ')) {
            if let Ok(times) = times.parse() {
                tally.add(what, times);
            }
        }
        tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, times)| writeln!(f, "# {times} {what}"))
    }
}
