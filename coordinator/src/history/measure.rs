//! What can be asked of a metric over many runs.

use crate::report::Metric;
use crate::report::trend::Unit;

/// A number that is kept of each metric.
pub(super) struct Column {
    /// As people ask for it.
    pub(super) aggregate: &'static str,
    /// Where it stands in the index.
    pub(super) name: &'static str,
    /// What it is, of those metrics that have it.
    pub(super) of: fn(&Metric) -> Option<f64>,
}

/// All of them.
pub(super) const COLUMNS: [Column; 13] = [
    column("count", "count", |metric| Some(metric.sum.unwrap_or(metric.count as f64))),
    column("rate", "rate", |metric| Some(metric.fraction.unwrap_or(metric.rate_per_s))),
    column("value", "value", |metric| metric.gauge.map(|gauge| gauge.value)),
    column("avg", "avg", |metric| metric.times.as_ref().map(|times| times.mean_ms)),
    column("min", "min", |metric| time(metric, |times| times.min_ms).or(metric.gauge.map(|gauge| gauge.lowest))),
    column("max", "max", |metric| time(metric, |times| times.max_ms).or(metric.gauge.map(|gauge| gauge.highest))),
    column("p(50)", "p50", |metric| percentile(metric, "50")),
    column("p(75)", "p75", |metric| percentile(metric, "75")),
    column("p(90)", "p90", |metric| percentile(metric, "90")),
    column("p(95)", "p95", |metric| percentile(metric, "95")),
    column("p(99)", "p99", |metric| percentile(metric, "99")),
    column("p(99.9)", "p99_9", |metric| percentile(metric, "99.9")),
    column("p(99.99)", "p99_99", |metric| percentile(metric, "99.99")),
];

const fn column(aggregate: &'static str, name: &'static str, of: fn(&Metric) -> Option<f64>) -> Column {
    Column { aggregate, name, of }
}

fn time(metric: &Metric, which: impl FnOnce(&crate::report::Times) -> f64) -> Option<f64> {
    metric.times.as_ref().map(which)
}

fn percentile(metric: &Metric, name: &str) -> Option<f64> {
    metric.times.as_ref()?.percentiles_ms.get(name).copied()
}

/// What is asked of which metric, as a threshold writes it without its bound: `http_req_duration: p(99)`; or in one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    metric: String,
    column: usize,
}

/// Words for what is asked most often.
const WORDS: [(&str, &str, &str); 5] = [
    ("rate", "http_reqs", "rate"),
    ("requests", "http_reqs", "count"),
    ("failed", "http_req_failed", "rate"),
    ("mean", "http_req_duration", "avg"),
    ("checks", "checks", "rate"),
];

impl Measure {
    /// The name of the metric.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.metric
    }

    pub(super) fn column(&self) -> &'static str {
        COLUMNS[self.column].name
    }

    /// What it is in, for a metric of this kind.
    pub(super) fn unit(&self, kind: &str) -> Unit {
        match (self.column(), kind) {
            ("count", _) => Unit::Count,
            ("rate", "rate") => Unit::Fraction,
            ("rate", _) => Unit::PerS,
            (_, "times") => Unit::Ms,
            _ => Unit::Value,
        }
    }

    /// As a threshold writes it.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("{}: {}", self.metric, COLUMNS[self.column].aggregate)
    }

    fn new(metric: &str, aggregate: &str) -> Option<Self> {
        // `p99` is `p(99)`, and the median has a name of its own.
        let bare = |column: &Column| column.aggregate.replace(['(', ')'], "");
        let aggregate = if aggregate == "med" { "p(50)" } else { aggregate };
        let asked = aggregate.replace(' ', "");
        let column = COLUMNS.iter().position(|column| column.aggregate == asked || bare(column) == asked)?;
        Some(Self { metric: metric.to_owned(), column })
    }
}

impl std::str::FromStr for Measure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let aggregates = || COLUMNS.map(|column| format!("`{}`", column.aggregate)).join(", ");
        if text.contains('{') {
            return Err("the request and the scenario are given with --request and --scenario".to_owned());
        }
        let (metric, aggregate) = match text.split_once(':') {
            Some((metric, aggregate)) => (metric.trim(), aggregate.trim()),
            None => match WORDS.iter().find(|(word, ..)| *word == text.trim()) {
                Some((_, metric, aggregate)) => (*metric, *aggregate),
                None => ("http_req_duration", text.trim()),
            },
        };
        let is_name = !metric.is_empty() && metric.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        Self::new(metric, aggregate).filter(|_| is_name).ok_or_else(|| {
            format!(
                "wanted `p99`, `rate`, `failed`, or a metric with one of {}, such as `http_req_duration: p(99)`",
                aggregates()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_written_as_in_thresholds_or_in_a_word() {
        let read = |text: &str| text.parse::<Measure>().map(|measure| measure.in_words());
        for (text, words) in [
            ("p99", "http_req_duration: p(99)"),
            ("p(99.9)", "http_req_duration: p(99.9)"),
            ("med", "http_req_duration: p(50)"),
            ("mean", "http_req_duration: avg"),
            ("rate", "http_reqs: rate"),
            ("failed", "http_req_failed: rate"),
            ("service_time:p( 95 )", "service_time: p(95)"),
            ("stock: value", "stock: value"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(words), "{text}");
        }
        for wrong in ["", "p98", "p(97)", "http_reqs", ":rate", "a b: rate", "a\"b: rate", "http_reqs{request:x}: rate"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
