//! What a cluster costs its coordinator: `cargo bench -p muster --bench cluster`.
//!
//! - *wire*: what an agent's stream carries in one second of 50 busy series, compressed and framed as gRPC does it;
//! - *merge*: the CPU of one second of 1 000 agents with 20 busy series each, from the stream's bytes to judged seconds;
//! - *journal*: the CPU of writing that second down on a disk, in groups as they gather at that rate;
//! - *first request*: from the start of `muster run` to the first byte of its first request, on this machine.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use muster::begun::Begun;
use muster::journal::{BYTES_MAX_DEFAULT, Durable, Entry, Happened, Head, Journal, Shape};
use muster::plan_file::{self, Format};
use muster::run::event::{ClockReading, Event, Link, Newcomer};
use muster::run::life::{Run, RunSettings};
use muster_agent::engine::clock;
use muster_proto::PROTOCOL_VERSION;
use muster_proto::convert::{delta_from_wire, delta_to_wire};
use muster_proto::id::{Incarnation, RunId};
use muster_proto::measurement::{
    Delta, Health, IterationStats, Measurement, Phase, RequestStats, SeriesTable, WINDOWS_PER_INTERVAL,
};
use muster_proto::plan::Plan;
use muster_proto::wire::{FromAgent, FromCoordinator, from_agent};
use tonic::Streaming;
use tonic::codec::{Codec, CompressionEncoding, EncodeBody};
use tonic_prost::ProstCodec;

const SCENARIOS: usize = 5;
const AGENTS: u64 = 1_000;
const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// Deltas that are written down together: with 5 000 a second, those of 4 ms.
const JOURNAL_GROUP: usize = 20;
const STARTS: usize = 11;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!("{:<66}{:>10}{:>12}", "figure", "goal", "measured");
    for per_second in [10, 50, 100, 500] {
        let plan = plan(50);
        let stream = runtime.block_on(second_of(&plan, per_second, 0));
        let goal = if per_second == 50 { "<= 30" } else { "" };
        row(
            &format!("wire, kB per agent and second: 50 series of {per_second} requests/s"),
            goal,
            stream.len() as f64 / 1e3,
        );
    }
    for per_second in [10, 50, 100] {
        let plan = plan(20);
        let (decoding_ms, applying_ms) = runtime.block_on(merge(&plan, per_second));
        let goal = if per_second == 50 { "<= 500" } else { "" };
        row(
            &format!("merge, ms of CPU: {AGENTS} agents x 20 series of {per_second}/s x 5 deltas"),
            goal,
            decoding_ms + applying_ms,
        );
        row("  of them from bytes to deltas", "", decoding_ms);
        row("  of them from deltas to judged seconds", "", applying_ms);
    }
    for per_second in [10, 50] {
        let (cpu_ms, megabytes) = journal(&plan(20), per_second);
        row(&format!("journal, ms of CPU: {AGENTS} agents x 20 series of {per_second}/s x 5 deltas"), "", cpu_ms);
        row("  MB written and made durable", "", megabytes);
    }
    row("first request, ms after the start of `muster run` (median of 11)", "<= 150", first_request_ms());
}

fn row(figure: &str, goal: &str, measured: f64) {
    println!("{figure:<66}{goal:>10}{measured:>12.1}");
}

/// Five scenarios of constant arrival rate that share so many requests out between them.
fn plan(series: usize) -> Plan {
    use std::fmt::Write;
    let mut text = "target: http://127.0.0.1:9\nscenarios:\n".to_owned();
    for scenario in 0..SCENARIOS {
        writeln!(text, "  s{scenario}:\n    executor: constant-arrival-rate").expect("memory");
        text.push_str("    rate: 100/s\n    duration: 10s\n    steps:\n");
        for request in 0..series / SCENARIOS {
            writeln!(text, "      - {{ name: r{request}, get: / }}").expect("memory");
        }
    }
    text.push_str("thresholds: [ \"http_req_duration: p(99) < 10s for 5s\" ]\n");
    plan_file::from_str(&text, Format::Yaml, "plan", Path::new(".")).expect("a plan")
}

/// An agent's first second on the wire: five deltas, each series with so many requests in that second.
async fn second_of(plan: &Plan, per_second: u64, agent: u64) -> Bytes {
    let mut values = Values(agent * 2 + 1);
    let deltas = (0..WINDOWS_PER_INTERVAL).map(|window| {
        let delta = delta(plan, window, per_second / u64::from(WINDOWS_PER_INTERVAL), &mut values);
        Ok(FromAgent { message: Some(from_agent::Message::Delta(delta_to_wire(&delta))) })
    });
    let deltas: Vec<Result<FromAgent, tonic::Status>> = deltas.collect();
    let encoder = ProstCodec::<FromAgent, FromCoordinator>::default().encoder();
    let body = EncodeBody::new_client(encoder, tokio_stream::iter(deltas), Some(CompressionEncoding::Zstd), None);
    body.collect().await.expect("a body").to_bytes()
}

