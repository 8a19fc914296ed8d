//! A generator that obeys its lease as the engine does, and whose requests the simulated target sees.

mod closed;
mod open;
mod request;

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
use muster_proto::change::{self, Amendment, Handed, What};
use muster_proto::convert::AssignmentMessage;
use muster_proto::measurement::Health;
use muster_proto::plan::Plan;
use muster_proto::schedule::{Stream, Timing};
use muster_proto::share::Share;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use self::open::Waiting;
use super::clock::{SkewedClock, true_ns};
use super::hands::Hands;
use super::history::tell;
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

/// A generator of scenarios of any number, open and with users.
pub(crate) struct SimulatedWorkers {
    control: watch::Sender<Control>,
    load: Arc<Load>,
    holdings: Mutex<Holdings>,
    alarm: Alarm,
}

struct Load {
    site: Site,
    lease: Lease,
    ledger: Mutex<Ledger>,
    changed: Notify,
    hands: Arc<Hands>,
    progress: Progress,
    control: watch::Receiver<Control>,
    /// The run's start on the agent's clock, once it was told.
    started_at_ns: OnceLock<u64>,
    scenarios: Vec<Planned>,
}

/// What one scenario is to do.
struct Planned {
    /// As the plan has it.
    timing: Timing,
    delay_ns: u64,
    duration_ns: u64,
    grace_ns: u64,
}

impl Planned {
    fn of(plan: &Plan, number: usize) -> Self {
        let scenario = &plan.scenarios[number];
        let stream = Stream { seed: plan.seed, scenario: number as u32 };
        let ns = |duration: Duration| duration.as_nanos() as u64;
        Self {
            timing: Timing::of(&scenario.executor, stream).expect("a modest plan"),
            delay_ns: ns(scenario.start_delay),
            duration_ns: ns(scenario.executor.duration()),
            grace_ns: ns(scenario.graceful_stop),
        }
    }
}

impl SimulatedWorkers {
    /// A generator that is prepared for its assignment.
    pub(crate) fn new(assignment: AssignmentMessage, lease: Lease, site: Site) -> Self {
        let plan = Arc::new(assignment.plan);
        let scenarios: Vec<Planned> = (0..plan.scenarios.len()).map(|number| Planned::of(&plan, number)).collect();
        let timings = scenarios.iter().map(|scenario| scenario.timing.clone()).collect();
        let (mut holdings, mut changes) = Holdings::none(&plan, timings, 1);
        for Amendment { at_ns, reshape } in &assignment.amendments {
            let profile_ns = at_ns.saturating_sub(scenarios[reshape.scenario].delay_ns);
            holdings.amend(reshape, profile_ns).expect("a coordinator that makes sense");
        }
        holdings.grant(&Handed::new(assignment.shares.clone()), 0, 0).expect("nothing waits yet");
        let hands = Arc::new(Hands::new(site.clock, lease.clone(), assignment.shares));
        site.target.holds(site.process, &hands);
        let (control, receiver) = watch::channel(Control::Wait);
        let load = Arc::new(Load {
            site,
            ledger: Mutex::new(Ledger::new(lease.clone(), scenarios.len())),
            lease,
            changed: Notify::new(),
            hands,
            progress: Progress::default(),
            control: receiver.clone(),
            started_at_ns: OnceLock::new(),
            scenarios,
        });
        tokio::spawn(run(Arc::clone(&load), changes.remove(0), receiver));
        Self { control, load, holdings: Mutex::new(holdings), alarm: Alarm::default() }
    }
}

impl Generator for SimulatedWorkers {
    fn start(&self, at_ns: u64) {
        self.load.site.target.starts(self.load.site.process, self.load.site.clock.true_at(at_ns));
        self.control.send_replace(Control::StartAt(*self.load.started_at_ns.get_or_init(|| at_ns)));
    }

