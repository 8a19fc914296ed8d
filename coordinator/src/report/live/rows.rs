//! The rows of the live view: scenarios, requests, thresholds and agents.

use muster_proto::histogram::Histogram;
use muster_proto::measurement::{Health, RequestStats};
use muster_proto::plan::{Executor, Scenario};

use super::super::numbers::{decimals, fraction, ms};
use super::super::text::{foreign, rate, value_in_words};
use super::super::{ThresholdInfo, threshold_info};
use super::{NAME_MAX, ROWS_MAX};
use crate::run::life::{Member, Presence, Standing};
use crate::run::order::Level;
use crate::verdict::percentile_ns;
use crate::verdict::validity::{Grade, WORKER_CPU_MAX};

/// The level of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioRow {
    /// As the plan has it: what orders go by. Not to be shown.
    pub key: String,
    /// Its name, for people.
    pub name: String,
    /// At which level it goes on; none where there is none to set.
    pub level: Option<Level>,
    /// That in words, or what else can be said of the scenario.
    pub words: String,
}

/// What became of a request so far.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRow {
    /// Its name, with its scenario's where there are several.
    pub name: String,
    /// How many ended.
    pub count: u64,
    /// How many of them ended per second, in the last closed stretch of the timeline.
    pub now_per_s: u64,
    /// The part of them that failed.
    pub failed: f64,
    /// The response times that half and 99 % of them did not exceed, in milliseconds.
    pub times_ms: [Option<f64>; 2],
}

/// How a threshold, or the whole run, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stand {
    /// It holds so far.
    Holds,
    /// It is too early to tell.
    Early,
    /// It does not hold.
    Violated,
}

/// How a threshold stands.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdRow {
    /// As the plan wrote it.
    pub expression: String,
    /// The number that decides.
    pub value: String,
    /// Whether it holds.
    pub stand: Stand,
}

/// How an agent is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRow {
    /// Its name.
    pub name: String,
    /// How far it has come.
    pub presence: Presence,
    /// The part of the load that it has, 0 to 1.
    pub part: f64,
    /// Requests that it sent.
    pub sent: u64,
    /// The time by which 99 % of its attempts were late at most through its own fault, in milliseconds.
    pub lag_p99_ms: Option<f64>,
    /// Its busiest worker's use of a core, as of its latest word.
    pub worker_cpu: f64,
    /// Its resident memory, in bytes.
    pub memory_bytes: u64,
    /// Users at work.
    pub users: u32,
    /// What its own state says of what it measures.
    pub grade: Grade,
}

pub(super) fn scenarios(standing: &Standing<'_>) -> Vec<ScenarioRow> {
    let with_levels = standing.plan.scenarios.iter().zip(&standing.levels);
    let row = |(Scenario { name, executor, .. }, level): (&Scenario, &Option<Level>)| ScenarioRow {
        key: name.clone(),
        name: foreign(name, NAME_MAX),
        level: *level,
        words: match (level, executor) {
            (Some(Level::Rate(now)), _) => format!("{}/s", rate(now.as_per_second())),
            (Some(Level::Users(1)), _) => "1 user".to_owned(),
            (Some(Level::Users(users)), _) => format!("{users} users"),
            (None, Executor::PerUserIterations { .. } | Executor::SharedIterations { .. }) => {
                executor.name().to_owned()
            }
            (None, _) if standing.elapsed_ns.is_some() => "ended".to_owned(),
            (None, _) => executor.name().to_owned(),
        },
    };
    with_levels.map(row).collect()
}

