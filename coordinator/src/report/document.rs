//! The result document: what programs read of a run, and all that the renderers know.
//!
//! Times are in the unit that ends a field's name. Fields are only ever added within one version of the schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::apdex::ApdexInfo;
use super::plan::PlanView;

/// The version of the document.
pub const SCHEMA: &str = "muster.result/1";

/// Every number that anyone will read of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of the document: [`SCHEMA`].
    pub schema: String,
    /// Which run.
    pub run: RunInfo,
    /// How it is judged.
    pub verdict: VerdictInfo,
    /// The books.
    pub accounting: Accounting,
    /// What was measured after warm-up: per series, per scenario, and over all.
    pub metrics: Vec<Metric>,
    /// What was expected of responses after warm-up, in the order of the plan.
    #[serde(default)]
    pub checks: Vec<CheckInfo>,
    /// What failed, warm-up included, the most frequent first.
    pub errors: Vec<ErrorInfo>,
    /// How satisfying it was, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apdex: Option<ApdexInfo>,
    /// The generators.
    pub agents: Vec<AgentInfo>,
    /// The run by time, warm-up included.
    pub timeline: Vec<IntervalInfo>,
}

/// Which run it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// Its identity, a UUID of version 7.
    pub id: String,
    /// The plan's name.
    pub name: String,
    /// The plan as it was meant, without its secrets.
    pub plan: PlanView,
    /// What its random streams were derived from.
    pub seed: u64,
    /// When it started, RFC 3339.
    pub started_at: String,
    /// Whether it ever started; otherwise nothing was sent, and nothing is judged.
    pub began: bool,
    /// How long it took.
    pub duration_s: f64,
    /// From when on it is judged.
    pub judged_from_s: u32,
    /// What its user noted about it.
    pub tags: BTreeMap<String, String>,
    /// Whether an invalid run fails even if nothing is judged.
    pub strict: bool,
    /// When it had no coordinator.
    #[serde(default)]
    pub resumed: ResumedInfo,
}

/// How often a run was gone on with by another coordinator, and how long it was without one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResumedInfo {
    /// How often.
    pub times: u32,
    /// How long nobody coordinated it, in all.
    pub absent_s: f64,
    /// Whether the wall clock had to tell how long, because the machine had been started anew.
    pub by_wall_clock: bool,
}

/// How a run is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictInfo {
    /// `passed`, `failed`, `invalid`, `aborted`, `stopped`, `incomplete`, `interrupted` or `broken`.
    pub outcome: String,
    /// What the program ends with.
    pub exit_code: u8,
    /// What was found, the most severe first, in words.
    pub findings: Vec<String>,
    /// What became of each threshold.
    pub thresholds: Vec<ThresholdInfo>,
    /// Whether the generators can be believed.
    pub validity: ValidityInfo,
}

/// What became of one threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdInfo {
    /// As the plan wrote it.
    pub expression: String,
    /// The number that decided, in `unit`.
    pub value: Option<f64>,
    /// `ms`, `fraction`, `count` or `per_s`.
    pub unit: Option<String>,
    /// Whether it held.
    pub passed: bool,
    /// `run`, `for 10s` or `over 10s`.
    pub window: String,
    /// What else there is to know; may be empty.
    pub remark: String,
}

/// Whether the generators can be believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValidityInfo {
    /// `VALID`, `SUSPECT` or `INVALID`.
    pub grade: String,
    /// How many seconds after warm-up got which grade.
    pub seconds: GradeSeconds,
    /// Why seconds are not valid.
    pub reasons: Vec<ReasonInfo>,
    /// How late arrivals began through the generators' fault: 99 % no more than this. Open models only.
    pub arrival_lag_p99_ms: Option<f64>,
    /// How late attempts began through the generators' fault: 99 % no more than this.
    pub lag_p99_ms: Option<f64>,
    /// The busiest worker's processor use in its busiest window, as a fraction of one core.
    pub worker_cpu_max: f64,
    /// The largest difference between an agent's start and the common one.
    pub start_spread_us: Option<f64>,
    /// How far off any agent's clock may be.
    pub clock_uncertainty_us: f64,
    /// Durations outside of what histograms tell apart, counted at the nearest bound.
    pub clamped: u64,
}

/// Seconds by their grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GradeSeconds {
    /// Those that show the target.
    pub valid: u64,
    /// Those in which the generators may show.
    pub suspect: u64,
    /// Those that the generators decided.
    pub invalid: u64,
}

