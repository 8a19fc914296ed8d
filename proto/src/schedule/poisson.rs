//! Arrivals at random: a Poisson process of one arrival per unit of load.
//!
//! The distances are exponential and begin anew at every block of [`BLOCK_ARRIVALS`], which changes nothing, since an
//! exponential distance has no memory. So each block is a stream of its own, and anyone can begin at any of them.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::Stream;
use super::segment::UNITS_PER_ARRIVAL;
use crate::share::{SHARDS, Share};

/// The length of a block, in arrivals' worth of load. So many arrivals fall into it on average.
const BLOCK_ARRIVALS: u64 = 4_096;
const BLOCK_LOAD: u128 = BLOCK_ARRIVALS as u128 * UNITS_PER_ARRIVAL;

/// An arrival's id is its block in the upper bits and its place in the block in so many lower ones.
///
/// A block never has more arrivals than that distinguishes: it would end early, and leave its rest empty, but a Poisson
/// variable of mean 4 096 and deviation 64 does not reach a million.
const PLACE_BITS: u32 = 20;
const PLACES: u64 = 1 << PLACE_BITS;

/// The most load that the ids of blocks can number, in arrivals.
pub(super) const ARRIVALS_MAX: u64 = BLOCK_ARRIVALS << (u64::BITS - PLACE_BITS);

/// Sets the streams of arrivals apart from whatever else is drawn from the same seed.
const PURPOSE: &[u8; 12] = b"arrivals\0\0\0\0";

/// The number by which the arrival with this id falls into a shard: 4 096·block + place, which is about its ordinal, so
/// that every shard gets its turn. The ids themselves would leave all but the lowest few thousand shards without any.
pub(super) fn shard_key(id: u64) -> u64 {
    (id >> PLACE_BITS) * BLOCK_ARRIVALS % SHARDS as u64 + id % PLACES
}

/// Tells the ordinals of arrivals from their ids: how many come before them, whosever they are. Remembers how many each
/// block has, so that asking for one after the other draws each block once.
#[derive(Clone, Debug)]
pub struct PoissonOrdinals {
    stream: Stream,
    /// How many arrivals come before each block, as far as was asked.
    before: Vec<u64>,
}

impl PoissonOrdinals {
    /// Those of a scenario's arrivals.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self { stream, before: vec![0] }
    }

    /// How many arrivals come before this one.
    pub fn of(&mut self, id: u64) -> u64 {
        let block = (id >> PLACE_BITS) as usize;
        while self.before.len() <= block {
            let last = self.before.len() - 1;
            let next = self.before[last] + arrivals_of(self.stream, last as u64);
            self.before.push(next);
        }
        self.before[block] + id % PLACES
    }
}

/// How many arrivals a whole block has.
fn arrivals_of(stream: Stream, block: u64) -> u64 {
    let (mut random, mut load, mut places) = (block_random(stream, block), 0, 0);
    loop {
        load += exponential(&mut random);
        if load >= BLOCK_LOAD || places == PLACES {
            return places;
        }
        places += 1;
    }
}

/// Walks a share's arrivals in order.
#[derive(Clone, Debug)]
pub(super) struct PoissonWalk {
    stream: Stream,
    load_end: u128,
    block: u64,
    /// How many arrivals of the block have been drawn.
    places: u64,
    /// The load of the last arrival drawn, in units; at first that of the block's beginning.
    load: u128,
    random: ChaCha8Rng,
    /// The id of the last arrival drawn, unless it is past the end.
    id: Option<u64>,
}

impl PoissonWalk {
    /// Stands at the share's first arrival below `load_end`.
    pub(super) fn new(stream: Stream, load_end: u128, share: &Share) -> Self {
        let random = block_random(stream, 0);
        let mut walk = Self { stream, load_end, block: 0, places: 0, load: 0, random, id: None };
        walk.advance(share);
        walk
    }

    /// The arrival at which it stands, and its load in units.
    pub(super) fn current(&self) -> Option<(u64, u128)> {
        self.id.map(|id| (id, self.load))
    }

    /// Goes to the next one.
    pub(super) fn advance(&mut self, share: &Share) {
        loop {
            self.draw();
            if self.id.is_none_or(|id| share.owns(shard_key(id))) {
                return;
            }
        }
    }

    /// Goes past everything below a load, and says how much that was. Has to draw all of it.
    pub(super) fn pass(&mut self, load: u128, share: &Share) -> u64 {
        let mut passed = 0;
        while self.id.is_some() && self.load < load {
            passed += 1;
            self.advance(share);
        }
        passed
    }

    /// Goes past everything below a load. Leaps over whole blocks.
    pub(super) fn skip(&mut self, load: u128, share: &Share) {
        let block = (load.min(self.load_end) / BLOCK_LOAD) as u64;
        if self.id.is_some() && block > self.block {
            self.begin(block);
            self.advance(share);
        }
        self.pass(load, share);
    }

    /// Draws the next arrival, whosever it is. Past the end there is none, and never will be.
    fn draw(&mut self) {
        loop {
            self.load += exponential(&mut self.random);
            if self.load >= self.load_end {
                self.id = None;
                return;
            }
            if self.load < u128::from(self.block + 1) * BLOCK_LOAD && self.places < PLACES {
                self.id = Some(self.block << PLACE_BITS | self.places);
                self.places += 1;
                return;
            }
            self.begin(self.block + 1);
        }
    }

    fn begin(&mut self, block: u64) {
        self.block = block;
        self.places = 0;
        self.load = u128::from(block) * BLOCK_LOAD;
        self.random = block_random(self.stream, block);
    }
}

fn block_random(stream: Stream, block: u64) -> ChaCha8Rng {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&stream.seed.to_le_bytes());
    seed[8..16].copy_from_slice(&block.to_le_bytes());
    seed[16..20].copy_from_slice(&stream.scenario.to_le_bytes());
    seed[20..].copy_from_slice(PURPOSE);
    ChaCha8Rng::from_seed(seed)
}

/// An exponential distance with a mean of one arrival, in units: -ln(1 - U) for an even U in [0, 1), by inversion
/// (Devroye, Non-Uniform Random Variate Generation, II.2). At most 37 arrivals.
fn exponential(random: &mut ChaCha8Rng) -> u128 {
    const EVEN: f64 = 1.0 / (1_u64 << 53) as f64;
    let even = (random.next_u64() >> 11) as f64 * EVEN;
    u128::from((-libm::log(1.0 - even) * UNITS_PER_ARRIVAL as f64) as u64)
}
