//! Whatever leaves as a message arrives as it was; whatever a stranger makes up is refused in words.

use std::io::Write;
use std::time::Duration;

use muster_proto::change::{Amendment, Reshape, Stages};
use muster_proto::convert::{
    AssignmentMessage, ConvertError, UNPACKED_BYTES_MAX, assignment_from_wire, assignment_to_wire, closing_from_wire,
    closing_to_wire, delta_from_wire, delta_to_wire, pack, unpack,
};
use muster_proto::id::RunId;
use muster_proto::measurement::{
    Delta, Health, Measurement, Note, Sample, Sampled, Shape as MeasurementShape, Totals, TraceId,
};
use muster_proto::outcome::{ErrorKind, Outcome};
use muster_proto::plan::{
    AgentsWanted, Arrivals, Auth, Aws, Body, Branch, Capture, Check, Choice, Chore, ClientCert, Condition, Connect,
    Connections, ContentHash, DnsPolicy, Executor, Feeder, Group, Http, Loop, MetricKind, Missing, Observation, OnEnd,
    Order, Parallel, Pick, Plan, Rate, RateStage, Redirects, Request, Retry, Rounds, RowsId, Scenario, Shape, Sharing,
    Source, StatusSet, Step, Stop, Templates, Think, Tls, TokenSource, Url, UserStage, Var,
};
use muster_proto::share::Share;
use muster_proto::wire;
use proptest::prelude::*;
use prost::Message;

const SERIES: usize = 3;
const SHAPE: MeasurementShape = MeasurementShape { scenarios: 2, series: SERIES, tallies: 2 };

fn request(name: &str) -> Step {
    Step::Request(Box::new(Request {
        name: name.to_owned(),
        method: "POST".to_owned(),
        url: Url { tls: true, host: "::1".to_owned(), port: 8443, path: "/a?b=c".to_owned() },
        headers: vec![("x-a".to_owned(), "1".to_owned())],
        body: Body("{}".into()),
        verbatim: if name.is_empty() { Vec::new() } else { vec![0..1, 1..2] },
        expect_status: StatusSet(vec![(200, 204), (404, 404)]),
        templates: Templates { head: true, body: name.is_empty() },
        auth: (name == "b").then_some(Auth::Token(0)).or_else(|| {
            if name != "a" {
                return None;
            }
            let [region, service, access_key, secret_key, token] = ["r", "s", "a", "k", "t"].map(str::to_owned);
            Some(Auth::Aws(Box::new(Aws { region, service, access_key, secret_key, session_token: Some(token) })))
        }),
        redirects: Redirects(3),
        timeout: Duration::from_millis(2_500),
        retry: Retry { times: 3, pause: Duration::from_millis(100) },
        checks: checks(),
        fails_on_check: true,
        captures: captures(),
        metrics: vec![Observation { metric: 1, value: "{{ total }}".to_owned() }],
        tags: vec![("kind".to_owned(), "api".to_owned())],
    }))
}

/// One of each source and condition.
fn checks() -> Vec<Check> {
    let sources = [
        Source::Status,
        Source::Header("x-a".to_owned()),
        Source::Cookie("sid".to_owned()),
        Source::Body,
        Source::Json("$.a".to_owned()),
        Source::Regex("a(b)".to_owned()),
        Source::Css("a".to_owned(), None),
        Source::Css("a".to_owned(), Some("href".to_owned())),
        Source::Size,
        Source::Time,
    ];
    let check = |(place, condition): (usize, Condition)| Check {
        name: format!("check {place}"),
        source: sources[place % sources.len()].clone(),
        condition,
        operand: place.to_string(),
        template: place % 2 == 0,
    };
    Condition::ALL.into_iter().enumerate().map(check).collect()
}

/// One of each way to pick, and to go on without.
fn captures() -> Vec<Capture> {
    let picks = [Pick::First, Pick::Last, Pick::Random, Pick::All];
    let missing = [Missing::Fail, Missing::Skip, Missing::GoOn, Missing::Default("[]".to_owned())];
    let capture = |(pick, missing)| Capture { name: "total".to_owned(), source: Source::Body, pick, missing };
    picks.into_iter().zip(missing).map(capture).collect()
}

