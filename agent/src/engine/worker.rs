//! A worker: one thread, its own runtime, its own connections, its own recorder. Nothing is shared on the way of a
//! request.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use muster_proto::plan::Connections;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::watch;

use super::alarm::Alarm;
use super::changes::ChangeReceiver;
use super::clock;
use super::compiled::{Bound, CompiledPlan};
use super::control::{Control, ControlReceiver};
use super::enough::Enough;
use super::feeder::Feeding;
use super::lease::Lease;
use super::pacer::Pacer;
use super::part::PartSender;
use super::pool::Pool;
use super::progress::Progress;
use super::random::Key;
use super::recorder::Recorder;
use super::ring::{Ring, RingFile};
use super::tokens::Heard;
use super::trace::{Traced, Traces};
use super::transport::http1::{Limits, Manner, Scratch};
use super::transport::{Connector, ConnectorError};
use super::witness::Witness;
use super::{arrivals, users};
use crate::guard::Guard;

/// After how many tasks a worker looks for news from its sockets at the latest: few enough that nobody waits long,
/// enough that looking costs little of what is done in between.
const EVENT_INTERVAL: u32 = 61;

/// What a worker is given.
pub(super) struct WorkerTask {
    /// The plan, prepared.
    pub(super) plan: Arc<CompiledPlan>,
    /// Where it hears of its shares, by scenario.
    pub(super) changes: Vec<ChangeReceiver>,
    /// What the agent's operator allows.
    pub(super) guard: Arc<Guard>,
    /// Until when it may generate load.
    pub(super) lease: Lease,
    /// What it is told.
    pub(super) control: ControlReceiver,
    /// Where its measurements go.
    pub(super) parts: PartSender,
    /// Where it writes its events down, if they are to outlive the process.
    pub(super) ring: Option<RingFile>,
    /// What its panic sets off.
    pub(super) alarm: Alarm,
    /// Where it shows that it is at work.
    pub(super) progress: Progress,
    /// Who watches it, if anybody does.
    pub(super) witness: Option<Witness>,
    /// What a step says that ends the run.
    pub(super) enough: Enough,
    /// Where it hears of the tokens that requests carry.
    pub(super) tokens: Heard,
    /// Which iterations are traced, if any are.
    pub(super) traces: Option<Traces>,
}

/// What a worker's tasks share.
pub(super) struct Worker {
    /// Its number among the agent's.
    pub(super) number: usize,
    /// What is measured.
    pub(super) recorder: RefCell<Recorder>,
    /// Opens connections.
    pub(super) connector: Connector,
    /// Idle connections that all users share.
    pub(super) pool: RefCell<Pool>,
    /// Where responses are read into.
    pub(super) scratch: Scratch,
    /// What responses may be.
    pub(super) limits: Limits,
    /// How long opening a connection may take, in nanoseconds.
    pub(super) connect_timeout_ns: u64,
    /// Until when it may generate load.
    pub(super) lease: Lease,
    /// Whether no iteration may start any more.
    pub(super) stopping: Cell<bool>,
    /// The plan, prepared.
    pub(super) plan: Arc<CompiledPlan>,
    /// Where its iterations get their rows, by scenario.
    pub(super) feeding: Vec<Feeding>,
    /// What each of its tasks holds a copy of.
    pub(super) alarm: Alarm,
    /// Who watches it, if anybody does.
    pub(super) witness: Option<Witness>,
    /// What a step says that ends the run.
    pub(super) enough: Enough,
    /// Which iterations are traced, if any are.
    pub(super) traces: Option<Traces>,
    /// What an `authorization` is at present, by the place from which its token comes.
    pub(super) tokens: RefCell<Vec<Arc<str>>>,
}

impl Worker {
    /// The step of an iteration, for whoever wants to know its trace.
    pub(super) fn traced(&self, key: Key) -> Traced<'_> {
        Traced { traces: self.traces.as_ref(), key }
    }

    /// How requests that are not known in advance are written.
    pub(super) fn manner(&self, connections: Connections) -> Manner {
        let plan = &self.plan.plan;
        let (absolute, numbered) = (plan.connect.proxy.is_some(), plan.http.request_ids);
        Manner { absolute, keep_alive: connections != Connections::New, numbered, keep: false, cookies: false }
    }
}

/// Why a worker cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Its runtime could not be made.
    #[error("a worker's runtime: {0}")]
    Runtime(#[from] std::io::Error),
    /// The system gave no timer, without which no load would be on time.
    #[error("a worker's timer: {0}")]
    Timer(std::io::Error),
    /// Its events cannot be written down.
    #[error("a worker's spool: {0}")]
    Spool(std::io::Error),
    /// Connections cannot be made as the plan wants them.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
}

