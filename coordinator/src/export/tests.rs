//! One run as everybody takes it.

use muster_proto::measurement::{Gauge, Health, METRIC_UNIT};
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Check, Condition, MetricKind, Observation, Plan, Source, Step};
use prost::Message as _;

use super::moment::AgentState;
use super::otlp::messages::{Data, ExportRequest, HistogramPoint, NumberPoint, PointValue};
use super::otlp::{Otlp, Temporality};
use super::prometheus::messages::{Label, WriteRequest};
use super::prometheus::remote_write::RemoteWrite;
use super::prometheus::text;
use super::sender::Protocol;
use super::*;
use crate::run::synthetic::{Made, fail, healthy, open_plan};
use crate::verdict::validity::Grade;

const START_NS: u64 = 1_700_000_000_000_000_000;

/// A plan with a check and metrics of its own.
fn plan() -> Plan {
    let mut plan = open_plan(10);
    plan.name = "a \"shop\"".to_owned();
    plan.metrics = vec![("basket".to_owned(), MetricKind::Trend), ("stock".to_owned(), MetricKind::Gauge)];
    let Step::Request(request) = &mut plan.scenarios[0].steps[0] else { panic!("a request") };
    let name = "it is there".to_owned();
    request.checks = vec![Check {
        name,
        source: Source::Status,
        condition: Condition::Equal,
        operand: "200".to_owned(),
        template: false,
    }];
    request.metrics = (0..2).map(|metric| Observation { metric, value: "1".to_owned() }).collect();
    plan
}

/// So many seconds of that plan, with failures and notes in each window.
fn run(seconds: u32) -> RunRecord {
    let filled = Made::new(plan(), 1).seconds(seconds, |_, window, delta| {
        healthy(delta);
        fail(&mut delta.measurement.series[1], 1, 250, ErrorKind::Http5xx);
        let [check, basket, stock] = &mut delta.measurement.tallies[..] else { panic!("three tallies") };
        (check.count, check.hits) = (20, 19);
        basket.count = 1;
        basket.trend.record(35 * METRIC_UNIT / 2);
        let last = -(METRIC_UNIT as i64) * i64::from(window);
        (stock.count, stock.gauge) = (1, Some(Gauge { at_ns: u64::from(window), last, min: last, max: last }));
    });
    filled.record
}

/// What is shown of that run after its last second.
fn view(record: &RunRecord) -> View {
    let plan = Arc::new(record.plan.clone());
    let lag = record.timeline.agents()[0].lag.clone();
    let health =
        Health { worker_cpu_max: 0.5, process_cpu: 0.75, memory_bytes: 1 << 26, users: 3, ..Health::default() };
    let agent = AgentState { name: "pod-0".into(), is_at_work: true, sent: 7, health, lag };
    let state = State { users: 3, grade: Grade::Suspect, graded: [1, 2, 0], joined: 1, agents: vec![agent] };
    let at_ns = START_NS + u64::from(record.timeline.closed_until()) * 1_000_000_000;
    let mut view = View {
        start_ns: START_NS,
        at_ns,
        run: record.id.to_string().into(),
        test: plan.name.as_str().into(),
        ..View::default()
    };
    Catalogue::of(&plan).fill(&mut view, &Totals::of_told(&plan, &record.timeline), &state);
    view
}

#[test]
fn the_page_in_text() {
    let page = text::page(&view(&run(1)));
    // Of distributions one is shown whole, and of the others what does not depend on their buckets.
    let shown = |line: &&str| {
        !line.contains("_bucket{")
            || (line.contains("http_req_duration")
                && line.contains("expected_response=\"true\"")
                && line.contains("list"))
    };
    let lines: Vec<&str> = page.lines().filter(shown).collect();
    let run = "run=\"019ad3f1-0000-7000-8000-000000000001\",test=\"a \\\"shop\\\"\"";
    assert!(lines.iter().filter(|line| !line.starts_with('#')).all(|line| line.contains(run)));
    insta::assert_snapshot!(lines.join("\n").replace(run, "RUN"));
}

