//! What is printed of a cluster is, to the last bit, what one histogram says that counted every request by itself.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use hdrhistogram::serialization::Deserializer;
use muster::plan_file::{Format, from_str};
use muster::report::{Metric, Report};
use muster::run::event::{ClockReading, Command, Event, Link, Newcomer};
use muster::run::life::{Run, RunSettings};
use muster_agent::outbox::Outbox;
use muster_proto::convert::{delta_from_wire, delta_to_wire};
use muster_proto::histogram::{HIGHEST_NS, LOWEST_NS};
use muster_proto::id::{Incarnation, RunId};
use muster_proto::measurement::{Delta, Health, Measurement, RequestStats, Shape, Totals, WINDOW_NS};
use muster_proto::outcome::{ErrorKind, Outcome};
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};

type Hdr = hdrhistogram::Histogram<u64>;

/// The agents' weights: each measures in proportion.
const WEIGHTS: [u32; 3] = [1, 2, 3];
const WORKERS: usize = 2;
const WINDOWS: u32 = 60;
/// Requests of a worker in a window, for each unit of its agent's weight.
const REQUESTS: u32 = 40;
const SCENARIO: usize = 0;
const NAMES: [&str; 2] = ["list", "cart"];
const SHAPE: Shape = Shape { scenarios: 1, series: NAMES.len(), tallies: 0 };
/// An agent of whose deltas none is acknowledged for so many windows has to merge them.
const ABSENT_WINDOWS: u32 = 25;
const START_NS: u64 = 1_000_000_000;

const PLAN: &str = "target: http://127.0.0.1:1\nagents: { start_when: 3 }\nscenarios:\n  a:\n    \
    executor: constant-arrival-rate\n    rate: 1/s\n    duration: 12s\n    \
    steps: [ { name: list, get: / }, { name: cart, get: / } ]\n";

/// Durations from 1 µs to 1 h, each order of magnitude as likely as any other, and always the same.
struct Durations(u64);

impl Durations {
    fn next_ns(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let fraction = ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        let (lowest, highest) = ((LOWEST_NS as f64).ln(), (HIGHEST_NS as f64).ln());
        (((lowest + (highest - lowest) * fraction).exp()) as u64).clamp(LOWEST_NS, HIGHEST_NS)
    }
}

/// The reference: one histogram for each request's name, and every duration recorded into it.
struct Reference([Hdr; 2]);

impl Reference {
    fn new() -> Self {
        Self(std::array::from_fn(|_| Hdr::new_with_bounds(LOWEST_NS, HIGHEST_NS, 3).unwrap()))
    }

    fn of_all(&self) -> Hdr {
        let mut all = self.0[0].clone();
        all.add(&self.0[1]).unwrap();
        all
    }
}

/// An agent that measures what it is told to, and speaks with a run as an agent does.
struct Agent {
    link: Link,
    weight: u32,
    outbox: Outbox,
    totals: Totals,
    acknowledged: u64,
}

impl Agent {
    /// What its workers measure in one window, merged.
    fn measure(&mut self, durations: &mut Durations, reference: &mut Reference) -> Measurement {
        let mut merged = Measurement::new(SHAPE);
        for _ in 0..WORKERS {
            let mut own = Measurement::new(SHAPE);
            for number in 0..self.weight * REQUESTS {
                let (series, duration_ns) = (number as usize % NAMES.len(), durations.next_ns());
                record(&mut own.series[series], duration_ns, duration_ns % 7 == 0);
                reference.0[series].record(duration_ns).unwrap();
            }
            merged.merge(&own);
        }
        let requests = merged.series.iter().map(RequestStats::outcomes).sum::<u64>();
        merged.scenarios[SCENARIO].due = requests;
        merged.scenarios[SCENARIO].started = requests;
        merged.scenarios[SCENARIO].completed = requests;
        for total in [&mut self.totals.due, &mut self.totals.started, &mut self.totals.completed] {
            *total += requests;
        }
        self.totals.sent += requests;
        self.totals.outcomes += requests;
        merged
    }

    /// Tells a delta over the wire, and again, as happens when an acknowledgement is lost.
    fn tell(&mut self, run: &mut Run, delta: &Delta) {
        let now_ns = run.start_ns().unwrap() + (u64::from(delta.last_window) + 1) * WINDOW_NS;
        for _ in 0..2 {
            let arrived = delta_from_wire(&delta_to_wire(delta), SHAPE).unwrap();
            let commands = run.apply(Event::Delta(self.link, Box::new(arrived)), now_ns);
            assert_eq!(commands, [Command::Ack(self.link, delta.seq)]);
        }
        self.acknowledged = delta.seq;
    }

    /// Tells whatever may be told.
    fn tell_all(&mut self, run: &mut Run) {
        while let Some(delta) = self.outbox.next_unsent().cloned() {
            self.tell(run, &delta);
        }
    }

    /// Hears every acknowledgement that was held back, and tells what may be told then.
    fn catch_up(&mut self, run: &mut Run) {
        while !self.outbox.is_empty() || self.acknowledged < self.outbox.last_seq() {
            self.outbox.acknowledge(self.acknowledged).unwrap();
            self.tell_all(run);
        }
        self.outbox.acknowledge(self.acknowledged).unwrap();
    }
}

