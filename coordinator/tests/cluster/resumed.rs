//! Coordinators that follow one another, and what agents make of them.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use muster::begun::Begun;
use muster::conduct::{Opening, conduct};
use muster::journal::{self, BYTES_MAX_DEFAULT, Happened, Head, Journal, Medium};
use muster::run::life::Run;
use muster::run::order::Order;
use muster::run::record::{Ending, RunRecord};
use muster::service::{Counter, desk};
use muster_agent::engine::clock;
use muster_agent::guard::Guard;
use muster_target::{Config, Target};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::support::{Told, join_at, plan, settings};

/// How long anything may take before a test gives up. It says nothing of how fast it should be.
const PATIENCE: Duration = Duration::from_secs(60);

/// A disk that outlives the coordinators that write to it.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Vec<u8>>>);

impl Medium for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().extend(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk {
    /// Another disk that holds the same.
    fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().clone())))
    }

    fn told(&self) -> journal::Told {
        let bytes = self.0.lock().unwrap().clone();
        journal::tell(bytes.as_slice()).unwrap()
    }

    /// The run as it was left.
    fn run(&self) -> Run {
        self.told().run
    }

    /// The run as it was left, for a coordinator that has yet to say that it has come, in these words.
    fn opening(&self) -> (Opening, Happened) {
        let told = self.told();
        let now = Begun::now();
        let goes_on = told.anchor.goes_on(told.last_ns, &now);
        let journal = Journal::go_on(self.clone(), &told, 1, BYTES_MAX_DEFAULT).unwrap();
        let opening = Opening::of(told.run, told.head.begun, goes_on.clock, Some(journal));
        (opening, Happened::resumed(&now, goes_on.by_wall_clock, false))
    }

    /// The next coordinator's run.
    fn resumed(&self) -> Opening {
        let (mut opening, resumed) = self.opening();
        let now_ns = opening.clock.at(clock::now_ns());
        let (event, entry) = resumed.at(now_ns);
        opening.journal = opening.journal.map(|journal| journal.commit(&[entry]).unwrap());
        opening.run.apply(event, now_ns);
        opening
    }
}

fn wait_until(mut condition: impl FnMut() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < PATIENCE, "waited in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A coordinator in a runtime of its own, with which all of it ends at once.
struct Mortal {
    runtime: Runtime,
    run: JoinHandle<RunRecord>,
    orders: Counter,
    _stops: mpsc::Sender<()>,
}

impl Mortal {
    fn conduct(mut opening: Opening, address: &str) -> (Self, String) {
        let (orders, desk) = desk();
        opening.desk = desk;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stops, receiver) = mpsc::channel(4);
        let run = runtime.spawn(async move { conduct(opening, listener, receiver, &mut Told::default()).await });
        (Self { runtime, run, orders, _stops: stops }, address)
    }

    fn kill(self) {
        self.runtime.shutdown_timeout(PATIENCE);
    }

    fn end(self) -> RunRecord {
        let run = self.run;
        let ended = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, run).await });
        ended.expect("the run ends").expect("the coordinator does not panic")
    }
}

/// A run of one agent, whoever coordinates it.
struct Scene {
    target: Target,
    disk: Disk,
    address: String,
    agents: Runtime,
}

impl Scene {
    /// The run in full swing, under its first coordinator.
    fn in_full_swing(lease: Duration, duration: &str) -> (Self, Mortal) {
        Self::of(lease, |target| plan(target, 1, "fail", "100/s", duration))
    }

    fn of(lease: Duration, plan: impl Fn(&Target) -> String) -> (Self, Mortal) {
        let (target, disk) = (Target::start(Config::default()).unwrap(), Disk::default());
        let mut settings = settings(&plan(&target));
        settings.lease_ns = lease.as_nanos() as u64;
        let head = Head::new(settings, Begun::now(), None);
        let journal = Journal::begin(disk.clone(), &head, BYTES_MAX_DEFAULT).unwrap();
        let (coordinator, address) = Mortal::conduct(Opening::written(head, journal), "127.0.0.1:0");
        let agents = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        agents.block_on(async { drop(join_at(&address, "one", 1, Guard::loopback_only())) });
        let scene = Self { target, disk, address, agents };
        scene.served(50);
        (scene, coordinator)
    }

