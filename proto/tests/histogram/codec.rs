//! Bytes mean exactly one histogram or are refused, whoever made them.

use muster_proto::histogram::{CodecError, HIGHEST_NS, Histogram};
use proptest::prelude::*;

use super::{any_histogram, of};

fn encoded(histogram: &Histogram) -> Vec<u8> {
    let mut bytes = Vec::new();
    histogram.encode(&mut bytes);
    bytes
}

/// Merges bytes into a histogram, and makes sure that they were added as a whole or not at all.
fn merge_checked(held: &Histogram, bytes: &[u8]) -> Result<Histogram, CodecError> {
    let mut merged = held.clone();
    match (merged.merge_encoded(bytes), Histogram::decode(bytes)) {
        (Ok(()), Ok(added)) => {
            assert_eq!(encoded(&added), bytes, "one histogram has one form");
            let mut wanted = held.clone();
            wanted.merge(&added);
            assert_eq!(merged, wanted);
            Ok(merged)
        }
        (Err(refused), Err(same)) => {
            assert_eq!(refused, same);
            assert_eq!(&merged, held, "what is refused changes nothing");
            Err(refused)
        }
        (merge, decode) => panic!("merge_encoded says {merge:?}, decode {decode:?}"),
    }
}

/// Writes the numbers as varints after the format byte, as the codec's description has them.
fn payload(numbers: &[u128]) -> Vec<u8> {
    let mut bytes = vec![1];
    for number in numbers {
        let mut rest = *number;
        while rest >= 128 {
            bytes.push((rest % 128) as u8 + 128);
            rest /= 128;
        }
        bytes.push(rest as u8);
    }
    bytes
}

