//! A run's life: what must hold whatever happens in whatever order, and what each ending looks like.

mod chores;
mod hands;
mod laws;
mod left;
mod pulse;
mod resuming;
mod standing;
mod supplying;
mod unanswered;

use std::time::Duration;

use muster_proto::id::Incarnation;
use muster_proto::plan::OnLoss;
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};

use super::super::event::{Newcomer, Pulse};
use super::losing::LEASE_MARGIN_NS;
use super::*;
use crate::run::synthetic;

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;
/// How often time goes by.
const TICK_NS: u64 = 250 * MS;
const LEASE_NS: u64 = 2_000 * MS;
const SILENCE_MAX_NS: u64 = LEASE_NS + LEASE_MARGIN_NS;
const GATHER_MAX_NS: u64 = 20 * S;

fn newcomer() -> Newcomer {
    Newcomer {
        protocol_version: PROTOCOL_VERSION,
        build_version: BUILD_VERSION.to_owned(),
        name: "pod".to_owned(),
        incarnation: Incarnation(0),
        run: None,
        has_ended: false,
        labels: BTreeMap::new(),
        cores: 2,
        workers: 1,
        weight: 2,
    }
}

fn settings(agents: u32, on_loss: OnLoss) -> RunSettings {
    let mut plan = synthetic::open_plan(5);
    plan.agents.start_when = agents;
    plan.agents.on_loss = on_loss;
    let id = RunId(uuid::Uuid::from_u128(7));
    let (lease_ns, gather_max_ns) = (LEASE_NS, GATHER_MAX_NS);
    RunSettings { id, plan, tags: BTreeMap::new(), strict: false, lease_ns, gather_max_ns }
}

/// A delta in which exactly one iteration started.
fn delta(plan: &Plan, seq: u64, window: u32) -> Delta {
    let mut delta = Delta { seq, ..synthetic::delta(plan, window) };
    synthetic::start(&mut delta.measurement.scenarios[0], 1);
    delta
}

/// A run with a clock of its own.
struct Stage {
    run: Run,
    now_ns: u64,
}

impl Stage {
    fn new(agents: u32, on_loss: OnLoss) -> Self {
        Self { run: Run::new(settings(agents, on_loss), S), now_ns: S }
    }

    /// A run whose agents, on links 0, 1, ..., have all been told to start, and whose start is now.
    fn started(agents: u32, on_loss: OnLoss) -> Self {
        let mut stage = Self::new(agents, on_loss);
        for link in 0..u64::from(agents) {
            let incarnation = Incarnation(link);
            stage.tell(Event::Joined(Link(link), Newcomer { incarnation, ..newcomer() }));
        }
        for link in 0..u64::from(agents) {
            stage.tell(Event::Ready(Link(link), ClockReading::default()));
        }
        stage.now_ns = stage.run.start_ns().expect("all are ready");
        stage
    }

    fn tell(&mut self, event: Event) -> Vec<Command> {
        self.run.apply(event, self.now_ns)
    }

    fn delta(&mut self, link: u64, seq: u64) -> Vec<Command> {
        let window = seq.saturating_sub(1) as u32;
        let delta = delta(self.run.plan(), seq, window);
        self.tell(Event::Delta(Link(link), Box::new(delta)))
    }

    fn close(&mut self, link: u64, last_seq: u64) -> Vec<Command> {
        let totals = Totals { last_seq, ..Totals::default() };
        self.tell(Event::Closing { link: Link(link), totals, start_error_ns: None })
    }

    /// The agent that joined on `link` as one of the first opens another stream.
    fn come_back(&mut self, link: u64, on: u64) -> Vec<Command> {
        let (incarnation, run) = (Incarnation(link), Some(self.run.settings.id));
        self.tell(Event::Joined(Link(on), Newcomer { incarnation, run, ..newcomer() }))
    }

    /// Time goes by while these links only show that they live.
    fn wait(&mut self, ns: u64, alive: &[u64]) -> Vec<Command> {
        let until_ns = self.now_ns + ns;
        let mut commands = Vec::new();
        while self.now_ns < until_ns && !self.run.has_ended() {
            self.now_ns += TICK_NS;
            for link in alive {
                commands.extend(self.tell(Event::Heard(Link(*link), Pulse::default())));
            }
            commands.extend(self.tell(Event::Tick));
        }
        commands
    }

