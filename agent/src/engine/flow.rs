//! Where an iteration stands in its program, and what it makes of expressions on the way.

use minijinja::Value;
use muster_proto::plan::Think;

use super::program::{LoopOp, Op, RoundsKind};
use super::random::{Draws, Key};
use super::template::{Formula, Template, Variables, within};

/// The most elements of a list that a loop goes through.
const ELEMENTS_MAX: usize = 100_000;

/// Where an iteration stands. Kept by its user, so that its memory serves the next.
#[derive(Default)]
pub(super) struct Flow {
    /// The operation that comes next.
    at: usize,
    /// The loops around it.
    rounds: Vec<Round>,
    /// When the groups around it began.
    groups: Vec<u64>,
    /// When the last pause for pace ended.
    paced_ns: u64,
}

/// A loop under way.
struct Round {
    /// Rounds begun.
    begun: u32,
    source: Source,
}

enum Source {
    Times(u32),
    While,
    Each(Vec<Value>),
}

/// An iteration's own: what it is, by the numbers that decide what it draws, and what it has found out.
pub(super) struct Own<'u> {
    pub(super) key: Key,
    pub(super) worker: usize,
    pub(super) variables: &'u mut Variables,
}

impl Flow {
    /// An iteration begins.
    pub(super) fn begin(&mut self, now_ns: u64) {
        (self.at, self.paced_ns) = (0, now_ns);
        self.rounds.clear();
        self.groups.clear();
    }

    /// The operation that comes next, and its place.
    pub(super) fn next<'o>(&mut self, ops: &'o [Op]) -> Option<(usize, &'o Op)> {
        let place = self.at;
        self.at += 1;
        ops.get(place).map(|op| (place, op))
    }

    /// Goes on there.
    pub(super) fn jump(&mut self, to: usize) {
        self.at = to;
    }

    /// Which rounds of the loops around it this is, as one number; 0 outside of loops.
    pub(super) fn rounds(&self) -> u64 {
        self.rounds.iter().fold(0, |all, round| all.wrapping_mul(1_000_003).wrapping_add(u64::from(round.begun)))
    }

    pub(super) fn begin_group(&mut self, now_ns: u64) {
        self.groups.push(now_ns);
    }

    /// How long the group took that ends.
    pub(super) fn end_group(&mut self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.groups.pop().unwrap_or(now_ns))
    }

    /// When a pause for pace ends that is under way.
    pub(super) fn paced_until_ns(&self, pace_ns: u64) -> u64 {
        self.paced_ns.saturating_add(pace_ns)
    }

    pub(super) fn paced(&mut self, now_ns: u64) {
        self.paced_ns = now_ns;
    }

    /// Goes on at one of these places, by their weights.
    pub(super) fn choose(&mut self, key: Key, places: &[(u64, usize)]) {
        let Some((sum, _)) = places.last() else { return };
        let drawn = ((u128::from(Draws::of(key).next()) * u128::from(*sum)) >> 64) as u64;
        if let Some((_, to)) = places.iter().find(|(until, _)| drawn < *until) {
            self.at = *to;
        }
    }

    /// A loop begins. What tells how often it goes round is asked once, unless that is while something is true.
    pub(super) fn enter(&mut self, of: &LoopOp, own: &mut Own<'_>) {
        let source = match of.rounds {
            RoundsKind::While => Source::While,
            RoundsKind::Times => {
                let times = own.value(&of.formulas).and_then(|value| count(&value)).unwrap_or(0);
                Source::Times(times.min(of.max))
            }
            RoundsKind::Each => {
                let list = own.value(&of.formulas).and_then(|value| value.try_iter().ok());
                let elements = list.map(|list| list.take(ELEMENTS_MAX.min(of.max as usize)).collect());
                Source::Each(elements.unwrap_or_default())
            }
        };
        self.rounds.push(Round { begun: 0, source });
    }

    /// The next round begins, or else the iteration goes on there.
    pub(super) fn begin_round(&mut self, of: &LoopOp, own: &mut Own<'_>, otherwise: usize) {
        let Some(round) = self.rounds.last_mut() else { return };
        let begun = round.begun as usize;
        let element = match &round.source {
            Source::Times(times) => (round.begun < *times).then(|| Value::from(begun)),
            Source::Each(elements) => elements.get(begun).cloned(),
            Source::While => {
                let goes_on = round.begun < of.max && own.holds(&of.formulas);
                goes_on.then(|| Value::from(begun))
            }
        };
        round.begun += 1;
        match (element, of.slot) {
            (None, _) => {
                self.rounds.pop();
                self.at = otherwise;
            }
            (Some(element), Some(slot)) => own.variables.set(slot, element),
            (Some(_), None) => {}
        }
    }
}

