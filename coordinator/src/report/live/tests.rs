//! The live view's numbers, of runs made up for tests.

use std::time::Duration;

use muster_proto::measurement::Delta;
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Aggregate, Bound, Comparison, MetricName, Plan, Rate, Threshold};

use super::*;
use crate::run::life::{Member, Presence};
use crate::run::order::Level;
use crate::run::synthetic::{Made, closed_plan, fail, healthy, open_plan, p99_below, threshold};

/// A run to be looked at.
pub(crate) struct Scene {
    pub(crate) plan: Plan,
    pub(crate) agents: u32,
    pub(crate) seconds: u32,
    pub(crate) shape: fn(u32, u32, &mut Delta),
    pub(crate) doing: Doing,
    pub(crate) presence: Presence,
}

impl Default for Scene {
    /// A minute of an open and a closed scenario on two agents, all well.
    fn default() -> Self {
        let mut plan = open_plan(60);
        plan.scenarios.extend(closed_plan(60).scenarios);
        plan.thresholds = vec![p99_below(500), failed_below(0.01)];
        let (doing, presence) = (Doing::Running, Presence::AtWork);
        Self { plan, agents: 2, seconds: 12, shape: |_, _, delta| healthy(delta), doing, presence }
    }
}

fn failed_below(part: f64) -> Threshold {
    let bound = Bound::Number(part);
    let line = threshold(MetricName::HttpReqFailed, Aggregate::Rate, Comparison::Less, bound);
    Threshold { expression: format!("http_req_failed: rate < {part}"), ..line }
}

/// How the view sees it.
pub(crate) fn live(scene: Scene) -> Live {
    let Scene { plan, agents, seconds, shape, doing, presence } = scene;
    let (mut made, mut follower) = (Made::new(plan, agents), Follower::default());
    let mut live = follower.tell(&standing(&made, doing, presence));
    for _ in 0..seconds {
        made = made.seconds(1, shape);
        live = follower.tell(&standing(&made, doing, presence));
    }
    live
}

fn standing(made: &Made, doing: Doing, presence: Presence) -> Standing<'_> {
    let record = &made.record;
    let part = 1.0 / record.agents.len() as f64;
    let member = |(index, record)| Member { index, record, presence, part };
    Standing {
        id: record.id,
        plan: &record.plan,
        doing,
        elapsed_ns: Some(u64::from(record.timeline.closed_until()) * 1_000_000_000 + 400_000_000),
        joined: record.agents.len(),
        members: record.agents.iter().enumerate().map(member).collect(),
        levels: record
            .plan
            .scenarios
            .iter()
            .map(|scenario| match scenario.executor.is_open() {
                true => Some(Level::Rate(Rate::per_second(100))),
                false => Some(Level::Users(20)),
            })
            .collect(),
        timeline: &record.timeline,
        judge: &record.judge,
    }
}

/// A run whose target fails and whose second agent is tired.
pub(crate) fn failing() -> Scene {
    let mut plan = Scene::default().plan;
    plan.thresholds.push(p99_below(50));
    let shape = |agent: u32, window: u32, delta: &mut Delta| {
        healthy(delta);
        fail(&mut delta.measurement.series[1], 3, 400 + u64::from(window), ErrorKind::Http5xx);
        if agent == 1 && window > 30 {
            delta.health.worker_cpu_max = 0.97;
        }
    };
    Scene { plan, shape, ..Scene::default() }
}

/// A run whose names want to command the terminal.
pub(crate) fn hostile() -> Scene {
    let mut scene = Scene::default();
    scene.plan.name = "\u{1b}[2J\u{1b}]0;owned\u{7}".to_owned();
    scene.plan.scenarios[0].name = "\u{1f4a5}\u{6f22}\u{5b57}\u{6f22}\u{5b57} \u{202e}evil\r\n".to_owned();
    scene.plan.thresholds[0].expression = "p99 \u{9b}31m < \u{6f22}\u{5b57}".to_owned();
    scene
}

#[test]
fn the_numbers_are_those_of_the_seconds_that_closed() {
    let live = live(Scene::default());
    assert_eq!((live.elapsed_s, live.total_s), (Some(12.4), 60.0));
    let seconds = &live.seconds;
    assert_eq!(seconds.history.len(), 12);
    let last = seconds.history.back().unwrap();
    assert_eq!(
        (last.second, last.done, last.errors, last.users),
        (11, 600, 0, 6),
        "2 agents, 5 windows, 3 x 20 requests"
    );
    assert_eq!((last.due, last.skipped, last.grade), (400, 0, Grade::Valid));
    let names: Vec<&str> = seconds.requests.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["all", "browse/list", "browse/cart", "watchers/list"]);
    let all = &seconds.requests[0];
    assert_eq!((all.count, all.now_per_s, all.failed), (7_200, 600, 0.0));
    assert_eq!(all.times_ms, seconds.requests[1].times_ms, "each request has the same times, and so have all of them");
    assert_eq!(seconds.verdict, (Stand::Holds, "passing: 2 of 2 thresholds".to_owned()));
    assert_eq!(seconds.grade, Some((Grade::Valid, 12, 12)));
    assert_eq!(live.agents[1].sent, 3_600);
}