fn scenario(name: &str, executor: Executor, connections: Connections) -> Scenario {
    Scenario {
        name: name.to_owned(),
        executor,
        start_delay: Duration::from_secs(1),
        graceful_stop: Duration::from_secs(30),
        warm_up: Duration::from_secs(2),
        connections,
        keep_session: true,
        vars: vec![Var::new("pages", "3"), Var::secret("key", "\"k\"")],
        feeders: vec![1, 0],
        steps: [vec![request("a"), request("b")], flow()].concat(),
    }
}

/// One of each order, of each way to share and to end.
fn data() -> Vec<Feeder> {
    let orders = [Order::Sequential, Order::Shuffle, Order::Random];
    let feeder = |order| Feeder {
        name: "users".to_owned(),
        file: "users.csv".to_owned(),
        rows: RowsId { hash: ContentHash(std::array::from_fn(|at| at as u8)), bytes: 20, count: 2 },
        order,
        share: match order {
            Order::Sequential => Sharing::Unique,
            Order::Shuffle => Sharing::PerUser,
            Order::Random => Sharing::EveryAgent,
        },
        on_end: if order == Order::Shuffle { OnEnd::Stop } else { OnEnd::Recycle },
    };
    orders.into_iter().map(feeder).collect()
}

/// One of each kind of step that is no request.
fn flow() -> Vec<Step> {
    let (short, long) = (Duration::from_secs(1), Duration::from_secs(3));
    let steps = || vec![Step::Think(Think::Even(short, long))];
    let rounds = [Rounds::Times("3".into()), Rounds::While("a > 1".into()), Rounds::Each("items".into())];
    let name = |rounds: &Rounds| matches!(rounds, Rounds::Each(_)).then(|| "item".to_owned());
    let looped = |rounds: Rounds| Loop { name: name(&rounds), rounds, max: 9, steps: steps() };
    let mut flow: Vec<Step> = rounds.map(|rounds| Step::Loop(Box::new(looped(rounds)))).into();
    let branch = Branch { condition: "a == 1".to_owned(), then: steps(), otherwise: vec![Step::Pace(long)] };
    let Step::Request(one) = request("c") else { unreachable!("a request") };
    flow.extend([
        Step::Think(Think::Exponential(short)),
        Step::Think(Think::Normal(long, short)),
        Step::Set(vec![("a".to_owned(), "{{ b }}".to_owned())]),
        Step::Stop(Stop::Completed),
        Step::Stop(Stop::Failed),
        Step::If(Box::new(branch)),
        Step::Choose(vec![Choice { weight: 2, steps: steps() }, Choice { weight: 1, steps: vec![] }]),
        Step::Parallel(Parallel { requests: vec![(*one).clone(), *one], at_once: 6 }),
    ]);
    vec![Step::Group(Group { name: "all".to_owned(), steps: flow })]
}

