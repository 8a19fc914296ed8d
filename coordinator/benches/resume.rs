//! What going on with a long run costs: `cargo bench -p muster --bench resume`.
//!
//! A run of 100 agents with 20 busy series each is written down as fast as this machine can, once as a single segment and
//! once with snapshots, and told again from either.

mod made;

use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

use made::{Values, delta, plan};
use muster::begun::Begun;
use muster::journal::{Buffered, Entry, Happened, Head, Journal};
use muster::run::event::{Event, Link};
use muster::run::life::Run;
use muster::store::RunFolder;
use muster_proto::convert::delta_to_wire;
use muster_proto::measurement::Shape;
use muster_proto::measurement::{WINDOW_NS, WINDOWS_PER_INTERVAL};
use muster_proto::plan::Plan;
use muster_proto::wire::{Delta, FromAgent, Hello, Ready, from_agent};
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};

const AGENTS: u64 = 100;
const SERIES: usize = 20;
/// Requests of each series in a second.
const PER_SECOND: u64 = 10;
/// How long the run is, in seconds.
const SECONDS: u32 = 240;
/// More than this run writes.
const BYTES_MAX: u64 = 64 << 30;

fn main() {
    let runs = tempfile::tempdir().expect("a folder");
    let plan = plan(SERIES);
    println!("{:<66}{:>12}", "figure", "measured");
    let alone = runs.path().join("alone");
    let head = Head::new(made::settings(&plan, AGENTS), Begun::now(), None);
    let journal = Journal::begin(Buffered(File::create(&alone).expect("a file")), &head, BYTES_MAX).expect("a journal");
    live(journal, head, &plan);
    row(&format!("journal of {AGENTS} agents x {SERIES} series, {SECONDS} s, MB"), megabytes(&alone));
    let since = Instant::now();
    let told = muster::journal::tell(std::io::BufReader::new(File::open(&alone).expect("the file"))).expect("a run");
    row("  told again from its beginning, ms", ms(since));
    let sent = told.run.timeline().counts().sent;

    let head = Head::new(made::settings(&plan, AGENTS), Begun::now(), None);
    let folder = RunFolder::create(runs.path(), head.settings.id, &plan, false).expect("a folder");
    let journal = folder.begin_journal(&head, BYTES_MAX).expect("a journal");
    let costs = live(journal, head, &plan);
    row("with snapshots, MB kept of it", pieces(folder.path()));
    let since = Instant::now();
    let told = folder.reopen().expect("a run").told;
    row("  told again from the last snapshot, ms", ms(since));
    assert_eq!(told.run.timeline().counts().sent, sent, "both tell the same");
    row("snapshots taken", costs.len() as f64);
    row("  the longest that the run waited for one, ms", most(&costs, |cost| cost.taking_ms));
    row("  the longest that writing one took beside it, ms", most(&costs, |cost| cost.saving_ms));
    row("  the largest, kB", largest_snapshot(folder.path()));
}

/// What one snapshot cost.
struct Cost {
    taking_ms: f64,
    saving_ms: f64,
}

/// A whole run, second by second, with what its snapshots cost.
fn live(mut journal: Journal, head: Head, plan: &Plan) -> Vec<Cost> {
    let mut run = Run::new(head.settings, head.begun.clock_ns);
    let shape = Shape::of(plan);
    let said = |link: u64, message| {
        Happened::said(Link(link), FromAgent { message: Some(message) }, shape).expect("it makes sense")
    };
    let hellos = (0..AGENTS).map(|agent| said(agent, from_agent::Message::Hello(hello(agent))));
    let readies = (0..AGENTS).map(|agent| said(agent, from_agent::Message::Ready(Ready::default())));
    let mut costs = Vec::new();
    journal = group(journal, &mut run, hellos.chain(readies).collect(), head.begun.clock_ns, &mut costs);
    let start_ns = run.start_ns().expect("all are ready");
    let mut values = Values(1);
    let per_window = PER_SECOND / u64::from(WINDOWS_PER_INTERVAL);
    let measured: Vec<Delta> = (0..16).map(|_| delta_to_wire(&delta(plan, 0, per_window, &mut values))).collect();
    for window in 0..SECONDS * WINDOWS_PER_INTERVAL {
        let of = |agent: u64| {
            let like = &measured[(agent as usize + window as usize) % measured.len()];
            let (seq, first_window, last_window) = (u64::from(window) + 1, window, window);
            from_agent::Message::Delta(Delta { seq, first_window, last_window, ..like.clone() })
        };
        let deltas = (0..AGENTS).map(|agent| said(agent, of(agent))).chain([Happened::tick()]);
        let now_ns = start_ns + u64::from(window + 1) * WINDOW_NS;
        journal = group(journal, &mut run, deltas.collect(), now_ns, &mut costs);
    }
    assert_eq!(run.timeline().closed_until(), SECONDS, "every agent told of every second");
    costs
}

fn group(mut journal: Journal, run: &mut Run, happened: Vec<Happened>, now_ns: u64, costs: &mut Vec<Cost>) -> Journal {
    let (events, entries): (Vec<Event>, Vec<Entry>) = happened.into_iter().map(|happened| happened.at(now_ns)).unzip();
    let since = Instant::now();
    let snapshot = journal.snapshot_if_due(run);
    let taking_ms = ms(since);
    if snapshot.is_some() {
        journal = journal.turn().expect("another segment");
    }
    journal = journal.commit(&entries).expect("it is written");
    if let Some(snapshot) = snapshot {
        let since = Instant::now();
        journal.note_saved(Some(snapshot.save().expect("it is kept")));
        costs.push(Cost { taking_ms, saving_ms: ms(since) });
    }
    events.into_iter().for_each(|event| drop(run.apply(event, now_ns)));
    journal
}

fn hello(agent: u64) -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        build_version: BUILD_VERSION.to_owned(),
        name: format!("agent-{agent}"),
        incarnation: agent,
        workers: 1,
        weight: 1,
        ..Hello::default()
    }
}

fn row(figure: &str, measured: f64) {
    println!("{figure:<66}{measured:>12.1}");
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn most(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    costs.iter().map(of).fold(0.0, f64::max)
}

fn megabytes(path: &Path) -> f64 {
    fs::metadata(path).expect("a file").len() as f64 / 1e6
}

fn pieces(folder: &Path) -> f64 {
    fs::read_dir(folder).expect("a folder").map(|entry| megabytes(&entry.expect("an entry").path())).sum()
}

fn largest_snapshot(folder: &Path) -> f64 {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let snapshots = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("snapshot"));
    snapshots.map(|entry| megabytes(&entry.path()) * 1e3).fold(0.0, f64::max)
}
