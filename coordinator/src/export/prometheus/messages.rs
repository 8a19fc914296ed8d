//! The messages of Prometheus, as far as they are used here.

/// What is asked for: a name, and all values of it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MetricFamily {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// What it is.
    #[prost(string, optional, tag = "2")]
    pub help: Option<String>,
    /// How it behaves.
    #[prost(enumeration = "MetricType", optional, tag = "3")]
    pub kind: Option<i32>,
    /// Its values.
    #[prost(message, repeated, tag = "4")]
    pub metrics: Vec<Metric>,
}

/// How something behaves, where it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MetricType {
    /// It only grows.
    Counter = 0,
    /// It goes up and down.
    Gauge = 1,
    /// It is a distribution.
    Histogram = 4,
}

/// A value with its labels.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Metric {
    /// Its labels.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// The value of a gauge.
    #[prost(message, optional, tag = "2")]
    pub gauge: Option<Number>,
    /// The value of a counter.
    #[prost(message, optional, tag = "3")]
    pub counter: Option<Number>,
    /// A distribution.
    #[prost(message, optional, tag = "7")]
    pub histogram: Option<AskedHistogram>,
}

/// A label: the same message wherever there is one.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Label {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Its value.
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

/// A number.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Number {
    /// The number.
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
}

/// A distribution, where it is asked for.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AskedHistogram {
    /// How many values.
    #[prost(uint64, optional, tag = "1")]
    pub count: Option<u64>,
    /// Their sum.
    #[prost(double, optional, tag = "2")]
    pub sum: Option<f64>,
    /// A few buckets with bounds that everybody knows, for readers of those.
    #[prost(message, repeated, tag = "3")]
    pub buckets: Vec<Bucket>,
    /// How fine the buckets of equal ratio are.
    #[prost(sint32, optional, tag = "5")]
    pub schema: Option<i32>,
    /// Up to where values count as none.
    #[prost(double, optional, tag = "6")]
    pub zero_threshold: Option<f64>,
    /// How many do.
    #[prost(uint64, optional, tag = "7")]
    pub zero_count: Option<u64>,
    /// The buckets of equal ratio.
    #[prost(message, repeated, tag = "12")]
    pub positive_spans: Vec<BucketSpan>,
    /// Each bucket's difference from the one before.
    #[prost(sint64, repeated, tag = "13")]
    pub positive_deltas: Vec<i64>,
}

/// A bucket with everything below it.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Bucket {
    /// So many values,
    #[prost(uint64, optional, tag = "1")]
    pub cumulative_count: Option<u64>,
    /// ... up to this one.
    #[prost(double, optional, tag = "2")]
    pub upper_bound: Option<f64>,
}

/// A run of buckets.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct BucketSpan {
    /// Buckets since the last one, or the number of the first.
    #[prost(sint32, tag = "1")]
    pub offset: i32,
    /// How many buckets.
    #[prost(uint32, tag = "2")]
    pub length: u32,
}

/// What is sent by remote write 1.0.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WriteRequest {
    /// Values by their labels.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
    /// What names mean.
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<Metadata>,
}

/// Values of the same labels, of which one is the name.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TimeSeries {
    /// In the order of their names.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// Numbers.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    /// Distributions.
    #[prost(message, repeated, tag = "4")]
    pub histograms: Vec<SentHistogram>,
}

/// A number at a moment.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Sample {
    /// The number.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// The moment, in milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// A distribution at a moment.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SentHistogram {
    /// How many values.
    #[prost(uint64, optional, tag = "1")]
    pub count: Option<u64>,
    /// Their sum.
    #[prost(double, tag = "3")]
    pub sum: f64,
    /// How fine the buckets are.
    #[prost(sint32, tag = "4")]
    pub schema: i32,
    /// Up to where values count as none.
    #[prost(double, tag = "5")]
    pub zero_threshold: f64,
    /// How many do.
    #[prost(uint64, optional, tag = "6")]
    pub zero_count: Option<u64>,
    /// The buckets.
    #[prost(message, repeated, tag = "11")]
    pub positive_spans: Vec<BucketSpan>,
    /// Each bucket's difference from the one before.
    #[prost(sint64, repeated, tag = "12")]
    pub positive_deltas: Vec<i64>,
    /// The moment, in milliseconds since 1970.
    #[prost(int64, tag = "15")]
    pub timestamp: i64,
}

/// What a name means.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Metadata {
    /// How it behaves: 1 a counter, 2 a gauge, 3 a histogram.
    #[prost(int32, tag = "1")]
    pub kind: i32,
    /// The name.
    #[prost(string, tag = "2")]
    pub family: String,
    /// What it is.
    #[prost(string, tag = "4")]
    pub help: String,
    /// What it is measured in.
    #[prost(string, tag = "5")]
    pub unit: String,
}
