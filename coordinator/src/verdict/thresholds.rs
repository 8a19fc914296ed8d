//! Judges the plan's thresholds, second by second and at the end.

use std::collections::VecDeque;

use muster_proto::measurement::{INTERVAL_NS, SeriesTable, TallyTable};
use muster_proto::plan::{Aggregate, Bound, Comparison, Plan, Threshold, ThresholdWindow};
use serde::{Deserialize, Serialize};

use super::sample::{Kind, Sample, Selection, is_time, kind_of};
use crate::run::timeline::{Second, Timeline};

/// Watches a run against its plan's thresholds.
#[derive(Clone, Debug)]
pub struct Judge {
    lines: Vec<Line>,
}

/// What became of one threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdResult {
    /// As the plan wrote it.
    pub expression: String,
    /// Whether it held.
    pub passed: bool,
    /// The number that decided: of the run, of the worst window, or of the second that completed a violation.
    pub value: Option<Value>,
    /// Over which time it was judged.
    pub window: ThresholdWindow,
    /// What else a person should know of it, such as why there is no number; may be empty.
    pub remark: String,
}

/// A number with its meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A time, in nanoseconds.
    Time(f64),
    /// A part of a whole, 0 to 1.
    Fraction(f64),
    /// So many.
    Count(f64),
    /// So many per second.
    PerSecond(f64),
    /// What it is worth.
    Number(f64),
}

impl Judge {
    /// A judge of this plan's thresholds, who has seen nothing yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let (table, tallies) = (SeriesTable::of(plan), TallyTable::of(plan));
        let line = |threshold| Line::new(threshold, plan, Selection::of(threshold, plan, &table, &tallies));
        Self { lines: plan.thresholds.iter().map(line).collect() }
    }

    /// Looks at the next closed second, and at the run so far. The answer is the expression of a threshold that
    /// demands to abort the run.
    pub fn second(&mut self, second: &Second, timeline: &Timeline) -> Option<String> {
        let mut abort = None;
        for line in &mut self.lines {
            let violated = line.second(second, timeline);
            if violated && line.threshold.abort && abort.is_none() {
                abort = Some(line.threshold.expression.clone());
            }
        }
        abort
    }

    /// What it has seen, in the plan's order, for whoever goes on as this judge.
    #[must_use]
    pub fn seen(&self) -> Vec<LineSeen> {
        self.lines.iter().map(Line::seen).collect()
    }

    /// A judge of this plan's thresholds who has seen this. `None` when it is of another plan.
    #[must_use]
    pub fn who_has_seen(plan: &Plan, seen: Vec<LineSeen>) -> Option<Self> {
        let mut judge = Self::new(plan);
        if judge.lines.len() != seen.len() {
            return None;
        }
        judge.lines.iter_mut().zip(seen).for_each(|(line, seen)| line.recall(seen));
        Some(judge)
    }

    /// What became of each threshold, in the plan's order.
    #[must_use]
    pub fn results(&self, timeline: &Timeline) -> Vec<ThresholdResult> {
        self.lines.iter().map(|line| line.result(timeline)).collect()
    }

    /// What would become of each threshold if the run ended now, and whether it does not hold only because it is too early
    /// to tell.
    #[must_use]
    pub fn so_far(&self, timeline: &Timeline) -> Vec<(ThresholdResult, bool)> {
        let so_far = self.lines.iter().map(|line| (line, line.result(timeline)));
        so_far
            .map(|(line, result)| (line.is_early(&result, timeline), result))
            .map(|(early, result)| (result, early))
            .collect()
    }
}

/// One threshold, with what its window remembers.
#[derive(Clone, Debug)]
struct Line {
    threshold: Threshold,
    selection: Selection,
    kind: Kind,
    impossible: Option<&'static str>,
    begun: u64,
    ended: u64,
    window: Window,
    /// How many windows (for `for`: seconds) were judged.
    judged: u64,
    worst: Option<f64>,
    violated: Option<Violation>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Window {
    Run,
    For { seconds: u32, streak: u32, longest: u32 },
    Over { seconds: usize, recent: VecDeque<Sample> },
}

/// What one threshold has seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LineSeen {
    begun: u64,
    ended: u64,
    window: Window,
    judged: u64,
    worst: Option<f64>,
    violated: Option<Violation>,
}

/// When a window was first violated.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Violation {
    second: u32,
    value: Option<f64>,
}

impl Line {
    fn new(threshold: &Threshold, plan: &Plan, selection: Selection) -> Self {
        let kind = kind_of(threshold.metric, plan);
        let window = match threshold.window {
            ThresholdWindow::Run => Window::Run,
            ThresholdWindow::For(seconds) => Window::For { seconds: seconds.max(1), streak: 0, longest: 0 },
            ThresholdWindow::Over(seconds) => {
                Window::Over { seconds: seconds.max(1) as usize, recent: VecDeque::new() }
            }
        };
        Self {
            impossible: selection.impossible(threshold, kind),
            kind,
            threshold: threshold.clone(),
            selection,
            begun: 0,
            ended: 0,
            window,
            judged: 0,
            worst: None,
            violated: None,
        }
    }

