//! Random numbers that depend on what they are for and on nothing else.

use muster_proto::schedule::Stream;

/// What random numbers are for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Key {
    /// The plan's seed, and the scenario.
    pub stream: Stream,
    /// The iteration's number in it.
    pub iteration: u64,
    /// The step's place in the scenario.
    pub step: usize,
    /// Which rounds of the loops around it, as one number; 0 outside of loops.
    pub round: u64,
}

impl Key {
    /// What is drawn after the step's response: other numbers than those that its request is made of.
    pub(super) fn after_response(self) -> Self {
        Self { step: usize::MAX - self.step, ..self }
    }

    fn mixed(self) -> u64 {
        let words = [self.stream.seed, u64::from(self.stream.scenario), self.iteration, self.step as u64];
        let mixed = words.into_iter().fold(0, |state, word| mix(state ^ word));
        if self.round == 0 { mixed } else { mix(mixed ^ self.round) }
    }

    /// A number from 0 up to but not including 1, always the same for this step of this iteration under this seed:
    /// on whichever worker, in whichever order.
    pub(super) fn fraction(self) -> f64 {
        (self.mixed() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Any number of them, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws(u64);

impl Draws {
    /// Those of nothing in particular.
    pub(super) const NONE: Self = Self(0);

    pub(super) fn of(key: Key) -> Self {
        Self(key.mixed())
    }

    /// Those that follow from a number.
    pub(super) fn from(number: u64) -> Self {
        Self(number)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }
}

/// What SplitMix64 adds from one number to the next.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// One step of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(GAMMA);
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
        let draw = |iteration| Key { stream, iteration, step: 1, round: 0 }.fraction();
        let mean = (0..10_000).map(draw).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "mean {mean}");
        assert!((0..10_000).all(|iteration| (0.0..1.0).contains(&draw(iteration))));
        assert_eq!(draw(7), draw(7));
        let other = Stream { seed: 43, scenario: 3 };
        assert_ne!(draw(7), Key { stream: other, iteration: 7, step: 1, round: 0 }.fraction());
    }
}
