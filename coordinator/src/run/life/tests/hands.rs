//! That nothing is ever in two hands, whoever is cut off, comes back, leaves or joins.

use std::collections::VecDeque;

use muster_proto::share::{SHARDS, ShareChange};
use proptest::prelude::*;

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
    Return(usize),
    Leave(usize),
    Join,
    /// It takes longer to do what it is told.
    Dawdle(usize),
}

fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let who = 0..6_usize;
    let act = prop_oneof![
        3 => who.clone().prop_map(Act::Cut),
        4 => who.clone().prop_map(Act::Return),
        1 => who.clone().prop_map(Act::Leave),
        2 => Just(Act::Join),
        2 => who.prop_map(Act::Dawdle),
    ];
    prop::collection::vec((0..40_u64, act), 0..14)
}

/// An agent, as it knows itself.
struct Peer {
    link: Link,
    is_connected: bool,
    told: VecDeque<Command>,
    /// How many steps it lets what it is told lie.
    dawdles: u64,
    /// What it holds or held, from when to when of run time.
    held: Vec<(Vec<Share>, u64, u64)>,
    /// When its lease was renewed, and until when.
    leases: Vec<(u64, u64)>,
    last_change: u64,
}

impl Peer {
    fn new(link: u64) -> Self {
        Self {
            link: Link(link),
            is_connected: true,
            told: VecDeque::new(),
            dawdles: 0,
            held: Vec::new(),
            leases: Vec::new(),
            last_change: 0,
        }
    }

    fn lease_until_ns(&self) -> u64 {
        self.leases.iter().map(|lease| lease.1).max().unwrap_or(0)
    }

    /// Does what it is told, and says what it answers.
    fn change(&mut self, change: &ShareChange, start_ns: u64, now_ns: u64) -> Option<Event> {
        if change.number <= self.last_change {
            return None;
        }
        assert_eq!(change.number, self.last_change + 1, "in order");
        self.last_change = change.number;
        let mut at_ns = change.at_ns;
        if change.revoked {
            let lease_until_ns = self.lease_until_ns();
            let earliest_ns = if now_ns < lease_until_ns { now_ns + REVOKE_LEAD_NS } else { lease_until_ns };
            at_ns = at_ns.max(earliest_ns.saturating_sub(start_ns));
            for index in 0..self.held.len() {
                let (shares, from_ns, until_ns) = self.held[index].clone();
                if from_ns.max(at_ns) < until_ns {
                    let pairs = || shares.iter().zip(&change.shares);
                    let kept = pairs().map(|(mine, taken)| mine.without(taken)).collect();
                    self.held[index] = (pairs().map(|(mine, taken)| mine.within(taken)).collect(), from_ns, at_ns);
                    self.held.push((kept, from_ns, until_ns));
                }
            }
        } else {
            self.held.push((change.shares.clone(), at_ns, u64::MAX));
        }
        Some(Event::Changed { link: self.link, number: change.number, at_ns, refusal: None })
    }

    /// When it may have started something of a shard: while it held it, and its lease.
    fn could_start(&self, start_ns: u64, shard: u16) -> Vec<(u64, u64)> {
        let mut windows = Vec::new();
        for (shares, from_ns, until_ns) in self.held.iter().filter(|(shares, ..)| shares[0].contains(shard)) {
            for (renewed_ns, ends_ns) in &self.leases {
                let from_ns = (start_ns + from_ns).max(*renewed_ns);
                let until_ns = start_ns.saturating_add(*until_ns).min(*ends_ns);
                if from_ns < until_ns && !shares.is_empty() {
                    windows.push((from_ns, until_ns));
                }
            }
        }
        windows
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
        let mut stage = Stage::new(agents, OnLoss::Redistribute);
        let mut peers: Vec<Peer> = (0..u64::from(agents)).map(Peer::new).collect();
        let mut commands = Vec::new();
        for peer in &peers {
            let incarnation = Incarnation(peer.link.0);
            commands.extend(stage.tell(Event::Joined(peer.link, Newcomer { incarnation, ..newcomer() })));
        }
        for command in commands {
            if let Command::Assign(link, shares) = command {
                peers[link.0 as usize].held.push((shares, 0, u64::MAX));
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
            Act::Cut(index) | Act::Return(index) | Act::Leave(index) | Act::Dawdle(index) => index % self.peers.len(),
            Act::Join => self.peers.len(),
        };
        match act {
            Act::Cut(_) => {
                self.peers[index].is_connected = false;
                self.peers[index].told.clear();
            }
            Act::Dawdle(_) => self.peers[index].dawdles += 5,
            Act::Leave(_) if self.peers[index].is_connected => self.tell(Event::Leaving(self.peers[index].link)),
            Act::Leave(_) => {}
            Act::Return(_) => self.come_back(index),
            Act::Join => {
                let link = Link(self.links);
                self.links += 1;
                let newcomer = Newcomer { incarnation: Incarnation(link.0), ..newcomer() };
                self.peers.push(Peer::new(link.0));
                self.tell(Event::Joined(link, newcomer));
                self.tell(Event::Ready(link, ClockReading::default()));
            }
        }
    }

    fn come_back(&mut self, index: usize) {
        let (before, link) = (self.peers[index].link, Link(self.links));
        let known = self.stage.run.agents.iter().find(|agent| agent.link == before);
        let Some(incarnation) = known.map(|agent| agent.incarnation) else { return };
        self.links += 1;
        let run = Some(self.stage.run.settings.id);
        let commands = self.stage.tell(Event::Joined(link, Newcomer { incarnation, run, ..newcomer() }));
        for command in commands {
            match command {
                Command::Welcome { changes, .. } => {
                    let peer = &mut self.peers[index];
                    (peer.link, peer.is_connected, peer.dawdles) = (link, true, 0);
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

    /// Nobody could start anything of a shard while somebody else could.
    fn assert_apart(&self) {
        let start_ns = self.stage.run.start_ns().unwrap();
        for shard in (0..=u16::MAX).step_by(1_021) {
            let windows = |peer: &Peer| peer.could_start(start_ns, shard);
            let windows: Vec<Vec<(u64, u64)>> = self.peers.iter().map(windows).collect();
            for (index, mine) in windows.iter().enumerate() {
                for theirs in windows[..index].iter().flatten() {
                    let overlap = mine.iter().find(|mine| mine.0 < theirs.1 && theirs.0 < mine.1);
                    assert_eq!(overlap, None, "shard {shard} is in the hands of two");
                }
            }
        }
    }
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