    fn seen(&self) -> LineSeen {
        let Self { threshold: _, selection: _, kind: _, impossible: _, begun, ended, window, judged, worst, violated } =
            self;
        LineSeen {
            begun: *begun,
            ended: *ended,
            window: window.clone(),
            judged: *judged,
            worst: *worst,
            violated: *violated,
        }
    }

    fn recall(&mut self, seen: LineSeen) {
        let LineSeen { begun, ended, window, judged, worst, violated } = seen;
        (self.begun, self.ended, self.window) = (begun, ended, window);
        (self.judged, self.worst, self.violated) = (judged, worst, violated);
    }

    /// Whether the threshold is violated as of this second, for the first time or still.
    fn second(&mut self, second: &Second, timeline: &Timeline) -> bool {
        if self.impossible.is_some() {
            return false;
        }
        if matches!(self.window, Window::Run) {
            return self.threshold.abort && self.run_violated_so_far(timeline);
        }
        let spans = timeline.spans();
        let sample = self.selection.sample(&second.measurement, |index| second.number >= spans[index].first_measured);
        self.begun += sample.begun;
        self.ended += sample.ended;
        if self.concerns(second, &sample, timeline) {
            self.slide(second, sample);
        }
        self.violated.is_some()
    }

    /// Whether the second is one that the threshold judges: behind the warm-up, and for counts wholly within the
    /// time in which load is planned, as nothing is counted outside of it.
    fn concerns(&self, second: &Second, sample: &Sample, timeline: &Timeline) -> bool {
        let mut spans = self.selection.scenarios.iter().map(|index| &timeline.spans()[*index]);
        match self.kind {
            kind if !kind.is_count() => spans.any(|span| second.number >= span.first_measured),
            _ => spans.any(|span| span.holds(second.number) && !(span.counted && sample.is_idle())),
        }
    }

    fn slide(&mut self, second: &Second, sample: Sample) {
        let in_flight = self.begun > self.ended;
        match &mut self.window {
            Window::Run => {}
            Window::For { .. } if !second.complete => {}
            Window::For { seconds, .. } => {
                let seconds = *seconds;
                let (violates, value) = self.violates(&sample, INTERVAL_NS, in_flight);
                self.note(value, violates || value.is_some());
                self.extend(seconds, violates, second.number, value);
            }
            Window::Over { seconds, recent } => {
                recent.push_back(sample);
                if recent.len() > *seconds {
                    recent.pop_front();
                }
                if recent.len() == *seconds {
                    let merged = merged(recent);
                    let stretch_ns = *seconds as u64 * INTERVAL_NS;
                    let (violates, value) = self.violates(&merged, stretch_ns, in_flight);
                    self.note(value, violates || value.is_some());
                    if violates {
                        self.violated.get_or_insert(Violation { second: second.number, value });
                    }
                }
            }
        }
    }

    fn extend(&mut self, seconds: u32, violates: bool, second: u32, value: Option<f64>) {
        if let Window::For { streak, longest, .. } = &mut self.window {
            *streak = if violates { *streak + 1 } else { 0 };
            *longest = (*longest).max(*streak);
            if *streak >= seconds {
                self.violated.get_or_insert(Violation { second, value });
            }
        }
    }

    /// Whether this stretch violates the threshold, and its number. An empty stretch violates a latency line if
    /// requests are in flight: they are slower than anybody can say yet.
    fn violates(&self, sample: &Sample, stretch_ns: u64, in_flight: bool) -> (bool, Option<f64>) {
        match sample.value(self.kind, self.threshold.aggregate, stretch_ns) {
            Some(value) => (!self.holds(value), Some(value)),
            None => (self.kind == Kind::Trend && in_flight, None),
        }
    }

    fn note(&mut self, value: Option<f64>, judged: bool) {
        self.judged += u64::from(judged);
        let Some(value) = value else { return };
        let low_is_bad = matches!(self.threshold.comparison, Comparison::Greater | Comparison::GreaterOrEqual);
        let worse = |before: f64| if low_is_bad { before.min(value) } else { before.max(value) };
        self.worst = Some(self.worst.map_or(value, worse));
    }

    fn holds(&self, value: f64) -> bool {
        let bound = self.bound();
        match self.threshold.comparison {
            Comparison::Less => value < bound,
            Comparison::LessOrEqual => value <= bound,
            Comparison::Greater => value > bound,
            Comparison::GreaterOrEqual => value >= bound,
            Comparison::Equal => value == bound,
            Comparison::NotEqual => value != bound,
        }
    }

