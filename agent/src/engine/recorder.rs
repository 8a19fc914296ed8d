//! What a worker measures, window by window. Shared by its tasks, by no other thread.

use std::collections::BTreeMap;

use muster_proto::measurement::{
    ErrorSample, INTERVAL_NS, IterationStats, Measurement, RequestStats, SAMPLE_BYTES_MAX, SAMPLES_MAX, SkipReason,
    WINDOW_NS, WINDOWS_PER_INTERVAL,
};
use muster_proto::outcome::ErrorKind;

use super::changes::Grant;
use super::held::HeldArrivals;
use super::lease::Lease;
use super::part::{Gauges, Part, PartSender};

/// Counts arrivals as they fall due, apart from whoever starts them: so the number due in a second is a property of the
/// schedule and stays right however late the worker is.
///
/// What falls due while there is no lease is only counted once the lease is back, and not if the shares were taken away
/// meanwhile: then it is others' to count.
struct DueCounter {
    /// The scenario's place in the plan.
    scenario: usize,
    /// All of the worker's arrivals that are not counted yet.
    arrivals: HeldArrivals,
    /// Nothing falls due any more from this moment on.
    until_ns: u64,
}

/// Measures one worker's load.
///
/// Moments are readings of the engine's clock. Each event is counted in the window in which it happened, so an event
/// at or after a window's end first closes that window: readings must be passed in the order in which they were taken.
pub(super) struct Recorder {
    start_ns: u64,
    /// The window that is open, and the first one that it stands for when the sender was full.
    window: u32,
    first_window: u32,
    window_end_ns: u64,
    open: Box<Measurement>,
    /// What belongs to earlier intervals although it was only found out now.
    late: BTreeMap<u32, Box<Measurement>>,
    due_counters: Vec<DueCounter>,
    lease: Lease,
    sampled: Vec<u32>,
    gauges: Gauges,
    sender: PartSender,
}

impl Recorder {
    /// A recorder for a run that begins, or began, at `start_ns`. Its first window is the one that is under way.
    pub(super) fn new(start_ns: u64, now_ns: u64, lease: Lease, mut sender: PartSender) -> Self {
        let open = sender.take_empty();
        let window = (now_ns.saturating_sub(start_ns) / WINDOW_NS) as u32;
        Self {
            start_ns,
            window,
            first_window: window,
            window_end_ns: start_ns + (u64::from(window) + 1) * WINDOW_NS,
            sampled: vec![0; open.series.len()],
            open,
            late: BTreeMap::new(),
            due_counters: Vec::new(),
            lease,
            gauges: Gauges::default(),
            sender,
        }
    }

    /// The run's start on the engine's clock.
    pub(super) fn start_ns(&self) -> u64 {
        self.start_ns
    }

    /// The end of the window that is open.
    pub(super) fn window_end_ns(&self) -> u64 {
        self.window_end_ns
    }

    /// How much is going on right now.
    pub(super) fn gauges(&mut self) -> &mut Gauges {
        &mut self.gauges
    }

    /// The counters of a scenario at this moment.
    pub(super) fn scenario(&mut self, scenario: usize, now_ns: u64) -> &mut IterationStats {
        self.roll(now_ns);
        &mut self.open.scenarios[scenario]
    }

    /// The counters of a series at this moment.
    #[inline]
    pub(super) fn series(&mut self, series: u32, now_ns: u64) -> &mut RequestStats {
        self.roll(now_ns);
        &mut self.open.series[series as usize]
    }

    /// Counts an arrival that will never start, in its due second. It must be due by the moment up to which windows are
    /// closed or in the one that is open, so that nobody hears of it before it is told that it fell due.
    pub(super) fn skip(&mut self, scenario: usize, due_ns: u64, reason: SkipReason) {
        self.gauges.totals.skipped += 1;
        self.at_due(scenario, due_ns).skipped[reason as usize] += 1;
    }

    /// Counts an arrival that started very late through our own fault, in its due second.
    pub(super) fn very_late(&mut self, scenario: usize, due_ns: u64) {
        self.at_due(scenario, due_ns).very_late += 1;
    }

    /// Keeps the text of a failure if it is the first of its kind in its series.
    pub(super) fn sample(&mut self, series: u32, kind: ErrorKind, now_ns: u64, text: impl FnOnce() -> String) {
        let seen = &mut self.sampled[series as usize];
        let mark = 1 << kind as u32;
        if *seen & mark != 0 || self.open.samples.len() >= SAMPLES_MAX {
            return;
        }
        *seen |= mark;
        let mut text = text();
        text.truncate(text.floor_char_boundary(SAMPLE_BYTES_MAX));
        let at_ns = now_ns.saturating_sub(self.start_ns);
        self.open.samples.push(ErrorSample { series, kind, at_ns, text });
    }

    /// Counts the arrivals of a scenario from here on, as they fall due.
    pub(super) fn count_arrivals(&mut self, scenario: usize, arrivals: HeldArrivals) {
        self.due_counters.push(DueCounter { scenario, arrivals, until_ns: u64::MAX });
    }

