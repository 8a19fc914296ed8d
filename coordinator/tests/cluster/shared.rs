//! Iterations that the users of all agents share: whoever is faster makes more, and whoever is lost leaves the rest to others.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use muster::run::record::{Ending, RunRecord};
use muster_agent::cache::Pieces;
use muster_agent::engine::lease::Lease;
use muster_agent::engine::start::EngineConfig;
use muster_agent::generator::{PrepareError, Workers};
use muster_agent::guard::Guard;
use muster_agent::session::{AgentConfig, Leave, Surroundings, ThisMachine, take_part_in};
use muster_proto::convert::{AssignmentMessage, Performed};
use muster_proto::id::Incarnation;
use muster_proto::plan::{Plan, Scenario};
use muster_target::{Config, Target};
use tokio::net::TcpStream;

use super::support::{Coordinator, document, join_at, join_until, until_served};
use super::wire::Wire;

/// So many users of so many agents that make so many iterations together.
fn plan(target: &Target, agents: u32, users: u32, iterations: u64) -> String {
    format!(
        "name: test\ntarget: http://{}\nagents: {{ start_when: {agents}, on_loss: redistribute }}\n\
         scenarios:\n  together:\n    executor: shared-iterations\n    users: {users}\n    iterations: {iterations}\n    \
         max_duration: 50s\n    graceful_stop: 10s\n    steps: [ {{ get: / }} ]\n",
        target.addr()
    )
}

fn slow_by(latency: &str) -> Target {
    Target::start(Config { script: format!("latency={latency}").parse().unwrap(), ..Config::default() }).unwrap()
}

fn undone(record: &RunRecord) -> u64 {
    document(record)["accounting"]["undone"].as_u64().unwrap()
}

/// How many iterations an agent began.
fn begun_by(record: &RunRecord, name: &str) -> u64 {
    let index = record.agents.iter().position(|agent| agent.name == name).unwrap();
    record.timeline.agents()[index].counts.started
}

fn assert_all_was_made(record: &RunRecord, told: &[String], iterations: u64) {
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    let counts = record.timeline.counts();
    assert_eq!((counts.started, counts.completed), (iterations, iterations), "{told:?}");
    assert_eq!(undone(record), 0, "{told:?}");
    assert_eq!(document(record)["verdict"]["exit_code"], 0, "{told:?}");
}

/// This machine, from where another server is found at the target's address.
#[derive(Clone)]
struct Detour {
    port: u16,
}

impl Surroundings for Detour {
    type Connection = TcpStream;
    type Generator = Workers;

    fn now_ns(&self) -> u64 {
        ThisMachine::default().now_ns()
    }

    async fn connect(&self, address: String) -> io::Result<TcpStream> {
        ThisMachine::default().connect(address).await
    }

    async fn prepare(
        &self,
        mut assignment: AssignmentMessage,
        pieces: impl Pieces,
        config: EngineConfig,
        lease: Lease,
    ) -> Result<Workers, PrepareError> {
        for request in assignment.plan.scenarios.iter_mut().flat_map(Scenario::requests_mut) {
            request.url.port = self.port;
        }
        ThisMachine::default().prepare(assignment, pieces, config, lease).await
    }

