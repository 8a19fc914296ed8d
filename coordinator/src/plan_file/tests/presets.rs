//! What the names of tests stand for.

use std::time::Duration;

use muster_proto::plan::{Executor, Rate, RateStage, Shape};
use proptest::prelude::*;

use super::super::{PRESETS, Preset, QuickPlan, quick, resolved, schema};
use super::{mistakes, scenario, sound};

fn plan(lines: &str) -> String {
    scenario(&format!("{lines}\nsteps: [ {{ get: / }} ]"))
}

/// The reference's table: what the load comes to, as a part of the highest load for all of the time; how much of the
/// highest load it begins and ends with.
const DOCUMENTED: [(&str, (u128, u128), f64, f64); 6] = [
    ("smoke", (1, 1), 1.0, 1.0),
    ("load", (7, 8), 0.0, 0.0),
    ("stress", (13, 16), 0.0, 0.0),
    ("soak", (95, 96), 0.0, 0.0),
    ("spike", (13, 40), 0.1, 0.1),
    ("breakpoint", (1, 2), 0.0, 1.0),
];

#[test]
fn every_kind_of_test_is_documented() {
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    assert_eq!(names, DOCUMENTED.map(|(name, ..)| name));
    assert_eq!(names, super::super::preset::NAMES);
}

proptest! {
    #[test]
    fn a_kind_of_test_is_as_long_as_high_and_as_much_as_documented(
        kind in 0..DOCUMENTED.len(),
        rate in 1..=Rate::MAX.0,
        users in 1..10_000_000_u32,
        nanoseconds in 1_000_000..31_622_400_000_000_000_u64,
    ) {
        let (name, (part, of), first, last) = DOCUMENTED[kind];
        let preset = Preset::named(name).unwrap();
        let duration = Duration::from_nanos(nanoseconds);
        let by_rate: Vec<(u128, u64, u64)> =
            preset.rates(Rate(rate), duration).iter().map(|s| (s.duration.as_nanos(), s.from.0, s.to.0)).collect();
        let by_users = preset.users(users, duration);
        let by_users = by_users.iter().map(|s| (s.duration.as_nanos(), u64::from(s.from), u64::from(s.to))).collect();
        for (highest, stages) in [(rate, by_rate), (u64::from(users), by_users)] {
            prop_assert_eq!(stages.iter().map(|(length, ..)| length).sum::<u128>(), u128::from(nanoseconds));
            prop_assert_eq!(stages.iter().map(|(_, from, to)| *from.max(to)).max(), Some(highest));
            prop_assert!(stages.windows(2).all(|pair| pair[0].2 == pair[1].1), "no jumps");
            let near = |level: u64, wanted: f64| (level as f64 - highest as f64 * wanted).abs() <= 1.0 + highest as f64 * 1e-12;
            prop_assert!(near(stages[0].1, first) && near(stages[stages.len() - 1].2, last));
            let twice: u128 = stages.iter().map(|(length, from, to)| length * u128::from(from + to)).sum();
            let wanted = 2 * u128::from(highest) * u128::from(nanoseconds) * part / of;
            // A level is rounded up by less than one, and the end of a stage by less than a nanosecond.
            let rounding = 2 * u128::from(nanoseconds) + 2 * u128::from(highest) * stages.len() as u128;
            prop_assert!(twice.abs_diff(wanted) <= rounding, "{} of {}", twice, wanted);
        }
    }
}

#[test]
fn a_preset_is_shown_as_what_it_is() {
    let plan = sound(&plan("preset: spike\nrate: 100/s\nduration: 20s"));
    let stage = |seconds: u64, from: u64, to: u64| RateStage {
        duration: Duration::from_secs(seconds),
        from: Rate::per_second(from),
        to: Rate::per_second(to),
    };
    let spike = [stage(4, 10, 10), stage(1, 10, 100), stage(4, 100, 100), stage(1, 100, 10), stage(10, 10, 10)];
    let Executor::ArrivalRate { stages, max_users: 10_000, shape: Shape::Ramping, .. } = &plan.scenarios[0].executor
    else {
        panic!("{:?}", plan.scenarios[0].executor);
    };
    assert_eq!(stages[..], spike);
    let document = resolved(&plan);
    assert_eq!(document["scenarios"][0]["executor"], "ramping-arrival-rate");
    assert_eq!(document["scenarios"][0]["stages"].as_array().unwrap().len(), 5);
}

#[test]
fn a_preset_of_users_is_a_closed_model_and_lasts_its_own_time() {
    let plan = sound(&plan("preset: load\nvus: 7"));
    let Executor::Users { stages, .. } = &plan.scenarios[0].executor else { panic!("a closed model") };
    let seen: Vec<_> = stages.iter().map(|stage| (stage.duration.as_secs(), stage.from, stage.to)).collect();
    assert_eq!(seen, [(300, 0, 7), (1800, 7, 7), (300, 7, 0)]);
}

#[test]
fn a_quick_test_may_be_of_a_kind() {
    let preset = Preset::named("breakpoint").ok();
    let wanted =
        QuickPlan { url: "http://h".into(), preset, rate: Some(Rate::per_second(500)), ..QuickPlan::default() };
    let plan = quick(wanted.clone()).unwrap();
    let Executor::ArrivalRate { stages, .. } = &plan.scenarios[0].executor else { panic!("an open model") };
    let whole = RateStage { duration: Duration::from_secs(7200), from: Rate(0), to: Rate::per_second(500) };
    assert_eq!(stages[..], [whole]);
    let short = QuickPlan { rate: None, duration: Some(Duration::from_secs(8)), ..wanted };
    assert_eq!(quick(short).unwrap().scenarios[0].executor.users_max(), super::super::QUICK_USERS);
}

#[test]
fn what_does_not_go_with_a_preset_is_told_and_refused_by_the_schema() {
    let wrong = [
        "preset: spyke\nrate: 1/s",
        "preset: spike",
        "preset: spike\nrate: 1/s\nusers: 2",
        "preset: spike\nrate: 0/s",
        "preset: spike\nusers: 2\nmax_users: 3",
        "preset: spike\nrate: 1/s\nstages: [ { duration: 1s, target: 2/s } ]",
        "preset: spike\nrate: 1/s\niterations: 5",
        "preset: spike\nexecutor: constant-arrival-rate\nrate: 1/s\nduration: 1s",
    ]
    .map(plan);
    insta::assert_snapshot!(wrong.each_ref().map(|plan| mistakes(plan)).join("\n"));
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let document = |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).unwrap();
    let sound = plan("preset: soak\nrate: 10/s\narrivals: poisson\nwarm_up: 1m");
    assert!(super::yaml(&sound).is_ok() && schema.is_valid(&document(&sound)));
    // That a rate is above zero, and what a closed model does not take, is not for a schema to say.
    for plan in wrong.iter().filter(|plan| !plan.contains("0/s") && !plan.contains("max_users")) {
        assert!(!schema.is_valid(&document(plan)), "{plan}");
    }
}