    fn ending(self) -> Ending {
        assert!(self.run.has_ended());
        self.run.into_record(String::new()).ending
    }
}

/// Whether this link was turned away, or hung up on for its silence.
fn refused(commands: &[Command], link: u64) -> bool {
    let ends = |command: &Command| match command {
        Command::Refuse(refused, _) | Command::HangUp(refused) => *refused == Link(link),
        _ => false,
    };
    commands.iter().any(ends)
}

fn failed_because(ending: &Ending, words: &str) -> bool {
    matches!(ending, Ending::Failed { reason, .. } if reason.contains(words))
}

#[test]
fn a_run_goes_from_joining_to_released() {
    let mut stage = Stage::started(2, OnLoss::Fail);
    for seq in 1..=3 {
        assert_eq!(stage.delta(0, seq), [Command::Ack(Link(0), seq)]);
        stage.delta(1, seq);
    }
    assert_eq!(stage.close(0, 3), [Command::Release(Link(0))]);
    assert!(!stage.run.has_ended());
    stage.close(1, 3);
    assert_eq!(stage.run.timeline().counts().started, 6);
    let record = stage.run.into_record(String::new());
    assert_eq!((record.ending, record.duration_ns), (Ending::Completed, 600 * MS));
}

#[test]
fn a_duplicate_is_acknowledged_again_and_counted_as_refused_only() {
    let mut stage = Stage::started(1, OnLoss::Fail);
    stage.delta(0, 1);
    stage.delta(0, 2);
    assert_eq!(stage.delta(0, 1), [Command::Ack(Link(0), 2)]);
    assert_eq!(stage.run.timeline().counts().started, 2);
    stage.close(0, 2);
    assert_eq!(stage.run.into_record(String::new()).agents[0].duplicates_refused, 1);
}

#[test]
fn a_gap_loses_the_agent() {
    let mut stage = Stage::started(1, OnLoss::Fail);
    stage.delta(0, 1);
    assert!(refused(&stage.delta(0, 3), 0));
    assert_eq!(stage.run.timeline().counts().started, 1);
    assert_eq!(stage.ending(), Ending::AgentLost("pod".to_owned()));
}

/// A stage after one agent told of so many arrivals, delta by delta.
fn after_counting(counts: &[u64]) -> (Stage, Vec<Command>) {
    let mut stage = Stage::started(1, OnLoss::Fail);
    let mut commands = Vec::new();
    for (seq, count) in (1..).zip(counts) {
        let mut delta = synthetic::delta(stage.run.plan(), 0);
        delta.seq = seq;
        delta.measurement.scenarios[0].due = *count;
        commands = stage.tell(Event::Delta(Link(0), Box::new(delta)));
    }
    (stage, commands)
}

#[test]
fn who_counts_more_than_an_agent_can_is_lost_and_what_it_counted_before_stays() {
    for counts in [&[u64::MAX][..], &[1, u64::MAX], &[COUNTED_MAX, 1], &[COUNTED_MAX / 2, COUNTED_MAX / 2, 1]] {
        let (stage, commands) = after_counting(counts);
        assert!(refused(&commands, 0), "{counts:?}");
        assert_eq!(stage.run.timeline().counts().due, counts[..counts.len() - 1].iter().sum::<u64>());
        assert_eq!(stage.ending(), Ending::AgentLost("pod".to_owned()));
    }
    let (stage, commands) = after_counting(&[COUNTED_MAX]);
    assert_eq!(commands, [Command::Ack(Link(0), 1)]);
    assert!(!stage.run.has_ended());
}

#[test]
fn measurements_of_the_future_lose_the_agent_at_once() {
    let mut stage = Stage::started(1, OnLoss::Fail);
    let delta = Delta { last_window: u32::MAX, ..delta(stage.run.plan(), 1, 0) };
    assert!(refused(&stage.tell(Event::Delta(Link(0), Box::new(delta))), 0));
    assert_eq!(stage.run.timeline().closed_until(), 0);
}

