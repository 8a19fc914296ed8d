//! Iterations that all users share, whoever asks, is lost, comes back, leaves or joins.

use std::collections::BTreeSet;

use muster_proto::plan::Executor;
use muster_proto::supply::{Allotted, Block, Wanting};
use proptest::prelude::*;

use super::*;

/// How many agents there are at most.
const PEERS_MAX: usize = 6;

#[derive(Clone, Copy, Debug)]
enum Act {
    /// Says what it wants, and hears the answer unless its stream breaks first.
    Ask {
        breaks: bool,
    },
    Begin(u64),
    /// Tells what it began.
    Tell,
    /// Gives back what it has not begun.
    GiveBack,
    /// Comes back on another stream.
    Return,
    Lose,
    Leave,
    Join,
    Resume,
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    let act = prop_oneof![
        8 => prop::bool::weighted(0.2).prop_map(|breaks| Act::Ask { breaks }),
        6 => (1..60_u64).prop_map(Act::Begin),
        4 => Just(Act::Tell),
        1 => Just(Act::GiveBack),
        2 => Just(Act::Return),
        1 => Just(Act::Lose),
        1 => Just(Act::Leave),
        1 => Just(Act::Join),
        1 => Just(Act::Resume),
    ];
    prop::collection::vec((0..PEERS_MAX, act), 0..120)
}

/// An agent, as it knows itself.
#[derive(Clone, Debug, Default)]
struct Peer {
    first_link: u64,
    link: u64,
    heard: u64,
    /// The numbers that it may use, and those that it gave back.
    mine: Vec<u64>,
    returned: Vec<Block>,
    begun: u64,
    told: u64,
    seq: u64,
    is_over: bool,
    is_lost: bool,
    has_left: bool,
}

impl Peer {
    fn on(link: u64) -> Self {
        Self { first_link: link, link, ..Self::default() }
    }

    fn is_there(&self) -> bool {
        !self.is_lost && !self.has_left
    }

    fn may_begin(&self) -> u64 {
        self.mine.len() as u64
    }

    fn hear(&mut self, said: &Allotted) {
        assert!(said.allotted >= self.heard);
        assert!(said.allotted == self.heard || !self.is_over, "more, after the last");
        let known = said.block.count - (said.allotted - self.heard);
        let new = said.block.split(known).1;
        self.mine.extend(new.first..new.end());
        self.heard = said.allotted;
        self.is_over |= said.last;
    }
}

struct World {
    stage: Stage,
    peers: Vec<Peer>,
    links: u64,
    /// The numbers by which iterations were begun.
    used: BTreeSet<u64>,
    /// Whether it is not known of all numbers what became of them.
    is_unclear: bool,
    /// Whether something was given back when somebody had nothing more to wait for, so that it may be left.
    is_late: bool,
}

impl World {
    fn started(agents: u32, iterations: u64) -> Self {
        let mut settings = settings(agents, OnLoss::Redistribute);
        let max_duration = Duration::from_secs(600);
        settings.plan.scenarios[0].executor = Executor::SharedIterations { users: 8, iterations, max_duration };
        let mut stage = Stage { run: Run::new(settings, S), now_ns: S };
        for link in 0..u64::from(agents) {
            stage.tell(Event::Joined(Link(link), Newcomer { incarnation: Incarnation(link), ..newcomer() }));
        }
        let links = u64::from(agents);
        let (peers, used) = ((0..links).map(Peer::on).collect(), BTreeSet::new());
        let mut world = Self { stage, peers, links, used, is_unclear: false, is_late: false };
        // Whoever is first prepared asks before the others are.
        world.ask(0, false);
        for link in 0..links {
            world.tell(Event::Ready(Link(link), ClockReading::default()));
        }
        world.stage.now_ns = world.stage.run.start_ns().expect("all are ready");
        world
    }

    /// Tells the run, and agents whatever it says to them.
    fn tell(&mut self, event: Event) {
        let commands = self.stage.tell(event);
        self.hear(commands, None);
    }

    fn hear(&mut self, commands: Vec<Command>, deaf: Option<u64>) {
        for command in commands {
            let Command::Allot(Link(link), allotted) = command else { continue };
            let peer = self.peers.iter_mut().find(|peer| peer.link == link && Some(link) != deaf);
            peer.into_iter().for_each(|peer| allotted.iter().for_each(|said| peer.hear(said)));
        }
    }

