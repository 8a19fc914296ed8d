//! Hands in what an agent left whose process ended before it had told everything.

use std::future::pending;
use std::io;

use muster_proto::change::Change;
use muster_proto::convert::{AssignmentMessage, Performed};
use muster_proto::measurement::Health;
use muster_proto::plan::Plan;
use tokio::net::TcpStream;

use super::part::Part;
use super::surroundings::{Surroundings, ThisMachine};
use super::{AgentConfig, Leave, SessionError, see_through};
use crate::cache::Pieces;
use crate::duty::Duty;
use crate::engine::alarm::Alarm;
use crate::engine::collector::Slice;
use crate::engine::lease::Lease;
use crate::engine::part::Gauges;
use crate::engine::start::EngineConfig;
use crate::generator::{ChangeError, Generator, Made, PrepareError};
use crate::spool::left::Remains;

/// Tells the coordinator at `address` (`host:port`), as the agent that has ended, what that one had not told, and closes
/// its books.
///
/// # Errors
/// [`SessionError`] says why it was not taken.
pub async fn hand_in(address: &str, config: &AgentConfig, remains: &Remains) -> Result<(), SessionError> {
    let Remains { run, outbox, totals, start_error_ns, .. } = remains.clone();
    let gauges = Gauges { totals, start_error_ns, ..Gauges::default() };
    let generator = AtRest { is_whole: !remains.has_gap };
    let part = Part::<Afterwards>::left(run, Duty::left(generator, outbox, gauges));
    see_through(&Afterwards, address, config, remains.incarnation, part, Leave::never()).await
}

/// What was a generator: it measures nothing any more, and takes nothing on.
struct AtRest {
    is_whole: bool,
}

impl Generator for AtRest {
    fn start(&self, _: u64) {}

    fn change(&self, change: &Change) -> Result<Made, ChangeError> {
        Ok(Made { at_ns: change.at_ns, refusal: None })
    }

    fn drain(&self) {}

    fn abort(&self) {}

    fn progress(&self) -> Vec<u64> {
        Vec::new()
    }

    fn alarm(&self) -> Alarm {
        Alarm::default()
    }

    async fn next(&mut self) -> Option<(Slice, Health)> {
        None
    }

    fn give_back(&mut self, _: Slice) {}

    fn is_whole(&self) -> bool {
        self.is_whole
    }
}

/// This machine, for an agent whose process has ended: it prepares nothing.
#[derive(Clone, Copy)]
struct Afterwards;

impl Surroundings for Afterwards {
    type Connection = TcpStream;
    type Generator = AtRest;

    fn now_ns(&self) -> u64 {
        ThisMachine::default().now_ns()
    }

    async fn connect(&self, address: String) -> io::Result<TcpStream> {
        ThisMachine::default().connect(address).await
    }

    async fn prepare(
        &self,
        _: AssignmentMessage,
        _: impl Pieces,
        _: EngineConfig,
        _: Lease,
    ) -> Result<AtRest, PrepareError> {
        pending().await
    }

    async fn perform(&self, _: Plan, _: EngineConfig) -> Performed {
        pending().await
    }
}
