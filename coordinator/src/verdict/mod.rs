//! Judges a run: whether its thresholds held, whether its generators can be believed, whether its books balance.

pub mod books;
mod sample;
#[cfg(test)]
mod tests;
mod thresholds;
pub mod validity;

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::OnLoss;

pub use sample::percentile_ns;
pub use thresholds::{Judge, LineSeen, ThresholdResult, Value};

use crate::exit::ExitCode;
use crate::run::record::{Ending, RunRecord};
use crate::run::timeline::Timeline;
use books::Books;
use validity::{Grade, Grades, Reason};

/// How a run is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything held and can be trusted.
    Passed,
    /// At least one threshold was violated.
    Failed,
    /// The generators, not the target, decided what was measured.
    Invalid,
    /// A threshold ended it.
    Aborted,
    /// Its user ended it.
    Stopped,
    /// Load or samples were lost, or the books do not balance.
    Incomplete,
    /// Its coordinator ended before it did.
    Interrupted,
    /// It could not go on.
    Broken,
}

impl Outcome {
    /// The name that reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Aborted => "aborted",
            Self::Stopped => "stopped",
            Self::Incomplete => "incomplete",
            Self::Interrupted => "interrupted",
            Self::Broken => "broken",
        }
    }
}

/// The judgement of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// In a word.
    pub outcome: Outcome,
    /// What the program ends with: the most severe of all that was found.
    pub exit_code: ExitCode,
    /// What was found, the most severe first, in words; empty for a run that simply passed.
    pub findings: Vec<String>,
    /// What became of each threshold.
    pub thresholds: Vec<ThresholdResult>,
    /// The grade of the run.
    pub grade: Grade,
    /// The grades of its seconds after warm-up.
    pub grades: Grades,
}

impl Verdict {
    /// Judges a run whose books are kept.
    #[must_use]
    pub fn of(record: &RunRecord, books: &Books) -> Self {
        let thresholds = if record.began { record.judge.results(&record.timeline) } else { Vec::new() };
        let grades = record.timeline.grades().clone();
        let grade = grades.of_run();
        let mut findings = Findings::default();
        findings.of_ending(&record.ending);
        if let Some(reason) = &record.teardown_failure {
            findings.add(ExitCode::Failure, format!("the teardown has failed: {reason}"));
        }
        findings.of_thresholds(&thresholds);
        if record.began {
            findings.of_validity(&grades, record.strict || !thresholds.is_empty());
            findings.of_requests(&record.timeline);
        } else {
            findings.add(ExitCode::Passed, "the run had not begun: nothing was sent, and nothing is judged");
        }
        findings.of_books(record, books);
        let exit_code = findings.worst();
        Self {
            outcome: outcome_of(exit_code, &record.ending),
            exit_code,
            findings: findings.in_words(),
            thresholds,
            grade,
            grades,
        }
    }
}

fn outcome_of(exit_code: ExitCode, ending: &Ending) -> Outcome {
    match exit_code {
        ExitCode::Passed => Outcome::Passed,
        ExitCode::ThresholdsFailed if matches!(ending, Ending::AbortedBy(_)) => Outcome::Aborted,
        ExitCode::ThresholdsFailed => Outcome::Failed,
        ExitCode::Stopped => Outcome::Stopped,
        ExitCode::Invalid => Outcome::Invalid,
        ExitCode::Incomplete if *ending == Ending::Interrupted => Outcome::Interrupted,
        ExitCode::Incomplete => Outcome::Incomplete,
        ExitCode::BadPlan | ExitCode::Refused | ExitCode::Storage | ExitCode::Failure => Outcome::Broken,
    }
}

/// What speaks against a run, each with the exit code that it asks for.
#[derive(Default)]
struct Findings(Vec<(ExitCode, String)>);

impl Findings {
    fn add(&mut self, exit_code: ExitCode, words: impl Into<String>) {
        self.0.push((exit_code, words.into()));
    }