    fn ask(&mut self, index: usize, breaks: bool) {
        let Peer { link, heard, returned, is_over, .. } = self.peers[index].clone();
        let wanting = Wanting { scenario: 0, allotted: heard, returned, more: !is_over };
        let commands = self.stage.tell(Event::Wanting(Link(link), wanting));
        assert!(!refused(&commands, link), "{commands:?}");
        self.hear(commands, breaks.then_some(link));
        if breaks {
            self.come_back(index);
        }
    }

    fn come_back(&mut self, index: usize) {
        let link = self.links;
        self.links += 1;
        // What it was told on the other stream and did not hear, it hears only if it asks again.
        self.peers[index].link = link;
        let commands = self.stage.come_back(self.peers[index].first_link, link);
        self.hear(commands, None);
        self.ask(index, false);
    }

    fn begin(&mut self, index: usize, iterations: u64) {
        let peer = &mut self.peers[index];
        let iterations = iterations.min(peer.may_begin());
        peer.begun += iterations;
        for number in peer.mine.drain(..iterations as usize) {
            assert!(self.used.insert(number), "{number} is used twice");
        }
    }

    fn tell_of_the_begun(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        let (link, began) = (peer.link, peer.begun - peer.told);
        (peer.told, peer.seq) = (peer.begun, peer.seq + 1);
        let mut delta = Delta { seq: peer.seq, ..synthetic::delta(self.stage.run.plan(), 0) };
        synthetic::start(&mut delta.measurement.scenarios[0], began);
        self.tell(Event::Delta(Link(link), Box::new(delta)));
    }

    fn close(&mut self, index: usize) {
        self.tell_of_the_begun(index);
        let &Peer { link, seq, .. } = &self.peers[index];
        let totals = Totals { last_seq: seq, ..Totals::default() };
        self.tell(Event::Closing { link: Link(link), totals, start_error_ns: None });
    }

    fn act(&mut self, index: usize, act: Act) {
        if let (Act::Join, true) = (act, self.peers.len() < PEERS_MAX) {
            let link = self.links;
            self.links += 1;
            self.peers.push(Peer::on(link));
            self.tell(Event::Joined(Link(link), Newcomer { incarnation: Incarnation(link), ..newcomer() }));
            return self.tell(Event::Ready(Link(link), ClockReading::default()));
        }
        let somebody_is_over = self.peers.iter().any(|peer| peer.is_there() && peer.is_over);
        self.is_late |= matches!(act, Act::GiveBack | Act::Leave) && somebody_is_over;
        let others = self.peers.iter().filter(|peer| peer.is_there()).count() > 1;
        let Some(peer) = self.peers.get_mut(index).filter(|peer| peer.is_there()) else { return };
        match act {
            Act::Ask { breaks } => self.ask(index, breaks),
            Act::Begin(iterations) => self.begin(index, iterations),
            Act::Tell => self.tell_of_the_begun(index),
            Act::GiveBack => {
                peer.returned.extend(peer.mine.drain(..).map(|first| Block { first, count: 1 }));
                self.ask(index, false);
            }
            Act::Return => self.come_back(index),
            Act::Lose if others => {
                (peer.is_lost, self.is_unclear) = (true, true);
                let link = Link(peer.link);
                self.tell(Event::Expelled(link, "for the test".to_owned()));
            }
            Act::Leave if others => {
                peer.has_left = true;
                self.is_unclear |= peer.may_begin() > 0;
                let link = Link(peer.link);
                self.tell(Event::Leaving(link));
                self.close(index);
            }
            Act::Resume => {
                self.tell(Event::Resumed { by_wall_clock: false, lacks_secrets: false });
                let there: Vec<usize> = (0..self.peers.len()).filter(|index| self.peers[*index].is_there()).collect();
                there.into_iter().for_each(|index| self.come_back(index));
            }
            Act::Lose | Act::Leave | Act::Join => {}
        }
    }

    /// What was begun, may have been begun and is left, as the coordinator knows it; of a lost agent no more than it told.
    fn accounted(&self) -> u64 {
        let pool = &self.stage.run.pools[0];
        let unbegun = self.peers.iter().enumerate().map(|(index, peer)| pool.unbegun(index, peer.told));
        pool.left() + unbegun.sum::<u64>() + self.peers.iter().map(|peer| peer.told).sum::<u64>()
    }

