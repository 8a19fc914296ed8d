//! Looks at what a machine allows a load test: descriptors, ports, clock, timers, cores.

use std::fs;

use muster_agent::engine::clock;
use muster_agent::health::raise_descriptor_limit;
use muster_agent::resources::{default_local_workers, usable_cores};

/// Whether what was found stands in a load test's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// It does not.
    Good,
    /// It may.
    Poor,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it stands in the way.
    pub grade: Grade,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// Looks at everything, which takes a few milliseconds.
#[must_use]
pub fn examine() -> Vec<Finding> {
    [descriptors(), ports(), backlog(), cores(), clock_cost(), timer(), time_wait()].into_iter().flatten().collect()
}

fn finding(subject: &'static str, found: String, poor: Option<String>) -> Finding {
    let grade = if poor.is_some() { Grade::Poor } else { Grade::Good };
    Finding { grade, subject, found, advice: poor }
}

fn descriptors() -> Option<Finding> {
    /// Enough for the users of an ordinary test.
    const ENOUGH: u32 = 10_000;
    let limit = raise_descriptor_limit();
    let poor =
        (limit < ENOUGH).then(|| "each connection needs one; raise it with `ulimit -Hn` or LimitNOFILE".to_owned());
    Some(finding("descriptors", format!("{limit} per process"), poor))
}

fn ports() -> Option<Finding> {
    /// Fewer than the system's usual range.
    const ENOUGH: u32 = 20_000;
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = range.split_whitespace().map(str::parse::<u32>);
    let (Some(Ok(low)), Some(Ok(high))) = (ends.next(), ends.next()) else { return None };
    let count = (high + 1).saturating_sub(low);
    let poor = (count < ENOUGH)
        .then(|| "widen net.ipv4.ip_local_port_range, or list addresses under connect.source".to_owned());
    Some(finding("local ports", format!("{count} per source address and target ({low} to {high})"), poor))
}

fn backlog() -> Option<Finding> {
    let backlog: u32 = fs::read_to_string("/proc/sys/net/core/somaxconn").ok()?.trim().parse().ok()?;
    let poor = (backlog < 1_024)
        .then(|| "a target on this machine refuses bursts of connections; raise net.core.somaxconn".to_owned());
    Some(finding("listen backlog", format!("{backlog} connections"), poor))
}

fn cores() -> Option<Finding> {
    let cores = usable_cores();
    let poor = (cores < 2).then(|| "coordinator, agent and target share one core; expect lag".to_owned());
    Some(finding("cores", format!("{cores} usable, {} for local workers", default_local_workers()), poor))
}

fn clock_cost() -> Option<Finding> {
    const READINGS: u64 = 10_000;
    let begin_ns = clock::now_ns();
    for _ in 0..READINGS {
        std::hint::black_box(clock::now_ns());
    }
    let cost_ns = (clock::now_ns() - begin_ns) / READINGS;
    let source = fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    let source = source.map_or_else(|_| "unknown source".to_owned(), |source| source.trim().to_owned());
    let poor = (cost_ns > 200).then(|| "reading it needs a system call; prefer the tsc or kvm-clock source".to_owned());
    Some(finding("clock", format!("{source}, {cost_ns} ns a reading"), poor))
}

fn timer() -> Option<Finding> {
    const ROUNDS: usize = 50;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let mut late_ns = runtime.block_on(async {
        let mut pacer = muster_agent::engine::pacer::Pacer::new().ok()?;
        let mut late_ns = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let at_ns = clock::now_ns() + 200_000;
            late_ns.push(pacer.wait_until(at_ns).await.ok()? - at_ns);
        }
        Some(late_ns)
    })?;
    late_ns.sort_unstable();
    let (p50_us, max_us) = (late_ns[ROUNDS / 2] / 1_000, late_ns[ROUNDS - 1] / 1_000);
    let poor = (p50_us > 200).then(|| "arrivals will be late; give the agent idle cores".to_owned());
    Some(finding("timer", format!("{p50_us} µs late in the middle, {max_us} µs at most"), poor))
}

fn time_wait() -> Option<Finding> {
    let reuse = fs::read_to_string("/proc/sys/net/ipv4/tcp_tw_reuse").ok()?;
    let reuse = reuse.trim().to_owned();
    let poor = (reuse == "0")
        .then(|| "with `connections: new`, ports stay taken for a minute; set net.ipv4.tcp_tw_reuse=1".to_owned());
    Some(finding("ports in TIME_WAIT", format!("reuse {reuse}"), poor))
}
