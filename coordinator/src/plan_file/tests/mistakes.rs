//! What is said about a plan that is wrong: the words, the places and the advice.

use super::{mistakes, scenario, section, step, yaml};

/// What is said about each of these plans.
pub(super) fn each(plans: impl IntoIterator<Item = String>) -> String {
    plans.into_iter().map(|plan| mistakes(&plan)).collect::<Vec<_>>().join("\n")
}

/// What is said about a scenario with these lines and a sound step.
fn load(lines: &str) -> String {
    scenario(&format!("{}\nsteps: [{{get: /}}]", lines.trim()))
}

#[test]
fn many_mistakes_in_one_file_are_told_at_once() {
    let plan = r#"
name: shop
taget: http://127.0.0.1:8080
http: { version: 2, timeout: 10, headers: { "bad header": x } }
vars: { pages: 50 }
scenarios:
  browse:
    executor: ramping-arival-rate
    stages: [ { duration: 30s, target: 500 } ]
    max_users: -5
    steps:
      - { name: list, get: "products?page={{ page }}", expect: { status: 2000 } }
      - think: 3s..1s
      - { name: cart, post: /cart, json: {}, body: x }
  watchers:
    executor: constant-users
    vus: 0
    warm_up: 10m
    duration: 5m30
    steps: []
thresholds:
  - "http_req_duration{scenario:brwose}: p(99) < 250ms"
  - "http_req_failed: rate < 0.1"
  - "http_req_duratoin: p(99) < 1s"
agents: { start_when: ten }
"#;
    insta::assert_snapshot!(yaml(plan).unwrap_err(), @r#"
    error: taget: unknown key `taget`
     --> plan.yaml:3:1
      |
    3 | taget: http://127.0.0.1:8080
      | ^^^^^
      |
      = help: did you mean `target`?

    error: http.version: HTTP version `2` is not supported by this version of Muster
     --> plan.yaml:4:18
      |
    4 | http: { version: 2, timeout: 10, headers: { "bad header": x } }
      |                  ^
      |
      = help: write `version: auto`, which speaks HTTP/1.1

    error: http.timeout: wanted a duration such as `10s`, `250ms` or `5m30s`, found `10`
     --> plan.yaml:4:30
      |
    4 | http: { version: 2, timeout: 10, headers: { "bad header": x } }
      |                              ^^
      |
      = help: write `10s` for seconds

    error: http.headers.`bad header`: wanted a header name such as `accept-language`, found `bad header`
     --> plan.yaml:4:45
      |
    4 | http: { version: 2, timeout: 10, headers: { "bad header": x } }
      |                                             ^^^^^^^^^^^^
      |
      = help: letters, digits and any of !#$%&'*+-.^_`|~ make up a name

    error: scenarios.browse.executor: wanted an executor, found `ramping-arival-rate`
     --> plan.yaml:8:15
      |
    8 |     executor: ramping-arival-rate
      |               ^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `ramping-arrival-rate`?

    error: scenarios.browse.stages[0].target: wanted a rate such as `500/s`, `100/min` or `10/h`, found `500`
     --> plan.yaml:9:40
      |
    9 |     stages: [ { duration: 30s, target: 500 } ]
      |                                        ^^^
      |
      = help: write `500/s` for 500 per second

    error: scenarios.browse.max_users: wanted a whole number from 1 to 10000000, found `-5`
      --> plan.yaml:10:16
       |
    10 |     max_users: -5
       |                ^^

    error: scenarios.browse.steps[0].get: wanted a template, found `products?page={{ page }}`: `page` is not known
      --> plan.yaml:12:28
       |
    12 |       - { name: list, get: "products?page={{ page }}", expect: { status: 2000 } }
       |                            ^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: did you mean `pages`?

    error: scenarios.browse.steps[0].expect.status: wanted a status such as 200, `2xx` or `200-299`, found `2000`
      --> plan.yaml:12:74
       |
    12 |       - { name: list, get: "products?page={{ page }}", expect: { status: 2000 } }
       |                                                                          ^^^^

    error: scenarios.browse.steps[1].think: wanted a pause of at most 1d, the shorter end first, found `3s..1s`
      --> plan.yaml:13:16
       |
    13 |       - think: 3s..1s
       |                ^^^^^^

    error: scenarios.browse.steps[2].post: wanted a URL, because the plan has no `target`, found `/cart`
      --> plan.yaml:14:29
       |
    14 |       - { name: cart, post: /cart, json: {}, body: x }
       |                             ^^^^^
       |
       = help: add `target: http://host:port` to the plan

    error: scenarios.browse.steps[2].body: a request has one body, found `json` and `body`
      --> plan.yaml:14:52
       |
    14 |       - { name: cart, post: /cart, json: {}, body: x }
       |                                                    ^

    error: scenarios.watchers.vus: wanted a whole number from 1 to 10000000, found `0`
      --> plan.yaml:17:10
       |
    17 |     vus: 0
       |          ^

    error: scenarios.watchers.duration: wanted a duration such as `10s`, `250ms` or `5m30s`, found `5m30`
      --> plan.yaml:19:15
       |
    19 |     duration: 5m30
       |               ^^^^
       |
       = help: every number needs a unit

    error: scenarios.watchers.steps: wanted a list of 1 to 10000, found one of 0
      --> plan.yaml:20:5
       |
    20 |     steps: []
       |     ^^^^^

    error: thresholds[0]: there is no scenario `brwose`
      --> plan.yaml:22:33
       |
    22 |   - "http_req_duration{scenario:brwose}: p(99) < 250ms"
       |                                 ^^^^^^
       |
       = help: did you mean `browse`?

    error: thresholds[2]: wanted a metric, found `http_req_duratoin`
      --> plan.yaml:24:6
       |
    24 |   - "http_req_duratoin: p(99) < 1s"
       |      ^^^^^^^^^^^^^^^^^
       |
       = help: did you mean `http_req_duration`?

    error: agents.start_when: wanted a whole number from 1 to 10000, found `ten`
      --> plan.yaml:25:23
       |
    25 | agents: { start_when: ten }
       |                       ^^^
    "#);
}

#[test]
fn keys() {
    let plans = [
        section("nmae: x"),
        section("name: x\nname: y"),
        section("Target: x"),
        section("xyzzy: x"),
        section("teardown: []"),
        section("http: {tiemout: 1s}"),
        section("connect: {tls: {ca_file: x}}"),
        section("agents: {placement: {}}"),
        step("gett: /"),
        step("get: /, websocket: {}"),
        step("get: /, expect: {'headre content-type': x, html: y}"),
        load("executor: constant-users\nusers: 1\nvus: 2\nduration: 1s"),
        load("executor: constant-users\nusers: 1\nduration: 1s\nsetup: []"),
        "name: x".to_owned(),
        "scenarios: {}".to_owned(),
        "scenarios:".to_owned(),
        "scenarios: [a]".to_owned(),
        "scenarios: {a: }".to_owned(),
        "scenarios: {a: {}}".to_owned(),
    ];
    insta::assert_snapshot!(each(plans), @r#"
    1:1 nmae: unknown key `nmae` (did you mean `name`?)
    2:1 name: the key `name` stands here twice
    1:1 Target: unknown key `Target` (did you mean `target`?)
    1:1 xyzzy: unknown key `xyzzy` (known here: `name`, `target`, `seed`, `vars`, `secrets`, `data`, `http`, `connect`, `setup`, `setup_timeout`, `scenarios`, `teardown`, `teardown_timeout`, `thresholds` or `agents`)
    1:1 teardown: wanted a list of 1 to 10000, found one of 0
    1:8 http.tiemout: unknown key `tiemout` (did you mean `timeout`?)
    1:17 connect.tls.ca_file: unknown key `ca_file` (did you mean `ca`?)
    1:10 agents.placement: `placement` is not supported by this version
    8:7 scenarios.a.steps[0]: a step needs a method or a pause (write `get: /path`, `post: /path`, ... or `think: 1s`)
    8:9 scenarios.a.steps[0].gett: unknown key `gett` (did you mean `get`?)
    8:17 scenarios.a.steps[0].websocket: `websocket` is not supported by this version
    8:26 scenarios.a.steps[0].expect.`headre content-type`: unknown key `headre content-type` (did you mean `header`?)
    8:52 scenarios.a.steps[0].expect.html: `html` is not supported by this version
    6:5 scenarios.a.vus: `vus` means the same as `users`, which stands here too
    7:5 scenarios.a.setup: `setup` is not supported by this version
    1:1 : `scenarios` is missing (Load profiles, by name)
    1:1 scenarios: wanted at least one scenario
    1:10 scenarios: wanted a map, found nothing
    1:12 scenarios: wanted a map, found a list
    1:14 scenarios.a: wanted a map, found nothing
    1:13 scenarios.a: `steps` is missing (What one iteration does, in order)
    1:13 scenarios.a: `executor` is missing (with these keys, write `executor: constant-users`)
    "#);
}

#[test]
fn values_of_the_plan() {
    let plans = [
        section("name: ''"),
        section("name: [x]"),
        section("name: '{{ x }}'"),
        section(&format!("name: {}", "x".repeat(257))),
        section("seed: -1"),
        section("seed: '1'"),
        section("seed: 1.5"),
        section("agents: {start_when: 0, on_loss: fail}"),
        section("agents: {on_loss: degarde}"),
        section("thresholds: []"),
        section("thresholds: 'http_reqs: count > 1'"),
        section("thresholds: [5]"),
        section("thresholds: ['http_reqs{scenario:b}: count > 1', 'http_reqs{request:GET}: count > 1']"),
        section("thresholds: ['http_reqs{scenario:a,request:GET /x}: count > 1']"),
        section("thresholds:\n- http_reqs: cuont > 1"),
    ];
    insta::assert_snapshot!(each(plans), @r#"
    1:7 name: wanted a name that is not empty, found nothing
    1:7 name: wanted text, found a list
    1:7 name: wanted a template, found `{{ x }}`: `x` is not known (there are `choice`, `email`, `name`, `now`, `random`, `random_float`, `range`, `text`, `timestamp`, `uuid`, `agent`, `counter`, `env`, `iteration`, `turn`, `user`, `worker`; the plan's `vars`, and what steps `capture`, add more)
    1:7 name: wanted a name of at most 256 bytes, found `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`
    1:7 seed: wanted a whole number of at least 0, found `-1`
    1:7 seed: wanted a whole number of at least 0, found `1` (write it without quotes)
    1:7 seed: wanted a whole number of at least 0, found `1.5`
    1:22 agents.start_when: wanted a whole number from 1 to 10000, found `0`
    1:19 agents.on_loss: wanted `redistribute`, `degrade` or `fail`, found `degarde` (did you mean `degrade`?)
    1:1 thresholds: wanted a list of 1 to 1000, found one of 0
    1:13 thresholds: wanted a list, found `http_reqs: count > 1`
    1:14 thresholds[0]: wanted a threshold, found `5` (write a text such as "http_req_duration: p(99) < 250ms")
    1:34 thresholds[0]: there is no scenario `b` (known here: `a`)
    1:69 thresholds[1]: there is no request `GET` (did you mean `GET /`?)
    1:44 thresholds[0]: there is no request `GET /x` (did you mean `GET /`?)
    2:14 thresholds[0]: wanted an aggregate, found `cuont` (did you mean `count`?)
    "#);
}

#[test]
fn values_of_http_and_connect() {
    let plans = [
        section("http: {version: 3}"),
        section("http: {version: 1.0}"),
        section("http: {timeout: 10}"),
        section("http: {timeout: 10sec}"),
        section("http: {timeout: 0s, read_timeout: 2h}"),
        section("http: {max_head: 64, max_body: 5XB}"),
        section("http: {max_head: 1GiB}"),
        section("http: {redirects: 21}"),
        section("http: {headers: {'a b': x, content-length: 5, connection: close, ok: [a, \"b\\nc\"]}}"),
        section("http: {headers: {Accept: x, accept: y}}"),
        section("connect: {hosts: {'h:80': 127.0.0.1, b: localhost}}"),
        section("connect: {source: [127.0.0.1, x]}"),
        section("connect: {connections: per-users}"),
        section("connect: {proxy: 'https://p:1', dns: twice}"),
        section("connect: {dns: {}}"),
        section("connect: {dns: {every: 1ms}}"),
        section("connect: {tls: {insecure: 'yes'}}"),
        section("target: http://h/?q"),
        "scenarios: {a: {executor: constant-users, users: 1, duration: 1s, steps: [{get: /}]}}".to_owned(),
    ];
    insta::assert_snapshot!(each(plans).replace("target: http://127.0.0.1\n", ""), @r#"
    1:17 http.version: HTTP version `3` is not supported by this version of Muster (write `version: auto`, which speaks HTTP/1.1)
    1:17 http.version: wanted `auto` or `1.1`, found `1.0` (did you mean `1.1`?)
    1:17 http.timeout: wanted a duration such as `10s`, `250ms` or `5m30s`, found `10` (write `10s` for seconds)
    1:17 http.timeout: wanted a duration such as `10s`, `250ms` or `5m30s`, found `10sec` (there is no unit `sec`; did you mean `s`?)
    1:17 http.timeout: wanted a duration from 1ms to 1h, found `0s`
    1:35 http.read_timeout: wanted a duration from 1ms to 1h, found `2h`
    1:18 http.max_head: wanted a size such as `64KiB` or `10MB`, found `64` (write `64B` for bytes, or `64KiB`)
    1:32 http.max_body: wanted a size such as `64KiB` or `10MB`, found `5XB` (there is no unit `XB`; units are B, kB, KB, MB, GB, KiB, MiB, GiB)
    1:18 http.max_head: wanted a size from 1024 to 1048576 bytes, found `1GiB`
    1:19 http.redirects: wanted a whole number from 0 to 20, found `21`
    1:18 http.headers.`a b`: wanted a header name such as `accept-language`, found `a b` (letters, digits and any of !#$%&'*+-.^_`|~ make up a name)
    1:28 http.headers.content-length: the header `content-length` cannot be set (it follows from the body)
    1:47 http.headers.connection: the header `connection` cannot be set (use `connections: new` for a connection per request)
    1:74 http.headers.ok[1]: wanted a header value without control characters, found `b\nc`
    1:29 http.headers.accept: the header `accept` stands here twice
    1:19 connect.hosts.`h:80`: wanted a host name such as `shop.test`, without port
    1:41 connect.hosts.b: wanted an IP address such as `127.0.0.1` or `::1`, found `localhost`
    1:31 connect.source[1]: wanted an IP address such as `127.0.0.1` or `::1`, found `x`
    1:24 connect.connections: wanted `pool`, `per-user` or `new`, found `per-users` (did you mean `per-user`?)
    1:18 connect.proxy: wanted a proxy as `http://host:port`, or `none`, found `https://p:1`
    1:38 connect.dns: wanted `once`, or a map such as `{every: 30s}`, found `twice`
    1:11 connect.dns: `every` is missing (Look up anew after this time)
    1:24 connect.dns.every: wanted a duration from 1s to 366d, found `1ms`
    1:27 connect.tls.insecure: wanted `true` or `false`, found `yes`
    1:9 target: wanted a base URL without a query (use `query` in the steps)
    2:1 target: the key `target` stands here twice
    1:81 scenarios.a.steps[0].get: wanted a URL, because the plan has no `target`, found `/` (add `target: http://host:port` to the plan)
    "#);
}

#[test]
fn executors() {
    let plans = [
        load("rate: 5/s\nduration: 1s"),
        load("stages: [{duration: 1s, target: 5/s}]"),
        load("stages: [{duration: 1s, target: 5}]"),
        load("executor: constant-vu"),
        load("executor: find-capacity"),
        load("executor: xyzzy"),
        load("executor: constant-users"),
        load("executor: constant-users\nusers: 1\nduration: 1s\nrate: 5/s\nstages: []"),
        load("executor: constant-users\nusers: 10000001\nduration: 367d"),
        load("executor: constant-users\nusers: many\nduration: 1s"),
        load("executor: constant-arrival-rate\nrate: 500\nduration: 1s"),
        load("executor: constant-arrival-rate\nrate: 0/s\nduration: 1s"),
        load("executor: constant-arrival-rate\nrate: -5/s\nduration: 1s"),
        load("executor: constant-arrival-rate\nrate: 1000000001/s\nduration: 1s"),
        load("executor: constant-arrival-rate\nrate: 5/sec\nduration: 1s\nmax_users: 0\narrivals: poison"),
        load("executor: ramping-arrival-rate\nstages: [{duration: 1s, target: 5}, {duraton: 1s, target: 1/s}]"),
        load("executor: ramping-arrival-rate\nstages: [{duration: 10s, target: 0/s}, {duration: 0s, target: 5/s}]"),
        load("executor: ramping-arrival-rate\nstages: [{duration: 200d, target: 5/s}, {duration: 200d, target: 5/s}]"),
        load("executor: ramping-users\nstages: [{duration: 1s, target: 5/s}]\nstart_users: -1"),
        load("executor: shared-iterations\nusers: 1\niterations: 0"),
        load("executor: per-user-iterations\niterations: 5\nduration: 1s"),
        load("executor: constant-users\nusers: 1\nduration: 10s\nwarm_up: 10s"),
        load("executor: manual\nduration: 10s"),
        load("executor: manual\nstart_rate: 0/s\nstart_users: 0"),
        load("executor: manual\nstart_users: 3\nmax_users: 9"),
        load("executor: constant-users\nusers: 1\nduration: 10s\nconnections: none\nstart_delay: 5\ngraceful_stop: x"),
    ];
    insta::assert_snapshot!(each(plans), @r#"
    3:3 scenarios.a: `executor` is missing (with these keys, write `executor: constant-arrival-rate`)
    3:3 scenarios.a: `executor` is missing (with these keys, write `executor: ramping-arrival-rate`)
    3:3 scenarios.a: `executor` is missing (with these keys, write `executor: ramping-users`)
    3:3 scenarios.a: `users` is missing, which `constant-users` needs
    3:3 scenarios.a: `duration` is missing, which `constant-users` needs
    4:15 scenarios.a.executor: wanted an executor, found `constant-vu` (did you mean `constant-vus`?)
    4:15 scenarios.a.executor: the executor `find-capacity` is not supported by this version
    4:15 scenarios.a.executor: wanted an executor, found `xyzzy` (executors are `constant-arrival-rate`, `ramping-arrival-rate`, `constant-users`, `ramping-users`, `per-user-iterations`, `shared-iterations` or `manual`)
    3:3 scenarios.a: `users` is missing, which `constant-users` needs
    3:3 scenarios.a: `duration` is missing, which `constant-users` needs
    7:11 scenarios.a.rate: `constant-users` does not take `rate` (`rate` belongs to `constant-arrival-rate`)
    8:13 scenarios.a.stages: `constant-users` does not take `stages` (`stages` belongs to `ramping-arrival-rate` or `ramping-users`)
    5:12 scenarios.a.users: wanted a whole number from 1 to 10000000, found `10000001`
    6:15 scenarios.a.duration: wanted a duration from 1ms to 366d, found `367d`
    5:12 scenarios.a.users: wanted a whole number from 1 to 10000000, found `many`
    5:11 scenarios.a.rate: wanted a rate such as `500/s`, `100/min` or `10/h`, found `500` (write `500/s` for 500 per second)
    5:11 scenarios.a.rate: wanted a rate above zero, found `0/s`
    5:11 scenarios.a.rate: wanted a rate such as `500/s`, `100/min` or `10/h`, found `-5/s`
    5:11 scenarios.a.rate: wanted a rate such as `500/s`, `100/min` or `10/h`, found `1000000001/s` (the highest rate is 1000000000/s)
    5:11 scenarios.a.rate: wanted a rate such as `500/s`, `100/min` or `10/h`, found `5/sec` (there is no unit `sec`; did you mean `s`?)
    7:16 scenarios.a.max_users: wanted a whole number from 1 to 10000000, found `0`
    8:15 scenarios.a.arrivals: wanted `uniform` or `poisson`, found `poison` (did you mean `poisson`?)
    5:37 scenarios.a.stages[0].target: wanted a rate such as `500/s`, `100/min` or `10/h`, found `5` (write `5/s` for 5 per second)
    5:41 scenarios.a.stages[1]: `duration` is missing (How long it lasts; 0s is a jump)
    5:42 scenarios.a.stages[1].duraton: unknown key `duraton` (did you mean `duration`?)
    5:5 scenarios.a.stages: these stages never generate load (a stage needs a duration and a target above zero)
    5:5 scenarios.a.stages: wanted stages of at most 366d together, found 400d
    5:37 scenarios.a.stages[0].target: wanted a whole number from 0 to 10000000, found `5/s`
    6:18 scenarios.a.start_users: wanted a whole number from 0 to 10000000, found `-1`
    6:17 scenarios.a.iterations: wanted a whole number from 1 to 10000000000000, found `0`
    3:3 scenarios.a: `users` is missing, which `per-user-iterations` needs
    6:15 scenarios.a.duration: `per-user-iterations` does not take `duration` (`duration` belongs to `constant-arrival-rate`, `constant-users` or `manual`)
    7:14 scenarios.a.warm_up: wanted a warm-up shorter than the profile, which lasts 10s, found `10s`
    3:3 scenarios.a: `manual` begins with something, and this is missing (write `start_rate: 0/s` to set rates, or `start_users: 0` to set numbers of users)
    3:3 scenarios.a: `manual` begins with a rate or with users, and has both (write `start_rate: 0/s` to set rates, or `start_users: 0` to set numbers of users)
    6:16 scenarios.a.max_users: a closed model does not take this (it goes with `start_rate`)
    7:18 scenarios.a.connections: wanted `pool`, `per-user` or `new`, found `none`
    8:18 scenarios.a.start_delay: wanted a duration such as `10s`, `250ms` or `5m30s`, found `5` (write `5s` for seconds)
    9:20 scenarios.a.graceful_stop: wanted a duration such as `10s`, `250ms` or `5m30s`, found `x`
    "#);
}

#[test]
fn steps() {
    let plans = [
        scenario("executor: constant-users\nusers: 1\nduration: 1s"),
        scenario("executor: constant-users\nusers: 1\nduration: 1s\nsteps: []"),
        scenario("executor: constant-users\nusers: 1\nduration: 1s\nsteps: [{think: 1s}]"),
        scenario("executor: constant-users\nusers: 1\nduration: 1s\nsteps: [GET /]"),
        step(""),
        step("name: x"),
        step("get: /, post: /"),
        step("get: /, url: /"),
        step("method: GET"),
        step("url: /"),
        step("method: 'G E T', url: /"),
        step("method: connect, url: /"),
        step("think: 1s, get: /"),
        scenario("executor: constant-users\nusers: 1\nduration: 1s\nsteps: [{get: /}, {think: 1}, {think: 3s..1s}]"),
        scenario("executor: constant-users\nusers: 1\nduration: 1s\nsteps: [{get: /}, {think: [1s]}, {think: 1s..x}]"),
        step("post: /, body: x, json: {}"),
        step("post: /, body: '{{ x }}'"),
        step("post: /, json: {a: [{b: '{{ x }}'}]}"),
        step("post: /, form: {a: {b: c}}"),
        step("post: /, form: {'{{a}}': b}"),
        step("post: /, body: {flie: x}"),
        step("get: /, query: [a]"),
        step("get: /, headers: {host: '{{ x }}'}"),
        step("get: /, expect: 200"),
        step("get: /, expect: {}"),
        step("get: /, expect: {status: 20}"),
        step("get: /, expect: {status: [200, 6xx, 300-200]}"),
        step("get: /, redirects: many, timeout: 5"),
    ];
    insta::assert_snapshot!(each(plans), @r#"
    3:3 scenarios.a: `steps` is missing (What one iteration does, in order)
    7:5 scenarios.a.steps: wanted a list of 1 to 10000, found one of 0
    7:5 scenarios.a.steps: wanted at least one request among the steps (write `- get: /path`)
    7:13 scenarios.a.steps[0]: wanted a map, found `GET /`
    8:7 scenarios.a.steps[0]: a step needs a method or a pause (write `get: /path`, `post: /path`, ... or `think: 1s`)
    8:7 scenarios.a.steps[0]: a step needs a method or a pause (write `get: /path`, `post: /path`, ... or `think: 1s`)
    8:23 scenarios.a.steps[0].post: a step has one method, found `get` and `post`
    8:22 scenarios.a.steps[0].url: the URL stands behind `get` already
    8:7 scenarios.a.steps[0]: `url` is missing (a step with `method` needs a `url`)
    8:7 scenarios.a.steps[0]: `method` is missing (write `get: /path`, or `method` and `url`)
    8:17 scenarios.a.steps[0].method: wanted a method such as `GET`, found `G E T`
    8:17 scenarios.a.steps[0].method: the method `CONNECT` is not supported by this version
    7:5 scenarios.a.steps: wanted at least one request among the steps (write `- get: /path`)
    8:20 scenarios.a.steps[0].get: unknown key `get` (known here: `think`)
    7:31 scenarios.a.steps[1].think: wanted a duration such as `10s`, `250ms` or `5m30s`, found `1` (write `1s` for seconds)
    7:43 scenarios.a.steps[2].think: wanted a pause of at most 1d, the shorter end first, found `3s..1s`
    7:31 scenarios.a.steps[1].think: wanted a pause such as `1s` or `1s..3s`, found a list
    7:46 scenarios.a.steps[2].think: wanted a duration such as `10s`, `250ms` or `5m30s`, found `x`
    8:33 scenarios.a.steps[0].json: a request has one body, found `body` and `json`
    8:24 scenarios.a.steps[0].body: wanted a template, found `{{ x }}`: `x` is not known (there are `choice`, `email`, `name`, `now`, `random`, `random_float`, `range`, `text`, `timestamp`, `uuid`, `agent`, `counter`, `env`, `iteration`, `turn`, `user`, `worker`; the plan's `vars`, and what steps `capture`, add more)
    8:33 scenarios.a.steps[0].json: wanted a template, found `{{ x }}`: `x` is not known (there are `choice`, `email`, `name`, `now`, `random`, `random_float`, `range`, `text`, `timestamp`, `uuid`, `agent`, `counter`, `env`, `iteration`, `turn`, `user`, `worker`; the plan's `vars`, and what steps `capture`, add more)
    8:28 scenarios.a.steps[0].form.a: wanted text, found a map
    8:34 scenarios.a.steps[0].form.`{{a}}`: wanted a text without `{{`, found `{{a}}` (templates can stand in paths, queries, header values and bodies)
    8:18 scenarios.a.steps[0].body: `file` is missing (A file in the plan's folder; sent as it is)
    8:25 scenarios.a.steps[0].body.flie: unknown key `flie` (did you mean `file`?)
    8:24 scenarios.a.steps[0].query: wanted a map, found a list
    8:33 scenarios.a.steps[0].headers.host: wanted a template, found `{{ x }}`: `x` is not known (there are `choice`, `email`, `name`, `now`, `random`, `random_float`, `range`, `text`, `timestamp`, `uuid`, `agent`, `counter`, `env`, `iteration`, `turn`, `user`, `worker`; the plan's `vars`, and what steps `capture`, add more)
    8:25 scenarios.a.steps[0].expect: wanted a map, found `200`
    8:17 scenarios.a.steps[0].expect: nothing is expected here (write `status: 200`, or `json $.id: exists`)
    8:34 scenarios.a.steps[0].expect.status: wanted a status such as 200, `2xx` or `200-299`, found `20`
    8:40 scenarios.a.steps[0].expect.status[1]: wanted a status such as 200, `2xx` or `200-299`, found `6xx`
    8:45 scenarios.a.steps[0].expect.status[2]: wanted a status such as 200, `2xx` or `200-299`, found `300-200`
    8:28 scenarios.a.steps[0].redirects: wanted a whole number from 0 to 20, found `many`
    8:43 scenarios.a.steps[0].timeout: wanted a duration such as `10s`, `250ms` or `5m30s`, found `5` (write `5s` for seconds)
    "#);
}

#[test]
fn mistakes_in_toml_have_places_too() {
    let text = "target = \"http://h\"\n[scenarios.a]\nexecutor = \"constant-users\"\nusers = 0\nduraton = \"1s\"\nsteps = [{get = \"x\"}]\n";
    let found = super::from_str(text, super::Format::Toml, "plan.toml", std::path::Path::new("")).unwrap_err();
    insta::assert_snapshot!(found, @r#"
    error: scenarios.a: `duration` is missing, which `constant-users` needs
     --> plan.toml:2:12
      |
    2 | [scenarios.a]
      |            ^

    error: scenarios.a.users: wanted a whole number from 1 to 10000000, found `0`
     --> plan.toml:4:9
      |
    4 | users = 0
      |         ^

    error: scenarios.a.duraton: unknown key `duraton`
     --> plan.toml:5:1
      |
    5 | duraton = "1s"
      | ^^^^^^^
      |
      = help: did you mean `duration`?

    error: scenarios.a.steps[0].get: wanted a path that begins with `/`, or a URL, found `x`
     --> plan.toml:6:17
      |
    6 | steps = [{get = "x"}]
      |                 ^^^
      |
      = help: write `/x`
    "#);
}
