//! Named kinds of test, which stand for the stages of a profile.

use std::time::Duration;

use muster_proto::plan::{Rate, RateStage, UserStage};

/// A named kind of test: how its load changes over its time.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// What plans call it.
    pub name: &'static str,
    /// How long it lasts unless the plan says so.
    pub duration: Duration,
    /// What it begins with, in tenths of its highest load.
    start: u32,
    /// Its stages: how long each lasts, in parts of their sum, and what it ends with, in tenths of the highest load.
    stages: &'static [(u32, u32)],
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The kinds of test there are. None goes beyond the load that it is asked for.
pub static PRESETS: [Preset; 6] = [
    Preset { name: "smoke", duration: Duration::from_secs(MINUTE), start: 10, stages: &[(1, 10)] },
    Preset { name: "load", duration: Duration::from_secs(40 * MINUTE), start: 0, stages: &[(1, 10), (6, 10), (1, 0)] },
    Preset {
        name: "stress",
        duration: Duration::from_secs(40 * MINUTE),
        start: 0,
        stages: &[(2, 10), (5, 10), (1, 0)],
    },
    Preset { name: "soak", duration: Duration::from_secs(8 * HOUR), start: 0, stages: &[(1, 10), (94, 10), (1, 0)] },
    Preset {
        name: "spike",
        duration: Duration::from_secs(10 * MINUTE),
        start: 1,
        stages: &[(4, 1), (1, 10), (4, 10), (1, 1), (10, 1)],
    },
    Preset { name: "breakpoint", duration: Duration::from_secs(2 * HOUR), start: 0, stages: &[(1, 10)] },
];

/// Their names.
pub(super) const NAMES: &[&str] = &["smoke", "load", "stress", "soak", "spike", "breakpoint"];

impl Preset {
    /// The one of this name.
    ///
    /// # Errors
    /// What names there are, if this is none of them.
    pub fn named(name: &str) -> Result<&'static Self, String> {
        let preset = PRESETS.iter().find(|preset| preset.name == name);
        preset.ok_or_else(|| format!("wanted {}, found `{name}`", super::suggest::one_of(NAMES)))
    }

    /// Its stages for arrivals, up to a highest rate.
    #[must_use]
    pub fn rates(&self, highest: Rate, duration: Duration) -> Vec<RateStage> {
        let level = |tenths: u32| Rate((u128::from(highest.0) * u128::from(tenths)).div_ceil(10) as u64);
        let stages = self.stretches(duration);
        stages.map(|(duration, from, to)| RateStage { duration, from: level(from), to: level(to) }).collect()
    }

    /// Its stages for users, up to a highest number.
    #[must_use]
    pub fn users(&self, highest: u32, duration: Duration) -> Vec<UserStage> {
        let level = |tenths: u32| (u64::from(highest) * u64::from(tenths)).div_ceil(10) as u32;
        let stages = self.stretches(duration);
        stages.map(|(duration, from, to)| UserStage { duration, from: level(from), to: level(to) }).collect()
    }

    /// How long each stage lasts, together exactly so long, and the tenths that it begins and ends with.
    fn stretches(&self, duration: Duration) -> impl Iterator<Item = (Duration, u32, u32)> {
        let parts: u32 = self.stages.iter().map(|(parts, _)| parts).sum();
        let at = move |part: u32| {
            let nanoseconds = duration.as_nanos() * u128::from(part) / u128::from(parts);
            Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
        };
        let (mut part, mut level) = (0, self.start);
        self.stages.iter().map(move |&(length, to)| {
            let (begin, from) = (part, level);
            part += length;
            level = to;
            (at(part) - at(begin), from, to)
        })
    }
}