/// Why some seconds are not valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonInfo {
    /// `late`, `short`, `cpu`, `users`, `exhausted` or `missing`.
    pub reason: String,
    /// Seconds that it made suspect.
    pub suspect: u64,
    /// Seconds that it made invalid.
    pub invalid: u64,
    /// In words.
    pub text: String,
}

/// The books.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Accounting {
    /// Of iterations.
    pub iterations: IterationAccount,
    /// Of requests.
    pub requests: RequestAccount,
    /// Samples that lost agents may have taken with them.
    pub lost: LostRange,
    /// Iterations that the shares of lost agents would still have made, as near as the plan tells.
    pub undone: u64,
    /// The part of the load that was lost or left undone.
    pub undelivered: f64,
    /// Deltas that arrived again and were not counted again.
    pub duplicates_refused: u64,
    /// Whether every law holds, also each agent's own.
    pub balanced: bool,
    /// The laws of the whole cluster.
    pub laws: Vec<LawInfo>,
}

/// What became of iterations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IterationAccount {
    /// Fell due.
    pub due: u64,
    /// Started.
    pub started: u64,
    /// Never started, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Went through all their steps.
    pub completed: u64,
    /// Ended early by a failure.
    pub failed: u64,
    /// Ended by the run's end.
    pub cut_off: u64,
    /// Nobody knows.
    pub unknown: u64,
}

/// What became of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestAccount {
    /// Begun.
    pub sent: u64,
    /// Ended.
    pub outcomes: u64,
    /// Nobody knows.
    pub unknown: u64,
}

/// A range that holds a number nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LostRange {
    /// At least so many.
    pub low: u64,
    /// At most so many.
    pub high: u64,
}

/// Two numbers that must be equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LawInfo {
    /// Which numbers.
    pub law: String,
    /// The left one.
    pub left: u64,
    /// The right one.
    pub right: u64,
    /// Whether they are equal.
    pub holds: bool,
}

/// One metric of one series, one scenario, or all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// As thresholds name it.
    pub name: String,
    /// Of which scenario; of all without.
    pub scenario: Option<String>,
    /// Of which request; of all without.
    pub request: Option<String>,
    /// Of which group; of no group without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `trend`, `counter`, `rate` or `gauge`.
    pub kind: String,
    /// How many durations, or what a counter counted, or how many of a rate's whole were hits. Of a counter or gauge of the
    /// plan's own, how often it was noted.
    pub count: u64,
    /// How many per second.
    pub rate_per_s: f64,
    /// A rate's fraction, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f64>,
    /// What a counter of the plan's own adds up to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<f64>,
    /// Where a gauge stands.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub gauge: Option<GaugeInfo>,
    /// A trend's distribution; of a trend of the plan's own, plain numbers stand where others have milliseconds.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
}

/// Where a gauge stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GaugeInfo {
    /// What it was last set to.
    pub value: f64,
    /// The lowest that it was set to.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

/// A distribution of durations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Times {
    /// The exact shortest.
    pub min_ms: f64,
    /// The exact mean.
    pub mean_ms: f64,
    /// The standard deviation, from the histogram.
    pub stddev_ms: f64,
    /// The exact longest.
    pub max_ms: f64,
    /// The values at or below which so many per cent lie, of the merged histogram.
    pub percentiles_ms: BTreeMap<String, f64>,
    /// The histogram itself, in nanoseconds: HdrHistogram V2, deflated, base64. Of a series, or of what only a
    /// scenario has; the others are sums of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr: Option<String>,
    /// The same as a curve, finer towards 100 %: per cents, and the times at or below which so many lie. Of response and
    /// service times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<(f64, f64)>,
}

