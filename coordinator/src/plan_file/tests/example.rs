//! One plan with everything, in three formats, and what is meant where nothing is said.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use muster_proto::plan::{
    AgentsWanted, Arrivals, Body, Check, Condition, Connect, Connections, DnsPolicy, Executor, Http, OnLoss, Plan,
    Rate, RateStage, Redirects, Request, Scenario, Shape, Source, StatusSet, Step, Think, Url, UserStage, Var,
};

use super::super::{Format, from_str};
use super::{request, scenario, section, sound};

pub(super) const EXAMPLE: &str = r#"
# A plan with everything that this version knows.
name: shop
target: http://127.0.0.1:8080/v1/
seed: 7
vars: { pages: 50, kinds: [shoe, { deep: "a b" }] }
http:
  version: 1.1
  timeout: 5s
  connect_timeout: 2s
  read_timeout: 3s
  headers: { Accept: application/json, x-many: [a, b] }
  redirects: 3
  max_head: 32KiB
  max_body: 10MB
  request_ids: true
  trace: 1%
connect:
  hosts: { Shop.test: 127.0.0.1, api.test: [127.0.0.2, "::1"] }
  source: [127.0.0.2, 127.0.0.3]
  dns: { every: 30s }
  proxy: http://127.0.0.1:3128
  tls: { insecure: true }
scenarios:
  browse:
    executor: ramping-arrival-rate
    arrivals: poisson
    start_rate: 10/min
    stages: [ { duration: 30s, target: 500/s }, { duration: 0s, target: 0.5/s }, { duration: 5m, target: 0.5/s } ]
    warm_up: 10s
    max_users: 20000
    connections: new
    start_delay: 1s
    graceful_stop: 5s
    steps:
      - { name: list, get: /products?page=1, query: { q: "a b&c", tag: [x, "y+z"] }, expect: { status: 200 } }
      - think: 1s..3s
      - name: cart
        post: /cart
        json: { product: 7, price: 1.10, "who": "a\"b", list: [1, true, null, { deep: ~ }], big: 18446744073709551616 }
        headers: { accept: text/plain }
        expect: { status: [2xx, "300-303", 404] }
        redirects: 0
        timeout: 250ms
      - { method: purge, url: "https://shop.test/cache?all", body: "now" }
      - { put: /form, form: { a: 1, b: ["x y", "ü"] } }
  watchers:
    executor: ramping-vus
    startVUs: 5
    stages: [ { duration: 1m, target: 50 } ]
    steps: [ { get: /watch }, { think: 500ms } ]
  steady: { executor: constant-arrival-rate, rate: 100/min, duration: 1h, steps: [ { head: / } ] }
  closed: { executor: constant-users, users: 200, duration: 5m30s, steps: [ { options: / } ] }
  each: { executor: per-vu-iterations, vus: 2, iterations: 3, steps: [ { patch: /, body: x } ] }
  shared: { executor: shared-iterations, users: 4, iterations: 5, maxDuration: 1m, steps: [ { delete: /it } ] }
thresholds:
  - "http_req_duration{scenario:browse,request:cart}: p(99) < 250ms for 10s, abort"
  - http_req_failed: rate < 0.1%
  - http_req_duration{request:GET /watch}: avg < 1s over 1m
agents: { start_when: 10, on_loss: fail, loss_tolerance: 0.5%, hold: 5s }
"#;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn local(path: &str) -> Url {
    Url { tls: false, host: "127.0.0.1".into(), port: 8080, path: format!("/v1{path}") }
}

