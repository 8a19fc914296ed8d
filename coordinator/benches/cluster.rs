//! What a cluster costs its coordinator: `cargo bench -p muster --bench cluster`.
//!
//! - *wire*: what an agent's stream carries in one second of 50 busy series, compressed and framed as gRPC does it;
//! - *merge*: the CPU of one second of 1 000 agents with 20 busy series each, from the stream's bytes to judged seconds;
//! - *journal*: the CPU of writing that second down on a disk, in groups as they gather at that rate;
//! - *first request*: from the start of `muster run` to the first byte of its first request, on this machine.

mod made;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use made::{Values, delta, plan};
use muster::begun::Begun;
use muster::journal::{BYTES_MAX_DEFAULT, Durable, Entry, Happened, Head, Journal};
use muster::run::event::{ClockReading, Event, Link, Newcomer};
use muster::run::life::Run;
use muster_agent::engine::clock;
use muster_proto::PROTOCOL_VERSION;
use muster_proto::convert::{delta_from_wire, delta_to_wire};
use muster_proto::id::Incarnation;
use muster_proto::measurement::{Shape, WINDOWS_PER_INTERVAL};
use muster_proto::plan::Plan;
use muster_proto::wire::{FromAgent, FromCoordinator, from_agent};
use tonic::Streaming;
use tonic::codec::{Codec, EncodeBody};
use tonic_prost::ProstCodec;

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

/// An agent's first second on the wire: five deltas, each series with so many requests in that second.
async fn second_of(plan: &Plan, per_second: u64, agent: u64) -> Bytes {
    let mut values = Values(agent * 2 + 1);
    let deltas = (0..WINDOWS_PER_INTERVAL).map(|window| {
        let delta = delta(plan, window, per_second / u64::from(WINDOWS_PER_INTERVAL), &mut values);
        Ok(FromAgent { message: Some(from_agent::Message::Delta(delta_to_wire(&delta))) })
    });
    let deltas: Vec<Result<FromAgent, tonic::Status>> = deltas.collect();
    let encoder = ProstCodec::<FromAgent, FromCoordinator>::default().encoder();
    let body = EncodeBody::new_client(encoder, tokio_stream::iter(deltas), None, None);
    body.collect().await.expect("a body").to_bytes()
}

/// The CPU, in milliseconds, of turning one second of all agents into deltas, and of applying them to a run.
async fn merge(plan: &Plan, per_second: u64) -> (f64, f64) {
    let mut streams = Vec::new();
    for agent in 0..16 {
        streams.push(second_of(plan, per_second, agent).await);
    }
    let (mut run, start_ns) = started(plan);
    let now_ns = start_ns + 1_200_000_000;
    let shape = Shape::of(plan);
    let (mut decoding_ns, mut applying_ns) = (0, 0);
    for agent in 0..AGENTS {
        let body = Full::new(streams[agent as usize % streams.len()].clone());
        let decoder = ProstCodec::<FromCoordinator, FromAgent>::default().decoder();
        let mut stream = Streaming::new_request(decoder, body, None, Some(MESSAGE_BYTES_MAX));
        loop {
            let begun_ns = clock::thread_cpu_ns();
            let Some(message) = stream.message().await.expect("a message") else { break };
            let Some(from_agent::Message::Delta(delta)) = message.message else {
                unreachable!("only deltas were sent")
            };
            let delta = delta_from_wire(&delta, shape).expect("a delta");
            let event = Event::Delta(Link(agent), Box::new(delta));
            let decoded_ns = clock::thread_cpu_ns();
            run.apply(event, now_ns);
            decoding_ns += decoded_ns - begun_ns;
            applying_ns += clock::thread_cpu_ns() - decoded_ns;
        }
    }
    assert_eq!(run.timeline().closed_until(), 1, "every agent told of the first second");
    let requests = run.timeline().counts().sent;
    assert_eq!(requests, AGENTS * per_second * shape.series as u64, "every request is in the result");
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
    let head = Head::new(made::settings(plan, AGENTS), Begun::now(), None);
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
    let mut run = Run::new(made::settings(plan, AGENTS), 0);
    for agent in 0..AGENTS {
        let newcomer = Newcomer {
            protocol_version: PROTOCOL_VERSION,
            build_version: String::new(),
            name: format!("agent-{agent}"),
            incarnation: Incarnation(agent),
            run: None,
            has_ended: false,
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
