//! An agent that reads nothing.

use std::time::Duration;

use muster::run::record::Ending;
use muster_proto::wire::{Probe, from_agent};
use muster_target::{Config, Target};

use super::stranger::Stranger;
use super::support::{Coordinator, plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_reads_nothing_is_cut_off_and_the_run_hears_why() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 1, "fail", "10/s", "1s")).await;
    let mut deaf = Stranger::join(&coordinator.address, "deaf").await;
    // Each question asks for an answer, and none is read: the answers fill the stream and then the queue.
    let asking = async { while deaf.say(from_agent::Message::Probe(Probe { sent_at_ns: 1 })).await {} };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("nobody listens for ever");
    let reading = async { while deaf.hear().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("the stream ends");
    let (record, told) = coordinator.end().await;
    assert_eq!(record.ending, Ending::AgentLost("deaf".to_owned()));
    assert!(told.contains(&"lost agent deaf: it left 256 messages unread".to_owned()), "{told:?}");
}