pub(super) fn requests(standing: &Standing<'_>) -> Vec<RequestRow> {
    let timeline = standing.timeline;
    let keys = timeline.table().keys();
    let now = timeline.intervals().last();
    let now_of = |number: usize| now.and_then(|now| Some((now.series.get(number)?.outcomes, now.seconds)));
    let per_s = |(outcomes, seconds): (u64, u32)| outcomes / u64::from(seconds.max(1));
    let (measured, warm_up) = (timeline.measured(), timeline.warm_up());
    let several = standing.plan.scenarios.len() > 1;
    let mut all = Answered::default();
    let mut rows = Vec::new();
    for (number, key) in keys.iter().enumerate().take(ROWS_MAX) {
        let scenario = &standing.plan.scenarios[key.scenario].name;
        let name = if several { format!("{scenario}/{}", key.request) } else { key.request.clone() };
        // Until a scenario's warm-up is over there is nothing else to show.
        let is_warm_up = measured.series[number].is_empty();
        let stats = if is_warm_up { &warm_up.series[number] } else { &measured.series[number] };
        let answered = Answered::of(stats, now_of(number).map_or(0, per_s));
        all.merge(&answered);
        rows.push(answered.row(foreign(&name, NAME_MAX)));
    }
    // A part of them is no sum of all.
    if rows.len() > 1 && keys.len() <= ROWS_MAX {
        rows.insert(0, all.row("all".to_owned()));
    }
    rows
}

/// Requests that ended.
#[derive(Default)]
struct Answered {
    count: u64,
    failed: u64,
    now_per_s: u64,
    response: Histogram,
}

impl Answered {
    fn of(stats: &RequestStats, now_per_s: u64) -> Self {
        let mut response = stats.response_expected.clone();
        response.merge(&stats.response_failed);
        Self { count: stats.outcomes(), failed: stats.failed_total(), now_per_s, response }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.failed += other.failed;
        self.now_per_s += other.now_per_s;
        self.response.merge(&other.response);
    }

    fn row(&self, name: String) -> RequestRow {
        RequestRow {
            name,
            count: self.count,
            now_per_s: self.now_per_s,
            failed: fraction(self.failed, self.count),
            times_ms: [50.0, 99.0].map(|percent| percentile_ns(&self.response, percent).map(ms)),
        }
    }
}

pub(super) fn thresholds(standing: &Standing<'_>) -> Vec<ThresholdRow> {
    let row = |(info, early): (ThresholdInfo, bool)| ThresholdRow {
        expression: foreign(&info.expression, NAME_MAX),
        value: value_in_words(&info),
        stand: match (info.passed, early) {
            (true, _) => Stand::Holds,
            (false, true) => Stand::Early,
            (false, false) => Stand::Violated,
        },
    };
    let so_far = standing.judge.so_far(standing.timeline).into_iter();
    so_far.map(|(result, early)| row((threshold_info(&result), early))).collect()
}

pub(super) fn agents(standing: &Standing<'_>) -> Vec<AgentRow> {
    standing.members.iter().map(|member| agent(member, standing)).collect()
}

fn agent(Member { index, record, presence, part }: &Member<'_>, standing: &Standing<'_>) -> AgentRow {
    let told = standing.timeline.agents().get(*index);
    let health = told.map(|told| *told.health()).unwrap_or_default();
    AgentRow {
        name: foreign(&record.name, NAME_MAX),
        presence: *presence,
        part: decimals(*part, 4),
        sent: told.map_or(0, |told| told.counts.sent),
        lag_p99_ms: told.and_then(|told| percentile_ns(&told.lag, 99.0)).map(ms),
        worker_cpu: decimals(f64::from(health.worker_cpu_max).clamp(0.0, 1e3), 3),
        memory_bytes: health.memory_bytes,
        users: health.users,
        grade: grade(&health, *presence),
    }
}

/// By the rules of seconds, as far as they go by an agent's own state.
fn grade(health: &Health, presence: Presence) -> Grade {
    let full = health.descriptors_max > 0 && health.descriptors >= health.descriptors_max;
    if presence == Presence::Lost || health.exhausted > 0 || full {
        Grade::Invalid
    } else if f64::from(health.worker_cpu_max) > WORKER_CPU_MAX || health.starved > 0 {
        Grade::Suspect
    } else {
        Grade::Valid
    }
}