/// Runs a worker on the calling thread until its load has ended; `ready` is told whether it can begin.
pub(super) fn run(task: WorkerTask, ready: impl FnOnce(Result<(), WorkerError>)) {
    let _alarm = task.alarm.clone();
    let progress = task.progress.clone();
    let runtime = match local_runtime() {
        Ok(runtime) => runtime,
        Err(error) => return ready(Err(error.into())),
    };
    let tools = {
        let _inside = runtime.enter();
        Tools::new(&task)
    };
    let tools = match tools {
        Ok(tools) => tools,
        Err(error) => return ready(Err(error)),
    };
    ready(Ok(()));
    let worker = runtime.block_on(generate(task, tools));
    // What is left of the users is dropped here, and counted as cut off.
    drop(runtime);
    if let Some(worker) = worker {
        worker.recorder.borrow_mut().finish(clock::now_ns());
    }
    progress.end();
}

/// What takes something of the system's to make, and is made before anything depends on it.
struct Tools {
    connector: Connector,
    /// One for each scenario.
    pacers: Vec<Pacer>,
    ring: Option<Ring>,
}

impl Tools {
    fn new(task: &WorkerTask) -> Result<Self, WorkerError> {
        Ok(Self {
            connector: Connector::new(&task.plan.plan.connect, Arc::clone(&task.guard))?,
            pacers: task.changes.iter().map(|_| Pacer::new()).collect::<Result<_, _>>().map_err(WorkerError::Timer)?,
            ring: task.ring.as_ref().map(Ring::map).transpose().map_err(WorkerError::Spool)?,
        })
    }
}

fn local_runtime() -> std::io::Result<LocalRuntime> {
    Builder::new_current_thread().enable_all().event_interval(EVENT_INTERVAL).build_local(LocalOptions::default())
}

/// Generates the load and returns the worker with all of it measured; nothing if the run ended before it began.
async fn generate(task: WorkerTask, tools: Tools) -> Option<Rc<Worker>> {
    let WorkerTask {
        plan, changes, lease, mut control, parts, alarm, progress, witness, enough, tokens, traces, ..
    } = task;
    let Control::StartAt(start_ns) = control.wait_for(|control| *control != Control::Wait).await else { return None };
    let number = parts.worker();
    let recorder = Recorder::new(start_ns, clock::now_ns(), lease.clone(), tools.ring, parts);
    let feeding = plan.scenarios.iter().map(|scenario| {
        let turns = (number, scenario.names.len());
        Feeding::new((&plan.plan, scenario.index), &plan.tables, &scenario.names[number], turns)
    });
    let feeding = feeding.collect();
    let worker = Rc::new(Worker {
        number,
        recorder: RefCell::new(recorder),
        connector: tools.connector,
        pool: RefCell::default(),
        scratch: Scratch::default(),
        limits: Limits::of(&plan.plan.http),
        connect_timeout_ns: plan.plan.http.connect_timeout.as_nanos() as u64,
        lease,
        stopping: Cell::new(false),
        plan: Arc::clone(&plan),
        feeding,
        alarm,
        witness,
        enough,
        traces,
        tokens: RefCell::new(tokens.iter().map(|heard| Arc::clone(&heard.borrow())).collect()),
    });
    let ticker = tokio::task::spawn_local(roll_windows(Rc::clone(&worker), progress));
    let stopper = tokio::task::spawn_local(watch_for_stop(Rc::clone(&worker), control.clone()));
    let mut followers = tokio::task::JoinSet::new();
    for (place, heard) in tokens.into_iter().enumerate() {
        followers.spawn_local(follow(Rc::clone(&worker), place, heard));
    }
    let mut scenarios = tokio::task::JoinSet::new();
    for (index, (changes, pacer)) in changes.into_iter().zip(tools.pacers).enumerate() {
        let (worker, control) = (Rc::clone(&worker), control.clone());
        scenarios.spawn_local(async move {
            let _alarm = worker.alarm.clone();
            match &worker.plan.scenarios[index].bound {
                Bound::UsersMax(_) => arrivals::run(&worker, index, changes, pacer, control).await,
                Bound::Quota(_) => users::run(&worker, index, changes, pacer, control).await,
            }
        });
    }
    while scenarios.join_next().await.is_some() {}
    ticker.abort();
    stopper.abort();
    Some(worker)
}

/// Closes windows on time even when nothing happens.
async fn roll_windows(worker: Rc<Worker>, progress: Progress) {
    let _alarm = worker.alarm.clone();
    loop {
        let now_ns = clock::now_ns();
        let end_ns = {
            let mut recorder = worker.recorder.borrow_mut();
            recorder.roll(now_ns);
            recorder.window_end_ns()
        };
        progress.advance();
        clock::sleep_until(end_ns).await;
    }
}

/// Puts each new token where requests find it.
async fn follow(worker: Rc<Worker>, place: usize, mut heard: watch::Receiver<Arc<str>>) {
    let _alarm = worker.alarm.clone();
    while heard.changed().await.is_ok() {
        worker.tokens.borrow_mut()[place] = Arc::clone(&heard.borrow_and_update());
    }
}

async fn watch_for_stop(worker: Rc<Worker>, mut control: ControlReceiver) {
    let _alarm = worker.alarm.clone();
    control.wait_for_stop().await;
    worker.stopping.set(true);
    worker.recorder.borrow_mut().end_due(clock::now_ns());
}

#[cfg(test)]
mod tests;
