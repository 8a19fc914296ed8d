//! What a coordinator that is slow or away costs its agents: `cargo bench -p muster --bench patience`.
//!
//! - *delayed*: whatever the coordinator says, acknowledgements first of all, reaches its agents 900 ms late, for
//!   `MUSTER_DELAYED_SECONDS`;
//! - *absent*: the coordinator stands still for `MUSTER_ABSENT_SECONDS`, and the plan asks for leases of that length.
//!
//! Coordinator and agents are the real programs, which send real requests. What they report is compared with what the
//! target has served.

#[expect(dead_code, reason = "what is measured here is real")]
#[path = "../made/mod.rs"]
mod made;
#[path = "../../tests/processes/places.rs"]
mod places;
#[expect(dead_code, reason = "its processor time is of no interest")]
#[path = "../program/mod.rs"]
mod program;
mod wire;

use std::path::Path;
use std::time::Duration;

use muster_target::{Config, Counts, Target};
use places::{agent_program, muster_program};
use program::{Program, Signal};
use serde_json::Value;

const AGENTS: usize = 3;
const SERIES: usize = 20;
const DELAYED_SECONDS: u64 = 20;
const ABSENT_SECONDS: u64 = 10;
const DELAY: Duration = Duration::from_millis(900);
/// The longest lease that a plan may ask for, in seconds.
const HOLD_MAX: u64 = 60;
/// How long a run is undisturbed before and after that, in seconds.
const CALM: u64 = 10;

fn main() {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    println!("{:<66}{:>10}{:>12}", "figure", "goal", "measured");
    let seconds = number("MUSTER_DELAYED_SECONDS", DELAYED_SECONDS);
    let mut cluster = Cluster::start(seconds + CALM, CALM, DELAY);
    let before = cluster.settled();
    let halves_mb = [cluster.watch(seconds / 2), cluster.watch(seconds - seconds / 2)];
    show(&format!("delayed by {} ms for {seconds} s", DELAY.as_millis()), before, halves_mb, cluster.end());

    let seconds = number("MUSTER_ABSENT_SECONDS", ABSENT_SECONDS).min(HOLD_MAX);
    let mut cluster = Cluster::start(seconds + 2 * CALM, seconds, Duration::ZERO);
    let before = cluster.settled();
    cluster.coordinator.signal(Signal::STOP);
    let halves_mb = [cluster.watch(seconds / 2), cluster.watch(seconds - seconds / 2)];
    cluster.coordinator.signal(Signal::CONT);
    show(&format!("absent for {seconds} s, lease {seconds} s"), before, halves_mb, cluster.end());
}

fn show(what: &str, before_mb: f64, halves_mb: [f64; 2], (document, served): (Value, Counts)) {
    let row = |figure: &str, goal: &str, measured: f64| println!("{figure:<66}{goal:>10}{measured:>12.1}");
    let accounting = &document["accounting"];
    let (requests, skipped) = (&accounting["requests"], &accounting["iterations"]["skipped"]);
    let number = |value: &Value| value.as_u64().unwrap_or_default() as f64;
    row(&format!("{what}: MB of an agent before"), "", before_mb);
    row("  at most in the first half of that", "", halves_mb[0]);
    row("  at most in the second half", "", halves_mb[1]);
    row("  requests in the report", "", number(&requests["sent"]));
    row("  more than those that were served", "0", served.requests as f64 - number(&requests["sent"]));
    row("  unknown, or lost at most", "0", number(&requests["unknown"]) + number(&accounting["lost"]["high"]));
    row("  arrivals skipped for want of a lease", "", number(&skipped["lease"]));
    assert_eq!(accounting["balanced"], true, "{accounting}");
}

/// A coordinator, its agents and their target.
struct Cluster {
    coordinator: Program,
    agents: Vec<Program>,
    target: Target,
    folder: tempfile::TempDir,
}

impl Cluster {
    /// Starts a run of so many seconds and with leases of so many, in which agents hear their coordinator so late.
    fn start(seconds: u64, hold: u64, late: Duration) -> Self {
        let target = Target::start(Config::default()).expect("a target");
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).to_str().expect("a name").to_owned();
        let (plan, runs, result) = (path("plan.yaml"), path("runs"), path("result.json"));
        let text = made::plan_text(&target.addr().to_string(), SERIES, seconds);
        std::fs::write(&plan, format!("{text}agents: {{ start_when: {AGENTS}, hold: {hold}s }}\n")).expect("a file");
        let words = ["run", &plan, "--listen", "127.0.0.1:0", "--out", &runs, "--json", &result];
        let (coordinator, line) = Program::start(muster_program(), &words, "waiting for");
        let address = wire::to(line.rsplit(' ').next().expect("an address"), late);
        let agents = (1..=AGENTS).map(|number| agent(&agent_program(), &address, &format!("agent-{number}"))).collect();
        Self { coordinator, agents, target, folder }
    }

    /// Waits until the run is well under way. Returns the memory of the largest agent, in megabytes.
    fn settled(&mut self) -> f64 {
        while self.target.counts().requests == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.watch(CALM)
    }

    /// Waits for so many seconds. Returns the most memory that any agent had, in megabytes.
    fn watch(&self, seconds: u64) -> f64 {
        let mut most_mb = 0.0;
        for _ in 0..seconds {
            std::thread::sleep(Duration::from_secs(1));
            most_mb = self.agents.iter().map(Program::resident_mb).fold(most_mb, f64::max);
        }
        most_mb
    }

    /// The result document, and what the target has counted.
    fn end(self) -> (Value, Counts) {
        self.coordinator.end();
        self.agents.into_iter().for_each(Program::end);
        let document = std::fs::read(self.folder.path().join("result.json")).expect("a result");
        (serde_json::from_slice(&document).expect("a document"), self.target.stop())
    }
}

fn agent(program: &Path, address: &str, name: &str) -> Program {
    let words = ["--join", address, "--name", name, "--weight", "1", "--workers", "1", "--once"];
    Program::start(program, &words, "joined").0
}
