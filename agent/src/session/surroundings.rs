//! What a session finds around it: time, a network, and something that generates load.

use std::future::Future;
use std::io;
use std::sync::Arc;

use muster_proto::convert::{AssignmentMessage, Performed};
use muster_proto::measurement::Delta;
use muster_proto::plan::Plan;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::cache::{Cache, Pieces};
use crate::chore;
use crate::engine::clock;
use crate::engine::lease::Lease;
use crate::engine::start::{EngineConfig, EngineError};
use crate::generator::{Generator, PrepareError, Workers};
use crate::spool::Spool;

/// What a session finds around it. [`ThisMachine`] is what it finds in earnest.
pub trait Surroundings: Clone + Send + Sync + 'static {
    /// What a connection's bytes go through.
    type Connection: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    /// What generates the load of an assignment.
    type Generator: Generator;

    /// The agent's clock, in nanoseconds. It never steps back; leases and the generator go by it.
    fn now_ns(&self) -> u64;

    /// Connects to a coordinator's address (`host:port`).
    ///
    /// # Errors
    /// Why there is no connection.
    fn connect(&self, address: String) -> impl Future<Output = io::Result<Self::Connection>> + Send;

    /// Prepares everything up to the start, with rows of data that are asked for where they are not here. Load will be
    /// generated while the lease holds.
    ///
    /// # Errors
    /// [`PrepareError`] when the operator's policy, the plan or the machine does not permit it.
    fn prepare(
        &self,
        assignment: AssignmentMessage,
        pieces: impl Pieces,
        config: EngineConfig,
        lease: Lease,
    ) -> impl Future<Output = Result<Self::Generator, PrepareError>> + Send;

    /// Makes what is made once per run.
    fn perform(&self, plan: Plan, config: EngineConfig) -> impl Future<Output = Performed> + Send;

    /// Hears what becomes of measurements. Nobody needs to know on this machine.
    fn notice(&self, _: Notice<'_>) {}
}

/// What becomes of measurements.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// This delta is sent over the present stream.
    Sent(&'a Delta),
    /// Everything up to this delta is in the result.
    Acknowledged(u64),
}

/// This machine's clock since boot, its network, and threads that send requests.
#[derive(Clone, Debug, Default)]
pub struct ThisMachine {
    /// Where what is not acknowledged outlives the process, if it is to.
    pub spool: Option<Arc<Spool>>,
    /// Where large data is kept.
    pub cache: Cache,
}

impl Surroundings for ThisMachine {
    type Connection = TcpStream;
    type Generator = Workers;

    fn now_ns(&self) -> u64 {
        clock::now_ns()
    }

    async fn connect(&self, address: String) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn prepare(
        &self,
        assignment: AssignmentMessage,
        pieces: impl Pieces,
        config: EngineConfig,
        lease: Lease,
    ) -> Result<Workers, PrepareError> {
        let rows = self.cache.rows(&assignment.plan, pieces).await?;
        let spool = self.spool.clone();
        let prepare = move || Workers::prepare_with(assignment, rows, &config, &lease, spool.as_deref());
        let prepared = tokio::task::spawn_blocking(prepare).await;
        prepared.unwrap_or_else(|error| Err(EngineError::Thread(io::Error::other(error)).into()))
    }

    async fn perform(&self, plan: Plan, config: EngineConfig) -> Performed {
        chore::perform(plan, &config).await
    }
}
