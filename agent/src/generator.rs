//! What generates an agent's load, as far as the agent's conversation with its coordinator is concerned.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use muster_proto::change::{Amendment, Change, Handed, Reshape, What};
use muster_proto::convert::AssignmentMessage;
use muster_proto::measurement::{Health, Shape};
use muster_proto::plan::{Plan, Var};
use muster_proto::share::Share;

use crate::cache::RowsError;
use crate::engine::alarm::Alarm;
pub use crate::engine::changes::ChangeError;
use crate::engine::collector::{Collector, Slice};
use crate::engine::enough::Enough;
use crate::engine::lease::Lease;
use crate::engine::rows::Rows;
use crate::engine::start::{Engine, EngineConfig, EngineError, Supplied};
use crate::engine::supply::Supplies;
use crate::guard::{Guard, Refusal};
use crate::health::HealthMonitor;
use crate::outbox::Outbox;
use crate::spool::Spool;
use crate::spool::keeper::Keeper;

/// Generates the load of one assignment while its lease holds, and measures it.
pub trait Generator: Send + 'static {
    /// Lets the load begin at a moment of the agent's clock.
    fn start(&self, at_ns: u64);

    /// Does more or less of the plan, or does it in another way, from a moment of run time on.
    ///
    /// # Errors
    /// [`ChangeError`] when the generator cannot.
    fn change(&self, change: &Change) -> Result<Made, ChangeError>;

    /// Starts nothing new; what is in flight may end within the scenarios' graceful stop.
    fn drain(&self);

    /// Ends at once.
    fn abort(&self);

    /// One number for each worker, which grows as long as it is at work; the greatest once it has ended.
    fn progress(&self) -> Vec<u64>;

    /// Goes off when what is measured is not the whole any more.
    fn alarm(&self) -> Alarm;

    /// What a step of the plan says that ends the whole run.
    fn enough(&self) -> Enough {
        Enough::default()
    }

    /// What users may begin who share their iterations with the whole cluster's.
    fn supplies(&self) -> Supplies {
        Supplies::default()
    }

    /// What was measured next and how the agent was doing, or `None` once everything has ended and is out. May be given
    /// up and called again.
    fn next(&mut self) -> impl Future<Output = Option<(Slice, Health)>> + Send;

    /// Takes a slice's memory back.
    fn give_back(&mut self, slice: Slice);

    /// Writes down what is not acknowledged, with all that was measured until now, if that is to outlive the process.
    /// Nobody has been told of it before.
    fn keep(&mut self, _outbox: &Outbox) {}

    /// Whether all that was counted is in what was measured.
    fn is_whole(&self) -> bool {
        true
    }
}

/// Why an assignment is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The agent's operator does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What is measured cannot be kept as the agent's operator wants it.
    #[error("the spool: {0}")]
    Spool(std::io::Error),
    /// Rows of its data are not here.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The engine cannot do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// How a change was made.
#[derive(Debug)]
pub struct Made {
    /// From which moment of run time on: as asked, or later if that could not be kept. Nothing of what was taken away is
    /// started from then on, and nothing that is due by a profile that was replaced.
    pub at_ns: u64,
    /// Why the agent's operator does not allow it. Then no more is held than before, and nothing of a scenario whose profile
    /// must not go on as was asked.
    pub refusal: Option<Refusal>,
}

/// The engine's workers, and this machine's health while they work.
pub struct Workers {
    // Dropped before the engine, so that no worker waits for somebody to take its last measurements.
    collector: Collector,
    engine: Engine,
    health: HealthMonitor,
    guard: Arc<Guard>,
    /// The plan, with what has taken the place of its profiles.
    plan: Mutex<Plan>,
    keeper: Option<Keeper>,
}

impl Workers {
    /// Prepares everything up to the start. Load will be generated while the lease holds. Blocks.
    ///
    /// # Errors
    /// [`PrepareError`] when the operator's policy, the plan or this machine does not permit it.
    pub fn prepare(assignment: AssignmentMessage, config: &EngineConfig, lease: &Lease) -> Result<Self, PrepareError> {
        Self::prepare_with(assignment, Vec::new(), config, lease, None)
    }

