//! Runs made up for tests, told to a timeline and a judge as agents would tell them.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_proto::id::{AgentId, RunId};
use muster_proto::measurement::{
    Delta, Health, IterationStats, Measurement, RequestStats, Totals, WINDOW_NS, WINDOWS_PER_INTERVAL,
};
use muster_proto::outcome::{ErrorKind, Outcome};
use muster_proto::plan::*;
use muster_proto::supply::Wanting;

use super::pool::{Claim, Pool};
use crate::run::record::{Absence, AgentRecord, Ending, RunRecord};
use crate::run::timeline::Timeline;
use crate::verdict::Judge;

/// An open scenario of two requests, so many seconds at 100 arrivals per second.
pub(crate) fn open_plan(seconds: u64) -> Plan {
    let rate = Rate::per_second(100);
    let stages = vec![RateStage { duration: Duration::from_secs(seconds), from: rate, to: rate }];
    let executor =
        Executor::ArrivalRate { stages, arrivals: Arrivals::Uniform, max_users: 1_000, shape: Shape::Constant };
    plan_of(scenario("browse", executor, &["list", "cart"]))
}

/// A closed scenario of one request, so many seconds with 20 users.
pub(crate) fn closed_plan(seconds: u64) -> Plan {
    let stages = vec![UserStage { duration: Duration::from_secs(seconds), from: 20, to: 20 }];
    plan_of(scenario("watchers", Executor::Users { stages, shape: Shape::Constant }, &["list"]))
}

fn plan_of(scenario: Scenario) -> Plan {
    Plan {
        name: "shop".to_owned(),
        seed: 42,
        scenarios: vec![scenario],
        agents: AgentsWanted { on_loss: OnLoss::Degrade, ..AgentsWanted::default() },
        ..Plan::default()
    }
}

pub(crate) fn scenario(name: &str, executor: Executor, requests: &[&str]) -> Scenario {
    Scenario {
        name: name.to_owned(),
        executor,
        start_delay: Duration::ZERO,
        graceful_stop: Duration::from_secs(30),
        warm_up: Duration::ZERO,
        connections: Connections::Pool,
        keep_session: false,
        vars: Vec::new(),
        feeders: Vec::new(),
        steps: requests.iter().map(|name| Step::Request(Box::new(request(name)))).collect(),
    }
}

fn request(name: &str) -> Request {
    Request {
        headers: vec![("accept".to_owned(), "*/*".to_owned()), ("x-api-key".to_owned(), "s3cret".to_owned())],
        body: Body(From::from(&b"s3cret"[..])),
        timeout: Duration::from_secs(60),
        ..Request::new(
            name,
            "GET",
            Url { tls: false, host: "shop.test".to_owned(), port: 80, path: format!("/{name}?key=s3cret") },
        )
    }
}

/// A threshold over all scenarios and requests.
pub(crate) fn threshold(metric: MetricName, aggregate: Aggregate, comparison: Comparison, bound: Bound) -> Threshold {
    Threshold {
        expression: format!("{metric:?}: {aggregate:?} {comparison:?} {bound:?}"),
        metric,
        selector: Selector::default(),
        aggregate,
        comparison,
        bound,
        window: ThresholdWindow::Run,
        abort: false,
    }
}

/// `http_req_duration: p(99) < ms`
pub(crate) fn p99_below(ms: u64) -> Threshold {
    let bound = Bound::Time(Duration::from_millis(ms));
    let line = threshold(MetricName::HttpReqDuration, Aggregate::Percentile(99.0), Comparison::Less, bound);
    Threshold { expression: format!("http_req_duration: p(99) < {ms}ms"), ..line }
}

/// An empty delta of one window.
pub(crate) fn delta(plan: &Plan, window: u32) -> Delta {
    Delta {
        seq: u64::from(window) + 1,
        first_window: window,
        last_window: window,
        measurement: Measurement::new(muster_proto::measurement::Shape::of(plan)),
        health: Health { worker_cpu_max: 0.5, process_cpu: 0.6, memory_bytes: 1 << 26, ..Health::default() },
    }
}

/// So many arrivals that start at once.
pub(crate) fn start(stats: &mut IterationStats, n: u64) {
    stats.due += n;
    stats.started += n;
    stats.arrival_lag.record_n(20_000, n);
}

/// So many requests that end as expected after so many milliseconds.
pub(crate) fn succeed(stats: &mut RequestStats, n: u64, ms: u64) {
    request_done(stats, n, ms, Outcome::Expected);
}

/// So many requests that fail after so many milliseconds.
pub(crate) fn fail(stats: &mut RequestStats, n: u64, ms: u64, kind: ErrorKind) {
    request_done(stats, n, ms, Outcome::Failed(kind));
}

fn request_done(stats: &mut RequestStats, n: u64, ms: u64, outcome: Outcome) {
    let ns = ms * 1_000_000;
    stats.sent += n;
    (0..n).for_each(|_| stats.count_outcome(outcome));
    let response = match outcome {
        Outcome::Expected => &mut stats.response_expected,
        Outcome::Failed(_) => &mut stats.response_failed,
    };
    response.record_n(ns + 30_000, n);
    stats.service.record_n(ns, n);
    stats.lag.record_n(30_000, n);
    stats.bytes_received += 100 * n;
}

/// A window in which everything went well: each series' requests spread from 10 ms to 100 ms.
pub(crate) fn healthy(delta: &mut Delta) {
    let iterations = 20;
    for stats in &mut delta.measurement.scenarios {
        start(stats, iterations);
        stats.completed += iterations;
        stats.duration.record_n(60_000_000, iterations);
    }
    for stats in &mut delta.measurement.series {
        (0..iterations).for_each(|i| succeed(stats, 1, 10 + i * 90 / (iterations - 1)));
    }
    delta.health.users = 3;
}