    /// The bound in the value's unit. A plain number that bounds a time is in milliseconds, as k6 has it.
    fn bound(&self) -> f64 {
        match self.threshold.bound {
            Bound::Time(time) => time.as_nanos() as f64,
            Bound::Number(number) if is_time(self.kind, self.threshold.aggregate) => number * 1e6,
            Bound::Number(number) => number,
        }
    }

    /// The run's number so far, or in the end.
    fn of_run(&self, timeline: &Timeline) -> Option<f64> {
        let sample = self.selection.sample(timeline.measured(), |_| true);
        let stretch_ns = timeline.measured_ns(self.selection.scenarios.iter().copied());
        let value = sample.value(self.kind, self.threshold.aggregate, stretch_ns);
        value.filter(|_| sample.has_data(self.kind))
    }

    /// A count only grows, so that of a run under way violates an upper bound for good but no lower one yet.
    fn run_violated_so_far(&self, timeline: &Timeline) -> bool {
        let upper = matches!(self.threshold.comparison, Comparison::Less | Comparison::LessOrEqual);
        if self.threshold.aggregate == Aggregate::Count && !upper {
            return false;
        }
        self.of_run(timeline).is_some_and(|value| !self.holds(value))
    }

    /// Whether this result is one of a run that has yet to bring what is asked for.
    fn is_early(&self, result: &ThresholdResult, timeline: &Timeline) -> bool {
        let nothing_yet = result.value.is_none() && self.violated.is_none() && self.impossible.is_none();
        // A count only grows.
        let counts = matches!(self.window, Window::Run) && self.threshold.aggregate == Aggregate::Count;
        let grows_into_it =
            || !self.run_violated_so_far(timeline) && self.bound() >= self.of_run(timeline).unwrap_or(0.0);
        !result.passed && (nothing_yet || (counts && grows_into_it()))
    }

    fn result(&self, timeline: &Timeline) -> ThresholdResult {
        let (passed, value, remark) = match (&self.impossible, &self.window) {
            (Some(why), _) => (false, None, (*why).to_owned()),
            (None, Window::Run) => verdict_of(self.of_run(timeline), |value| self.holds(value)),
            (None, Window::For { seconds, longest, .. }) => self.result_of_for(*seconds, *longest),
            (None, Window::Over { recent, .. }) => self.result_of_over(recent),
        };
        ThresholdResult {
            expression: self.threshold.expression.clone(),
            passed,
            value: value.map(|value| self.with_meaning(value)),
            window: self.threshold.window,
            remark,
        }
    }

    fn result_of_for(&self, seconds: u32, longest: u32) -> (bool, Option<f64>, String) {
        match self.violated {
            Some(Violation { second, value }) => {
                let empty = if value.is_none() { ", none of those in flight done" } else { "" };
                (false, value, format!("violated for {seconds} s up to second {second}{empty}"))
            }
            None if self.judged == 0 => (false, None, NO_DATA.to_owned()),
            None if longest == 0 => (true, self.worst, "worst second".to_owned()),
            None => (true, self.worst, format!("worst second; violated for at most {longest} of {seconds} s")),
        }
    }

    /// A run shorter than the window is judged by what there is of it.
    fn result_of_over(&self, recent: &VecDeque<Sample>) -> (bool, Option<f64>, String) {
        match self.violated {
            Some(Violation { second, value }) => {
                (false, value, format!("violated by the window that ends with second {second}"))
            }
            None if self.judged > 0 => (true, self.worst, "worst window".to_owned()),
            None => {
                let merged = merged(recent);
                let stretch_ns = recent.len() as u64 * INTERVAL_NS;
                let value = merged.value(self.kind, self.threshold.aggregate, stretch_ns);
                verdict_of(value.filter(|_| merged.has_data(self.kind)), |value| self.holds(value))
            }
        }
    }

    fn with_meaning(&self, value: f64) -> Value {
        match (self.kind, self.threshold.aggregate) {
            (Kind::Trend, aggregate) if is_time(self.kind, aggregate) => Value::Time(value),
            (kind, aggregate) if kind == Kind::Gauge || (kind == Kind::Values && aggregate != Aggregate::Count) => {
                Value::Number(value)
            }
            (Kind::Sum, Aggregate::Count) => Value::Number(value),
            (_, Aggregate::Count) => Value::Count(value),
            (Kind::Fraction, _) => Value::Fraction(value),
            _ => Value::PerSecond(value),
        }
    }
}

const NO_DATA: &str = "no data";

fn verdict_of(value: Option<f64>, holds: impl Fn(f64) -> bool) -> (bool, Option<f64>, String) {
    match value {
        Some(value) => (holds(value), Some(value), String::new()),
        None => (false, None, NO_DATA.to_owned()),
    }
}

fn merged(samples: &VecDeque<Sample>) -> Sample {
    let mut merged = Sample::default();
    samples.iter().for_each(|sample| merged.merge(sample));
    merged
}
