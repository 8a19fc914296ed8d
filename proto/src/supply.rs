//! Numbers that the users of the whole cluster share: what an agent says of its part, and what it is answered.
//!
//! Users who share iterations take them by number, and so do users who share rows of data without a number of iterations
//! that is theirs: each number is one iteration's, and says which row it uses. What is said counts from the run's start, so
//! that whatever is said again changes nothing.

use serde::{Deserialize, Serialize};

use crate::plan::{Executor, OnEnd, Plan, Scenario};

/// No number is as large as this: how many there are for users who may iterate without end.
pub const NUMBERS_MAX: u64 = 1 << 44;
/// The most numbers that are allotted at once.
pub const BLOCK_MAX: u64 = (1 << 20) - 1;
/// The most blocks that an agent gives back of one scenario's numbers. What is beyond that it keeps until its books close.
pub const RETURNS_MAX: usize = 1_024;

/// Numbers that follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The first of them.
    pub first: u64,
    /// How many.
    pub count: u64,
}

impl Block {
    /// The number after the last one.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.first.saturating_add(self.count)
    }

    /// So many from its beginning, if it has as many, and what is left of it.
    #[must_use]
    pub fn split(self, count: u64) -> (Self, Self) {
        let count = count.min(self.count);
        let rest = Self { first: self.first + count, count: self.count - count };
        (Self { count, ..self }, rest)
    }

    /// What both make together, if one follows the other.
    #[must_use]
    pub fn joined(self, other: Self) -> Option<Self> {
        let (low, high) = if self.first <= other.first { (self, other) } else { (other, self) };
        (low.end() == high.first).then_some(Self { count: low.count + high.count, ..low })
    }

    /// Whether some number is in both.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.first < other.end() && other.first < self.end()
    }
}

/// The numbers that a scenario's users share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// How many users share them, over the whole cluster.
    pub users: u32,
    /// How many there are.
    pub count: u64,
    /// How many of them are gone through before anything is used again.
    pub pass: u64,
}

impl Numbers {
    /// Those of a scenario; `None` where each user, or the clock, decides by itself.
    #[must_use]
    pub fn of(plan: &Plan, scenario: &Scenario) -> Option<Self> {
        let users = scenario.executor.users_max();
        match scenario.executor {
            Executor::SharedIterations { iterations, .. } => Some(Self { users, count: iterations, pass: iterations }),
            Executor::Users { .. } => {
                let feeders = scenario.feeders.iter().filter_map(|place| plan.data.get(usize::from(*place)));
                let dealt = feeders.filter(|feeder| feeder.is_dealt());
                let pass = dealt.clone().map(|feeder| feeder.rows.count).min()?;
                let ending = dealt.filter(|feeder| feeder.on_end == OnEnd::Stop);
                let count = ending.map(|feeder| feeder.rows.count).min().unwrap_or(NUMBERS_MAX);
                Some(Self { users, count, pass })
            }
            Executor::ArrivalRate { .. } | Executor::PerUserIterations { .. } => None,
        }
    }
}

/// How an agent stands with the numbers of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanting {
    /// The scenario's place in the plan.
    pub scenario: usize,
    /// How many it was allotted, as far as it has heard.
    pub allotted: u64,
    /// What it gave back of them, because it has no users any more who could use them: all of it, in the order in which
    /// it did.
    pub returned: Vec<Block>,
    /// Whether it asks for more.
    pub more: bool,
}

/// What an agent may use of the numbers of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allotted {
    /// The scenario's place in the plan.
    pub scenario: usize,
    /// How many it was allotted since the run's start, with what it gave back.
    pub allotted: u64,
    /// The last of them. It has heard of all that came before.
    pub block: Block,
    /// Whether there will never be more.
    pub last: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_split_and_joined() {
        let block = Block { first: 10, count: 5 };
        let (low, high) = block.split(2);
        assert_eq!((low, high), (Block { first: 10, count: 2 }, Block { first: 12, count: 3 }));
        assert_eq!((low.joined(high), high.joined(low)), (Some(block), Some(block)));
        assert_eq!(low.joined(Block { first: 13, count: 1 }), None);
        assert_eq!(block.split(9), (block, Block { first: 15, count: 0 }));
        assert!(block.meets(high) && !low.meets(high) && !high.meets(low));
    }
}
