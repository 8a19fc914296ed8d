//! The metrics that a threshold can judge, by k6's names and Muster's own.

use muster_proto::plan::MetricName;

/// What kind of numbers a metric is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    Times,
    Count,
    Fraction,
}

/// A metric: its name, and what can be asked of it.
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) metric: MetricName,
    pub(super) numbers: Numbers,
    pub(super) selectors: &'static [&'static str],
}

const fn metric(
    name: &'static str,
    metric: MetricName,
    numbers: Numbers,
    selectors: &'static [&'static str],
) -> Metric {
    Metric { name, metric, numbers, selectors }
}

/// All selectors: those of what is measured apart for expected and for failed requests.
pub(super) const SELECTORS: &[&str] = &["scenario", "request", "expected_response"];
const REQUEST: &[&str] = &["scenario", "request"];
const SCENARIO: &[&str] = &["scenario"];

/// All metrics that a threshold can judge.
pub(super) static METRICS: [Metric; 16] = [
    metric("http_req_duration", MetricName::HttpReqDuration, Numbers::Times, SELECTORS),
    metric("service_time", MetricName::ServiceTime, Numbers::Times, REQUEST),
    metric("queued", MetricName::Queued, Numbers::Times, REQUEST),
    metric("lag", MetricName::Lag, Numbers::Times, REQUEST),
    metric("http_req_blocked", MetricName::HttpReqBlocked, Numbers::Times, REQUEST),
    metric("http_req_dns", MetricName::HttpReqDns, Numbers::Times, REQUEST),
    metric("http_req_connecting", MetricName::HttpReqConnecting, Numbers::Times, REQUEST),
    metric("http_req_tls_handshaking", MetricName::HttpReqTlsHandshaking, Numbers::Times, REQUEST),
    metric("http_req_sending", MetricName::HttpReqSending, Numbers::Times, REQUEST),
    metric("http_req_waiting", MetricName::HttpReqWaiting, Numbers::Times, REQUEST),
    metric("http_req_receiving", MetricName::HttpReqReceiving, Numbers::Times, REQUEST),
    metric("iteration_duration", MetricName::IterationDuration, Numbers::Times, SCENARIO),
    metric("http_reqs", MetricName::HttpReqs, Numbers::Count, SELECTORS),
    metric("http_req_failed", MetricName::HttpReqFailed, Numbers::Fraction, REQUEST),
    metric("iterations", MetricName::Iterations, Numbers::Count, SCENARIO),
    metric("dropped_iterations", MetricName::DroppedIterations, Numbers::Count, SCENARIO),
];

/// Metrics that thresholds will know but this version does not measure.
pub(super) const LATER: [&str; 6] = ["checks", "data_sent", "data_received", "vus", "vus_max", "http_req_looking_up"];

impl Metric {
    /// What can be asked of it, as a threshold writes it.
    pub(super) const fn aggregates(&self) -> &'static [&'static str] {
        match self.numbers {
            Numbers::Times => &["avg", "min", "max", "med", "p(99)", "count"],
            Numbers::Count => &["count", "rate"],
            Numbers::Fraction => &["rate"],
        }
    }
}