    fn of_ending(&mut self, ending: &Ending) {
        match ending {
            Ending::Completed => {}
            Ending::StoppedByStep(name) => {
                self.add(ExitCode::Passed, format!("ended by a step of the plan, on agent {name}"));
            }
            Ending::StoppedByUser => self.add(ExitCode::Stopped, "stopped by its user"),
            Ending::AbortedBy(threshold) => {
                self.add(ExitCode::ThresholdsFailed, format!("aborted by the threshold {threshold}"));
            }
            Ending::AgentLost(name) => {
                self.add(ExitCode::Incomplete, format!("agent {name} was lost, which the plan does not allow"));
            }
            Ending::Interrupted => {
                let words = "the coordinator ended before the run did: what agents did after that is not known";
                self.add(ExitCode::Incomplete, words);
            }
            Ending::Failed { exit_code, reason } => {
                let exit_code = if *exit_code == ExitCode::Passed { ExitCode::Failure } else { *exit_code };
                self.add(exit_code, reason.clone());
            }
        }
    }

    fn of_thresholds(&mut self, thresholds: &[ThresholdResult]) {
        let failed = thresholds.iter().filter(|threshold| !threshold.passed).count();
        if failed > 0 {
            let words = format!("{failed} of {} thresholds failed", thresholds.len());
            self.add(ExitCode::ThresholdsFailed, words);
        }
    }

    /// Whoever judges nothing is told in words, and the exit code stays what it is.
    fn of_validity(&mut self, grades: &Grades, judged: bool) {
        if grades.of_run() != Grade::Invalid {
            return;
        }
        let exit_code = if judged { ExitCode::Invalid } else { ExitCode::Passed };
        let words = match grades.main_reason() {
            _ if grades.seconds() == 0 => "invalid: no second after the warm-up was measured",
            Some(Reason::Users) => "invalid: max_users was the limit, so these numbers show the plan's own bound",
            Some(Reason::CutOff) => "invalid: agents were cut off from here, so a part of the load was not sent",
            Some(Reason::Missing) => "invalid: agents told nothing of some seconds, so these numbers lack a part",
            _ => "invalid: the generator was the limit, so these numbers show it rather than the target",
        };
        self.add(exit_code, words);
    }

    /// A failing target is data and no failure of the run, but nobody must take such a run for a good one.
    fn of_requests(&mut self, timeline: &Timeline) {
        let series = || timeline.warm_up().series.iter().chain(&timeline.measured().series);
        // What the run's end cut off says nothing of the target.
        let kinds = ErrorKind::ALL.into_iter().filter(|kind| *kind != ErrorKind::Cancelled);
        let failed = |kind: ErrorKind| series().map(|stats| stats.failed[kind as usize]).sum::<u64>();
        let mut failed: Vec<_> = kinds.map(|kind| (failed(kind), kind)).filter(|(count, _)| *count > 0).collect();
        if failed.is_empty() || series().any(|stats| stats.expected > 0) {
            return;
        }
        failed.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let kinds: Vec<_> = failed.iter().map(|(count, kind)| format!("{} {count}", kind.name())).collect();
        self.add(ExitCode::Passed, format!("every request failed: {}", kinds.join(", ")));
    }

    fn of_books(&mut self, record: &RunRecord, books: &Books) {
        let broken = books.laws().filter(|law| !law.holds()).count();
        if broken > 0 {
            self.add(
                ExitCode::Incomplete,
                format!("the books do not balance: {} broken", numbered(broken, "law is", "laws are")),
            );
        }
        let lost = record.agents.iter().filter(|agent| agent.lost_at_ns.is_some()).count();
        let told = matches!(record.ending, Ending::AgentLost(_) | Ending::Interrupted);
        if lost > 0 && record.plan.agents.on_loss == OnLoss::Fail && !told {
            self.add(
                ExitCode::Incomplete,
                format!("{} lost, which the plan does not allow", numbered(lost, "agent was", "agents were")),
            );
        }
        let undelivered = books.undelivered_fraction();
        if undelivered > f64::from(record.plan.agents.loss_tolerance_millionths) / 1e6 {
            let percent = undelivered * 100.0;
            self.add(ExitCode::Incomplete, format!("{percent:.1} % of the load was lost or left undone"));
        }
    }

    fn worst(&self) -> ExitCode {
        self.0.iter().map(|(exit_code, _)| *exit_code).fold(ExitCode::Passed, ExitCode::worst)
    }

    fn in_words(mut self) -> Vec<String> {
        self.0.sort_by_key(|(exit_code, _)| std::cmp::Reverse(*exit_code));
        self.0.into_iter().map(|(_, words)| words).collect()
    }
}

/// A number with the words that go with one or with several.
fn numbered(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}
