//! What the benchmarks share: a target in a process of its own, plans, and medians.

// Each benchmark is a program of its own and uses its part of this.
#![allow(dead_code, unreachable_pub, missing_docs)]

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use muster_agent::engine::clock;
use muster_agent::engine::lease::Lease;
use muster_agent::engine::part::Gauges;
use muster_agent::engine::rows::Rows;
use muster_agent::engine::start::{Engine, EngineConfig, Supplied};
use muster_agent::guard::Guard;
use muster_proto::measurement::{Measurement, Shape};
use muster_proto::plan::{Connections, Executor, Plan, Request, Scenario, Step, Url};
use muster_proto::share::Share;
use muster_proto::supply::{Allotted, BLOCK_MAX, Block};
use muster_target::{Config, Target};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Makes this program the target instead, when it was started to be one. Ends when its standard input does.
pub fn serve_if_asked() {
    let Ok(script) = std::env::var("MUSTER_BENCH_TARGET") else { return };
    run_on_core(0);
    muster_agent::health::raise_descriptor_limit();
    let target =
        Target::start(Config { script: script.parse().expect("a script"), ..Config::default() }).expect("a target");
    println!("{}", target.addr());
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(0);
}

/// A target on core 0, in a process of its own.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    pub fn start(script: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.env("MUSTER_BENCH_TARGET", script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a target process");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its address");
        Self { child, address: line.trim().parse().expect("an address") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Keeps this thread, and those it starts, on one core, where there is more than one.
pub fn run_on_core(core: usize) {
    if std::thread::available_parallelism().map_or(1, usize::from) > core {
        let mut only = CpuSet::new();
        only.set(core);
        let _ = sched_setaffinity(None, &only);
    }
}

pub fn plan(address: SocketAddr, path: &str, executor: Executor, connections: Connections) -> Plan {
    let request = Request {
        timeout: Duration::from_secs(60),
        ..Request::new(
            "get",
            "GET",
            Url { tls: false, host: address.ip().to_string(), port: address.port(), path: path.to_owned() },
        )
    };
    Plan {
        name: "bench".to_owned(),
        seed: 1,
        scenarios: vec![Scenario {
            name: "bench".to_owned(),
            executor,
            start_delay: Duration::ZERO,
            graceful_stop: Duration::from_secs(5),
            warm_up: Duration::ZERO,
            connections,
            keep_session: false,
            vars: Vec::new(),
            feeders: Vec::new(),
            steps: vec![Step::Request(Box::new(request))],
        }],
        ..Plan::default()
    }
}

/// What one worker did, with its own CPU time and that of the whole process, in nanoseconds.
pub struct Generated {
    pub measurement: Measurement,
    pub gauges: Gauges,
    pub process_cpu_ns: u64,
}

/// Generates a plan's load on one worker; `during` may interfere.
pub fn generate(plan: Plan, during: impl FnOnce(&Engine) + Send) -> Generated {
    generate_fed(plan, Vec::new(), during)
}

/// [`generate`], with the rows of the plan's feeders.
pub fn generate_fed(plan: Plan, rows: Vec<Arc<Rows>>, during: impl FnOnce(&Engine) + Send) -> Generated {
    let shape = Shape::of(&plan);
    let config = EngineConfig {
        workers: 1,
        pin: false,
        guard: Arc::new(Guard::loopback_only()),
        witness: None,
        agent: "bench".into(),
    };
    let shared = match plan.scenarios[0].executor {
        Executor::SharedIterations { iterations, .. } => Some(iterations),
        _ => None,
    };
    let before_ns = clock::process_cpu_ns();
    let supplied = Supplied { rows, ..Supplied::default() };
    let prepared = Engine::prepare_with(plan, &[Share::full()], &config, &Lease::endless(), supplied);
    let (engine, mut collector) = prepared.expect("a plan");
    if let Some(iterations) = shared {
        // As a coordinator does that has no other agent.
        for first in (0..iterations).step_by(BLOCK_MAX as usize) {
            let block = Block { first, count: BLOCK_MAX.min(iterations - first) };
            let allotted = block.end();
            let _ = engine.supplies().allot(&Allotted { scenario: 0, allotted, block, last: allotted == iterations });
        }
    }
    engine.start(clock::now_ns() + 10_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut measurement = Measurement::new(shape);
    let mut gauges = Gauges::default();
    std::thread::scope(|scope| {
        scope.spawn(|| during(&engine));
        runtime.block_on(async {
            while let Some(slice) = collector.next().await {
                slice.measured().for_each(|(_, measured)| measurement.merge(measured));
                gauges = slice.gauges[0];
                collector.give_back(slice);
            }
        });
    });
    Generated { measurement, gauges, process_cpu_ns: clock::process_cpu_ns() - before_ns }
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A line of the table: what, what was wanted, what was found.
pub fn row(figure: &str, goal: &str, measured: &str) {
    println!("{figure:<52} {goal:<16} {measured}");
}
