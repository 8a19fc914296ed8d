//! That nothing is ever in two hands, whoever is cut off, comes back, leaves or joins, and however the load is changed
//! meanwhile.

use std::collections::VecDeque;

use std::sync::Arc;

use muster_proto::change::{Change, Stages, What};
use muster_proto::plan::{Arrivals, Rate, RateStage};
use muster_proto::schedule::{ArrivalSchedule, Load, Stream, Timing};
use muster_proto::share::SHARDS;
use proptest::prelude::*;

use super::super::super::order::{Level, Order, Ticket};

use super::*;

/// How often everybody looks around.
const STEP_NS: u64 = 50 * MS;
/// How often an agent says that it lives, in steps.
const PROBE_STEPS: u64 = 6;
/// How long before a moment that an agent names it may have started something already.
const REVOKE_LEAD_NS: u64 = 10 * MS;

#[derive(Clone, Copy, Debug)]
enum Act {
    /// Nothing goes to this agent or comes from it, until it comes back.
    Cut(usize),
    /// Its process ends: whoever comes back of it only hands in what it left.
    Die(usize),
    Return(usize),
    Leave(usize),
    Join,
    /// It takes longer to do what it is told.
    Dawdle(usize),
    /// The user sets so many arrivals per second, at once or within so many tenths of a second.
    Set(u16, u8),
    Pause,
    Resume,
}

fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let who = 0..6_usize;
    let act = prop_oneof![
        3 => who.clone().prop_map(Act::Cut),
        2 => who.clone().prop_map(Act::Die),
        4 => who.clone().prop_map(Act::Return),
        1 => who.clone().prop_map(Act::Leave),
        2 => Just(Act::Join),
        2 => who.prop_map(Act::Dawdle),
        2 => (0..400_u16, prop_oneof![Just(0), 0..30_u8]).prop_map(|(rate, tenths)| Act::Set(rate, tenths)),
        1 => Just(Act::Pause),
        1 => Just(Act::Resume),
    ];
    prop::collection::vec((0..40_u64, act), 0..14)
}

/// A share that an agent holds or held, from when to when of run time.
#[derive(Clone)]
struct Piece {
    share: Share,
    from_ns: u64,
    until_ns: u64,
    schedule: Arc<ArrivalSchedule>,
    /// Whether it goes on with what was held until then.
    goes_on: bool,
    /// Arrivals of this load were others' before.
    passed: Load,
    /// By which schedules it was due until when, before: what was due then is not due again.
    before: Vec<(Arc<ArrivalSchedule>, u64)>,
}

/// When an arrival is due by a schedule, in run time.
fn due_ns(schedule: &ArrivalSchedule, arrival: u64) -> u64 {
    schedule.due_ns(arrival).unwrap_or(u64::MAX)
}

/// The load at which an arrival is due.
fn load_of(arrival: u64) -> Load {
    // All that is due before the next one, by a schedule that makes an arrival each nanosecond.
    let stages = [RateStage { duration: Duration::from_secs(1), from: Rate::MAX, to: Rate::MAX }];
    let schedule = ArrivalSchedule::new(&stages, Arrivals::Uniform, Stream { seed: 0, scenario: 0 }).unwrap();
    let before_next = schedule.load_before(arrival + 1).to_bytes();
    // It lies one unit below what is due before the moment after its own.
    Load::from_bytes((u128::from_le_bytes(before_next) - 1).to_le_bytes())
}

/// An agent, as it knows itself.
struct Peer {
    link: Link,
    is_connected: bool,
    has_died: bool,
    told: VecDeque<Command>,
    /// How many steps it lets what it is told lie.
    dawdles: u64,
    held: Vec<Piece>,
    /// When arrivals are due, as far as it knows.
    schedule: Arc<ArrivalSchedule>,
    /// When its lease was renewed, and until when.
    leases: Vec<(u64, u64)>,
    last_change: u64,
}

impl Peer {
    fn new(link: u64, schedule: &Arc<ArrivalSchedule>) -> Self {
        Self {
            schedule: Arc::clone(schedule),
            link: Link(link),
            is_connected: true,
            has_died: false,
            told: VecDeque::new(),
            dawdles: 0,
            held: Vec::new(),
            leases: Vec::new(),
            last_change: 0,
        }
    }

