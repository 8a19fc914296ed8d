//! Whole runs, and how they end.

use std::time::Duration;

use muster::report::Report;
use muster::run::record::{Ending, RunRecord};
use muster_agent::guard::Guard;
use muster_proto::wire::cluster_client::ClusterClient;
use muster_proto::wire::{self, from_agent, from_coordinator};
use muster_target::{Config, Target};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::support::{Coordinator, plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_agents_make_every_arrival_exactly_once_in_proportion() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 3, "fail", "600/s", "2s")).await;
    let agents = [1, 2, 3].map(|weight| coordinator.join(&format!("w{weight}"), weight, Guard::loopback_only()));
    let (record, _) = coordinator.end().await;
    for agent in agents {
        agent.await.unwrap().expect("released");
    }
    let report = Report::of(&record);
    let document = serde_json::to_value(&report).unwrap();
    assert_eq!(record.ending, Ending::Completed);
    assert_eq!(record.timeline.counts().due, 1_200);
    assert_eq!(target.stop().responses, 1_200);
    for agent in &record.agents {
        let due = agent.totals.unwrap().due;
        let exact = 200 * u64::from(agent.weight);
        assert!(due.abs_diff(exact) <= 2, "{} had {due} of {exact}", agent.name);
    }
    assert_eq!(document["verdict"]["exit_code"], 0, "{document:#}");
    assert!(!document.to_string().contains("\"holds\":false"), "{document:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_is_what_the_merged_histogram_says() {
    let target =
        Target::start(Config { script: "latency=lognormal(2ms,20ms)".parse().unwrap(), ..Config::default() }).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 2, "fail", "500/s", "1s")).await;
    let _agents = [1, 1].map(|weight| coordinator.join("same", weight, Guard::loopback_only()));
    let (record, _) = coordinator.end().await;
    let report = Report::of(&record);
    let printed = report.metric("http_req_duration", Some("open"), Some("GET /")).expect("the metric");
    let measured = &record.timeline.measured().series[0];
    let mut merged = measured.response_expected.clone();
    merged.merge(&measured.response_failed);
    assert_eq!(printed.count, 500);
    for (name, value_ms) in &printed.times.as_ref().expect("times").percentiles_ms {
        let exact_ms = merged.quantile_ns(name.parse::<f64>().unwrap() / 100.0).unwrap() as f64 / 1e6;
        assert!((value_ms - exact_ms).abs() < 0.0006, "p{name}: {value_ms} is not {exact_ms}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_of_another_version_is_refused_in_words() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 1, "fail", "10/s", "1s")).await;
    let mut client = ClusterClient::connect(format!("http://{}", coordinator.address)).await.unwrap();
    let (outgoing, receiver) = mpsc::channel(1);
    let hello = wire::Hello { protocol_version: 999, build_version: "9.9".to_owned(), ..Default::default() };
    outgoing.send(wire::FromAgent { message: Some(from_agent::Message::Hello(hello)) }).await.unwrap();
    let mut incoming = client.join(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    let answer = incoming.message().await.unwrap().and_then(|message| message.message);
    let Some(from_coordinator::Message::Refusal(refusal)) = answer else { panic!("{answer:?}") };
    assert!(refusal.reason.contains("protocol 999 (build 9.9)"), "{}", refusal.reason);
    assert!(refusal.reason.contains("install the same version"), "{}", refusal.reason);
    coordinator.stops.send(()).await.unwrap();
    let (_, told) = coordinator.end().await;
    assert!(told.iter().any(|line| line.starts_with("refused agent")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agents_operator_forbids_ends_the_run_with_106() {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 1, "fail", "10/s", "1s")).await;
    let agent = coordinator.join("strict", 1, Guard::new(vec!["192.0.2.0/24".parse().unwrap()]));
    let (record, _) = coordinator.end().await;
    let Ending::Failed { exit_code, reason } = record.ending else { panic!("{:?}", record.ending) };
    assert_eq!(exit_code.code(), 106);
    assert!(reason.contains("strict") && reason.contains("--allow"), "{reason}");
    assert_eq!(target.stop().requests, 0);
    drop(agent);
}

/// Lets one of two agents die in mid-run.
async fn lose_one_of_two(on_loss: &str) -> (RunRecord, Vec<String>) {
    let target = Target::start(Config::default()).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 2, on_loss, "100/s", "3s")).await;
    let survivor = coordinator.join("survivor", 1, Guard::loopback_only());
    let dying = coordinator.join("dying", 1, Guard::loopback_only());
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    dying.abort();
    let ended = coordinator.end().await;
    survivor.await.unwrap().expect("released");
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_agent_fails_the_run_or_degrades_it_as_the_plan_says() {
    let (failed, told) = lose_one_of_two("fail").await;
    assert_eq!(failed.ending, Ending::AgentLost("dying".to_owned()));
    assert!(told.iter().any(|line| line.starts_with("lost agent dying")), "{told:?}");
    assert_eq!(serde_json::to_value(Report::of(&failed)).unwrap()["verdict"]["exit_code"], 97);
    let (degraded, _) = lose_one_of_two("degrade").await;
    assert_eq!(degraded.ending, Ending::Completed);
    let lost = degraded.agents.iter().find(|agent| agent.name == "dying").unwrap();
    assert!(lost.lost_at_ns.is_some() && lost.totals.is_none());
    let survivor = degraded.agents.iter().find(|agent| agent.name == "survivor").unwrap();
    assert_eq!(survivor.totals.unwrap().due, 150);
    assert_eq!(serde_json::to_value(Report::of(&degraded)).unwrap()["verdict"]["exit_code"], 97);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_stop_drains_and_everything_is_reported() {
    let target = Target::start(Config { script: "latency=50ms".parse().unwrap(), ..Config::default() }).unwrap();
    let coordinator = Coordinator::start(&plan(&target, 1, "fail", "100/s", "30s")).await;
    let agent = coordinator.join("one", 1, Guard::loopback_only());
    tokio::time::sleep(Duration::from_millis(800)).await;
    coordinator.stops.send(()).await.unwrap();
    let (record, _) = coordinator.end().await;
    agent.await.unwrap().expect("released");
    let counts = record.timeline.counts();
    assert_eq!(record.ending, Ending::StoppedByUser);
    assert_eq!(counts.cut_off, 0);
    assert_eq!(target.stop().responses, counts.completed);
    assert_eq!(serde_json::to_value(Report::of(&record)).unwrap()["verdict"]["exit_code"], 105);
}
