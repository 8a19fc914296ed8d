//! Apdex, as the Apdex Technical Specification, version 1.1, has it: of all samples, those that satisfy and half of those
//! that are tolerated. One satisfies that took no longer than a target T, and is tolerated up to 4·T.
//!
//! What failed frustrates, however quickly it did. Times are told apart as histograms do, to three digits.

use std::time::Duration;

use muster_proto::histogram::HIGHEST_NS;
use muster_proto::measurement::RequestStats;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::numbers::{decimals, ms};
use crate::run::record::RunRecord;

/// Which definition it is.
const SPECIFICATION: &str = "Apdex Technical Specification v1.1";
/// A tolerable time is so many times the target.
const TOLERABLE: u64 = 4;
/// Fewer samples than that are a small group, whose score is marked.
const SMALL_GROUP: u64 = 100;
/// From which score on it is called what.
const RATINGS: [(f64, &str); 5] =
    [(0.94, "excellent"), (0.85, "good"), (0.70, "fair"), (0.50, "poor"), (0.0, "unacceptable")];

/// The scores of a run, for one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApdexInfo {
    /// Which definition they follow.
    pub specification: String,
    /// The target T: what took no longer satisfies.
    pub target_ms: f64,
    /// 4·T: what took longer frustrates.
    pub tolerable_ms: f64,
    /// Each request, and all of them together, which have no name.
    pub scores: Vec<ApdexScore>,
}

/// One score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApdexScore {
    /// Of which scenario; of all without.
    pub scenario: Option<String>,
    /// Of which request; of all without.
    pub request: Option<String>,
    /// 0 to 1, to a hundredth; none without samples.
    pub score: Option<f64>,
    /// `excellent`, `good`, `fair`, `poor` or `unacceptable`.
    pub rating: Option<String>,
    /// Whether there are so few samples that the score says little.
    pub small_group: bool,
    /// How many requests ended.
    pub samples: u64,
    /// How many of them satisfied.
    pub satisfied: u64,
    /// How many were tolerable.
    pub tolerating: u64,
    /// How many frustrated, those that failed among them.
    pub frustrated: u64,
    /// How many failed.
    pub failed: u64,
}

/// A target for which there is no score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the target of Apdex is a time of 1 ms to 15 minutes")]
pub struct NoTarget;

impl ApdexInfo {
    /// The scores of what was measured after warm-up.
    ///
    /// # Errors
    /// When the target is too short or too long for what histograms tell apart.
    pub fn of(record: &RunRecord, target: Duration) -> Result<Self, NoTarget> {
        let target_ns = u64::try_from(target.as_nanos()).map_err(|_| NoTarget)?;
        if !(1_000_000..=HIGHEST_NS / TOLERABLE).contains(&target_ns) {
            return Err(NoTarget);
        }
        let keys = record.timeline.table().keys().iter();
        let mut all = RequestStats::default();
        let mut scores = Vec::new();
        for (key, stats) in keys.zip(&record.timeline.measured().series) {
            let scenario = record.plan.scenarios[key.scenario].name.as_str();
            scores.push(score(Some(scenario), Some(&key.request), stats, target_ns));
            all.merge(stats);
        }
        scores.push(score(None, None, &all, target_ns));
        let [target_ms, tolerable_ms] = [target_ns, target_ns * TOLERABLE].map(ms);
        Ok(Self { specification: SPECIFICATION.to_owned(), target_ms, tolerable_ms, scores })
    }
}

fn score(scenario: Option<&str>, request: Option<&str>, stats: &RequestStats, target_ns: u64) -> ApdexScore {
    let expected = &stats.response_expected;
    let (slow, slowest) = (expected.count_above(target_ns), expected.count_above(target_ns * TOLERABLE));
    let (samples, failed) = (stats.outcomes(), stats.failed_total());
    let (satisfied, tolerating) = (expected.count() - slow, slow - slowest);
    let score = (samples > 0).then(|| decimals((satisfied as f64 + tolerating as f64 / 2.0) / samples as f64, 2));
    let rating = score.and_then(|score| RATINGS.into_iter().find(|(from, _)| score >= *from));
    ApdexScore {
        scenario: scenario.map(str::to_owned),
        request: request.map(str::to_owned),
        score,
        rating: rating.map(|(_, name)| name.to_owned()),
        small_group: samples < SMALL_GROUP,
        samples,
        satisfied,
        tolerating,
        frustrated: samples - satisfied - tolerating,
        failed,
    }
}

#[cfg(test)]
mod tests {
    use muster_proto::outcome::ErrorKind;

    use super::*;
    use crate::run::record::Ending;
    use crate::run::synthetic::{Made, fail, open_plan, succeed};

    /// A run in which so many requests took so many milliseconds, and so many failed after them.
    fn run(took: &[(u64, u64)], failed: &[(u64, u64)]) -> RunRecord {
        let made = Made::new(open_plan(1), 1).seconds(1, |_, window, delta| {
            let stats = &mut delta.measurement.series[0];
            if window == 0 {
                took.iter().for_each(|(n, ms)| succeed(stats, *n, *ms));
                failed.iter().for_each(|(n, ms)| fail(stats, *n, *ms, ErrorKind::Http5xx));
            }
        });
        made.end(Ending::Completed)
    }

    fn all(record: &RunRecord, target_ms: u64) -> ApdexScore {
        let info = ApdexInfo::of(record, Duration::from_millis(target_ms)).unwrap();
        assert_eq!(info.scores.len(), 3, "two requests, and all");
        assert_eq!(info.scores[1].score, None, "nobody asked for the other");
        info.scores[2].clone()
    }

    #[test]
    fn it_is_what_satisfies_and_half_of_what_is_tolerated() {
        // 60 satisfy, 30 are tolerated, 10 frustrate: (60 + 15) / 100.
        let score = all(&run(&[(60, 100), (30, 1_000), (10, 3_000)], &[]), 500);
        assert_eq!((score.satisfied, score.tolerating, score.frustrated), (60, 30, 10));
        assert_eq!((score.score, score.rating.as_deref(), score.small_group), (Some(0.75), Some("fair"), false));
        let score = all(&run(&[(99, 10)], &[]), 500);
        assert_eq!((score.score, score.rating.as_deref(), score.small_group), (Some(1.0), Some("excellent"), true));
    }

    #[test]
    fn bounds_belong_to_the_better_side_and_failures_frustrate() {
        // Response times are 30 µs longer than these.
        let bound = Duration::from_micros(500_030);
        let record = run(&[(1, 500), (1, 501), (1, 2_000), (1, 2_003)], &[(4, 1)]);
        let info = ApdexInfo::of(&record, bound).unwrap();
        let score = &info.scores[0];
        assert_eq!((score.satisfied, score.tolerating, score.frustrated, score.failed), (1, 2, 5, 4));
        assert_eq!(score.score, Some(0.25));
        assert_eq!((info.target_ms, info.tolerable_ms), (500.03, 2_000.12));
    }

    #[test]
    fn targets_that_histograms_cannot_tell_are_refused() {
        let record = run(&[(1, 1)], &[]);
        for target in [Duration::ZERO, Duration::from_micros(999), Duration::from_secs(901), Duration::MAX] {
            assert_eq!(ApdexInfo::of(&record, target), Err(NoTarget), "{target:?}");
        }
        assert!(ApdexInfo::of(&record, Duration::from_secs(900)).is_ok());
    }
}