#[test]
fn who_closes_early_is_neither_waited_for_nor_missed() {
    let mut stage = Stage::started(2, OnLoss::Fail);
    (1..=5).for_each(|seq| drop(stage.delta(0, seq)));
    stage.close(0, 5);
    (1..=15).for_each(|seq| drop(stage.delta(1, seq)));
    assert_eq!(stage.run.timeline().closed_until(), 3, "judged while the other goes on");
    stage.close(1, 15);
    let record = stage.run.into_record(String::new());
    let missing = record.timeline.grades().clone();
    let alone = {
        let mut stage = Stage::started(1, OnLoss::Fail);
        (1..=15).for_each(|seq| drop(stage.delta(0, seq)));
        stage.close(0, 15);
        stage.run.into_record(String::new()).timeline.grades().clone()
    };
    assert_eq!(missing, alone, "graded as if the early one had never been owed");
}

#[test]
fn a_loss_fails_the_run_or_leaves_it_to_the_others() {
    let mut failing = Stage::started(2, OnLoss::Fail);
    failing.tell(Event::Gone(Link(0), "cable".to_owned()));
    let commands = failing.wait(SILENCE_MAX_NS + S, &[1]);
    assert!(commands.contains(&Command::Stop(Link(1), Manner::Drain)));
    failing.close(1, 0);
    assert_eq!(failing.ending(), Ending::AgentLost("pod".to_owned()));

    let mut degrading = Stage::started(2, OnLoss::Degrade);
    degrading.tell(Event::Gone(Link(0), "cable".to_owned()));
    let commands = degrading.wait(SILENCE_MAX_NS + S, &[1]);
    assert!(!commands.iter().any(|command| matches!(command, Command::Stop(..))));
    degrading.close(1, 0);
    let record = degrading.run.into_record(String::new());
    assert_eq!(record.ending, Ending::Completed);
    assert!(record.agents[0].died() && !record.agents[1].died());
}

#[test]
fn an_agent_that_comes_back_within_its_lease_goes_on_where_it_was() {
    let mut stage = Stage::started(2, OnLoss::Fail);
    stage.delta(0, 1);
    stage.delta(0, 2);
    stage.tell(Event::Gone(Link(0), "cable".to_owned()));
    let commands = stage.come_back(0, 7);
    let welcome = Command::Welcome { link: Link(7), agent: 0, applied_seq: 2, changes: Vec::new() };
    let start = Command::Start(Link(7), stage.run.start_ns().unwrap());
    assert!(commands.contains(&welcome) && commands.contains(&start), "{commands:?}");
    assert_eq!(stage.delta(0, 3), [], "what is still said on the stream before does not count");
    assert_eq!(stage.delta(7, 2), [Command::Ack(Link(7), 2)], "nor does a repetition");
    assert_eq!(stage.delta(7, 3), [Command::Ack(Link(7), 3)]);
    stage.wait(SILENCE_MAX_NS + S, &[1, 7]);
    stage.close(7, 3);
    stage.close(1, 0);
    let record = stage.run.into_record(String::new());
    assert_eq!((record.ending, record.agents[0].duplicates_refused), (Ending::Completed, 1));
    assert_eq!(record.timeline.counts().started, 3);
}

#[test]
fn one_that_was_missed_may_come_back_where_the_run_goes_on_and_one_that_did_wrong_may_not() {
    for does_wrong in [false, true] {
        let mut stage = Stage::started(2, OnLoss::Degrade);
        stage.delta(0, 1);
        if does_wrong {
            stage.tell(Event::Expelled(Link(0), "garbage".to_owned()));
        } else {
            stage.wait(SILENCE_MAX_NS + S, &[1]);
        }
        assert!(stage.run.agents[0].record.lost_at_ns.is_some());
        let commands = stage.come_back(0, 7);
        assert_eq!(refused(&commands, 7), does_wrong, "{commands:?}");
        assert_eq!(stage.run.agents[0].record.lost_at_ns.is_none(), !does_wrong);
        if !does_wrong {
            stage.delta(7, 2);
            stage.close(7, 2);
            stage.close(1, 0);
            let record = stage.run.into_record(String::new());
            assert!(!record.agents[0].died() && record.ending == Ending::Completed);
        }
    }
}

#[test]
fn a_run_whose_last_agent_leaves_has_lost_it_and_the_books_are_whole() {
    let mut stage = Stage::started(2, OnLoss::Degrade);
    for link in [0, 1] {
        stage.tell(Event::Leaving(Link(link)));
        assert!(!stage.run.has_ended());
        stage.close(link, 0);
    }
    let record = stage.run.into_record(String::new());
    assert_eq!(record.ending, Ending::AgentLost("pod".to_owned()));
    assert!(record.agents.iter().all(|agent| agent.left && !agent.died()));
}

