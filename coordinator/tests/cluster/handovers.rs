//! Load that goes from agent to agent while it is generated.

use muster::run::record::{Ending, RunRecord};
use muster_agent::guard::Guard;
use muster_agent::session::Leave;
use muster_proto::measurement::SkipReason;
use muster_target::{Config, Target};

use super::support::{Coordinator, LEASE, assert_balanced, document, join_at, join_until, plan, until_served};
use super::wire::Wire;

fn skipped(record: &RunRecord, reason: SkipReason) -> u64 {
    record.timeline.counts().skipped[reason as usize]
}

/// How many of an agent's arrivals fell due.
fn due_of(record: &RunRecord, name: &str) -> u64 {
    let index = record.agents.iter().position(|agent| agent.name == name).unwrap();
    record.timeline.agents()[index].counts.due
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_take_over_what_an_agent_held_that_is_lost() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 3, "redistribute", "300/s", "8s")).await;
    let dying = coordinator.join("dying", 1, Guard::loopback_only());
    let survivors = ["one", "two"].map(|name| coordinator.join(name, 1, Guard::loopback_only()));
    until_served(&target, 200).await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    let (record, told) = coordinator.end().await;
    for survivor in survivors {
        survivor.await.unwrap().expect("released");
    }
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    assert_balanced(&record);
    let (counts, lost) = (record.timeline.counts(), skipped(&record, SkipReason::AgentLost));
    assert_eq!(counts.due, 2_400);
    // A third of the load for as long as it takes to be sure of the loss.
    assert!((100..300).contains(&lost), "{lost}");
    assert_eq!(
        counts.completed
            + lost
            + counts.cut_off
            + document(&record)["accounting"]["iterations"]["unknown"].as_u64().unwrap(),
        2_400
    );
    assert!(due_of(&record, "one") > 900 && due_of(&record, "two") > 900, "the last seconds are theirs alone");
    assert!(target.stop().responses <= 2_400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_leaves_hands_back_what_it_holds_and_nothing_is_missed() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 2, "redistribute", "300/s", "4s")).await;
    let (leave, wanted) = tokio::sync::watch::channel(false);
    let leaving = join_until(&coordinator.address, "leaving", (1, Guard::loopback_only()), Leave::when(wanted));
    let staying = coordinator.join("staying", 1, Guard::loopback_only());
    until_served(&target, 200).await;
    leave.send(true).unwrap();
    leaving.await.unwrap().expect("it went as it was told, while the run went on");
    assert!(target.counts().responses < 1_100);
    let (record, told) = coordinator.end().await;
    staying.await.unwrap().expect("released");
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    assert_balanced(&record);
    let counts = record.timeline.counts();
    assert_eq!((counts.due, counts.completed, counts.skipped_total()), (1_200, 1_200, 0), "{told:?}");
    assert_eq!(document(&record)["verdict"]["exit_code"], 0);
    assert_eq!(target.stop().responses, 1_200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_joins_late_is_given_its_part_and_nothing_is_missed() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 1, "redistribute", "300/s", "5s")).await;
    let first = coordinator.join("first", 1, Guard::loopback_only());
    until_served(&target, 200).await;
    let late = coordinator.join("late", 2, Guard::loopback_only());
    let (record, told) = coordinator.end().await;
    for agent in [first, late] {
        agent.await.unwrap().expect("released");
    }
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    assert!(told.iter().any(|line| line == "agent late joins while the run goes on"), "{told:?}");
    assert_balanced(&record);
    let counts = record.timeline.counts();
    assert_eq!((counts.due, counts.completed), (1_500, 1_500));
    assert!(due_of(&record, "late") > 300, "{told:?}");
    assert_eq!(document(&record)["verdict"]["exit_code"], 0);
    assert_eq!(target.stop().responses, 1_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_comes_back_does_not_start_what_is_others_by_now_and_gets_its_part_again() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 2, "redistribute", "200/s", "10s")).await;
    let wire = Wire::to(&coordinator.address).await;
    let agents = [
        join_at(&wire.address, "cut off", 1, Guard::loopback_only()),
        coordinator.join("whole", 1, Guard::loopback_only()),
    ];
    until_served(&target, 100).await;
    wire.block(LEASE * 3).await;
    let (record, told) = coordinator.end().await;
    for agent in agents {
        agent.await.unwrap().expect("released");
    }
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    assert!(told.iter().any(|line| line.starts_with("agent cut off is back")), "{told:?}");
    assert_balanced(&record);
    let counts = record.timeline.counts();
    assert_eq!(counts.due, 2_000, "{told:?}");
    assert_eq!(counts.completed + counts.skipped_total(), 2_000);
    assert_eq!(target.stop().responses, counts.completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whose_operator_allows_no_more_takes_nothing_over() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 2, "redistribute", "200/s", "8s")).await;
    let dying = coordinator.join("dying", 1, Guard::loopback_only());
    let mut guard = Guard::loopback_only();
    guard.max_rate = Some(150.0);
    let survivor = coordinator.join("bound", 1, guard);
    until_served(&target, 100).await;
    dying.abort();
    tokio::time::sleep(LEASE * 2).await;
    let helper = coordinator.join("helper", 1, Guard::loopback_only());
    let (record, told) = coordinator.end().await;
    survivor.await.unwrap().expect("released");
    helper.await.unwrap().expect("released");
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    assert!(told.iter().any(|line| line.starts_with("agent bound takes over no more: ")), "{told:?}");
    assert_balanced(&record);
    assert_eq!(record.timeline.counts().due, 1_600);
    assert!(due_of(&record, "bound") <= 800, "it never holds more than its half");
    assert!(due_of(&record, "helper") > 100, "what nobody could hold goes to whoever joins");
}
