//! Streams that break and stand still while load is generated.

use std::time::Duration;

use muster::report::Report;
use muster::run::record::{Ending, RunRecord};
use muster_agent::guard::Guard;
use muster_proto::measurement::SkipReason;
use muster_target::{Config, Target};

use super::support::{Coordinator, LEASE, join_at, plan};
use super::wire::Wire;

/// The exit code, and whether every law holds.
fn judged(record: &RunRecord) -> (u64, bool) {
    let document = serde_json::to_value(Report::of(record)).unwrap();
    (document["verdict"]["exit_code"].as_u64().unwrap(), !document.to_string().contains("\"holds\":false"))
}

fn skipped(record: &RunRecord, reason: SkipReason) -> u64 {
    [record.timeline.warm_up(), record.timeline.measured()]
        .iter()
        .flat_map(|measurement| &measurement.scenarios)
        .map(|scenario| scenario.skipped[reason as usize])
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_again_and_again_loses_and_doubles_nothing() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 2, "fail", "400/s", "3s")).await;
    let wire = Wire::to(&coordinator.address).await;
    let broken = join_at(&wire.address, "broken", 1, Guard::loopback_only());
    let whole = coordinator.join("whole", 1, Guard::loopback_only());
    while target.counts().responses == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        wire.cut();
    }
    let (record, told) = coordinator.end().await;
    for agent in [broken, whole] {
        agent.await.unwrap().expect("released");
    }
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    assert!(told.iter().any(|line| line == "agent broken is back"), "{told:?}");
    assert_eq!((record.timeline.counts().due, record.timeline.counts().completed), (1_200, 1_200));
    assert_eq!(target.stop().responses, 1_200);
    assert_eq!(judged(&record), (0, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_was_cut_off_comes_back_with_its_books_and_skips_what_it_had_no_lease_for() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 2, "degrade", "200/s", "9s")).await;
    let wire = Wire::to(&coordinator.address).await;
    let agents = [
        join_at(&wire.address, "cut off", 1, Guard::loopback_only()),
        coordinator.join("whole", 1, Guard::loopback_only()),
    ];
    while target.counts().responses < 100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    wire.block(LEASE * 2).await;
    let (record, told) = coordinator.end().await;
    for agent in agents {
        agent.await.unwrap().expect("released");
    }
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    assert!(told.iter().any(|line| line.starts_with("lost agent cut off: silent")), "{told:?}");
    assert!(told.iter().any(|line| line.starts_with("agent cut off is back")), "{told:?}");
    let (counts, lease) = (record.timeline.counts(), skipped(&record, SkipReason::Lease));
    assert_eq!(counts.due, 1_800);
    assert!(lease > 0 && counts.completed + lease == 1_800, "{lease} skipped, {} completed", counts.completed);
    assert_eq!(target.stop().responses, counts.completed);
    assert!(judged(&record).1, "the books balance");
}
