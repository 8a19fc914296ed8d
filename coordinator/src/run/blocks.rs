//! Numbers that nobody has.

use muster_proto::supply::Block;
use serde::{Deserialize, Serialize};

/// A set of numbers, as the blocks that they make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Blocks {
    /// In order, none of them empty, and no two next to each other.
    blocks: Vec<Block>,
}

impl Blocks {
    /// So many, from 0.
    pub(super) fn up_to(count: u64) -> Self {
        let mut blocks = Self { blocks: Vec::new() };
        blocks.add(Block { first: 0, count });
        blocks
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.blocks.iter().map(|block| block.count).sum()
    }

    /// Takes the lowest, so many at most that follow each other; none if there are none.
    pub(super) fn take(&mut self, count: u64) -> Block {
        let Some(lowest) = self.blocks.first_mut() else { return Block::default() };
        let (taken, rest) = lowest.split(count);
        match rest.count {
            0 => _ = self.blocks.remove(0),
            _ => *lowest = rest,
        }
        taken
    }

    /// Adds some, unless one of them is there already.
    pub(super) fn add(&mut self, block: Block) -> bool {
        if block.count == 0 {
            return true;
        }
        let at = self.blocks.partition_point(|other| other.first < block.first);
        let (before, after) = (at.checked_sub(1), (at < self.blocks.len()).then_some(at));
        if before.into_iter().chain(after).any(|at| self.blocks[at].meets(block)) {
            return false;
        }
        self.blocks.insert(at, block);
        for left in [Some(at), before].into_iter().flatten() {
            if let Some(right) = self.blocks.get(left + 1)
                && let Some(both) = self.blocks[left].joined(*right)
            {
                self.blocks[left] = both;
                self.blocks.remove(left + 1);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_a_set(acts in prop::collection::vec((any::<bool>(), 0..60_u64, 0..10_u64), 0..60)) {
            let (mut blocks, mut set) = (Blocks::up_to(30), (0..30).collect::<BTreeSet<u64>>());
            for (adds, first, count) in acts {
                let block = Block { first, count };
                if adds {
                    let is_new = (first..block.end()).all(|number| !set.contains(&number));
                    prop_assert_eq!(blocks.add(block), is_new);
                    set.extend(is_new.then_some(first..block.end()).into_iter().flatten());
                } else {
                    let taken = blocks.take(count);
                    prop_assert!((taken.first..taken.end()).all(|number| set.pop_first() == Some(number)));
                    prop_assert!(taken.count > 0 || count == 0 || set.is_empty());
                }
                let numbers = blocks.blocks.iter().flat_map(|block| block.first..block.end());
                prop_assert!(numbers.eq(set.iter().copied()));
                prop_assert!(blocks.blocks.windows(2).all(|pair| pair[0].end() < pair[1].first));
                prop_assert_eq!(blocks.count(), set.len() as u64);
            }
        }
    }
}