    /// It starts nothing any more.
    fn die(&mut self, now_ns: u64) {
        (self.is_connected, self.has_died) = (false, true);
        self.told.clear();
        self.leases.iter_mut().for_each(|lease| lease.1 = lease.1.min(now_ns));
    }

    fn lease_until_ns(&self) -> u64 {
        self.leases.iter().map(|lease| lease.1).max().unwrap_or(0)
    }

    fn hold(&mut self, share: Share, from_ns: u64, passed: Load) {
        let (until_ns, schedule) = (u64::MAX, Arc::clone(&self.schedule));
        let before = Vec::new();
        self.held.push(Piece { share, from_ns, until_ns, schedule, goes_on: false, passed, before });
    }

    /// Does what it is told, and says what it answers.
    fn change(&mut self, change: &Change, start_ns: u64, now_ns: u64) -> Option<Event> {
        if change.number <= self.last_change {
            return None;
        }
        assert_eq!(change.number, self.last_change + 1, "in order");
        self.last_change = change.number;
        let lease_until_ns = self.lease_until_ns();
        let earliest_ns = if now_ns < lease_until_ns { now_ns + REVOKE_LEAD_NS } else { lease_until_ns };
        let at_ns = change.at_ns.max(earliest_ns.saturating_sub(start_ns));
        let at_ns = match &change.what {
            What::Granted(handed) => {
                self.hold(handed.shares[0].clone(), change.at_ns, handed.passed[0]);
                change.at_ns
            }
            What::Revoked(shares) => {
                self.split(
                    at_ns,
                    |piece| piece.share = piece.share.without(&shares[0]),
                    |share| share.within(&shares[0]),
                );
                at_ns
            }
            What::Reshaped(reshape) => {
                let Stages::Rate(stages) = &reshape.stages else { panic!("users") };
                self.schedule = Arc::new(self.schedule.amended(change.at_ns, stages).unwrap());
                let schedule = Arc::clone(&self.schedule);
                self.split(
                    at_ns,
                    |piece| {
                        let before = std::mem::replace(&mut piece.schedule, Arc::clone(&schedule));
                        if piece.goes_on || piece.from_ns < at_ns {
                            piece.before.push((before, at_ns));
                        }
                    },
                    Share::clone,
                );
                at_ns
            }
        };
        Some(Event::Changed { link: self.link, number: change.number, at_ns, refusal: None })
    }

    /// Goes on with each piece in another way from a moment on, and until then with a part of it as before.
    fn split(&mut self, at_ns: u64, later: impl Fn(&mut Piece), sooner: impl Fn(&Share) -> Share) {
        for index in 0..self.held.len() {
            let piece = self.held[index].clone();
            let from_ns = piece.from_ns.max(at_ns);
            if from_ns >= piece.until_ns {
                continue;
            }
            let share = sooner(&piece.share);
            let piece_goes_on = piece.goes_on;
            let mut rest = piece.clone();
            later(&mut rest);
            self.held[index] = Piece { share, until_ns: at_ns, ..piece };
            let goes_on = piece_goes_on || rest.from_ns < at_ns;
            self.held.push(Piece { from_ns, goes_on, ..rest });
        }
    }

    /// When, of the coordinator's clock, it could start this arrival: when it was due in its hands while it had a lease.
    fn could_start(&self, start_ns: u64, arrival: u64) -> Option<u64> {
        let owns = |piece: &&Piece| piece.share.contains((arrival % SHARDS as u64) as u16);
        self.held.iter().filter(owns).find_map(|piece| {
            let moment_ns = due_ns(&piece.schedule, arrival);
            let passed = piece.before.iter().any(|(schedule, until_ns)| due_ns(schedule, arrival) < *until_ns);
            let others = load_of(arrival) < piece.passed;
            let is_held = (piece.from_ns..piece.until_ns).contains(&moment_ns) && !passed && !others;
            let leased = |lease: &(u64, u64)| (lease.0..lease.1).contains(&(start_ns.saturating_add(moment_ns)));
            (is_held && self.leases.iter().any(leased)).then_some(moment_ns)
        })
    }
}

/// Agents and their coordinator.
struct World {
    stage: Stage,
    peers: Vec<Peer>,
    links: u64,
}

