//! The page that Prometheus asks for, of a run under way.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::super::settings::SettingsError;
use super::super::view::{Kind, Series, Value, View};
use super::messages::{AskedHistogram, Bucket, BucketSpan, Label, Metric, MetricFamily, MetricType, Number};
use super::{labels, spans, text};

/// Readers at once; others wait until one has gone.
const CONNECTIONS_MAX: usize = 16;
/// The longest head of a request, in bytes, and the most fields in it.
const HEAD_BYTES_MAX: usize = 8 << 10;
const FIELDS_MAX: usize = 64;
/// A reader who says nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// So old does a connection get, lest readers who do not read keep the seats of others for ever; then it ends, with the
/// answer that is under way.
const AGE_MAX: Duration = Duration::from_secs(300);
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How messages are asked for.
const MESSAGES: &str = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// The page, while it is there.
#[derive(Debug)]
pub struct Scraped {
    address: SocketAddr,
    shown: watch::Sender<Arc<View>>,
    server: JoinHandle<()>,
}

impl Drop for Scraped {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Scraped {
    /// Opens the page at this address.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn listen(address: SocketAddr) -> Result<Self, SettingsError> {
        let opened = |error| SettingsError(format!("cannot show metrics at {address}: {error}"));
        let listener = TcpListener::bind(address).await.map_err(opened)?;
        let address = listener.local_addr().map_err(opened)?;
        let (shown, view) = watch::channel(Arc::default());
        let server = tokio::spawn(serve(listener, view));
        Ok(Self { address, shown, server })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it shows.
    #[must_use]
    pub(in crate::export) fn shown(&self) -> watch::Sender<Arc<View>> {
        self.shown.clone()
    }
}

async fn serve(listener: TcpListener, view: watch::Receiver<Arc<View>>) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let view = view.clone();
                tokio::spawn(async move {
                    answer_all(stream, view).await;
                    drop(seat);
                });
            }
            // Descriptors may have run out, and may come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn answer_all(stream: TcpStream, view: watch::Receiver<Arc<View>>) {
    let service = service_fn(move |request| {
        let latest = Arc::clone(&view.borrow());
        async move { Ok::<_, Infallible>(answer(&request, &latest)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SILENCE_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // What a reader does wrong is its own affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = tokio::time::sleep(AGE_MAX) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(ANSWER_MAX, connection).await;
}

fn answer(request: &Request<Incoming>, view: &View) -> Response<Full<Bytes>> {
    let with = |status, kind: &'static str, body: Bytes| {
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    };
    let plain =
        |status, body: &'static str| with(status, "text/plain; charset=utf-8", Bytes::from_static(body.as_bytes()));
    match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") if wants_messages(request.headers()) => {
            with(StatusCode::OK, MESSAGES, messages(view).into())
        }
        (&Method::GET | &Method::HEAD, "/metrics") => with(StatusCode::OK, text::CONTENT_TYPE, text::page(view).into()),
        (_, "/metrics") => plain(StatusCode::METHOD_NOT_ALLOWED, "GET /metrics\n"),
        _ => plain(StatusCode::NOT_FOUND, "the metrics are at /metrics\n"),
    }
}

/// Whether messages are asked for before text: readers name first what they like best, or say how much they like it.
fn wants_messages(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    let mut best = (false, 0.0);
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let kind = parts.next().unwrap_or_default();
        let parameters: Vec<String> = parts.collect();
        let has = |parameter: &str| parameters.iter().any(|known| known == parameter);
        let messages = kind == "application/vnd.google.protobuf"
            && has("proto=io.prometheus.client.metricfamily")
            && has("encoding=delimited");
        let text = ["text/plain", "text/*", "*/*"].contains(&kind.as_str());
        let quality = parameters.iter().find_map(|known| known.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        if (messages || text) && quality > best.1 {
            best = (messages, quality);
        }
    }
    best.0
}

/// Everything that is exported as messages, each behind its length.
fn messages(view: &View) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, family) in &view.families {
        let kind = match family.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        };
        let family = MetricFamily {
            name: Some(name.clone()),
            help: Some(family.help.to_owned()),
            kind: Some(kind.into()),
            metrics: family.series.iter().map(|series| metric(view, kind, series)).collect(),
        };
        // Memory is all that this could want for.
        let _ = family.encode_length_delimited(&mut bytes);
    }
    bytes
}

fn metric(view: &View, kind: MetricType, series: &Series) -> Metric {
    let label = |(name, value): (&str, &str)| Label { name: Some(name.to_owned()), value: Some(value.to_owned()) };
    let mut metric = Metric { labels: labels(view, &series.labels).map(label).collect(), ..Metric::default() };
    let number = match &series.value {
        Value::Count(n) => *n as f64,
        Value::Number(n) => *n,
        Value::Histogram(all) => {
            let (spans, positive_deltas) = spans::of(all.exponential());
            let bucket = |(bound, n)| Bucket { cumulative_count: Some(n), upper_bound: Some(bound) };
            metric.histogram = Some(AskedHistogram {
                count: Some(all.count()),
                sum: Some(all.sum()),
                buckets: all.classic().map(bucket).collect(),
                schema: Some(all.exponential().scale()),
                zero_threshold: Some(all.zero_threshold()),
                zero_count: Some(all.zero()),
                positive_spans: spans.into_iter().map(BucketSpan::from).collect(),
                positive_deltas,
            });
            return metric;
        }
    };
    let number = Some(Number { value: Some(number) });
    match kind {
        MetricType::Counter => metric.counter = number,
        MetricType::Gauge | MetricType::Histogram => metric.gauge = number,
    }
    metric
}

impl From<spans::Span> for BucketSpan {
    fn from(span: spans::Span) -> Self {
        Self { offset: span.offset, length: span.length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_given_to_whoever_likes_them_best() {
        let wants =
            |accept: &'static str| wants_messages(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]));
        let messages = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        assert!(wants(messages));
        assert!(wants(
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        ));
        assert!(!wants(
            "text/plain;version=0.0.4;q=0.8,application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.3"
        ));
        assert!(!wants("*/*"));
        assert!(!wants("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text"));
        assert!(!wants_messages(&HeaderMap::new()));
    }
}
