//! What a worker measures, window by window. Shared by its tasks, by no other thread.

use std::collections::BTreeMap;

use muster_proto::measurement::{
    INTERVAL_NS, Measurement, Note, SAMPLE_BYTES_MAX, SAMPLES_MAX, Sample, Sampled, SkipReason, TraceId, WINDOW_NS,
    WINDOWS_PER_INTERVAL,
};
use muster_proto::outcome::ErrorKind;

use super::changes::Grant;
use super::event::{Event, Wait};
use super::held::HeldArrivals;
use super::lease::Lease;
use super::part::{Gauges, Mark, Part, PartSender};
use super::ring::Ring;
use super::trace::Traced;

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

/// Of which kinds there are samples, and samples with a trace: a bit each.
#[derive(Clone, Copy, Default)]
struct Seen {
    any: u32,
    traced: u32,
}

impl Seen {
    /// Whether one more of this kind is wanted as a sample, and the trace of it.
    fn wants(&mut self, mark: u32, traced: Traced<'_>) -> Option<Option<TraceId>> {
        let is_first = self.any & mark == 0;
        let trace = if self.traced & mark == 0 { traced.id() } else { None };
        self.any |= mark;
        self.traced |= if trace.is_some() { mark } else { 0 };
        (is_first || trace.is_some()).then_some(trace)
    }
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
    /// What belongs to earlier intervals although it was only found out now, by their first windows.
    late: BTreeMap<u32, Box<Measurement>>,
    due_counters: Vec<DueCounter>,
    lease: Lease,
    /// Which kinds of failures there are samples of, by series, a bit each.
    sampled: Vec<Seen>,
    /// Whether there is a sample, by tally.
    missed: Vec<Seen>,
    gauges: Gauges,
    /// Where events are written down as well, if they are to outlive the process.
    ring: Option<Ring>,
    sender: PartSender,
}

