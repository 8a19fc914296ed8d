//! One seed's cluster, from its beginning to what is known of it at its end.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use muster::run::order::{Level, Order};
use muster_proto::plan::{Rate, Scenario};
use tokio::sync::{mpsc, watch};
use turmoil::Sim;

use super::agent::{self, Host};
use super::clock::SkewedClock;
use super::coordinator::{self, Desk, HOST, Window};
use super::dice::Dice;
use super::disk::{Disk, Fall};
use super::generator::Site;
use super::history::{History, tell};
use super::laws;
use super::tally::Tally;
use super::target::Target;
use super::tasks;
use super::weather::{Act, Weather};
use super::wire::Wire;

/// A run that has not ended after so much true time never will.
const ENDS_WITHIN: Duration = Duration::from_secs(100);
/// The simulation goes on for so much longer than the longest lease after the coordinator's end.
const AFTERMATH: Duration = Duration::from_millis(1_500);

/// What became of one seed.
pub(crate) struct Outcome {
    /// A number for everything that happened.
    pub(crate) history: History,
    pub(crate) tally: Tally,
    /// What did not go as it must.
    pub(crate) wrong: Vec<String>,
}

/// What the simulation holds of one agent's host.
struct Handles {
    name: String,
    wire: Wire,
    frozen_until_ns: Arc<AtomicU64>,
    leave: watch::Sender<bool>,
}

/// The coordinator's machine, whoever runs on it. Copies are of the same machine.
#[derive(Clone)]
struct Machine(Arc<Mutex<Running>>);

struct Running {
    clock: SkewedClock,
    /// Which of its starts it is.
    boot: u64,
    /// Where whoever coordinates now hears of the user's wish to stop.
    stops: Option<mpsc::Sender<()>>,
    /// And here of other orders.
    orders: Option<mpsc::Sender<Order>>,
}

impl Machine {
    fn with<T>(&self, work: impl FnOnce(&mut Running) -> T) -> T {
        work(&mut self.0.lock().expect("nobody panics with the machine in his hands"))
    }
}

/// A cluster under a seed's weather.
pub(crate) struct Cluster {
    pub(crate) weather: Weather,
    pub(crate) target: Target,
    pub(crate) window: Window,
    pub(crate) disk: Disk,
    pub(crate) tally: Tally,
    hosts: Vec<Handles>,
    machine: Machine,
    dice: Dice,
}

/// Lets a seed's cluster live, and looks at what became of it.
pub(crate) fn simulate(seed: u64) -> Outcome {
    tasks::number_anew();
    let weather = Weather::of(seed);
    let mut builder = turmoil::Builder::new();
    builder.rng_seed(seed).tick_duration(weather.tick).simulation_duration(ENDS_WITHIN * 2);
    builder.min_message_latency(*weather.latency.start()).max_message_latency(*weather.latency.end());
    let mut sim = builder.build();
    if weather.far {
        // Messages take anything in between, not mostly the least.
        sim.set_message_latency_curve(2.0);
    }
    let mut cluster = Cluster::in_sim(&mut sim, weather, seed);
    let mut wrong = cluster.live(&mut sim);
    drop(sim);
    wrong.extend(cluster.target.with(|seen| std::mem::take(&mut seen.wrong)));
    wrong.extend(PANICS.with(|panics| std::mem::take(&mut *panics.borrow_mut())));
    wrong.extend(laws::broken(&mut cluster));
    cluster.tally.add("seeds", 1);
    Outcome { history: cluster.history(), tally: cluster.tally, wrong }
}

impl Cluster {
    fn in_sim(sim: &mut Sim<'_>, weather: Weather, seed: u64) -> Self {
        let (target, window, disk) = (Target::default(), Window::default(), Disk::new(weather.disk_room_bytes));
        let machine = add_coordinator(sim, &weather, (&window, &target, &disk));
        let hosts = weather.agents.iter().enumerate().map(|(host, agent)| add_agent(sim, host, *agent, &target));
        let hosts = hosts.collect();
        let dice = Dice::of(seed, 2);
        Self { weather, target, window, disk, tally: Tally::default(), hosts, machine, dice }
    }

