//! A whole run of one agent in virtual time: what it measures is told to the run as an agent would tell it, and the run judges it
//! second by second; only the network is left out.

use std::collections::BTreeMap;

use muster::run::event::{ClockReading, Event, Link, Newcomer};
use muster::run::life::{Run, RunSettings};
use muster::run::record::RunRecord;
use muster_proto::id::Incarnation;
use muster_proto::measurement::{Delta, Totals, WINDOW_NS, WINDOWS_PER_INTERVAL};
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};

/// The agent's stream.
pub(crate) const LINK: Link = Link(0);
const NS_PER_S: u64 = 1_000_000_000;

/// A run with one agent, and what that agent has counted.
pub(crate) struct Whole {
    run: Run,
    start_ns: u64,
    windows: u32,
    totals: Totals,
}

impl Whole {
    /// A run that is told this at its beginning, and whose only agent is ready.
    pub(crate) fn begun(settings: RunSettings) -> Self {
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
        let start_ns = run.start_ns().expect("its agent is ready");
        Self { run, start_ns, windows: 0, totals: Totals::default() }
    }

    /// So many seconds, in each of whose windows this is measured.
    pub(crate) fn go_on(&mut self, seconds: u32, mut measured: impl FnMut(u32) -> Delta) {
        for window in self.windows..self.windows + seconds * WINDOWS_PER_INTERVAL {
            self.windows = window + 1;
            let seq = u64::from(self.windows);
            let delta = Delta { seq, first_window: window, last_window: window, ..measured(window) };
            self.totals.add(&counted(&delta));
            self.totals.last_seq = seq;
            self.tell(Event::Delta(LINK, Box::new(delta)));
            self.tell(Event::Tick);
        }
    }

    /// The agent closes its books, and the run ends.
    pub(crate) fn ended(mut self) -> RunRecord {
        let totals = self.totals;
        self.tell(Event::Closing { link: LINK, totals, start_error_ns: Some(0) });
        self.record()
    }

    /// The run, which has ended.
    pub(crate) fn record(self) -> RunRecord {
        assert!(self.run.has_ended(), "nobody has anything more to tell");
        self.run.into_record("2027-01-01T00:00:00Z".to_owned())
    }

    /// Something happens now.
    pub(crate) fn tell(&mut self, event: Event) {
        self.run.apply(event, self.start_ns + u64::from(self.windows) * WINDOW_NS);
    }
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
