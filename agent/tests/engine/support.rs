//! Plans made by hand, and an engine that carries them out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use muster_agent::engine::clock;
use muster_agent::engine::lease::Lease;
use muster_agent::engine::part::Gauges;
use muster_agent::engine::rows::Rows;
use muster_agent::engine::start::{Engine, EngineConfig, Supplied};
use muster_agent::guard::Guard;
use muster_proto::measurement::{IterationStats, Measurement, RequestStats, Totals};
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{
    Arrivals, Body, Connections, Executor, Plan, Rate, RateStage, Request, Scenario, Shape, Step, Url, UserStage,
};
use muster_proto::share::Share;
use muster_proto::supply::{Allotted, BLOCK_MAX, Block, Numbers};
use muster_target::{Config, Target};

/// What was measured, whole and by window, with both sets of books.
pub(crate) struct Generated {
    pub(crate) total: Measurement,
    pub(crate) windows: BTreeMap<u32, Measurement>,
    pub(crate) totals: Totals,
    pub(crate) gauges: Vec<Gauges>,
}

impl Generated {
    pub(crate) fn iterations(&self) -> &IterationStats {
        &self.total.scenarios[0]
    }

    pub(crate) fn requests(&self) -> &RequestStats {
        &self.total.series[0]
    }

    pub(crate) fn failed(&self, kind: ErrorKind) -> u64 {
        self.requests().failed[kind as usize]
    }

    /// The laws that hold whatever happened.
    pub(crate) fn assert_books_balance(&self) {
        let mut counted = Totals { last_seq: self.totals.last_seq, ..Totals::default() };
        for stats in &self.total.scenarios {
            assert_eq!(stats.due, stats.started + stats.skipped_total(), "due = started + skipped");
            assert_eq!(stats.started, stats.completed + stats.failed + stats.cut_off, "started = how they ended");
            counted.due += stats.due;
            counted.started += stats.started;
            counted.skipped += stats.skipped_total();
            counted.completed += stats.completed;
            counted.failed += stats.failed;
            counted.cut_off += stats.cut_off;
        }
        for stats in &self.total.series {
            assert_eq!(stats.sent, stats.outcomes(), "sent = outcomes");
            assert_eq!(stats.outcomes(), stats.response_expected.count() + stats.response_failed.count());
            assert_eq!(stats.outcomes(), stats.service.count());
            counted.sent += stats.sent;
            counted.outcomes += stats.outcomes();
        }
        assert_eq!(counted, self.totals, "windows = what was counted apart from them");
        let idle = |gauges: &Gauges| (gauges.users, gauges.in_flight) == (0, 0);
        assert!(self.gauges.iter().all(idle), "nothing is left at the end: {:?}", self.gauges);
    }
}

/// A plan, with the rows of its feeders if it has any.
pub(crate) struct Fed {
    pub(crate) plan: Plan,
    pub(crate) rows: Vec<Arc<Rows>>,
}

impl From<Plan> for Fed {
    fn from(plan: Plan) -> Self {
        Self { plan, rows: Vec::new() }
    }
}

/// Carries a plan out on so many workers; `during` may interfere.
pub(crate) fn generate_while(plan: impl Into<Fed>, workers: usize, during: impl FnOnce(&Engine) + Send) -> Generated {
    generate_under(&Lease::endless(), plan, workers, during)
}

/// Carries a plan out on so many workers while this lease holds; `during` may interfere.
pub(crate) fn generate_under(
    lease: &Lease,
    plan: impl Into<Fed>,
    workers: usize,
    during: impl FnOnce(&Engine) + Send,
) -> Generated {
    let plan = plan.into();
    let shares = vec![Share::full(); plan.plan.scenarios.len()];
    generate_from(clock::now_ns() + 20_000_000, &shares, lease, plan, workers, during)
}

