//! What is made of responses while load is generated: captures, checks and metrics.

use muster_proto::measurement::{METRIC_UNIT, Sampled, Tally, TallyKey, TallyTable};
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{
    Capture, Check, Condition, MetricKind, Missing, Observation, Pick, Plan, Request, Source, Step, Templates,
};

use super::server::Server;
use super::support::{Generated, changed, generate, get, per_user, plan, scenario};

fn json(path: &str) -> Source {
    Source::Json(path.to_owned())
}

fn capture(name: &str, source: Source, missing: Missing) -> Capture {
    Capture { name: name.to_owned(), source, pick: Pick::First, missing }
}

fn check(name: &str, source: Source, condition: Condition, operand: &str) -> Check {
    let template = operand.contains("{{");
    Check { name: name.to_owned(), source, condition, operand: operand.to_owned(), template }
}

/// A GET that goes by its own path's name.
fn step(server: &Server, name: &str, path: &str, change: impl FnOnce(&mut Request)) -> Step {
    changed(get(server.address, path), |request| {
        name.clone_into(&mut request.name);
        request.templates = Templates { head: path.contains("{{"), body: false };
        change(request);
    })
}

fn of(server_steps: Vec<Step>) -> Plan {
    plan(vec![scenario(per_user(2, 3), server_steps)])
}

fn tally<'g>(generated: &'g Generated, plan: &Plan, key: &TallyKey) -> &'g Tally {
    &generated.total.tallies[usize::from(TallyTable::of(plan).find(key).unwrap())]
}

/// How often a check was true, and how often not.
fn counted(generated: &Generated, plan: &Plan, request: &str, name: &str) -> (u64, u64) {
    let tally = tally(generated, plan, &TallyKey::check(0, request, name));
    (tally.hits, tally.misses())
}