impl World {
    fn started(agents: u32) -> Self {
        let settings = RunSettings { plan: lasting_plan(agents), ..settings(agents, OnLoss::Redistribute) };
        let mut stage = Stage { run: Run::new(settings, S), now_ns: S };
        let Timing::Arrivals(schedule) = stage.run.holdings.latest(0).clone() else { panic!("a closed plan") };
        let mut peers: Vec<Peer> = (0..u64::from(agents)).map(|link| Peer::new(link, &schedule)).collect();
        let mut commands = Vec::new();
        for peer in &peers {
            let incarnation = Incarnation(peer.link.0);
            commands.extend(stage.tell(Event::Joined(peer.link, Newcomer { incarnation, ..newcomer() })));
        }
        for command in commands {
            if let Command::Assign { link, shares, .. } = command {
                peers[link.0 as usize].hold(shares[0].clone(), 0, Load::default());
            }
        }
        for peer in &peers {
            stage.tell(Event::Ready(peer.link, ClockReading::default()));
        }
        stage.now_ns = stage.run.start_ns().expect("all are ready");
        Self { stage, peers, links: u64::from(agents) }
    }

    fn tell(&mut self, event: Event) {
        let commands = self.stage.tell(event);
        for command in commands {
            let (Command::Renew(link, _) | Command::Change(link, _)) = &command else { continue };
            let mut peers = self.peers.iter_mut();
            if let Some(peer) = peers.find(|peer| peer.link == *link && peer.is_connected) {
                peer.told.push_back(command);
            }
        }
    }

    fn act(&mut self, act: Act) {
        let index = match act {
            Act::Cut(index) | Act::Die(index) | Act::Return(index) | Act::Leave(index) | Act::Dawdle(index) => {
                index % self.peers.len()
            }
            Act::Join | Act::Set(..) | Act::Pause | Act::Resume => self.peers.len(),
        };
        match act {
            Act::Cut(_) => {
                self.peers[index].is_connected = false;
                self.peers[index].told.clear();
            }
            Act::Die(_) => self.peers[index].die(self.stage.now_ns),
            Act::Dawdle(_) => self.peers[index].dawdles += 5,
            Act::Leave(_) if self.peers[index].is_connected => self.tell(Event::Leaving(self.peers[index].link)),
            Act::Leave(_) => {}
            Act::Return(_) => self.come_back(index),
            Act::Set(rate, tenths) => {
                let level = Level::Rate(Rate::per_second(u64::from(rate)));
                let over = Duration::from_millis(100 * u64::from(tenths));
                self.order(Order::Set { scenario: "browse".to_owned(), level, over });
            }
            Act::Pause => self.order(Order::Pause),
            Act::Resume => self.order(Order::Resume),
            Act::Join => {
                let link = Link(self.links);
                self.links += 1;
                let newcomer = Newcomer { incarnation: Incarnation(link.0), ..newcomer() };
                let Timing::Arrivals(schedule) = self.stage.run.holdings.latest(0).clone() else {
                    panic!("a closed plan")
                };
                self.peers.push(Peer::new(link.0, &schedule));
                self.tell(Event::Joined(link, newcomer));
                self.tell(Event::Ready(link, ClockReading::default()));
            }
        }
    }

    fn order(&mut self, order: Order) {
        self.tell(Event::Ordered(Ticket(0), order));
    }

    fn come_back(&mut self, index: usize) {
        let (before, link) = (self.peers[index].link, Link(self.links));
        let known = self.stage.run.agents.iter().find(|agent| agent.link == before);
        let Some(incarnation) = known.map(|agent| agent.incarnation) else { return };
        self.links += 1;
        let (run, has_ended) = (Some(self.stage.run.settings.id), self.peers[index].has_died);
        let commands = self.stage.tell(Event::Joined(link, Newcomer { incarnation, run, has_ended, ..newcomer() }));
        for command in commands {
            match command {
                Command::Welcome { changes, .. } => {
                    let peer = &mut self.peers[index];
                    (peer.link, peer.is_connected, peer.dawdles) = (link, !has_ended, 0);
                    peer.told = changes.into_iter().map(|change| Command::Change(link, change)).collect();
                }
                Command::Renew(to, _) | Command::Change(to, _) => {
                    let mut peers = self.peers.iter_mut();
                    let peer = peers.find(|peer| peer.link == to && peer.is_connected);
                    peer.into_iter().for_each(|peer| peer.told.push_back(command.clone()));
                }
                _ => {}
            }
        }
    }

