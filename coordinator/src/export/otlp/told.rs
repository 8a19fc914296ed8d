//! A view as OTLP tells it.

use std::sync::Arc;

use super::super::view::{Family, Kind, Series, Unit, Value, View};
use super::messages::{
    Buckets, Data, ExponentialHistogram, ExportRequest, Gauge, HistogramPoint, KeyValue, Metric, NumberPoint,
    PointValue, Resource, ResourceMetrics, Scope, ScopeMetrics, Sum,
};

/// So many values are sent at once: receivers take 4 MiB of gRPC unless told otherwise.
const POINTS_AT_ONCE: usize = 1_000;
const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

/// All metrics of a view, from the run's start on or since an earlier view; of those since the first there is no earlier one.
pub(super) fn requests(view: &View, since: Option<Option<&View>>, resource: &[KeyValue]) -> Vec<ExportRequest> {
    let teller = Teller { view, since };
    let mut requests = Vec::new();
    let (mut metrics, mut points) = (Vec::new(), 0);
    for (name, family) in &view.families {
        let told = teller.metric(name, family);
        points += family.series.len();
        metrics.push(told);
        if points >= POINTS_AT_ONCE {
            requests.push(request(std::mem::take(&mut metrics), resource));
            points = 0;
        }
    }
    if !metrics.is_empty() {
        requests.push(request(metrics, resource));
    }
    requests
}

fn request(metrics: Vec<Metric>, resource: &[KeyValue]) -> ExportRequest {
    let scope = Scope { name: "muster".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    ExportRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes: resource.to_vec() }),
            scope_metrics: vec![ScopeMetrics { scope: Some(scope), metrics }],
        }],
    }
}

struct Teller<'a> {
    view: &'a View,
    since: Option<Option<&'a View>>,
}

impl Teller<'_> {
    fn metric(&self, name: &str, family: &Family) -> Metric {
        let temporality = if self.since.is_some() { DELTA } else { CUMULATIVE };
        let numbers = || family.series.iter().map(|series| self.number(name, family, series)).collect();
        let data = match family.kind {
            Kind::Gauge => Data::Gauge(Gauge { data_points: numbers() }),
            Kind::Counter => {
                Data::Sum(Sum { data_points: numbers(), aggregation_temporality: temporality, is_monotonic: true })
            }
            Kind::Histogram => Data::Histogram(ExponentialHistogram {
                data_points: family.series.iter().filter_map(|series| self.histogram(name, series)).collect(),
                aggregation_temporality: temporality,
            }),
        };
        let unit = match family.unit {
            Unit::Seconds => "s",
            Unit::Bytes => "By",
            Unit::None | Unit::Ratio => "1",
        };
        Metric {
            name: format!("muster.{}", family.name),
            description: family.help.to_owned(),
            unit: unit.to_owned(),
            data: Some(data),
        }
    }

    /// What the same series was when it was taken last.
    fn before(&self, name: &str, series: &Series) -> Option<&Value> {
        let family = self.since.flatten()?.families.get(name)?;
        family.series.iter().find(|known| known.labels == series.labels).map(|known| &known.value)
    }

    fn number(&self, name: &str, family: &Family, series: &Series) -> NumberPoint {
        let before = if family.kind == Kind::Counter { self.before(name, series) } else { None };
        let value = match (&series.value, before) {
            (Value::Count(n), Some(Value::Count(before))) => PointValue::Int(whole(n.saturating_sub(*before))),
            (Value::Number(n), Some(Value::Number(before))) => PointValue::Double(n - before),
            (Value::Count(n), _) => PointValue::Int(whole(*n)),
            (Value::Number(n), _) => PointValue::Double(*n),
            (Value::Histogram(all), _) => PointValue::Int(whole(all.count())),
        };
        NumberPoint {
            start_time_unix_nano: if family.kind == Kind::Gauge { 0 } else { self.start_ns() },
            time_unix_nano: self.view.at_ns,
            attributes: self.attributes(series),
            value: Some(value),
        }
    }

    fn histogram(&self, name: &str, series: &Series) -> Option<HistogramPoint> {
        let Value::Histogram(all) = &series.value else { return None };
        let mut all = Arc::clone(all);
        if let Some(Value::Histogram(before)) = self.before(name, series) {
            Arc::make_mut(&mut all).take_away(before);
        }
        let buckets = all.exponential();
        Some(HistogramPoint {
            attributes: self.attributes(series),
            start_time_unix_nano: self.start_ns(),
            time_unix_nano: self.view.at_ns,
            count: all.count(),
            sum: Some(all.sum()),
            scale: buckets.scale(),
            zero_count: all.zero(),
            positive: Some(Buckets { offset: buckets.offset(), bucket_counts: buckets.counts().to_vec() }),
            zero_threshold: all.zero_threshold(),
        })
    }

    /// From when on things count.
    fn start_ns(&self) -> u64 {
        self.since.flatten().map_or(self.view.start_ns, |before| before.at_ns)
    }

    fn attributes(&self, series: &Series) -> Vec<KeyValue> {
        let own = series.labels.iter().map(|(name, value)| (*name, &**value));
        self.view.common().into_iter().chain(own).map(|(name, value)| KeyValue::new(name, value)).collect()
    }
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
