//! Memory of users who wait, beyond their kernel sockets, and whether it grows.

mod support;

use std::time::Duration;

use muster_proto::plan::{Connections, Executor, Shape, UserStage};
use support::{Server, generate, plan, row, serve_if_asked};

fn main() {
    serve_if_asked();
    let descriptors = muster_agent::health::raise_descriptor_limit();
    let most = 10_000.min(descriptors.saturating_sub(200));
    let server = Server::start("latency=2s");
    row("users who wait for a response of 2 s", "goal", "measured");
    let few = resident_bytes_of(&server, 1_000, &[3]);
    let many = resident_bytes_of(&server, most, &[3, 9]);
    let per_user = many[0].saturating_sub(few[0]) as f64 / f64::from(most - 1_000) / 1_024.0;
    row(&format!("memory per user, 1 000 to {most} users"), "<= 8 KiB", &format!("{per_user:.1} KiB"));
    let growth = many[1] as f64 / many[0] as f64 - 1.0;
    row("growth from second 3 to second 9", "none", &format!("{:+.1} %", 100.0 * growth));
}

/// The process's resident memory at these seconds of a run with so many users.
fn resident_bytes_of(server: &Server, users: u32, at_s: &[u64]) -> Vec<u64> {
    let duration = Duration::from_secs(at_s.last().copied().unwrap_or(1) + 1);
    let executor =
        Executor::Users { stages: vec![UserStage { duration, from: users, to: users }], shape: Shape::Constant };
    let mut seen = Vec::new();
    generate(plan(server.address, "/", executor, Connections::PerUser), |engine| {
        let mut passed_s = 0;
        for at in at_s {
            std::thread::sleep(Duration::from_secs(at - passed_s));
            passed_s = *at;
            seen.push(resident_bytes());
        }
        engine.abort();
    });
    seen
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