#[test]
fn an_agent_of_another_run_is_turned_away() {
    let mut stage = Stage::new(1, OnLoss::Degrade);
    let run = Some(RunId(uuid::Uuid::from_u128(8)));
    let commands = stage.tell(Event::Joined(Link(0), Newcomer { run, ..newcomer() }));
    assert!(refused(&commands, 0));
}

#[test]
fn one_whose_release_was_lost_is_released_again() {
    let mut stage = Stage::started(2, OnLoss::Fail);
    stage.close(0, 0);
    assert!(stage.come_back(0, 7).contains(&Command::Release(Link(7))));
}

#[test]
fn the_first_stop_drains_and_the_second_aborts() {
    let mut stage = Stage::started(1, OnLoss::Fail);
    assert_eq!(stage.tell(Event::Stop), [Command::Stop(Link(0), Manner::Drain)]);
    assert_eq!(stage.tell(Event::Stop), [Command::Stop(Link(0), Manner::Abort)]);
    assert_eq!(stage.tell(Event::Stop), []);
    stage.close(0, 0);
    assert_eq!(stage.ending(), Ending::StoppedByUser);
}

#[test]
fn too_few_agents_are_waited_for_so_long() {
    let mut stage = Stage::new(2, OnLoss::Fail);
    stage.tell(Event::Joined(Link(0), newcomer()));
    stage.wait(GATHER_MAX_NS, &[0]);
    assert!(!stage.run.has_ended());
    assert!(stage.wait(S, &[0]).contains(&Command::Release(Link(0))));
    assert!(failed_because(&stage.ending(), "1 of 2 agents joined within 20 s"));
}

#[test]
fn preparing_takes_so_long_at_most() {
    let mut stage = Stage::new(1, OnLoss::Fail);
    stage.tell(Event::Joined(Link(0), newcomer()));
    stage.wait(PREPARE_MAX_NS, &[0]);
    assert!(!stage.run.has_ended());
    stage.wait(S, &[0]);
    assert!(failed_because(&stage.ending(), "not prepared within 60 s: pod"));
}

#[test]
fn who_lives_and_never_closes_is_given_up() {
    let mut stage = Stage::started(1, OnLoss::Fail);
    let plan_ns = Duration::from_secs(5 + 30).as_nanos() as u64;
    stage.wait(plan_ns + CLOSING_MAX_NS, &[0]);
    assert!(!stage.run.has_ended());
    stage.wait(S, &[0]);
    assert_eq!(stage.ending(), Ending::AgentLost("pod".to_owned()));
}

#[test]
fn what_an_agent_may_have_started_until_its_lease_ended_is_bounded_by_what_it_held() {
    let mut stage = Stage::started(2, OnLoss::Degrade);
    stage.delta(1, 1);
    stage.wait(S, &[0, 1]);
    stage.wait(SILENCE_MAX_NS + S, &[0]);
    stage.tell(Event::Stop);
    stage.close(0, 0);
    let record = stage.run.into_record(String::new());
    let idle_at_s = record.agents[1].idle_at_ns().unwrap() as f64 / 1e9;
    assert!(idle_at_s > 3.5, "{idle_at_s} s after the start");
    // Half of 100/s, but for the one that it told of.
    let [untold] = record.agents[1].untold_arrivals[..] else { panic!("one scenario") };
    assert!((untold as f64 + 1.0 - 50.0 * idle_at_s).abs() <= 1.0, "{untold} in {idle_at_s} s");
    assert!(record.agents[0].untold_arrivals.is_empty(), "it lived");
}

#[test]
fn several_that_fall_silent_while_preparing_end_the_run() {
    let mut stage = Stage::new(3, OnLoss::Degrade);
    (0..3).for_each(|link| drop(stage.tell(Event::Joined(Link(link), newcomer()))));
    let commands = stage.wait(5 * S, &[]);
    assert!((0..3).all(|link| refused(&commands, link)));
    assert_eq!(stage.ending(), Ending::AgentLost("pod".to_owned()));
}

