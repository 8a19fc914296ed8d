//! Everything that was measured from the run's start on, as it is exported.

use muster_proto::histogram::Histogram;
use muster_proto::measurement::{
    Gauge, IterationStats, Measurement, RequestStats, SeriesTable, SkipReason, Tally, TallyKey, TallyKind, TallyTable,
};
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::Plan;

use super::distribution::{Distribution, Measure, NUMBER, TIME};
use crate::run::timeline::Timeline;

/// So many requests are exported by their names, in the order of the plan; further ones are in the report alone.
pub(super) const SERIES_MAX: usize = 256;
/// So many scenarios are exported.
pub(super) const SCENARIOS_MAX: usize = 256;
/// So many checks, groups and metrics of the plan's own are exported.
pub(super) const TALLIES_MAX: usize = 1_024;

/// The histograms of a series.
const REQUEST_TIMES: usize = 12;

/// What a plan's scenarios, series and tallies counted, by their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) scenarios: Vec<Iterations>,
    pub(super) series: Vec<Requests>,
    pub(super) tallies: Vec<Noted>,
}

/// What the requests of one series did.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    pub(super) sent: u64,
    pub(super) expected: u64,
    pub(super) failed: [u64; ErrorKind::ALL.len()],
    pub(super) reconnects: u64,
    pub(super) connections: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    /// In the order of [`RequestStats::histograms`].
    pub(super) times: [Distribution; REQUEST_TIMES],
}

/// What the iterations of one scenario did.
#[derive(Clone, Debug)]
pub(super) struct Iterations {
    pub(super) due: u64,
    pub(super) started: u64,
    pub(super) skipped: [u64; SkipReason::ALL.len()],
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) cut_off: u64,
    pub(super) duration: Distribution,
    pub(super) arrival_lag: Distribution,
}

/// What one check, group or metric counted.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) count: u64,
    pub(super) hits: u64,
    pub(super) sum: u64,
    pub(super) gauge: Option<Gauge>,
    pub(super) trend: Distribution,
}

/// Whether something is added or taken away.
#[derive(Clone, Copy)]
enum Sign {
    Plus,
    Minus,
}

impl Sign {
    fn count(self, mine: &mut u64, theirs: u64) {
        *mine = match self {
            Self::Plus => mine.saturating_add(theirs),
            Self::Minus => mine.saturating_sub(theirs),
        };
    }

    fn times(self, mine: &mut Distribution, theirs: &Histogram, measure: &'static Measure) {
        if theirs.is_empty() {
            return;
        }
        match self {
            Self::Plus => mine.merge(&Distribution::of(theirs, measure)),
            Self::Minus => mine.take_away(&Distribution::of(theirs, measure)),
        }
    }
}

impl Totals {
    /// Nothing yet, of the first scenarios, series and tallies of a plan.
    pub(super) fn new(plan: &Plan) -> Self {
        let tallies = TallyTable::of(plan);
        let measure_of = |key: &TallyKey| if key.kind == TallyKind::Group { &TIME } else { &NUMBER };
        Self {
            scenarios: vec![Iterations::default(); plan.scenarios.len().min(SCENARIOS_MAX)],
            series: vec![Requests::default(); SeriesTable::of(plan).len().min(SERIES_MAX)],
            tallies: tallies.keys().iter().take(TALLIES_MAX).map(|key| Noted::of(measure_of(key))).collect(),
        }
    }

    /// What the closed seconds of a run have counted so far.
    pub(super) fn of_closed(plan: &Plan, timeline: &Timeline) -> Self {
        let mut totals = Self::of_told(plan, timeline);
        timeline.open().for_each(|open| totals.apply(open, Sign::Minus));
        totals
    }

    /// Everything that was told of a run.
    pub(super) fn of_told(plan: &Plan, timeline: &Timeline) -> Self {
        let mut totals = Self::new(plan);
        totals.add(timeline.warm_up());
        totals.add(timeline.measured());
        totals
    }

    /// Adds what was measured.
    pub(super) fn add(&mut self, measurement: &Measurement) {
        self.apply(measurement, Sign::Plus);
    }

