//! CPU per request of a closed loop of plain GETs: Muster with everything recorded, against a floor client that only
//! moves bytes, and against wrk where it is installed, in alternating rounds on one core.
//!
//! `MUSTER_BENCH_COUNT=N` makes N requests with 64 users, or `MUSTER_BENCH_USERS`, and nothing else, for tools that count
//! instructions and system calls.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use muster_agent::engine::clock;
use muster_proto::plan::{Connections, Executor, Shape, UserStage};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use support::{Server, generate, median, plan, row, run_on_core, serve_if_asked};

const ROUNDS: usize = 10;
const ROUND: Duration = Duration::from_secs(1);

fn main() {
    serve_if_asked();
    muster_agent::health::raise_descriptor_limit();
    let server = Server::start("");
    run_on_core(1);
    let asked = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    if let Some(iterations) = asked("MUSTER_BENCH_COUNT") {
        let users = asked("MUSTER_BENCH_USERS").unwrap_or(64) as u32;
        let executor = Executor::SharedIterations { users, iterations, max_duration: Duration::from_secs(600) };
        let generated = generate(plan(server.address, "/", executor, Connections::PerUser), |_| {});
        println!("{} requests", generated.gauges.totals.outcomes);
        return;
    }
    let mut wrk_missing = false;
    row("figure (median of 10 rounds)", "goal", "measured");
    for (connections, floor_goal) in [(64, 1.15), (1_024, 1.20)] {
        let (mut muster, mut process, mut floor, mut wrk) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            floor.push(floor_client(server.address, connections));
            let (worker_ns, process_ns) = muster_client(server.address, connections as u32);
            muster.push(worker_ns);
            process.push(process_ns);
            match wrk_client(server.address, connections) {
                Some(cpu_ns) => wrk.push(cpu_ns),
                None => wrk_missing = true,
            }
        }
        let ratios = |other: &[f64]| median(&mut muster.iter().zip(other).map(|(a, b)| a / b).collect::<Vec<_>>());
        let (to_floor, to_wrk) = (ratios(&floor), ratios(&wrk));
        row(
            &format!("{connections} connections: Muster to floor"),
            &format!("<= {floor_goal:.2}"),
            &format!("{to_floor:.2}"),
        );
        if !wrk.is_empty() {
            row(&format!("{connections} connections: Muster to wrk"), "<= 0.80", &format!("{to_wrk:.2}"));
        }
        let us = |values: &mut [f64]| format!("{:.2} µs", median(values) / 1e3);
        row("  CPU a request: floor", "", &us(&mut floor));
        row("  CPU a request: Muster's worker", "", &us(&mut muster));
        row("  CPU a request: Muster's whole process", "", &us(&mut process));
        if !wrk.is_empty() {
            row("  CPU a request: wrk", "", &us(&mut wrk));
        }
    }
    if wrk_missing {
        println!("wrk is not installed, so there is no comparison with it");
    }
}

/// CPU per request of the worker and of the whole process, in nanoseconds.
fn muster_client(address: SocketAddr, users: u32) -> (f64, f64) {
    let executor =
        Executor::Users { stages: vec![UserStage { duration: ROUND, from: users, to: users }], shape: Shape::Constant };
    let generated = generate(plan(address, "/", executor, Connections::PerUser), |_| {});
    let requests = generated.measurement.series[0].expected as f64;
    (generated.gauges.cpu_ns as f64 / requests, generated.process_cpu_ns as f64 / requests)
}

/// CPU per request, in nanoseconds, of a client that only moves bytes: one write, one read, no parsing, no timing. Like
/// the others' it includes opening the connections.
fn floor_client(address: SocketAddr, connections: usize) -> f64 {
    let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes();
    let begun_ns = clock::thread_cpu_ns();
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll");
    let mut streams: Vec<TcpStream> =
        (0..connections).map(|_| TcpStream::connect(address).expect("a connection")).collect();
    let mut buffer = [0; 65_536];
    streams[0].write_all(&request).expect("a first request");
    let response = streams[0].read(&mut buffer).expect("a first response");
    for (index, stream) in streams.iter_mut().enumerate() {
        stream.set_nodelay(true).expect("nodelay");
        stream.set_nonblocking(true).expect("nonblocking");
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&poll, &*stream, data, epoll::EventFlags::IN | epoll::EventFlags::ET).expect("an event");
        stream.write_all(&request).expect("a request");
    }
    let mut events = Vec::with_capacity(1_024);
    let end = Instant::now() + ROUND;
    let mut requests = 0_u64;
    while Instant::now() < end {
        events.clear();
        epoll::wait(&poll, spare_capacity(&mut events), None).expect("events");
        for event in &events {
            let stream = &mut streams[event.data.u64() as usize];
            let length = stream.read(&mut buffer).expect("a response");
            assert_eq!(length, response, "responses come whole");
            stream.write_all(&request).expect("a request");
            requests += 1;
        }
    }
    (clock::thread_cpu_ns() - begun_ns) as f64 / requests as f64
}

/// CPU per request of wrk, in nanoseconds; nothing where it is not installed.
fn wrk_client(address: SocketAddr, connections: usize) -> Option<f64> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let arguments = ["-t1".to_owned(), format!("-c{connections}"), "-d1s".to_owned(), format!("http://{address}/")];
    let mut child = Command::new("wrk").args(arguments).stdout(Stdio::piped()).spawn().ok()?;
    let mut text = String::new();
    child.stdout.take()?.read_to_string(&mut text).ok()?;
    // The accounts of a process can be read until it is waited for.
    let pid = Pid::from_raw(child.id() as i32)?;
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    child.wait().ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let cpu_ns = ticks * 1e9 / rustix::param::clock_ticks_per_second() as f64;
    let requests: f64 =
        text.lines().find(|line| line.contains(" requests in "))?.split_whitespace().next()?.parse().ok()?;
    Some(cpu_ns / requests)
}
