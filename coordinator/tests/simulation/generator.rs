//! A generator that obeys its lease as the engine does, and whose requests the simulated target sees.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use muster_agent::engine::alarm::Alarm;
use muster_agent::engine::changes::{Change, ChangeReceiver, Holdings, granted_too_late_until_ns, revocable_from_ns};
use muster_agent::engine::collector::Slice;
use muster_agent::engine::control::Control;
use muster_agent::engine::held::HeldArrivals;
use muster_agent::engine::lease::Lease;
use muster_agent::engine::progress::Progress;
use muster_agent::generator::{ChangeError, Generator, Made};
use muster_agent::planted::planted;
use muster_proto::change::{self, What};
use muster_proto::convert::AssignmentMessage;
use muster_proto::measurement::{Health, SkipReason};
use muster_proto::plan::Executor;
use muster_proto::schedule::{Arrival, ArrivalSchedule, Stream, Timing};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::clock::{SkewedClock, true_ns};
use super::dice::Dice;
use super::hands::Hands;
use super::ledger::Ledger;
use super::target::{ProcessId, Target};

/// How busy a simulated agent says that it is.
const HEALTH: Health = Health {
    worker_cpu_max: 0.25,
    process_cpu: 0.25,
    memory_bytes: 1 << 26,
    descriptors: 64,
    descriptors_max: 1_024,
    exhausted: 0,
    users: 0,
    starved: 0,
    in_flight: 0,
};

/// Time goes in steps here, so that the last arrivals may be seen so much after the end, in nanoseconds.
const GRAIN_NS: u64 = 10_000_000;
/// How often it is looked whether the lease has come back, in nanoseconds.
const LEASE_LOOK_NS: u64 = 20_000_000;

/// What an agent's process is made of, as far as its load is concerned.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) process: ProcessId,
    pub(crate) clock: SkewedClock,
    pub(crate) target: Target,
    /// Until which true moment the generator gets no processor.
    pub(crate) frozen_until_ns: Arc<AtomicU64>,
}

/// A generator of one open scenario.
pub(crate) struct SimulatedWorkers {
    control: watch::Sender<Control>,
    load: Arc<Load>,
    holdings: Mutex<Holdings>,
    /// The run's start on the agent's clock, once it was told.
    started_at_ns: OnceLock<u64>,
    alarm: Alarm,
}

struct Load {
    site: Site,
    lease: Lease,
    ledger: Mutex<Ledger>,
    changed: Notify,
    hands: Arc<Hands>,
    progress: Progress,
    schedule: Arc<ArrivalSchedule>,
    grace_ns: u64,
}

impl SimulatedWorkers {
    /// A generator that is prepared for its assignment.
    pub(crate) fn new(assignment: AssignmentMessage, lease: Lease, site: Site) -> Self {
        let scenario = &assignment.plan.scenarios[0];
        let Executor::ArrivalRate { stages, arrivals, .. } = &scenario.executor else { panic!("an open scenario") };
        let stream = Stream { seed: assignment.plan.seed, scenario: 0 };
        let schedule = Arc::new(ArrivalSchedule::new(stages, *arrivals, stream).expect("a modest plan"));
        let grace_ns = scenario.graceful_stop.as_nanos() as u64;
        let (mut holdings, mut changes) =
            Holdings::none(&Arc::new(assignment.plan), vec![Timing::Arrivals(Arc::clone(&schedule))], 1);
        holdings.grant(&assignment.shares, 0, 0).expect("nothing waits yet");
        let changes = changes[0].remove(0);
        let hands = Arc::new(Hands::new(site.clock, lease.clone(), assignment.shares[0].clone()));
        site.target.holds(site.process, &hands);
        let (control, receiver) = watch::channel(Control::Wait);
        let load = Arc::new(Load {
            site,
            ledger: Mutex::new(Ledger::new(lease.clone())),
            lease,
            changed: Notify::new(),
            hands,
            progress: Progress::default(),
            schedule,
            grace_ns,
        });
        tokio::spawn(run(Arc::clone(&load), changes, receiver));
        Self { control, load, holdings: Mutex::new(holdings), started_at_ns: OnceLock::new(), alarm: Alarm::default() }
    }
}

impl Generator for SimulatedWorkers {
    fn start(&self, at_ns: u64) {
        self.load.site.target.starts(self.load.site.process, self.load.site.clock.true_at(at_ns));
        self.control.send_replace(Control::StartAt(*self.started_at_ns.get_or_init(|| at_ns)));
    }

    fn change(&self, change: &change::Change) -> Result<Made, ChangeError> {
        let change::Change { at_ns, what, .. } = change;
        let start_ns = self.started_at_ns.get().copied().unwrap_or_default();
        let (mut at_ns, now_ns) = (start_ns + at_ns, self.load.site.clock.now_ns());
        let mut holdings = self.holdings.lock().expect("nobody panics with shares in his hands");
        match what {
            What::Granted(shares) => {
                holdings.grant(shares, at_ns, granted_too_late_until_ns(&self.load.lease, now_ns))?;
            }
            What::Revoked(shares) => {
                at_ns = at_ns.max(revocable_from_ns(&self.load.lease, now_ns));
                holdings.revoke(shares, at_ns, now_ns.min(self.load.lease.until_ns()))?;
            }
            What::Reshaped(_) => panic!("nobody gives orders"),
        }
        self.load.hands.change(what, at_ns - start_ns);
        self.load.site.target.changes(change.is_revocation());
        Ok(Made { at_ns: at_ns - start_ns, refusal: None })
    }

