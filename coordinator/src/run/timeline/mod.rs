//! Everything that a run measured, by time.

mod agent;
mod counts;
mod interval;
mod lateness;
mod missed;
mod open;
mod samples;
mod spans;
mod sparse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use agent::{AgentTotals, CpuUse};
pub use counts::{COUNTED_MAX, Counts, named_totals};
pub use interval::{Interval, SeriesInterval};
use lateness::Lateness;
use muster_proto::measurement::{
    Delta, INTERVAL_NS, Measurement, Sample, Sampled, SeriesTable, Shape, SkipReason, TallyTable, TraceId, WINDOW_NS,
    WINDOWS_PER_INTERVAL,
};
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::Plan;
use open::OpenSecond;
use samples::Samples;
use serde::{Deserialize, Serialize};
pub use spans::Span;
pub use sparse::Sparse;

use crate::verdict::validity::{Grader, Grades, Seen};

/// The most intervals that are kept; beyond, neighbours are merged and the resolution halves.
pub const INTERVALS_MAX: usize = 3_600;
/// The most memory that the kept intervals take together, in bytes; beyond, neighbours are merged too.
pub const INTERVAL_BYTES_MAX: usize = 64 << 20;
/// The fewest intervals that are merged for their memory's sake: so few say little, and each is large of its own.
const INTERVALS_MIN: usize = 16;
/// The most seconds that wait for agents; what is told of later ones counts in the last of them.
pub const OPEN_SECONDS_MAX: u32 = 120;
/// The most closed seconds that are kept one by one for whoever watches; of several that close at once, more would be told
/// to nobody.
pub const RECENT_SECONDS_MAX: usize = 16;

/// Merges deltas into seconds, a run, and its agents. It does not matter in which order they come, except that a
/// delta for a second already closed can no longer be judged with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Timeline {
    table: SeriesTable,
    tallies: TallyTable,
    spans: Vec<Span>,
    warm_up: Measurement,
    measured: Measurement,
    samples: Samples,
    agents: Vec<AgentTotals>,
    open: BTreeMap<u32, OpenSecond>,
    coarse: BTreeSet<u32>,
    closed_until: u32,
    intervals: Vec<Interval>,
    interval_bytes: usize,
    resolution_s: u32,
    lateness: Lateness,
    grader: Grader,
    grades: Grades,
    recent: VecDeque<RecentSecond>,
    unheld: u64,
    ended_at_ns: Option<u64>,
}

/// A second that is complete, with all that a threshold could ask of it.
#[derive(Clone, Debug)]
pub struct Second {
    /// Counted from the run's start.
    pub number: u32,
    /// What was measured in it.
    pub measurement: Measurement,
    /// Whether it lasted a whole second and everything in it is known to belong there.
    pub complete: bool,
}

/// One of the last closed seconds, for whoever watches the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecentSecond {
    /// Counted from the run's start.
    pub number: u32,
    /// What happened in it.
    pub counts: Counts,
    /// Users at work at its end.
    pub users: u64,
    /// The response time below which half of its requests lie, in nanoseconds.
    pub p50_ns: Option<u64>,
    /// The response time below which 95 % of its requests lie, in nanoseconds.
    pub p95_ns: Option<u64>,
    /// The response time below which 99 % of its requests lie, in nanoseconds.
    pub p99_ns: Option<u64>,
    /// How far it can be trusted.
    pub grades: Grades,
}

