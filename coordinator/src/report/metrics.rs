//! What was measured, per series, per scenario and over all.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
use muster_proto::histogram::{HIGHEST_NS, Histogram, LOWEST_NS, highest_in_bucket_ns, lowest_in_bucket_ns};
use muster_proto::measurement::{IterationStats, Phase, RequestStats};

use super::document::{Metric, Times};
use super::numbers::{fraction, ms, ms_of, per_second};
use super::{checks, curve};
use crate::run::record::RunRecord;
use crate::verdict::percentile_ns;

/// The percentiles of a distribution, in per cent as documents name them.
pub(super) const PERCENTILES: [(&str, f64); 7] =
    [("50", 50.0), ("75", 75.0), ("90", 90.0), ("95", 95.0), ("99", 99.0), ("99.9", 99.9), ("99.99", 99.99)];

/// All metrics: the series in their order, then the scenarios, then everything together.
pub(super) fn of(record: &RunRecord) -> Vec<Metric> {
    let (timeline, measured) = (&record.timeline, record.timeline.measured());
    let scenario_name = |index: usize| Some(record.plan.scenarios[index].name.clone());
    let mut metrics = Vec::new();
    let mut requests = vec![RequestStats::default(); record.plan.scenarios.len()];
    for (key, stats) in timeline.table().keys().iter().zip(&measured.series) {
        let stretch_ns = timeline.measured_ns(std::iter::once(key.scenario));
        let scope = Scope { scenario: scenario_name(key.scenario), request: Some(key.request.clone()), stretch_ns };
        scope.requests(stats, true, &mut metrics);
        requests[key.scenario].merge(stats);
    }
    let (mut all_requests, mut all_iterations) = (RequestStats::default(), IterationStats::default());
    for (index, (requests, iterations)) in requests.iter().zip(&measured.scenarios).enumerate() {
        let stretch_ns = timeline.measured_ns(std::iter::once(index));
        let scope = Scope { scenario: scenario_name(index), request: None, stretch_ns };
        scope.requests(requests, false, &mut metrics);
        scope.iterations(iterations, true, &mut metrics);
        checks::metrics(record, &scope, Some(index), &mut metrics);
        all_requests.merge(requests);
        all_iterations.merge(iterations);
    }
    let stretch_ns = timeline.measured_ns(0..record.plan.scenarios.len());
    let scope = Scope { scenario: None, request: None, stretch_ns };
    scope.requests(&all_requests, false, &mut metrics);
    scope.iterations(&all_iterations, false, &mut metrics);
    checks::metrics(record, &scope, None, &mut metrics);
    metrics
}

/// Of what a metric is, and over how long.
pub(super) struct Scope {
    scenario: Option<String>,
    request: Option<String>,
    stretch_ns: u64,
}

impl Scope {
    fn requests(&self, stats: &RequestStats, with_hdr: bool, metrics: &mut Vec<Metric>) {
        metrics.push(self.counter("http_reqs", stats.outcomes()));
        metrics.push(self.rate("http_req_failed", stats.failed_total(), stats.outcomes()));
        let mut response = stats.response_expected.clone();
        response.merge(&stats.response_failed);
        let times = [
            ("http_req_duration", &response),
            ("service_time", &stats.service),
            ("queued", &stats.queued),
            ("lag", &stats.lag),
        ];
        let phases = Phase::ALL.into_iter().map(|phase| (phase_name(phase), &stats.phases[phase as usize]));
        let of = |(name, histogram): (&str, &Histogram)| {
            let mut metric = self.trend(name, histogram, with_hdr)?;
            if let Some(times) = metric.times.as_mut().filter(|_| ["http_req_duration", "service_time"].contains(&name))
            {
                times.curve = curve::of(histogram);
            }
            Some(metric)
        };
        metrics.extend(times.into_iter().chain(phases).filter_map(of));
        let extras = [
            ("reconnects", stats.reconnects),
            ("connections", stats.connections),
            ("data_sent", stats.bytes_sent),
            ("data_received", stats.bytes_received),
        ];
        metrics.extend(extras.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| self.counter(name, n)));
    }

    fn iterations(&self, stats: &IterationStats, with_hdr: bool, metrics: &mut Vec<Metric>) {
        metrics.push(self.counter("iterations", stats.completed));
        metrics.push(self.counter("dropped_iterations", stats.skipped_total()));
        let times = [
            ("iteration_duration", &stats.duration),
            ("arrival_lag", &stats.arrival_lag),
            ("think_lag", &stats.think_lag),
        ];
        metrics.extend(times.into_iter().filter_map(|(name, times)| self.trend(name, times, with_hdr)));
    }

    pub(super) fn metric(&self, name: &str, kind: &str, count: u64) -> Metric {
        Metric {
            name: name.to_owned(),
            scenario: self.scenario.clone(),
            request: self.request.clone(),
            group: None,
            kind: kind.to_owned(),
            count,
            rate_per_s: per_second(count, self.stretch_ns),
            fraction: None,
            sum: None,
            gauge: None,
            times: None,
        }
    }

    pub(super) fn counter(&self, name: &str, count: u64) -> Metric {
        self.metric(name, "counter", count)
    }

    pub(super) fn rate(&self, name: &str, hits: u64, whole: u64) -> Metric {
        Metric { fraction: Some(fraction(hits, whole)), ..self.metric(name, "rate", hits) }
    }

    pub(super) fn trend(&self, name: &str, histogram: &Histogram, with_hdr: bool) -> Option<Metric> {
        let times = times_of(histogram, with_hdr)?;
        Some(Metric { times: Some(times), ..self.metric(name, "trend", histogram.count()) })
    }
}

const fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Blocked => "http_req_blocked",
        Phase::Dns => "http_req_dns",
        Phase::Connecting => "http_req_connecting",
        Phase::TlsHandshaking => "http_req_tls_handshaking",
        Phase::Sending => "http_req_sending",
        Phase::Waiting => "http_req_waiting",
        Phase::Receiving => "http_req_receiving",
    }
}

fn times_of(histogram: &Histogram, with_hdr: bool) -> Option<Times> {
    let mean_ns = histogram.mean_ns()?;
    let percentile = |(name, percent): (&str, f64)| Some((name.to_owned(), ms(percentile_ns(histogram, percent)?)));
    Some(Times {
        min_ms: ms(histogram.min_ns()?),
        mean_ms: ms_of(mean_ns),
        stddev_ms: ms_of(stddev_ns(histogram, mean_ns)),
        max_ms: ms(histogram.max_ns()?),
        percentiles_ms: PERCENTILES.into_iter().filter_map(percentile).collect::<BTreeMap<_, _>>(),
        hdr: if with_hdr { hdr_of(histogram) } else { None },
        curve: Vec::new(),
    })
}

/// The standard deviation of a whole population, √(Σ n·(x − mean)² / Σ n), with each bucket's middle for x.
fn stddev_ns(histogram: &Histogram, mean_ns: f64) -> f64 {
    let square = |(index, n): (usize, u64)| {
        let middle_ns = (lowest_in_bucket_ns(index) as f64 + highest_in_bucket_ns(index) as f64) / 2.0;
        n as f64 * (middle_ns - mean_ns).powi(2)
    };
    (histogram.buckets().map(square).sum::<f64>() / histogram.count() as f64).sqrt()
}

/// The histogram as other tools read it. Ours has HdrHistogram's buckets, so each bucket lands in its own.
fn hdr_of(histogram: &Histogram) -> Option<String> {
    let mut hdr = hdrhistogram::Histogram::<u64>::new_with_bounds(LOWEST_NS, HIGHEST_NS, 3).ok()?;
    for (index, n) in histogram.buckets() {
        hdr.saturating_record_n(lowest_in_bucket_ns(index).max(LOWEST_NS), n);
    }
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(&hdr, &mut bytes).ok()?;
    Some(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;

    use super::*;

    #[test]
    fn other_tools_read_the_same_distribution() {
        let mut histogram = Histogram::default();
        (1..=10_000_u64).for_each(|n| histogram.record(n * n * 37));
        let encoded = STANDARD.decode(hdr_of(&histogram).unwrap()).unwrap();
        let read: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut encoded.as_slice()).unwrap();
        assert_eq!(read.len(), histogram.count());
        for percent in [1.0, 50.0, 90.0, 99.0, 99.9, 99.99] {
            assert_eq!(
                read.value_at_percentile(percent),
                histogram.quantile_ns(percent / 100.0).unwrap(),
                "p{percent}"
            );
        }
    }

    #[test]
    fn the_deviation_is_that_of_the_population() {
        let mut histogram = Histogram::default();
        [2, 4, 4, 4, 5, 5, 7, 9].iter().for_each(|n| histogram.record(n * 1_000_000));
        let times = times_of(&histogram, false).unwrap();
        assert_eq!(times.mean_ms, 5.0);
        assert!((times.stddev_ms - 2.0).abs() < 0.01, "{}", times.stddev_ms);
        assert_eq!((times.min_ms, times.max_ms), (2.0, 9.0));
        assert_eq!(times.percentiles_ms["99.99"], 9.0, "never more than the exact maximum");
    }
}
