//! Where a run's metrics go while it goes on.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::Args;

use super::{Problem, stops};
use crate::exit::ExitCode;
use crate::export::Settings;
use crate::export::prometheus::scrape::Scraped;
use crate::plan_file::parse_duration;

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Metrics while the run goes on")]
pub(super) struct ExportArgs {
    /// Show metrics to Prometheus at /metrics of this address, or of this port on this machine alone, such as 9464
    #[arg(long, value_name = "PORT|ADDR", value_parser = address)]
    prometheus: Option<SocketAddr>,
    /// Show them for so long after the run, so that the last of them are read [default: 0s]
    #[arg(long, value_name = "DURATION", requires = "prometheus", value_parser = parse_duration)]
    prometheus_linger: Option<Duration>,
    /// Send metrics by Prometheus' remote write; header fields come from $MUSTER_REMOTE_WRITE_HEADERS (name=value,...)
    #[arg(long, value_name = "URL")]
    remote_write: Option<String>,
    /// Send metrics by OTLP: over gRPC, or as HTTP posts if the URL has a path; $OTEL_* are heeded
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
}

impl ExportArgs {
    /// What of it can be had is had before the run begins.
    pub(super) async fn settings(&self) -> Result<Settings, Problem> {
        let environment = |name: &str| std::env::var(name).ok();
        let made = Settings::new(self.prometheus, self.remote_write.as_deref(), self.otlp.as_deref(), environment);
        made.await.map_err(|error| Problem::new(ExitCode::BadPlan, format!("error: {error}")))
    }

    /// Leaves the page where it is for as long as was asked for, or until the user wishes to stop.
    pub(super) async fn linger(&self, page: Option<Scraped>) {
        let Some((page, linger)) = page.zip(self.prometheus_linger).filter(|(_, linger)| !linger.is_zero()) else {
            return;
        };
        // Whoever reads that it can be ended may do so at once.
        let mut stops = stops::listen();
        eprintln!("metrics stay at http://{}/metrics for {} s; Ctrl-C ends that", page.address(), linger.as_secs());
        tokio::select! {
            () = tokio::time::sleep(linger) => {}
            _ = stops.wishes.recv() => {}
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse();
    let here = port.map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    here.or_else(|_| text.parse())
        .map_err(|_| "wanted a port such as 9464, or an address such as 0.0.0.0:9464".to_owned())
}
