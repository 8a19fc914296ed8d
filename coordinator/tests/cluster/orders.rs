//! Orders to a run that goes on, and that its books are exact whatever they were.

use std::time::Duration;

use muster::run::order::{Done, Level, Order};
use muster::run::record::{Ending, RunRecord};
use muster::service::{ControlError, give};
use muster_agent::guard::Guard;
use muster_proto::change::Stages;
use muster_proto::plan::{Arrivals, Rate, RateStage};
use muster_proto::schedule::{ArrivalSchedule, Stream};
use muster_target::{Config, IdCounts, Target};

use super::support::{Coordinator, assert_balanced, join_at, plan, until_served};
use super::wire::Wire;

/// A plan whose requests carry numbers, and a target that remembers them.
fn numbered(agents: u32, rate: &str, duration: &str) -> (Target, String) {
    let target = Target::start(Config { track_ids: true, ..Config::default() }).unwrap();
    let plan = plan(&target, agents, "redistribute", rate, duration) + "http: { request_ids: true }\n";
    (target, plan)
}

fn rate(per_second: u64) -> Order {
    let level = Level::Rate(Rate::per_second(per_second));
    Order::Set { scenario: "open".to_owned(), level, over: Duration::ZERO }
}

/// How many arrivals there are by the plan and how it went on.
fn planned(record: &RunRecord, per_second: u64, seconds: u64) -> u64 {
    let (rate, duration) = (Rate::per_second(per_second), Duration::from_secs(seconds));
    let stages = [RateStage { duration, from: rate, to: rate }];
    let mut schedule = ArrivalSchedule::new(&stages, Arrivals::Uniform, Stream { seed: 42, scenario: 0 }).unwrap();
    for amendment in &record.amendments {
        let Stages::Rate(stages) = &amendment.reshape.stages else { panic!("users") };
        schedule = schedule.amended(amendment.at_ns, stages).unwrap();
    }
    assert_eq!(schedule.duration_ns(), seconds * 1_000_000_000);
    schedule.arrivals_total()
}

/// All that was planned fell due once, and the target saw what was sent, each of it once.
fn assert_exact(record: &RunRecord, target: Target, planned: u64) {
    assert_balanced(record);
    let counts = record.timeline.counts();
    let IdCounts { seen, repeated, .. } = target.stop().ids.unwrap();
    assert_eq!((counts.due, repeated), (planned, 0));
    assert!(seen >= counts.outcomes() && seen <= counts.due, "{seen} of {}", counts.outcomes());
}

