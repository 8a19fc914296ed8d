//! Numbers that threads take, and put back, without a lock.

use muster_proto::supply::{BLOCK_MAX, Block, NUMBERS_MAX};

use super::sync::{AtomicU64, Ordering};

/// How many bits of a slot say how many numbers there are in it. The others say which is the first.
const COUNT_BITS: u32 = 20;
const _: () = assert!(BLOCK_MAX < 1 << COUNT_BITS && NUMBERS_MAX <= 1 << (u64::BITS - COUNT_BITS));

/// What is left in a slot at any time makes about so many blocks of the size in which it is taken: few enough that threads
/// seldom meet, many enough that none keeps much from the others.
const BLOCKS: u64 = 64;

/// Blocks of numbers, each in a slot of its own.
///
/// A slot is one word, which says everything about its block. So whoever exchanges it against what it leaves has taken what
/// is missing, and it does not matter what happened to it in between.
#[derive(Debug)]
pub(super) struct Bag {
    slots: Box<[AtomicU64]>,
}

impl Bag {
    /// An empty one, with room for so many blocks that do not follow each other.
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: (0..slots).map(|_| AtomicU64::new(0)).collect() }
    }

    /// How many blocks it has room for.
    pub(super) fn room(&self) -> usize {
        self.slots.len()
    }

    /// Takes the beginning of a block. It is empty when there was nothing.
    pub(super) fn take(&self) -> Block {
        let split = |slot: u64| {
            let block = unpacked(slot);
            block.split(block.count.div_ceil(BLOCKS))
        };
        let rest = |slot: u64| (slot > 0).then(|| packed(split(slot).1));
        let took = |slot: &AtomicU64| slot.fetch_update(Ordering::SeqCst, Ordering::SeqCst, rest).ok();
        self.slots.iter().find_map(took).map_or(Block::default(), |slot| split(slot).0)
    }

    /// Puts a block in, to whatever it follows or precedes if that is there, else where there is room.
    ///
    /// # Errors
    /// The block, when there is no room.
    pub(super) fn put(&self, block: Block) -> Result<(), Block> {
        if block.count == 0 {
            return Ok(());
        }
        let with = |slot: u64| match slot {
            0 => None,
            slot => unpacked(slot).joined(block).filter(|both| both.count <= BLOCK_MAX).map(packed),
        };
        let joins = |slot: &AtomicU64| slot.fetch_update(Ordering::SeqCst, Ordering::SeqCst, with).is_ok();
        let fills =
            |slot: &AtomicU64| slot.compare_exchange(0, packed(block), Ordering::SeqCst, Ordering::SeqCst).is_ok();
        let is_in = self.slots.iter().any(joins) || self.slots.iter().any(fills);
        if is_in { Ok(()) } else { Err(block) }
    }

    /// Takes everything.
    pub(super) fn drain(&self) -> impl Iterator<Item = Block> {
        let all = self.slots.iter().map(|slot| unpacked(slot.swap(0, Ordering::SeqCst)));
        all.filter(|block| block.count > 0)
    }

    /// How many numbers there are.
    pub(super) fn left(&self) -> u64 {
        self.slots.iter().map(|slot| unpacked(slot.load(Ordering::SeqCst)).count).sum()
    }
}

fn packed(block: Block) -> u64 {
    // All empty blocks are the same.
    if block.count == 0 { 0 } else { block.first << COUNT_BITS | block.count }
}

fn unpacked(slot: u64) -> Block {
    Block { first: slot >> COUNT_BITS, count: slot & ((1 << COUNT_BITS) - 1) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is put in, taken and put back: each number is in the bag, or with somebody, and never in both.
        #[test]
        fn every_number_is_somewhere_once(acts in prop::collection::vec((0..3_u8, 1..300_u64), 1..200)) {
            let bag = Bag::new(4);
            let (mut next, mut taken) = (0, Vec::new());
            for (act, count) in acts {
                match act {
                    0 if bag.put(Block { first: next, count }).is_ok() => next += count,
                    1 => taken.push(bag.take()),
                    _ => taken = taken.into_iter().filter_map(|block| bag.put(block).err()).collect(),
                }
                let with_others: u64 = taken.iter().map(|block| block.count).sum();
                prop_assert_eq!(bag.left() + with_others, next);
            }
            let numbers = |block: Block| block.first..block.end();
            let all: Vec<u64> = taken.into_iter().chain(bag.drain()).flat_map(numbers).collect();
            prop_assert_eq!(all.len() as u64, next);
            prop_assert!(all.into_iter().collect::<BTreeSet<_>>().into_iter().eq(0..next));
        }

        #[test]
        fn blocks_are_small_and_end_with_single_numbers(count in 1..=BLOCK_MAX, first in 0..NUMBERS_MAX - BLOCK_MAX) {
            let bag = Bag::new(1);
            bag.put(Block { first, count }).unwrap();
            let blocks: Vec<Block> = std::iter::from_fn(|| Some(bag.take()).filter(|block| block.count > 0)).collect();
            let whole = blocks.iter().copied().try_fold(Block { first, count: 0 }, Block::joined);
            prop_assert_eq!(whole, Some(Block { first, count }), "all of them, in order");
            prop_assert!(blocks.is_sorted_by(|a, b| a.count >= b.count));
            prop_assert!(blocks[0].count <= count.div_ceil(BLOCKS) && blocks.len() < 1_000);
            prop_assert_eq!(blocks.last().unwrap().count, 1);
        }
    }

    #[test]
    fn what_has_no_room_is_given_back_and_neighbours_need_none() {
        let bag = Bag::new(1);
        bag.put(Block { first: 10, count: 5 }).unwrap();
        let far = Block { first: 20, count: 5 };
        assert_eq!(bag.put(far), Err(far));
        bag.put(Block { first: 15, count: 5 }).unwrap();
        bag.put(Block { first: 8, count: 2 }).unwrap();
        assert_eq!(bag.drain().collect::<Vec<_>>(), [Block { first: 8, count: 12 }]);
        assert_eq!(bag.left(), 0);
    }

    #[test]
    fn threads_take_every_number_once() {
        let bag = Arc::new(Bag::new(8));
        (0..4).for_each(|block| bag.put(Block { first: block * 50_000, count: 25_000 }).unwrap());
        let taker = |_| {
            let bag = Arc::clone(&bag);
            std::thread::spawn(move || {
                let blocks = std::iter::repeat_with(|| bag.take()).take_while(|block| block.count > 0);
                blocks.flat_map(|block| block.first..block.end()).collect::<Vec<_>>()
            })
        };
        let takers: Vec<_> = (0..4).map(taker).collect();
        let mut all: Vec<u64> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq((0..4).flat_map(|block| block * 50_000..block * 50_000 + 25_000)));
    }
}
