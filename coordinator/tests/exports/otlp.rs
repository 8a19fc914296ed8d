//! OTLP, posted and called.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use muster::export::otlp::messages::{Data, ExportRequest, ExportResponse, Metric, PartialSuccess, PointValue};
use prost::Message;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codegen::http;
use tonic::codegen::{BoxFuture, Service};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::receiver::{Answer, Receiver};
use super::run::{Done, Run};

/// The metrics of that name, in order.
fn metrics(requests: &[ExportRequest], name: &str) -> Vec<Metric> {
    let scopes = requests.iter().flat_map(|request| &request.resource_metrics).flat_map(|of| &of.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics).filter(|metric| metric.name == name).cloned().collect()
}

/// What each request tells of a sum, all its points together.
fn sums(requests: &[ExportRequest], name: &str) -> Vec<i64> {
    let sum = |metric: Metric| match metric.data {
        Some(Data::Sum(sum)) => sum
            .data_points
            .iter()
            .map(|point| match point.value {
                Some(PointValue::Int(n)) => n,
                other => panic!("a whole number, not {other:?}"),
            })
            .sum(),
        other => panic!("a sum, not {other:?}"),
    };
    metrics(requests, name).into_iter().map(sum).collect()
}

/// How many values each request tells of a distribution, all its points together.
fn counts(requests: &[ExportRequest], name: &str) -> Vec<u64> {
    let count = |metric: Metric| match metric.data {
        Some(Data::Histogram(all)) => all
            .data_points
            .iter()
            .map(|point| {
                let buckets = point.positive.as_ref().unwrap();
                assert_eq!(point.count, point.zero_count + buckets.bucket_counts.iter().sum::<u64>());
                point.count
            })
            .sum(),
        other => panic!("a distribution, not {other:?}"),
    };
    metrics(requests, name).into_iter().map(count).collect()
}

/// The last state is the result.
fn check_cumulative(requests: &[ExportRequest], done: &Done) {
    assert_eq!(sums(requests, "muster.iterations_due")[..3], [100, 200, 300]);
    assert_eq!(*sums(requests, "muster.http_reqs").last().unwrap() as u64, done.count("http_reqs"));
    assert_eq!(*counts(requests, "muster.http_req_duration").last().unwrap(), done.count("http_req_duration"));
}

#[test]
fn posted_counts_go_on_from_the_start_whatever_comes_between() {
    let receiver = Receiver::start(|number| Answer::Status(if number == 1 { 503 } else { 200 }));
    let url = format!("http://{}/v1/metrics", receiver.address);
    let environment = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s3cret"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test%2C1"),
    ];
    let done = Run::start(3, &["--otlp", &url], &environment).end();
    assert_eq!(done.code, Some(0), "{}", done.said);
    assert!(!done.tells("s3cret"));
    assert!(
        receiver
            .posts()
            .iter()
            .all(|post| post.head.starts_with("post /v1/metrics ") && post.head.contains("x-key: s3cret\r\n"))
    );
    let requests: Vec<ExportRequest> =
        receiver.taken().iter().map(|post| ExportRequest::decode(&*post.body).unwrap()).collect();
    check_cumulative(&requests, &done);
    let resource = requests[0].resource_metrics[0].resource.as_ref().unwrap();
    let attribute = |name: &str| {
        let found = resource.attributes.iter().find(|attribute| attribute.key == name).unwrap();
        found.value.as_ref().unwrap().text.clone().unwrap()
    };
    assert_eq!(attribute("deployment.environment.name"), "test,1");
    assert_eq!(attribute("service.name"), "muster");
}

#[test]
fn differences_add_up_although_some_are_refused() {
    let receiver = Receiver::start(|number| Answer::Status(if number == 1 { 400 } else { 200 }));
    let url = format!("http://{}/v1/metrics", receiver.address);
    let environment = [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")];
    let done = Run::start(3, &["--otlp", &url], &environment).end();
    let requests: Vec<ExportRequest> =
        receiver.taken().iter().map(|post| ExportRequest::decode(&*post.body).unwrap()).collect();
    assert_eq!(sums(&requests, "muster.iterations_due")[..2], [100, 200], "what was refused comes with the next");
    assert_eq!(sums(&requests, "muster.http_reqs").iter().sum::<i64>() as u64, done.count("http_reqs"));
    assert_eq!(counts(&requests, "muster.http_req_duration").iter().sum::<u64>(), done.count("http_req_duration"));
    assert!(done.said.contains("OTLP fails, and the run goes on: 400 hello (not tried again)"), "{}", done.said);
}

/// What was asked for, and the key that came with it.
type Call = (ExportRequest, Option<String>);

/// What a called receiver was told, and how it answers each call, by its number.
#[derive(Clone)]
struct Called {
    requests: Arc<Mutex<Vec<Call>>>,
    answer: fn(usize) -> Result<ExportResponse, Status>,
}

impl tonic::server::UnaryService<ExportRequest> for Called {
    type Response = ExportResponse;
    type Future = BoxFuture<Response<ExportResponse>, Status>;

    fn call(&mut self, request: Request<ExportRequest>) -> Self::Future {
        let key = request.metadata().get("x-key").map(|key| key.to_str().unwrap().to_owned());
        let mut requests = self.requests.lock().unwrap();
        let answer = (self.answer)(requests.len());
        requests.push((request.into_inner(), key));
        Box::pin(async move { answer.map(Response::new) })
    }
}

impl Service<http::Request<tonic::body::Body>> for Called {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let called = self.clone();
        Box::pin(async move {
            let codec = ProstCodec::<ExportResponse, ExportRequest>::default();
            Ok(tonic::server::Grpc::new(codec).unary(called, request).await)
        })
    }
}

impl tonic::server::NamedService for Called {
    const NAME: &'static str = "opentelemetry.proto.collector.metrics.v1.MetricsService";
}

#[tokio::test(flavor = "multi_thread")]
async fn called_counts_go_on_from_the_start() {
    let called = Called {
        requests: Arc::default(),
        answer: |number| match number {
            1 => Err(Status::unavailable("later")),
            2 => Ok(ExportResponse {
                partial_success: Some(PartialSuccess { rejected_data_points: 3, error_message: "too old".to_owned() }),
            }),
            _ => Ok(ExportResponse::default()),
        },
    };
    let requests = Arc::clone(&called.requests);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder().add_service(called);
    let server = tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let run = move || Run::start(3, &["--otlp", &url], &[("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s3cret")]).end();
    let done = tokio::task::spawn_blocking(run).await.unwrap();
    server.abort();
    let requests = requests.lock().unwrap();
    assert!(requests.iter().all(|(_, key)| key.as_deref() == Some("s3cret")));
    assert_eq!(requests[1].0, requests[2].0, "what may be taken later is sent again");
    let taken: Vec<ExportRequest> = requests
        .iter()
        .enumerate()
        .filter(|(number, _)| *number != 1)
        .map(|(_, (request, _))| request.clone())
        .collect();
    check_cumulative(&taken, &done);
    assert!(done.said.contains("OTLP fails, and the run goes on: Unavailable: later (trying again)"), "{}", done.said);
    assert!(done.said.contains("1 refused") && done.said.contains("3 values were refused: too old"), "{}", done.said);
}