/// A run under way, with nothing told yet.
pub(crate) struct Made {
    pub(crate) record: RunRecord,
    pub(crate) aborted: Option<String>,
}

impl Made {
    pub(crate) fn new(plan: Plan, agents: u32) -> Self {
        let mut timeline = Timeline::new(&plan);
        (0..agents).for_each(|agent| timeline.expect(agent as usize));
        let record = RunRecord {
            id: RunId(uuid::Uuid::from_u128(0x019a_d3f1_0000_7000_8000_0000_0000_0001)),
            judge: Judge::new(&plan),
            pools: Pool::all_of(&plan),
            plan,
            started_at: "2026-11-23T09:00:00Z".to_owned(),
            began: true,
            duration_ns: 0,
            tags: BTreeMap::from([("build".to_owned(), "17".to_owned())]),
            strict: false,
            ending: Ending::Completed,
            teardown_failure: None,
            absence: Absence::default(),
            amendments: Vec::new(),
            annotations: Vec::new(),
            agents: (0..agents).map(agent).collect(),
            timeline,
        };
        Self { record, aborted: None }
    }

    /// Each agent tells of so many seconds, window by window; the shape fills each delta.
    pub(crate) fn seconds(mut self, seconds: u32, mut shape: impl FnMut(u32, u32, &mut Delta)) -> Self {
        let first = self.record.timeline.closed_until();
        for second in first..first + seconds {
            for window in second * WINDOWS_PER_INTERVAL..(second + 1) * WINDOWS_PER_INTERVAL {
                for agent in 0..self.record.agents.len() as u32 {
                    if self.record.agents[agent as usize].lost_at_ns.is_some() {
                        continue;
                    }
                    let mut delta = delta(&self.record.plan, window);
                    shape(agent, window, &mut delta);
                    self.record.timeline.apply(agent as usize, &delta);
                }
            }
            self.close(second + 1);
        }
        self
    }

    /// The agent falls silent now and is given up a second and a half later.
    pub(crate) fn lose(mut self, agent: usize) -> Self {
        let lost_at_ns = u64::from(self.record.timeline.closed_until()) * 1_000_000_000 + 1_500_000_000;
        self.record.agents[agent].lost_at_ns = Some(lost_at_ns);
        self.record.timeline.release(agent, lost_at_ns);
        self
    }

    fn close(&mut self, until: u32) {
        for second in self.record.timeline.close_until(until) {
            let abort = self.record.judge.second(&second, &self.record.timeline);
            self.aborted = self.aborted.take().or(abort);
        }
    }

    /// Allots so many of the first scenario's shared iterations to an agent.
    pub(crate) fn allot(mut self, agent: usize, iterations: u64) -> Self {
        let pool = &mut self.record.pools[0];
        let (mut allotted, mut returned) = (0, vec![]);
        while allotted < iterations {
            let wanting = Wanting { allotted, more: true, ..Wanting::default() };
            pool.hear(agent, &wanting, 0).expect("it asks for what it has not heard of");
            let claim = Claim { users: iterations - allotted, weight: 1, weights: 1 };
            let answer = pool.answer(agent, claim, 0).expect("something is left");
            returned = vec![answer.block.split(answer.block.count.min(iterations - allotted)).1];
            allotted = answer.allotted;
        }
        let wanting = Wanting { allotted, returned, ..Wanting::default() };
        pool.hear(agent, &wanting, 0).expect("it gives back what is too much");
        self
    }

    /// Ends the run now: everyone alive closes its account with what it told.
    pub(crate) fn end(mut self, ending: Ending) -> RunRecord {
        self.record.duration_ns = u64::from(self.record.timeline.closed_until()) * 1_000_000_000;
        self.record.ending = ending;
        for second in self.record.timeline.finish(self.record.duration_ns) {
            self.record.judge.second(&second, &self.record.timeline);
        }
        for (index, agent) in self.record.agents.iter_mut().enumerate() {
            let told = self.record.timeline.agents().get(index).cloned().unwrap_or_default();
            let counts = told.counts;
            agent.totals = agent.lost_at_ns.is_none().then(|| Totals {
                last_seq: told.told_until_ns / WINDOW_NS,
                due: counts.due,
                started: counts.started,
                skipped: counts.skipped_total(),
                completed: counts.completed,
                failed: counts.failed,
                cut_off: counts.cut_off,
                sent: counts.sent,
                outcomes: counts.outcomes(),
            });
        }
        self.record
    }
}

fn agent(number: u32) -> AgentRecord {
    let zone = if number == 1 { "us" } else { "eu" };
    AgentRecord {
        id: AgentId(number),
        name: format!("pod-{number}"),
        version: "0.1.0".to_owned(),
        labels: BTreeMap::from([("zone".to_owned(), zone.to_owned())]),
        weight: 4,
        cores: 4,
        workers: 3,
        clock_offset_ns: 1_500_000 - 1_000_000 * i64::from(number),
        clock_uncertainty_ns: 110_000,
        round_trip_ns: 220_000,
        start_error_ns: Some(38_000),
        lost_at_ns: None,
        may_work_until_ns: None,
        untold_arrivals: Vec::new(),
        lost_because: None,
        taken_over_at_ns: None,
        left: false,
        has_ended: false,
        totals: None,
        duplicates_refused: 0,
    }
}
