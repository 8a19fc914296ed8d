//! Starts workers and tells them what to do.

use std::io;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use muster_proto::change::{Amendment, Handed, Reshape};
use muster_proto::plan::Plan;
use muster_proto::schedule::ReshapeError;
use muster_proto::share::Share;
use tokio::sync::watch;
use uuid::Uuid;

use super::alarm::Alarm;
use super::changes::{ChangeError, Holdings, Stuck, granted_too_late_until_ns, revocable_from_ns};
use super::clock;
use super::collector::Collector;
use super::compiled::{CompileError, CompiledPlan};
use super::control::{Control, ControlReceiver};
use super::enough::Enough;
use super::lease::Lease;
use super::part::PartSender;
use super::progress::Progress;
use super::ring::RingFile;
use super::rows::Rows;
use super::supply::Supplies;
use super::tokens::{TokenError, Tokens};
use super::trace::Traces;
use super::witness::Witness;
use super::worker::{self, WorkerError, WorkerTask};
use crate::guard::Guard;

/// How an agent generates load, whatever the plan.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// How many workers generate load. At least 1.
    pub workers: usize,
    /// Whether each worker is pinned to a core.
    pub pin: bool,
    /// What the agent's operator allows.
    pub guard: Arc<Guard>,
    /// Who watches what goes to and fro, for load of a few iterations.
    pub witness: Option<Witness>,
    /// What templates call the agent.
    pub agent: Arc<str>,
}

/// What the workers of one assignment are given beside it.
#[derive(Default)]
pub struct Supplied {
    /// The rows of the plan's feeders, by their places.
    pub rows: Vec<Arc<Rows>>,
    /// By which the run is told from others; nil where nobody wants to know.
    pub run: Uuid,
    /// Files in which the workers write their events down, one for each, or none at all.
    pub rings: Vec<RingFile>,
}

