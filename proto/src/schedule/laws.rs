//! What must hold of every arrival schedule.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::segment::UNITS_PER_ARRIVAL;
use super::{Arrival, ArrivalCursor, ArrivalSchedule, PoissonOrdinals, ScheduleError, Stream};
use crate::plan::{Arrivals, Rate, RateStage};
use crate::share::{SHARDS, Share};

const STREAM: Stream = Stream { seed: 42, scenario: 0 };
const SECOND_NS: u64 = 1_000_000_000;

fn stage(duration_ns: u64, from: u64, to: u64) -> RateStage {
    RateStage { duration: Duration::from_nanos(duration_ns), from: Rate(from), to: Rate(to) }
}

/// A stage of whole seconds and arrivals per second.
fn plain(seconds: u64, from: u64, to: u64) -> RateStage {
    stage(seconds * SECOND_NS, from * Rate::PER_SECOND, to * Rate::PER_SECOND)
}

fn uniform(stages: &[RateStage]) -> ArrivalSchedule {
    ArrivalSchedule::new(stages, Arrivals::Uniform, STREAM).unwrap()
}

fn poisson(stages: &[RateStage], seed: u64, scenario: u32) -> ArrivalSchedule {
    ArrivalSchedule::new(stages, Arrivals::Poisson, Stream { seed, scenario }).unwrap()
}

fn cursor(schedule: &Arc<ArrivalSchedule>, share: &Share) -> ArrivalCursor {
    ArrivalCursor::new(schedule.clone(), Arc::new(share.clone()))
}

/// Everybody's arrivals.
fn all(schedule: ArrivalSchedule) -> Vec<Arrival> {
    cursor(&Arc::new(schedule), &Share::full()).collect()
}

/// Stages with jumps and stillness, even and uneven numbers: of at most `duration_max_ns` and `rate_max` each.
fn stages(duration_max_ns: u64, rate_max: u64) -> impl Strategy<Value = Vec<RateStage>> {
    let duration_ns = prop_oneof![
        Just(0),
        1..50_u64,
        1..=duration_max_ns,
        (1..=duration_max_ns / 1_000_000).prop_map(|ms| ms * 1_000_000)
    ];
    let rate = move || {
        let even = (0..=rate_max / Rate::PER_SECOND).prop_map(|count| count * Rate::PER_SECOND);
        prop_oneof![Just(0), 0..=rate_max, even]
    };
    let any = (duration_ns.clone(), rate(), rate()).prop_map(|(d, from, to)| stage(d, from, to));
    let constant = (duration_ns, rate()).prop_map(|(d, rate)| stage(d, rate, rate));
    prop::collection::vec(prop_oneof![any, constant], 0..5)
}

/// Stages of any size at all.
fn wild_stages() -> impl Strategy<Value = Vec<RateStage>> {
    let wild = || (any::<u64>(), 0..64_u32).prop_map(|(n, shift)| n >> shift);
    prop::collection::vec((wild(), wild(), wild()).prop_map(|(d, from, to)| stage(d, from, to)), 0..4)
}

fn weights() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(prop_oneof![1..5_u32, any::<u32>()], 1..5)
}

