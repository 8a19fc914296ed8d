//! Prometheus' remote write, 1.0.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use prost::Message;

use super::super::client::{Client, Receiver};
use super::super::sender::{Failure, Protocol};
use super::super::view::{Family, Kind, Series, Unit, Value, View};
use super::messages::{BucketSpan, Label, Metadata, Sample, SentHistogram, TimeSeries, WriteRequest};
use super::{labels, spans};

/// So many series are sent at once.
const SERIES_AT_ONCE: usize = 2_000;
/// What says that a series has ended: this one of the many values that are no number.
const STALE: u64 = 0x7ff0_0000_0000_0002;
const HEADERS: [(&str, &str); 3] = [
    ("content-encoding", "snappy"),
    ("content-type", "application/x-protobuf"),
    ("x-prometheus-remote-write-version", "0.1.0"),
];

/// A receiver of remote write.
#[derive(Debug)]
pub struct RemoteWrite {
    client: Client,
    told_meanings: bool,
}

impl RemoteWrite {
    /// The receiver at this URL.
    pub(in crate::export) fn new(url: &str, headers: HeaderMap, ca: Option<&Path>) -> Result<Self, String> {
        let client = Client::new(Receiver::new(url, headers, ca, b"http/1.1")?, may_pass);
        Ok(Self { client, told_meanings: false })
    }
}

impl Protocol for RemoteWrite {
    type Message = Bytes;

    const NAME: &'static str = "remote write";

    fn messages(&self, view: &View) -> Vec<Bytes> {
        let mut series: Vec<TimeSeries> = all(view, view.at_ns, false).collect();
        if view.is_last {
            // Whoever looks later is not to take the run's last state for the present one.
            series.extend(all(view, view.at_ns + 1_000_000, true));
        }
        let mut meanings = if self.told_meanings { Vec::new() } else { meanings(view) };
        let pack = |series: &[TimeSeries]| {
            let request = WriteRequest { timeseries: series.to_vec(), metadata: std::mem::take(&mut meanings) };
            // It can only fail for what is longer than 4 GiB.
            snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).map(Bytes::from).ok()
        };
        series.chunks(SERIES_AT_ONCE).filter_map(pack).collect()
    }

    async fn post(&mut self, message: &Bytes) -> Result<(), Failure> {
        self.client.post(&HEADERS, message.clone()).await.map(drop)
    }

    fn delivered(&mut self, _view: Arc<View>) {
        self.told_meanings = true;
    }
}

/// What is wrong with a request stays wrong, whatever is wrong with a server may pass.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn meanings(view: &View) -> Vec<Metadata> {
    let of = |(name, family): (&String, &Family)| Metadata {
        kind: match family.kind {
            Kind::Counter => 1,
            Kind::Gauge => 2,
            Kind::Histogram => 3,
        },
        family: name.clone(),
        help: family.help.to_owned(),
        unit: match family.unit {
            Unit::None => "",
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
            Unit::Ratio => "ratio",
        }
        .to_owned(),
    };
    view.families.iter().map(of).collect()
}

/// All series at one moment, or that they have ended.
fn all(view: &View, at_ns: u64, ended: bool) -> impl Iterator<Item = TimeSeries> {
    let timestamp = i64::try_from(at_ns / 1_000_000).unwrap_or(i64::MAX);
    let families =
        view.families.iter().flat_map(|(name, family)| family.series.iter().map(move |series| (name, series)));
    families.map(move |(name, series)| of(view, name, series, timestamp, ended))
}

fn of(view: &View, name: &str, series: &Series, timestamp: i64, ended: bool) -> TimeSeries {
    let named = [("__name__", name)].into_iter().chain(labels(view, &series.labels));
    let mut named: Vec<(&str, &str)> = named.filter(|(_, value)| !value.is_empty()).collect();
    named.sort_unstable();
    let label = |(name, value): (&str, &str)| Label { name: Some(name.to_owned()), value: Some(value.to_owned()) };
    let mut told = TimeSeries { labels: named.into_iter().map(label).collect(), ..TimeSeries::default() };
    let number = |value: f64| Sample { value: if ended { f64::from_bits(STALE) } else { value }, timestamp };
    match &series.value {
        Value::Count(n) => told.samples.push(number(*n as f64)),
        Value::Number(n) => told.samples.push(number(*n)),
        Value::Histogram(_) if ended => {
            told.histograms.push(SentHistogram { sum: f64::from_bits(STALE), timestamp, ..SentHistogram::default() });
        }
        Value::Histogram(all) => {
            let (spans, positive_deltas) = spans::of(all.exponential());
            told.histograms.push(SentHistogram {
                count: Some(all.count()),
                sum: all.sum(),
                schema: all.exponential().scale(),
                zero_threshold: all.zero_threshold(),
                zero_count: Some(all.zero()),
                positive_spans: spans.into_iter().map(BucketSpan::from).collect(),
                positive_deltas,
                timestamp,
            });
        }
    }
    told
}
