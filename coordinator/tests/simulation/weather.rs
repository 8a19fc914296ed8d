//! What a seed makes of a cluster: how large it is, what it is to do, and what will go wrong when.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use muster::run::life::RunSettings;
use muster_proto::id::RunId;
use muster_proto::plan::{
    AgentsWanted, Arrivals, Chore, Connections, Executor, OnLoss, Plan, Rate, RateStage, Request, Scenario, Shape,
    Step, Url, UserStage,
};

use super::clock::SkewedClock;
use super::dice::Dice;
use super::disk::Fall;

/// The longest time by which clocks show something else, in nanoseconds: ten hours.
const OFFSET_MAX_NS: u64 = 36_000_000_000_000;
/// How much faster or slower than the true time clocks go at most, in millionths.
pub(crate) const RATE_PPM_MAX: u64 = 200;
/// How long messages take in a network that goes far, each way.
const FAR: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_millis(50);
/// How long the journal's segments grow, in bytes: some so long that there is only one.
const SEGMENT_BYTES: [u64; 4] = [3_000, 12_000, 40_000, 64 << 20];

/// What happens to the cluster at one moment. Agents' hosts by their number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Nothing passes between a host and the coordinator.
    Partition(usize),
    /// What the host sends is lost.
    LoseFrom(usize),
    /// What is sent to the host is lost.
    LoseTo(usize),
    /// Whatever is sent in either direction waits.
    Hold(usize),
    /// The network is whole again, and what waits arrives.
    Mend(usize),
    /// Its connections break.
    Cut(usize),
    /// For so many milliseconds nothing reaches it.
    Deafen(usize, u64),
    /// Messages take so many milliseconds, each way.
    Delay(usize, u64),
    /// Its generator gets no processor for so many milliseconds.
    Freeze(usize, u64),
    /// Its agent's process ends without a word.
    Crash(usize),
    /// And begins anew.
    Restart(usize),
    /// Its operator wants the agent to leave.
    Leave(usize),
    /// The user wants the run to end.
    Stop,
    /// The user wants a scenario to go on at another level, after so many milliseconds.
    Set(usize, u32, u64),
    /// The user wants the run to pause, and to go on.
    Pause,
    GoOn,
    /// The disk takes so many milliseconds for everything.
    SlowDisk(u64),
    /// The disk fails.
    BreakDisk,
    /// The coordinator ends before its run.
    Fall(Fall),
    /// The newest snapshot is damaged while nobody writes.
    DamageSnapshot,
    /// Another coordinator is started.
    Resume,
}

/// What a seed makes of a cluster.
pub(crate) struct Weather {
    pub(crate) settings: RunSettings,
    pub(crate) coordinator: SkewedClock,
    pub(crate) agents: Vec<Agent>,
    /// How fine the simulation's time is.
    pub(crate) tick: Duration,
    /// How long messages take, each way.
    pub(crate) latency: RangeInclusive<Duration>,
    /// Whether the network goes far.
    pub(crate) far: bool,
    pub(crate) disk_room_bytes: usize,
    /// How long the journal's segments grow, in bytes.
    pub(crate) segment_bytes: u64,
    /// Hosts to which something happens, by their number.
    pub(crate) troubled: BTreeSet<usize>,
    /// What happens when, in milliseconds, in order.
    pub(crate) acts: Vec<(u64, Act)>,
}

/// One agent's host.
#[derive(Clone, Copy)]
pub(crate) struct Agent {
    pub(crate) clock: SkewedClock,
    pub(crate) weight: u32,
    pub(crate) prepare_ms: u64,
}

