//! What a simulated generator measures, window by window, as the engine's recorder does.

use std::collections::{BTreeMap, VecDeque};

use muster_agent::engine::changes::Grant;
use muster_agent::engine::collector::Slice;
use muster_agent::engine::held::HeldArrivals;
use muster_agent::engine::lease::Lease;
use muster_agent::engine::part::{Gauges, PARTS_MAX};
use muster_agent::planted::planted;
use muster_proto::measurement::{
    INTERVAL_NS, IterationStats, Measurement, Shape, SkipReason, WINDOW_NS, WINDOWS_PER_INTERVAL,
};
use muster_proto::outcome::ErrorKind;

/// The books of one generator: a series for each scenario.
pub(crate) struct Ledger {
    start_ns: u64,
    /// The window that is open, and the first one that it stands for when nobody took earlier ones.
    window: u32,
    first_window: u32,
    open: Measurement,
    late: BTreeMap<u32, Measurement>,
    /// All arrivals that are not counted yet, from the beginning on.
    due: Vec<Option<HeldArrivals>>,
    /// From when on nothing more of each scenario falls due.
    due_until_ns: Vec<u64>,
    lease: Lease,
    scenarios: usize,
    gauges: Gauges,
    closed: VecDeque<Slice>,
    ended: bool,
}

impl Ledger {
    /// Books that have not begun, of load that is generated under this lease.
    pub(crate) fn new(lease: Lease, scenarios: usize) -> Self {
        Self {
            start_ns: 0,
            window: 0,
            first_window: 0,
            open: Measurement::new(shape_of(scenarios)),
            late: BTreeMap::new(),
            due: Vec::new(),
            due_until_ns: vec![u64::MAX; scenarios],
            lease,
            scenarios,
            gauges: Gauges::default(),
            closed: VecDeque::new(),
            ended: false,
        }
    }

    /// Begins with the window that is under way in a run that began at `start_ns`, and with this to be counted.
    pub(crate) fn begin(&mut self, start_ns: u64, now_ns: u64, due: Vec<Option<HeldArrivals>>) {
        self.start_ns = start_ns;
        self.window = (now_ns.saturating_sub(start_ns) / WINDOW_NS) as u32;
        self.first_window = self.window;
        self.due = due;
    }

    /// Counts the arrivals of one share more.
    pub(crate) fn hold(&mut self, scenario: usize, grant: &Grant) {
        if let Some(Some(due)) = self.due.get_mut(scenario) {
            due.forget_the_revoked();
            due.hold(grant);
        }
    }

    /// The end of the open window.
    pub(crate) fn window_end_ns(&self) -> u64 {
        self.start_ns + (u64::from(self.window) + 1) * WINDOW_NS
    }

    /// Closes every window that has ended by now.
    pub(crate) fn roll(&mut self, now_ns: u64) {
        if now_ns < self.window_end_ns() {
            return;
        }
        // What was skipped of what is late is not told before it fell due: the agent may be lost in between.
        self.count_due(now_ns);
        if self.closed.len() < PARTS_MAX {
            self.close_late();
        }
        while now_ns >= self.window_end_ns() {
            self.count_due(now_ns);
            if self.closed.len() < PARTS_MAX {
                let full = std::mem::replace(&mut self.open, Measurement::new(shape_of(self.scenarios)));
                self.close((self.first_window, self.window), full);
                self.first_window = self.window + 1;
            }
            self.window += 1;
        }
    }

    fn close_late(&mut self) {
        for (interval, measurement) in std::mem::take(&mut self.late) {
            let window = interval * WINDOWS_PER_INTERVAL;
            self.close((window, window), measurement);
        }
    }

    fn close(&mut self, windows: (u32, u32), measurement: Measurement) {
        self.closed.push_back(Slice::new(windows, Box::new(measurement), vec![self.gauges]));
    }

    fn count_due(&mut self, now_ns: u64) {
        (0..self.due.len()).for_each(|scenario| self.count_due_of(scenario, now_ns));
    }

    /// What falls due while there is no lease is only counted once it is back, and not if it is others' by then.
    fn count_due_of(&mut self, scenario: usize, now_ns: u64) {
        let until_ns = self.window_end_ns().min(self.due_until_ns[scenario]).min(self.leased_until_ns(now_ns));
        let Some(mut due) = self.due[scenario].take() else { return };
        while let Some(first) = due.peek().filter(|first| first.due_ns < until_ns) {
            let interval = first.due_ns.saturating_sub(self.start_ns) / INTERVAL_NS;
            let counted = due.count_before(until_ns.min(self.start_ns + (interval + 1) * INTERVAL_NS));
            self.at_due(scenario, first.due_ns).due += counted;
            self.gauges.totals.due += counted;
        }
        self.due[scenario] = Some(due);
    }