fn reply(head: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn what_one_response_says_the_next_request_asks_for() {
    let server = Server::start(|heard| {
        let name = heard.line.split(' ').nth(1).unwrap().trim_matches('/').to_owned();
        Some(match name.as_str() {
            "login" => {
                reply("set-cookie: sid=s3; Path=/\r\nx-next: 7\r\n", r#"{"user": {"id": 41, "tags": ["a", "b"]}}"#)
            }
            _ => reply("", &format!("<a href='/x'>{name}</a>")),
        })
    });
    let login = step(&server, "login", "/login", |request| {
        request.captures = vec![
            capture("id", json("$.user.id"), Missing::Fail),
            capture("sid", Source::Cookie("sid".to_owned()), Missing::Fail),
            capture("next", Source::Header("x-next".to_owned()), Missing::Fail),
            Capture { pick: Pick::All, ..capture("tags", json("$.user.tags[*]"), Missing::Fail) },
        ];
    });
    let page = step(&server, "page", "/{{ id + 1 }}-{{ sid }}-{{ next }}-{{ tags | join('+') }}", |request| {
        let link = Source::Css("a".to_owned(), None);
        request.checks = vec![check("link", link, Condition::Equal, "{{ ((id + 1) ~ '-s3-7-a+b') | tojson }}")];
    });
    let plan = of(vec![login, page]);
    let generated = generate(plan.clone(), 2);
    generated.assert_books_balance();
    assert_eq!(generated.iterations().completed, 6);
    assert_eq!(counted(&generated, &plan, "page", "link"), (6, 0), "{:?}", generated.total.samples);
    assert_eq!(counted(&generated, &plan, "login", "capture id"), (6, 0));
    let pages = server.heard().into_iter().filter(|heard| heard.line == "GET /42-s3-7-a+b HTTP/1.1").count();
    assert_eq!(pages, 6);
}

#[test]
fn checks_are_counted_apart_from_failures_unless_they_shall_fail() {
    let server = Server::start(|_| Some(reply("", r#"{"total": 5}"#)));
    let checks = || {
        vec![
            check("total", json("$.total"), Condition::Equal, "5"),
            check("many", json("$.total"), Condition::Greater, "7"),
        ]
    };
    let free = of(vec![step(&server, "free", "/", |request| request.checks = checks())]);
    let generated = generate(free.clone(), 1);
    generated.assert_books_balance();
    assert_eq!((generated.iterations().completed, generated.requests().failed_total()), (6, 0));
    assert_eq!(counted(&generated, &free, "free", "total"), (6, 0));
    assert_eq!(counted(&generated, &free, "free", "many"), (0, 6));
    let [sample] = &generated.total.samples[..] else { panic!("{:?}", generated.total.samples) };
    assert_eq!((sample.of, sample.text.as_str()), (Sampled::Miss(1), "found 5"));

    let strict = of(vec![step(&server, "strict", "/", |request| {
        (request.checks, request.fails_on_check) = (checks(), true);
    })]);
    let generated = generate(strict, 1);
    generated.assert_books_balance();
    assert_eq!((generated.iterations().failed, generated.failed(ErrorKind::Check)), (6, 6));
}

#[test]
fn an_iteration_that_misses_what_it_needs_ends_as_the_plan_says() {
    let server = Server::start(|_| Some(reply("", "{}")));
    let made = |missing: Missing| {
        let first =
            step(&server, "first", "/", |request| request.captures = vec![capture("id", json("$.id"), missing)]);
        let plan = of(vec![first, step(&server, "second", "/{{ id | default('none') }}", |_| {})]);
        let generated = generate(plan, 1);
        generated.assert_books_balance();
        let (completed, failed) = (generated.iterations().completed, generated.iterations().failed);
        (completed, failed, generated.requests().sent, generated.total.series[1].sent)
    };
    assert_eq!(made(Missing::Fail), (0, 6, 6, 0));
    assert_eq!(made(Missing::Skip), (6, 0, 6, 0));
    assert_eq!(made(Missing::GoOn), (6, 0, 6, 6));
    assert_eq!(made(Missing::Default("7".to_owned())), (6, 0, 6, 6));
    let second: Vec<String> = server.heard().into_iter().map(|heard| heard.line).collect();
    assert_eq!(second.iter().filter(|line| **line == "GET /7 HTTP/1.1").count(), 6);
    assert_eq!(second.iter().filter(|line| **line == "GET /none HTTP/1.1").count(), 6);
}

#[test]
fn without_a_response_nothing_is_as_expected() {
    let server = Server::start(|_| None);
    let plan = of(vec![step(&server, "gone", "/", |request| {
        request.checks = vec![check("fast", Source::Time, Condition::Less, "1000000")];
        request.captures = vec![capture("id", Source::Body, Missing::Fail)];
    })]);
    let generated = generate(plan.clone(), 1);
    generated.assert_books_balance();
    assert_eq!((generated.iterations().failed, generated.failed(ErrorKind::Reset)), (6, 6));
    assert_eq!(counted(&generated, &plan, "gone", "fast"), (0, 6));
    assert_eq!(counted(&generated, &plan, "gone", "capture id"), (0, 6));
}

#[test]
fn bodies_are_kept_however_they_come() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n8;x=y\r\n: 12345}\r\n0\r\n\r\n";
    let interim = "HTTP/1.1 103 Early Hints\r\nx: 1\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"a\": 12345}";
    for bytes in [chunked, interim] {
        let server = Server::start(move |_| Some(bytes.to_owned()));
        let plan = of(vec![step(&server, "kept", "/", |request| {
            request.checks = vec![
                check("a", json("$.a"), Condition::Equal, "12345"),
                check("size", Source::Size, Condition::Equal, "12"),
            ];
        })]);
        let generated = generate(plan.clone(), 1);
        assert_eq!(counted(&generated, &plan, "kept", "a"), (6, 0), "{bytes}: {:?}", generated.total.samples);
        assert_eq!(counted(&generated, &plan, "kept", "size"), (6, 0), "{bytes}");
    }
}

#[test]
fn metrics_of_ones_own_are_noted_after_the_response() {
    let server = Server::start(|_| Some(reply("", r#"{"total": 2.5}"#)));
    let kinds = [MetricKind::Trend, MetricKind::Counter, MetricKind::Rate, MetricKind::Gauge];
    let observe = |(metric, value): (u16, &str)| Observation { metric, value: value.to_owned() };
    let noted = step(&server, "noted", "/", |request| {
        request.captures = vec![capture("total", json("$.total"), Missing::Fail)];
        let values = ["{{ total }}", "{{ total * 2 }}", "{{ total > 2 }}", "{{ 0 - total }}"];
        request.metrics = (0..).zip(values).map(observe).collect();
    });
    let metrics = kinds.map(|kind| (kind.name().to_owned(), kind)).to_vec();
    let plan = Plan { metrics, ..of(vec![noted]) };
    let generated = generate(plan.clone(), 2);
    let [trend, counter, rate, gauge] =
        [0, 1, 2, 3].map(|of| tally(&generated, &plan, &TallyKey::metric(0, &plan, of)));
    let unit = METRIC_UNIT as i64;
    assert_eq!((trend.trend.count(), trend.trend.min_ns()), (6, Some(2_500_000)), "{:?}", generated.total.samples);
    assert_eq!((counter.count, counter.sum), (6, 30 * METRIC_UNIT));
    assert_eq!((rate.count, rate.hits), (6, 6));
    assert_eq!(gauge.gauge.map(|gauge| (gauge.last, gauge.min)), Some((-5 * unit / 2, -5 * unit / 2)));
}