/// A plan in which every kind of thing occurs.
fn plan() -> Plan {
    let rates = vec![RateStage { duration: Duration::from_secs(9), from: Rate(0), to: Rate::per_second(500) }];
    let users = vec![UserStage { duration: Duration::from_secs(9), from: 0, to: 7 }];
    let max_duration = Duration::from_secs(600);
    let arrivals =
        Executor::ArrivalRate { stages: rates, arrivals: Arrivals::Poisson, max_users: 9, shape: Shape::Ramping };
    Plan {
        name: "shop".to_owned(),
        seed: 42,
        vars: vec![Var::new("pages", "[1, \"two\"]"), Var::secret("token", "\"t\"")],
        data: data(),
        metrics: vec![("seen".to_owned(), MetricKind::Rate), ("total".to_owned(), MetricKind::Gauge)],
        tokens: vec![TokenSource {
            url: Url { tls: true, host: "id.test".to_owned(), port: 443, path: "/token".to_owned() },
            client_id: "id".to_owned(),
            client_secret: "secret".to_owned(),
            scope: Some("read".to_owned()),
            audience: None,
            in_body: true,
        }],
        http: Http { request_ids: true, trace_millionths: 10_000, cookies: false, ..Http::default() },
        connect: Connect {
            hosts: vec![("shop.test".to_owned(), vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()])],
            dns: DnsPolicy::Every(Duration::from_secs(30)),
            sources: vec!["127.0.0.2".parse().unwrap()],
            proxy: Some(Url { tls: false, host: "proxy".to_owned(), port: 3128, path: "/".to_owned() }),
            tls: Tls {
                ca_pem: b"ca".to_vec(),
                cert_pem: b"cert".to_vec(),
                key_pem: b"key".to_vec(),
                users: vec![ClientCert { cert_pem: b"its cert".to_vec(), key_pem: b"its key".to_vec() }],
                insecure: true,
            },
        },
        scenarios: vec![
            scenario("open", arrivals, Connections::Pool),
            scenario("closed", Executor::Users { stages: users, shape: Shape::Constant }, Connections::PerUser),
            scenario("each", Executor::PerUserIterations { users: 3, iterations: 5, max_duration }, Connections::New),
            scenario("all", Executor::SharedIterations { users: 3, iterations: 5, max_duration }, Connections::New),
        ],
        setup: Chore { steps: vec![Step::Stop(Stop::Run)], timeout: Duration::from_secs(7) },
        teardown: Chore { steps: vec![Step::Pace(Duration::from_secs(1))], ..Chore::default() },
        thresholds: Vec::new(),
        agents: AgentsWanted::default(),
    }
}

fn amendments() -> Vec<Amendment> {
    let stages = Stages::Users(vec![UserStage { duration: Duration::from_secs(1), from: 3, to: 3 }]);
    vec![Amendment { at_ns: 5, reshape: Reshape { scenario: 0, stages } }]
}

fn assignment() -> AssignmentMessage {
    let shares = Share::full().deal(&[1, 2, 3, 4]);
    AssignmentMessage {
        run_id: RunId::generate(),
        plan: plan(),
        shares,
        amendments: amendments(),
        found: vec![("token".to_owned(), "\"x\"".to_owned()), ("none".to_owned(), String::new())],
    }
}

