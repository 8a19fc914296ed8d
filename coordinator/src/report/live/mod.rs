//! A run under way, as far as it has come: every number of the live view, computed and rounded once.

mod rows;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use muster_proto::plan::Plan;
pub use rows::{AgentRow, RequestRow, ScenarioRow, Stand, ThresholdRow};

use super::numbers::{ms, seconds};
use super::text::foreign;
use crate::run::life::{Doing, Run, Standing};
use crate::run::timeline::{RecentSecond, Timeline};
use crate::verdict::validity::{Grade, in_words};

/// So many seconds are remembered, ten minutes of them; what is older is left to the report.
pub const HISTORY_MAX: usize = 600;
/// The most rows of each kind that are told; the report has them all.
pub const ROWS_MAX: usize = 64;
/// The longest name, in characters.
const NAME_MAX: usize = 48;

/// A run at one moment, for whoever watches it. No text in it can command a terminal.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// What the plan is called.
    pub name: String,
    /// The beginning of the run's identity.
    pub id: String,
    /// What the run is doing.
    pub doing: Doing,
    /// How many agents have joined, and how many it waits for before it begins.
    pub joined: (usize, u32),
    /// Since its start, in seconds; none before it.
    pub elapsed_s: Option<f64>,
    /// From its start to its planned end, in seconds.
    pub total_s: f64,
    /// The levels of the plan's first scenarios.
    pub scenarios: Vec<ScenarioRow>,
    /// What changes with each second that closes.
    pub seconds: Arc<Seconds>,
    /// Its agents, those that are gone last: [`ROWS_MAX`] at most.
    pub agents: Vec<AgentRow>,
}

/// What is known from the closed seconds of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Seconds {
    /// The last of them, oldest first: [`HISTORY_MAX`] at most.
    pub history: VecDeque<Point>,
    /// How the run would be judged if it ended now, in words, and how good that is.
    pub verdict: (Stand, String),
    /// The grade of the run so far, with the seconds that were graded valid and all that were; none before there is one.
    pub grade: Option<(Grade, u64, u64)>,
    /// What spoiled seconds, in words.
    pub reasons: Vec<String>,
    /// The thresholds, those that do not hold first: [`ROWS_MAX`] at most.
    pub thresholds: Vec<ThresholdRow>,
    /// How many there are in all.
    pub thresholds_total: usize,
    /// All requests together, where there are several and not too many, and each of them in the order of the plan:
    /// [`ROWS_MAX`] at most.
    pub requests: Vec<RequestRow>,
    /// How many there are in all.
    pub requests_total: usize,
}

/// One closed second.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Counted from the run's start.
    pub second: u32,
    /// Iterations that fell due.
    pub due: u64,
    /// Requests that ended.
    pub done: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Arrivals that were never started.
    pub skipped: u64,
    /// Users at work at its end.
    pub users: u64,
    /// The response times that half, 95 % and 99 % of its requests did not exceed, in milliseconds.
    pub times_ms: [Option<f64>; 3],
    /// How far it can be trusted.
    pub grade: Grade,
}

impl Point {
    fn of(second: &RecentSecond) -> Self {
        let RecentSecond { number, counts, users, p50_ns, p95_ns, p99_ns, grades } = second;
        Self {
            second: *number,
            due: counts.due,
            done: counts.outcomes(),
            errors: counts.errors,
            skipped: counts.skipped_total(),
            users: *users,
            times_ms: [p50_ns, p95_ns, p99_ns].map(|ns| ns.map(ms)),
            grade: grades.worst(),
        }
    }
}

/// Follows one run, and remembers what its seconds were like.
#[derive(Debug, Default)]
pub struct Follower {
    seconds: Option<(u32, Arc<Seconds>)>,
}

impl Follower {
    /// The run as it is at this moment of the coordinator's clock.
    pub fn look(&mut self, run: &Run, now_ns: u64) -> Live {
        self.tell(&run.standing(now_ns, ROWS_MAX))
    }

    fn tell(&mut self, standing: &Standing<'_>) -> Live {
        let closed_until = standing.timeline.closed_until();
        // Percentiles and thresholds cost more than the rest, and are the same until the next second closes.
        let closed = match self.seconds.take() {
            Some((until, seconds)) if until == closed_until => seconds,
            before => {
                let (until, history) =
                    before.map_or_else(Default::default, |(until, seconds)| (until, seconds.history.clone()));
                Arc::new(Seconds::of(standing, followed_by(history, standing.timeline, until)))
            }
        };
        let plan = standing.plan;
        let live = Live {
            name: foreign(&plan.name, NAME_MAX),
            id: standing.id.short(),
            doing: standing.doing,
            joined: (standing.joined, plan.agents.start_when),
            elapsed_s: standing.elapsed_ns.map(seconds),
            total_s: total_s(plan),
            scenarios: rows::scenarios(standing),
            seconds: Arc::clone(&closed),
            agents: rows::agents(standing),
        };
        self.seconds = Some((closed_until, closed));
        live
    }
}

/// The history with the seconds that have closed since it was told.
fn followed_by(mut history: VecDeque<Point>, timeline: &Timeline, told_until: u32) -> VecDeque<Point> {
    history.extend(timeline.recent().filter(|second| second.number >= told_until).map(Point::of));
    let surplus = history.len().saturating_sub(HISTORY_MAX);
    history.drain(..surplus);
    history
}

impl Seconds {
    fn of(standing: &Standing<'_>, history: VecDeque<Point>) -> Self {
        let grades = standing.timeline.grades();
        let grade = (grades.seconds() > 0).then(|| (grades.of_run(), grades.valid, grades.seconds()));
        let mut thresholds = rows::thresholds(standing);
        let verdict = verdict(&thresholds, grade.map(|(grade, ..)| grade));
        thresholds.sort_by_key(|row| std::cmp::Reverse(row.stand));
        let thresholds_total = thresholds.len();
        thresholds.truncate(ROWS_MAX);
        Self {
            history,
            verdict,
            grade,
            reasons: grades.reasons().map(|(reason, seconds)| in_words(reason, &seconds)).collect(),
            thresholds,
            thresholds_total,
            requests: rows::requests(standing),
            requests_total: standing.timeline.table().keys().len(),
        }
    }
}

/// How the run would be judged if it ended now. As at its end, whether it can be believed comes before what it shows.
fn verdict(thresholds: &[ThresholdRow], grade: Option<Grade>) -> (Stand, String) {
    let (total, count) = (thresholds.len(), |stand| thresholds.iter().filter(|row| row.stand == stand).count());
    match (grade, count(Stand::Violated), count(Stand::Early)) {
        (None, ..) => (Stand::Early, "nothing is known yet".to_owned()),
        (Some(Grade::Invalid), ..) => (Stand::Violated, "invalid so far".to_owned()),
        (_, 1.., _) => (Stand::Violated, format!("failing: {} of {total} thresholds", count(Stand::Violated))),
        (_, _, 1..) => (Stand::Early, format!("open: {} of {total} thresholds", count(Stand::Early))),
        _ if total == 0 => (Stand::Holds, "nothing is judged".to_owned()),
        _ => (Stand::Holds, format!("passing: {total} of {total} thresholds")),
    }
}

fn total_s(plan: &Plan) -> f64 {
    let ends = plan.scenarios.iter().map(|scenario| scenario.start_delay + scenario.executor.duration());
    ends.max().unwrap_or_default().as_secs_f64()
}
