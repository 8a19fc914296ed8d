//! A user: who makes iterations.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use muster_proto::measurement::Note;
use muster_proto::plan::Stop;

use super::clock;
use super::compiled::CompiledScenario;
use super::deadline::Deadline;
use super::findings::Onward;
use super::flow::{Flow, Own, pause_ns};
use super::jar::Jar;
use super::parallel::Errands;
use super::pool::Pool;
use super::program::Op;
use super::random::Key;
use super::request::{Errand, Turn};
use super::template::Variables;
use super::worker::Worker;

/// What a user keeps from one request to the next.
#[derive(Default)]
pub(super) struct User {
    /// What all requests share that it makes at once.
    pub(super) own: Rc<Belongings>,
    /// The end of its patience with the request under way.
    pub(super) deadline: Deadline,
    /// What its iteration has found out.
    pub(super) variables: Variables,
    /// Where its iteration stands.
    pub(super) flow: Flow,
}

/// What belongs to a user.
#[derive(Default)]
pub(super) struct Belongings {
    /// By which it has its certificate: in a closed model its number among all users of the scenario.
    pub(super) number: Cell<u64>,
    /// Its idle connections, where users do not share them.
    pub(super) connections: RefCell<Pool>,
    /// Its cookies.
    pub(super) jar: RefCell<Jar>,
}

/// Why an agent gives up whose rows cannot be read.
const ROWS_LOST: &str = "a row of its data cannot be read any more";

/// What makes an iteration begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begin {
    /// What tells the iteration from all others of its scenario.
    pub(super) id: u64,
    /// Its number, where the users of the whole cluster share them.
    pub(super) number: u64,
    /// When it was due.
    pub(super) due_ns: u64,
    /// When it was due and a user was free.
    pub(super) free_ns: u64,
    /// When it begins.
    pub(super) now_ns: u64,
    /// Whether it is an arrival (open model), whose lateness is our own.
    pub(super) arrival: bool,
}

impl User {
    /// Goes through the scenario's steps once and returns the time at the end, which comes early, with the iteration cut
    /// off, when the lease does not hold any more.
    pub(super) async fn iterate(&mut self, worker: &Worker, scenario: &CompiledScenario, begin: Begin) -> u64 {
        let mut iteration = Iteration::begin(worker, scenario.index, begin);
        if !scenario.keeps_session {
            self.variables.begin(&scenario.names[worker.number]);
            self.own.jar.borrow_mut().clear();
        }
        let own = Key { stream: scenario.stream, iteration: begin.id, ..Key::default() };
        if worker.feeding[scenario.index].feed(own, begin.number, &mut self.variables).is_err() {
            // Nothing is sent without the right row, and nobody can do without it: the agent gives up.
            worker.alarm.set_off(ROWS_LOST);
            return std::future::pending().await;
        }
        self.flow.begin(begin.now_ns);
        let mut turn =
            Turn { due_ns: begin.due_ns, free_ns: begin.free_ns, now_ns: begin.now_ns, arrival: begin.arrival };
        while let Some((step, op)) = self.flow.next(&scenario.ops) {
            let round = self.flow.rounds();
            let key = Key { stream: scenario.stream, iteration: begin.id, step, round };
            let ended = match op {
                Op::Request(request) => {
                    let connections = scenario.connections;
                    let mut errand = Errand { worker, user: self, step: request, connections, key };
                    match request.request.retry.times {
                        0 => errand.perform_once(turn).await,
                        _ => Box::pin(errand.perform(turn)).await,
                    }
                }
                // Boxed, because their state is large and would otherwise lie in every user's memory.
                Op::Parallel(requests, at_once) => {
                    let errands = Errands { worker, requests, connections: scenario.connections, key };
                    Box::pin(errands.perform(self, turn, *at_once)).await
                }
                Op::Think(think) => {
                    let until_ns = turn.now_ns + pause_ns(*think, key);
                    turn = Turn::at(pause(worker, scenario.index, until_ns).await);
                    continue;
                }
                Op::Pace(pace_ns) => {
                    let until_ns = self.flow.paced_until_ns(*pace_ns);
                    turn = Turn::at(pause(worker, scenario.index, until_ns).await);
                    self.flow.paced(turn.now_ns);
                    continue;
                }
                Op::Stop(stop) => {
                    iteration.all_expected &= *stop != Stop::Failed;
                    if *stop == Stop::Run {
                        worker.enough.say();
                    }
                    break;
                }
                op => {
                    self.steer(worker, scenario, op, key, turn.now_ns);
                    // A loop that never waits must not keep the worker from the others.
                    if matches!(op, Op::Round(..)) {
                        tokio::task::coop::consume_budget().await;
                    }
                    continue;
                }
            };
            let Some(ended) = ended else {
                iteration.unleased = true;
                return clock::now_ns();
            };
            turn = Turn::at(ended.done_ns);
            iteration.all_expected &= ended.expected && ended.onward != Onward::Fail;
            if ended.onward != Onward::GoOn {
                break;
            }
        }
        iteration.end(turn.now_ns);
        if let Some(witness) = &worker.witness {
            witness.0.iteration(self.variables.shown(&scenario.names[worker.number]));
        }
        turn.now_ns
    }

