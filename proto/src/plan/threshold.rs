//! What the merged result must satisfy, as k6 writes it, with windows as Taurus has them.

use std::time::Duration;

/// A pass/fail line over the merged result, such as `http_req_duration{scenario:a}: p(99) < 250ms for 10s, abort`.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// As the plan wrote it.
    pub expression: String,
    /// Which metric.
    pub metric: MetricName,
    /// Which part of it.
    pub selector: Selector,
    /// Which number of it.
    pub aggregate: Aggregate,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub bound: Bound,
    /// Over which time.
    pub window: ThresholdWindow,
    /// Whether a violation stops the run.
    pub abort: bool,
}

/// The metrics a threshold can judge; k6's names and Muster's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MetricName {
    /// `http_req_duration`: response time, from due to done.
    HttpReqDuration,
    /// `service_time`: from sent to done.
    ServiceTime,
    /// `queued`: from due until a user was free.
    Queued,
    /// `lag`: from a free user to the beginning of the attempt.
    Lag,
    /// `http_req_blocked`: waiting for a connection.
    HttpReqBlocked,
    /// `http_req_dns`: name look-up.
    HttpReqDns,
    /// `http_req_connecting`: TCP connect.
    HttpReqConnecting,
    /// `http_req_tls_handshaking`: TLS handshake.
    HttpReqTlsHandshaking,
    /// `http_req_sending`: writing the request.
    HttpReqSending,
    /// `http_req_waiting`: from the request's last byte to the response's first.
    HttpReqWaiting,
    /// `http_req_receiving`: from the response's first byte to its last.
    HttpReqReceiving,
    /// `iteration_duration`: a whole iteration, from its due moment.
    IterationDuration,
    /// `http_reqs`: how many requests were done.
    HttpReqs,
    /// `http_req_failed`: the fraction of requests that failed.
    HttpReqFailed,
    /// `iterations`: how many iterations completed.
    Iterations,
    /// `dropped_iterations`: how many arrivals were skipped.
    DroppedIterations,
    /// `group_duration`: how long the steps of a group took together.
    GroupDuration,
    /// `checks`: the fraction of checks that were true.
    Checks,
    /// A metric of the plan's own, by its place among them.
    Own(u16),
}

/// Which part of a metric; none of the fields set is all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Only this scenario.
    pub scenario: Option<String>,
    /// Only this request.
    pub request: Option<String>,
    /// Only requests that were (or were not) as expected.
    pub expected_response: Option<bool>,
    /// Only this group.
    pub group: Option<String>,
    /// Only checks of this name.
    pub check: Option<String>,
    /// Only requests with these tags: names and values.
    pub tags: Vec<(String, String)>,
}

/// Which number of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregate {
    /// How many.
    Count,
    /// How many per second; of a fraction such as `http_req_failed`, the fraction itself.
    Rate,
    /// The arithmetic mean.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The median.
    Med,
    /// The value below which this percentage lies, 0 to 100.
    Percentile(f64),
    /// Where a gauge stands.
    Value,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// With what a threshold compares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// A time.
    Time(Duration),
    /// A plain number, or a fraction where it was written in percent.
    Number(f64),
}

/// Over which time a threshold judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThresholdWindow {
    /// The whole run after warm-up.
    Run,
    /// Violated once each of so many consecutive complete seconds violates it.
    For(u32),
    /// Violated once the merged last so many seconds violate it.
    Over(u32),
}
