//! What is counted beside requests and iterations: checks, groups, and metrics of the plan's own.

use serde::{Deserialize, Serialize};

use super::sum;
use crate::histogram::Histogram;
use crate::plan::{MetricKind, Plan};

/// A metric's 1, as tallies count it: values are whole millionths.
pub const METRIC_UNIT: u64 = 1_000_000;

/// What one check, group or metric counted in some stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// How often something was noted.
    pub count: u64,
    /// How often that was true, of a check or a rate.
    pub hits: u64,
    /// What was added up, of a counter, in units of a [`METRIC_UNIT`]th; no more than this can tell.
    pub sum: u64,
    /// Where it stands, of a gauge.
    pub gauge: Option<Gauge>,
    /// Its values: nanoseconds of a group, and as [`METRIC_UNIT`] has them of a trend.
    pub trend: Histogram,
}

/// Where a gauge stands, in units of a [`METRIC_UNIT`]th.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauge {
    /// When it was last set, in nanoseconds of run time.
    pub at_ns: u64,
    /// What to; of several settings at one moment, the largest.
    pub last: i64,
    /// The lowest that it was set to.
    pub min: i64,
    /// The highest.
    pub max: i64,
}

/// Something to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// It was true, or not.
    Hit(bool),
    /// So much more.
    Sum(u64),
    /// A value like this.
    Value(u64),
    /// It stands so now.
    Gauge {
        /// When, in nanoseconds of run time.
        at_ns: u64,
        /// How.
        value: i64,
    },
}

impl Gauge {
    /// Takes in another.
    pub fn merge(&mut self, other: &Self) {
        (self.at_ns, self.last) = (self.at_ns, self.last).max((other.at_ns, other.last));
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

impl Tally {
    /// Counts something.
    pub fn note(&mut self, note: Note) {
        self.count += 1;
        match note {
            Note::Hit(hit) => self.hits += u64::from(hit),
            Note::Sum(more) => self.sum = self.sum.saturating_add(more),
            Note::Value(value) => self.trend.record(value),
            Note::Gauge { at_ns, value } => self.set(&Gauge { at_ns, last: value, min: value, max: value }),
        }
    }

    fn set(&mut self, gauge: &Gauge) {
        self.gauge.get_or_insert(*gauge).merge(gauge);
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.hits += other.hits;
        self.sum = self.sum.saturating_add(other.sum);
        self.trend.merge(&other.trend);
        other.gauge.iter().for_each(|gauge| self.set(gauge));
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How often it was not true, of a check or a rate.
    #[must_use]
    pub fn misses(&self) -> u64 {
        self.count - self.hits
    }

    pub(super) fn volume(&self) -> u64 {
        sum([self.count, self.trend.count()].into_iter())
    }

    /// Forgets everything, keeping the memory for the next window.
    pub fn clear(&mut self) {
        (self.count, self.hits, self.sum, self.gauge) = (0, 0, 0, None);
        self.trend.clear();
    }
}

/// What a tally counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TallyKind {
    /// Whether a named thing is true of responses.
    Check,
    /// How long steps take that are measured together.
    Group,
    /// A metric of the plan's own.
    Metric(MetricKind),
}

/// Something that is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyKey {
    /// The scenario's place in the plan.
    pub scenario: usize,
    /// The name of the request that is checked; nothing for what is no check.
    pub request: String,
    /// The check's, group's or metric's name.
    pub name: String,
    /// What it counts.
    pub kind: TallyKind,
}

/// The tallies of a plan, numbered alike on every machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyTable(Vec<TallyKey>);

impl TallyTable {
    /// The tallies of this plan, in the order in which the plan first names them.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut table = Self::default();
        for (scenario, of) in plan.scenarios.iter().enumerate() {
            for group in of.groups() {
                table.add(TallyKey::group(scenario, &group));
            }
            for request in of.requests() {
                for check in &request.checks {
                    table.add(TallyKey::check(scenario, &request.name, &check.name));
                }
                for capture in request.captures.iter().filter(|capture| capture.is_checked()) {
                    table.add(TallyKey::check(scenario, &request.name, &capture.check_name()));
                }
                for observation in &request.metrics {
                    table.add(TallyKey::metric(scenario, plan, observation.metric));
                }
            }
        }
        table
    }

    fn add(&mut self, key: TallyKey) {
        if self.find(&key).is_none() {
            self.0.push(key);
        }
    }

    /// The number of a tally.
    #[must_use]
    pub fn find(&self, key: &TallyKey) -> Option<u16> {
        self.0.iter().position(|known| known == key).map(|index| index as u16)
    }

    /// All tallies, in the order of their numbers.
    #[must_use]
    pub fn keys(&self) -> &[TallyKey] {
        &self.0
    }
}

impl TallyKey {
    /// A check of requests of this name.
    #[must_use]
    pub fn check(scenario: usize, request: &str, name: &str) -> Self {
        Self { scenario, request: request.to_owned(), name: name.to_owned(), kind: TallyKind::Check }
    }

    /// A group, by its own name and those of the groups around it.
    #[must_use]
    pub fn group(scenario: usize, name: &str) -> Self {
        Self { scenario, request: String::new(), name: name.to_owned(), kind: TallyKind::Group }
    }

    /// A metric of the plan's own, by its place among them.
    #[must_use]
    pub fn metric(scenario: usize, plan: &Plan, metric: u16) -> Self {
        let (name, kind) = plan.metrics.get(usize::from(metric)).cloned().unwrap_or_default();
        Self { scenario, request: String::new(), name, kind: TallyKind::Metric(kind) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_note() -> impl Strategy<Value = Note> {
        prop_oneof![
            any::<bool>().prop_map(Note::Hit),
            any::<u64>().prop_map(Note::Sum),
            any::<u64>().prop_map(Note::Value),
            (0..4_u64, any::<i64>()).prop_map(|(at_ns, value)| Note::Gauge { at_ns, value }),
        ]
    }

    fn tally_of(notes: &[Note]) -> Tally {
        let mut tally = Tally::default();
        notes.iter().for_each(|note| tally.note(*note));
        tally
    }

    proptest! {
        #[test]
        fn parts_merge_to_the_whole_in_any_order(
            notes in prop::collection::vec(any_note(), 0..40),
            cuts in prop::array::uniform2(0..40_usize),
        ) {
            let whole = tally_of(&notes);
            let [a, b] = cuts.map(|cut| cut.min(notes.len()));
            let (a, b) = (a.min(b), a.max(b));
            let parts = [&notes[..a], &notes[a..b], &notes[b..]].map(tally_of);
            for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
                let mut merged = Tally::default();
                order.iter().for_each(|part| merged.merge(&parts[*part]));
                prop_assert_eq!(&merged, &whole);
            }
        }
    }

    #[test]
    fn a_cleared_tally_is_an_empty_one() {
        let mut tally = tally_of(&[Note::Hit(true), Note::Gauge { at_ns: 1, value: -1 }, Note::Value(5)]);
        tally.clear();
        assert_eq!(tally, Tally::default());
        assert!(tally.is_empty());
    }
}