    /// [`Workers::prepare`], with the rows of the plan's feeders, and a spool for what is not acknowledged.
    ///
    /// # Errors
    /// The same, and [`PrepareError::Spool`].
    pub fn prepare_with(
        assignment: AssignmentMessage,
        rows: Vec<Arc<Rows>>,
        config: &EngineConfig,
        lease: &Lease,
        spool: Option<&Spool>,
    ) -> Result<Self, PrepareError> {
        let AssignmentMessage { run_id, mut plan, shares, amendments, found } = assignment;
        plan.vars.extend(found.into_iter().map(|(name, json)| Var::secret(name, json)));
        let mut amended = plan.clone();
        for Amendment { reshape, .. } in &amendments {
            amended.scenarios[reshape.scenario].executor.take_stages(&reshape.stages);
        }
        config.guard.check_plan(&amended, &shares)?;
        let shape = Shape::of(&plan);
        let begun = spool.map(|spool| spool.begin(run_id, shape, config.workers)).transpose();
        let (keeper, rings) = begun.map_err(PrepareError::Spool)?.unzip();
        let supplied = Supplied { rows, run: run_id.0, rings: rings.unwrap_or_default() };
        let (engine, collector) = Engine::prepare_with(plan, &shares, config, lease, supplied)?;
        engine.amend(&amendments)?;
        let (health, guard) = (HealthMonitor::default(), Arc::clone(&config.guard));
        Ok(Self { collector, engine, health, guard, plan: Mutex::new(amended), keeper })
    }

    fn grant(&self, handed: &Handed, at_ns: u64) -> Result<Made, ChangeError> {
        let mut together = self.engine.shares();
        together.iter_mut().zip(&handed.shares).for_each(|(mine, more)| mine.union(more));
        let refusal = self.guard.check_plan(&self.plan(), &together).err();
        if refusal.is_none() {
            self.engine.grant(handed, at_ns)?;
        }
        Ok(Made { at_ns, refusal })
    }

    fn reshape(&self, reshape: &Reshape, at_ns: u64) -> Result<Made, ChangeError> {
        let mut plan = self.plan();
        plan.scenarios[reshape.scenario].executor.take_stages(&reshape.stages);
        let held = self.engine.shares();
        let refusal = self.guard.check_plan(&plan, &held).err();
        if refusal.is_none() {
            return Ok(Made { at_ns: self.engine.reshape(reshape, at_ns)?, refusal });
        }
        let mut given_up = vec![Share::empty(); held.len()];
        given_up[reshape.scenario].union(&held[reshape.scenario]);
        let at_ns = self.engine.revoke(&given_up, at_ns)?;
        self.engine.reshape(reshape, at_ns)?;
        Ok(Made { at_ns, refusal })
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generator for Workers {
    fn start(&self, at_ns: u64) {
        self.engine.start(at_ns);
    }

    fn change(&self, change: &Change) -> Result<Made, ChangeError> {
        match &change.what {
            What::Granted(handed) => self.grant(handed, change.at_ns),
            What::Revoked(shares) => Ok(Made { at_ns: self.engine.revoke(shares, change.at_ns)?, refusal: None }),
            What::Reshaped(reshape) => self.reshape(reshape, change.at_ns),
        }
    }

    fn drain(&self) {
        self.engine.drain();
    }

    fn abort(&self) {
        self.engine.abort();
    }

    fn progress(&self) -> Vec<u64> {
        self.engine.progress().collect()
    }

    fn alarm(&self) -> Alarm {
        self.engine.alarm()
    }

    fn enough(&self) -> Enough {
        self.engine.enough()
    }

    fn supplies(&self) -> Supplies {
        self.engine.supplies()
    }

    async fn next(&mut self) -> Option<(Slice, Health)> {
        let slice = self.collector.next().await?;
        let health = self.health.sample(slice.last_window, &slice.gauges);
        if let Some(keeper) = &mut self.keeper {
            keeper.note(&slice, health);
        }
        Some((slice, health))
    }

    fn give_back(&mut self, slice: Slice) {
        self.collector.give_back(slice);
    }

    fn keep(&mut self, outbox: &Outbox) {
        if let Some(keeper) = &mut self.keeper {
            keeper.keep(outbox);
        }
    }
}
