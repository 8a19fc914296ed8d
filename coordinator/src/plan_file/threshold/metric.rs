//! The metrics that a threshold can judge, by k6's names and Muster's own.

use muster_proto::plan::{MetricKind, MetricName};

/// What kind of numbers a metric is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    Times,
    /// Plain numbers with a distribution.
    Values,
    Count,
    Fraction,
    Gauge,
}

/// A metric: its name, and what can be asked of it.
#[derive(Clone, Copy)]
pub(super) struct Metric<'n> {
    pub(super) name: &'n str,
    pub(super) metric: MetricName,
    pub(super) numbers: Numbers,
    pub(super) selectors: &'static [&'static str],
}

const fn metric(
    name: &'static str,
    metric: MetricName,
    numbers: Numbers,
    selectors: &'static [&'static str],
) -> Metric<'static> {
    Metric { name, metric, numbers, selectors }
}

/// All selectors that are no tags.
pub(in crate::plan_file) const SELECTORS: &[&str] = &["scenario", "request", "expected_response", "check", "group"];
const RESPONSE: &[&str] = &["scenario", "request", "expected_response"];
const REQUEST: &[&str] = &["scenario", "request"];
const SCENARIO: &[&str] = &["scenario"];
const GROUP: &[&str] = &["scenario", "group"];
const CHECK: &[&str] = &["scenario", "request", "check"];

/// All metrics that a threshold can judge.
pub(super) static METRICS: [Metric<'static>; 18] = [
    metric("http_req_duration", MetricName::HttpReqDuration, Numbers::Times, RESPONSE),
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
    metric("group_duration", MetricName::GroupDuration, Numbers::Times, GROUP),
    metric("http_reqs", MetricName::HttpReqs, Numbers::Count, RESPONSE),
    metric("http_req_failed", MetricName::HttpReqFailed, Numbers::Fraction, REQUEST),
    metric("iterations", MetricName::Iterations, Numbers::Count, SCENARIO),
    metric("dropped_iterations", MetricName::DroppedIterations, Numbers::Count, SCENARIO),
    metric("checks", MetricName::Checks, Numbers::Fraction, CHECK),
];

/// Metrics that thresholds will know but this version does not measure.
pub(super) const LATER: [&str; 5] = ["data_sent", "data_received", "vus", "vus_max", "http_req_looking_up"];

/// A metric of the plan's own, by its place among them.
pub(super) fn own<'n>(metrics: &'n [(String, MetricKind)], name: &str) -> Option<Metric<'n>> {
    let place = metrics.iter().position(|(known, _)| known == name)?;
    let (name, kind) = &metrics[place];
    let numbers = match kind {
        MetricKind::Trend => Numbers::Values,
        MetricKind::Counter => Numbers::Count,
        MetricKind::Rate => Numbers::Fraction,
        MetricKind::Gauge => Numbers::Gauge,
    };
    Some(Metric { name, metric: MetricName::Own(place as u16), numbers, selectors: SCENARIO })
}

impl Metric<'_> {
    /// Whether the tags of requests tell it apart.
    pub(super) fn has_tags(&self) -> bool {
        self.selectors.contains(&"request")
    }

    /// What can be asked of it, as a threshold writes it.
    pub(super) const fn aggregates(&self) -> &'static [&'static str] {
        match self.numbers {
            Numbers::Gauge => &["value", "min", "max"],
            Numbers::Times | Numbers::Values => &["avg", "min", "max", "med", "p(99)", "count"],
            Numbers::Count => &["count", "rate"],
            Numbers::Fraction => &["rate"],
        }
    }
}