    /// Everybody who is there makes what it can until there is nothing more.
    fn make_the_rest(&mut self) {
        while self.peers.iter().any(|peer| peer.is_there() && !(peer.is_over && peer.may_begin() == 0)) {
            for index in 0..self.peers.len() {
                if self.peers[index].is_there() {
                    self.begin(index, u64::MAX);
                    self.tell_of_the_begun(index);
                    self.ask(index, false);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_iteration_is_somebodys_once_and_all_are_made_unless_somebody_is_lost(
        agents in 1_u32..4,
        iterations in prop_oneof![1..30_u64, 1..3_000_u64],
        acts in acts(),
    ) {
        let mut world = World::started(agents, iterations);
        for (index, act) in acts {
            world.act(index, act);
            prop_assert_eq!(world.accounted(), iterations);
        }
        world.make_the_rest();
        let all = |what: fn(&Peer) -> u64| world.peers.iter().map(what).sum::<u64>();
        let late = world.stage.run.pools[0].left();
        prop_assert!(late == 0 || world.is_late, "{} are left", late);
        prop_assert!(all(|peer| peer.begun) <= iterations);
        if !world.peers.iter().any(|peer| peer.is_lost) {
            prop_assert_eq!(all(|peer| peer.begun) + late, iterations);
        }
        if !world.is_unclear && late == 0 {
            prop_assert!(world.used.into_iter().eq(0..iterations), "each number once");
        }
    }

    /// A run taken up from its state goes on as one that never stopped.
    #[test]
    fn a_run_is_taken_up_with_what_everybody_has(iterations in 1..500_u64, acts in acts(), at in 0..120_usize) {
        let (mut whole, mut parted) = (World::started(2, iterations), World::started(2, iterations));
        for (place, (index, act)) in acts.into_iter().enumerate() {
            if place == at {
                let state = postcard::to_allocvec(&parted.stage.run.state()).unwrap();
                let settings = parted.stage.run.settings.clone();
                parted.stage.run = Run::in_state(settings, postcard::from_bytes(&state).unwrap()).unwrap();
            }
            whole.act(index, act);
            parted.act(index, act);
            prop_assert_eq!(&whole.stage.run.pools, &parted.stage.run.pools);
        }
    }
}

#[test]
fn whoever_waits_gets_what_an_agent_that_leaves_has_not_begun() {
    let mut world = World::started(2, 10);
    while world.stage.run.pools[0].left() > 0 {
        world.ask(0, false);
        world.ask(1, false);
    }
    let of = |world: &World| [world.peers[0].heard, world.peers[1].heard];
    let [first, second] = of(&world);
    assert_eq!(first + second, 10);
    world.begin(1, second);
    world.tell_of_the_begun(1);
    world.ask(1, false);
    assert!(!world.peers[1].is_over, "the other may give something back");
    world.act(0, Act::Begin(1));
    world.act(0, Act::Leave);
    assert!(world.peers[1].heard > second, "without having to ask again");
    world.make_the_rest();
    assert_eq!(world.peers[1].begun, 9);
}

#[test]
fn an_only_agent_hears_of_the_end_with_its_last_block() {
    let world = World::started(1, 1);
    assert_eq!((world.peers[0].heard, world.peers[0].is_over), (1, true));
}

#[test]
fn users_of_a_lost_agent_go_on_with_others_and_what_it_had_stays_its_own() {
    let mut world = World::started(2, 1_000);
    world.ask(0, false);
    world.ask(1, false);
    let had = world.peers[0].heard;
    world.act(0, Act::Begin(1));
    world.act(0, Act::Tell);
    world.act(0, Act::Lose);
    let users = |index: usize| world.stage.run.holdings.of(index)[0].count_below(8);
    assert_eq!((users(0), users(1)), (0, 8));
    world.make_the_rest();
    assert_eq!(world.peers[1].begun, 1_000 - had);
    assert_eq!(world.stage.run.pools[0].unbegun(0, 1), had - 1);
}

#[test]
fn whoever_asks_for_what_it_cannot_have_is_lost() {
    for (scenario, allotted) in [(0, 5_000), (1, 0)] {
        let mut world = World::started(2, 1_000);
        let wanting = Wanting { scenario, allotted, more: true, ..Wanting::default() };
        assert!(refused(&world.stage.tell(Event::Wanting(Link(1), wanting)), 1));
    }
}
