//! How long a request waits before its response begins.

use std::f64::consts::TAU;
use std::time::Duration;

use rand_core::Rng;

use super::unit::{self, DURATION_MAX};

/// The 99th percentile of the standard normal distribution: `z` with `Φ(z) = 0.99`.
const Z_99: f64 = 2.326_347_874_040_841;

/// A distribution of latencies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latency {
    /// Always the same: `5ms`.
    Fixed(Duration),
    /// Evenly between two ends: `1ms..5ms` or `uniform(1ms,5ms)`.
    Uniform(Duration, Duration),
    /// Exponential with this mean: `exponential(5ms)`.
    Exponential(Duration),
    /// Normal with these 50th and 99th percentiles, never below zero: `normal(5ms,20ms)`.
    Normal(Duration, Duration),
    /// Log-normal with these 50th and 99th percentiles: `lognormal(5ms,20ms)`.
    LogNormal(Duration, Duration),
    /// From the first to the second within the third, counted from the target's start, and then the second for good:
    /// `ramp(1ms,100ms,30s)`.
    Ramp(Duration, Duration, Duration),
}

impl Latency {
    /// What a script may say, for messages.
    pub(crate) const WANTED: &str = "a duration up to 1h such as 5ms, a range such as 1ms..5ms, uniform(a,b), \
                                     exponential(mean), normal(p50,p99), lognormal(p50,p99) or ramp(from,to,over)";

    /// No latency at all.
    pub const NONE: Self = Self::Fixed(Duration::ZERO);

    /// Reads a latency as written; `None` is anything that [`Self::WANTED`] does not describe.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some((from, to)) = text.split_once("..") {
            return ordered(unit::duration(from)?, unit::duration(to)?, Self::Uniform);
        }
        let Some((name, rest)) = text.split_once('(') else {
            return unit::duration(text).map(Self::Fixed);
        };
        let arguments: Option<Vec<_>> = rest.strip_suffix(')')?.split(',').map(|a| unit::duration(a.trim())).collect();
        match (name, arguments?.as_slice()) {
            ("uniform", &[from, to]) => ordered(from, to, Self::Uniform),
            ("exponential", &[mean]) => Some(Self::Exponential(mean)),
            ("normal", &[p50, p99]) => ordered(p50, p99, Self::Normal),
            ("lognormal", &[p50, p99]) if !p50.is_zero() => ordered(p50, p99, Self::LogNormal),
            ("ramp", &[from, to, over]) => Some(Self::Ramp(from, to, over)),
            _ => None,
        }
    }

    /// One latency, at most an hour, for a request that came `elapsed` after the target's start.
    pub(crate) fn sample(&self, random: &mut impl Rng, elapsed: Duration) -> Duration {
        let seconds = match *self {
            Self::Fixed(latency) => return latency.min(DURATION_MAX),
            Self::Uniform(from, to) => lerp(from, to, unit_interval(random)),
            Self::Exponential(mean) => -mean.as_secs_f64() * (1.0 - unit_interval(random)).ln(),
            Self::Normal(p50, p99) => {
                let sigma = (p99.as_secs_f64() - p50.as_secs_f64()) / Z_99;
                p50.as_secs_f64() + sigma * standard_normal(random)
            }
            Self::LogNormal(p50, p99) => {
                let sigma = (p99.as_secs_f64() / p50.as_secs_f64()).ln() / Z_99;
                p50.as_secs_f64() * (sigma * standard_normal(random)).exp()
            }
            Self::Ramp(_, to, over) if elapsed >= over => return to.min(DURATION_MAX),
            Self::Ramp(from, to, over) => lerp(from, to, elapsed.as_secs_f64() / over.as_secs_f64()),
        };
        // A distribution that was built rather than read may have no sense, such as a median of zero with a tail.
        let seconds = if seconds.is_nan() { 0.0 } else { seconds };
        Duration::from_secs_f64(seconds.clamp(0.0, DURATION_MAX.as_secs_f64()))
    }
}

fn ordered(low: Duration, high: Duration, make: fn(Duration, Duration) -> Latency) -> Option<Latency> {
    (low <= high).then(|| make(low, high))
}

fn lerp(from: Duration, to: Duration, part: f64) -> f64 {
    from.as_secs_f64() * (1.0 - part) + to.as_secs_f64() * part
}

/// Evenly in [0, 1), with all 53 bits that a double holds.
pub(crate) fn unit_interval(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// The Box-Muller transform; one of the pair is enough.
fn standard_normal(random: &mut impl Rng) -> f64 {
    (-2.0 * (1.0 - unit_interval(random)).ln()).sqrt() * (TAU * unit_interval(random)).cos()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn samples(text: &str) -> Vec<f64> {
        let latency = Latency::parse(text).expect(text);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut samples: Vec<_> =
            (0..20_000).map(|_| latency.sample(&mut random, Duration::ZERO).as_secs_f64() * 1e3).collect();
        samples.sort_by(f64::total_cmp);
        samples
    }

    fn near(found: f64, wanted: f64) {
        assert!((found / wanted - 1.0).abs() < 0.05, "found {found}, wanted {wanted}");
    }

    #[test]
    fn samples_have_the_percentiles_that_were_asked_for() {
        for text in ["normal(10ms,20ms)", "lognormal(10ms,20ms)"] {
            let samples = samples(text);
            near(samples[10_000], 10.0);
            near(samples[19_800], 20.0);
        }
        let exponential = samples("exponential(10ms)");
        near(exponential.iter().sum::<f64>() / 20_000.0, 10.0);
        near(exponential[10_000], 10.0 * std::f64::consts::LN_2);
        let uniform = samples("2ms..6ms");
        assert!(uniform[0] >= 2.0 && uniform[19_999] <= 6.0);
        near(uniform[10_000], 4.0);
    }

    #[test]
    fn a_ramp_follows_the_time_since_the_start() {
        let ramp = Latency::parse("ramp(10ms,30ms,10s)").unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for (at, wanted_ms) in [(0, 10), (5, 20), (10, 30), (99, 30)] {
            assert_eq!(ramp.sample(&mut random, Duration::from_secs(at)), Duration::from_millis(wanted_ms));
        }
        let jump = Latency::parse("ramp(10ms,30ms,0)").unwrap();
        assert_eq!(jump.sample(&mut random, Duration::ZERO), Duration::from_millis(30));
    }

    #[test]
    fn a_sample_is_at_most_an_hour_whatever_was_asked_for() {
        let (zero, most) = (Duration::ZERO, Duration::MAX);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for latency in [
            Latency::Fixed(most),
            Latency::Uniform(most, zero),
            Latency::Exponential(most),
            Latency::Normal(most, zero),
            Latency::LogNormal(zero, most),
            Latency::LogNormal(zero, zero),
            Latency::Ramp(most, most, zero),
            Latency::Ramp(zero, most, most),
        ] {
            for _ in 0..100 {
                assert!(latency.sample(&mut random, Duration::from_secs(1)) <= DURATION_MAX, "{latency:?}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in
            ["", "fast", "5ms..1ms", "uniform(1ms)", "normal(5ms,1ms)", "lognormal(0,1ms)", "exponential(1ms", "ramp()"]
        {
            assert_eq!(Latency::parse(text), None, "{text}");
        }
    }
}
