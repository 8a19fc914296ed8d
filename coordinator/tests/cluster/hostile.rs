//! Agents that do not keep to the protocol: each is told why it is not wanted, and the run ends as the plan says.

use std::time::Duration;

use muster::report::Report;
use muster::run::record::Ending;
use muster_agent::guard::Guard;
use muster_proto::convert::pack;
use muster_proto::wire::from_agent::Message;
use muster_proto::wire::{self, from_coordinator};
use muster_target::{Config, Target};
use tonic::Code;

use super::stranger::{Stranger, hello};
use super::support::{Coordinator, plan};

/// How far a stranger goes along before it says what it should not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Joined,
    Started,
}

/// A stranger joins, goes along, and says these things. Returns why it was refused, once its run has ended as it must.
async fn refusal_of(stage: Stage, said: Vec<Message>) -> String {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 1, "fail", "10/s", "1s")).await;
    let mut stranger = Stranger::join(&coordinator.address, "stranger").await;
    if stage == Stage::Started {
        stranger.say(Message::Ready(wire::Ready::default())).await;
        while !matches!(stranger.hear().await.expect("a start"), from_coordinator::Message::Start(_)) {}
    }
    for message in said {
        stranger.say(message).await;
    }
    let refused = async {
        loop {
            if let from_coordinator::Message::Refusal(refusal) = stranger.hear().await.expect("a refusal") {
                return refusal.reason;
            }
        }
    };
    let reason = tokio::time::timeout(Duration::from_secs(30), refused).await.expect("it is refused");
    assert!(stranger.hear().await.is_none(), "the stream ends after a refusal");
    let (record, told) = coordinator.end().await;
    assert_eq!(record.ending, Ending::AgentLost("stranger".to_owned()));
    assert_eq!(serde_json::to_value(Report::of(&record)).unwrap()["verdict"]["exit_code"], 97);
    assert!(told.iter().any(|line| line == &format!("lost agent stranger: {reason}")), "{told:?}");
    reason
}

/// A delta of the first window.
fn delta(seq: u64) -> wire::Delta {
    wire::Delta { seq, ..Default::default() }
}

fn due(seq: u64, due: u64) -> Message {
    let stats = wire::IterationStats { due, started: due, ..Default::default() };
    let measurement = pack(&wire::Measurement { scenarios: vec![stats], ..Default::default() });
    Message::Delta(wire::Delta { measurement, ..delta(seq) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_that_nobody_can_reach_are_refused_however_they_are_split() {
    for counts in [vec![u64::MAX, u64::MAX], vec![1 << 47, 1 << 47], vec![1, u64::MAX / 2]] {
        let said = (1..).zip(counts).map(|(seq, count)| due(seq, count)).collect();
        assert_eq!(refusal_of(Stage::Started, said).await, "it counted more than any agent can");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_histogram_of_garbage_is_refused() {
    let garbage = vec![b"\xff\x80\x80garbage".to_vec().into()];
    let series = vec![wire::RequestStats { sent: 1, expected: 1, histograms: garbage, ..Default::default() }];
    let measurement = pack(&wire::Measurement { series, ..Default::default() });
    let reason = refusal_of(Stage::Started, vec![Message::Delta(wire::Delta { measurement, ..delta(1) })]).await;
    assert!(reason.starts_with("its delta was refused: histograms: the histogram has format 255"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_between_deltas_is_refused() {
    let reason = refusal_of(Stage::Started, vec![due(1, 1), due(3, 1)]).await;
    assert_eq!(reason, "it sent delta 3 where 2 was wanted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_closed_too_early_are_refused() {
    let reason =
        refusal_of(Stage::Started, vec![Message::Closing(wire::Closing { last_seq: 5, ..Default::default() })]);
    assert_eq!(reason.await, "it closed its books after delta 5, but 0 came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delta_before_the_start_is_refused() {
    let reason = refusal_of(Stage::Joined, vec![due(1, 1)]).await;
    assert_eq!(reason, "it sent measurements before the start");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_hello_is_refused() {
    assert_eq!(refusal_of(Stage::Joined, vec![hello("stranger")]).await, "it said hello twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_say_hello_is_turned_away_and_the_run_goes_on_without_it() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 1, "fail", "10/s", "1s")).await;
    let probe = Message::Probe(wire::Probe { sent_at_ns: 1, ..Default::default() });
    let status = Stranger::open(&coordinator.address, probe).await.err().expect("it is turned away");
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "the first message must be a hello"));
    let agent = coordinator.join("honest", 1, Guard::loopback_only());
    let (record, _) = coordinator.end().await;
    agent.await.unwrap().expect("released");
    assert_eq!(record.ending, Ending::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_totals_that_are_made_up_never_balance() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 1, "fail", "10/s", "1s")).await;
    let mut stranger = Stranger::join(&coordinator.address, "stranger").await;
    stranger.say(Message::Ready(wire::Ready::default())).await;
    while !matches!(stranger.hear().await.expect("a start"), from_coordinator::Message::Start(_)) {}
    let closing = wire::Closing { due: u64::MAX, started: u64::MAX, sent: u64::MAX, ..Default::default() };
    stranger.say(Message::Closing(wire::Closing { start_error_ns: Some(i64::MIN), ..closing })).await;
    let (record, _) = coordinator.end().await;
    let report = Report::of(&record);
    assert_eq!(report.verdict.exit_code, 97);
    assert!(muster::report::text::summary(&report, false).contains("sum of deltas = closing total (due): 0 ≠"));
}