fn delta(plan: &Plan, window: u32, requests: u64, values: &mut Values) -> Delta {
    let table = SeriesTable::of(plan);
    let mut measurement = Measurement::new(plan.scenarios.len(), table.len());
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

/// The CPU, in milliseconds, of turning one second of all agents into deltas, and of applying them to a run.
async fn merge(plan: &Plan, per_second: u64) -> (f64, f64) {
    let mut streams = Vec::new();
    for agent in 0..16 {
        streams.push(second_of(plan, per_second, agent).await);
    }
    let (mut run, start_ns) = started(plan);
    let now_ns = start_ns + 1_200_000_000;
    let shape = (plan.scenarios.len(), SeriesTable::of(plan).len());
    let (mut decoding_ns, mut applying_ns) = (0, 0);
    for agent in 0..AGENTS {
        let body = Full::new(streams[agent as usize % streams.len()].clone());
        let decoder = ProstCodec::<FromCoordinator, FromAgent>::default().decoder();
        let mut stream =
            Streaming::new_request(decoder, body, Some(CompressionEncoding::Zstd), Some(MESSAGE_BYTES_MAX));
        loop {
            let begun_ns = clock::thread_cpu_ns();
            let Some(message) = stream.message().await.expect("a message") else { break };
            let Some(from_agent::Message::Delta(delta)) = message.message else {
                unreachable!("only deltas were sent")
            };
            let delta = delta_from_wire(&delta, shape.0, shape.1).expect("a delta");
            let event = Event::Delta(Link(agent), Box::new(delta));
            let decoded_ns = clock::thread_cpu_ns();
            run.apply(event, now_ns);
            decoding_ns += decoded_ns - begun_ns;
            applying_ns += clock::thread_cpu_ns() - decoded_ns;
        }
    }
    assert_eq!(run.timeline().closed_until(), 1, "every agent told of the first second");
    let requests = run.timeline().counts().sent;
    assert_eq!(requests, AGENTS * per_second * shape.1 as u64, "every request is in the result");
    (decoding_ns as f64 / 1e6, applying_ns as f64 / 1e6)
}

/// The CPU, in milliseconds, of writing one second of all agents down, and how much that is, in megabytes.
fn journal(plan: &Plan, per_second: u64) -> (f64, f64) {
    let mut values = Values(1);
    let deltas: Vec<FromAgent> = (0..WINDOWS_PER_INTERVAL)
        .map(|window| delta(plan, window, per_second / u64::from(WINDOWS_PER_INTERVAL), &mut values))
        .map(|delta| FromAgent { message: Some(from_agent::Message::Delta(delta_to_wire(&delta))) })
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let file = File::create(&path).expect("a file");
    let head = Head::new(settings(plan), Begun::now(), None);
    let mut journal = Journal::begin(Durable(file), &head, BYTES_MAX_DEFAULT).expect("a journal");
    let shape = Shape::of(plan);
    let mut cpu_ns = 0;
    for window in deltas {
        for first in (0..AGENTS).step_by(JOURNAL_GROUP) {
            let said =
                (first..first + JOURNAL_GROUP as u64).map(|agent| Happened::said(Link(agent), window.clone(), shape));
            let happened: Vec<Happened> = said.collect::<Result<_, _>>().expect("deltas");
            let begun_ns = clock::thread_cpu_ns();
            let group: Vec<Entry> = happened.into_iter().map(|happened| happened.at(1).1).collect();
            journal = journal.commit(&group).expect("it is written");
            cpu_ns += clock::thread_cpu_ns() - begun_ns;
        }
    }
    (cpu_ns as f64 / 1e6, std::fs::metadata(path).expect("a file").len() as f64 / 1e6)
}

/// A run of all agents that has started, and when.
fn started(plan: &Plan) -> (Run, u64) {
    let mut run = Run::new(settings(plan), 0);
    for agent in 0..AGENTS {
        let newcomer = Newcomer {
            protocol_version: PROTOCOL_VERSION,
            build_version: String::new(),
            name: format!("agent-{agent}"),
            incarnation: Incarnation(agent),
            run: None,
            labels: BTreeMap::new(),
            cores: 1,
            workers: 1,
            weight: 1,
        };
        run.apply(Event::Joined(Link(agent), newcomer), 0);
    }
    for agent in 0..AGENTS {
        run.apply(Event::Ready(Link(agent), ClockReading::default()), 0);
    }
    let start_ns = run.start_ns().expect("all agents are ready");
    (run, start_ns)
}

/// What a run of all agents is told.
fn settings(plan: &Plan) -> RunSettings {
    let mut plan = plan.clone();
    plan.agents.start_when = AGENTS as u32;
    RunSettings {
        id: RunId::generate(),
        plan,
        tags: BTreeMap::new(),
        strict: false,
        lease_ns: 3_000_000_000,
        gather_max_ns: 60_000_000_000,
    }
}

fn first_request_ms() -> f64 {
    let mut rounds: Vec<f64> = (0..STARTS).map(|_| one_start_ms()).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[STARTS / 2]
}

fn one_start_ms() -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let folder = tempfile::tempdir().expect("a folder");
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(["run", &url, "--users", "1", "--duration", "1s", "--out"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    let (mut stream, _) = listener.accept().expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    stream.read_exact(&mut [0]).expect("a request");
    let took = begun.elapsed();
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    took.as_secs_f64() * 1e3
}

/// Repeatable log-normal durations, from a 64-bit linear congruential generator (Knuth, MMIX).
struct Values(u64);

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