fn notes(record: &RunRecord) -> Vec<&str> {
    record.annotations.iter().map(|note| note.text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_change_the_load_of_all_agents_at_one_moment() {
    let (target, plan) = numbered(3, "300/s", "5s");
    let coordinator = Coordinator::start(&plan).await;
    let agents = ["one", "two", "three"].map(|name| coordinator.join(name, 1, Guard::loopback_only()));
    until_served(&target, 150).await;
    let Done { at_ns: Some(at_ns), text } = coordinator.orders.give(rate(60)).await.unwrap() else {
        panic!("no moment")
    };
    assert!(at_ns >= 500_000_000 && text == "open: 60/s", "{at_ns} {text}");
    coordinator.orders.give(Order::Annotate("deployed\u{7}".to_owned())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    coordinator.orders.give(Order::Pause).await.unwrap();
    assert!(coordinator.orders.give(Order::Pause).await.unwrap_err().contains("paused already"));
    assert!(coordinator.orders.give(rate(1)).await.unwrap_err().contains("resume it first"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    coordinator.orders.give(Order::Resume).await.unwrap();
    let over = Duration::from_millis(700);
    let level = Level::Rate(Rate::per_second(400));
    coordinator.orders.give(Order::Set { scenario: "open".to_owned(), level, over }).await.unwrap();
    let (record, told) = coordinator.end().await;
    for agent in agents {
        agent.await.unwrap().expect("released");
    }
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    assert_eq!(notes(&record), ["open: 60/s", "deployed", "paused", "resumed", "open: 400/s within 0.7 s"]);
    let planned = planned(&record, 300, 5);
    assert!(record.amendments.len() == 4 && planned < 1_500, "{planned}");
    assert_exact(&record, target, planned);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_joins_later_is_told_how_profiles_went_on() {
    let (target, plan) = numbered(1, "200/s", "5s");
    let coordinator = Coordinator::start(&plan).await;
    let first = coordinator.join("first", 1, Guard::loopback_only());
    until_served(&target, 50).await;
    coordinator.orders.give(rate(50)).await.unwrap();
    let later = coordinator.join("later", 1, Guard::loopback_only());
    coordinator.orders.give(rate(120)).await.unwrap();
    let (record, _) = coordinator.end().await;
    for agent in [first, later] {
        agent.await.unwrap().expect("released");
    }
    assert!(record.timeline.agents()[1].counts.due > 0, "it took part");
    let planned = planned(&record, 200, 5);
    assert_exact(&record, target, planned);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_hears_of_it_late_starts_nothing_twice() {
    let (target, plan) = numbered(2, "300/s", "6s");
    let coordinator = Coordinator::start(&plan).await;
    let wire = Wire::to(&coordinator.address).await;
    let near = coordinator.join("near", 1, Guard::loopback_only());
    let far = join_at(&wire.address, "far", 1, Guard::loopback_only());
    until_served(&target, 150).await;
    let order = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        // Not so slow that it has started by then what the new rate never comes to.
        coordinator.orders.give(rate(150)).await.unwrap();
    };
    // Within its lease, so that it goes on as before until it hears of it.
    tokio::join!(wire.block(Duration::from_millis(1_200)), order);
    let (record, told) = coordinator.end().await;
    for agent in [near, far] {
        agent.await.unwrap().expect("released");
    }
    assert!(record.agents.iter().all(|agent| agent.lost_at_ns.is_none()), "{told:?}");
    let planned = planned(&record, 300, 6);
    assert_exact(&record, target, planned);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agent_held_that_died_before_it_could_say_so_is_started_once() {
    let (target, plan) = numbered(3, "300/s", "8s");
    let coordinator = Coordinator::start(&plan).await;
    let dying = coordinator.join("dying", 1, Guard::loopback_only());
    let survivors = ["one", "two"].map(|name| coordinator.join(name, 1, Guard::loopback_only()));
    until_served(&target, 200).await;
    let (_, ordered) = tokio::join!(async { dying.abort() }, coordinator.orders.give(rate(90)));
    ordered.unwrap();
    let (record, told) = coordinator.end().await;
    for survivor in survivors {
        survivor.await.unwrap().expect("released");
    }
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    let (planned, due) = (planned(&record, 300, 8), record.timeline.counts().due);
    // What it would have started by the old rate, had it lived until its lease ended, may count as due besides.
    assert!((planned..planned + 300).contains(&due), "{due} of {planned}");
    assert_eq!(target.stop().ids.unwrap().repeated, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whose_operator_does_not_allow_it_gives_the_scenario_up() {
    let (target, plan) = numbered(2, "100/s", "5s");
    let coordinator = Coordinator::start(&plan).await;
    let mut limited = Guard::loopback_only();
    limited.max_rate = Some(100.0);
    let agents = [("limited", limited), ("free", Guard::loopback_only())];
    let agents = agents.map(|(name, guard)| coordinator.join(name, 1, guard));
    until_served(&target, 60).await;
    coordinator.orders.give(rate(400)).await.unwrap();
    let (record, told) = coordinator.end().await;
    for agent in agents {
        agent.await.unwrap().expect("released");
    }
    assert!(told.iter().any(|text| text.contains("agent limited does not do so much")), "{told:?}");
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    let planned = planned(&record, 100, 5);
    assert_exact(&record, target, planned);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_come_by_grpc_too_and_those_that_make_no_sense_are_refused_in_words() {
    let target = Target::start(Config::default()).unwrap();
    let plan = format!(
        "target: http://{}\nscenarios:\n  knob: {{ executor: manual, start_users: 0, steps: [ {{ get: \"/?latency=5ms\" }} ] }}\n",
        target.addr()
    );
    let coordinator = Coordinator::start(&plan).await;
    let at = format!("http://{}", coordinator.address);
    let refusal = |order: Order| {
        let at = at.clone();
        async move { give(&at, "", &order).await.unwrap_err().to_string() }
    };
    assert_eq!(refusal(Order::Pause).await, "the run has not begun yet");
    let agent = coordinator.join("one", 1, Guard::loopback_only());
    let users = |users| Order::Set { scenario: "knob".to_owned(), level: Level::Users(users), over: Duration::ZERO };
    let begun = async {
        while give(&at, "", &users(3)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), begun).await.expect("it begins");
    assert_eq!(refusal(rate(5)).await, "there is no scenario open; there is knob");
    let level = Level::Rate(Rate::per_second(1));
    let of_another_kind = Order::Set { scenario: "knob".to_owned(), level, over: Duration::ZERO };
    assert_eq!(refusal(of_another_kind).await, "scenario knob is manual: a number of users can be set");
    assert!(refusal(Order::Resume).await.contains("not paused"));
    assert!(refusal(Order::Annotate("\n".to_owned())).await.contains("without any text"));
    let (id, _) = give(&at, "", &users(2)).await.unwrap();
    assert!(matches!(give(&at, "no such run", &Order::Pause).await, Err(ControlError::Refused(_))));
    until_served(&target, 20).await;
    assert_eq!(give(&at, &id, &Order::Stop { now: false }).await.unwrap().1.text, "stops");
    let (record, _) = coordinator.end().await;
    agent.await.unwrap().expect("released");
    assert_eq!(record.ending, Ending::Completed, "what is driven by hand ends by hand");
    assert!(matches!(give(&at, "", &Order::Pause).await, Err(ControlError::Unreachable { .. })));
    assert_eq!(record.timeline.counts().outcomes(), target.stop().responses);
}