fn headers(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn status_check(name: &str, operand: &str) -> Check {
    let (name, operand) = (name.to_owned(), operand.to_owned());
    Check { name, source: Source::Status, condition: Condition::Status, operand, template: false }
}

fn requests() -> [Request; 4] {
    let every = [("accept", "application/json"), ("x-many", "a"), ("x-many", "b")];
    let list = Request {
        headers: headers(&every),
        expect_status: StatusSet(vec![(200, 200)]),
        checks: vec![status_check("status 200", "200-200")],
        redirects: Redirects(3),
        timeout: seconds(5),
        ..Request::new("list", "GET", local("/products?page=1&q=a%20b%26c&tag=x&tag=y%2Bz"))
    };
    let cart = Request {
        headers: headers(&[
            ("x-many", "a"),
            ("x-many", "b"),
            ("accept", "text/plain"),
            ("content-type", "application/json"),
        ]),
        body: Body(
            r#"{"product":7,"price":1.10,"who":"a\"b","list":[1,true,null,{"deep":null}],"big":18446744073709551616}"#
                .into(),
        ),
        expect_status: StatusSet(vec![(200, 299), (300, 303), (404, 404)]),
        checks: vec![status_check("status 2xx, 300-303, 404", "200-299,300-303,404-404")],
        timeout: Duration::from_millis(250),
        ..Request::new("cart", "POST", local("/cart"))
    };
    let cache = Url { tls: true, host: "shop.test".into(), port: 443, path: "/cache?all".into() };
    let purge = Request {
        headers: headers(&every),
        body: Body("now".into()),
        redirects: Redirects(3),
        timeout: seconds(5),
        ..Request::new("PURGE /cache", "PURGE", cache)
    };
    let form = Request {
        name: "PUT /form".into(),
        method: "PUT".into(),
        url: local("/form"),
        headers: [headers(&every), headers(&[("content-type", "application/x-www-form-urlencoded")])].concat(),
        body: Body("a=1&b=x+y&b=%C3%BC".into()),
        ..purge.clone()
    };
    [list, cart, purge, form]
}

fn browse() -> Scenario {
    let [list, cart, purge, form] = requests();
    let half = Rate(Rate::PER_SECOND / 2);
    Scenario {
        name: "browse".into(),
        executor: Executor::ArrivalRate {
            stages: vec![
                RateStage { duration: seconds(30), from: Rate(10 * Rate::PER_MINUTE), to: Rate::per_second(500) },
                RateStage { duration: seconds(0), from: Rate::per_second(500), to: half },
                RateStage { duration: seconds(300), from: half, to: half },
            ],
            arrivals: Arrivals::Poisson,
            max_users: 20_000,
            shape: Shape::Ramping,
        },
        start_delay: seconds(1),
        graceful_stop: seconds(5),
        warm_up: seconds(10),
        connections: Connections::New,
        keep_session: false,
        vars: Vec::new(),
        feeders: Vec::new(),
        steps: vec![
            Step::Request(Box::new(list)),
            Step::Think(Think::Even(seconds(1), seconds(3))),
            Step::Request(Box::new(cart)),
            Step::Request(Box::new(purge)),
            Step::Request(Box::new(form)),
        ],
    }
}

#[test]
fn the_example_means_what_it_says() {
    let plan = sound(EXAMPLE);
    assert_eq!((plan.name.as_str(), plan.seed), ("shop", 7));
    let vars = [("pages", "50"), ("kinds", r#"["shoe",{"deep":"a b"}]"#)];
    assert_eq!(plan.vars, vars.map(|(name, json)| Var::new(name, json)));
    let http = Http {
        connect_timeout: seconds(2),
        read_timeout: seconds(3),
        head_bytes_max: 32 << 10,
        body_bytes_max: 10_000_000,
        cookies: true,
        request_ids: true,
        trace_millionths: 10_000,
    };
    assert_eq!(plan.http, http);
    let connect = Connect {
        hosts: vec![("shop.test".into(), vec![ip("127.0.0.1")]), ("api.test".into(), vec![ip("127.0.0.2"), ip("::1")])],
        dns: DnsPolicy::Every(seconds(30)),
        sources: vec![ip("127.0.0.2"), ip("127.0.0.3")],
        proxy: Some(Url { tls: false, host: "127.0.0.1".into(), port: 3128, path: "/".into() }),
        tls: muster_proto::plan::Tls { insecure: true, ..Default::default() },
    };
    assert_eq!(plan.connect, connect);
    assert_eq!(plan.scenarios[0], browse());
    let executors: Vec<&str> = plan.scenarios.iter().map(|scenario| scenario.executor.name()).collect();
    let all = [
        "ramping-arrival-rate",
        "ramping-users",
        "constant-arrival-rate",
        "constant-users",
        "per-user-iterations",
        "shared-iterations",
    ];
    assert_eq!(executors, all);
    assert_eq!(plan.thresholds.len(), 3);
    assert_eq!(plan.thresholds[1].expression, "http_req_failed: rate < 0.1%");
    assert_eq!(
        plan.agents,
        AgentsWanted {
            start_when: 10,
            on_loss: OnLoss::Fail,
            loss_tolerance_millionths: 5_000,
            hold: Some(Duration::from_secs(5)),
        }
    );
}

#[test]
fn closed_models_mean_what_they_say() {
    let plan = sound(EXAMPLE);
    let [_, watchers, _, closed, each, shared] = &plan.scenarios[..] else { panic!("six scenarios") };
    let stage = UserStage { duration: seconds(60), from: 5, to: 50 };
    assert_eq!(watchers.executor, Executor::Users { stages: vec![stage], shape: Shape::Ramping });
    let stage = UserStage { duration: seconds(330), from: 200, to: 200 };
    assert_eq!(closed.executor, Executor::Users { stages: vec![stage], shape: Shape::Constant });
    let ten_minutes = seconds(600);
    assert_eq!(each.executor, Executor::PerUserIterations { users: 2, iterations: 3, max_duration: ten_minutes });
    assert_eq!(shared.executor, Executor::SharedIterations { users: 4, iterations: 5, max_duration: seconds(60) });
}

#[test]
fn what_is_not_said_has_a_default() {
    let plan = sound(&scenario("executor: constant-arrival-rate\nrate: 5/s\nduration: 1s\nsteps: [{get: /}]"));
    assert_eq!((plan.name.as_str(), plan.seed), ("plan", 42));
    assert_eq!((plan.http, plan.connect), (Http::default(), Connect::default()));
    assert_eq!(plan.agents, AgentsWanted::default());
    let scenario = &plan.scenarios[0];
    assert_eq!((scenario.start_delay, scenario.warm_up, scenario.graceful_stop), (seconds(0), seconds(0), seconds(30)));
    assert_eq!(scenario.connections, Connections::Pool);
    let stages = vec![RateStage { duration: seconds(1), from: Rate::per_second(5), to: Rate::per_second(5) }];
    let executor =
        Executor::ArrivalRate { stages, arrivals: Arrivals::Uniform, max_users: 10_000, shape: Shape::Constant };
    assert_eq!(scenario.executor, executor);
}

#[test]
fn a_request_that_says_little_is_a_plain_get() {
    let plan = sound(&section(""));
    let url = Url { tls: false, host: "127.0.0.1".into(), port: 80, path: "/".into() };
    assert_eq!(request(&plan), &Request::new("GET /", "GET", url));
    assert_eq!(request(&plan).expect_status, StatusSet(vec![(200, 399)]));
    assert_eq!(request(&plan).timeout, seconds(10));
}

#[test]
fn connections_follow_the_scenario_then_the_plan_then_the_model() {
    let shared = |lines: &str| sound(&section(lines)).scenarios[0].connections;
    assert_eq!(shared(""), Connections::PerUser);
    assert_eq!(shared("connect: {connections: pool}"), Connections::Pool);
    let own = "connect: {connections: pool}\nscenarios: {a: {executor: constant-users, users: 1, duration: 1s, connections: new, steps: [{get: 'http://h/'}]}}";
    assert_eq!(sound(own).scenarios[0].connections, Connections::New);
}

#[test]
fn anchors_and_merges_are_expanded() {
    let plan = sound(
        "target: http://h
scenarios:
  a: &a
    executor: constant-users
    users: 3
    duration: 10s
    steps: &steps [ { get: /x } ]
  b: { <<: *a, users: 5 }
  c: { executor: constant-arrival-rate, rate: 1/s, duration: 1s, steps: *steps }
",
    );
    let users = UserStage { duration: seconds(10), from: 5, to: 5 };
    assert_eq!(plan.scenarios[1].executor, Executor::Users { stages: vec![users], shape: Shape::Constant });
    assert_eq!(plan.scenarios[2].steps, plan.scenarios[0].steps);
}

const YAML: &str = r#"
name: same
target: http://h:81
http: { timeout: 5s, redirects: 2, headers: { b: "1", a: two } }
scenarios:
  z: { executor: constant-users, users: 2, duration: 1s, steps: [ { get: /z }, { think: 1s } ] }
  a: { executor: constant-users, users: 20, duration: 1s, steps: [ { post: /a, json: { y: 1.50, x: [true, "1"] } } ] }
thresholds: [ "http_reqs: count > 1" ]
"#;

const JSON: &str = r#"{
  "name": "same", "target": "http://h:81",
  "http": {"timeout": "5s", "redirects": 2, "headers": {"b": "1", "a": "two"}},
  "scenarios": {
	"z": {"executor": "constant-users", "users": 2, "duration": "1s", "steps": [{"get": "\/z"}, {"think": "1s"}]},
    "a": {"executor": "constant-users", "users": 20, "duration": "1s",
          "steps": [{"post": "/a", "json": {"y": 1.50, "x": [true, "1"]}}]}
  },
  "thresholds": ["http_reqs: count > 1"]
}"#;

const TOML: &str = r#"
name = "same"
target = "http://h:81"
thresholds = ["http_reqs: count > 1"]
http = { timeout = "5s", redirects = 2, headers = { b = "1", a = "two" } }
[scenarios.z]
executor = "constant-users"
users = 2
duration = "1s"
steps = [ { get = "/z" }, { think = "1s" } ]
[scenarios.a]
executor = "constant-users"
users = 2_0
duration = "1s"
[[scenarios.a.steps]]
post = "/a"
json = { y = 1.50, x = [true, "1"] }
"#;

#[test]
fn three_formats_say_the_same() {
    let read = |text, format, origin| {
        from_str(text, format, origin, Path::new("")).unwrap_or_else(|mistakes| panic!("{mistakes}")).plan
    };
    let plan: Plan = read(YAML, Format::Yaml, "a.yaml");
    assert_eq!(read(JSON, Format::Json, "a.json"), plan);
    assert_eq!(read(TOML, Format::Toml, "a.toml"), plan);
    let names: Vec<&str> = plan.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names, ["z", "a"], "in the order of the file");
}

#[test]
fn json_is_read_with_all_its_escapes() {
    let text = r#"{"name": "\ud83d\ude00 \u00fc\/\n\"", "target": "http://h", "scenarios": {"a":
        {"executor" : "constant-users","users":1,"duration":"1s","steps":[{"post":"/","json":{"\ud83d\ude00":-1.5e3}}]}}}"#;
    let text = text.replace("\\n", "");
    let plan =
        from_str(&text, Format::Json, "a.json", Path::new("")).unwrap_or_else(|mistakes| panic!("{mistakes}")).plan;
    assert_eq!(plan.name, "\u{1f600} ü/\"");
    assert_eq!(&request(&plan).body.0[..], "{\"\u{1f600}\":-1.5e3}".as_bytes());
}

#[test]
fn extensions_tell_the_format() {
    for (name, format) in [
        ("a.yaml", Format::Yaml),
        ("a.yml", Format::Yaml),
        ("a.JSON", Format::Json),
        ("a.toml", Format::Toml),
        ("a.txt", Format::Yaml),
        ("a", Format::Yaml),
    ] {
        assert_eq!(Format::of(Path::new(name)), format, "{name}");
    }
}
