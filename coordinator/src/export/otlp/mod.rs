//! OpenTelemetry's protocol, over gRPC or as HTTP posts.

pub mod messages;
mod told;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use hyper::http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use messages::{ExportRequest, ExportResponse, KeyValue};
use prost::Message;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use super::client::{Client, Receiver};
use super::pairs::pairs;
use super::sender::{Failure, Protocol};
use super::view::View;

/// The one method that is called.
const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
/// Where metrics are posted, if the URL does not say.
const METRICS_PATH: &str = "/v1/metrics";
/// The port on which receivers are by convention to whom things are posted.
const HTTP_PORT: u16 = 4318;
const HEADERS: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];

/// From when on counts and distributions count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temporality {
    /// From the run's start on.
    #[default]
    Cumulative,
    /// Since what was taken last.
    Delta,
}

impl Temporality {
    /// By the names that OpenTelemetry has for preferences.
    pub(super) fn named(name: Option<&str>) -> Result<Self, String> {
        match name.map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "cumulative") => Ok(Self::Cumulative),
            Some("delta" | "lowmemory") => Ok(Self::Delta),
            Some(other) => Err(format!("wanted a temporality of cumulative, delta or lowmemory, got {other:?}")),
        }
    }
}

/// A receiver of OTLP.
#[derive(Debug)]
pub struct Otlp {
    way: Way,
    temporality: Temporality,
    resource: Vec<KeyValue>,
    /// What was taken last.
    taken: Option<Arc<View>>,
}

#[derive(Debug)]
enum Way {
    Grpc(Box<Grpc<Channel>>, HeaderMap),
    Http(Box<Client>),
}

impl Otlp {
    /// The receiver at this URL: with a path things are posted there, without one it is called by gRPC, unless the port or the
    /// protocol's name says otherwise.
    pub(super) fn new(
        url: &str,
        headers: HeaderMap,
        ca: Option<&Path>,
        protocol: Option<&str>,
    ) -> Result<Self, String> {
        let receiver = Receiver::new(url, headers.clone(), ca, b"h2")?;
        let has_path = !["", "/"].contains(&receiver.url.path());
        let posted = match protocol {
            Some("http/protobuf") => true,
            Some("grpc") => has_path,
            None | Some("") => has_path || receiver.url.port() == Some(HTTP_PORT),
            Some(other) => return Err(format!("wanted a protocol of grpc or http/protobuf, got {other:?}")),
        };
        let way = if posted {
            let mut receiver = Receiver::new(url, headers, ca, b"http/1.1")?;
            if !has_path {
                receiver.url.set_path(METRICS_PATH);
            }
            Way::Http(Box::new(Client::new(receiver, may_pass)))
        } else {
            Way::Grpc(Box::new(Grpc::new(channel(receiver)?)), headers)
        };
        Ok(Self { way, temporality: Temporality::Cumulative, resource: Vec::new(), taken: None })
    }

    /// With this temporality, and as a resource with these attributes, as the environment has them.
    pub(super) fn with(
        self,
        temporality: Temporality,
        resource: &str,
        service: Option<String>,
    ) -> Result<Self, String> {
        let mut attributes: Vec<(&str, String)> = pairs(resource)?;
        if let Some(service) = service.filter(|service| !service.is_empty()) {
            attributes.retain(|(name, _)| *name != "service.name");
            attributes.push(("service.name", service));
        }
        for (name, value) in [("service.name", "muster"), ("service.version", env!("CARGO_PKG_VERSION"))] {
            if attributes.iter().all(|(known, _)| *known != name) {
                attributes.push((name, value.to_owned()));
            }
        }
        let resource = attributes.iter().map(|(name, value)| KeyValue::new(name, value)).collect();
        Ok(Self { temporality, resource, ..self })
    }
}

/// Calls go over this connection, which is opened when it is needed.
fn channel(receiver: Receiver) -> Result<Channel, String> {
    let host = receiver.url.host_str().unwrap_or_default();
    let port = receiver.url.port_or_known_default().unwrap_or_default();
    // What is encrypted is the connector's affair.
    let endpoint = Endpoint::from_shared(format!("http://{host}:{port}")).map_err(|error| error.to_string())?;
    let connect = tower::service_fn(move |_| {
        let receiver = receiver.clone();
        async move { receiver.connect().await.map(TokioIo::new) }
    });
    Ok(endpoint.connect_with_connector_lazy(connect))
}

impl Protocol for Otlp {
    type Message = ExportRequest;

    const NAME: &'static str = "OTLP";

    fn messages(&self, view: &View) -> Vec<ExportRequest> {
        let since = match self.temporality {
            Temporality::Cumulative => None,
            Temporality::Delta => Some(self.taken.as_deref()),
        };
        told::requests(view, since, &self.resource)
    }

    async fn post(&mut self, message: &ExportRequest) -> Result<(), Failure> {
        let response = match &mut self.way {
            Way::Grpc(grpc, headers) => {
                grpc.ready().await.map_err(|error| Failure::Again(why(&error), None))?;
                let mut request = Request::new(message.clone());
                *request.metadata_mut() = MetadataMap::from_headers(headers.clone());
                let codec = ProstCodec::<ExportRequest, ExportResponse>::default();
                let called = grpc.unary(request, PathAndQuery::from_static(EXPORT), codec).await;
                called.map_err(|status| judge(&status))?.into_inner()
            }
            Way::Http(client) => {
                let answer = client.post(&HEADERS, Bytes::from(message.encode_to_vec())).await?;
                // An answer that is none is taken for one that says nothing.
                ExportResponse::decode(answer).unwrap_or_default()
            }
        };
        match response.partial_success {
            Some(partial) if partial.rejected_data_points > 0 => {
                let (n, why) = (partial.rejected_data_points, partial.error_message);
                Err(Failure::Never(format!("{n} values were refused: {why}")))
            }
            _ => Ok(()),
        }
    }

    fn delivered(&mut self, view: Arc<View>) {
        self.taken = (self.temporality == Temporality::Delta).then_some(view);
    }
}

/// The statuses after which the specification lets things be sent again.
fn may_pass(status: StatusCode) -> bool {
    [429, 502, 503, 504].contains(&status.as_u16())
}

/// The same of gRPC.
fn judge(status: &Status) -> Failure {
    use std::error::Error as _;
    let passing =
        [Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::OutOfRange, Code::Unavailable, Code::DataLoss];
    // What did not come from the receiver came from the way to it.
    let text = format!("{:?}: {}", status.code(), status.source().map_or_else(|| status.message().to_owned(), why));
    if passing.contains(&status.code()) || status.source().is_some() {
        return Failure::Again(text, None);
    }
    Failure::Never(text)
}

/// An error with what caused it.
fn why(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}
