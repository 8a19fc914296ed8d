//! Random numbers that depend on what they are for and on nothing else.

use muster_proto::schedule::Stream;

/// A number from 0 up to but not including 1, always the same for this step of this iteration under this seed:
/// on whichever worker, in whichever order.
pub(super) fn fraction(stream: Stream, iteration: u64, step: usize) -> f64 {
    let words = [stream.seed, u64::from(stream.scenario), iteration, step as u64];
    let mixed = words.into_iter().fold(0, |state, word| mix(state ^ word));
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// One step of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_even_and_repeatable() {
        let stream = Stream { seed: 42, scenario: 3 };
        let draw = |iteration| fraction(stream, iteration, 1);
        let mean = (0..10_000).map(draw).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "mean {mean}");
        assert!((0..10_000).all(|iteration| (0.0..1.0).contains(&draw(iteration))));
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), fraction(Stream { seed: 43, scenario: 3 }, 7, 1));
    }
}
