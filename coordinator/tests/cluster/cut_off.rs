//! Agents to whom nobody listens any longer: one that reads nothing, and one that was turned away.

use std::time::Duration;

use muster::data::Data;
use muster::run::event::{Command, Event};
use muster::run::life::Run;
use muster::run::record::Ending;
use muster::service::service;
use muster_agent::engine::clock;
use muster_proto::wire::{Probe, from_agent};
use muster_target::{Config, Target};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

use super::stranger::Stranger;
use super::support::{Coordinator, plan, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_reads_nothing_is_cut_off_and_the_run_hears_why() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 1, "fail", "10/s", "1s")).await;
    let mut deaf = Stranger::join(&coordinator.address, "deaf").await;
    // Each question asks for an answer, and none is read: the answers fill the stream and then the queue.
    let asking =
        async { while deaf.say(from_agent::Message::Probe(Probe { sent_at_ns: 1, ..Default::default() })).await {} };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("nobody listens for ever");
    let reading = async { while deaf.hear().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("the stream ends");
    let (record, told) = coordinator.end().await;
    assert_eq!(record.ending, Ending::AgentLost("deaf".to_owned()));
    assert!(told.contains(&"lost agent deaf: it left 256 messages unread".to_owned()), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_turned_away_keeps_nobody_busy() {
    let target = Target::start(Config::default()).unwrap();
    let run = Run::new(settings(&plan(&target, 1, "fail", "10/s", "1s")), 0);
    let (router, switchboard, mut events) = service(&run, Data::default(), None, clock::now_ns);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let _server = tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    let mut stranger = Stranger::join(&address, "stranger").await;
    let joined = events.recv().await.map(|happened| happened.event);
    let Some(Event::Joined(link, _)) = joined else { panic!("it has joined") };
    switchboard.carry_out(Command::Refuse(link, "no".to_owned()));
    for _ in 0..100 {
        stranger.say(from_agent::Message::Probe(Probe { sent_at_ns: 1, ..Default::default() })).await;
    }
    while stranger.hear().await.is_some() {}
    drop(stranger);
    let next = events.recv().await.map(|happened| happened.event);
    assert!(matches!(next, Some(Event::Gone(gone, _)) if gone == link), "{next:?}");
}
