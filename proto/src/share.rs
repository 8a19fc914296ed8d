//! Who generates what.
//!
//! The arrivals and users of a scenario fall into [`SHARDS`] shards by their number. Splitting a scenario, over agents
//! and then over an agent's workers, is dividing a set of shards, the same code twice: so whatever the weights,
//! nothing is lost and nothing doubled.

mod codec;
mod kept;

use std::fmt;

pub use codec::ShareError;

/// How many shards a scenario has. The shard of a number is the number modulo this.
pub const SHARDS: usize = 65_536;

const WORD_BITS: usize = u64::BITS as usize;
const WORDS: usize = SHARDS / WORD_BITS;

/// A set of shards: what one agent, or one worker, is to generate of a scenario.
#[derive(Clone, PartialEq, Eq)]
pub struct Share {
    /// Shard `s` is in the set if bit `s % 64` of word `s / 64` is set.
    words: Box<[u64; WORDS]>,
}

impl Share {
    /// Every shard.
    #[must_use]
    pub fn full() -> Self {
        Self { words: Box::new([u64::MAX; WORDS]) }
    }

    /// No shard.
    #[must_use]
    pub fn empty() -> Self {
        Self { words: Box::new([0; WORDS]) }
    }

    /// Whether a shard is in the set.
    #[must_use]
    pub fn contains(&self, shard: u16) -> bool {
        let (word, bit) = place(shard);
        self.words[word] >> bit & 1 == 1
    }

    /// Whether the shard of an arrival's or user's number is in the set.
    #[must_use]
    pub fn owns(&self, id: u64) -> bool {
        self.contains(shard_of(id))
    }

    /// How many shards are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is no shard in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The shards of the set, in ascending order.
    pub fn shards(&self) -> impl Iterator<Item = u16> + '_ {
        let shard = |word, bit| (word * WORD_BITS + bit as usize) as u16;
        let words = self.words.iter().enumerate();
        words.flat_map(move |(index, word)| bits(*word).map(move |bit| shard(index, bit)))
    }

    /// Adds the shards of another set.
    pub fn union(&mut self, other: &Self) {
        for (mine, theirs) in self.words.iter_mut().zip(other.words.iter()) {
            *mine |= theirs;
        }
    }

    /// Whether it has a shard in common with another set.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.words.iter().zip(other.words.iter()).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// Its shards that are in another set too.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        self.without(&self.without(other))
    }

    /// Its shards that are not in another set.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        for (mine, theirs) in rest.words.iter_mut().zip(other.words.iter()) {
            *mine &= !theirs;
        }
        rest
    }

    /// How many of the numbers `0..ids` it owns.
    #[must_use]
    pub fn count_below(&self, ids: u64) -> u64 {
        let (rounds, rest) = (ids / SHARDS as u64, (ids % SHARDS as u64) as usize);
        let (word, bit) = (rest / WORD_BITS, rest % WORD_BITS);
        let whole: u64 = self.words[..word].iter().map(|word| u64::from(word.count_ones())).sum();
        let part = u64::from((self.words[word] & !(u64::MAX << bit)).count_ones());
        rounds * self.len() as u64 + whole + part
    }

    /// The least number from `from` on that it owns; none if it is empty or that number would exceed 64 bits.
    #[must_use]
    pub fn next_owned(&self, from: u64) -> Option<u64> {
        let (first, bit) = place(shard_of(from));
        let mut base = from - bit as u64;
        let masked = self.words[first] & (u64::MAX << bit);
        if masked != 0 {
            return Some(base + u64::from(masked.trailing_zeros()));
        }
        // The first word comes again at the very end, after one whole round.
        for step in 1..=WORDS {
            base = base.checked_add(WORD_BITS as u64)?;
            let word = self.words[(first + step) % WORDS];
            if word != 0 {
                return Some(base + u64::from(word.trailing_zeros()));
            }
        }
        None
    }

    /// Deals the set's shards, in ascending order, to parties with these weights by smooth weighted round-robin, as
    /// nginx does: every party gains its weight, the richest (the first of equals) takes the shard and pays the sum.
    ///
    /// However many shards have been dealt, no party holds a whole shard more than its exact proportion, nor does one
    /// lag behind it by more than a few (1 + 1/2 + ... + 1/n for n parties). A weight of zero gets nothing; if no
    /// weight is positive, nobody gets anything and all the shares are empty.
    #[must_use]
    pub fn deal(&self, weights: &[u32]) -> Vec<Self> {
        let mut shares = vec![Self::empty(); weights.len()];
        let order = smooth_order(weights, self.len());
        for (shard, &party) in self.shards().zip(order.iter().cycle()) {
            shares[party].insert(shard);
        }
        shares
    }

    fn insert(&mut self, shard: u16) {
        let (word, bit) = place(shard);
        self.words[word] |= 1 << bit;
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} of {SHARDS})", self.len())
    }
}

/// Which bits of a word are set, from the lowest on.
fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let lowest = word.trailing_zeros();
        // The lowest bit that is set goes; without any there is none to go.
        word &= word.checked_sub(1)?;
        Some(lowest)
    })
}

fn shard_of(id: u64) -> u16 {
    (id % SHARDS as u64) as u16
}

fn place(shard: u16) -> (usize, usize) {
    (usize::from(shard) / WORD_BITS, usize::from(shard) % WORD_BITS)
}

/// Whose turn it is, for at most so many turns. The order repeats once every party has had its weight in turns, so
/// that much of it says it all.
fn smooth_order(weights: &[u32], turns_max: usize) -> Vec<usize> {
    let divisor = weights.iter().fold(0, |divisor, &weight| gcd(divisor, weight));
    if divisor == 0 {
        return Vec::new();
    }
    let gains: Vec<i64> = weights.iter().map(|weight| i64::from(weight / divisor)).collect();
    let sum: i64 = gains.iter().sum();
    let mut credits = vec![0; gains.len()];
    (0..turns_max.min(sum as usize)).map(|_| smooth_turn(&mut credits, &gains, sum)).collect()
}

