//! A coordinator at work, with agents of this process or strangers that only speak the protocol.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use muster::begun::Begun;
use muster::conduct::{Opening, Watcher, conduct};
use muster::journal::{BYTES_MAX_DEFAULT, Head, Journal, Medium};
use muster::plan_file::{Format, from_str};
use muster::report::Report;
use muster::run::life::{Run, RunSettings};
use muster::run::record::RunRecord;
use muster::service::{Counter, desk};
use muster_agent::engine::start::EngineConfig;
use muster_agent::guard::Guard;
use muster_agent::session::{AgentConfig, Leave, SessionError, Surroundings, take_part, take_part_in};
use muster_proto::id::{Incarnation, RunId};
use muster_proto::plan::Plan;
use muster_target::Target;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Keeps what the user would have been told.
#[derive(Default)]
pub(crate) struct Told(Vec<String>);

impl Watcher for Told {
    fn tell(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }

    fn tick(&mut self, _run: &Run, _now_ns: u64) {}
}

/// How long an agent that is cut off goes on.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// A coordinator at work.
pub(crate) struct Coordinator {
    pub(crate) address: String,
    run: JoinHandle<(RunRecord, Vec<String>)>,
    pub(crate) stops: mpsc::Sender<()>,
    pub(crate) orders: Counter,
}

impl Coordinator {
    pub(crate) async fn start(plan: &str) -> Self {
        Self::open(settings(plan), Opening::unwritten).await
    }

    /// A coordinator that writes down what happens.
    pub(crate) async fn writing(plan: &str, medium: impl Medium) -> Self {
        let opening = |settings: RunSettings| {
            let head = Head::new(settings, Begun::now(), None);
            let journal = Journal::begin(medium, &head, BYTES_MAX_DEFAULT).unwrap();
            Opening::written(head, journal)
        };
        Self::open(settings(plan), opening).await
    }

    pub(crate) async fn open(settings: RunSettings, opening: impl FnOnce(RunSettings) -> Opening) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stops, stop_receiver) = mpsc::channel(4);
        let mut opening = opening(settings);
        let (orders, desk) = desk();
        (opening.desk, opening.counter) = (desk, Some(orders.clone()));
        let run = tokio::spawn(async move {
            let mut told = Told::default();
            let record = conduct(opening, listener, stop_receiver, &mut told).await;
            (record, told.0)
        });
        Self { address, run, stops, orders }
    }

    pub(crate) fn join(&self, name: &str, weight: u32, guard: Guard) -> JoinHandle<Result<(), SessionError>> {
        join_at(&self.address, name, weight, guard)
    }

    pub(crate) async fn end(self) -> (RunRecord, Vec<String>) {
        let limit = tokio::time::timeout(Duration::from_secs(60), self.run).await;
        limit.expect("the run ends").expect("the coordinator does not panic")
    }
}

/// An agent that looks for its coordinator at this address.
pub(crate) fn join_at(address: &str, name: &str, weight: u32, guard: Guard) -> JoinHandle<Result<(), SessionError>> {
    join_until(address, name, (weight, guard), Leave::never())
}

/// An agent that looks for its coordinator at this address, and leaves when it is told to.
pub(crate) fn join_until(
    address: &str,
    name: &str,
    (weight, guard): (u32, Guard),
    leave: Leave,
) -> JoinHandle<Result<(), SessionError>> {
    let config = config(name, weight, guard);
    let address = address.to_owned();
    tokio::spawn(async move { take_part(&address, &config, Incarnation::generate(), leave).await })
}

/// An agent that finds this around it.
pub(crate) fn join_in<S: Surroundings>(
    surroundings: S,
    address: &str,
    name: &str,
) -> JoinHandle<Result<(), SessionError>> {
    let (config, address) = (config(name, 1, Guard::loopback_only()), address.to_owned());
    tokio::spawn(async move {
        take_part_in(&surroundings, &address, &config, Incarnation::generate(), Leave::never()).await
    })
}

fn config(name: &str, weight: u32, guard: Guard) -> AgentConfig {
    AgentConfig {
        name: name.to_owned(),
        labels: BTreeMap::new(),
        weight,
        cores: 1,
        engine: EngineConfig { workers: 2, pin: false, guard: Arc::new(guard), witness: None, agent: name.into() },
    }
}

/// What a run of this plan is told.
pub(crate) fn settings(plan: &str) -> RunSettings {
    let read = from_str(plan, Format::Yaml, "test", std::path::Path::new("."));
    settings_of(read.unwrap_or_else(|error| panic!("{error}")).plan)
}

/// What a run of this plan is told.
pub(crate) fn settings_of(plan: Plan) -> RunSettings {
    RunSettings {
        id: RunId::generate(),
        plan,
        tags: BTreeMap::new(),
        strict: false,
        lease_ns: LEASE.as_nanos() as u64,
        gather_max_ns: 60_000_000_000,
    }
}

/// The document of a run.
pub(crate) fn document(record: &RunRecord) -> serde_json::Value {
    serde_json::to_value(Report::of(record)).unwrap()
}

/// Every law of the books holds.
pub(crate) fn assert_balanced(record: &RunRecord) {
    let document = document(record);
    assert!(!document.to_string().contains("\"holds\":false"), "{:#}", document["accounting"]);
}

/// Waits until the target has answered so many requests.
pub(crate) async fn until_served(target: &Target, responses: u64) {
    while target.counts().responses < responses {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// An open scenario of one request.
pub(crate) fn plan(target: &Target, agents: u32, on_loss: &str, rate: &str, duration: &str) -> String {
    format!(
        "name: test\ntarget: http://{}\nagents: {{ start_when: {agents}, on_loss: {on_loss} }}\n\
         scenarios:\n  open:\n    executor: constant-arrival-rate\n    rate: {rate}\n    duration: {duration}\n    \
         graceful_stop: 10s\n    steps: [ {{ get: / }} ]\n",
        target.addr()
    )
}