    async fn perform(&self, plan: Plan, config: EngineConfig) -> Performed {
        ThisMachine::default().perform(plan, config).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_faster_makes_more_and_every_iteration_is_made_once() {
    let (near, far) = (slow_by("2ms"), slow_by("400ms"));
    let coordinator = Coordinator::start(&plan(&near, 3, 9, 1_200)).await;
    let fast = ["one", "two"].map(|name| coordinator.join(name, 1, Guard::loopback_only()));
    let config = AgentConfig {
        name: "slow".to_owned(),
        labels: BTreeMap::new(),
        weight: 1,
        cores: 1,
        engine: EngineConfig {
            workers: 2,
            pin: false,
            guard: Arc::new(Guard::loopback_only()),
            witness: None,
            agent: "agent".into(),
        },
    };
    let (address, detour) = (coordinator.address.clone(), Detour { port: far.addr().port() });
    let slow =
        tokio::spawn(
            async move { take_part_in(&detour, &address, &config, Incarnation::generate(), Leave::never()).await },
        );
    let (record, told) = coordinator.end().await;
    for agent in fast.into_iter().chain([slow]) {
        agent.await.unwrap().expect("released");
    }
    assert_all_was_made(&record, &told, 1_200);
    let begun = ["slow", "one", "two"].map(|name| begun_by(&record, name));
    assert!(begun[0] < 300 && begun[1] > begun[0] && begun[2] > begun[0], "{begun:?}");
    assert_eq!((far.stop().responses, near.stop().responses), (begun[0], begun[1] + begun[2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_make_the_rest_of_an_agent_that_is_lost() {
    let target = slow_by("10ms");
    let coordinator = Coordinator::start(&plan(&target, 3, 9, 3_000)).await;
    let dying = coordinator.join("dying", 1, Guard::loopback_only());
    let survivors = ["one", "two"].map(|name| coordinator.join(name, 1, Guard::loopback_only()));
    until_served(&target, 300).await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    let (record, told) = coordinator.end().await;
    for survivor in survivors {
        survivor.await.unwrap().expect("released");
    }
    assert_eq!(record.ending, Ending::Completed, "{told:?}");
    let (counts, undone) = (record.timeline.counts(), undone(&record));
    assert_eq!(counts.started + undone, 3_000, "what it may have begun is the only thing that nobody else makes");
    // It has two blocks at most, each a twelfth of what is left.
    assert!(undone <= 500, "{undone}");
    let others = begun_by(&record, "one") + begun_by(&record, "two");
    assert!(others > 2_300, "{others}");
    assert!((3_000 - undone..=3_000).contains(&target.stop().responses));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_undone_by_an_agent_that_leaves() {
    let target = slow_by("10ms");
    let coordinator = Coordinator::start(&plan(&target, 2, 6, 1_500)).await;
    let (leave, wanted) = tokio::sync::watch::channel(false);
    let leaving = join_until(&coordinator.address, "leaving", (1, Guard::loopback_only()), Leave::when(wanted));
    let staying = coordinator.join("staying", 1, Guard::loopback_only());
    until_served(&target, 200).await;
    leave.send(true).unwrap();
    leaving.await.unwrap().expect("it went as it was told, while the run went on");
    let (record, told) = coordinator.end().await;
    staying.await.unwrap().expect("released");
    assert_all_was_made(&record, &told, 1_500);
    assert!(begun_by(&record, "leaving") > 0 && begun_by(&record, "staying") > 750, "{told:?}");
    assert_eq!(target.stop().responses, 1_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_joins_late_helps() {
    let target = slow_by("10ms");
    let coordinator = Coordinator::start(&plan(&target, 1, 4, 1_500)).await;
    let first = coordinator.join("first", 1, Guard::loopback_only());
    until_served(&target, 100).await;
    let late = coordinator.join("late", 1, Guard::loopback_only());
    let (record, told) = coordinator.end().await;
    for agent in [first, late] {
        agent.await.unwrap().expect("released");
    }
    assert_all_was_made(&record, &told, 1_500);
    assert!(begun_by(&record, "late") > 0, "{told:?}");
    assert_eq!(target.stop().responses, 1_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_that_are_cut_off_time_and_again_make_every_iteration_once() {
    let target = slow_by("5ms");
    let coordinator = Coordinator::start(&plan(&target, 2, 4, 2_000)).await;
    let wire = Wire::to(&coordinator.address).await;
    let agents = ["one", "two"].map(|name| join_at(&wire.address, name, 1, Guard::loopback_only()));
    for cuts in 1..=8 {
        until_served(&target, 100 * cuts).await;
        wire.cut();
    }
    let (record, told) = coordinator.end().await;
    for agent in agents {
        agent.await.unwrap().expect("released");
    }
    assert_all_was_made(&record, &told, 2_000);
    assert_eq!(target.stop().responses, 2_000);
}
