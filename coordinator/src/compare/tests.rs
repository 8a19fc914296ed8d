//! Whether what is shown is there, and what is not there is not shown.

use muster_proto::histogram::Histogram;
use proptest::prelude::*;

use super::stretch::Moment;
use super::*;
use crate::run::record::Ending;
use crate::run::synthetic::{Made, healthy, open_plan, start, succeed};
use crate::run::timeline::Sparse;

/// Draws that repeat: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Like a normal variable, of mean 0 and deviation 1: the sum of three uniform ones.
    fn normal(&mut self) -> f64 {
        (0..3).map(|_| self.unit()).sum::<f64>() * 2.0 - 3.0
    }
}

/// A run whose seconds hang together: a slow one is followed by slow ones. Times are lognormal, and slower by a factor.
fn made_up(dice: &mut Dice, seconds: usize, each: usize, slower: f64) -> Stretch {
    const HANGS_TOGETHER: f64 = 0.5;
    let (mut mood, mut histogram) = (dice.normal(), Histogram::default());
    let moment = |_| {
        mood = HANGS_TOGETHER * mood + (1.0 - HANGS_TOGETHER * HANGS_TOGETHER).sqrt() * dice.normal();
        histogram.clear();
        for _ in 0..each {
            let ms = 20.0 * slower * (0.1 * mood + 0.5 * dice.normal()).exp();
            histogram.record((ms * 1e6) as u64);
        }
        let mut response = Sparse::default();
        response.add(&histogram);
        Moment { response, done: each as u64, failed: 0, seconds: 1 }
    };
    Stretch((0..seconds).map(moment).collect())
}

/// What so many pairs show at each of these quantiles: how many show a difference, and the least true shift that they say they
/// would show, on average.
fn shown<const N: usize>(pairs: u64, slower: f64, quantiles: [f64; N]) -> [(usize, f64); N] {
    let mut dice = Dice(7);
    let mut told = [(0, 0.0); N];
    for _ in 0..pairs {
        let (first, second) = (made_up(&mut dice, 100, 20, 1.0), made_up(&mut dice, 100, 20, slower));
        let (mut first, mut second) = (Times::of(&first), Times::of(&second));
        for (q, (alarms, from)) in quantiles.iter().zip(&mut told) {
            let shift = shift_of_quantile(&mut first, &mut second, *q).expect("long enough to tell");
            *alarms += usize::from(shift.is_shown());
            *from += shift.shown_from / pairs as f64;
        }
    }
    told
}

#[test]
fn of_runs_that_are_alike_hardly_any_pair_shows_a_difference() {
    let pairs = 2_000;
    let quantiles = [0.1, 0.5, 0.9];
    for (q, (alarms, _)) in quantiles.into_iter().zip(shown(pairs, 1.0, quantiles)) {
        assert!(alarms as u64 * 100 <= pairs * 6, "{alarms} of {pairs} at {q}: more than 6 %");
        assert!(alarms as u64 * 100 >= pairs * 2, "{alarms} of {pairs} at {q}: it never says anything");
    }
}

#[test]
fn a_shift_of_the_printed_size_is_found_as_often_as_is_printed() {
    let [(_, from)] = shown(200, 1.0, [0.9]);
    let pairs = 300;
    let [(found, _)] = shown(pairs, 1.0 + from, [0.9]);
    let share = found as f64 / pairs as f64;
    assert!((0.72..0.90).contains(&share), "{share} of pairs show {from}, and four of five should");
}