impl Recorder {
    /// A recorder for a run that begins, or began, at `start_ns`. Its first window is the one that is under way.
    pub(super) fn new(start_ns: u64, now_ns: u64, lease: Lease, ring: Option<Ring>, mut sender: PartSender) -> Self {
        let open = sender.take_empty();
        let window = (now_ns.saturating_sub(start_ns) / WINDOW_NS) as u32;
        Self {
            start_ns,
            window,
            first_window: window,
            window_end_ns: start_ns + (u64::from(window) + 1) * WINDOW_NS,
            sampled: vec![Seen::default(); open.series.len()],
            missed: vec![Seen::default(); open.tallies.len()],
            open,
            late: BTreeMap::new(),
            due_counters: Vec::new(),
            lease,
            gauges: Gauges::default(),
            ring,
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

    /// How much is going on right now. What is counted of the load is noted as events.
    pub(super) fn gauges(&mut self) -> &mut Gauges {
        &mut self.gauges
    }

    /// An iteration begins, perhaps an arrival that is so late.
    pub(super) fn begin(&mut self, scenario: usize, lag_ns: Option<u64>, now_ns: u64) {
        self.gauges.users += 1;
        self.note(Event::Began { scenario: scenario as u16, lag_ns }, now_ns);
    }

    /// A pause ended so much too late.
    pub(super) fn thought(&mut self, scenario: usize, late_ns: u64, now_ns: u64) {
        self.note(Event::Thought { scenario: scenario as u16, late_ns }, now_ns);
    }

    /// An iteration went through all its steps, for so long since it was due.
    pub(super) fn end(&mut self, scenario: usize, all_expected: bool, duration_ns: u64, now_ns: u64) {
        self.note(Event::Ended { scenario: scenario as u16, all_expected, duration_ns }, now_ns);
    }

    /// An iteration was cut off, perhaps by the lease's end.
    pub(super) fn cut_off(&mut self, scenario: usize, unleased: bool, now_ns: u64) {
        self.note(Event::CutOff { scenario: scenario as u16, unleased }, now_ns);
    }

    /// A request is about to be sent.
    #[inline(always)]
    pub(super) fn send(&mut self, series: u16, wait: Option<Wait>, now_ns: u64) {
        self.gauges.in_flight += 1;
        self.note(Event::Sent { series, wait }, now_ns);
    }

    /// A request got further, or ended.
    #[inline(always)]
    pub(super) fn note(&mut self, event: Event, now_ns: u64) {
        self.roll(now_ns);
        self.gauges.in_flight -= u64::from(matches!(event, Event::Done { .. }));
        self.write_down(event);
        let counted = event.count(&mut self.open, &mut self.gauges.totals);
        debug_assert!(counted.is_ok(), "an event of this plan");
    }

    /// Counts an arrival that will never start, in its due second. It must be due by the moment up to which windows are
    /// closed or in the one that is open, so that nobody hears of it before it is told that it fell due.
    pub(super) fn skip(&mut self, scenario: usize, due_ns: u64, reason: SkipReason) {
        self.note_due(Event::Skipped { scenario: scenario as u16, reason }, due_ns);
    }

    /// Counts an arrival that started very late through our own fault, in its due second.
    pub(super) fn very_late(&mut self, scenario: usize, due_ns: u64) {
        self.note_due(Event::VeryLate { scenario: scenario as u16 }, due_ns);
    }

    /// Keeps the text of a failure if it is the first of its kind in its series, or the first that is traced.
    pub(super) fn sample(
        &mut self,
        series: u16,
        kind: ErrorKind,
        now_ns: u64,
        traced: Traced<'_>,
        text: impl FnOnce() -> String,
    ) {
        let is_full = self.open.samples.len() >= SAMPLES_MAX;
        let seen = &mut self.sampled[usize::from(series)];
        if !is_full && let Some(trace) = seen.wants(1 << kind as u32, traced) {
            self.keep_sample(Sampled::Failure(u32::from(series), kind), now_ns, trace, text());
        }
    }

    /// Something of a check, a group or a metric was found.
    pub(super) fn tally(&mut self, tally: u16, note: Note, now_ns: u64) {
        self.note(Event::Noted { tally, note }, now_ns);
    }

    /// Keeps the text of what was not true if it is the first of its tally, or the first that is traced.
    pub(super) fn sample_miss(&mut self, tally: u16, now_ns: u64, traced: Traced<'_>, text: impl FnOnce() -> String) {
        let is_full = self.open.samples.len() >= SAMPLES_MAX;
        let seen = &mut self.missed[usize::from(tally)];
        if !is_full && let Some(trace) = seen.wants(1, traced) {
            self.keep_sample(Sampled::Miss(u32::from(tally)), now_ns, trace, text());
        }
    }

    fn keep_sample(&mut self, of: Sampled, now_ns: u64, trace: Option<TraceId>, mut text: String) {
        text.truncate(text.floor_char_boundary(SAMPLE_BYTES_MAX));
        let at_ns = now_ns.saturating_sub(self.start_ns);
        self.open.samples.push(Sample { of, at_ns, text, trace });
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

    /// What was measured, with all that is late: whoever has a part has all that was noted before it.
    fn part(&mut self, measurement: Box<Measurement>) -> Part {
        let late = std::mem::take(&mut self.late);
        Part { late, mark: self.mark(), ..Part::new(self.sender.worker(), measurement, self.gauges) }
    }

    /// Up to where everything is counted in the part that is about to be sent, and in those before it.
    fn mark(&self) -> Option<Mark> {
        let Gauges { totals, start_error_ns, .. } = self.gauges;
        self.ring.as_ref().map(|ring| Mark { position: ring.next(), start_error_ns, totals })
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
                self.note_due(Event::Due { scenario: *scenario as u16, count: due }, first.due_ns);
            }
        }
        self.due_counters = counters;
    }

    /// Until when it is known that what falls due is ours: for ever while the lease holds.
    fn leased_until_ns(&self, now_ns: u64) -> u64 {
        if self.lease.holds(now_ns) { u64::MAX } else { self.lease.until_ns() }
    }

    #[inline(always)]
    fn write_down(&mut self, event: Event) {
        if let Some(ring) = &mut self.ring {
            ring.append(self.window, event);
        }
    }

    /// Counts an event in the second in which an arrival was due.
    fn note_due(&mut self, event: Event, due_ns: u64) {
        self.write_down(event);
        let interval = (due_ns.saturating_sub(self.start_ns) / INTERVAL_NS) as u32;
        let window = if interval >= self.first_window / WINDOWS_PER_INTERVAL {
            &mut self.open
        } else {
            self.late.entry(interval * WINDOWS_PER_INTERVAL).or_insert_with(|| self.sender.take_empty())
        };
        let counted = event.count(window, &mut self.gauges.totals);
        debug_assert!(counted.is_ok(), "an event of this plan");
    }
}

#[cfg(test)]
mod tests;