/// Carries these shares of a plan out from a moment on, on so many workers while this lease holds; `during` may interfere.
pub(crate) fn generate_from(
    start_ns: u64,
    shares: &[Share],
    lease: &Lease,
    plan: impl Into<Fed>,
    workers: usize,
    during: impl FnOnce(&Engine) + Send,
) -> Generated {
    let Fed { plan, rows } = plan.into();
    let config = EngineConfig {
        workers,
        pin: false,
        guard: Arc::new(Guard::loopback_only()),
        witness: None,
        agent: "agent".into(),
    };
    let shape = muster_proto::measurement::Shape::of(&plan);
    let supplied = Supplied { rows, ..Supplied::default() };
    let (engine, mut collector) =
        Engine::prepare_with(plan, shares, &config, lease, supplied).expect("a plan that can be carried out");
    engine.start(start_ns);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut generated = Generated {
        total: Measurement::new(shape),
        windows: BTreeMap::new(),
        totals: Totals::default(),
        gauges: Vec::new(),
    };
    std::thread::scope(|scope| {
        scope.spawn(|| during(&engine));
        runtime.block_on(async {
            while let Some(slice) = collector.next().await {
                for ((first, _), measured) in slice.measured() {
                    generated.total.merge(measured);
                    let window = generated.windows.entry(first);
                    window.or_insert_with(|| Measurement::new(shape)).merge(measured);
                }
                generated.gauges.clone_from(&slice.gauges);
                collector.give_back(slice);
            }
        });
    });
    for gauges in &generated.gauges {
        generated.totals.add(&gauges.totals);
    }
    generated
}

/// How many numbers the users of each scenario share, where they do.
fn shared_numbers(plan: &Plan) -> Vec<Option<u64>> {
    plan.scenarios.iter().map(|scenario| Numbers::of(plan, scenario).map(|numbers| numbers.count)).collect()
}

/// Lets the users have all of them, as a coordinator does that has no other agent.
fn allot_everything(engine: &Engine, shared: &[Option<u64>]) {
    for (scenario, numbers) in shared.iter().enumerate() {
        if let Some(numbers) = *numbers {
            let allotted = numbers.min(BLOCK_MAX);
            let block = Block { first: 0, count: allotted };
            engine
                .supplies()
                .allot(&Allotted { scenario, allotted, block, last: true })
                .expect("a scenario that shares");
        }
    }
}

/// Carries a plan out on so many workers, with all numbers that users share.
pub(crate) fn generate(plan: impl Into<Fed>, workers: usize) -> Generated {
    let plan = plan.into();
    let shared = shared_numbers(&plan.plan);
    generate_while(plan, workers, |engine| allot_everything(engine, &shared))
}

pub(crate) fn target(script: &str) -> Target {
    Target::start(Config { script: script.parse().unwrap(), ..Config::default() }).unwrap()
}

pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Step {
    Step::Request(Box::new(Request {
        timeout: seconds(10.0),
        ..Request::new(
            "get",
            "GET",
            Url { tls: false, host: address.ip().to_string(), port: address.port(), path: path.to_owned() },
        )
    }))
}

pub(crate) fn post(address: SocketAddr, path: &str, body: &'static [u8]) -> Step {
    changed(get(address, path), |request| {
        request.method = "POST".to_owned();
        request.headers.push(("content-type".to_owned(), "text/plain".to_owned()));
        request.body = Body(body.into());
    })
}

pub(crate) fn changed(step: Step, change: impl FnOnce(&mut Request)) -> Step {
    match step {
        Step::Request(mut request) => {
            change(&mut request);
            Step::Request(request)
        }
        step => step,
    }
}

pub(crate) fn scenario(executor: Executor, steps: Vec<Step>) -> Scenario {
    let connections = if executor.is_open() { Connections::Pool } else { Connections::PerUser };
    Scenario {
        name: "scenario".to_owned(),
        executor,
        start_delay: Duration::ZERO,
        graceful_stop: seconds(20.0),
        warm_up: Duration::ZERO,
        connections,
        keep_session: false,
        vars: Vec::new(),
        feeders: Vec::new(),
        steps,
    }
}

pub(crate) fn plan(scenarios: Vec<Scenario>) -> Plan {
    Plan { name: "test".to_owned(), seed: 42, scenarios, ..Plan::default() }
}

pub(crate) fn arrivals(rate: u64, duration_s: f64, max_users: u32) -> Executor {
    let rate = Rate::per_second(rate);
    let stages = vec![RateStage { duration: seconds(duration_s), from: rate, to: rate }];
    Executor::ArrivalRate { stages, arrivals: Arrivals::Uniform, max_users, shape: Shape::Constant }
}

pub(crate) fn users(stages: &[(f64, u32, u32)]) -> Executor {
    let stages = stages.iter().map(|&(duration_s, from, to)| UserStage { duration: seconds(duration_s), from, to });
    Executor::Users { stages: stages.collect(), shape: Shape::Ramping }
}

pub(crate) fn per_user(users: u32, iterations: u64) -> Executor {
    Executor::PerUserIterations { users, iterations, max_duration: seconds(30.0) }
}

pub(crate) fn shared(users: u32, iterations: u64) -> Executor {
    Executor::SharedIterations { users, iterations, max_duration: seconds(30.0) }
}