    /// What takes no time: jumps, values, and the counting of groups.
    fn steer(&mut self, worker: &Worker, scenario: &CompiledScenario, op: &Op, key: Key, now_ns: u64) {
        let mut own = Own { key, worker: worker.number, variables: &mut self.variables };
        match op {
            Op::Set(values) => own.set(values),
            Op::Jump(to) => self.flow.jump(*to),
            Op::Unless(condition, to) => {
                if !own.holds(condition) {
                    self.flow.jump(*to);
                }
            }
            Op::Choose(places) => self.flow.choose(key, places),
            Op::Enter(of) => self.flow.enter(of, &mut own),
            Op::Round(enter, otherwise) => {
                if let Op::Enter(of) = &scenario.ops[*enter] {
                    self.flow.begin_round(of, &mut own, *otherwise);
                }
            }
            Op::Begin => self.flow.begin_group(now_ns),
            Op::End(tally) => {
                let took_ns = self.flow.end_group(now_ns);
                worker.recorder.borrow_mut().tally(*tally, Note::Value(took_ns), now_ns);
            }
            Op::Request(_) | Op::Parallel(..) | Op::Think(_) | Op::Pace(_) | Op::Stop(_) => {}
        }
    }
}

/// Pauses until a moment, to the millisecond, and returns the time then.
async fn pause(worker: &Worker, scenario: usize, until_ns: u64) -> u64 {
    let now_ns = clock::now_ns();
    tokio::time::sleep(std::time::Duration::from_nanos(until_ns.saturating_sub(now_ns))).await;
    let now_ns = clock::now_ns();
    let late_ns = now_ns.saturating_sub(until_ns);
    worker.recorder.borrow_mut().thought(scenario, late_ns, now_ns);
    now_ns
}

/// An iteration under way. Dropped before its end, it was cut off.
struct Iteration<'a> {
    worker: &'a Worker,
    scenario: usize,
    due_ns: u64,
    all_expected: bool,
    ended: bool,
    /// Whether the lease ended first.
    unleased: bool,
}

impl<'a> Iteration<'a> {
    fn begin(worker: &'a Worker, scenario: usize, begin: Begin) -> Self {
        /// An arrival that our own lag delays by more than this was not delivered when it mattered.
        const VERY_LATE_NS: u64 = 1_000_000_000;
        let mut recorder = worker.recorder.borrow_mut();
        let lag_ns = begin.arrival.then(|| begin.now_ns.saturating_sub(begin.free_ns));
        recorder.begin(scenario, lag_ns, begin.now_ns);
        if begin.arrival {
            if lag_ns > Some(VERY_LATE_NS) {
                recorder.very_late(scenario, begin.due_ns);
            }
            let start_error_ns = begin.now_ns as i64 - begin.due_ns as i64;
            recorder.gauges().start_error_ns.get_or_insert(start_error_ns);
        }
        Self { worker, scenario, due_ns: begin.due_ns, all_expected: true, ended: false, unleased: false }
    }

    fn end(mut self, now_ns: u64) {
        self.ended = true;
        let duration_ns = now_ns.saturating_sub(self.due_ns);
        self.worker.recorder.borrow_mut().end(self.scenario, self.all_expected, duration_ns, now_ns);
    }
}

impl Drop for Iteration<'_> {
    fn drop(&mut self) {
        let mut recorder = self.worker.recorder.borrow_mut();
        recorder.gauges().users -= 1;
        if !self.ended {
            recorder.cut_off(self.scenario, self.unleased, clock::now_ns());
        }
    }
}
