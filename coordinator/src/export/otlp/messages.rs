//! The messages of OTLP, as far as they are used here.

use prost::{Message, Oneof};

/// What is exported at once.
#[derive(Clone, PartialEq, Message)]
pub struct ExportRequest {
    /// By who tells it.
    #[prost(message, repeated, tag = "1")]
    pub resource_metrics: Vec<ResourceMetrics>,
}

/// What became of it.
#[derive(Clone, PartialEq, Message)]
pub struct ExportResponse {
    /// That not all of it was taken.
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

/// That not all was taken.
#[derive(Clone, PartialEq, Message)]
pub struct PartialSuccess {
    /// How much was not.
    #[prost(int64, tag = "1")]
    pub rejected_data_points: i64,
    /// Why.
    #[prost(string, tag = "2")]
    pub error_message: String,
}

/// What one resource tells.
#[derive(Clone, PartialEq, Message)]
pub struct ResourceMetrics {
    /// Who it is.
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    /// By what it tells with.
    #[prost(message, repeated, tag = "2")]
    pub scope_metrics: Vec<ScopeMetrics>,
}

/// Whoever tells something.
#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    /// What is known of it.
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

/// What is told with one instrument.
#[derive(Clone, PartialEq, Message)]
pub struct ScopeMetrics {
    /// Which.
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    /// Its metrics.
    #[prost(message, repeated, tag = "2")]
    pub metrics: Vec<Metric>,
}

/// What it is told with.
#[derive(Clone, PartialEq, Message)]
pub struct Scope {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its version.
    #[prost(string, tag = "2")]
    pub version: String,
}

/// What is of one name.
#[derive(Clone, PartialEq, Message)]
pub struct Metric {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What it is.
    #[prost(string, tag = "2")]
    pub description: String,
    /// What it is measured in, as UCUM has it.
    #[prost(string, tag = "3")]
    pub unit: String,
    /// Its values.
    #[prost(oneof = "Data", tags = "5, 7, 10")]
    pub data: Option<Data>,
}

/// Values, by how they behave.
#[derive(Clone, PartialEq, Oneof)]
pub enum Data {
    /// They go up and down.
    #[prost(message, tag = "5")]
    Gauge(Gauge),
    /// They add up.
    #[prost(message, tag = "7")]
    Sum(Sum),
    /// They are distributions.
    #[prost(message, tag = "10")]
    Histogram(ExponentialHistogram),
}

/// Values that go up and down.
#[derive(Clone, PartialEq, Message)]
pub struct Gauge {
    /// The values.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<NumberPoint>,
}

/// Values that add up.
#[derive(Clone, PartialEq, Message)]
pub struct Sum {
    /// The values.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<NumberPoint>,
    /// 1: since the last time, 2: since the start.
    #[prost(int32, tag = "2")]
    pub aggregation_temporality: i32,
    /// Whether they only grow.
    #[prost(bool, tag = "3")]
    pub is_monotonic: bool,
}

/// Distributions.
#[derive(Clone, PartialEq, Message)]
pub struct ExponentialHistogram {
    /// The distributions.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<HistogramPoint>,
    /// 1: since the last time, 2: since the start.
    #[prost(int32, tag = "2")]
    pub aggregation_temporality: i32,
}

/// A number.
#[derive(Clone, PartialEq, Message)]
pub struct NumberPoint {
    /// From when on it counts, in nanoseconds since 1970.
    #[prost(fixed64, tag = "2")]
    pub start_time_unix_nano: u64,
    /// The moment, in nanoseconds since 1970.
    #[prost(fixed64, tag = "3")]
    pub time_unix_nano: u64,
    /// What it is of.
    #[prost(message, repeated, tag = "7")]
    pub attributes: Vec<KeyValue>,
    /// The number.
    #[prost(oneof = "PointValue", tags = "4, 6")]
    pub value: Option<PointValue>,
}

/// A number.
#[derive(Clone, Copy, PartialEq, Oneof)]
pub enum PointValue {
    /// Any.
    #[prost(double, tag = "4")]
    Double(f64),
    /// A whole one.
    #[prost(sfixed64, tag = "6")]
    Int(i64),
}

/// A distribution.
#[derive(Clone, PartialEq, Message)]
pub struct HistogramPoint {
    /// What it is of.
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
    /// From when on it counts, in nanoseconds since 1970.
    #[prost(fixed64, tag = "2")]
    pub start_time_unix_nano: u64,
    /// The moment, in nanoseconds since 1970.
    #[prost(fixed64, tag = "3")]
    pub time_unix_nano: u64,
    /// How many values.
    #[prost(fixed64, tag = "4")]
    pub count: u64,
    /// Their sum.
    #[prost(double, optional, tag = "5")]
    pub sum: Option<f64>,
    /// How fine the buckets are.
    #[prost(sint32, tag = "6")]
    pub scale: i32,
    /// How many values count as none.
    #[prost(fixed64, tag = "7")]
    pub zero_count: u64,
    /// The buckets.
    #[prost(message, optional, tag = "8")]
    pub positive: Option<Buckets>,
    /// Up to where values count as none.
    #[prost(double, tag = "14")]
    pub zero_threshold: f64,
}

/// Buckets.
#[derive(Clone, PartialEq, Message)]
pub struct Buckets {
    /// The number of the first.
    #[prost(sint32, tag = "1")]
    pub offset: i32,
    /// The counts.
    #[prost(uint64, repeated, tag = "2")]
    pub bucket_counts: Vec<u64>,
}

/// Something that is known.
#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    /// What.
    #[prost(string, tag = "1")]
    pub key: String,
    /// What it is.
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

/// A text: other values are not used here.
#[derive(Clone, PartialEq, Message)]
pub struct AnyValue {
    /// The text.
    #[prost(string, optional, tag = "1")]
    pub text: Option<String>,
}

impl KeyValue {
    /// A text by its name.
    #[must_use]
    pub fn new(key: &str, text: &str) -> Self {
        Self { key: key.to_owned(), value: Some(AnyValue { text: Some(text.to_owned()) }) }
    }
}
