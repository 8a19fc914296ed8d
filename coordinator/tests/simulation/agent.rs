//! A host with an agent: the real session, over a simulated network, with a simulated generator.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use muster_agent::cache::Pieces;
use muster_agent::engine::lease::Lease;
use muster_agent::engine::start::EngineConfig;
use muster_agent::generator::PrepareError;
use muster_agent::guard::Guard;
use muster_agent::session::{AgentConfig, Leave, Notice, SessionError, Surroundings, take_part_in};
use muster_proto::convert::{AssignmentMessage, Performed};
use muster_proto::id::Incarnation;
use muster_proto::plan::Plan;
use tokio::sync::watch;
use turmoil::net::TcpStream;

use super::clock::true_ns;
use super::generator::{SimulatedWorkers, Site};
use super::wire::{Connection, Wire};

/// What the names of agents' hosts begin with; their number follows.
pub(crate) const HOST_PREFIX: &str = "agent-";
/// How often an agent tries again to take part at all.
const ATTEMPTS_MAX: usize = 100;
/// How long it waits before.
const RETRY: Duration = Duration::from_millis(150);

/// What an agent's process finds around it.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) site: Site,
    pub(crate) wire: Wire,
    pub(crate) prepare_ms: u64,
}

impl Surroundings for Host {
    type Connection = Connection;
    type Generator = SimulatedWorkers;

    fn now_ns(&self) -> u64 {
        self.site.clock.now_ns()
    }

    async fn connect(&self, address: String) -> io::Result<Connection> {
        Ok(self.wire.along(TcpStream::connect(address).await?))
    }

    async fn prepare(
        &self,
        assignment: AssignmentMessage,
        _: impl Pieces,
        _: EngineConfig,
        lease: Lease,
    ) -> Result<SimulatedWorkers, PrepareError> {
        tokio::time::sleep(Duration::from_millis(self.prepare_ms)).await;
        Ok(SimulatedWorkers::new(assignment, lease, self.site.clone()))
    }

    async fn perform(&self, plan: Plan, _: EngineConfig) -> Performed {
        let chore = &plan.scenarios[0].name;
        self.site.target.chore(chore, false);
        tokio::time::sleep(Duration::from_millis(self.prepare_ms)).await;
        self.site.target.chore(chore, true);
        Performed::default()
    }

    fn notice(&self, notice: Notice<'_>) {
        self.site.target.notice(self.site.process, notice);
    }
}

/// An agent's process, from its start until it was released or nobody wants it.
pub(crate) async fn process(
    mut host: Host,
    name: String,
    weight: u32,
    leave: watch::Receiver<bool>,
) -> turmoil::Result {
    let incarnation = Incarnation(super::history::fnv(name.as_bytes()));
    let mut config = AgentConfig {
        name,
        labels: BTreeMap::new(),
        weight,
        cores: 1,
        engine: EngineConfig {
            workers: 1,
            pin: false,
            guard: Arc::new(Guard::default()),
            witness: None,
            agent: "agent".into(),
        },
    };
    for _ in 0..ATTEMPTS_MAX {
        host.site.target.with(|seen| seen.processes[host.site.process.0].began_ns = true_ns());
        let leave = Leave::when(leave.clone());
        match take_part_in(&host, super::coordinator::ADDRESS, &config, incarnation, leave).await {
            Ok(()) => break,
            // A coordinator whose run ends closes a stream without a word.
            Err(SessionError::Protocol { reason, .. }) if reason.starts_with("its first message") => {}
            Err(error @ SessionError::Protocol { .. }) => {
                host.site.target.with(|seen| seen.wrong.push(format!("{}: {error}", config.name)));
            }
            Err(_) => {}
        }
        tokio::time::sleep(RETRY).await;
        // Another name tells the parts apart that it may have had.
        (host.site.process, config.name) = host.site.target.begins_anew(host.site.process);
    }
    Ok(())
}
