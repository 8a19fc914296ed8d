//! A user: who makes iterations.

use super::clock;
use super::compiled::{CompiledScenario, CompiledStep};
use super::deadline::Deadline;
use super::findings::Onward;
use super::pool::Pool;
use super::random::Key;
use super::request::{Errand, Turn};
use super::template::Variables;
use super::worker::Worker;
use muster_proto::plan::Think;

/// What a user keeps from one request to the next.
#[derive(Default)]
pub(super) struct User {
    /// Its own idle connections, where users do not share them.
    pub(super) connections: Pool,
    /// The end of its patience with the request under way.
    pub(super) deadline: Deadline,
    /// What its iteration has found out.
    pub(super) variables: Variables,
}

/// What makes an iteration begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begin {
    /// The iteration's number in its scenario.
    pub(super) id: u64,
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
        self.variables.begin(&scenario.names[worker.number]);
        let mut turn =
            Turn { due_ns: begin.due_ns, free_ns: begin.free_ns, now_ns: begin.now_ns, arrival: begin.arrival };
        for (index, step) in scenario.steps.iter().enumerate() {
            let key = Key { stream: scenario.stream, iteration: begin.id, step: index };
            let now_ns = match step {
                CompiledStep::Request(request) => {
                    let connections = scenario.connections;
                    let mut errand = Errand { worker, user: self, step: request, connections, key };
                    let Some(ended) = errand.perform(turn).await else {
                        iteration.unleased = true;
                        return clock::now_ns();
                    };
                    iteration.all_expected &= ended.expected && ended.onward != Onward::Fail;
                    if ended.onward != Onward::GoOn {
                        turn = Turn::at(ended.done_ns);
                        break;
                    }
                    ended.done_ns
                }
                CompiledStep::Think(range) => {
                    let pause_ns = pause_ns(*range, key.fraction());
                    think(worker, scenario.index, turn.now_ns + pause_ns).await
                }
            };
            turn = Turn::at(now_ns);
        }
        iteration.end(turn.now_ns);
        turn.now_ns
    }
}

fn pause_ns(range: Think, fraction: f64) -> u64 {
    let width = range.max.saturating_sub(range.min);
    (range.min + width.mul_f64(fraction)).as_nanos() as u64
}

/// Pauses until a moment, to the millisecond, and returns the time then.
async fn think(worker: &Worker, scenario: usize, until_ns: u64) -> u64 {
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