/// Whether N(t) ≥ u, by fractions with the stage's length as denominator.
fn reaches(stages: &[RateStage], t_ns: u64, u: u64) -> bool {
    let unit: i128 = 2 * 3_600_000 * 1_000_000_000;
    let (mut start_ns, mut carried) = (0, 0);
    for stage in stages {
        let length = stage.duration.as_nanos() as i128;
        let (from, to) = (i128::from(stage.from.0), i128::from(stage.to.0));
        let x = i128::from(t_ns) - start_ns;
        if x < length {
            let load = carried * length + 2 * from * x * length + (to - from) * x * x;
            return load >= i128::from(u) * unit * length;
        }
        carried += (from + to) * length;
        start_ns += length;
    }
    carried >= i128::from(u) * unit
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn due_is_the_least_nanosecond_that_reaches_the_load(
        stages in stages(1_000 * SECOND_NS, 1_000_000 * Rate::PER_SECOND),
        at: prop::sample::Index,
    ) {
        let schedule = uniform(&stages);
        let total = schedule.arrivals_total();
        prop_assume!(total > 0);
        for u in [0, at.index(total as usize) as u64, total - 1] {
            let due_ns = schedule.due_ns(u).unwrap();
            prop_assert!(due_ns < schedule.duration_ns());
            prop_assert!(reaches(&stages, due_ns, u), "{u} is not reached at {due_ns}");
            prop_assert!(due_ns == 0 || !reaches(&stages, due_ns - 1, u), "{u} is reached before {due_ns}");
        }
        // The next one is not reached in time, or not within the area.
        prop_assert_eq!(schedule.due_ns(total), None);
        let (mean, last_ns) = (schedule.arrivals_mean(), schedule.duration_ns() - 1);
        // The mean is for people to read, and off by a few of its last bits.
        let is_total = (mean - total as f64).abs() <= mean * 4.0 * f64::EPSILON;
        prop_assert!(!reaches(&stages, last_ns, total) || is_total, "{total} of {mean}");
    }

    #[test]
    fn a_schedule_of_any_size_is_exact_or_refused(stages in wild_stages(), at in any::<u64>(), seed in any::<u64>()) {
        for arrivals in [Arrivals::Uniform, Arrivals::Poisson] {
            let Ok(schedule) = ArrivalSchedule::new(&stages, arrivals, Stream { seed, scenario: 1 }) else { continue };
            prop_assert!(schedule.rate_at(at).is_finite());
            let profile = schedule.profile();
            let total = uniform(&stages).arrivals_total();
            for u in [0, at % total.max(1), total.saturating_sub(1)].into_iter().take_while(|_| total > 0) {
                // The inverse of the load is exact: checked by the load itself, one nanosecond before and after.
                let due_ns = schedule.due_ns(u).unwrap();
                let load = u128::from(u) * UNITS_PER_ARRIVAL;
                prop_assert!(profile.load_due_before(due_ns) <= load && load < profile.load_due_before(due_ns + 1));
            }
            let schedule = Arc::new(schedule);
            let mut cursor = cursor(&schedule, &Share::full());
            prop_assert!(cursor.by_ref().take(50).is_sorted_by_key(|arrival| arrival.due_ns));
            cursor.skip_before(at);
            prop_assert!(cursor.take(50).all(|a| at <= a.due_ns && a.due_ns < schedule.duration_ns()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parties_together_make_every_arrival_once(
        stages in stages(20 * SECOND_NS, 400 * Rate::PER_SECOND),
        arrivals in prop_oneof![Just(Arrivals::Uniform), Just(Arrivals::Poisson)],
        (seed, scenario) in any::<(u64, u32)>(),
        (agents, workers) in (weights(), weights()),
    ) {
        let schedule = Arc::new(ArrivalSchedule::new(&stages, arrivals, Stream { seed, scenario }).unwrap());
        let whole: Vec<Arrival> = cursor(&schedule, &Share::full()).collect();
        prop_assert_eq!(whole.len() as u64, schedule.arrivals_total());
        prop_assert!(whole.is_sorted_by(|a, b| a.id < b.id && a.due_ns <= b.due_ns));
        prop_assert!(whole.iter().all(|arrival| arrival.due_ns < schedule.duration_ns()));
        if arrivals == Arrivals::Uniform {
            prop_assert!(whole.iter().all(|arrival| schedule.due_ns(arrival.id) == Some(arrival.due_ns)));
        }
        let mut together = Vec::new();
        for agent in Share::full().deal(&agents) {
            for share in agent.deal(&workers) {
                let own: Vec<Arrival> = cursor(&schedule, &share).collect();
                prop_assert!(own.is_sorted_by(|a, b| a.id < b.id));
                prop_assert!(own.iter().all(|arrival| share.contains(schedule.shard_of(arrival.id))));
                together.extend(own);
            }
        }
        together.sort_by_key(|arrival| arrival.id);
        prop_assert_eq!(together, whole);
    }

    #[test]
    fn counting_and_skipping_agree_with_iterating(
        stages in stages(20 * SECOND_NS, 400 * Rate::PER_SECOND),
        arrivals in prop_oneof![Just(Arrivals::Uniform), Just(Arrivals::Poisson)],
        weights in weights(),
        mut moments in prop::collection::vec((0..100 * SECOND_NS, any::<bool>()), 1..8),
    ) {
        let schedule = Arc::new(ArrivalSchedule::new(&stages, arrivals, STREAM).unwrap());
        let share = Share::full().deal(&weights).swap_remove(0);
        let own: Vec<Arrival> = cursor(&schedule, &share).collect();
        let (mut counting, mut skipping) = (cursor(&schedule, &share), cursor(&schedule, &share));
        let mut passed = 0;
        // Moments of arrivals themselves, and just after, are where counting could go wrong.
        moments.extend(own.iter().step_by(97).flat_map(|a| [(a.due_ns, true), (a.due_ns + 1, false)]));
        moments.sort_unstable();
        for (t_ns, peeks) in moments {
            if peeks {
                prop_assert_eq!(counting.peek(), own.get(passed).copied());
            }
            let before = own.partition_point(|arrival| arrival.due_ns < t_ns);
            prop_assert_eq!(counting.count_before(t_ns), (before - passed) as u64);
            prop_assert_eq!(counting.clone().next(), own.get(before).copied());
            // From afar, from wherever the last moment left it, and not backwards.
            let mut leaping = cursor(&schedule, &share);
            leaping.skip_before(t_ns);
            prop_assert_eq!(leaping.peek(), own.get(before).copied());
            skipping.skip_before(t_ns);
            prop_assert_eq!(skipping.peek(), own.get(before).copied());
            skipping.skip_before(t_ns / 2);
            prop_assert_eq!(skipping.peek(), own.get(before).copied());
            passed = before;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_amended_schedule_is_the_same_until_then_and_goes_on_from_there(
        first in stages(20 * SECOND_NS, 400 * Rate::PER_SECOND),
        arrivals in prop_oneof![Just(Arrivals::Uniform), Just(Arrivals::Poisson)],
        amendments in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<bool>(), stages(20 * SECOND_NS, 400 * Rate::PER_SECOND)), 1..5),
        weights in weights(),
    ) {
        let mut schedule = ArrivalSchedule::new(&first, arrivals, STREAM).unwrap();
        let mut least_ns = 0;
        for (place, on_an_arrival, stages) in amendments {
            let before: Vec<Arrival> = cursor(&Arc::new(schedule.clone()), &Share::full()).collect();
            let later: Vec<u64> = before.iter().map(|arrival| arrival.due_ns).filter(|due_ns| *due_ns > least_ns).collect();
            let at_ns = match later.len() {
                len if on_an_arrival && len > 0 => later[place.index(len)],
                _ => least_ns + place.index((schedule.duration_ns() - least_ns) as usize + 1) as u64,
            };
            let amended = schedule.amended(at_ns, &stages).unwrap();
            let after: Vec<Arrival> = cursor(&Arc::new(amended.clone()), &Share::full()).collect();
            let kept = before.partition_point(|arrival| arrival.due_ns < at_ns);
            prop_assert_eq!(&after[..kept.min(after.len())], &before[..kept]);
            prop_assert!(after[kept..].iter().all(|a| at_ns <= a.due_ns && a.due_ns < amended.duration_ns()));
            prop_assert!(after.is_sorted_by(|a, b| a.id < b.id && a.due_ns <= b.due_ns));
            prop_assert_eq!(after.len() as u64, amended.arrivals_total());
            prop_assert_eq!(amended.load_before(at_ns), schedule.load_before(at_ns));
            if arrivals == Arrivals::Uniform {
                prop_assert!(after.iter().enumerate().all(|(place, arrival)| arrival.id == place as u64));
            }
            (schedule, least_ns) = (amended, at_ns);
        }
        let schedule = Arc::new(schedule);
        let mut together: Vec<Arrival> =
            Share::full().deal(&weights).iter().flat_map(|share| cursor(&schedule, share)).collect();
        together.sort_by_key(|arrival| arrival.id);
        prop_assert_eq!(together, cursor(&schedule, &Share::full()).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_left_of_a_schedule_makes_as_much_as_it_would_have(
        stages in stages(20 * SECOND_NS, 400 * Rate::PER_SECOND),
        place: prop::sample::Index,
    ) {
        let schedule = uniform(&stages);
        let at_ns = place.index(schedule.duration_ns() as usize + 1) as u64;
        let same = schedule.amended(at_ns, &schedule.rest_from(at_ns)).unwrap();
        prop_assert_eq!(same.duration_ns(), schedule.duration_ns());
        // Each cut loses less than a thousandth of an arrival per hour.
        prop_assert!(same.arrivals_total().abs_diff(schedule.arrivals_total()) <= 1);
    }
}

#[test]
fn arrivals_go_on_after_a_pause_where_they_stood() {
    let plain_run = uniform(&[plain(10, 100, 100)]);
    let paused = plain_run.amended(2 * SECOND_NS, &[plain(8, 0, 0)]).unwrap();
    assert_eq!(paused.arrivals_total(), 200);
    let resumed = paused.amended(5 * SECOND_NS, &plain_run.rest_from(5 * SECOND_NS)).unwrap();
    // The one that the pause began with was not due then, and is due when it ends.
    assert_eq!([199, 200, 201].map(|u| resumed.due_ns(u).unwrap()), [1_990_000_000, 5_000_000_000, 5_010_000_000]);
    assert_eq!(resumed.arrivals_total(), 700);
    let silent = uniform(&[plain(10, 0, 0)]);
    assert_eq!(silent.amended(3 * SECOND_NS, &[plain(7, 1, 1)]).unwrap().due_ns(0), Some(3 * SECOND_NS));
}

#[test]
fn a_constant_rate_is_even() {
    let arrivals = all(uniform(&[plain(10, 1_000, 1_000)]));
    assert_eq!(arrivals.len(), 10_000);
    assert!(arrivals.iter().enumerate().all(|(n, a)| a.id == n as u64 && a.due_ns == n as u64 * 1_000_000));
    let thirds: Vec<u64> = all(uniform(&[plain(1, 3, 3)])).iter().map(|a| a.due_ns).collect();
    assert_eq!(thirds, [0, 333_333_334, 666_666_667]);
}

#[test]
fn slow_rates_are_exact_for_days() {
    let schedule = uniform(&[stage(30 * 86_400 * SECOND_NS, Rate::PER_HOUR, Rate::PER_HOUR)]);
    assert_eq!(schedule.arrivals_total(), 30 * 24);
    assert_eq!(schedule.due_ns(719), Some(719 * 3_600 * SECOND_NS));
}

#[test]
fn a_ramp_makes_its_area() {
    let up = uniform(&[plain(10, 0, 100)]);
    assert_eq!(up.arrivals_total(), 500);
    // N(t) = 5·t² per second squared: 5 at 1 s, 125 at 5 s, 405 at 9 s.
    assert_eq!([5, 125, 405].map(|u| up.due_ns(u).unwrap()), [1, 5, 9].map(|s| s * SECOND_NS));
    // The mirror image: what rises to 5 in the first second falls by 5 in the last.
    let down = uniform(&[plain(10, 100, 0)]);
    assert_eq!(down.arrivals_total(), 500);
    assert_eq!([95, 375, 495].map(|u| down.due_ns(u).unwrap()), [1, 5, 9].map(|s| s * SECOND_NS));
    assert_eq!((down.rate_at(0), down.rate_at(5 * SECOND_NS), down.rate_at(10 * SECOND_NS)), (100.0, 50.0, 0.0));
}

#[test]
fn a_stage_of_no_length_is_a_jump() {
    let jump = uniform(&[plain(1, 10, 10), plain(0, 10, 1_000), plain(1, 1_000, 1_000), plain(0, 0, 7)]);
    assert_eq!(jump.arrivals_total(), 1_010);
    assert_eq!(jump.due_ns(9), Some(900_000_000));
    assert_eq!(jump.due_ns(11), Some(1_001_000_000));
    assert_eq!((jump.rate_at(SECOND_NS - 1), jump.rate_at(SECOND_NS)), (10.0, 1_000.0));
}

#[test]
fn silence_makes_no_arrival() {
    assert_eq!(all(uniform(&[])), []);
    assert_eq!(all(uniform(&[plain(0, 5, 5)])), []);
    assert_eq!(all(uniform(&[plain(10, 0, 0)])), []);
    assert_eq!(all(poisson(&[plain(10, 0, 0)], 1, 1)), []);
    assert_eq!(uniform(&[plain(10, 100, 100), plain(10, 0, 0)]).arrivals_total(), 1_000);
}

#[test]
fn what_would_not_be_exact_is_refused() {
    let refusal = |stages: &[RateStage], arrivals| ArrivalSchedule::new(stages, arrivals, STREAM).unwrap_err();
    let found = Rate(Rate::MAX.0 + 1);
    let too_high = [plain(1, 1, 1), stage(0, 0, found.0)];
    assert_eq!(refusal(&too_high, Arrivals::Uniform), ScheduleError::RateTooHigh { stage: 2, found });
    let too_long = [stage(u64::MAX, 0, 0), stage(1, 0, 0)];
    assert_eq!(refusal(&too_long, Arrivals::Uniform), ScheduleError::TooLong { stage: 2 });
    let duration = Duration::from_nanos(u64::MAX);
    let too_fine = [RateStage { duration, from: Rate(0), to: Rate(7) }];
    assert_eq!(refusal(&too_fine, Arrivals::Uniform), ScheduleError::RampTooFine { stage: 1, duration });
    let most = [stage(u64::MAX, Rate::MAX.0, Rate::MAX.0)];
    assert_eq!(uniform(&most).arrivals_total(), u64::MAX);
    assert_eq!(refusal(&most, Arrivals::Poisson), ScheduleError::TooManyArrivals { max: 1 << 56 });
}

#[test]
fn ramps_that_people_write_are_not_refused() {
    for (seconds, rate) in [(30 * 86_400, 1_000_000), (7 * 86_400 + 1, 999_983), (1, 1_000_000_000), (3_600, 33_333)] {
        assert_eq!(uniform(&[plain(seconds, 0, rate)]).arrivals_total(), (seconds * rate).div_ceil(2));
    }
}

/// Mean, and variance over mean, which is 1 for a Poisson distribution.
fn mean_and_dispersion(counts: &[u64]) -> (f64, f64) {
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<u64>() as f64 / n;
    let variance = counts.iter().map(|&count| (count as f64 - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, variance / mean)
}

#[test]
fn poisson_counts_are_distributed_as_such_over_seeds() {
    // 5 000 on average, more than a block.
    let stages = [plain(10, 0, 500), plain(5, 500, 500)];
    let schedules: Vec<ArrivalSchedule> = (0..400).map(|seed| poisson(&stages, seed, 3)).collect();
    assert_eq!(schedules[0].arrivals_mean(), 5_000.0);
    let counts: Vec<u64> = schedules.iter().map(ArrivalSchedule::arrivals_total).collect();
    let (mean, dispersion) = mean_and_dispersion(&counts);
    // Five standard deviations each: sqrt(5000 / 400) of the mean, sqrt(2 / 400) of the dispersion.
    assert!((mean - 5_000.0).abs() < 5.0 * 3.54, "{mean}");
    assert!((dispersion - 1.0).abs() < 5.0 * 0.071, "{dispersion}");
}

#[test]
fn poisson_arrivals_are_memoryless_across_blocks() {
    // A hundred blocks, counted in windows of a tenth of a block and a bit, so that windows straddle blocks.
    let arrivals = all(poisson(&[plain(410, 1_000, 1_000)], 7, 0));
    let mut counts = vec![0; 1_000];
    for arrival in &arrivals {
        counts[(arrival.due_ns / 410_000_000) as usize] += 1;
    }
    let (mean, dispersion) = mean_and_dispersion(&counts);
    assert!((mean - 410.0).abs() < 5.0 * 0.64, "{mean}");
    assert!((dispersion - 1.0).abs() < 5.0 * 0.045, "{dispersion}");
    // Of distances of mean 1 ms, e⁻¹ are longer than that.
    let longer = arrivals.windows(2).filter(|pair| pair[1].due_ns - pair[0].due_ns > 1_000_000).count();
    assert!((longer as f64 / arrivals.len() as f64 - 0.367_879).abs() < 0.004, "{longer}");
}

#[test]
fn poisson_load_is_spread_evenly_over_all_shards() {
    let arrivals = 1_000_000;
    let schedule = Arc::new(poisson(&[plain(100, 10_000, 10_000)], 7, 0));
    let mut counts = vec![0; SHARDS];
    for share in Share::full().deal(&[1, 2]) {
        for arrival in cursor(&schedule, &share) {
            let shard = schedule.shard_of(arrival.id);
            assert!(share.contains(shard));
            counts[usize::from(shard)] += 1;
        }
    }
    assert_eq!(counts.iter().sum::<u64>(), schedule.arrivals_total());
    // One in each round of all shards, except where the end of a block falls: that depends on its length.
    let mean = arrivals as f64 / SHARDS as f64;
    assert!(counts.iter().all(|&count| count > 0 && (count as f64) < 3.0 * mean));
}

#[test]
fn seeds_and_scenarios_draw_different_arrivals() {
    let stages = [plain(10, 10, 10)];
    assert_eq!(all(poisson(&stages, 1, 1)), all(poisson(&stages, 1, 1)));
    assert_ne!(all(poisson(&stages, 1, 1)), all(poisson(&stages, 2, 1)));
    assert_ne!(all(poisson(&stages, 1, 1)), all(poisson(&stages, 1, 2)));
}

/// The numbers were computed by another program, in another language.
#[test]
fn poisson_arrivals_are_these_on_every_machine() {
    let schedule = Arc::new(poisson(&[plain(20, 0, 1_000)], 42, 1));
    let mut cursor = cursor(&schedule, &Share::full());
    let first: Vec<(u64, u64)> = cursor.by_ref().take(3).map(|a| (a.id, a.due_ns)).collect();
    assert_eq!(first, [(0, 157_328_158), (1, 456_778_693), (2, 463_367_755)]);
    cursor.skip_before(19 * SECOND_NS);
    assert_eq!(cursor.next(), Some(Arrival { id: 2 << 20 | 807, due_ns: 19_000_812_187 }));
    assert_eq!(cursor.last(), Some(Arrival { id: 2 << 20 | 1_770, due_ns: 19_994_595_441 }));
    assert_eq!(schedule.arrivals_total(), 9_784);
}

#[test]
fn ordinals_of_random_arrivals_count_those_before_them() {
    let stages =
        [RateStage { duration: Duration::from_secs(30), from: Rate::per_second(1_000), to: Rate::per_second(1_000) }];
    let stream = Stream { seed: 7, scenario: 2 };
    let schedule = Arc::new(ArrivalSchedule::new(&stages, Arrivals::Poisson, stream).unwrap());
    let mut cursor = ArrivalCursor::new(schedule, Arc::new(Share::full()));
    let mut ordinals = PoissonOrdinals::new(stream);
    let ids: Vec<u64> = std::iter::from_fn(|| {
        let arrival = cursor.peek()?;
        cursor.count_before(arrival.due_ns + 1);
        Some(arrival.id)
    })
    .collect();
    assert!(ids.len() > 25_000);
    // Some fall due in the same nanosecond, and are passed together.
    let mut before = 0;
    for id in ids {
        let ordinal = ordinals.of(id);
        assert!((before..before + 3).contains(&ordinal), "{id}: {ordinal} after {before}");
        before = ordinal + 1;
    }
    assert_eq!(PoissonOrdinals::new(stream).of(5 << 20 | 3), ordinals.of(5 << 20 | 3));
}