/// What a message that was changed so is refused with.
type Case<T> = (&'static str, fn(&mut T));

/// The assignment of a message that was changed by `change` on its way.
fn received(change: impl FnOnce(&mut wire::Assign)) -> Result<AssignmentMessage, ConvertError> {
    let mut message = wire::Assign::decode(assignment_to_wire(&assignment()).encode_to_vec().as_slice()).unwrap();
    change(&mut message);
    assignment_from_wire(message)
}

#[test]
fn an_assignment_arrives_as_it_left() {
    let sent = assignment();
    let bytes = assignment_to_wire(&sent).encode_to_vec();
    assert_eq!(assignment_from_wire(wire::Assign::decode(bytes.as_slice()).unwrap()), Ok(sent));
}

#[test]
fn a_made_up_assignment_is_refused_in_words() {
    let refused = |change: fn(&mut wire::Plan)| {
        received(|message| change(message.plan.as_mut().unwrap())).unwrap_err().to_string()
    };
    let cases: [Case<wire::Plan>; 11] = [
        ("token: wanted one of 1, got 1", |plan| {
            let Some(wire::step::Step::Request(request)) = &mut plan.scenarios[0].steps[0].step else { return };
            request.auth = Some(wire::request::Auth::Token(1));
        }),
        ("plan.http is missing", |plan| plan.http = None),
        ("plan.name is missing", |plan| plan.name.clear()),
        ("scenario.name: wanted at most 256, got 300", |plan| plan.scenarios[0].name = "x".repeat(300)),
        ("scenario.executor is missing", |plan| plan.scenarios[1].executor = None),
        ("scenario.connections: wanted pool, per-user or new, got 9", |plan| plan.scenarios[0].connections = 9),
        ("start_delay_ns: wanted at most 366 days, got 18446744073709551615", |plan| {
            plan.scenarios[0].start_delay_ns = u64::MAX;
        }),
        ("connect.tls.users: wanted at most 1000, got 1001", |plan| {
            plan.connect.as_mut().unwrap().tls.as_mut().unwrap().users = vec![wire::ClientCert::default(); 1_001];
        }),
        ("step is missing", |plan| plan.scenarios[0].steps[0].step = None),
        ("verbatim: wanted a stretch of the body from 1 on, got 1 to 3 of 2 bytes", |plan| {
            let Some(wire::step::Step::Request(request)) = &mut plan.scenarios[0].steps[0].step else { return };
            request.verbatim[1].to = 3;
        }),
        ("connect.sources: wanted an IP address, got nowhere", |plan| {
            plan.connect.as_mut().unwrap().sources = vec!["nowhere".to_owned()];
        }),
    ];
    for (wanted, change) in cases {
        assert_eq!(refused(change), wanted);
    }
    assert_eq!(
        received(|message| message.run_id = vec![1].into()).unwrap_err().to_string().split(',').next(),
        Some("run_id: wanted 16 bytes")
    );
    let few = received(|message| message.shares.truncate(2)).unwrap_err();
    assert_eq!(few.to_string(), "shares: wanted 4, one per scenario, got 2");
    let short = received(|message| message.shares[0] = vec![0].into()).unwrap_err();
    assert!(matches!(short, ConvertError::Share(_)), "{short}");
}

prop_compose! {
    fn measurement()(
        events in proptest::collection::vec((0..SERIES, 0_usize..=17, 0_u64..4_000_000_000_000), 0..200),
        counts in proptest::collection::vec(0_u64..1_000, 8),
        text in ".{0,40}",
    ) -> Measurement {
        let mut measurement = Measurement::new(SHAPE);
        for (series, kind, value_ns) in events {
            let stats = &mut measurement.series[series];
            let outcome = ErrorKind::from_index(kind).map_or(Outcome::Expected, Outcome::Failed);
            stats.sent += 1;
            stats.count_outcome(outcome);
            match outcome {
                Outcome::Expected => stats.response_expected.record(value_ns),
                Outcome::Failed(_) => stats.response_failed.record(value_ns),
            }
            stats.service.record(value_ns / 2);
            stats.phases[kind % 7].record(value_ns / 3);
        }
        let scenario = &mut measurement.scenarios[1];
        scenario.due = counts[0] + 1;
        scenario.started = counts[1];
        scenario.skipped[2] = counts[2];
        scenario.completed = counts[3];
        scenario.failed = counts[4];
        scenario.cut_off = counts[5];
        scenario.very_late = counts[6];
        scenario.duration.record_n(5_000, counts[7]);
        for count in &counts {
            let notes = [Note::Hit(count % 2 == 0), Note::Sum(*count), Note::Value(*count)];
            measurement.tallies[0].note(notes[(count % 3) as usize]);
            measurement.tallies[1].note(Note::Gauge { at_ns: *count, value: -(*count as i64) });
        }
        measurement.samples.push(Sample { of: Sampled::Failure(2, ErrorKind::Reset), at_ns: counts[0], text: text.clone(), trace: None });
        measurement.samples.push(Sample { of: Sampled::Miss(1), at_ns: counts[1], text, trace: Some(TraceId([9; 16])) });
        measurement
    }
}

prop_compose! {
    fn delta()(seq in 1_u64.., first in 0_u32..1_000_000, more in 0_u32..100, measurement in measurement()) -> Delta {
        let health = Health { worker_cpu_max: 0.5, process_cpu: 1.5, memory_bytes: seq, descriptors: 7, ..Health::default() };
        Delta { seq, first_window: first, last_window: first + more, measurement, health }
    }
}

/// Any bytes as a frame, whether they are a message or not.
fn frame(plain: &[u8]) -> bytes::Bytes {
    zstd::bulk::compress(plain, 1).unwrap().into()
}

/// Why these bytes in place of a packed measurement are refused.
fn unpacked(measurement: bytes::Bytes) -> String {
    let message = wire::Delta { seq: 1, measurement, ..Default::default() };
    let refusal = delta_from_wire(&message, SHAPE).unwrap_err();
    assert!(matches!(refusal, ConvertError::Packed { field: "measurement", .. }), "{refusal}");
    refusal.to_string()
}

#[test]
fn what_is_not_packed_as_agreed_is_refused_in_words() {
    assert_eq!(unpacked(b"garbage".as_slice().into()), "measurement: it is not packed as agreed");
    assert_eq!(
        unpacked(frame(&vec![0; UNPACKED_BYTES_MAX + 1])),
        format!("measurement: {} bytes, wanted at most {UNPACKED_BYTES_MAX}", UNPACKED_BYTES_MAX + 1)
    );
    // A field of 100 bytes that ends before them.
    assert!(unpacked(frame(&[0x0a, 100])).starts_with("measurement: failed to decode"));
    // A frame that says how long it is in the first byte after its head, and lies.
    for (told, what) in [(99, "Destination buffer is too small"), (101, "Data corruption detected")] {
        let mut lying = frame(&[0; 100]).to_vec();
        assert_eq!(lying[5], 100, "the length in a frame of less than 256 bytes");
        lying[5] = told;
        assert!(unpacked(lying.into()).contains(what), "{told}");
    }
    // What follows the frame is not in what it says.
    assert!(unpacked([frame(&[0; 100]), frame(&[0; 100])].concat().into()).contains("too small"));
    // A frame that does not say how long it is.
    let mut streamed = zstd::Encoder::new(Vec::new(), 1).unwrap();
    streamed.write_all(&[0; 100]).and_then(|()| streamed.flush()).unwrap();
    assert_eq!(unpacked(streamed.finish().unwrap().into()), "measurement: it is not packed as agreed");
}

#[test]
fn nothing_at_all_is_packed_as_nothing() {
    assert!(pack(&wire::Measurement::default()).is_empty());
    assert_eq!(unpack("measurement", &[]), Ok(wire::Measurement::default()));
}

fn encoded(delta: &Delta) -> Vec<u8> {
    delta_to_wire(delta).encode_to_vec()
}

proptest! {
    #[test]
    fn a_delta_arrives_as_it_left(delta in delta()) {
        let message = wire::Delta::decode(encoded(&delta).as_slice()).unwrap();
        prop_assert_eq!(delta_from_wire(&message, SHAPE), Ok(delta));
    }

    #[test]
    fn merging_what_arrived_is_merging_what_left(a in delta(), b in delta()) {
        let arrived = |delta: &Delta| {
            let message = wire::Delta::decode(encoded(delta).as_slice()).unwrap();
            delta_from_wire(&message, SHAPE).unwrap().measurement
        };
        let mut left = a.measurement.clone();
        left.merge(&b.measurement);
        let mut right = arrived(&b);
        right.merge(&arrived(&a));
        left.samples.clear();
        right.samples.clear();
        prop_assert_eq!(left, right);
    }

    #[test]
    fn damaged_bytes_never_panic(delta in delta(), place in any::<proptest::sample::Index>(), value: u8) {
        let mut bytes = encoded(&delta);
        let place = place.index(bytes.len());
        bytes[place] = value;
        if let Ok(message) = wire::Delta::decode(bytes.as_slice()) {
            let _ = delta_from_wire(&message, SHAPE);
        }
    }

    #[test]
    fn damaged_measurements_never_panic(delta in delta(), place in any::<proptest::sample::Index>(), value: u8) {
        let mut message = delta_to_wire(&delta);
        let mut plain = unpack::<wire::Measurement>("measurement", &message.measurement).unwrap().encode_to_vec();
        let place = place.index(plain.len());
        plain[place] = value;
        message.measurement = frame(&plain);
        let _ = delta_from_wire(&message, SHAPE);
    }

    #[test]
    fn what_is_cut_off_a_packed_measurement_is_missed(delta in delta(), place in any::<proptest::sample::Index>()) {
        let mut message = delta_to_wire(&delta);
        message.measurement.truncate(1 + place.index(message.measurement.len() - 1));
        let is_refused = matches!(delta_from_wire(&message, SHAPE), Err(ConvertError::Packed { .. }));
        prop_assert!(is_refused);
    }
}

#[test]
fn a_made_up_delta_is_refused_in_words() {
    let mut measurement = Measurement::new(SHAPE);
    measurement.series[0].sent = 1;
    measurement.series[0].expected = 1;
    measurement.series[0].response_expected.record(1_000_000);
    let delta = Delta { seq: 1, first_window: 3, last_window: 3, measurement, health: Health::default() };
    let refusal = |message| delta_from_wire(&message, SHAPE).unwrap_err().to_string();
    let cases: [Case<wire::Delta>; 2] = [
        ("seq: wanted 1 or more, got 0", |delta| delta.seq = 0),
        ("last_window: wanted 3 or more, got 2", |delta| delta.last_window = 2),
    ];
    for (wanted, change) in cases {
        let mut message = delta_to_wire(&delta);
        change(&mut message);
        assert_eq!(refusal(message), wanted);
    }
    let cases: [Case<wire::Measurement>; 10] = [
        ("series: wanted less than 3, got 3", |measured| measured.series[0].series = 3),
        ("series: wanted at most 3, got 4", |measured| measured.series = vec![wire::RequestStats::default(); 4]),
        ("failed: wanted at most 17, got 18", |measured| measured.series[0].failed = vec![0; 18]),
        ("histograms: wanted as many response times as outcomes, got Some(1)", |measured| {
            measured.series[0].expected = 2;
        }),
        ("sent: wanted a sum below 2^64, got 18446744073709551615", |measured| {
            let more = wire::RequestStats { sent: u64::MAX, ..Default::default() };
            measured.series = vec![measured.series[0].clone(), more];
        }),
        ("tally: wanted less than 2, got 2", |measured| {
            measured.tallies = vec![wire::Tally { tally: 2, ..Default::default() }];
        }),
        ("tally.hits: wanted at most 1, got 2", |measured| {
            measured.tallies = vec![wire::Tally { count: 1, hits: 2, ..Default::default() }];
        }),
        ("tally.gauge: wanted a value from 0 to 4, got 5", |measured| {
            let gauge = wire::Gauge { last: 5, min: 0, max: 4, ..Default::default() };
            measured.tallies = vec![wire::Tally { gauge: Some(gauge), ..Default::default() }];
        }),
        ("sample.tally: wanted less than 2, got 9", |measured| {
            let of = Some(wire::sample::Of::Miss(9));
            measured.samples = vec![wire::Sample { of, ..Default::default() }];
        }),
        ("worker_cpu_max: wanted a number of cores, 0 or more, got NaN", |measured| {
            measured.health = Some(wire::Health { worker_cpu_max: f32::NAN, ..Default::default() });
        }),
    ];
    for (wanted, change) in cases {
        let message = delta_to_wire(&delta);
        let mut measured = unpack("measurement", &message.measurement).unwrap();
        change(&mut measured);
        assert_eq!(refusal(wire::Delta { measurement: pack(&measured), ..message }), wanted);
    }
}

#[test]
fn closing_totals_arrive_as_they_left() {
    let totals = Totals {
        last_seq: 1,
        due: 2,
        started: 3,
        skipped: 4,
        completed: 5,
        failed: 6,
        cut_off: 7,
        sent: 8,
        outcomes: 9,
    };
    for start_error_ns in [None, Some(-5), Some(70)] {
        assert_eq!(closing_from_wire(&closing_to_wire(&totals, start_error_ns)), (totals, start_error_ns));
    }
}