fn smooth_turn(credits: &mut [i64], gains: &[i64], sum: i64) -> usize {
    let mut richest = 0;
    for party in 0..credits.len() {
        credits[party] += gains[party];
        if credits[party] > credits[richest] {
            richest = party;
        }
    }
    credits[richest] -= sum;
    richest
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weights() -> impl Strategy<Value = Vec<u32>> {
        prop::collection::vec(prop_oneof![Just(0), 1..10_u32, any::<u32>()], 0..12)
    }

    /// A share with some shards, few or many, in no particular order.
    fn share() -> impl Strategy<Value = Share> {
        (weights(), any::<prop::sample::Index>()).prop_map(|(weights, index)| {
            let mut shares = Share::full().deal(&weights);
            shares.push(Share::full());
            index.get(&shares).clone()
        })
    }

    /// Asserts that the parts are disjoint and together the whole.
    fn assert_partition(whole: &Share, parts: &[Share]) {
        let mut together = Share::empty();
        for part in parts {
            together.union(part);
        }
        assert_eq!(&together, whole);
        assert_eq!(parts.iter().map(Share::len).sum::<usize>(), whole.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn shares_of_shares_are_a_partition(agents in weights(), workers in weights()) {
            prop_assume!(agents.iter().any(|&w| w > 0) && workers.iter().any(|&w| w > 0));
            let dealt = Share::full().deal(&agents);
            assert_partition(&Share::full(), &dealt);
            for (share, weight) in dealt.iter().zip(&agents) {
                prop_assert!(*weight > 0 || share.is_empty());
                assert_partition(share, &share.deal(&workers));
            }
        }

        #[test]
        fn dealing_follows_the_weights_at_every_moment(weights in prop::collection::vec(0..50_u32, 1..9)) {
            let sum: u32 = weights.iter().sum();
            prop_assume!(sum > 0);
            let shares = Share::full().deal(&weights);
            let lag_max: f64 = (1..=weights.len()).map(|n| 1.0 / n as f64).sum();
            for dealt in (0..2_000).chain([40_000, SHARDS as u64]) {
                for (share, weight) in shares.iter().zip(&weights) {
                    let exact = dealt as f64 * f64::from(*weight) / f64::from(sum);
                    let ahead = share.count_below(dealt) as f64 - exact;
                    prop_assert!(ahead < 1.0 && -ahead <= lag_max, "{ahead} of {exact} for {weights:?}");
                }
            }
        }

        #[test]
        fn counting_and_seeking_agree_with_asking_each(share in share(), from in 0..200_000_u64, span in 0..3_000_u64) {
            let owned: Vec<u64> = (from..from + span).filter(|&id| share.owns(id)).collect();
            prop_assert_eq!(share.count_below(from + span) - share.count_below(from), owned.len() as u64);
            let mut next = from;
            for &id in &owned {
                prop_assert_eq!(share.next_owned(next), Some(id));
                next = id + 1;
            }
            prop_assert!(share.next_owned(next).is_none_or(|id| id >= from + span));
        }

        #[test]
        fn what_is_taken_away_and_what_is_left_are_a_partition(weights in weights(), taken in share()) {
            for share in Share::full().deal(&weights) {
                let rest = share.without(&taken);
                prop_assert!(!rest.overlaps(&taken));
                prop_assert_eq!(rest == share, !share.overlaps(&taken));
                assert_partition(&share, &[share.within(&taken), rest]);
            }
        }
    }

    #[test]
    fn turns_alternate_smoothly_and_repeat() {
        assert_eq!(smooth_order(&[5, 1, 1], usize::MAX), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(smooth_order(&[10, 2, 2], usize::MAX), [0, 0, 1, 0, 2, 0, 0]);
        let mut credits = vec![0; 3];
        let turns: Vec<usize> = (0..14).map(|_| smooth_turn(&mut credits, &[5, 1, 1], 7)).collect();
        assert_eq!(turns[..7], turns[7..]);
    }

    #[test]
    fn equal_weights_get_equal_shares() {
        assert!(Share::full().deal(&[3; 8]).iter().all(|share| share.len() == SHARDS / 8));
        assert!(Share::full().deal(&[7; 3]).iter().all(|share| share.len().abs_diff(SHARDS / 3) <= 1));
    }

    #[test]
    fn without_a_positive_weight_nobody_gets_anything() {
        assert_eq!(Share::full().deal(&[]), []);
        assert_eq!(Share::full().deal(&[0, 0]), [Share::empty(), Share::empty()]);
        assert_eq!(Share::empty().deal(&[1, 2]), [Share::empty(), Share::empty()]);
    }

    #[test]
    fn seeking_finds_the_only_shard_from_anywhere() {
        let mut share = Share::empty();
        assert_eq!(share.next_owned(0), None);
        share.insert(70);
        assert_eq!(share.next_owned(0), Some(70));
        assert_eq!(share.next_owned(70), Some(70));
        assert_eq!(share.next_owned(71), Some(SHARDS as u64 + 70));
        assert_eq!(share.next_owned(SHARDS as u64 - 1), Some(SHARDS as u64 + 70));
        assert_eq!(share.next_owned(u64::MAX), None);
        assert_eq!(Share::full().next_owned(u64::MAX), Some(u64::MAX));
        assert_eq!(Share::full().count_below(u64::MAX), u64::MAX);
    }

    #[test]
    fn debug_is_short() {
        assert_eq!(format!("{:?}", Share::full()), "Share(65536 of 65536)");
    }
}