/// Why the load of a plan cannot be generated here.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The plan cannot be carried out.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A worker cannot begin.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A token that requests carry is not to be had.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The system gave no thread.
    #[error("a worker's thread: {0}")]
    Thread(io::Error),
    /// The plan's profiles cannot have gone on as it is told.
    #[error("how a profile went on: {0}")]
    Reshape(#[from] ReshapeError),
    /// A worker does not take what it is given.
    #[error(transparent)]
    Stuck(#[from] Stuck),
}

/// Workers that generate the load of one assignment.
pub struct Engine {
    /// From the run's start to the beginning of each scenario's profile.
    delays_ns: Vec<u64>,
    control: watch::Sender<Control>,
    holdings: Mutex<Holdings>,
    lease: Lease,
    /// The run's start on the engine's clock, once it was told.
    started_at_ns: OnceLock<u64>,
    threads: Vec<JoinHandle<()>>,
    supplies: Supplies,
    /// One for each worker.
    progress: Vec<Progress>,
    alarm: Alarm,
    enough: Enough,
    /// Kept while the workers use them.
    _tokens: Tokens,
}

impl Engine {
    /// Starts the workers, which prepare themselves and then wait for [`Engine::start`]. Blocks until all are ready. They
    /// generate load while the lease holds, and pause while it does not.
    ///
    /// # Errors
    /// [`EngineError`] when the plan or this machine does not permit it; no worker is left running then.
    pub fn prepare(
        plan: Plan,
        shares: &[Share],
        config: &EngineConfig,
        lease: &Lease,
    ) -> Result<(Self, Collector), EngineError> {
        Self::prepare_with(plan, shares, config, lease, Supplied::default())
    }

    /// [`Engine::prepare`], with what a plan with data needs, and workers that write their events down.
    ///
    /// # Errors
    /// The same.
    pub fn prepare_with(
        plan: Plan,
        shares: &[Share],
        config: &EngineConfig,
        lease: &Lease,
        Supplied { rows, run, rings }: Supplied,
    ) -> Result<(Self, Collector), EngineError> {
        let manner = (&config.agent, config.witness.is_some());
        let plan = Arc::new(CompiledPlan::new(Arc::new(plan), shares, config.workers, manner, &rows)?);
        let tokens = Tokens::fetch(&plan.plan, &config.guard)?;
        let heard = tokens.heard();
        let (mut holdings, changes) = Holdings::none(&plan.plan, plan.timings(), config.workers);
        holdings.grant(&Handed::new(shares.to_vec()), 0, 0)?;
        let (control, control_receiver) = watch::channel(Control::Wait);
        let (ready_sender, ready) = mpsc::channel();
        let mut engine = Self {
            delays_ns: plan.scenarios.iter().map(|scenario| scenario.delay_ns).collect(),
            control,
            holdings: Mutex::new(holdings),
            lease: lease.clone(),
            started_at_ns: OnceLock::new(),
            threads: Vec::with_capacity(config.workers),
            supplies: plan.supplies.clone(),
            progress: Vec::with_capacity(config.workers),
            alarm: Alarm::default(),
            enough: Enough::default(),
            _tokens: tokens,
        };
        let mut receivers = Vec::with_capacity(config.workers);
        let mut rings = rings.into_iter();
        for (worker, changes) in changes.into_iter().enumerate() {
            let (parts, receiver) = PartSender::new(worker, plan.shape());
            receivers.push(receiver);
            let task = WorkerTask {
                plan: Arc::clone(&plan),
                changes,
                guard: Arc::clone(&config.guard),
                lease: lease.clone(),
                control: ControlReceiver(control_receiver.clone()),
                parts,
                ring: rings.next(),
                alarm: engine.alarm.clone(),
                progress: Progress::default(),
                witness: config.witness.clone(),
                enough: engine.enough.clone(),
                tokens: heard.clone(),
                traces: Traces::of(&plan.plan, run),
            };
            engine.progress.push(task.progress.clone());
            engine.threads.push(spawn(worker, task, ready_sender.clone(), config.pin).map_err(EngineError::Thread)?);
        }
        drop(ready_sender);
        for result in ready {
            result?;
        }
        Ok((engine, Collector::new(receivers)))
    }

    /// Lets the load begin at a moment of the engine's clock.
    pub fn start(&self, at_ns: u64) {
        self.control.send_replace(Control::StartAt(*self.started_at_ns.get_or_init(|| at_ns)));
    }

    /// Holds more from a moment of run time on. What falls due from that moment until now, if
    /// it has passed, is skipped; without a lease so is what falls due until there is one.
    ///
    /// # Errors
    /// [`Stuck`], after which the engine is of no use any more.
    pub fn grant(&self, handed: &Handed, from_ns: u64) -> Result<(), Stuck> {
        let from_ns = self.start_ns().saturating_add(from_ns);
        let begin_ns = granted_too_late_until_ns(&self.lease, clock::now_ns());
        self.lock_holdings().grant(handed, from_ns, begin_ns)
    }

    /// Holds less from a moment of run time on, one share for each scenario. Returns that moment, or a later one if it
    /// could not be kept: nothing of the shares is started from then on.
    ///
    /// Without a lease any moment can be kept from its end on, also one that has passed.
    ///
    /// # Errors
    /// [`Stuck`], after which the engine is of no use any more.
    pub fn revoke(&self, shares: &[Share], at_ns: u64) -> Result<u64, Stuck> {
        let start_ns = self.start_ns();
        let mut holdings = self.lock_holdings();
        let now_ns = clock::now_ns();
        let earliest_ns = revocable_from_ns(&self.lease, now_ns);
        let at_ns = start_ns.saturating_add(at_ns).max(earliest_ns);
        holdings.revoke(shares, at_ns, now_ns.min(self.lease.until_ns()))?;
        Ok(at_ns - start_ns)
    }

    /// Takes note of how the plan's profiles went on before anything of them was held here.
    ///
    /// # Errors
    /// [`EngineError`] when that makes no profile.
    pub fn amend(&self, amendments: &[Amendment]) -> Result<(), EngineError> {
        let mut holdings = self.lock_holdings();
        for Amendment { at_ns, reshape } in amendments {
            holdings.amend(reshape, at_ns.saturating_sub(self.delays_ns[reshape.scenario]))?;
        }
        Ok(())
    }

    /// Lets the load of a scenario be due at other moments, from a moment of run time on. Returns that moment, or a later one
    /// if it could not be kept.
    ///
    /// # Errors
    /// [`ChangeError`] when that makes no profile, or when the engine is of no use any more.
    pub fn reshape(&self, reshape: &Reshape, at_ns: u64) -> Result<u64, ChangeError> {
        let run_start_ns = self.start_ns();
        let mut holdings = self.lock_holdings();
        let now_ns = clock::now_ns();
        let at_ns = run_start_ns.saturating_add(at_ns);
        let from_ns = at_ns.max(revocable_from_ns(&self.lease, now_ns));
        let start_ns = run_start_ns + self.delays_ns[reshape.scenario];
        holdings.reshape(reshape, (start_ns, at_ns, from_ns), now_ns.min(self.lease.until_ns()))?;
        Ok(from_ns - run_start_ns)
    }

    /// What is held, one share for each scenario.
    #[must_use]
    pub fn shares(&self) -> Vec<Share> {
        self.lock_holdings().shares()
    }

    /// Starts nothing new; what is in flight may end within the scenarios' graceful stop.
    pub fn drain(&self) {
        self.control.send_if_modified(|control| {
            let drain = *control != Control::Abort;
            if drain {
                *control = Control::Drain;
            }
            drain
        });
    }

    /// Goes off when a worker, or one of its tasks, panics: what is measured from then on is not the whole.
    #[must_use]
    pub fn alarm(&self) -> Alarm {
        self.alarm.clone()
    }

    /// What a step says that ends the whole run.
    #[must_use]
    pub fn enough(&self) -> Enough {
        self.enough.clone()
    }

    /// What users may begin who share their iterations: nothing but what somebody allots.
    #[must_use]
    pub fn supplies(&self) -> Supplies {
        self.supplies.clone()
    }

    /// How far each worker has come. It grows as long as the worker is at work, and is [`Progress::ENDED`] after that.
    pub fn progress(&self) -> impl Iterator<Item = u64> {
        self.progress.iter().map(Progress::current)
    }

    /// Ends at once.
    pub fn abort(&self) {
        self.control.send_replace(Control::Abort);
    }
}

impl Engine {
    /// The run's start on the engine's clock; nobody changes what is held before it was told.
    fn start_ns(&self) -> u64 {
        self.started_at_ns.get().copied().unwrap_or_default()
    }

    fn lock_holdings(&self) -> std::sync::MutexGuard<'_, Holdings> {
        self.holdings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Engine {
    /// Waits for the workers, which end at once.
    fn drop(&mut self) {
        self.abort();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn spawn(
    worker: usize,
    task: WorkerTask,
    ready: mpsc::Sender<Result<(), WorkerError>>,
    pin: bool,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(format!("worker-{worker}")).spawn(move || {
        if pin {
            pin_to_core(worker);
        }
        worker::run(task, |result| {
            let _ = ready.send(result);
            drop(ready);
        });
    })
}

/// Pins the calling thread to one of the cores it may use, each worker to another as far as there are enough.
fn pin_to_core(worker: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
    if let Some(core) = cores.get(worker % cores.len().max(1)) {
        let mut only = CpuSet::new();
        only.set(*core);
        let _ = sched_setaffinity(None, &only);
    }
}
