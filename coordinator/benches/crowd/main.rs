//! A thousand agents on one coordinator: `cargo bench -p muster --bench crowd`.
//!
//! The coordinator is the real program in a process of its own, with its journal on the disk. The agents are tasks of this
//! process: they speak the protocol, probe as often as agents do, and send deltas of 20 busy series five times a second,
//! all at the same moment. For how long says `MUSTER_CROWD_SECONDS`, how many there are `MUSTER_CROWD_AGENTS`.

mod agent;
#[expect(dead_code, reason = "the run here is the real one")]
#[path = "../made/mod.rs"]
mod made;
#[expect(dead_code, reason = "nothing happens to the program")]
#[path = "../program/mod.rs"]
mod program;

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use agent::Measured;
use muster_agent::engine::clock;
use muster_agent::health::raise_descriptor_limit;
use muster_proto::measurement::WINDOWS_PER_INTERVAL;
use program::Program;
use tokio::task::{JoinSet, LocalSet};

const AGENTS: u64 = 1_000;
const SECONDS: u64 = 20;
const SERIES: usize = 20;
/// Requests of each series in a second.
const PER_SECOND: u64 = 50;
/// How often the coordinator's memory is read.
const READING: Duration = Duration::from_millis(200);

fn main() {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (agents, seconds) = (number("MUSTER_CROWD_AGENTS", AGENTS), number("MUSTER_CROWD_SECONDS", SECONDS));
    raise_descriptor_limit();
    let folder = tempfile::tempdir().expect("a folder");
    let (plan, result) = (folder.path().join("plan.yaml"), folder.path().join("result.json"));
    std::fs::write(&plan, made::plan_text("127.0.0.1:9", SERIES, seconds)).expect("a file");
    let (coordinator, address) = coordinator(folder.path(), &plan, &result, agents);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let observed = LocalSet::new().block_on(&runtime, observe(&coordinator, &address, agents, seconds));
    coordinator.end();
    show(&observed, agents, seconds);
    let document = std::fs::read(result).expect("a result");
    let document: serde_json::Value = serde_json::from_slice(&document).expect("a document");
    let (accounting, sent) = (&document["accounting"], agents * seconds * PER_SECOND * SERIES as u64);
    assert_eq!(accounting["requests"]["sent"], sent, "every request is in the result");
    assert_eq!(accounting["balanced"], true, "{accounting}");
}

fn coordinator(folder: &Path, plan: &Path, result: &Path, agents: u64) -> (Program, String) {
    let path = |path: &Path| path.to_str().expect("a name").to_owned();
    let (agents, runs, plan, result) = (agents.to_string(), path(&folder.join("runs")), path(plan), path(result));
    let words = ["run", &plan, "--agents", &agents, "--listen", "127.0.0.1:0", "--out", &runs, "--json", &result];
    let (program, line) = Program::start(Path::new(env!("CARGO_BIN_EXE_muster")), &words, "waiting for");
    (program, line.rsplit(' ').next().expect("an address").to_owned())
}

/// What was seen of a run.
#[derive(Default)]
struct Observed {
    /// What the coordinator took from the start until everything was acknowledged, for each second of the run, and what
    /// all agents took beside it. Both say nothing of how fast the machine was.
    cores: (f64, f64),
    /// The coordinator's memory, as often as it is read, in megabytes.
    resident_mb: Vec<f64>,
    /// How long acknowledgements took, in milliseconds, in order.
    ack_ms: Vec<f64>,
}

async fn observe(coordinator: &Program, address: &str, agents: u64, seconds: u64) -> Observed {
    let plan = made::plan(SERIES);
    let measured = Rc::new(Measured::of(&plan, PER_SECOND / u64::from(WINDOWS_PER_INTERVAL)));
    let windows = seconds as u32 * WINDOWS_PER_INTERVAL;
    let mut tasks = JoinSet::new();
    for number in 0..agents {
        tasks.spawn_local(agent::take_part(number, address.to_owned(), Rc::clone(&measured), windows));
    }
    while measured.started_ns.get().is_none() {
        tokio::time::sleep(READING).await;
    }
    let mut observed = Observed::default();
    let (cpu_s, own_cpu_ns) = (coordinator.cpu_s(), clock::process_cpu_ns());
    while measured.acknowledged.get() < agents * u64::from(windows) {
        tokio::time::sleep(READING).await;
        // One that was given up, as may happen on a machine with too much else to do, would be waited for in vain.
        tasks.try_join_next().into_iter().for_each(|ended| ended.expect("no agent panics"));
        observed.resident_mb.push(coordinator.resident_mb());
        let (spent_s, own_s) = (coordinator.cpu_s() - cpu_s, (clock::process_cpu_ns() - own_cpu_ns) as f64 / 1e9);
        observed.cores = (spent_s / seconds as f64, own_s / seconds as f64);
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no agent panics");
    }
    observed.ack_ms = measured.ack_ms.take();
    observed.ack_ms.sort_by(f64::total_cmp);
    observed
}

fn show(observed: &Observed, agents: u64, seconds: u64) {
    let row = |figure: &str, goal: &str, measured: f64| println!("{figure:<66}{goal:>10}{measured:>12.2}");
    let ack_ms = |part: f64| observed.ack_ms[((observed.ack_ms.len() - 1) as f64 * part) as usize];
    let resident_mb = &observed.resident_mb;
    println!("{:<66}{:>10}{:>12}", "figure", "goal", "measured");
    row(
        &format!("cores: {agents} agents x {SERIES} series of {PER_SECOND}/s x 5 deltas, {seconds} s"),
        "<= 1",
        observed.cores.0,
    );
    row("  what all agents took beside it", "", observed.cores.1);
    let most_mb = |part: &[f64]| part.iter().copied().fold(0.0, f64::max);
    let (first, second) = resident_mb.split_at(resident_mb.len() / 2);
    row("resident, MB: at most in the first half of the run", "<= 500", most_mb(first));
    row("  in the second half", "<= 500", most_mb(second));
    row("acknowledged after, ms: p50", "", ack_ms(0.5));
    row("  p99", "", ack_ms(0.99));
    row("  at most", "", ack_ms(1.0));
}
