//! A plan of many series, and what agents measure of it.

use std::collections::BTreeMap;
use std::path::Path;

use muster::plan_file::{self, Format};
use muster::run::life::RunSettings;
use muster_proto::id::RunId;
use muster_proto::measurement::{Delta, Health, IterationStats, Measurement, Phase, RequestStats, SeriesTable, Shape};
use muster_proto::plan::Plan;

const SCENARIOS: usize = 5;

/// Five scenarios of constant arrival rate that share so many requests out between them, for an hour.
pub(crate) fn plan(series: usize) -> Plan {
    plan_file::from_str(&plan_text("127.0.0.1:9", series, 3_600), Format::Yaml, "plan", Path::new("."))
        .expect("a plan")
        .plan
}

/// The same with this target and for so many seconds, as its user writes it.
pub(crate) fn plan_text(target: &str, series: usize, seconds: u64) -> String {
    use std::fmt::Write;
    let mut text = format!("target: http://{target}\nscenarios:\n");
    for scenario in 0..SCENARIOS {
        writeln!(text, "  s{scenario}:\n    executor: constant-arrival-rate").expect("memory");
        writeln!(text, "    rate: 100/s\n    duration: {seconds}s\n    steps:").expect("memory");
        for request in 0..series / SCENARIOS {
            writeln!(text, "      - {{ name: r{request}, get: / }}").expect("memory");
        }
    }
    text.push_str("thresholds: [ \"http_req_duration: p(99) < 10s for 5s\" ]\n");
    text
}

/// What an agent measured in a window: so many requests of each series.
pub(crate) fn delta(plan: &Plan, window: u32, requests: u64, values: &mut Values) -> Delta {
    let table = SeriesTable::of(plan);
    let mut measurement = Measurement::new(Shape::of(plan));
    let mut first_of = BTreeMap::new();
    for (number, (key, stats)) in table.keys().iter().zip(&mut measurement.series).enumerate() {
        let first = *first_of.entry(key.scenario).or_insert(number) == number;
        let median_ns = 2e6 + 4e5 * number as f64;
        (0..requests).for_each(|_| request(stats, median_ns, first, values));
    }
    measurement.scenarios.iter_mut().for_each(|stats| iterations(stats, requests, values));
    Delta {
        seq: u64::from(window) + 1,
        first_window: window,
        last_window: window,
        measurement,
        health: Health { worker_cpu_max: 0.5, process_cpu: 0.6, memory_bytes: 1 << 26, ..Health::default() },
    }
}

/// One request on a kept connection; the first of an arrival waits for nobody and is a little late.
fn request(stats: &mut RequestStats, median_ns: f64, first: bool, values: &mut Values) {
    let lag_ns = if first { values.next(3e4, 0.5) } else { 0 };
    let service_ns = values.next(median_ns, 0.3);
    let (sending_ns, receiving_ns) = (values.next(8e3, 0.3), values.next(1_500.0, 0.5));
    stats.sent += 1;
    stats.expected += 1;
    stats.bytes_sent += 120;
    stats.bytes_received += 700;
    stats.response_expected.record(lag_ns + service_ns);
    stats.service.record(service_ns);
    if first {
        stats.queued.record(0);
        stats.lag.record(lag_ns);
    }
    stats.phases[Phase::Sending as usize].record(sending_ns);
    stats.phases[Phase::Waiting as usize].record(service_ns.saturating_sub(sending_ns + receiving_ns));
    stats.phases[Phase::Receiving as usize].record(receiving_ns);
}

fn iterations(stats: &mut IterationStats, n: u64, values: &mut Values) {
    stats.due += n;
    stats.started += n;
    stats.completed += n;
    for _ in 0..n {
        stats.duration.record(values.next(3e7, 0.2));
        stats.arrival_lag.record(values.next(3e4, 0.5));
    }
}

/// What a run of so many agents is told.
pub(crate) fn settings(plan: &Plan, agents: u64) -> RunSettings {
    let mut plan = plan.clone();
    plan.agents.start_when = agents as u32;
    RunSettings {
        id: RunId::generate(),
        plan,
        tags: BTreeMap::new(),
        strict: false,
        lease_ns: 3_000_000_000,
        gather_max_ns: 60_000_000_000,
    }
}

/// Repeatable log-normal durations, from a 64-bit linear congruential generator (Knuth, MMIX).
pub(crate) struct Values(pub(crate) u64);

impl Values {
    fn next(&mut self, median_ns: f64, sigma: f64) -> u64 {
        // The sum of twelve uniform numbers is nearly normal, with a variance of one.
        let normal: f64 = (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0;
        (median_ns * (sigma * normal).exp()) as u64
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
