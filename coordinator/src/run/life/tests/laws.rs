//! What holds whatever happens, in whatever order, from whomever.

use std::collections::BTreeSet;

use muster_proto::share::SHARDS;
use proptest::prelude::*;

use super::*;

/// How many agents there are at a time, at most; each that joins anew does so on a link of its own.
const SEATS: u64 = 4;

#[derive(Clone, Copy, Debug)]
enum Order {
    Next,
    Again,
    Gap,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Join { good: bool },
    Heard,
    Ready,
    Unable,
    Delta(Order),
    Closing { right: bool },
    Gone,
    Return,
    HandIn,
    Resumed,
    Stop,
    Tick,
}

fn acts() -> impl Strategy<Value = Vec<(u64, Act, u64)>> {
    let act = prop_oneof![
        8 => prop::bool::weighted(0.9).prop_map(|good| Act::Join { good }),
        4 => Just(Act::Heard),
        8 => Just(Act::Ready),
        1 => Just(Act::Unable),
        24 => Just(Act::Delta(Order::Next)),
        6 => Just(Act::Delta(Order::Again)),
        1 => Just(Act::Delta(Order::Gap)),
        3 => prop::bool::weighted(0.8).prop_map(|right| Act::Closing { right }),
        2 => Just(Act::Gone),
        4 => Just(Act::Return),
        2 => Just(Act::HandIn),
        2 => Just(Act::Resumed),
        1 => Just(Act::Stop),
        6 => Just(Act::Tick),
    ];
    let pause_ms = prop_oneof![20 => 0_u64..400, 1 => 2_000_u64..30_000];
    // One seat beyond those that may join is a stranger's, whom nobody let in.
    prop::collection::vec((0..=SEATS, act, pause_ms), 0..120)
}

/// What the world did, and what it was told.
#[derive(Default)]
struct World {
    seats: [Option<Link>; SEATS as usize],
    links: u64,
    /// On which link an agent joined at first that has come back on another.
    first: BTreeMap<Link, Link>,
    welcomed: BTreeSet<Link>,
    refused: BTreeSet<Link>,
    ready: BTreeSet<Link>,
    assigned: BTreeMap<Link, Vec<Share>>,
    started: BTreeSet<Link>,
    /// The deltas of each link that were acknowledged.
    applied: BTreeMap<Link, u64>,
    /// Which manner each link was told last.
    stopped: BTreeMap<Link, Manner>,
    duplicates: u64,
    stops: u32,
    resumed: bool,
    /// Whether anybody was ever told to start.
    has_begun: bool,
}

impl World {
    fn link(&self, seat: u64) -> Link {
        self.seats.get(seat as usize).copied().flatten().unwrap_or(Link(u64::MAX - seat))
    }

    /// The link by which an agent is known here.
    fn who(&self, link: Link) -> Link {
        self.first.get(&link).copied().unwrap_or(link)
    }

    fn event(&mut self, plan: &Plan, seat: u64, act: Act) -> Event {
        let link = self.link(seat);
        let who = self.who(link);
        let applied = self.applied.get(&who).copied().unwrap_or(0);
        match act {
            Act::Join { good } => {
                let link = Link(self.links);
                self.links += 1;
                if let Some(seat) = self.seats.get_mut(seat as usize) {
                    *seat = Some(link);
                }
                let protocol_version = if good { PROTOCOL_VERSION } else { PROTOCOL_VERSION + 1 };
                Event::Joined(link, Newcomer { protocol_version, incarnation: Incarnation(link.0), ..newcomer() })
            }
            Act::Heard => Event::Heard(link, Pulse::default()),
            Act::Ready => {
                self.ready.insert(who);
                Event::Ready(link, ClockReading::default())
            }
            Act::Unable => Event::Unable { link, reason: "no".to_owned(), by_policy: false },
            Act::Delta(order) => {
                let seq = match order {
                    Order::Next => applied + 1,
                    Order::Again => applied.max(1),
                    Order::Gap => applied + 2,
                };
                Event::Delta(link, Box::new(delta(plan, seq, 0)))
            }
            Act::Closing { right } => {
                let last_seq = if right { applied } else { applied + 1 };
                let totals = Totals { last_seq, ..Totals::default() };
                Event::Closing { link, totals, start_error_ns: None }
            }
            Act::Gone => Event::Gone(link, "cable".to_owned()),
            Act::Return | Act::HandIn => {
                let (first, link) = (self.who(link), Link(self.links));
                self.links += 1;
                self.first.insert(link, first);
                if let Some(seat) = self.seats.get_mut(seat as usize) {
                    *seat = Some(link);
                }
                let (run, has_ended) = (Some(RunId(uuid::Uuid::from_u128(7))), matches!(act, Act::HandIn));
                Event::Joined(link, Newcomer { incarnation: Incarnation(first.0), run, has_ended, ..newcomer() })
            }
            Act::Resumed => {
                self.resumed = true;
                Event::Resumed { by_wall_clock: false, lacks_secrets: false }
            }
            Act::Stop => {
                self.stops += 1;
                Event::Stop
            }
            Act::Tick => Event::Tick,
        }
    }