    /// Lives through the weather until the run has ended, and a little longer.
    fn live(&mut self, sim: &mut Sim<'_>) -> Vec<String> {
        let mut acts = std::mem::take(&mut self.weather.acts).into_iter().peekable();
        let mut until = ENDS_WITHIN;
        let mut has_ended = false;
        while sim.elapsed() < until {
            while let Some((_, act)) = acts.next_if(|(at_ms, _)| Duration::from_millis(*at_ms) <= sim.elapsed()) {
                tell(sim.elapsed().as_nanos() as u64, &format!("{act:?}"));
                self.act(sim, act);
            }
            if let Err(error) = sim.step() {
                return vec![format!("a host failed: {error}")];
            }
            let resumes = acts.clone().any(|(_, act)| matches!(act, Act::Resume));
            if !has_ended && !sim.is_host_running(HOST) && (!resumes || self.is_over()) {
                has_ended = true;
                until = sim.elapsed() + Duration::from_nanos(self.weather.settings.lease_ns) + AFTERMATH;
            }
        }
        if has_ended { Vec::new() } else { vec![format!("the run has not ended after {ENDS_WITHIN:?}")] }
    }

    fn act(&mut self, sim: &mut Sim<'_>, act: Act) {
        let name = |host: usize| self.hosts[host].name.clone();
        let later_ns = |ms: u64| sim.elapsed().as_nanos() as u64 + ms * 1_000_000;
        match act {
            Act::Partition(host) => sim.partition(name(host), HOST),
            Act::LoseFrom(host) => sim.partition_oneway(name(host), HOST),
            Act::LoseTo(host) => sim.partition_oneway(HOST, name(host)),
            Act::Hold(host) => sim.hold(name(host), HOST),
            Act::Mend(host) => {
                sim.repair(name(host), HOST);
                sim.release(name(host), HOST);
            }
            Act::Cut(host) => self.hosts[host].wire.cut(),
            Act::Deafen(host, ms) => self.hosts[host].wire.deafen(later_ns(ms)),
            Act::Delay(host, ms) => sim.set_link_latency(name(host), HOST, Duration::from_millis(ms)),
            Act::Freeze(host, ms) => self.hosts[host].frozen_until_ns.store(later_ns(ms), Ordering::Relaxed),
            Act::Crash(host) => sim.crash(name(host)),
            Act::Restart(host) => sim.bounce(name(host)),
            Act::Leave(host) => _ = self.hosts[host].leave.send_replace(true),
            Act::Set(scenario, level, over_ms) => {
                let Scenario { name, executor, .. } = &self.weather.settings.plan.scenarios[scenario];
                let level = match executor.is_open() {
                    true => Level::Rate(Rate::per_second(level.into())),
                    // A user makes some forty iterations a second.
                    false => Level::Users(level / 10),
                };
                let over = Duration::from_millis(over_ms);
                self.order(Order::Set { scenario: name.clone(), level, over });
            }
            Act::Pause => self.order(Order::Pause),
            Act::GoOn => self.order(Order::Resume),
            Act::Stop => self.machine.with(|running| running.stops.iter().for_each(|stops| _ = stops.try_send(()))),
            Act::SlowDisk(ms) => self.disk.becomes_slow(ms),
            Act::BreakDisk => self.disk.breaks(),
            Act::Fall(_) if !sim.is_host_running(HOST) => return,
            Act::Fall(fall) => {
                sim.crash(HOST);
                self.disk.after(fall, &mut self.dice);
                if fall == Fall::PowerCut {
                    self.starts_anew(sim.elapsed());
                }
            }
            Act::DamageSnapshot if sim.is_host_running(HOST) || !self.disk.damages_newest_snapshot(&mut self.dice) => {
                return;
            }
            Act::DamageSnapshot => {}
            Act::Resume if sim.is_host_running(HOST) || !self.is_left() => return,
            Act::Resume => sim.bounce(HOST),
        }
        self.tally.add(name_of(act), 1);
    }

    /// The user gives an order, if there is anybody to take it.
    fn order(&self, order: Order) {
        self.machine.with(|running| running.orders.iter().for_each(|orders| _ = orders.try_send(order.clone())));
    }

    /// How often the coordinator's machine lost its power.
    pub(crate) fn power_cuts(&self) -> u64 {
        self.machine.with(|running| running.boot - 1)
    }

    /// Whether nobody has anything left to coordinate.
    fn is_over(&self) -> bool {
        self.window.with(|shown| shown.ended_ns.is_some())
    }

    /// Whether there is a run to go on with, on a disk that can be trusted.
    fn is_left(&self) -> bool {
        !self.is_over() && self.has_begun() && !self.disk.failed().0
    }

    /// Whether a coordinator ever came as far as to be heard by anybody.
    pub(crate) fn has_begun(&self) -> bool {
        self.window.with(|shown| !shown.epochs.is_empty())
    }