#[test]
fn a_failing_run_is_said_to_fail_with_the_worst_first() {
    let live = live(failing());
    assert_eq!(live.seconds.verdict.0, Stand::Violated);
    let stands: Vec<Stand> = live.seconds.thresholds.iter().map(|row| row.stand).collect();
    assert_eq!(stands, [Stand::Violated, Stand::Violated, Stand::Holds]);
    assert!(live.seconds.requests[2].failed > 0.1, "{:?}", live.seconds.requests);
    assert_eq!(live.agents.iter().map(|agent| agent.grade).collect::<Vec<_>>(), [Grade::Valid, Grade::Suspect]);
}

#[test]
fn it_is_too_early_to_tell_of_what_has_yet_to_come() {
    let mut scene = Scene::default();
    let least = |comparison, bound| threshold(MetricName::HttpReqs, Aggregate::Count, comparison, Bound::Number(bound));
    scene.plan.thresholds = vec![
        least(Comparison::Greater, 1e9),
        least(Comparison::Less, 100.0),
        least(Comparison::Equal, 7_200.0),
        least(Comparison::Equal, 10_000.0),
        least(Comparison::Equal, 5_000.0),
    ];
    let stands = |scene| {
        let mut live = live(scene).seconds.thresholds.clone();
        live.sort_by(|a, b| a.expression.cmp(&b.expression));
        live.into_iter().map(|row| (row.expression, row.stand)).collect::<Vec<_>>()
    };
    let found =
        |stands: &[(String, Stand)], words: &str| stands.iter().find(|(text, _)| text.contains(words)).unwrap().1;
    let so_far = stands(Scene { plan: scene.plan.clone(), ..Scene::default() });
    assert_eq!(found(&so_far, "Greater Number(1000000000"), Stand::Early);
    assert_eq!(found(&so_far, "Less Number(100"), Stand::Violated);
    assert_eq!(found(&so_far, "Equal Number(7200"), Stand::Holds);
    assert_eq!(found(&so_far, "Equal Number(10000"), Stand::Early);
    assert_eq!(found(&so_far, "Equal Number(5000"), Stand::Violated, "a count only grows");
    let nothing = stands(Scene { seconds: 0, plan: Scene::default().plan, ..Scene::default() });
    assert!(nothing.iter().all(|(_, stand)| *stand == Stand::Early), "{nothing:?}");
}

#[test]
fn the_history_is_bounded_and_tells_each_second_once() {
    let live = live(Scene { seconds: HISTORY_MAX as u32 + 20, agents: 1, ..Scene::default() });
    let told: Vec<u32> = live.seconds.history.iter().map(|point| point.second).collect();
    assert_eq!(told, (20..HISTORY_MAX as u32 + 20).collect::<Vec<_>>());
}

#[test]
fn seconds_that_close_at_once_are_all_told() {
    let mut follower = Follower::default();
    let made = Made::new(open_plan(60), 1).seconds(9, |_, _, delta| healthy(delta));
    let told = follower.tell(&standing(&made, Doing::Running, Presence::AtWork));
    assert_eq!(told.seconds.history.len(), 9);
    let made = made.seconds(7, |_, _, delta| healthy(delta));
    let told = follower.tell(&standing(&made, Doing::Running, Presence::AtWork));
    assert!(told.seconds.history.iter().map(|point| point.second).eq(0..16));
}

#[test]
fn a_warm_up_is_shown_until_there_is_something_else() {
    let mut scene = Scene { seconds: 2, ..Scene::default() };
    scene.plan.scenarios.iter_mut().for_each(|scenario| scenario.warm_up = Duration::from_secs(5));
    let live = live(scene);
    assert_eq!(live.seconds.requests[0].count, 1_200);
    assert_eq!(live.seconds.grade, None);
    assert_eq!(live.seconds.verdict.0, Stand::Early);
}

#[test]
fn no_text_of_a_run_can_command_a_terminal() {
    let live = format!("{:?}", live(hostile()).seconds) + &live_names(hostile());
    assert!(live.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{live}");
}

fn live_names(scene: Scene) -> String {
    let Live { name, scenarios, agents, .. } = live(scene);
    let names = scenarios.into_iter().map(|row| row.name).chain(agents.into_iter().map(|row| row.name));
    names.fold(name, |all, name| all + &name)
}
