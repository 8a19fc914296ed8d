//! Where a run's metrics are to go.

use std::net::SocketAddr;
use std::path::PathBuf;

use hyper::header::HeaderMap;
use thiserror::Error;

use super::client::headers_of;
use super::otlp::{Otlp, Temporality};
use super::prometheus::remote_write::RemoteWrite;
use super::prometheus::scrape::Scraped;

/// Header fields that sign in at a receiver of remote write.
const REMOTE_WRITE_HEADERS: &str = "MUSTER_REMOTE_WRITE_HEADERS";
/// A file with the certificates of whoever certifies that receiver.
const REMOTE_WRITE_CA: &str = "MUSTER_REMOTE_WRITE_CA";

/// Where a run's metrics are to go.
#[derive(Debug, Default)]
pub struct Settings {
    pub(super) scraped: Option<Scraped>,
    pub(super) remote_write: Option<RemoteWrite>,
    pub(super) otlp: Option<Otlp>,
}

/// Why metrics cannot go there, for people to read.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct SettingsError(pub(super) String);

impl Settings {
    /// Nothing, or everything that is asked for: a page at an address, and receivers at URLs. What signs in at those, and
    /// what OpenTelemetry's own variables say, comes from the environment, by name.
    ///
    /// # Errors
    /// When one of them is of no use, or the page's address cannot be had.
    pub async fn new(
        prometheus: Option<SocketAddr>,
        remote_write: Option<&str>,
        otlp: Option<&str>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let headers = |names: &[&str]| {
            let mut all = HeaderMap::new();
            for name in names {
                let text = environment(name).unwrap_or_default();
                all.extend(headers_of(&text).map_err(|error| SettingsError(format!("{name}: {error}")))?);
            }
            Ok::<HeaderMap, SettingsError>(all)
        };
        let file = |names: &[&str]| names.iter().find_map(|name| environment(name)).map(PathBuf::from);
        let remote_write = remote_write.map(|url| {
            let made = RemoteWrite::new(url, headers(&[REMOTE_WRITE_HEADERS])?, file(&[REMOTE_WRITE_CA]).as_deref());
            made.map_err(|error| SettingsError(format!("--remote-write: {error}")))
        });
        let otlp = otlp.map(|url| {
            let wrong = |error| SettingsError(format!("--otlp: {error}"));
            let signed = headers(&["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"])?;
            let ca = file(&["OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"]);
            let made = Otlp::new(url, signed, ca.as_deref(), environment("OTEL_EXPORTER_OTLP_PROTOCOL").as_deref());
            let temporality = environment("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE");
            let temporality = Temporality::named(temporality.as_deref()).map_err(wrong)?;
            let resource = environment("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
            made.map_err(wrong)?.with(temporality, &resource, environment("OTEL_SERVICE_NAME")).map_err(wrong)
        });
        let (remote_write, otlp) = (remote_write.transpose()?, otlp.transpose()?);
        let scraped = match prometheus {
            Some(address) => Some(Scraped::listen(address).await?),
            None => None,
        };
        Ok(Self { scraped, remote_write, otlp })
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scraped.is_none() && self.remote_write.is_none() && self.otlp.is_none()
    }
}