impl Weather {
    /// The weather of this seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed, 1);
        let agents: Vec<Agent> = (0..dice.within(2..=5)).map(|_| agent(&mut dice)).collect();
        let settings = settings(seed, agents.len(), &mut dice);
        let tick = Duration::from_millis(dice.pick(&[1, 2, 2, 5, 5]));
        let far = dice.one_in(8);
        let latency_max = Duration::from_millis(dice.pick(&[1, 2, 5, 20]));
        let latency = if far { FAR } else { Duration::from_micros(100)..=latency_max };
        let mut weather = Self {
            coordinator: clock(&mut dice),
            agents,
            tick,
            latency,
            far,
            disk_room_bytes: if dice.one_in(40) { dice.within(2_000..=40_000) as usize } else { usize::MAX },
            segment_bytes: dice.pick(&SEGMENT_BYTES),
            troubled: BTreeSet::new(),
            acts: Vec::new(),
            settings,
        };
        weather.brew(&mut dice);
        weather
    }

    /// How long the plan generates load, in milliseconds.
    pub(crate) fn duration_ms(&self) -> u64 {
        let ends =
            self.settings.plan.scenarios.iter().map(|scenario| scenario.start_delay + scenario.executor.duration());
        ends.max().unwrap_or_default().as_millis() as u64
    }

    fn brew(&mut self, dice: &mut Dice) {
        let end_ms = self.duration_ms() + 1_500;
        // Nobody is safe in a storm, and on a calm day almost everybody.
        let calm = dice.pick(&[1, 1, 2, 6]);
        for host in 0..self.agents.len() {
            if dice.one_in(calm) {
                self.troubled.insert(host);
                self.trouble(host, end_ms, dice);
            }
        }
        if dice.one_in(3) {
            self.change_hands_late(dice);
        }
        let lease_ms = self.settings.lease_ns / 1_000_000;
        if dice.one_in(4) {
            let from_ms = dice.within(0..=end_ms);
            self.acts.push((from_ms, Act::SlowDisk(dice.pick(&[3, 20, 120, lease_ms, 2 * lease_ms]))));
            self.acts.push((from_ms + dice.within(200..=1_500), Act::SlowDisk(0)));
        }
        for (throws, act) in [(12, Act::Stop), (40, Act::BreakDisk)] {
            if dice.one_in(throws) {
                self.acts.push((dice.within(200..=end_ms), act));
            }
        }
        if dice.one_in(3) {
            self.give_orders(end_ms, dice);
        }
        if dice.one_in(6) {
            let at_ms = dice.within(200..=end_ms);
            // A disk that is slow at that moment leaves something to be torn.
            self.acts.push((at_ms.saturating_sub(dice.within(20..=300)), Act::SlowDisk(dice.pick(&[0, 50, 150, 400]))));
            self.acts.extend([(at_ms, Act::Fall(Fall::PowerCut)), (at_ms, Act::SlowDisk(0))]);
        }
        if dice.one_in(3) {
            self.lose_coordinators(end_ms, dice);
        }
        self.acts.sort_by_key(|(at_ms, _)| *at_ms);
    }

    /// The user changes the load, now and then while agents cannot hear of it.
    fn give_orders(&mut self, end_ms: u64, dice: &mut Dice) {
        let scenarios = self.settings.plan.scenarios.len() as u64;
        for _ in 0..dice.within(1..=4) {
            let at_ms = dice.within(100..=end_ms);
            if dice.one_in(4) {
                let until_ms = at_ms + dice.within(50..=1_500);
                self.acts.extend([(at_ms, Act::Pause), (until_ms, Act::GoOn)]);
                continue;
            }
            let scenario = dice.within(0..=scenarios - 1) as usize;
            let level = dice.pick(&[0, 3, 10, 40, 100, 300]);
            let over_ms = dice.pick(&[0, 0, 200, 1_000]);
            self.acts.push((at_ms, Act::Set(scenario, level, over_ms)));
            self.keep_from_hearing(at_ms, dice);
        }
    }

    /// Somebody does not hear of what is ordered at this moment, for a while or ever, or only once it has joined.
    fn keep_from_hearing(&mut self, at_ms: u64, dice: &mut Dice) {
        let (host, lease_ms) =
            (dice.within(0..=self.agents.len() as u64 - 1) as usize, self.settings.lease_ns / 1_000_000);
        let (before_ms, after_ms) = (at_ms - dice.within(0..=90), at_ms + dice.within(100..=2 * lease_ms + 1_500));
        let (act, undo) = match dice.within(0..=7) {
            0 | 1 => (Act::Partition(host), Act::Mend(host)),
            2 => (Act::Hold(host), Act::Mend(host)),
            3 => (Act::Crash(host), Act::Restart(host)),
            _ => return,
        };
        self.troubled.insert(host);
        self.acts.extend([(before_ms, act), (after_ms, undo)]);
    }

    /// Coordinators end before their run, one after the other, and others go on with it.
    fn lose_coordinators(&mut self, end_ms: u64, dice: &mut Dice) {
        let lease_ms = self.settings.lease_ns / 1_000_000;
        // Now and then before the run begins, which is later where agents are far.
        let early_ms = if self.far { 2_500 } else { 300 };
        let first_ms = if dice.one_in(3) { early_ms } else { end_ms };
        let mut at_ms = dice.within(50..=first_ms);
        // Two snapshots may be of no use: one that was not finished, and the next, which is damaged.
        let hastens = dice.one_in(3);
        let falls = if hastens { 2 } else { dice.pick(&[1, 1, 2, 4]) };
        let damaged = if hastens { 2 } else { dice.within(1..=2 * falls) };
        if dice.one_in(5) {
            self.acts.push((at_ms.saturating_sub(dice.within(10..=300)), Act::Stop));
        }
        for fall in 1..=falls {
            // A disk that is slow at that moment leaves something to be torn.
            let slow_ms = if hastens { 50 } else { dice.pick(&[0, 50, 150]) };
            self.acts.push((at_ms.saturating_sub(dice.within(20..=300)), Act::SlowDisk(slow_ms)));
            self.acts.push((at_ms, Act::Fall(dice.pick(&[Fall::Killed, Fall::Killed, Fall::PowerCut]))));
            if fall == damaged {
                self.acts.push((at_ms, Act::DamageSnapshot));
            }
            let away_ms = [20, lease_ms / 3, lease_ms / 3, lease_ms, 2 * lease_ms, lease_ms + 1_500, 12_000];
            let back_ms = at_ms + if hastens { 20 } else { dice.pick(&away_ms) } + dice.within(0..=100);
            self.acts.push((back_ms, Act::Resume));
            at_ms = back_ms + dice.within(5..=if hastens { 900 } else { 2_500 });
        }
        if dice.one_in(2) {
            self.acts.push((at_ms, Act::SlowDisk(0)));
        }
    }

    /// An agent joins or leaves, and whoever has to give something up for that hears of it late.
    fn change_hands_late(&mut self, dice: &mut Dice) {
        let hosts = self.agents.len() as u64;
        let (comes, gives) = (dice.within(0..=hosts - 1) as usize, dice.within(0..=hosts - 1) as usize);
        let (at_ms, lease_ms) = (dice.within(300..=self.duration_ms()), self.settings.lease_ns / 1_000_000);
        self.troubled.extend([comes, gives]);
        if dice.one_in(3) {
            self.acts.push((at_ms, Act::Leave(gives)));
        } else {
            self.acts.extend([(at_ms - 200, Act::Crash(comes)), (at_ms, Act::Restart(comes))]);
        }
        let from_ms = at_ms + dice.within(10..=150);
        let until_ms = from_ms + dice.within(lease_ms / 3..=lease_ms);
        self.acts.extend([(from_ms, Act::Hold(gives)), (until_ms, Act::Mend(gives))]);
    }

    /// Trouble of one host: one thing after the other.
    fn trouble(&mut self, host: usize, end_ms: u64, dice: &mut Dice) {
        let lease_ms = self.settings.lease_ns / 1_000_000;
        let mut at_ms = dice.within(50..=end_ms);
        while at_ms < end_ms {
            let lasts_ms = dice.pick(&[50, lease_ms / 2, lease_ms, lease_ms * 2, 2_600, 4_500]) + dice.within(0..=100);
            let until_ms = at_ms + lasts_ms;
            let mut acts = |act: Act, undo: Act| self.acts.extend([(at_ms, act), (until_ms, undo)]);
            match dice.within(0..=11) {
                0 => acts(Act::Partition(host), Act::Mend(host)),
                1 => acts(Act::LoseFrom(host), Act::Mend(host)),
                2 => acts(Act::LoseTo(host), Act::Mend(host)),
                3 | 4 => acts(Act::Hold(host), Act::Mend(host)),
                5 => acts(
                    Act::Delay(host, dice.within(20..=lease_ms * 2 / 5)),
                    Act::Delay(host, if self.far { 30 } else { 1 }),
                ),
                6 => acts(Act::Crash(host), Act::Restart(host)),
                7 => self.acts.push((at_ms, Act::Freeze(host, lasts_ms))),
                8 => {
                    // Answers that were given before a partition come late, and must not count from then.
                    self.acts.push((at_ms, Act::Deafen(host, lease_ms * 8 / 10)));
                    acts_of_partition(&mut self.acts, host, at_ms + lease_ms / 10, until_ms + lease_ms);
                }
                9 if dice.one_in(4) => self.acts.push((at_ms, Act::Leave(host))),
                _ => {
                    let cuts = dice.within(1..=4);
                    let moments = (0..cuts).map(|_| (at_ms + dice.within(0..=lasts_ms), Act::Cut(host)));
                    self.acts.extend(moments.collect::<Vec<_>>());
                }
            }
            at_ms = until_ms + lease_ms + dice.within(0..=2_000);
        }
    }
}