    fn progress(&self) -> Vec<u64> {
        vec![self.load.progress.current()]
    }

    fn drain(&self) {
        self.control.send_if_modified(|control| {
            let drain = *control != Control::Abort;
            if drain {
                *control = Control::Drain;
            }
            drain
        });
    }

    fn abort(&self) {
        self.control.send_replace(Control::Abort);
    }

    fn alarm(&self) -> Alarm {
        self.alarm.clone()
    }

    async fn next(&mut self) -> Option<(Slice, Health)> {
        loop {
            if let Some(slice) = self.load.ledger().take() {
                return slice.map(|slice| {
                    let gauges = slice.gauges[0];
                    (slice, Health { users: gauges.users, in_flight: gauges.in_flight, ..HEALTH })
                });
            }
            self.load.changed.notified().await;
        }
    }

    fn give_back(&mut self, _: Slice) {}
}

impl Drop for SimulatedWorkers {
    fn drop(&mut self) {
        self.abort();
    }
}

impl Load {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("nobody panics with the books in his hands")
    }

    /// Does something in the books, and lets whoever waits for them know.
    fn enter<T>(&self, work: impl FnOnce(&mut Ledger) -> T) -> T {
        let done = work(&mut self.ledger());
        self.changed.notify_one();
        done
    }
}

/// Waits for the start, generates the load, and closes the books.
async fn run(load: Arc<Load>, mut changes: ChangeReceiver, mut control: watch::Receiver<Control>) {
    let clock = load.site.clock;
    let told = control.wait_for(|control| *control != Control::Wait).await.map_or(Control::Abort, |told| *told);
    let start_ns = if let Control::StartAt(start_ns) = told { start_ns } else { clock.now_ns() };
    let mut waiting = Waiting { arrivals: HeldArrivals::none(start_ns), cut_off: false };
    load.ledger().begin(start_ns, clock.now_ns(), waiting.arrivals.like());
    let mut requests = JoinSet::new();
    let end_ns = start_ns + load.schedule.duration_ns();
    let stopped = loop {
        tokio::select! {
            biased;
            told = wait_for_stop(&mut control) => break Some(told),
            change = next_change(&load, &mut changes) => waiting.change(&load, &change),
            () = deliver(&load, &mut waiting, end_ns, &mut requests) => break None,
            () = until_over(&load, end_ns + load.grace_ns.max(GRAIN_NS)) => break None,
        }
    };
    if stopped.is_some() {
        let now_ns = clock.now_ns();
        load.enter(|ledger| ledger.end_due(now_ns));
        waiting.skip_the_rest(&load, SkipReason::Stopped);
    }
    if stopped != Some(Control::Abort) {
        let grace_end_ns = clock.now_ns().min(end_ns) + load.grace_ns;
        tokio::select! {
            biased;
            _ = control.wait_for(|told| *told == Control::Abort) => {},
            () = until_all_have_ended(&load, &mut requests) => {},
            () = clock.sleep_until(grace_end_ns) => {},
        }
    }
    waiting.skip_the_rest(&load, SkipReason::Overload);
    let now_ns = clock.now_ns();
    load.enter(|ledger| ledger.roll(now_ns));
    requests.shutdown().await;
    load.progress.end();
    load.enter(|ledger| ledger.finish(now_ns));
}

async fn wait_for_stop(control: &mut watch::Receiver<Control>) -> Control {
    let told = control.wait_for(|told| matches!(told, Control::Drain | Control::Abort)).await;
    told.map_or(Control::Abort, |told| *told)
}

/// Waits for this moment, and for a lease: without one it is not known what fell due at the end, so the books stay open.
async fn until_over(load: &Load, at_ns: u64) {
    let clock = load.site.clock;
    clock.sleep_until(at_ns).await;
    while !load.lease.holds(clock.now_ns()) && !planted("books-closed-without-lease") {
        clock.sleep_until(clock.now_ns() + LEASE_LOOK_NS).await;
    }
}

/// The next change, once there is a processor to hear of it. May be given up and called again.
async fn next_change(load: &Load, changes: &mut ChangeReceiver) -> Change {
    thaw(load).await;
    changes.next().await
}