    fn change(&self, change: &change::Change) -> Result<Made, ChangeError> {
        let start_ns = self.load.start_ns();
        let (asked_ns, now_ns) = (start_ns + change.at_ns, self.load.site.clock.now_ns());
        let mut holdings = self.holdings.lock().expect("nobody panics with shares in his hands");
        let kept_ns = asked_ns.max(revocable_from_ns(&self.load.lease, now_ns));
        let settled_ns = now_ns.min(self.load.lease.until_ns());
        let at_ns = match &change.what {
            What::Granted(handed) => {
                holdings.grant(handed, asked_ns, granted_too_late_until_ns(&self.load.lease, now_ns))?;
                asked_ns
            }
            What::Revoked(shares) => {
                holdings.revoke(shares, kept_ns, settled_ns)?;
                kept_ns
            }
            What::Reshaped(reshape) => {
                let begin_ns = self.load.begin_ns(reshape.scenario);
                holdings.reshape(reshape, (begin_ns, asked_ns, kept_ns), settled_ns)?;
                kept_ns
            }
        };
        let what = match &change.what {
            What::Granted(handed) => {
                format!("holds {:?} more", handed.shares.iter().map(Share::len).collect::<Vec<_>>())
            }
            What::Revoked(shares) => format!("holds {:?} less", shares.iter().map(Share::len).collect::<Vec<_>>()),
            What::Reshaped(reshape) => format!("goes on with {reshape:?}"),
        };
        let (process, from_ms) = (self.load.site.process, (at_ns - start_ns) / 1_000_000);
        tell(
            true_ns(),
            &format!(
                "{process:?}: change {} asked for {} ms: {what} from {from_ms} ms on",
                change.number,
                change.at_ns / 1_000_000
            ),
        );
        self.load.hands.change(&change.what, at_ns - start_ns);
        self.load.site.target.changes(&change.what);
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
    fn start_ns(&self) -> u64 {
        self.started_at_ns.get().copied().unwrap_or_default()
    }

    /// The beginning of a scenario's profile, on the agent's clock.
    fn begin_ns(&self, scenario: usize) -> u64 {
        self.start_ns() + self.scenarios[scenario].delay_ns
    }

    fn end_ns(&self, scenario: usize) -> u64 {
        self.begin_ns(scenario) + self.scenarios[scenario].duration_ns
    }

    fn grace_ns(&self, scenario: usize) -> u64 {
        self.scenarios[scenario].grace_ns
    }

    /// Whether a scenario has arrivals, rather than users.
    fn is_open(&self, scenario: usize) -> bool {
        matches!(self.scenarios[scenario].timing, Timing::Arrivals(_))
    }

    fn may_begin(&self, now_ns: u64) -> bool {
        self.lease.holds(now_ns) || planted("lease-not-checked")
    }

    fn is_stopping(&self) -> bool {
        matches!(*self.control.borrow(), Control::Drain | Control::Abort)
    }

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
async fn run(load: Arc<Load>, changes: Vec<ChangeReceiver>, mut control: watch::Receiver<Control>) {
    let clock = load.site.clock;
    let told = control.wait_for(|control| *control != Control::Wait).await.map_or(Control::Abort, |told| *told);
    if !matches!(told, Control::StartAt(_)) {
        load.started_at_ns.get_or_init(|| clock.now_ns());
    }
    let arrivals = |scenario| load.is_open(scenario).then(|| HeldArrivals::none(load.begin_ns(scenario)));
    let due = (0..load.scenarios.len()).map(arrivals).collect();
    load.ledger().begin(load.start_ns(), clock.now_ns(), due);
    let mut scenarios = JoinSet::new();
    for (scenario, changes) in changes.into_iter().enumerate() {
        let (mine, control) = (Arc::clone(&load), control.clone());
        match &load.scenarios[scenario].timing {
            Timing::Arrivals(schedule) => {
                let arrivals = HeldArrivals::none(load.begin_ns(scenario));
                let waiting = Waiting { scenario, schedule: Arc::clone(schedule), arrivals, cut_off: false };
                scenarios.spawn(open::run(mine, waiting, changes, control));
            }
            Timing::Users(_) => {
                scenarios.spawn(closed::run(mine, scenario, changes, control));
            }
        }
    }
    while scenarios.join_next().await.is_some() {}
    load.progress.end();
    let now_ns = clock.now_ns();
    load.enter(|ledger| ledger.finish(now_ns));
}

async fn wait_for_stop(control: &mut watch::Receiver<Control>) -> Control {
    let told = control.wait_for(|told| matches!(told, Control::Drain | Control::Abort)).await;
    told.map_or(Control::Abort, |told| *told)
}

/// The next change, once there is a processor to hear of it. May be given up and called again.
async fn next_change(load: &Load, changes: &mut ChangeReceiver) -> Change {
    thaw(load).await;
    changes.next().await
}

async fn thaw(load: &Load) {
    let frozen_ns = load.site.frozen_until_ns.load(Ordering::Relaxed);
    let frozen_ns = frozen_ns.saturating_sub(true_ns());
    if frozen_ns > 0 {
        tokio::time::sleep(Duration::from_nanos(frozen_ns)).await;
    }
}