impl Own<'_> {
    fn value(&mut self, formulas: &[Formula]) -> Option<Value> {
        let formula = &formulas[self.worker];
        within(self.key, self.variables, |scope| formula.value(scope))
    }

    /// Whether it is true. What has no value is not.
    pub(super) fn holds(&mut self, formulas: &[Formula]) -> bool {
        self.value(formulas).is_some_and(|value| value.is_true())
    }

    /// Gives values to slots. What cannot be made has no value from now on.
    pub(super) fn set(&mut self, values: &[Vec<(usize, Template)>]) {
        for (slot, template) in &values[self.worker] {
            let made = within(self.key, self.variables, |scope| template.value(scope));
            self.variables.set(*slot, made.unwrap_or(Value::UNDEFINED));
        }
    }
}

/// A number of rounds. Texts that spell one count as well, as what is captured of a page is a text.
fn count(value: &Value) -> Option<u32> {
    let number = match value.as_str() {
        Some(text) => text.trim().parse::<f64>().ok()?,
        None => f64::try_from(value.clone()).ok()?,
    };
    // What is below 0 is none, and what is too large is held to the largest.
    Some(number as u32)
}

/// How long an iteration pauses, in nanoseconds.
pub(super) fn pause_ns(think: Think, key: Key) -> u64 {
    let mut draws = Draws::of(key);
    let mut fraction = || (draws.next() >> 11) as f64 / (1_u64 << 53) as f64;
    let pause = match think {
        Think::Even(min, max) => min + max.saturating_sub(min).mul_f64(key.fraction()),
        Think::Exponential(mean) => mean.mul_f64(-(1.0 - fraction()).ln()),
        Think::Normal(mean, deviation) => {
            // The polar form of two even numbers (Box and Muller, "A note on the generation of random normal deviates", 1958).
            let (radius, angle) = ((-2.0 * (1.0 - fraction()).ln()).sqrt(), std::f64::consts::TAU * fraction());
            let off = deviation.mul_f64((radius * angle.cos()).abs());
            if angle.cos() < 0.0 { mean.saturating_sub(off) } else { mean + off }
        }
    };
    pause.min(think.max()).as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use muster_proto::schedule::Stream;

    use super::*;

    fn key(iteration: u64) -> Key {
        Key { stream: Stream { seed: 7, scenario: 0 }, iteration, ..Key::default() }
    }

    /// Mean and standard deviation of many pauses, in milliseconds, and the longest.
    fn drawn(think: Think) -> (f64, f64, f64) {
        let pauses: Vec<f64> = (0..20_000).map(|iteration| pause_ns(think, key(iteration)) as f64 / 1e6).collect();
        let mean = pauses.iter().sum::<f64>() / pauses.len() as f64;
        let square = pauses.iter().map(|pause| (pause - mean).powi(2)).sum::<f64>() / pauses.len() as f64;
        (mean, square.sqrt(), pauses.iter().copied().fold(0.0, f64::max))
    }

    #[test]
    fn pauses_are_distributed_as_they_are_called() {
        let ms = Duration::from_millis;
        let near = |found: f64, wanted: f64| (found - wanted).abs() < wanted * 0.03;
        let (mean, deviation, max) = drawn(Think::Even(ms(1_000), ms(3_000)));
        assert!(
            near(mean, 2_000.0) && near(deviation, 2_000.0 / 12_f64.sqrt()) && max <= 3_000.0,
            "{mean} {deviation}"
        );
        let (mean, deviation, max) = drawn(Think::Exponential(ms(1_000)));
        assert!(near(mean, 1_000.0) && near(deviation, 1_000.0) && max <= 10_000.0, "{mean} {deviation} {max}");
        let (mean, deviation, max) = drawn(Think::Normal(ms(2_000), ms(300)));
        assert!(near(mean, 2_000.0) && near(deviation, 300.0) && max <= 3_200.0, "{mean} {deviation} {max}");
        assert_eq!(pause_ns(Think::Even(ms(5), ms(5)), key(3)), 5_000_000);
        assert_eq!(pause_ns(Think::Normal(ms(2), ms(1)), key(3)), pause_ns(Think::Normal(ms(2), ms(1)), key(3)));
    }

    #[test]
    fn choices_are_made_by_their_weights() {
        let places = [(3, 10), (3, 20), (4, 30)];
        let mut seen = [0; 3];
        for iteration in 0..8_000 {
            let mut flow = Flow::default();
            flow.choose(key(iteration), &places);
            seen[flow.at / 10 - 1] += 1;
        }
        assert!((5_800..6_200).contains(&seen[0]) && seen[1] == 0, "{seen:?}");
    }

    #[test]
    fn rounds_are_counted_by_what_counts() {
        for (value, wanted) in [
            (Value::from(3), Some(3)),
            (Value::from("4"), Some(4)),
            (Value::from(2.9), Some(2)),
            (Value::from(-1), Some(0)),
            (Value::from(1e30), Some(u32::MAX)),
            (Value::from("many"), None),
            (Value::from(()), None),
        ] {
            assert_eq!(count(&value), wanted, "{value}");
        }
    }
}
