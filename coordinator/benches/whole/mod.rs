//! A whole run of one agent in virtual time: what it measures is told to the run as an agent would tell it, and the run judges it
//! second by second; only the network is left out.

use std::collections::BTreeMap;

use muster::run::event::{ClockReading, Event, Link, Newcomer};
use muster::run::life::{Run, RunSettings};
use muster::run::record::RunRecord;
use muster_proto::id::{Incarnation, RunId};
use muster_proto::measurement::{Delta, Totals, WINDOW_NS, WINDOWS_PER_INTERVAL};
use muster_proto::plan::Plan;
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};

const LINK: Link = Link(0);
const NS_PER_S: u64 = 1_000_000_000;

/// The run of this plan, which lasts so many seconds; each window's delta is what is measured in it.
pub(crate) fn run(plan: &Plan, seconds: u32, mut measured: impl FnMut(u32) -> Delta) -> RunRecord {
    let mut run = begun(plan);
    let start_ns = run.start_ns().expect("its agent is ready");
    let mut totals = Totals::default();
    for window in 0..seconds * WINDOWS_PER_INTERVAL {
        let seq = u64::from(window) + 1;
        let delta = Delta { seq, first_window: window, last_window: window, ..measured(window) };
        totals.add(&counted(&delta));
        totals.last_seq = seq;
        let now_ns = start_ns + seq * WINDOW_NS;
        run.apply(Event::Delta(LINK, Box::new(delta)), now_ns);
        run.apply(Event::Tick, now_ns);
    }
    let now_ns = start_ns + u64::from(seconds) * NS_PER_S;
    run.apply(Event::Closing { link: LINK, totals, start_error_ns: Some(0) }, now_ns);
    assert!(run.has_ended(), "its agent has told everything");
    run.into_record("2027-01-01T00:00:00Z".to_owned())
}

/// A run whose agent is ready.
fn begun(plan: &Plan) -> Run {
    let settings = RunSettings {
        id: RunId::generate(),
        plan: plan.clone(),
        tags: BTreeMap::new(),
        strict: false,
        lease_ns: 3 * NS_PER_S,
        gather_max_ns: 60 * NS_PER_S,
    };
    let mut run = Run::new(settings, NS_PER_S);
    let newcomer = Newcomer {
        protocol_version: PROTOCOL_VERSION,
        build_version: BUILD_VERSION.to_owned(),
        name: "agent".to_owned(),
        incarnation: Incarnation(0),
        run: None,
        has_ended: false,
        labels: BTreeMap::new(),
        cores: 2,
        workers: 1,
        weight: 1,
    };
    run.apply(Event::Joined(LINK, newcomer), NS_PER_S);
    run.apply(Event::Ready(LINK, ClockReading::default()), NS_PER_S);
    run
}

/// What an agent counts apart from its deltas.
fn counted(delta: &Delta) -> Totals {
    let mut totals = Totals::default();
    for stats in &delta.measurement.scenarios {
        totals.due += stats.due;
        totals.started += stats.started;
        totals.completed += stats.completed;
    }
    for stats in &delta.measurement.series {
        totals.sent += stats.sent;
        totals.outcomes += stats.outcomes();
    }
    totals
}