#[test]
fn the_document_names_everything() {
    let document = include_str!("../../../docs/export.md");
    let own = ["muster_basket", "muster_stock"];
    let view = view(&run(1));
    let names = view.families.keys().filter(|name| !own.contains(&name.as_str()));
    let missing: Vec<&String> = names.filter(|name| !document.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/export.md does not name {missing:?}");
}

#[test]
fn remote_write_tells_each_value_at_its_moment_and_when_it_has_ended() {
    let receiver = RemoteWrite::new("http://127.0.0.1:9/", Default::default(), None).unwrap();
    let mut view = view(&run(2));
    let sent = |view: &View| -> Vec<WriteRequest> {
        let unpack = |body: &bytes::Bytes| snap::raw::Decoder::new().decompress_vec(body).unwrap();
        receiver.messages(view).iter().map(|body| WriteRequest::decode(&*unpack(body)).unwrap()).collect()
    };
    let under_way = sent(&view);
    let [request] = &under_way[..] else { panic!("one request") };
    let values: usize = view.families.values().map(|family| family.series.len()).sum();
    assert_eq!(request.timeseries.len(), values);
    assert_eq!(request.metadata.len(), view.families.len());
    let at_ms = (START_NS / 1_000_000) as i64 + 2_000;
    for series in &request.timeseries {
        let names: Vec<&str> = series.labels.iter().map(Label::name).collect();
        assert!(names.is_sorted() && names.contains(&"__name__"), "{names:?}");
        let moments = series.samples.iter().map(|s| s.timestamp).chain(series.histograms.iter().map(|h| h.timestamp));
        assert_eq!(moments.collect::<Vec<_>>(), [at_ms]);
    }
    let named = |name: &str| {
        let is_named = |label: &Label| label.value() == name;
        request.timeseries.iter().find(|series| series.labels.iter().any(is_named)).unwrap()
    };
    let response = &named("muster_http_req_duration_seconds").histograms[0];
    assert_eq!(response.count, Some(200));
    let all: i64 = response
        .positive_deltas
        .iter()
        .scan(0, |n, delta| {
            *n += delta;
            Some(*n)
        })
        .sum();
    assert_eq!(all, 200);

    view.is_last = true;
    let last = sent(&view);
    let series: Vec<_> = last.iter().flat_map(|request| &request.timeseries).collect();
    assert_eq!(series.len(), 2 * values);
    for ended in &series[values..] {
        let marks = ended.samples.iter().map(|s| (s.value, s.timestamp));
        let marks: Vec<_> = marks.chain(ended.histograms.iter().map(|h| (h.sum, h.timestamp))).collect();
        assert_eq!(marks.len(), 1);
        assert_eq!((marks[0].0.to_bits(), marks[0].1), (0x7ff0_0000_0000_0002, at_ms + 1));
    }
}

/// The points of one metric.
fn points(requests: &[ExportRequest], name: &str) -> (i32, Vec<NumberPoint>, Vec<HistogramPoint>) {
    let scopes = requests.iter().flat_map(|request| &request.resource_metrics).flat_map(|of| &of.scope_metrics);
    let metric = scopes.flat_map(|scope| &scope.metrics).find(|metric| metric.name == name).unwrap();
    match metric.data.clone().unwrap() {
        Data::Gauge(gauge) => (0, gauge.data_points, Vec::new()),
        Data::Sum(sum) => (sum.aggregation_temporality, sum.data_points, Vec::new()),
        Data::Histogram(all) => (all.aggregation_temporality, Vec::new(), all.data_points),
    }
}

#[tokio::test]
async fn otlp_counts_from_the_start_or_from_what_was_taken_last() {
    let receiver = |temporality| {
        let otlp = Otlp::new("http://127.0.0.1:9", Default::default(), None, None).unwrap();
        otlp.with(temporality, "team=load%20tests,service.name=x", None).unwrap()
    };
    let [first, second] = [1, 3].map(|seconds| Arc::new(view(&run(seconds))));
    let cumulative = receiver(Temporality::Cumulative).messages(&second);
    let resource = cumulative[0].resource_metrics[0].resource.clone().unwrap();
    let told = |of: &super::otlp::messages::KeyValue| (of.key.clone(), of.value.clone().unwrap().text.unwrap());
    let told: Vec<(String, String)> = resource.attributes.iter().map(told).collect();
    assert_eq!(told[0], ("team".to_owned(), "load tests".to_owned()));
    assert!(told.contains(&("service.name".to_owned(), "x".to_owned())));

    let mut delta = receiver(Temporality::Delta);
    let began = delta.messages(&first);
    delta.delivered(Arc::clone(&first));
    let went_on = delta.messages(&second);
    for (requests, temporality, seconds, since_ns) in
        [(&cumulative, 2, 3, START_NS), (&began, 1, 1, START_NS), (&went_on, 1, 2, first.at_ns)]
    {
        let (told, sums, _) = points(requests, "muster.iterations_due");
        assert_eq!((told, sums[0].value), (temporality, Some(PointValue::Int(100 * seconds))));
        assert_eq!(
            (sums[0].start_time_unix_nano, sums[0].time_unix_nano),
            (since_ns, requests_at(seconds, &first, &second))
        );
        let (told, _, times) = points(requests, "muster.http_req_duration");
        let list = &times[0];
        assert_eq!((told, list.count, list.start_time_unix_nano), (temporality, 100 * seconds as u64, since_ns));
        assert_eq!(list.positive.as_ref().unwrap().bucket_counts.iter().sum::<u64>(), list.count);
        assert!((list.sum.unwrap() - 0.055 * list.count as f64).abs() < 0.01 * list.count as f64);
        let (_, gauge, _) = points(requests, "muster.users");
        assert_eq!(gauge[0].value, Some(PointValue::Int(3)));
    }
}

/// When that many seconds were told of.
fn requests_at(seconds: i64, first: &View, second: &View) -> u64 {
    if seconds == 1 { first.at_ns } else { second.at_ns }
}

#[test]
fn what_there_is_no_room_for_is_counted_to_the_last() {
    let plan = open_plan(60);
    let mut made = Made::new(plan.clone(), 1).seconds(0, |_, _, _| {}).record;
    for window in 0..40 * 5 {
        let mut delta = crate::run::synthetic::delta(&plan, window);
        healthy(&mut delta);
        made.timeline.apply(0, &delta);
    }
    let mut waiting = VecDeque::new();
    let mut merged = 0;
    for second in made.timeline.close_until(40) {
        merged += u64::from(lay_down(&mut waiting, Moment::of(second, Arc::default(), START_NS, Some(39_500_000_000))));
    }
    assert_eq!((waiting.len(), merged), (MOMENTS_MAX, 40 - MOMENTS_MAX as u64));
    let mut totals = Totals::new(&plan);
    let mut ends = Vec::new();
    for handed in waiting {
        let Handed::Closed(moment) = handed else { panic!("a moment") };
        totals.add(&moment.measurement);
        ends.push((moment.end_ns - START_NS) / 1_000_000);
    }
    assert_eq!(totals.scenarios[0].due, 4_000, "nothing is lost");
    let wanted: Vec<u64> = (1..16).map(|second| second * 1_000).chain([39_500]).collect();
    assert_eq!(ends, wanted);
}