/// Starts each arrival when it is due, if there is a right to; ends with the profile, once none is waiting. May be given
/// up and called again.
async fn deliver(load: &Arc<Load>, waiting: &mut Waiting, end_ns: u64, requests: &mut JoinSet<()>) {
    let clock = load.site.clock;
    loop {
        let due_ns = waiting.next_due_ns();
        // The next window, so that its books are closed in time; what is cut off waits for its lease besides.
        let window_ns = load.ledger().window_end_ns();
        let next_ns = if waiting.cut_off { clock.now_ns() + LEASE_LOOK_NS } else { due_ns.unwrap_or(end_ns) };
        clock.sleep_until(next_ns.min(window_ns)).await;
        thaw(load).await;
        let now_ns = clock.now_ns();
        load.progress.advance();
        load.enter(|ledger| ledger.roll(now_ns));
        if waiting.next_due_ns().is_some_and(|due_ns| due_ns <= now_ns) && waiting.is_cut_off(load, now_ns) {
            // Only once the lease is back is it known whether what fell due meanwhile was still ours. It is not made up for.
            if load.lease.holds(now_ns) {
                waiting.cut_off = false;
                waiting.skip_before(load, now_ns, SkipReason::Lease);
            }
            continue;
        }
        while let Some(arrival) = waiting.arrivals.next_before(now_ns + 1) {
            let request = Request::begin(load, arrival, now_ns);
            requests.spawn(request.take_its_time());
        }
        while requests.try_join_next().is_some() {}
        if waiting.next_due_ns().is_none() && now_ns >= end_ns {
            return;
        }
    }
}

/// The arrivals that nobody has begun yet.
struct Waiting {
    arrivals: HeldArrivals,
    /// Whether the lease was found to have ended, and what fell due since then has not been skipped yet.
    cut_off: bool,
}

impl Waiting {
    /// Holds one share more, or less.
    fn change(&mut self, load: &Load, change: &Change) {
        if let Change::Granted(grant) = change {
            load.enter(|ledger| ledger.hold(grant));
            let mut new = self.arrivals.like();
            new.hold(grant);
            while let Some(missed) = new.next_before(grant.begin_ns) {
                load.enter(|ledger| ledger.skip(missed.due_ns, SkipReason::AgentLost));
            }
            self.arrivals.take_in(new);
        }
        self.arrivals.forget_the_revoked();
    }

    fn next_due_ns(&mut self) -> Option<u64> {
        self.arrivals.peek().map(|arrival| arrival.due_ns)
    }

    fn is_cut_off(&mut self, load: &Load, now_ns: u64) -> bool {
        self.cut_off |= !load.lease.holds(now_ns) && !planted("lease-not-checked");
        self.cut_off
    }

    fn skip_before(&mut self, load: &Load, at_ns: u64, reason: SkipReason) {
        while let Some(arrival) = self.arrivals.next_before(at_ns) {
            load.site.target.skipped(load.site.process, reason);
            load.enter(|ledger| ledger.skip(arrival.due_ns, reason));
        }
    }

    fn skip_the_rest(&mut self, load: &Load, reason: SkipReason) {
        let now_ns = load.site.clock.now_ns();
        let due_until_ns = load.ledger().settle_due(now_ns);
        let reason = if self.is_cut_off(load, now_ns) { SkipReason::Lease } else { reason };
        self.skip_before(load, due_until_ns, reason);
    }
}

async fn thaw(load: &Load) {
    let frozen_ns = load.site.frozen_until_ns.load(Ordering::Relaxed);
    let frozen_ns = frozen_ns.saturating_sub(true_ns());
    if frozen_ns > 0 {
        tokio::time::sleep(Duration::from_nanos(frozen_ns)).await;
    }
}

/// Waits for what is in flight, while windows go on.
async fn until_all_have_ended(load: &Load, requests: &mut JoinSet<()>) {
    while !requests.is_empty() {
        let window_ns = load.ledger().window_end_ns();
        tokio::select! {
            biased;
            _ = requests.join_next() => {},
            () = load.site.clock.sleep_until(window_ns) => {
                let now_ns = load.site.clock.now_ns();
                load.progress.advance();
                load.enter(|ledger| ledger.roll(now_ns));
            }
        }
    }
}

/// A request under way. Dropped before its end, it was cut off.
struct Request {
    load: Arc<Load>,
    arrival: Arrival,
    ended: bool,
}

impl Request {
    /// Sends it: the target sees it at once.
    fn begin(load: &Arc<Load>, arrival: Arrival, now_ns: u64) -> Self {
        let due_ns = load.schedule.due_ns(arrival.id).expect("an arrival of the plan");
        load.site.target.serve(load.site.process, arrival.id, due_ns);
        load.enter(|ledger| ledger.start(arrival.due_ns, now_ns));
        Self { load: Arc::clone(load), arrival, ended: false }
    }

    /// The target answers after a while.
    async fn take_its_time(mut self) {
        let mut dice = Dice::new(self.arrival.id);
        let service_ms = if dice.one_in(20) { dice.within(100..=600) } else { dice.within(1..=40) };
        tokio::time::sleep(Duration::from_millis(service_ms)).await;
        self.ended = true;
        let now_ns = self.load.site.clock.now_ns();
        self.load.enter(|ledger| ledger.complete(self.arrival.due_ns, now_ns));
    }
}

impl Drop for Request {
    /// Reads no clock: a process that crashes has none any more.
    fn drop(&mut self) {
        if !self.ended {
            self.load.enter(|ledger| ledger.cut_off(self.arrival.due_ns));
        }
    }
}