    fn served(&self, more: u64) {
        let wanted = self.target.counts().responses + more;
        wait_until(|| self.target.counts().responses >= wanted);
    }
}

#[test]
fn the_load_goes_on_without_a_dip_while_the_next_coordinator_comes_within_the_lease() {
    let (scene, first) = Scene::in_full_swing(Duration::from_secs(60), "3s");
    first.kill();
    scene.served(50);
    let (coordinator, _) = Mortal::conduct(scene.disk.resumed(), &scene.address);
    let record = coordinator.end();
    scene.agents.shutdown_background();
    let counts = record.timeline.counts();
    assert_eq!((record.ending, record.absence.resumed), (Ending::Completed, 1));
    assert!(record.absence.total_ns > 0);
    assert_eq!((counts.due, counts.started, counts.completed), (300, 300, 300));
    assert_eq!(counts.outcomes(), scene.target.stop().responses);
}

#[test]
fn users_who_share_iterations_make_each_of_them_once_whoever_allots_them() {
    let (scene, first) = Scene::of(Duration::from_secs(60), |target| {
        format!(
            "name: test\ntarget: http://{}\nscenarios:\n  together:\n    executor: shared-iterations\n    users: 4\n    \
             iterations: 1500\n    max_duration: 50s\n    steps: [ {{ get: / }}, {{ think: 10ms }} ]\n",
            target.addr()
        )
    });
    first.kill();
    let (second, _) = Mortal::conduct(scene.disk.resumed(), &scene.address);
    scene.served(200);
    second.kill();
    let (third, _) = Mortal::conduct(scene.disk.resumed(), &scene.address);
    let record = third.end();
    scene.agents.shutdown_background();
    assert_eq!((&record.ending, record.absence.resumed), (&Ending::Completed, 2));
    assert_eq!(record.timeline.counts().completed, 1_500);
    assert_eq!(scene.target.stop().responses, 1_500);
}

#[test]
fn a_run_that_was_paused_is_paused_under_the_next_coordinator_and_goes_on_from_there() {
    let (scene, first) = Scene::in_full_swing(Duration::from_secs(60), "6s");
    let ordered = |mortal: &Mortal, order| mortal.runtime.block_on(mortal.orders.give(order)).unwrap();
    ordered(&first, Order::Pause);
    first.kill();
    let (coordinator, _) = Mortal::conduct(scene.disk.resumed(), &scene.address);
    std::thread::sleep(Duration::from_millis(500));
    ordered(&coordinator, Order::Resume);
    let record = coordinator.end();
    scene.agents.shutdown_background();
    let [paused, resumed] = &record.amendments[..] else { panic!("{:?}", record.amendments) };
    let gap = (resumed.at_ns - paused.at_ns) / 10_000_000;
    let counts = record.timeline.counts();
    assert!(counts.due.abs_diff(600 - gap) <= 1, "{} due, {gap} left out", counts.due);
    assert_eq!((record.ending, counts.completed), (Ending::Completed, counts.due));
    assert_eq!(counts.outcomes(), scene.target.stop().responses);
}

#[test]
fn an_agent_obeys_no_coordinator_that_was_replaced() {
    let (scene, first) = Scene::in_full_swing(Duration::from_secs(2), "300s");
    first.kill();
    let copy = scene.disk.copy();
    let (second, _) = Mortal::conduct(scene.disk.resumed(), &scene.address);
    wait_until(|| scene.disk.run().next_link() == 2);
    second.kill();
    let (replaced, _) = copy.opening();
    let applied = replaced.run.timeline().counts();
    let (replaced, _) = Mortal::conduct(replaced, &scene.address);
    wait_until(|| copy.run().next_link() >= 4);
    replaced.kill();
    scene.agents.shutdown_background();
    assert_eq!(copy.run().timeline().counts(), applied, "it comes and goes, and tells nothing");
}