#[test]
fn while_this_side_does_not_listen_nobody_is_silent() {
    let mut stage = Stage::started(2, OnLoss::Fail);
    stage.wait(S, &[0, 1]);
    stage.now_ns += 20 * S;
    assert_eq!(stage.tell(Event::Tick), [], "what they said meanwhile is yet to be heard");
    let commands = stage.wait(SILENCE_MAX_NS, &[0]);
    assert!(refused(&commands, 1), "afterwards silence is silence");
    assert!(!refused(&commands, 0));
}

#[test]
fn numbers_told_to_agents_stay_theirs_when_others_leave_before_the_run() {
    let mut stage = Stage::new(2, OnLoss::Fail);
    stage.tell(Event::Joined(Link(0), newcomer()));
    stage.tell(Event::Gone(Link(0), "cable".to_owned()));
    let mut welcomed = Vec::new();
    for link in 1..=2 {
        let commands = stage.tell(Event::Joined(Link(link), newcomer()));
        welcomed.extend(commands.into_iter().filter_map(|command| match command {
            Command::Welcome { agent, .. } => Some(agent),
            _ => None,
        }));
    }
    let record = stage.run.into_record(String::new());
    assert_eq!(welcomed, [1, 2]);
    assert_eq!(record.agents.iter().map(|agent| agent.id.0).collect::<Vec<_>>(), welcomed);
}

#[test]
fn what_a_stranger_says_of_its_clock_neither_panics_nor_delays_the_start_for_ever() {
    let mut stage = Stage::new(1, OnLoss::Fail);
    stage.tell(Event::Joined(Link(0), newcomer()));
    let clock = ClockReading { offset_ns: i64::MIN, uncertainty_ns: u64::MAX, round_trip_ns: u64::MAX };
    stage.tell(Event::Ready(Link(0), clock));
    assert_eq!(stage.run.start_ns(), Some(stage.now_ns + START_LEAD_MAX_NS));
}

#[test]
fn an_agent_that_cannot_go_on_is_lost_and_the_user_is_told_why() {
    let mut stage = Stage::started(1, OnLoss::Degrade);
    let reason = "a worker panicked".to_owned();
    let commands = stage.tell(Event::Unable { link: Link(0), reason, by_policy: false });
    assert!(refused(&commands, 0));
    let told = |command: &Command| matches!(command, Command::Tell(text) if text.contains("a worker panicked"));
    assert!(commands.iter().any(told), "{commands:?}");
    assert_eq!(stage.ending(), Ending::AgentLost("pod".to_owned()));
}

#[test]
fn a_run_that_cannot_be_written_down_ends_at_once_with_its_own_code() {
    let mut stage = Stage::started(1, OnLoss::Fail);
    stage.delta(0, 1);
    stage.tell(Event::Stop);
    let full = || Event::Unstorable("no space left".to_owned());
    assert_eq!(stage.tell(full()), [Command::Stop(Link(0), Manner::Abort)]);
    assert_eq!(stage.delta(0, 2), [Command::Ack(Link(0), 2)], "what is still told counts");
    stage.close(0, 2);
    assert_eq!(stage.tell(full()), []);
    let record = stage.run.into_record(String::new());
    let (exit_code, reason) = (ExitCode::Storage, "no space left".to_owned());
    assert_eq!(record.ending, Ending::Failed { exit_code, reason });
    assert_eq!(record.timeline.counts().started, 2);
}

#[test]
fn a_run_that_is_told_only_in_part_ends_there_with_its_agents_unknown() {
    let mut stage = Stage::started(2, OnLoss::Fail);
    (1..=7).for_each(|seq| drop(stage.delta(0, seq)));
    stage.delta(1, 1);
    stage.close(0, 7);
    stage.now_ns += 2 * S;
    assert_eq!(stage.tell(Event::Interrupted), []);
    assert!(stage.run.has_ended());
    let record = stage.run.into_record(String::new());
    assert_eq!((record.ending, record.duration_ns), (Ending::Interrupted, 2 * S));
    assert!(!record.agents[0].died() && record.agents[1].died());

    let mut early = Stage::new(1, OnLoss::Fail);
    early.tell(Event::Interrupted);
    assert!(!early.run.clone().into_record(String::new()).began);
    assert_eq!(early.ending(), Ending::Interrupted);
}