    fn leased_until_ns(&self, now_ns: u64) -> u64 {
        let ours = self.lease.holds(now_ns) || planted("due-counted-without-lease");
        if ours { u64::MAX } else { self.lease.until_ns() }
    }

    fn at_due(&mut self, scenario: usize, due_ns: u64) -> &mut IterationStats {
        let interval = (due_ns.saturating_sub(self.start_ns) / INTERVAL_NS) as u32;
        let measurement = if interval >= self.first_window / WINDOWS_PER_INTERVAL {
            &mut self.open
        } else {
            self.late.entry(interval).or_insert_with(|| Measurement::new(shape_of(self.scenarios)))
        };
        &mut measurement.scenarios[scenario]
    }

    /// Nothing falls due any more from this moment on.
    pub(crate) fn end_due(&mut self, scenario: usize, now_ns: u64) {
        self.roll(now_ns);
        self.due_until_ns[scenario] = self.due_until_ns[scenario].min(now_ns);
    }

    /// Nothing falls due any more from now on that has not been held until now. Returns the moment from which on nothing
    /// does.
    pub(crate) fn settle_due(&mut self, scenario: usize, now_ns: u64) -> u64 {
        self.roll(now_ns);
        self.due_until_ns[scenario] = self.due_until_ns[scenario].min(self.leased_until_ns(now_ns));
        self.due_until_ns[scenario]
    }

    /// Counts an arrival that will never start, in its due second.
    pub(crate) fn skip(&mut self, scenario: usize, due_ns: u64, reason: SkipReason) {
        if planted("skips-not-counted") {
            return;
        }
        self.gauges.totals.skipped += 1;
        self.at_due(scenario, due_ns).skipped[reason as usize] += 1;
    }

    /// An iteration starts, with its one request. A user's is due when it starts.
    pub(crate) fn start(&mut self, scenario: usize, due_ns: u64, now_ns: u64, is_arrival: bool) {
        self.roll(now_ns);
        let lag_ns = now_ns.saturating_sub(due_ns);
        if is_arrival {
            self.gauges.start_error_ns.get_or_insert(lag_ns as i64);
            self.open.scenarios[scenario].arrival_lag.record(lag_ns);
        } else {
            self.gauges.totals.due += 1;
            self.open.scenarios[scenario].due += 1;
        }
        self.gauges.users += 1;
        self.gauges.in_flight += 1;
        self.gauges.totals.started += 1;
        self.gauges.totals.sent += 1;
        self.open.scenarios[scenario].started += 1;
        self.open.series[scenario].sent += 1;
        self.open.series[scenario].lag.record(lag_ns);
    }

    /// It has its response.
    pub(crate) fn complete(&mut self, scenario: usize, due_ns: u64, now_ns: u64) {
        self.roll(now_ns);
        self.gauges.totals.completed += 1;
        let took_ns = now_ns.saturating_sub(due_ns);
        self.open.scenarios[scenario].completed += 1;
        self.open.scenarios[scenario].duration.record(took_ns);
        self.open.series[scenario].expected += 1;
        self.open.series[scenario].response_expected.record(took_ns);
        self.end();
    }

    /// It was cut off, at the last moment that the books know of.
    pub(crate) fn cut_off(&mut self, scenario: usize, due_ns: u64) {
        let took_ns = self.window_end_ns().saturating_sub(due_ns);
        self.gauges.totals.cut_off += 1;
        self.open.scenarios[scenario].cut_off += 1;
        self.open.series[scenario].failed[ErrorKind::Cancelled as usize] += 1;
        self.open.series[scenario].response_failed.record(took_ns);
        self.end();
    }

    fn end(&mut self) {
        self.gauges.totals.outcomes += 1;
        self.gauges.users -= 1;
        self.gauges.in_flight -= 1;
    }

    /// Closes the last window, whole or not; there is no other.
    pub(crate) fn finish(&mut self, now_ns: u64) {
        self.roll(now_ns);
        self.count_due(now_ns);
        self.close_late();
        let last = std::mem::replace(&mut self.open, Measurement::new(shape_of(self.scenarios)));
        self.close((self.first_window, self.window), last);
        self.ended = true;
    }

    /// What was closed next; `None` inside once there will be nothing more.
    pub(crate) fn take(&mut self) -> Option<Option<Slice>> {
        match self.closed.pop_front() {
            None if !self.ended => None,
            slice => Some(slice),
        }
    }
}

fn shape_of(scenarios: usize) -> Shape {
    Shape { scenarios, series: scenarios, tallies: 0 }
}