    fn apply(&mut self, measurement: &Measurement, sign: Sign) {
        self.scenarios.iter_mut().zip(&measurement.scenarios).for_each(|(mine, theirs)| mine.apply(theirs, sign));
        self.series.iter_mut().zip(&measurement.series).for_each(|(mine, theirs)| mine.apply(theirs, sign));
        self.tallies.iter_mut().zip(&measurement.tallies).for_each(|(mine, theirs)| mine.apply(theirs, sign));
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            sent: 0,
            expected: 0,
            failed: Default::default(),
            reconnects: 0,
            connections: 0,
            bytes_sent: 0,
            bytes_received: 0,
            times: std::array::from_fn(|_| Distribution::new(&TIME)),
        }
    }
}

impl Requests {
    fn apply(&mut self, stats: &RequestStats, sign: Sign) {
        sign.count(&mut self.sent, stats.sent);
        sign.count(&mut self.expected, stats.expected);
        self.failed.iter_mut().zip(stats.failed).for_each(|(mine, theirs)| sign.count(mine, theirs));
        sign.count(&mut self.reconnects, stats.reconnects);
        sign.count(&mut self.connections, stats.connections);
        sign.count(&mut self.bytes_sent, stats.bytes_sent);
        sign.count(&mut self.bytes_received, stats.bytes_received);
        self.times.iter_mut().zip(stats.histograms()).for_each(|(mine, theirs)| sign.times(mine, theirs, &TIME));
    }
}

impl Default for Iterations {
    fn default() -> Self {
        Self {
            due: 0,
            started: 0,
            skipped: Default::default(),
            completed: 0,
            failed: 0,
            cut_off: 0,
            duration: Distribution::new(&TIME),
            arrival_lag: Distribution::new(&TIME),
        }
    }
}

impl Iterations {
    fn apply(&mut self, stats: &IterationStats, sign: Sign) {
        sign.count(&mut self.due, stats.due);
        sign.count(&mut self.started, stats.started);
        self.skipped.iter_mut().zip(stats.skipped).for_each(|(mine, theirs)| sign.count(mine, theirs));
        sign.count(&mut self.completed, stats.completed);
        sign.count(&mut self.failed, stats.failed);
        sign.count(&mut self.cut_off, stats.cut_off);
        sign.times(&mut self.duration, &stats.duration, &TIME);
        sign.times(&mut self.arrival_lag, &stats.arrival_lag, &TIME);
    }
}

impl Noted {
    fn of(measure: &'static Measure) -> Self {
        Self { count: 0, hits: 0, sum: 0, gauge: None, trend: Distribution::new(measure) }
    }

    fn apply(&mut self, tally: &Tally, sign: Sign) {
        sign.count(&mut self.count, tally.count);
        sign.count(&mut self.hits, tally.hits);
        sign.count(&mut self.sum, tally.sum);
        // Where something stood before is not known any more.
        if let Some(gauge) = &tally.gauge {
            self.gauge.get_or_insert(*gauge).merge(gauge);
        }
        let measure = self.trend.measure();
        sign.times(&mut self.trend, &tally.trend, measure);
    }
}

#[cfg(test)]
mod tests {
    use muster_proto::outcome::ErrorKind;

    use super::*;
    use crate::run::synthetic::{Made, delta, fail, healthy, open_plan};

    #[test]
    fn what_closed_is_what_was_told_without_what_is_open() {
        let plan = open_plan(10);
        let mut run = Made::new(plan.clone(), 1).seconds(2, |_, _, delta| healthy(delta)).record;
        let closed = Totals::of_closed(&plan, &run.timeline);
        let mut late = delta(&plan, 11);
        healthy(&mut late);
        fail(&mut late.measurement.series[1], 3, 250, ErrorKind::Reset);
        run.timeline.apply(0, &late);
        let told = Totals::of_told(&plan, &run.timeline);
        assert_eq!(told.series[1].failed[ErrorKind::Reset as usize], 3);
        let again = Totals::of_closed(&plan, &run.timeline);
        for (again, closed) in again.series.iter().zip(&closed.series) {
            assert_eq!((again.sent, again.expected, again.failed), (closed.sent, closed.expected, closed.failed));
            assert_eq!(again.times[0].count(), closed.times[0].count());
            assert_eq!(again.times[2].sum(), closed.times[2].sum());
        }
        assert_eq!(again.scenarios[0].due, 200);
        let mut seconds = closed.clone();
        for second in run.timeline.close_until(3) {
            seconds.add(&second.measurement);
        }
        assert_eq!(seconds.series[1].times, told.series[1].times, "second by second as all at once");
    }
}
