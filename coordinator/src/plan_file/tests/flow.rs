//! What steers an iteration, as plans write it.

use std::time::Duration;

use muster_proto::plan::{Retry, Rounds, Step, Stop, Think};

use super::mistakes::each;
use super::{request, scenario, sound, step};

/// The steps of a scenario, given as a list of lines.
fn steps(lines: &str) -> Vec<Step> {
    sound(&plan(lines)).scenarios[0].steps.clone()
}

fn plan(lines: &str) -> String {
    let indented: Vec<String> = lines.lines().map(|line| format!("  {line}")).collect();
    scenario(&format!("executor: constant-users\nusers: 1\nduration: 1s\nsteps:\n{}", indented.join("\n")))
}

#[test]
fn blocks_hold_steps_and_other_blocks() {
    let steps = steps(
        "- get: /
- group: buy
  steps:
    - set: { left: 3, label: \"x {{ left }}\" }
    - while: left > 0
      max: 7
      steps: [ { get: /a }, { set: { left: \"{{ left - 1 }}\" } } ]
    - if: \"{{ left == 0 }}\"
      then: [ { stop: failed } ]
      else: [ { repeat: 2, as: i, steps: [ { get: \"/{{ i }}\" } ] } ]
    - { foreach: range(3), as: item, steps: [ { get: \"/{{ item }}\" } ] }
    - { parallel: [ { get: /b }, { post: /c } ], at_once: 2 }
    - choose:
        - { weight: 3, steps: [ { get: /d } ] }
        - { weight: 1, steps: [ { think: 1s } ] }
    - pace: 2s",
    );
    let Step::Group(group) = &steps[1] else { panic!("{steps:?}") };
    let [
        Step::Set(values),
        Step::Loop(while_left),
        Step::If(branch),
        Step::Loop(each),
        Step::Parallel(parallel),
        Step::Choose(choices),
        Step::Pace(pace),
    ] = &group.steps[..]
    else {
        panic!("{group:?}")
    };
    assert_eq!(values[1], ("label".to_owned(), "x {{ left }}".to_owned()));
    assert_eq!((&while_left.rounds, while_left.max), (&Rounds::While("left > 0".to_owned()), 7));
    assert_eq!((branch.condition.as_str(), &branch.then[..]), ("left == 0", &[Step::Stop(Stop::Failed)][..]));
    let Step::Loop(twice) = &branch.otherwise[0] else { panic!("{branch:?}") };
    assert_eq!((&twice.rounds, twice.max, twice.name.as_deref()), (&Rounds::Times("2".to_owned()), 2, Some("i")));
    assert_eq!((&each.rounds, each.max), (&Rounds::Each("range(3)".to_owned()), 10_000));
    assert_eq!((parallel.requests.len(), parallel.at_once), (2, 2));
    assert_eq!(choices.iter().map(|choice| choice.weight).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(*pace, Duration::from_secs(2));
}

#[test]
fn pauses_are_fixed_or_drawn() {
    let think = |think: &str| match steps(&format!("- get: /\n- think: {think}"))[1] {
        Step::Think(think) => think,
        ref step => panic!("{step:?}"),
    };
    let ms = Duration::from_millis;
    assert_eq!(think("1s"), Think::Even(ms(1_000), ms(1_000)));
    assert_eq!(think("1s..3s"), Think::Even(ms(1_000), ms(3_000)));
    assert_eq!(think("{ exponential: 2s }"), Think::Exponential(ms(2_000)));
    assert_eq!(think("{ normal: 2s, deviation: 500ms }"), Think::Normal(ms(2_000), ms(500)));
}

#[test]
fn one_of_the_named_steps_is_chosen_and_the_others_stay() {
    let lines =
        "- { name: list, get: /l }\n- think: 1s\n- { group: buy, steps: [ { get: /b } ] }\n- { name: end, get: /e }";
    let plan = plan(lines).replace("users: 1", "users: 1\n    choose: { list: 3, buy: 1 }");
    let steps = sound(&plan).scenarios[0].steps.clone();
    let [Step::Choose(choices), Step::Think(_), Step::Request(end)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!(choices.iter().map(|choice| choice.weight).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(end.name, "end");
}

#[test]
fn requests_are_made_again_if_the_plan_says_so() {
    let retry = |keys: &str| request(&sound(&step(&format!("get: /, retry: {keys}")))).retry;
    assert_eq!(retry("2"), Retry { times: 2, pause: Duration::from_millis(100) });
    assert_eq!(retry("{ times: 3, pause: 1s }"), Retry { times: 3, pause: Duration::from_secs(1) });
    assert_eq!(request(&sound(&step("get: /"))).retry.times, 0);
}

#[test]
fn mistakes_within_blocks_are_told_with_their_place() {
    let nested = |depth: usize| {
        let open = "{ group: a, steps: [ ".repeat(depth);
        format!("- {open}{{ get: / }}{}", " ] }".repeat(depth))
    };
    let plans = [
        plan("- { group: a }"),
        plan("- { group: a, steps: [ { gett: / } ] }"),
        plan("- { if: left > 0, then: [ { get: / } ] }"),
        plan("- { if: \"{{ 1 }} and {{ 2 }}\", then: [ { get: / } ] }"),
        plan("- { if: \"1 +\", then: [ { get: / } ] }"),
        plan("- { if: true, steps: [ { get: / } ] }"),
        plan("- { repeat: 0, steps: [ { get: / } ] }"),
        plan("- { repeat: 3, as: random, steps: [ { get: / } ] }"),
        plan("- { foreach: [1, 2], as: i, steps: [ { get: / } ] }"),
        plan("- { foreach: items, steps: [ { get: / } ] }"),
        plan("- { while: true, max: 0, steps: [ { get: / } ] }"),
        plan("- { parallel: [ { think: 1s } ] }"),
        plan("- { parallel: [ { get: / } ], at_once: 500 }"),
        plan("- { choose: [ { weight: 0, steps: [ { get: / } ] } ] }"),
        plan("- { set: {} }\n- get: /"),
        plan("- { set: { uuid: 1 } }\n- get: /"),
        plan("- { stop: now }\n- get: /"),
        plan("- { pace: soon }\n- get: /"),
        plan("- { think: { normal: 1s } }\n- get: /"),
        plan("- { think: 1s }"),
        plan("- { get: /, think: 1s }"),
        plan(&nested(16)).replace("get: /", "get: x"),
        plan(&nested(17)),
        plan("- { name: a, get: / }\n- { name: a, get: / }").replace("users: 1", "users: 1\n    choose: { a: 1 }"),
        plan("- { name: list, get: / }").replace("users: 1", "users: 1\n    choose: { lsit: 1 }"),
        step("get: /, retry: many"),
        step("get: /, retry: { pause: 1s }"),
    ];
    insta::assert_snapshot!(each(plans));
}
