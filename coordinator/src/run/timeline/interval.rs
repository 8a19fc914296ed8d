//! A stretch of the timeline whose seconds are complete.

use muster_proto::measurement::{Measurement, RequestStats};
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::sparse::Sparse;
use crate::verdict::validity::Grades;

/// One second of the run, or several neighbouring ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its first second, counted from the run's start.
    pub first: u32,
    /// How many seconds it covers so far.
    pub seconds: u32,
    /// What happened in it.
    pub counts: Counts,
    /// Its series, by their numbers.
    pub series: Vec<SeriesInterval>,
    /// The most users at work at the end of one of its seconds.
    pub users: u64,
    /// Whether something in it was told too coarsely to know its second.
    pub coarse: bool,
    /// The grades of its seconds.
    pub grades: Grades,
}

impl Interval {
    /// Adds a measurement's counts and response times.
    pub(super) fn add(&mut self, measurement: &Measurement) {
        self.counts.merge(&Counts::of(measurement));
        if self.series.len() < measurement.series.len() {
            self.series.resize_with(measurement.series.len(), SeriesInterval::default);
        }
        for (mine, theirs) in self.series.iter_mut().zip(&measurement.series) {
            mine.add(theirs);
        }
    }

    /// Takes in the interval that follows.
    pub(super) fn merge(&mut self, next: &Self) {
        self.seconds += next.seconds;
        self.counts.merge(&next.counts);
        if self.series.len() < next.series.len() {
            self.series.resize_with(next.series.len(), SeriesInterval::default);
        }
        for (mine, theirs) in self.series.iter_mut().zip(&next.series) {
            mine.merge(theirs);
        }
        self.users = self.users.max(next.users);
        self.coarse |= next.coarse;
        self.grades.merge(&next.grades);
    }

    /// How much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.series.iter().map(|kept| size_of::<SeriesInterval>() + kept.response.bytes()).sum()
    }

    /// The response times of all series together.
    #[must_use]
    pub fn response(&self) -> Sparse {
        Sparse::of_all(&self.series, &|series| &series.response)
    }

    /// Those series together whose numbers are chosen.
    #[must_use]
    pub fn together(&self, chosen: impl Fn(usize) -> bool) -> SeriesInterval {
        let mut all = SeriesInterval::default();
        let chosen = self.series.iter().enumerate().filter(|(number, _)| chosen(*number));
        chosen.for_each(|(_, series)| all.merge(series));
        all
    }
}

/// One series in one interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesInterval {
    /// Requests begun.
    pub sent: u64,
    /// Requests ended.
    pub outcomes: u64,
    /// Requests ended not as expected.
    pub errors: u64,
    response: Sparse,
}

impl SeriesInterval {
    fn add(&mut self, stats: &RequestStats) {
        self.sent += stats.sent;
        self.outcomes += stats.outcomes();
        self.errors += stats.failed_total();
        self.response.add(&stats.response_expected);
        self.response.add(&stats.response_failed);
    }

    fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.outcomes += other.outcomes;
        self.errors += other.errors;
        self.response.merge(&other.response);
    }

    /// Its response times.
    #[must_use]
    pub fn response(&self) -> &Sparse {
        &self.response
    }
}