fn acts_of_partition(acts: &mut Vec<(u64, Act)>, host: usize, from_ms: u64, until_ms: u64) {
    acts.extend([(from_ms, Act::LoseFrom(host)), (until_ms, Act::Mend(host))]);
}

fn clock(dice: &mut Dice) -> SkewedClock {
    let rate_ppm = dice.within(0..=2 * RATE_PPM_MAX) as i64 - RATE_PPM_MAX as i64;
    SkewedClock { offset_ns: i128::from(1_000_000_000 + dice.within(0..=OFFSET_MAX_NS)), rate_ppm }
}

fn agent(dice: &mut Dice) -> Agent {
    let prepare_max_ms = dice.pick(&[60, 60, 60, 600]);
    Agent { clock: clock(dice), weight: dice.within(1..=3) as u32, prepare_ms: dice.within(1..=prepare_max_ms) }
}

fn settings(seed: u64, agents: usize, dice: &mut Dice) -> RunSettings {
    let rate = Rate::per_second(dice.pick(&[20, 50, 100, 200]));
    // Long enough, now and then, for somebody to come back with much untold.
    let duration_ms = if dice.one_in(4) { dice.within(5_000..=9_000) } else { dice.within(1_000..=5_000) };
    let duration = Duration::from_millis(duration_ms);
    let grace = Duration::from_millis(dice.pick(&[0, 100, 1_000]));
    // Mostly arrivals at one rate, so that what is wrong is seen for what it is.
    let count = dice.pick(&[1, 1, 2, 3]);
    let scenarios = (0..count).map(|number| {
        let executor =
            if number == 0 && !dice.one_in(6) { open(rate, duration, dice) } else { executor(duration, dice) };
        let delay = Duration::from_millis(if dice.one_in(3) { dice.within(1..=900) } else { 0 });
        scenario(number, executor, delay, grace)
    });
    let scenarios = scenarios.collect();
    let redistribute = OnLoss::Redistribute;
    let on_loss = dice.pick(&[redistribute, redistribute, redistribute, redistribute, OnLoss::Degrade, OnLoss::Fail]);
    let plan = Plan {
        name: "simulation".to_owned(),
        seed,
        scenarios,
        agents: AgentsWanted { start_when: agents as u32, on_loss, ..AgentsWanted::default() },
        setup: chore(seed, 3),
        teardown: chore(seed, 4),
        ..Plan::default()
    };
    RunSettings {
        id: RunId(uuid::Uuid::from_u64_pair(0x5151_0000_0000_7000, seed)),
        plan,
        tags: Default::default(),
        strict: dice.one_in(2),
        lease_ns: dice.pick(&[300, 300, 500, 1_000, 4_000]) * 1_000_000,
        gather_max_ns: 8_000_000_000,
    }
}