    fn step(&mut self, step: u64) {
        self.stage.now_ns += STEP_NS;
        let (now_ns, start_ns) = (self.stage.now_ns, self.stage.run.start_ns().unwrap());
        for index in 0..self.peers.len() {
            let peer = &mut self.peers[index];
            if !peer.is_connected {
                continue;
            }
            let mut said = Vec::new();
            if (step + index as u64).is_multiple_of(PROBE_STEPS) {
                said.push(Event::Heard(peer.link, Pulse { sent_at_ns: now_ns, ..Pulse::default() }));
            }
            let lets_lie = peer.dawdles > 0;
            peer.dawdles = peer.dawdles.saturating_sub(1);
            while let Some(command) = if lets_lie { None } else { peer.told.pop_front() } {
                match command {
                    Command::Renew(_, sent_at_ns) => peer.leases.push((now_ns, sent_at_ns + LEASE_NS)),
                    Command::Change(_, change) => said.extend(peer.change(&change, start_ns, now_ns)),
                    _ => {}
                }
            }
            said.into_iter().for_each(|event| self.tell(event));
        }
        self.tell(Event::Tick);
    }

    /// Every shard is in the hands of one, as the coordinator knows it.
    fn assert_whole(&self) {
        let mut owners = vec![0_u8; SHARDS];
        for index in 0..self.stage.run.agents.len() {
            self.stage.run.holdings.of(index)[0].shards().for_each(|shard| owners[usize::from(shard)] += 1);
        }
        assert!(owners.iter().all(|owners| *owners == 1));
    }

    /// Nobody could start an arrival that somebody else could, and together they could not start more than the plan asks.
    fn assert_apart(&self) {
        let start_ns = self.stage.run.start_ns().unwrap();
        let (mut all, _) = self.stage.run.holdings.arrivals_of(0).unwrap();
        let planned = all.count_before(u64::MAX);
        for arrival in (0..planned.max(20_000)).step_by(7) {
            let starters: Vec<(u64, u64)> = self
                .peers
                .iter()
                .filter_map(|peer| Some((peer.link.0, peer.could_start(start_ns, arrival)?)))
                .collect();
            assert!(starters.len() <= 1, "arrival {arrival} is in the hands of two: {starters:?}");
        }
    }
}

/// A plan that goes on for as long as anything happens here.
fn lasting_plan(agents: u32) -> Plan {
    let mut plan = synthetic::open_plan(60);
    plan.agents.start_when = agents;
    plan.agents.on_loss = OnLoss::Redistribute;
    plan
}

/// Lets these things happen, each followed by so many steps.
fn assert_apart_after(agents: u32, acts: impl IntoIterator<Item = (u64, Act)>) {
    let mut world = World::started(agents);
    let mut step = 0;
    for (pause, act) in acts {
        world.act(act);
        for _ in 0..pause {
            step += 1;
            world.step(step);
        }
        if world.stage.run.has_ended() {
            break;
        }
        world.assert_whole();
    }
    world.assert_apart();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_is_in_two_hands(agents in 2_u32..5, acts in acts()) {
        assert_apart_after(agents, acts);
    }
}

#[test]
fn an_answer_about_what_was_taken_long_ago_gives_nothing_away_that_was_given_since() {
    use Act::{Cut, Join, Return};
    let acts = [
        (33, Join),
        (28, Cut(0)),
        (4, Cut(1)),
        (33, Join),
        (37, Cut(3)),
        (15, Return(0)),
        (1, Return(1)),
        (3, Return(3)),
    ];
    assert_apart_after(3, acts);
}

#[test]
fn what_is_taken_from_one_that_has_died_is_given_once_whatever_it_was_told_before() {
    use Act::{Cut, Die, Join, Return};
    for pause in [0, 1, 3, 8] {
        assert_apart_after(
            3,
            [(20, Join), (pause, Die(1)), (pause, Return(1)), (30, Join), (2, Die(0)), (9, Return(0))],
        );
        assert_apart_after(2, [(20, Join), (pause, Cut(0)), (1, Die(0)), (40, Return(0)), (40, Join)]);
    }
}
