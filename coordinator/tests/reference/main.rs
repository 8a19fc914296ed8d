//! Every plan of the reference does what it says when it is run, in less time and with less load than it names.

mod service;
mod shrunk;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use muster::conduct::{Opening, Watcher, conduct};
use muster::data::Data;
use muster::plan_file::{Format, PlanFile, from_str};
use muster::report::Report;
use muster::run::life::{Run, RunSettings};
use muster_agent::engine::start::EngineConfig;
use muster_agent::guard::Guard;
use muster_agent::session::{AgentConfig, Leave, take_part};
use muster_proto::id::{Incarnation, RunId};
use muster_proto::plan::Plan;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// How long a plan's load lasts at first; each time that something of it was never sent, twice as long.
const LASTS: Duration = Duration::from_secs(1);
/// How often it is run at most.
const TRIES: u32 = 5;

struct Silent;

impl Watcher for Silent {
    fn tell(&mut self, _text: &str) {}

    fn tick(&mut self, _run: &Run, _now_ns: u64) {}
}

/// The plans of the reference, as they are meant.
fn plans() -> Vec<PlanFile> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plan.md");
    let document = fs::read_to_string(document).unwrap();
    let blocks = document.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let read = |block| from_str(block, Format::Yaml, "docs/plan.md", Path::new(".")).unwrap_or_else(|e| panic!("{e}"));
    blocks.map(read).collect()
}

/// The document of a run of this plan with this data, by an agent of this process.
async fn document(plan: Plan, data: Data) -> Value {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let settings = RunSettings {
        id: RunId::generate(),
        plan,
        tags: BTreeMap::new(),
        strict: false,
        lease_ns: 60_000_000_000,
        gather_max_ns: 60_000_000_000,
    };
    let engine = EngineConfig {
        workers: 1,
        pin: false,
        guard: Arc::new(Guard::loopback_only()),
        witness: None,
        agent: "agent".into(),
    };
    let config = AgentConfig { name: "agent".to_owned(), labels: BTreeMap::new(), weight: 1, cores: 1, engine };
    let agent =
        tokio::spawn(async move { take_part(&address, &config, Incarnation::generate(), Leave::never()).await });
    let (_stops, receiver) = mpsc::channel(1);
    let record = conduct(Opening { data, ..Opening::unwritten(settings) }, listener, receiver, &mut Silent).await;
    agent.await.unwrap().unwrap();
    serde_json::to_value(Report::of(&record)).unwrap()
}

/// The requests of a plan that were never sent, as `scenario: request`.
fn unsent(plan: &Plan, document: &Value) -> Vec<String> {
    let count = |scenario: &str, request: &str| {
        let is_it = |metric: &&Value| {
            metric["name"] == "http_reqs" && metric["scenario"] == scenario && metric["request"] == request
        };
        document["metrics"].as_array().unwrap().iter().find(is_it).map_or(0, |metric| metric["count"].as_u64().unwrap())
    };
    let requests = plan.scenarios.iter().flat_map(|scenario| {
        scenario.requests().into_iter().map(|request| (scenario.name.as_str(), request.name.as_str()))
    });
    let never = requests.filter(|(scenario, request)| count(scenario, request) == 0);
    never.map(|(scenario, request)| format!("{scenario}: {request}")).collect()
}

async fn holds(number: usize, PlanFile { plan, rows }: PlanFile, service: SocketAddr) {
    let mut never = Vec::new();
    for times in 0..TRIES {
        let plan = shrunk::shrunk(plan.clone(), LASTS * 2_u32.pow(times), service);
        let document = document(plan.clone(), Data::of(&rows)).await;
        let books = document["accounting"].to_string();
        assert!(books.contains("\"holds\":true") && !books.contains("\"holds\":false"), "plan {number}: {books}");
        assert_eq!(document["errors"], serde_json::json!([]), "plan {number}");
        never = unsent(&plan, &document);
        if never.is_empty() {
            return;
        }
    }
    panic!("plan {number} never sent {never:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_plan_of_the_reference_sends_all_of_its_requests() {
    let service = service::start().await;
    let plans = plans();
    assert!(plans.len() > 15, "the reference has plans");
    join_all(plans.into_iter().enumerate().map(|(number, plan)| holds(number, plan, service))).await;
}