    /// Counts the arrivals of one share more of a scenario.
    pub(super) fn hold(&mut self, scenario: usize, grant: &Grant) {
        for counter in self.due_counters.iter_mut().filter(|counter| counter.scenario == scenario) {
            counter.arrivals.forget_the_revoked();
            counter.arrivals.hold(grant);
        }
    }

    /// Nothing falls due any more from this moment on.
    pub(super) fn end_due(&mut self, at_ns: u64) {
        self.roll(at_ns);
        self.due_counters.iter_mut().for_each(|counter| counter.until_ns = counter.until_ns.min(at_ns));
    }

    /// Nothing of a scenario falls due any more from now on that has not been held until now. Returns the moment from
    /// which on nothing does.
    pub(super) fn settle_due(&mut self, scenario: usize, now_ns: u64) -> u64 {
        self.roll(now_ns);
        let leased_until_ns = self.leased_until_ns(now_ns);
        let Some(counter) = self.due_counters.iter_mut().find(|counter| counter.scenario == scenario) else { return 0 };
        counter.until_ns = counter.until_ns.min(leased_until_ns);
        counter.until_ns
    }

    /// Closes every window that has ended by now.
    #[inline]
    pub(super) fn roll(&mut self, now_ns: u64) {
        if now_ns >= self.window_end_ns {
            self.roll_slowly(now_ns);
        }
    }

    /// Closes the last window, whole or not, and says that there is no other.
    pub(super) fn finish(&mut self, now_ns: u64) {
        self.roll(now_ns);
        self.count_due(now_ns, self.window_end_ns);
        for (interval, measurement) in std::mem::take(&mut self.late) {
            let window = interval * WINDOWS_PER_INTERVAL;
            let part = self.part(measurement);
            self.sender.send_reliably(Part { first_window: window, last_window: window, late: true, ..part });
        }
        let last = std::mem::take(&mut self.open);
        // A window in which nothing happened any more only lengthens the run.
        let ended = self.window > self.first_window && last.is_empty();
        let last_window = if ended { self.window - 1 } else { self.window };
        let part = Part { first_window: self.first_window, last_window, ..self.part(last) };
        self.sender.send_reliably(Part { last: true, ..part });
    }

    #[cold]
    fn roll_slowly(&mut self, now_ns: u64) {
        // What was skipped of what is late is not told before it fell due: the agent may be lost in between.
        self.count_due(now_ns, self.window_end_ns);
        self.send_late();
        while now_ns >= self.window_end_ns {
            self.count_due(now_ns, self.window_end_ns);
            if self.sender.has_room() {
                let empty = self.sender.take_empty();
                let full = std::mem::replace(&mut self.open, empty);
                let part = Part { first_window: self.first_window, last_window: self.window, ..self.part(full) };
                self.sender.send(part);
                self.first_window = self.window + 1;
            }
            self.window += 1;
            self.window_end_ns += WINDOW_NS;
        }
    }

    fn send_late(&mut self) {
        while self.sender.has_room() {
            let Some((interval, measurement)) = self.late.pop_first() else { return };
            let window = interval * WINDOWS_PER_INTERVAL;
            let part = self.part(measurement);
            self.sender.send(Part { first_window: window, last_window: window, late: true, ..part });
        }
    }

    fn part(&self, measurement: Box<Measurement>) -> Part {
        Part::new(self.sender.worker(), measurement, self.gauges)
    }

    fn count_due(&mut self, now_ns: u64, until_ns: u64) {
        let until_ns = until_ns.min(self.leased_until_ns(now_ns));
        let mut counters = std::mem::take(&mut self.due_counters);
        for DueCounter { scenario, arrivals, until_ns: ended_ns } in &mut counters {
            let until_ns = until_ns.min(*ended_ns);
            while let Some(first) = arrivals.peek().filter(|first| first.due_ns < until_ns) {
                let interval = first.due_ns.saturating_sub(self.start_ns) / INTERVAL_NS;
                let interval_end_ns = self.start_ns + (interval + 1) * INTERVAL_NS;
                let due = arrivals.count_before(until_ns.min(interval_end_ns));
                self.at_due(*scenario, first.due_ns).due += due;
                self.gauges.totals.due += due;
            }
        }
        self.due_counters = counters;
    }

    /// Until when it is known that what falls due is ours: for ever while the lease holds.
    fn leased_until_ns(&self, now_ns: u64) -> u64 {
        if self.lease.holds(now_ns) { u64::MAX } else { self.lease.until_ns() }
    }

    fn at_due(&mut self, scenario: usize, due_ns: u64) -> &mut IterationStats {
        let interval = (due_ns.saturating_sub(self.start_ns) / INTERVAL_NS) as u32;
        if interval >= self.first_window / WINDOWS_PER_INTERVAL {
            return &mut self.open.scenarios[scenario];
        }
        let measurement = self.late.entry(interval).or_insert_with(|| self.sender.take_empty());
        &mut measurement.scenarios[scenario]
    }
}

#[cfg(test)]
mod tests;