fn record(stats: &mut RequestStats, duration_ns: u64, fails: bool) {
    stats.sent += 1;
    let response = if fails { &mut stats.response_failed } else { &mut stats.response_expected };
    response.record(duration_ns);
    stats.count_outcome(if fails { Outcome::Failed(ErrorKind::Http5xx) } else { Outcome::Expected });
}

/// A run that has started, with its agents.
fn started() -> (Run, Vec<Agent>) {
    let plan = from_str(PLAN, Format::Yaml, "exact", Path::new(".")).unwrap_or_else(|error| panic!("{error}")).plan;
    let settings = RunSettings {
        id: RunId::generate(),
        plan,
        tags: BTreeMap::new(),
        strict: false,
        lease_ns: u64::MAX,
        gather_max_ns: u64::MAX,
    };
    let mut run = Run::new(settings, START_NS);
    let agents: Vec<Agent> = (0..).zip(WEIGHTS).map(|(link, weight)| agent(Link(link), weight)).collect();
    for agent in &agents {
        run.apply(Event::Joined(agent.link, newcomer(agent.weight)), START_NS);
    }
    for agent in &agents {
        run.apply(Event::Ready(agent.link, ClockReading::default()), START_NS);
    }
    (run, agents)
}

fn agent(link: Link, weight: u32) -> Agent {
    Agent { link, weight, outbox: Outbox::default(), totals: Totals::default(), acknowledged: 0 }
}

fn newcomer(weight: u32) -> Newcomer {
    Newcomer {
        protocol_version: PROTOCOL_VERSION,
        build_version: BUILD_VERSION.to_owned(),
        name: format!("w{weight}"),
        incarnation: Incarnation(u64::from(weight)),
        run: None,
        has_ended: false,
        labels: BTreeMap::new(),
        cores: 2,
        workers: WORKERS as u32,
        weight,
    }
}

fn report_and_reference(seed: u64) -> (Report, Reference) {
    let (mut run, mut agents) = started();
    let (mut durations, mut reference) = (Durations(seed), Reference::new());
    for window in 0..WINDOWS {
        for agent in &mut agents {
            let measurement = agent.measure(&mut durations, &mut reference);
            agent.outbox.put((window, window), &measurement, Health::default());
            agent.tell_all(&mut run);
            // The heaviest one hears nothing for a while at a time; the others always hear at once.
            if agent.weight < 3 || window % ABSENT_WINDOWS == 0 {
                agent.catch_up(&mut run);
            }
        }
    }
    for agent in &mut agents {
        agent.catch_up(&mut run);
        let totals = Totals { last_seq: agent.outbox.last_seq(), ..agent.totals };
        let end_ns = run.start_ns().unwrap() + u64::from(WINDOWS) * WINDOW_NS;
        run.apply(Event::Closing { link: agent.link, totals, start_error_ns: None }, end_ns);
    }
    assert!(agents[2].outbox.last_seq() < u64::from(WINDOWS), "some of its deltas were merged");
    assert!(run.has_ended());
    (Report::of(&run.into_record(String::new())), reference)
}

/// As documents have it: milliseconds, to the microsecond.
fn milliseconds(ns: u64) -> f64 {
    ((ns + 500) / 1_000) as f64 / 1e3
}

fn check(metric: &Metric, reference: &Hdr) {
    let times = metric.times.as_ref().unwrap();
    assert_eq!(metric.count, reference.len());
    assert_eq!(times.percentiles_ms.len(), 7);
    for (percent, printed_ms) in &times.percentiles_ms {
        let exact_ns = reference.value_at_percentile(percent.parse().unwrap());
        assert_eq!(printed_ms.to_bits(), milliseconds(exact_ns).to_bits(), "p{percent}");
    }
}

#[test]
fn a_cluster_prints_the_percentiles_of_one_histogram_of_everything() {
    for seed in [1, 2, 3] {
        let (report, reference) = report_and_reference(seed);
        assert_eq!(report.verdict.exit_code, 0, "{:?}", report.verdict.findings);
        assert!(report.accounting.balanced);
        for (name, reference) in NAMES.into_iter().zip(&reference.0) {
            let metric = report.metric("http_req_duration", Some("a"), Some(name)).unwrap();
            check(metric, reference);
            let exported = metric.times.as_ref().unwrap().hdr.as_ref().unwrap();
            let exported = base64::engine::general_purpose::STANDARD.decode(exported).unwrap();
            let exported: Hdr = Deserializer::new().deserialize(&mut exported.as_slice()).unwrap();
            let buckets = |hdr: &Hdr| -> Vec<(u64, u64)> {
                hdr.iter_recorded().map(|b| (b.value_iterated_to(), b.count_at_value())).collect()
            };
            assert_eq!(buckets(&exported), buckets(reference));
        }
        check(report.metric("http_req_duration", Some("a"), None).unwrap(), &reference.of_all());
        check(report.metric("http_req_duration", None, None).unwrap(), &reference.of_all());
    }
}