/// In one of so many runs, something that is made once. It draws nothing that others would draw.
fn chore(seed: u64, one_in: u64) -> Chore {
    let steps = seed.is_multiple_of(one_in).then(|| Step::Pace(Duration::from_millis(1)));
    Chore { steps: steps.into_iter().collect(), ..Chore::default() }
}

fn open(rate: Rate, duration: Duration, dice: &mut Dice) -> Executor {
    let arrivals = dice.pick(&[Arrivals::Uniform, Arrivals::Uniform, Arrivals::Poisson]);
    let stages = vec![RateStage { duration, from: rate, to: rate }];
    Executor::ArrivalRate { stages, arrivals, max_users: 1_000, shape: Shape::Constant }
}

/// Of any kind, and slower.
fn executor(duration: Duration, dice: &mut Dice) -> Executor {
    let mut users = || dice.within(1..=12) as u32;
    let (from, to) = (users(), users());
    match dice.within(0..=3) {
        0 => Executor::Users { stages: vec![UserStage { duration, from, to: from }], shape: Shape::Constant },
        1 => {
            let half = duration / 2;
            let up = UserStage { duration: half, from: 0, to };
            let down = UserStage { duration: half, from: to, to: from.min(to) };
            Executor::Users { stages: vec![up, down], shape: Shape::Ramping }
        }
        2 => {
            let stages = vec![RateStage { duration, from: Rate::per_second(0), to: Rate::per_second(40) }];
            Executor::ArrivalRate { stages, arrivals: Arrivals::Poisson, max_users: 1_000, shape: Shape::Ramping }
        }
        _ => open(Rate::per_second(10), duration, dice),
    }
}

fn scenario(number: usize, executor: Executor, start_delay: Duration, graceful_stop: Duration) -> Scenario {
    Scenario {
        name: format!("scenario {number}"),
        executor,
        start_delay,
        graceful_stop,
        warm_up: Duration::ZERO,
        connections: Connections::Pool,
        keep_session: false,
        vars: Vec::new(),
        feeders: Vec::new(),
        steps: vec![Step::Request(Box::new(Request {
            timeout: Duration::from_secs(60),
            ..Request::new(
                "list",
                "GET",
                Url { tls: false, host: "shop.test".to_owned(), port: 80, path: "/".to_owned() },
            )
        }))],
    }
}