    /// Checks what is answered to one event.
    fn hear(&mut self, delta: Option<(Link, u64)>, commands: &[Command]) -> Result<(), TestCaseError> {
        for command in commands {
            match command {
                Command::Welcome { link, applied_seq, .. } => {
                    if self.resumed && !self.has_begun {
                        // Whoever was prepared for a coordinator that was killed before the start is a newcomer.
                        self.first.remove(link);
                    }
                    let who = self.who(*link);
                    let is_new = self.welcomed.insert(who);
                    prop_assert_eq!(is_new, who == *link, "welcomed twice, or back from nowhere");
                    prop_assert_eq!(*applied_seq, self.applied.get(&who).copied().unwrap_or(0));
                    // It hears on its new stream what it may have missed on the other.
                    self.started.remove(&who);
                    self.stopped.remove(&who);
                }
                Command::HangUp(_) | Command::Renew(..) | Command::Change(..) | Command::Allot(..) => {}
                Command::Refuse(link, _) => drop(self.refused.insert(*link)),
                Command::Assign { link, shares, .. } => {
                    prop_assert!(self.welcomed.contains(link));
                    prop_assert!(self.assigned.insert(*link, shares.clone()).is_none(), "assigned twice");
                    // Who speaks of being ready before it was asked is lost, so only what comes later counts.
                    self.ready.remove(link);
                }
                Command::Start(link, _) => {
                    self.has_begun = true;
                    prop_assert!(self.started.insert(self.who(*link)), "started twice");
                    prop_assert!(self.assigned.keys().all(|link| self.ready.contains(link)), "not all were ready");
                }
                Command::Ack(link, seq) => {
                    let (from, told) = delta.expect("only deltas are acknowledged");
                    let applied = self.applied.entry(self.who(*link)).or_default();
                    prop_assert_eq!(from, *link);
                    self.duplicates += u64::from(told <= *applied);
                    *applied = told.max(*applied);
                    prop_assert_eq!(*seq, *applied);
                }
                Command::Stop(link, manner) => {
                    let before = self.stopped.insert(self.who(*link), *manner);
                    prop_assert!(before.is_none() || (before, *manner) == (Some(Manner::Drain), Manner::Abort));
                    prop_assert!(*manner == Manner::Drain || self.stops > 0);
                }
                Command::Release(link) => prop_assert!(self.welcomed.contains(&self.who(*link))),
                Command::Perform(..) => prop_assert!(false, "this plan has nothing that is made once"),
                Command::Tell(_) | Command::Answer(..) => {}
            }
        }
        Ok(())
    }

    /// The shares of all agents are each scenario, without rest and without overlap.
    fn check_shares(&self) -> Result<(), TestCaseError> {
        let Some(first) = self.assigned.values().next() else { return Ok(()) };
        for scenario in 0..first.len() {
            let mut owners = vec![0_u8; SHARDS];
            for shares in self.assigned.values() {
                shares[scenario].shards().for_each(|shard| owners[usize::from(shard)] += 1);
            }
            prop_assert!(owners.iter().all(|owners| *owners == 1));
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn a_run_keeps_its_promises_and_ends(agents in 1_u32..4, degrade: bool, acts in acts()) {
        let mut stage = Stage::new(agents, if degrade { OnLoss::Degrade } else { OnLoss::Fail });
        let mut world = World::default();
        for (seat, act, pause_ms) in acts {
            stage.now_ns += pause_ms * MS;
            let event = world.event(stage.run.plan(), seat, act);
            let delta = if let Event::Delta(link, delta) = &event { Some((*link, delta.seq)) } else { None };
            let (had_ended, applied) = (stage.run.has_ended(), world.applied.clone());
            if matches!(act, Act::Resumed) && stage.run.start_ns().is_none() {
                // Nobody has begun, and nobody will with what was assigned.
                world.assigned.clear();
            }
            let commands = stage.tell(event);
            world.hear(delta, &commands)?;
            if had_ended {
                let late = |command: &Command| !matches!(command, Command::Refuse(..) | Command::Tell(_));
                prop_assert!(!commands.iter().any(late), "{commands:?} after the end");
            }
            if let (Act::Delta(Order::Gap), Some((link, _))) = (act, delta) {
                prop_assert_eq!(&world.applied, &applied, "nothing of a gap is applied");
                prop_assert!(!commands.iter().any(|command| matches!(command, Command::Ack(..))));
                prop_assert!(had_ended || !world.started.contains(&world.who(link)) || is_over(&stage, link));
            }
        }
        world.check_shares()?;
        // Nobody says anything more: those who were let in are silent, or too few.
        let commands = stage.wait(GATHER_MAX_NS + SILENCE_MAX_NS + 10 * S, &[]);
        world.hear(None, &commands)?;
        prop_assert!(stage.run.has_ended());
        let applied: u64 = world.applied.values().sum();
        prop_assert_eq!(stage.run.timeline().counts().started, applied);
        let record = stage.run.into_record(String::new());
        prop_assert_eq!(record.agents.iter().map(|agent| agent.duplicates_refused).sum::<u64>(), world.duplicates);
    }
}

/// Whether nothing more is expected of whoever had this link.
fn is_over(stage: &Stage, link: Link) -> bool {
    !stage.run.agents.iter().any(|agent| agent.link == link && agent.is_active())
}