#[test]
fn what_is_slower_by_a_factor_is_shifted_by_it_at_every_quantile_that_can_be_told() {
    let slower = |factor| made_up(&mut Dice(3), 100, 200, factor);
    let told = quantiles_of(&slower(1.0), &slower(1.5));
    assert_eq!(told.iter().map(|row| row.number).collect::<Vec<_>>(), QUANTILES.map(|(name, _)| name));
    for row in &told {
        assert!((row.values[1] / row.values[0] - 1.5).abs() < 0.002, "{row:?}");
        // Of 20 000 requests 20 lie beyond p99.9: four batches of five.
        let can_be_told = !["p99.9", "p99.95", "p99.99"].contains(&row.number);
        assert_eq!((row.finding, row.because.is_none()), (if can_be_told { "worse" } else { "unknown" }, can_be_told));
        let (shift, band) = (row.shift.unwrap_or(0.5), row.band.unwrap_or([0.4, 0.6]));
        assert!((shift - 0.5).abs() < 0.002 && band[0] < 0.5 && 0.5 < band[1], "{row:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn however_times_are_merged_they_are_those_of_all_moments(seconds in 0_usize..130, seed in 0_u64..1_000) {
        let stretch = made_up(&mut Dice(seed), seconds, 3, 1.0);
        let mut whole = Sparse::default();
        stretch.0.iter().for_each(|moment| whole.merge(&moment.response));
        prop_assert_eq!(Times::of(&stretch).whole, whole);
    }
}

fn record(seconds: u32, slower: u64) -> RunRecord {
    let made = Made::new(open_plan(seconds.into()), 1).seconds(seconds, |_, window, delta| {
        healthy(delta);
        start(&mut delta.measurement.scenarios[0], 200);
        succeed(&mut delta.measurement.series[0], 200, (10 + u64::from(window % 7)) * slower / 100);
    });
    made.end(Ending::Completed)
}

#[test]
fn a_run_compared_with_itself_is_the_same_and_under_the_same_conditions() {
    let run = record(60, 100);
    let comparison = Comparison::of(&run, &run);
    assert_eq!(comparison.conditions, Vec::<String>::new());
    assert!(comparison.rows.len() >= 6);
    for row in &comparison.rows {
        assert_eq!((row.shift, row.finding), (Some(0.0), "same"), "{row:?}");
    }
}

#[test]
fn what_is_slower_is_worse_and_breaks_a_bound_that_is_tighter() {
    let comparison = Comparison::of(&record(60, 100), &record(60, 180));
    let of_list = |row: &&Row| row.request.is_some() && row.number == "p50";
    let row = comparison.rows.iter().find(of_list).unwrap();
    assert_eq!(row.finding, "worse", "{row:?}");
    let limits = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Limit>>();
    let holds =
        |texts: &[&str]| judged(&comparison, &limits(texts)).iter().map(|limit| limit.holds).collect::<Vec<_>>();
    assert_eq!(holds(&["p50=100%", "failed=1%"]), [Some(true), Some(true)]);
    assert_eq!(holds(&["p50=5%", "p99=5%"]), [Some(false), Some(true)]);
    assert!("p98=5%".parse::<Limit>().unwrap_err().contains("such as `p99=5%`"));
}

#[test]
fn other_loads_and_other_generators_are_told() {
    let (before, mut after) = (record(60, 100), record(90, 100));
    after.plan.seed = 7;
    after.agents[0].workers = 9;
    let told = Comparison::of(&before, &after).conditions.join("; ");
    for words in ["seed: 42 before, 7 after", "workers after", "for 60s before", "for 90s after"] {
        assert!(told.contains(words) || told.contains(&words.replace("60s", "1m").replace("90s", "1m30s")), "{told}");
    }
}

#[test]
fn runs_too_short_to_tell_say_so() {
    let comparison = Comparison::of(&record(6, 100), &record(6, 300));
    let of_all: Vec<_> = comparison.rows.iter().filter(|row| row.scenario.is_none()).map(|row| row.number).collect();
    assert_eq!(of_all, ["p50", "p90", "p95", "p99", "rate", "failed"], "what they are is told all the same");
    assert!(comparison.rows.iter().all(|row| row.finding == "unknown"), "{comparison:?}");
    assert!(comparison.rows.iter().all(|row| row.because == Some("too few seconds to tell")), "{comparison:?}");
    let limits: Vec<Limit> = vec!["p99=5%".parse().unwrap()];
    assert_eq!(judged(&comparison, &limits)[0].holds, None);
}

#[test]
fn a_comparison_as_people_read_it() {
    insta::assert_snapshot!(text::table(&Comparison::of(&record(60, 100), &record(60, 110))));
}
