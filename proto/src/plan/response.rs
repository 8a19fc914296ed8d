//! What is made of a response: captures, checks, and metrics of the plan's own.

use serde::{Deserialize, Serialize};

/// The most captures, checks or observations of one request, each.
pub const FINDINGS_MAX: usize = 64;
/// The most metrics of a plan's own.
pub const METRICS_MAX: usize = 100;
/// The longest text by which something is looked for in a response, in bytes.
pub const PATTERN_BYTES_MAX: usize = 4 << 10;
/// The most checks, groups and metrics of a plan, counted apart.
pub const TALLIES_MAX: usize = 10_000;

/// Where in a response to look.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Its status.
    Status,
    /// A header field of this name, in lower case.
    Header(String),
    /// A cookie of this name that it sets.
    Cookie(String),
    /// Its body, as text.
    Body,
    /// What this JSONPath (RFC 9535) finds in its body.
    Json(String),
    /// What this regular expression finds in its body: its first group, or all of it.
    Regex(String),
    /// What this CSS selector finds in its body: this attribute, or the text within.
    Css(String, Option<String>),
    /// The size of its body, in bytes.
    Size,
    /// The response time, in milliseconds.
    Time,
}

/// Which of several findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pick {
    /// The first.
    #[default]
    First,
    /// The last.
    Last,
    /// Any, drawn anew each time.
    Random,
    /// All, as a list.
    All,
}

/// What happens when nothing is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// The iteration ends, and has failed.
    #[default]
    Fail,
    /// The iteration ends, and has not failed for that.
    Skip,
    /// The iteration goes on without it.
    GoOn,
    /// This value, as JSON, stands in its place.
    Default(String),
}

/// A value that is kept of a response, for the rest of the iteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The name by which templates call it.
    pub name: String,
    /// Where to look.
    pub source: Source,
    /// Which of several.
    pub pick: Pick,
    /// What if there is none.
    pub missing: Missing,
}

impl Capture {
    /// Whether it is counted as a check that there is something to be found.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.missing == Missing::Fail
    }

    /// What that check is called.
    #[must_use]
    pub fn check_name(&self) -> String {
        format!("capture {}", self.name)
    }
}

/// What a finding must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Equal to the operand, which is JSON.
    Equal,
    /// Not equal to the operand, which is JSON.
    NotEqual,
    /// A number below the operand.
    Less,
    /// A number no greater than the operand.
    LessOrEqual,
    /// A number above the operand.
    Greater,
    /// A number no smaller than the operand.
    GreaterOrEqual,
    /// A text with the operand in it, or a list with it as an element.
    Contains,
    /// Not so.
    NotContains,
    /// A text that begins with the operand.
    StartsWith,
    /// A text that ends with the operand.
    EndsWith,
    /// A text in which the operand, a regular expression, finds something.
    Matches,
    /// Not so.
    NotMatches,
    /// There, but of no length.
    Empty,
    /// There, and of some length.
    NotEmpty,
    /// There.
    Exists,
    /// Not there.
    Absent,
    /// A status among those of the operand: ranges such as `200-299`, with commas between.
    Status,
    /// As the operand, a JSON schema, has it.
    Schema,
}

impl Condition {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Contains,
        Self::NotContains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Matches,
        Self::NotMatches,
        Self::Empty,
        Self::NotEmpty,
        Self::Exists,
        Self::Absent,
        Self::Status,
        Self::Schema,
    ];
}

/// Something that is expected of a response, counted by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, by which it is counted.
    pub name: String,
    /// Where to look.
    pub source: Source,
    /// What the finding must be.
    pub condition: Condition,
    /// What it is compared with.
    pub operand: String,
    /// Whether the operand is a template.
    pub template: bool,
}

/// The kind of a metric of the plan's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MetricKind {
    /// Values with their distribution.
    #[default]
    Trend,
    /// A sum.
    Counter,
    /// How many of how many are true.
    Rate,
    /// Where something stands.
    Gauge,
}

impl MetricKind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Trend, Self::Counter, Self::Rate, Self::Gauge];

    /// The name that plans and reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trend => "trend",
            Self::Counter => "counter",
            Self::Rate => "rate",
            Self::Gauge => "gauge",
        }
    }
}

/// A value for a metric of the plan's own, noted after a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The metric's place among the plan's.
    pub metric: u16,
    /// The value: a number or a flag, or a template that makes one.
    pub value: String,
}
