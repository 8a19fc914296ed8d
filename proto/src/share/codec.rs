//! A share as bytes: as many as it takes to say it, and safe to read from a stranger.
//!
//! The first byte says how the rest is written. [`BITS`]: one bit for each shard, the lowest shard in the lowest bit of the
//! first byte. [`GAPS`]: for each shard in ascending order, how many shards are left out before it, seven bits a byte, the
//! lowest first, the top bit set on all but the last. Of a crowd each agent has a few shards, and what a lost one leaves
//! to each of the others is fewer still: so they are gaps wherever these take fewer bytes.

use super::{SHARDS, Share};

const BITS: u8 = 0;
const GAPS: u8 = 1;
/// One bit for each shard.
const BITS_BYTES: usize = SHARDS / 8;
/// The most bytes of a gap.
const GAP_BYTES_MAX: usize = 3;

/// Why bytes are no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// The first byte says nothing that is known, or is missing.
    #[error("it begins with {found:?}, wanted {BITS} or {GAPS}; check that both ends run the same version")]
    Kind {
        /// The first byte, if there is one.
        found: Option<u8>,
    },
    /// Not one bit for each shard, or more than that in gaps.
    #[error("{found} bytes, wanted one bit for each of {SHARDS} shards in {BITS_BYTES}, or gaps in fewer")]
    Length {
        /// How many bytes there were after the first.
        found: usize,
    },
    /// A gap is cut short, or longer than it needs to be.
    #[error("a gap between shards is not written in its shortest form")]
    Gap,
    /// A gap leads to a shard that there is not.
    #[error("shard {found}, wanted less than {SHARDS}")]
    Shard {
        /// The shard.
        found: u32,
    },
}

impl Share {
    /// The share as bytes. Equal shares give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.gaps().unwrap_or_else(|| {
            let bits = self.words.iter().flat_map(|word| word.to_le_bytes());
            std::iter::once(BITS).chain(bits).collect()
        })
    }

    /// Its shards as gaps, if these take fewer bytes than bits.
    fn gaps(&self) -> Option<Vec<u8>> {
        // Each takes a byte at least.
        if self.len() >= BITS_BYTES {
            return None;
        }
        let (mut bytes, mut next) = (vec![GAPS], 0);
        for shard in self.shards().map(u32::from) {
            put(&mut bytes, shard - next);
            next = shard + 1;
        }
        (bytes.len() <= BITS_BYTES).then_some(bytes)
    }

    /// Reads what [`Share::to_bytes`] wrote; bits also where gaps would take less.
    ///
    /// # Errors
    /// [`ShareError`] if anything else is not as that writes it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ShareError> {
        let found = bytes.first().copied();
        let rest = bytes.get(1..).unwrap_or_default();
        match found {
            Some(BITS) if rest.len() == BITS_BYTES => Ok(Self::of_bits(rest)),
            Some(GAPS) if rest.len() < BITS_BYTES => Self::of_gaps(rest),
            Some(BITS | GAPS) => Err(ShareError::Length { found: rest.len() }),
            _ => Err(ShareError::Kind { found }),
        }
    }

    fn of_bits(bits: &[u8]) -> Self {
        let mut share = Self::empty();
        for (index, &byte) in bits.iter().enumerate() {
            share.words[index / 8] |= u64::from(byte) << (index % 8 * 8);
        }
        share
    }

    fn of_gaps(mut gaps: &[u8]) -> Result<Self, ShareError> {
        let (mut share, mut next) = (Self::empty(), 0);
        while !gaps.is_empty() {
            let found = next + take(&mut gaps).ok_or(ShareError::Gap)?;
            share.insert(u16::try_from(found).map_err(|_| ShareError::Shard { found })?);
            next = found + 1;
        }
        Ok(share)
    }
}

fn put(bytes: &mut Vec<u8>, mut gap: u32) {
    while gap >= 0x80 {
        bytes.push(gap as u8 | 0x80);
        gap >>= 7;
    }
    bytes.push(gap as u8);
}

/// The next gap, of at most 21 bits, if it is whole and in its shortest form.
fn take(bytes: &mut &[u8]) -> Option<u32> {
    let mut gap = 0;
    for (place, &byte) in bytes.iter().take(GAP_BYTES_MAX).enumerate() {
        gap |= u32::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            *bytes = &bytes[place + 1..];
            return (byte != 0 || place == 0).then_some(gap);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(shards: impl IntoIterator<Item = u16>) -> Share {
        let mut share = Share::empty();
        shards.into_iter().for_each(|shard| share.insert(shard));
        share
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn bytes_carry_any_share_in_no_more_than_its_bits(
            shards in prop::collection::vec(any::<u16>(), 0..6_000),
            step in 1..2_000_usize,
        ) {
            for share in [of(shards), of((0..=u16::MAX).step_by(step))] {
                let bytes = share.to_bytes();
                prop_assert!(bytes.len() <= 1 + BITS_BYTES.min(GAP_BYTES_MAX * share.len()));
                prop_assert_eq!(Share::from_bytes(&bytes), Ok(share));
            }
        }

        #[test]
        fn what_a_stranger_makes_up_is_a_share_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            for kind in [GAPS, BITS] {
                if let Some(first) = bytes.first_mut() {
                    *first = kind;
                }
                // Whatever is read as a share is in the one form of it.
                if let Ok(share) = Share::from_bytes(&bytes) {
                    prop_assert_eq!(share.to_bytes(), bytes.clone());
                }
            }
        }
    }

    #[test]
    fn a_few_shards_take_a_few_bytes() {
        assert_eq!(Share::empty().to_bytes(), [GAPS]);
        assert_eq!(of([0]).to_bytes(), [GAPS, 0]);
        assert_eq!(of([3, 4, 300, u16::MAX]).to_bytes(), [GAPS, 3, 0, 0xa7, 0x02, 0xd2, 0xfd, 0x03]);
        assert_eq!(Share::full().to_bytes().len(), 1 + BITS_BYTES);
        let of_a_crowd = Share::full().deal(&[1; 1_000]);
        assert!(of_a_crowd.iter().all(|share| share.to_bytes().len() <= 1 + 2 * 66));
    }

    #[test]
    fn bytes_that_are_no_share_are_refused() {
        assert_eq!(Share::from_bytes(&[]), Err(ShareError::Kind { found: None }));
        assert_eq!(Share::from_bytes(&[2]), Err(ShareError::Kind { found: Some(2) }));
        for found in [0, BITS_BYTES - 1, BITS_BYTES + 1] {
            let mut bytes = vec![0xff; 1 + found];
            bytes[0] = BITS;
            assert_eq!(Share::from_bytes(&bytes), Err(ShareError::Length { found }));
        }
        assert_eq!(Share::from_bytes(&[0; 1 + BITS_BYTES]), Ok(Share::empty()));
        let long: Vec<u8> = std::iter::once(GAPS).chain([0; BITS_BYTES]).collect();
        assert_eq!(Share::from_bytes(&long), Err(ShareError::Length { found: BITS_BYTES }));
        for gap in [&[0x80][..], &[0x80, 0], &[0xff, 0xff, 0xff, 0x01], &[0, 0x80]] {
            assert_eq!(Share::from_bytes(&[&[GAPS], gap].concat()), Err(ShareError::Gap), "{gap:?}");
        }
        let beyond = Share::from_bytes(&[GAPS, 0xff, 0xff, 0x03, 0]);
        assert_eq!(beyond, Err(ShareError::Shard { found: 65_536 }));
        assert_eq!(Share::from_bytes(&[GAPS, 0xff, 0xff, 0x03]), Ok(of([u16::MAX])));
    }
}