    /// The coordinator's machine was without power: its clock begins anew, somewhere else.
    fn starts_anew(&mut self, elapsed: Duration) {
        let shows_ns = self.dice.within(1_000_000_000..=60_000_000_000);
        self.machine.with(|running| {
            running.boot += 1;
            running.clock = running.clock.set_to(shows_ns, elapsed.as_nanos() as u64);
        });
    }

    /// A number for everything that happened.
    fn history(&self) -> History {
        let mut history = History::default();
        self.target.with(|seen| {
            for request in &seen.requests {
                history.add_number(request.iteration.0 as u64);
                history.add_number(request.iteration.1);
                history.add_number(request.process.0 as u64);
                history.add_number(request.at_ns);
            }
            for process in &seen.processes {
                history.add_number(process.acknowledged);
                process.deltas.values().for_each(|(counts, _)| history.add(format!("{counts:?}").as_bytes()));
            }
        });
        self.window.with(|shown| {
            for (at_ns, text) in &shown.told {
                history.add_number(*at_ns);
                history.add(text.as_bytes());
            }
            shown.heard.values().flatten().for_each(|heard| history.add_number(heard.at_ns));
        });
        history
    }
}

/// The name under which an act is counted.
fn name_of(act: Act) -> &'static str {
    match act {
        Act::Partition(_) | Act::LoseFrom(_) | Act::LoseTo(_) => "networks parted",
        Act::Hold(_) => "networks held",
        Act::Mend(_) => "networks mended",
        Act::Cut(_) => "streams cut",
        Act::Deafen(..) => "agents deafened",
        Act::Delay(..) => "networks slow or quick again",
        Act::Freeze(..) => "generators frozen",
        Act::Crash(_) => "agents crashed",
        Act::Restart(_) => "agents restarted",
        Act::Leave(_) => "agents told to leave",
        Act::Stop => "stops",
        Act::Set(..) => "levels set",
        Act::Pause => "pauses",
        Act::GoOn => "ends of pauses",
        Act::SlowDisk(_) => "disks slow",
        Act::BreakDisk => "disks broken",
        Act::Fall(Fall::Killed) => "coordinators killed",
        Act::Fall(Fall::PowerCut) => "power cuts",
        Act::DamageSnapshot => "snapshots damaged",
        Act::Resume => "coordinators started again",
    }
}

fn add_coordinator(sim: &mut Sim<'_>, weather: &Weather, (window, target, disk): (&Window, &Target, &Disk)) -> Machine {
    let machine =
        Machine(Arc::new(Mutex::new(Running { clock: weather.coordinator, boot: 1, stops: None, orders: None })));
    let (settings, segment_bytes) = (weather.settings.clone(), weather.segment_bytes);
    let (window, target, disk, here) = (window.clone(), target.clone(), disk.clone(), machine.clone());
    sim.host(HOST, move || {
        let (sender, stops) = mpsc::channel(4);
        let (order_sender, orders) = mpsc::channel(16);
        let (clock, boot) = here.with(|running| {
            (running.stops, running.orders) = (Some(sender), Some(order_sender));
            (running.clock, running.boot)
        });
        let desk = Desk { clock, boot, disk: disk.clone(), segment_bytes };
        coordinator::process(desk, settings.clone(), window.clone(), target.clone(), (stops, orders))
    });
    machine
}

fn add_agent(sim: &mut Sim<'_>, number: usize, agent: super::weather::Agent, target: &Target) -> Handles {
    let (leave, receiver) = watch::channel(false);
    let (wire, frozen_until_ns) = (Wire::default(), Arc::new(AtomicU64::new(0)));
    let handles = Handles {
        name: format!("{}{number}", agent::HOST_PREFIX),
        wire: wire.clone(),
        frozen_until_ns: Arc::clone(&frozen_until_ns),
        leave,
    };
    let target = target.clone();
    sim.host(handles.name.as_str(), move || {
        let (process, name) = target.begins(number);
        let (target, frozen_until_ns) = (target.clone(), Arc::clone(&frozen_until_ns));
        let site = Site { process, clock: agent.clock, target, frozen_until_ns };
        let host = Host { site, wire: wire.clone(), prepare_ms: agent.prepare_ms };
        agent::process(host, name, agent.weight, receiver.clone())
    });
    handles
}

thread_local! {
    /// What panicked in this thread since somebody last looked.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From now on panics of simulated hosts are kept, each with its thread, instead of passing unnoticed.
pub(crate) fn keep_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with(|panics| panics.borrow_mut().push(format!("a panic: {info}")));
            usual(info);
        }));
    });
}
