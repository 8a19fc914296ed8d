//! What generates an agent's load, as far as the agent's conversation with its coordinator is concerned.

use std::future::Future;
use std::sync::Arc;

use muster_proto::convert::AssignmentMessage;
use muster_proto::measurement::Health;
use muster_proto::share::ShareChange;

use crate::engine::alarm::Alarm;
use crate::engine::changes::Stuck;
use crate::engine::collector::{Collector, Slice};
use crate::engine::lease::Lease;
use crate::engine::start::{Engine, EngineConfig, EngineError};
use crate::guard::{Guard, Refusal};
use crate::health::HealthMonitor;

/// Generates the load of one assignment while its lease holds, and measures it.
pub trait Generator: Send + 'static {
    /// Lets the load begin at a moment of the agent's clock.
    fn start(&self, at_ns: u64);

    /// Holds more or less of the plan from a moment of run time on. Returns that moment, or a later one if it could not be
    /// kept: nothing of what was taken away is started from then on.
    ///
    /// # Errors
    /// [`ChangeError`] when the agent must not hold more, or cannot change any more.
    fn change(&self, change: &ShareChange) -> Result<u64, ChangeError>;

    /// Starts nothing new; what is in flight may end within the scenarios' graceful stop.
    fn drain(&self);

    /// Ends at once.
    fn abort(&self);

    /// Goes off when what is measured is not the whole any more.
    fn alarm(&self) -> Alarm;

    /// What was measured next and how the agent was doing, or `None` once everything has ended and is out. May be given
    /// up and called again.
    fn next(&mut self) -> impl Future<Output = Option<(Slice, Health)>> + Send;

    /// Takes a slice's memory back.
    fn give_back(&mut self, slice: Slice);
}

/// Why an assignment is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The agent's operator does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The engine cannot do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Why what an agent holds does not change.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The agent's operator does not allow it to hold so much.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The engine is of no use any more.
    #[error(transparent)]
    Stuck(#[from] Stuck),
}

/// The engine's workers, and this machine's health while they work.
pub struct Workers {
    // Dropped before the engine, so that no worker waits for somebody to take its last measurements.
    collector: Collector,
    engine: Engine,
    health: HealthMonitor,
    guard: Arc<Guard>,
}

impl Workers {
    /// Prepares everything up to the start. Load will be generated while the lease holds. Blocks.
    ///
    /// # Errors
    /// [`PrepareError`] when the operator's policy, the plan or this machine does not permit it.
    pub fn prepare(assignment: AssignmentMessage, config: &EngineConfig, lease: &Lease) -> Result<Self, PrepareError> {
        config.guard.check_plan(&assignment.plan, &assignment.shares)?;
        let (engine, collector) = Engine::prepare(assignment.plan, &assignment.shares, config, lease)?;
        Ok(Self { collector, engine, health: HealthMonitor::default(), guard: Arc::clone(&config.guard) })
    }
}

impl Generator for Workers {
    fn start(&self, at_ns: u64) {
        self.engine.start(at_ns);
    }

    fn change(&self, change: &ShareChange) -> Result<u64, ChangeError> {
        let ShareChange { revoked, at_ns, shares, .. } = change;
        if *revoked {
            return Ok(self.engine.revoke(shares, *at_ns)?);
        }
        let mut together = self.engine.shares();
        together.iter_mut().zip(shares).for_each(|(mine, more)| mine.union(more));
        self.guard.check_plan(self.engine.plan(), &together)?;
        self.engine.grant(shares, *at_ns)?;
        Ok(*at_ns)
    }

    fn drain(&self) {
        self.engine.drain();
    }

    fn abort(&self) {
        self.engine.abort();
    }

    fn alarm(&self) -> Alarm {
        self.engine.alarm()
    }

    async fn next(&mut self) -> Option<(Slice, Health)> {
        let slice = self.collector.next().await?;
        let health = self.health.sample(slice.last_window, &slice.gauges);
        Some((slice, health))
    }

    fn give_back(&mut self, slice: Slice) {
        self.collector.give_back(slice);
    }
}