#[derive(Clone, Debug)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        let place = any::<prop::sample::Index>;
        prop_oneof![
            (place(), 1u8..).prop_map(|(place, bits)| Self::Flip(place, bits)),
            (place(), any::<u8>()).prop_map(|(place, byte)| Self::Insert(place, byte)),
            place().prop_map(Self::Remove),
            place().prop_map(Self::Cut),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        let size = bytes.len();
        match self {
            Self::Flip(place, bits) if size > 0 => bytes[place.index(size)] ^= bits,
            Self::Insert(place, byte) => bytes.insert(place.index(size + 1), *byte),
            Self::Remove(place) if size > 0 => drop(bytes.remove(place.index(size))),
            Self::Cut(place) => bytes.truncate(place.index(size + 1)),
            Self::Flip(..) | Self::Remove(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn histograms_survive(histogram in any_histogram(), held in any_histogram()) {
        let bytes = encoded(&histogram);
        prop_assert_eq!(&Histogram::decode(&bytes).unwrap(), &histogram);
        let mut wanted = held.clone();
        wanted.merge(&histogram);
        prop_assert_eq!(merge_checked(&held, &bytes), Ok(wanted));
    }

    #[test]
    fn damaged_bytes_mean_one_histogram_or_nothing(
        histogram in any_histogram(),
        held in any_histogram(),
        damage in prop::collection::vec(Damage::any(), 1..4),
    ) {
        let mut bytes = encoded(&histogram);
        damage.iter().for_each(|damage| damage.apply(&mut bytes));
        let _ = merge_checked(&held, &bytes);
    }

    #[test]
    fn random_bytes_mean_one_histogram_or_nothing(mut bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = merge_checked(&Histogram::default(), &bytes);
        if let Some(format) = bytes.first_mut() {
            *format = 1;
        }
        let _ = merge_checked(&Histogram::default(), &bytes);
    }

    #[test]
    fn every_shorter_part_is_refused(histogram in any_histogram()) {
        let bytes = encoded(&histogram);
        for size in 1..bytes.len() {
            prop_assert!(Histogram::decode(&bytes[..size]).is_err(), "{} of {} bytes", size, bytes.len());
        }
    }
}

#[test]
fn the_format_is_as_described() {
    assert_eq!(encoded(&Histogram::default()), [0u8; 0]);
    // 1 ms lies in bucket 1 953, 1.5 ms in bucket 2 048 + 440, as 1.5 ms / 1 024 ns = 1 024 + 440.
    assert_eq!(
        encoded(&of(&[1_000_000, 1_500_000, 1_000_001])),
        payload(&[3, 3_500_001, 1_000_000, 1_500_000, 2 - 1, 2_488 - 1_953 - 1, 1 - 1]),
    );
    let (low, high) = (7, HIGHEST_NS + 9);
    let sum_ns = u128::from(2 * low + high);
    let gap = 24_204 - 1 - 1;
    assert_eq!(
        encoded(&of(&[low, high, low])),
        payload(&[3, sum_ns, low.into(), high.into(), 2 - 1, 1 - 1, 2 - 1, gap, 1 - 1]),
    );
}

const MAX: u128 = u64::MAX as u128;

fn refused(numbers: &[u128]) -> CodecError {
    merge_checked(&of(&[5, 5_000]), &payload(numbers)).expect_err("must be refused")
}

#[test]
fn numbers_out_of_bounds_are_refused() {
    let bytes = encoded(&of(&[1_000]));
    assert_eq!(Histogram::decode(&[&[2], &bytes[1..]].concat()), Err(CodecError::Format { found: 2 }));
    assert_eq!(refused(&[]), CodecError::Truncated);
    assert_eq!(refused(&[1, 1_000, 1_000, 1_000]), CodecError::Truncated, "no bucket");
    assert_eq!(refused(&[MAX + 1, 1_000, 1_000, 1_000, 0]), CodecError::NumberTooLarge { bits: 64 });
    assert_eq!(refused(&[1, 1_000, 1_000, 1_000, MAX]), CodecError::NumberTooLarge { bits: 64 });
    assert_eq!(Histogram::decode(&[1, 0x81, 0]), Err(CodecError::Padded));
    assert_eq!(refused(&[1, 2_000, 2_001, 2_000, 0]), CodecError::Order { min_ns: 2_001, max_ns: 2_000 });
}

#[test]
fn buckets_that_do_not_lie_between_the_extremes_are_refused() {
    // 1 000 and 2 000 ns lie two buckets apart.
    let last_bucket = CodecError::LastBucket { max_ns: 2_000 };
    assert!(Histogram::decode(&payload(&[2, 3_000, 1_000, 2_000, 0, 1, 0])).is_ok());
    assert_eq!(refused(&[2, 3_000, 1_000, 2_000, 1]), last_bucket, "too few buckets");
    assert_eq!(refused(&[2, 3_000, 1_000, 2_000, 0, 0, 0]), last_bucket, "a bucket too low");
    assert_eq!(refused(&[2, 3_000, 1_000, 2_000, 0, 2, 0]), last_bucket, "a bucket too high");
    assert_eq!(refused(&[2, 3_000, 1_000, 2_000, 0, MAX, 0]), last_bucket, "a gap that wraps");
    assert_eq!(refused(&[2, 3_000, 1_000, 2_000, 0, 1, 0, 0]), last_bucket, "a byte too many");
}

#[test]
fn counts_and_sums_that_do_not_add_up_are_refused() {
    assert_eq!(refused(&[3, 4_000, 1_000, 2_000, 0, 1, 0]), CodecError::Count { found: 2, declared: 3 });
    let found = MAX + 3;
    assert_eq!(refused(&[2, 3_000, 1_000, 2_000, MAX - 1, 1, 2]), CodecError::Count { found, declared: 2 }, "a wrap");
    for found in [0, 2_999, 3_001, u128::MAX] {
        assert_eq!(
            refused(&[2, found, 1_000, 2_000, 0, 1, 0]),
            CodecError::Sum { found, least: 3_000, greatest: 3_000 }
        );
    }
}

#[test]
fn contradictions_about_what_lies_outside_are_refused() {
    let hour = u128::from(HIGHEST_NS);
    // 7 ns in the lowest bucket, and 1 500 ns in the next.
    let outside = |below, above| CodecError::Outside { below, above };
    assert!(Histogram::decode(&payload(&[2, 1_507, 7, 1_500, 0, 0, 0, 0])).is_ok());
    assert_eq!(refused(&[3, 3_007, 7, 1_500, 1, 0, 0, 1]), outside(2, 0), "more than the first bucket holds");
    assert_eq!(
        refused(&[3, 1_001 + 2 * hour, 1_000, hour + 1, 1, 1, 24_204 - 2, 0]),
        outside(0, 2),
        "more than the last bucket holds"
    );
    assert_eq!(refused(&[2, 1_007, 7, 1_000, 1, 1]), outside(2, 0), "the largest is not below");
    assert_eq!(refused(&[2, 15, 7, 8, 0, 1]), outside(1, 0), "both are below");
    assert_eq!(refused(&[2, 2 * hour + 1, hour, hour + 1, 1, 1]), outside(0, 2), "the smallest is not above");
    assert_eq!(refused(&[2, 2 * hour + 3, hour + 1, hour + 2, 0, 1]), outside(0, 1), "both are above");
}

#[test]
fn counts_that_overflow_together_are_refused() {
    let mut full = Histogram::default();
    full.record_n(2_000, u64::MAX - 1);
    let bytes = encoded(&of(&[3_000, 4_000]));
    let before = full.clone();
    assert_eq!(full.merge_encoded(&bytes), Err(CodecError::Overflow { held: u64::MAX - 1, more: 2 }));
    assert_eq!(full, before);
    assert_eq!(full.merge_encoded(&encoded(&of(&[3_000]))), Ok(()));
    assert_eq!(Histogram::decode(&encoded(&full)).as_ref(), Ok(&full));
}