impl Timeline {
    /// An empty timeline for this plan.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let table = SeriesTable::of(plan);
        let empty = Measurement::new(Shape::of(plan));
        Self {
            spans: spans::spans_of(plan),
            warm_up: empty.clone(),
            measured: empty,
            samples: Samples::default(),
            agents: Vec::new(),
            open: BTreeMap::new(),
            coarse: BTreeSet::new(),
            closed_until: 0,
            intervals: Vec::new(),
            interval_bytes: 0,
            resolution_s: 1,
            lateness: Lateness::new(plan.scenarios.len()),
            grader: Grader::default(),
            grades: Grades::default(),
            recent: VecDeque::new(),
            unheld: 0,
            ended_at_ns: None,
            table,
            tallies: TallyTable::of(plan),
        }
    }

    /// From the run's start on, this agent (by its place among the run's agents) has to tell of every second.
    pub fn expect(&mut self, agent: usize) {
        self.agent_mut(agent).expect();
    }

    /// From this moment of run time on, this agent has to tell of every second.
    pub fn expect_from(&mut self, agent: usize, at_ns: u64) {
        let agent = self.agent_mut(agent);
        agent.told_until_ns = at_ns;
        agent.expect();
    }

    /// Nothing is expected of this agent after this moment of run time: it is done, or its lease has ended.
    pub fn release(&mut self, agent: usize, at_ns: u64) {
        self.agent_mut(agent).release(at_ns);
    }

    /// Merges what an agent told. The session has refused duplicates and what does not fit the plan.
    pub fn apply(&mut self, agent: usize, delta: &Delta) {
        let first = delta.first_window / WINDOWS_PER_INTERVAL;
        let last = delta.last_window.max(delta.first_window) / WINDOWS_PER_INTERVAL;
        self.agent_mut(agent).add(delta);
        self.count(first, u64::from(delta.last_window) + 1, &delta.measurement);
        self.samples.add(&delta.measurement.samples);
        if last < self.closed_until {
            self.add_late(first, last, &delta.measurement);
        } else {
            self.add_open(agent, first, last, delta);
        }
    }

    /// Adds to the run's totals. What begins in a scenario's warm-up does not count after it.
    fn count(&mut self, first: u32, end_window: u64, measurement: &Measurement) {
        let (warm_up, measured) = (&mut self.warm_up, &mut self.measured);
        for (index, (span, stats)) in self.spans.iter_mut().zip(&measurement.scenarios).enumerate() {
            if !stats.is_empty() {
                let totals = if first < span.first_measured { &mut *warm_up } else { &mut *measured };
                totals.scenarios[index].merge(stats);
                span.note_active(end_window * WINDOW_NS);
            }
        }
        for (number, (key, stats)) in self.table.keys().iter().zip(&measurement.series).enumerate() {
            if !stats.is_empty() {
                let span = &mut self.spans[key.scenario];
                let totals = if first < span.first_measured { &mut *warm_up } else { &mut *measured };
                totals.series[number].merge(stats);
                span.note_active(end_window * WINDOW_NS);
            }
        }
        for (number, (key, tally)) in self.tallies.keys().iter().zip(&measurement.tallies).enumerate() {
            if !tally.is_empty() {
                let is_warm_up = first < self.spans[key.scenario].first_measured;
                let totals = if is_warm_up { &mut *warm_up } else { &mut *measured };
                totals.tallies[number].merge(tally);
            }
        }
    }

    fn add_open(&mut self, agent: usize, first: u32, last: u32, delta: &Delta) {
        let target = last.min(self.closed_until.saturating_add(OPEN_SECONDS_MAX - 1));
        let coarse = first < last || target < last;
        for number in first.max(self.closed_until)..target {
            self.coarse.insert(number);
        }
        self.mark_closed_coarse(first, last);
        let windows = u64::from(delta.last_window.saturating_sub(delta.first_window)) + 1;
        if coarse {
            self.coarse.insert(target);
        }
        let second = self.open_mut(target);
        second.measurement.merge(&delta.measurement);
        second.note_health(agent, delta.last_window, windows, &delta.health);
    }

    fn add_late(&mut self, first: u32, last: u32, measurement: &Measurement) {
        self.mark_closed_coarse(first, last);
        self.amend((last / self.resolution_s) as usize, |interval| interval.add(measurement));
    }

    fn mark_closed_coarse(&mut self, first: u32, last: u32) {
        if first < self.closed_until {
            let (from, to) = ((first / self.resolution_s) as usize, (last / self.resolution_s) as usize);
            self.intervals.iter_mut().take(to + 1).skip(from).for_each(|interval| interval.coarse = true);
        }
    }

    /// Closes all seconds below this number: each agent that holds a lease has told of them.
    pub fn close_until(&mut self, number: u32) -> Vec<Second> {
        (self.closed_until..number).map(|number| self.close(number)).collect()
    }

    /// Ends the run at this moment: releases all agents and closes every second.
    pub fn finish(&mut self, end_ns: u64) -> Vec<Second> {
        self.ended_at_ns = Some(end_ns);
        self.agents.iter_mut().for_each(|agent| agent.release(end_ns));
        let ended = u32::try_from(end_ns.div_ceil(INTERVAL_NS)).unwrap_or(u32::MAX);
        let told = self.open.keys().next_back().map_or(0, |last| last + 1);
        self.close_until(ended.max(told))
    }

    fn close(&mut self, number: u32) -> Second {
        let second = self.open.remove(&number).unwrap_or_else(|| self.empty_second());
        let end_ns = (u64::from(number) + 1) * INTERVAL_NS;
        let judged_from = self.judged_from();
        if number == judged_from {
            self.grader.forget();
        }
        let seen = self.seen(&second, end_ns);
        let grades = self.grader.second(seen);
        if number >= judged_from {
            self.grades.merge(&grades);
        }
        self.closed_until = number + 1;
        let (users, coarse) = (second.users(), self.coarse.remove(&number));
        let mut interval = Interval { first: number, seconds: 1, users, coarse, grades, ..Interval::default() };
        interval.add(&second.measurement);
        self.note_recent(&interval);
        self.push(interval);
        let whole = self.ended_at_ns.is_none_or(|ended| end_ns <= ended);
        Second { number, complete: whole && !coarse, measurement: second.measurement }
    }

    fn note_recent(&mut self, second: &Interval) {
        if self.recent.len() == RECENT_SECONDS_MAX {
            self.recent.pop_front();
        }
        let response = second.response();
        self.recent.push_back(RecentSecond {
            number: second.first,
            counts: second.counts,
            users: second.users,
            p50_ns: response.quantile_ns(0.5),
            p95_ns: response.quantile_ns(0.95),
            p99_ns: response.quantile_ns(0.99),
            grades: second.grades.clone(),
        });
    }

    /// What the second's grade depends on.
    fn seen(&mut self, second: &OpenSecond, end_ns: u64) -> Seen {
        let measurement = &second.measurement;
        let mut seen = self.lateness.of_second(&self.spans, &self.table, measurement);
        let skipped = |reason: SkipReason| measurement.scenarios.iter().map(move |s| s.skipped[reason as usize]);
        let overloaded = |s: &muster_proto::measurement::RequestStats| s.failed[ErrorKind::GeneratorOverload as usize];
        seen.worker_cpu = second.worker_cpu();
        seen.users_reached = second.waited() || skipped(SkipReason::Users).any(|n| n > 0);
        seen.exhausted = second.exhausted() || measurement.series.iter().any(|s| overloaded(s) > 0);
        seen.missing = self.agents.iter().filter(|agent| agent.owes(end_ns - INTERVAL_NS, end_ns)).count() as u64;
        seen
    }

    fn push(&mut self, interval: Interval) {
        match self.intervals.last() {
            Some(last) if last.seconds < self.resolution_s => {
                self.amend(self.intervals.len() - 1, |last| last.merge(&interval));
            }
            _ => {
                self.interval_bytes += interval.bytes();
                self.intervals.push(interval);
                self.bound_memory();
            }
        }
    }

    fn amend(&mut self, index: usize, amend: impl FnOnce(&mut Interval)) {
        if let Some(interval) = self.intervals.get_mut(index) {
            self.interval_bytes -= interval.bytes();
            amend(interval);
            self.interval_bytes += interval.bytes();
            self.bound_memory();
        }
    }

    fn bound_memory(&mut self) {
        while self.intervals.len() > INTERVALS_MAX
            || (self.interval_bytes > INTERVAL_BYTES_MAX && self.intervals.len() > INTERVALS_MIN)
        {
            self.resolution_s *= 2;
            let mut pairs = std::mem::take(&mut self.intervals).into_iter();
            while let Some(mut first) = pairs.next() {
                if let Some(second) = pairs.next() {
                    first.merge(&second);
                }
                self.intervals.push(first);
            }
            self.interval_bytes = self.intervals.iter().map(Interval::bytes).sum();
        }
    }

    fn agent_mut(&mut self, agent: usize) -> &mut AgentTotals {
        if self.agents.len() <= agent {
            self.agents.resize_with(agent + 1, AgentTotals::default);
        }
        &mut self.agents[agent]
    }

    fn open_mut(&mut self, number: u32) -> &mut OpenSecond {
        let shape = self.measured.shape();
        self.open.entry(number).or_insert_with(|| OpenSecond::new(shape))
    }

    fn empty_second(&self) -> OpenSecond {
        OpenSecond::new(self.measured.shape())
    }
}