/// Something that was expected of the responses to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckInfo {
    /// Of which scenario.
    pub scenario: String,
    /// Of which request.
    pub request: String,
    /// What.
    pub check: String,
    /// How often it was so.
    pub passes: u64,
    /// How often it was not.
    pub fails: u64,
    /// When an agent first saw that it was not, warm-up included, in seconds of run time.
    #[serde(rename = "first_failed", default, skip_serializing_if = "Option::is_none")]
    pub first_failed_s: Option<f64>,
    /// What was found then; foreign text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
    /// The trace of one that failed, if one of them was traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// One kind of failure in one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorInfo {
    /// Its kind.
    pub kind: String,
    /// Of which scenario.
    pub scenario: String,
    /// Of which request.
    pub request: String,
    /// How many.
    pub count: u64,
    /// When an agent first saw it, in seconds of run time.
    #[serde(rename = "first_seen")]
    pub first_seen_s: Option<f64>,
    /// What was found then; foreign text.
    pub sample: Option<String>,
    /// The trace of one of them, if one was traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// One generator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentInfo {
    /// As the coordinator numbered it.
    pub id: u32,
    /// As its operator named it.
    pub name: String,
    /// Its build.
    pub version: String,
    /// What its operator noted about it.
    pub labels: BTreeMap<String, String>,
    /// Its part of the load, in proportion to the others'.
    pub weight: u32,
    /// The cores that it may use.
    pub cores: u32,
    /// The workers that it ran.
    pub workers: u32,
    /// Its clock minus the coordinator's.
    pub clock_offset_us: f64,
    /// How far off that may be.
    pub clock_uncertainty_us: f64,
    /// The fastest round trip to it.
    pub round_trip_us: f64,
    /// How much later than told it started.
    pub start_error_us: Option<f64>,
    /// Iterations that fell due on it.
    pub due: u64,
    /// Requests that it began.
    pub sent: u64,
    /// Its processor use.
    pub cpu: CpuInfo,
    /// The most resident memory it told of.
    pub memory_bytes_max: u64,
    /// How late its attempts began through its own fault: 99 % no more than this.
    pub lag_p99_ms: Option<f64>,
    /// When it was given up or left, in seconds of run time.
    #[serde(rename = "lost_at")]
    pub lost_at_s: Option<f64>,
    /// Why it was given up, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_because: Option<String>,
    /// When what it held became others', in seconds of run time.
    #[serde(rename = "taken_over_at", default, skip_serializing_if = "Option::is_none")]
    pub taken_over_at_s: Option<f64>,
    /// Whether it left by itself, its operator ending it.
    pub left: bool,
    /// Whether its process ended first, and all that it had not told was handed in after that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub handed_in: bool,
    /// Whether all of its laws hold.
    pub balanced: bool,
    /// Its laws.
    pub laws: Vec<LawInfo>,
}

/// A generator's processor use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuInfo {
    /// The busiest worker's on average, as a fraction of one core.
    pub worker_mean: f64,
    /// The busiest worker's in its busiest window, as a fraction of one core.
    pub worker_max: f64,
    /// The whole process's on average, in cores.
    pub process_mean: f64,
}

/// A second of the run, or several neighbouring ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntervalInfo {
    /// Its first second, from the run's start.
    pub second: u32,
    /// How many seconds it covers.
    pub resolution_s: u32,
    /// Arrivals due per second.
    pub due_per_s: f64,
    /// Iterations started per second.
    pub started_per_s: f64,
    /// Requests begun per second.
    pub sent_per_s: f64,
    /// Requests ended per second.
    pub done_per_s: f64,
    /// Arrivals skipped.
    pub skipped: u64,
    /// Requests that failed.
    #[serde(default)]
    pub errors: u64,
    /// Response times of all series together.
    #[serde(flatten)]
    pub response: Quantiles,
    /// How many requests took how long, in steps of a tenth of a decade: of step n, from 10^(n/10) to 10^((n+1)/10) µs. Steps
    /// without any are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_steps: Vec<(u16, u64)>,
    /// The most users at work.
    pub users: u64,
    /// `VALID`, `SUSPECT` or `INVALID`: the worst of its seconds.
    pub validity: String,
    /// Why it is not valid.
    pub reasons: Vec<String>,
    /// Whether something in it was told too coarsely to know its second.
    pub coarse: bool,
    /// What the user changed or noted in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<AnnotationInfo>,
    /// The series that did anything.
    pub series: Vec<SeriesInfo>,
}

/// What the user changed or noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnnotationInfo {
    /// When, in seconds of run time.
    pub at_s: f64,
    /// What; foreign text.
    pub text: String,
}

/// One series in one interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesInfo {
    /// Of which scenario.
    pub scenario: String,
    /// Of which request.
    pub request: String,
    /// Requests ended.
    pub count: u64,
    /// Those that failed.
    pub errors: u64,
    /// Their response times.
    #[serde(flatten)]
    pub response: Quantiles,
}

/// Response times of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    /// The median.
    pub p50_ms: Option<f64>,
    /// 90 % are no slower.
    pub p90_ms: Option<f64>,
    /// 99 % are no slower.
    pub p99_ms: Option<f64>,
    /// The exact longest.
    pub max_ms: Option<f64>,
}
