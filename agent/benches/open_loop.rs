//! How late arrivals begin at 20 000 a second on one worker, with what else the core was doing.

mod support;

use std::time::Duration;

use muster_proto::plan::{Arrivals, Connections, Executor, Rate, RateStage, Shape};
use support::{Server, generate, plan, row, run_on_core, serve_if_asked};

fn main() {
    serve_if_asked();
    let server = Server::start("");
    run_on_core(1);
    row("20 000 arrivals/s for 5 s, one worker", "goal", "measured");
    for round in 1..=3 {
        let rate = Rate::per_second(20_000);
        let stages = vec![RateStage { duration: Duration::from_secs(5), from: rate, to: rate }];
        let executor =
            Executor::ArrivalRate { stages, arrivals: Arrivals::Uniform, max_users: 2_000, shape: Shape::Constant };
        let before = core_ticks();
        let generated = generate(plan(server.address, "/", executor, Connections::Pool), |_| {});
        let (busy, all) = (core_ticks().0 - before.0, (core_ticks().1 - before.1).max(1.0));
        let own = generated.process_cpu_ns as f64 / 1e9 * rustix::param::clock_ticks_per_second() as f64;
        let lag = &generated.measurement.scenarios[0].arrival_lag;
        let us = |q: f64| lag.quantile_ns(q).unwrap_or(0) / 1_000;
        row(&format!("round {round}: lag p50"), "<= 50 µs", &format!("{} µs", us(0.5)));
        row(&format!("round {round}: lag p99"), "<= 200 µs", &format!("{} µs", us(0.99)));
        row(
            "  the core: this process, others",
            "",
            &format!("{:.0} %, {:.0} %", 100.0 * own / all, 100.0 * (busy - own).max(0.0) / all),
        );
    }
}

/// Busy and all ticks of core 1 since boot.
fn core_ticks() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().find(|line| line.starts_with("cpu1 ")).or_else(|| stat.lines().next()).unwrap_or("");
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    let all: f64 = ticks.iter().take(8).sum();
    (all - ticks.get(3).unwrap_or(&0.0) - ticks.get(4).unwrap_or(&0.0), all)
}