/// What was merged.
impl Timeline {
    /// The series of the plan.
    #[must_use]
    pub fn table(&self) -> &SeriesTable {
        &self.table
    }

    /// The tallies of the plan.
    #[must_use]
    pub fn tallies(&self) -> &TallyTable {
        &self.tallies
    }

    /// When each scenario is at work.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// What was measured after each scenario's warm-up.
    #[must_use]
    pub fn measured(&self) -> &Measurement {
        &self.measured
    }

    /// What was measured during each scenario's warm-up.
    #[must_use]
    pub fn warm_up(&self) -> &Measurement {
        &self.warm_up
    }

    /// What was told of seconds that are not closed yet.
    pub fn open(&self) -> impl Iterator<Item = &Measurement> {
        self.open.values().map(|second| &second.measurement)
    }

    /// The whole run's counts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::of(&self.warm_up);
        counts.merge(&Counts::of(&self.measured));
        counts
    }

    /// The first of its kind, if an agent told of one.
    #[must_use]
    pub fn sample(&self, of: Sampled) -> Option<&Sample> {
        self.samples.of(of)
    }

    /// The trace of one of its kind, if an agent told of one.
    #[must_use]
    pub fn trace(&self, of: Sampled) -> Option<TraceId> {
        self.samples.trace(of)
    }

    /// The agents' contributions, by their place among the run's agents.
    #[must_use]
    pub fn agents(&self) -> &[AgentTotals] {
        &self.agents
    }

    /// Arrivals that fell due while nobody held them.
    #[must_use]
    pub fn unheld(&self) -> u64 {
        self.unheld
    }

    /// The closed seconds, merged to the resolution.
    #[must_use]
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// All intervals together that lie at least partly between these seconds, if there is any: where the timeline is coarser
    /// than a second, they reach further than was asked for.
    #[must_use]
    pub fn between(&self, from: u32, until: u32) -> Option<Interval> {
        let overlaps =
            |interval: &&Interval| interval.first < until && from < interval.first.saturating_add(interval.seconds);
        let mut all = self.intervals.iter().filter(overlaps);
        let mut whole = all.next()?.clone();
        all.for_each(|interval| whole.merge(interval));
        Some(whole)
    }

    /// How many seconds an interval covers.
    #[must_use]
    pub fn resolution_s(&self) -> u32 {
        self.resolution_s
    }

    /// Seconds below this number are closed.
    #[must_use]
    pub fn closed_until(&self) -> u32 {
        self.closed_until
    }

    /// Every agent that holds a lease has told of the seconds below this number, so that they can be closed. Whoever
    /// falls silent keeps them open until it is released.
    #[must_use]
    pub fn told_until(&self) -> u32 {
        let leased = self.agents.iter().filter(|agent| agent.is_leased()).map(|agent| agent.told_until_ns);
        let all_ns = || self.agents.iter().map(|agent| agent.told_until_ns).max();
        let until_ns = leased.min().or_else(all_ns).unwrap_or(0);
        u32::try_from(until_ns / INTERVAL_NS).unwrap_or(u32::MAX)
    }

    /// The last closed second.
    #[must_use]
    pub fn last(&self) -> Option<&RecentSecond> {
        self.recent.back()
    }

    /// The last closed seconds, in order: [`RECENT_SECONDS_MAX`] at most.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &RecentSecond> {
        self.recent.iter()
    }

    /// The grades of the closed seconds after warm-up.
    #[must_use]
    pub fn grades(&self) -> &Grades {
        &self.grades
    }

    /// The first second that is judged: that of the scenario whose warm-up ends first.
    #[must_use]
    pub fn judged_from(&self) -> u32 {
        self.spans.iter().map(|span| span.first_measured).min().unwrap_or(0)
    }

    /// How long these scenarios were at work after their warm-up so far, in nanoseconds: what a rate divides by.
    pub fn measured_ns(&self, scenarios: impl Iterator<Item = usize>) -> u64 {
        let now_ns = self.ended_at_ns.unwrap_or(u64::from(self.closed_until) * INTERVAL_NS);
        let (mut from_ns, mut until_ns) = (u64::MAX, 0);
        for span in scenarios.filter_map(|index| self.spans.get(index)) {
            from_ns = from_ns.min(u64::from(span.first_measured) * INTERVAL_NS);
            until_ns = until_ns.max(span.active_until_ns(now_ns));
        }
        until_ns.saturating_sub(from_ns)
    }
}
