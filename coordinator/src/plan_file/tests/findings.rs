//! What is made of responses: expectations, captures, metrics and tags.

use muster_proto::plan::{Auth, Capture, Condition, MetricKind, MetricName, Missing, Pick, Source};

use super::mistakes::each;
use super::{request, section, sound, step};

/// The checks of a request with these expectations: name, condition, operand.
fn checks(expect: &str) -> Vec<(String, Condition, String)> {
    let plan = sound(&step(&format!("get: /, expect: {{ {expect} }}")));
    let checks = request(&plan).checks.iter();
    checks.map(|check| (check.name.clone(), check.condition, check.operand.clone())).collect()
}

#[track_caller]
fn reads(expect: &str, name: &str, condition: Condition, operand: &str) {
    assert_eq!(checks(expect), [(name.to_owned(), condition, operand.to_owned())], "{expect}");
}

#[test]
fn expectations_say_what_is_compared_with_what() {
    reads("status: [2xx, 404]", "status 2xx, 404", Condition::Status, "200-299,404-404");
    reads("'header Content-Type': contains json", "header Content-Type contains json", Condition::Contains, "json");
    reads("'json $.items': not empty", "json $.items not empty", Condition::NotEmpty, "");
    reads("'json $.id': 7", "json $.id 7", Condition::Equal, "7");
    reads("'json $.id': '7'", "json $.id 7", Condition::Equal, "\"7\"");
    reads("'json $.id': '== 7'", "json $.id == 7", Condition::Equal, "7");
    reads("'json $.a': '!= null'", "json $.a != null", Condition::NotEqual, "null");
    reads("'json $.a': '== contains'", "json $.a == contains", Condition::Equal, "\"contains\"");
    reads("'json $.a': contains", "json $.a contains", Condition::Equal, "\"contains\"");
    reads("'json $.a': emptyish", "json $.a emptyish", Condition::Equal, "\"emptyish\"");
    reads("'json $.a': true", "json $.a true", Condition::Equal, "true");
    reads("'json $.a': { b: [1] }", "json $.a {\"b\":[1]}", Condition::Equal, "{\"b\":[1]}");
    reads("'json $.n': '> 1.5'", "json $.n > 1.5", Condition::Greater, "1.5");
    reads("body: starts with <html", "body starts with <html", Condition::StartsWith, "<html");
    reads("body: 'not matches error|fail'", "body not matches error|fail", Condition::NotMatches, "error|fail");
    reads("'cookie sid': exists", "cookie sid exists", Condition::Exists, "");
    reads("'css title': ends with shop", "css title ends with shop", Condition::EndsWith, "shop");
    reads("time: '< 1.5s'", "time < 1.5s", Condition::Less, "1500");
    reads("size: '<= 10KiB'", "size <= 10KiB", Condition::LessOrEqual, "10240");
    reads("size: '> 100'", "size > 100", Condition::Greater, "100");
    reads("schema: { type: object }", "schema", Condition::Schema, "{\"type\":\"object\"}");
    let several = checks("'json $.n': ['> 1', '< 5']");
    assert_eq!(several.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["json $.n > 1", "json $.n < 5"]);
}

#[test]
fn what_a_finding_is_compared_with_may_be_a_template() {
    let plan = sound(
        &section("vars: { who: ada }")
            .replace("get: /", "get: /, expect: {'json $.a': '{{ who }}', body: 'contains {{ who }}!'}"),
    );
    let checks = &request(&plan).checks;
    assert!(checks.iter().all(|check| check.template));
    assert_eq!(checks[0].operand, "{{ who }}!");
    assert_eq!(checks[1].operand, "{{ (who) | given | tojson }}", "it keeps its kind");
}

#[test]
fn places_are_told_by_their_first_word() {
    let source = |from: &str| {
        let plan = sound(&step(&format!("get: /, capture: {{ a: '{from}' }}")));
        request(&plan).captures[0].source.clone()
    };
    assert_eq!(source("json $.items[0].id"), Source::Json("$.items[0].id".to_owned()));
    assert_eq!(source("header Location"), Source::Header("location".to_owned()));
    assert_eq!(source("cookie SID"), Source::Cookie("SID".to_owned()));
    assert_eq!(source("regex id=(\\d+) "), Source::Regex("id=(\\d+)".to_owned()));
    assert_eq!(source("css input[name=csrf] @value"), {
        Source::Css("input[name=csrf]".to_owned(), Some("value".to_owned()))
    });
    assert_eq!(source("css h1"), Source::Css("h1".to_owned(), None));
    assert_eq!(source("status"), Source::Status);
    assert_eq!(source("body"), Source::Body);
}

#[test]
fn captures_say_which_and_what_if_there_is_none() {
    let plan = sound(&step(
        "get: /, capture: { a: json $.a, b: { from: json $.b, pick: random, missing: skip }, \
         c: { from: json $.c, pick: all, default: [] }, d: { from: body, pick: last, missing: go-on } }",
    ));
    let json = |path: &str| Source::Json(path.to_owned());
    let capture = |name: &str, source, pick, missing| Capture { name: name.to_owned(), source, pick, missing };
    assert_eq!(
        request(&plan).captures,
        [
            capture("a", json("$.a"), Pick::First, Missing::Fail),
            capture("b", json("$.b"), Pick::Random, Missing::Skip),
            capture("c", json("$.c"), Pick::All, Missing::Default("[]".to_owned())),
            capture("d", Source::Body, Pick::Last, Missing::GoOn),
        ]
    );
    assert_eq!(plan.scenarios[0].slots(), ["a", "b", "c", "d"]);
}

#[test]
fn templates_name_what_any_step_of_their_scenario_captures() {
    sound(&step("get: '/{{ id }}', capture: { id: json $.id }"));
}

#[test]
fn metrics_are_numbered_in_the_order_in_which_the_plan_names_them() {
    let plan = sound(&step(
        "get: /, capture: { n: json $.n }, metrics: { basket: { trend: '{{ n }}' }, seen: { counter: 1 } }",
    ));
    assert_eq!(plan.metrics, [("basket".to_owned(), MetricKind::Trend), ("seen".to_owned(), MetricKind::Counter)]);
    let values: Vec<_> = request(&plan).metrics.iter().map(|one| (one.metric, one.value.as_str())).collect();
    assert_eq!(values, [(0, "{{ n }}"), (1, "1")]);
}

#[test]
fn thresholds_speak_of_checks_own_metrics_and_tags() {
    let lines = "thresholds: ['checks{check:status 200}: rate > 99%', 'basket: p(95) < 50', 'seen: count > 1', \
                 'stock: value >= 3', 'http_req_duration{kind:api}: p(95) < 1s']";
    let keys = "get: /, tags: { kind: api }, expect: { status: 200 }, \
                metrics: { basket: { trend: 1 }, seen: { counter: 1 }, stock: { gauge: 5 } }";
    let plan = sound(&section(lines).replace("get: /", keys));
    let metrics: Vec<_> = plan.thresholds.iter().map(|threshold| threshold.metric).collect();
    let own = [0, 1, 2].map(MetricName::Own);
    assert_eq!(metrics, [MetricName::Checks, own[0], own[1], own[2], MetricName::HttpReqDuration]);
    assert_eq!(plan.thresholds[4].selector.tags, [("kind".to_owned(), "api".to_owned())]);
}

#[test]
fn a_request_has_the_tags_of_its_scenario_but_for_its_own() {
    let plan = sound(
        &step("get: /, tags: { kind: api, b: 2 }").replace("users: 1", "users: 1\n    tags: { kind: web, a: 1 }"),
    );
    let tags: Vec<_> = request(&plan).tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(tags, ["a=1", "b=2", "kind=api"]);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let plans = [
        step("get: /, expect: { 'json items': 1 }"),
        step("get: /, expect: { 'json ': 1 }"),
        step("get: /, expect: { 'regex (': exists }"),
        step("get: /, expect: { 'css p[': exists }"),
        step("get: /, expect: { 'header a b': exists }"),
        step("get: /, expect: { 'json $.a': '> many' }"),
        step("get: /, expect: { body: 'matches (' }"),
        step("get: /, expect: { body: 'matches {{ x }}' }"),
        step("get: /, expect: { 'json $.a': '{{ x }}' }"),
        step("get: /, expect: { time: '< 5' }"),
        step("get: /, expect: { size: '< 5 bytes' }"),
        step("get: /, expect: { schema: { type: 5 } }"),
        step("get: /, expect: { schema: { file: none.json } }"),
        step("get: /, expect: { status: 200, fail: maybe }"),
        step("get: /, capture: { id: jsn $.id }"),
        step("get: /, capture: { id: $.id }"),
        step("get: /, capture: { random: body }"),
        step("get: /, capture: { a-b: body }"),
        section("vars: { id: 1 }").replace("get: /", "get: /, capture: { id: body }"),
        step("get: /, capture: { a: { pick: first } }"),
        step("get: /, capture: { a: { from: body, pick: frist } }"),
        step("get: /, capture: { a: { from: body, missing: skip, default: 1 } }"),
        step("get: '/{{ idd }}', capture: { id: body }"),
        step("get: /, metrics: { a: 5 }"),
        step("get: /, metrics: { a: { trend: 1, rate: 2 } }"),
        step("get: /, metrics: { http_reqs: { trend: 1 } }"),
        step("get: /, metrics: { a: { trend: '{{ x }}' } }"),
        step("get: /, metrics: { a: { trend: 1 } } }\n- { get: /b, metrics: { a: { rate: true } }"),
        step("get: /, tags: { scenario: a }"),
        step("get: /, tags: { 'a b': a }"),
        section("thresholds: ['checks: rate > 99%', 'checks{check:x}: rate > 1%', 'http_reqs{knid:api}: count > 1']")
            .replace("get: /", "get: /, tags: { kind: api }, expect: { status: 200 }"),
        section(
            "thresholds: ['baskte: p(9) < 5', 'basket: rate < 5', 'basket: p(9) < 5s', 'basket{request:a}: max < 1']",
        )
        .replace("get: /", "get: /, metrics: { basket: { trend: 1 } }"),
    ];
    insta::assert_snapshot!(each(plans));
}

#[test]
fn who_it_is_stands_in_the_authorization() {
    let authorization = |http: &str, keys: &str| {
        let plan = sound(
            &section(&format!("vars: {{ who: ada }}\nhttp: {{ {http} }}")).replace("get: /", &format!("get: /{keys}")),
        );
        let headers = request(&plan).headers.clone();
        headers.into_iter().filter(|(name, _)| name == "authorization").map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!(authorization("auth: { bearer: t0k }", ""), ["Bearer t0k"]);
    assert_eq!(
        authorization("auth: { bearer: t0k }", ", auth: { basic: { user: Aladdin, password: open sesame } }"),
        ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]
    );
    assert_eq!(
        authorization("timeout: 1s", ", auth: { basic: { user: '{{ who }}', password: 'x{{ 1 }}' } }"),
        ["Basic {{ ((who) ~ \":x\" ~ (1)) | base64 }}"]
    );
    assert_eq!(authorization("auth: { bearer: a }", ", headers: { authorization: own }"), ["own"]);
    assert_eq!(authorization("headers: { authorization: a }, auth: { bearer: b }", ""), ["a"]);
    let plans = ["auth: {}", "auth: { basic: { user: 'a:b', password: c } }", "auth: { bearer: a, basic: {} }"];
    insta::assert_snapshot!("auth", each(plans.map(|keys| step(&format!("get: /, {keys}")))));
}

#[test]
fn requests_are_signed_unless_their_headers_say_who_they_are() {
    let aws = "aws: { region: eu-west-1, service: s3, access_key: '{{ key }}', secret_key: s3cret }";
    let read = |http: &str, keys: &str| {
        let plan = sound(
            &section(&format!("vars: {{ key: AKID }}\nhttp: {{ {http} }}")).replace("get: /", &format!("get: /{keys}")),
        );
        request(&plan).clone()
    };
    let Some(Auth::Aws(signed)) = read(&format!("auth: {{ {aws} }}"), "").auth else { panic!("no keys") };
    assert_eq!((signed.region.as_str(), signed.access_key.as_str()), ("eu-west-1", "{{ key }}"));
    assert_eq!((signed.secret_key.as_str(), signed.session_token.clone()), ("s3cret", None));
    assert!(!format!("{signed:?}").contains("s3cret"));
    let own = read("auth: { bearer: a }", &format!(", auth: {{ {aws} }}"));
    assert!(own.auth.is_some() && own.headers.is_empty(), "{own:?}");
    for (http, keys) in [
        (format!("auth: {{ {aws} }}"), ", headers: { authorization: own }"),
        (format!("auth: {{ {aws} }}"), ", auth: { bearer: own }"),
        (format!("headers: {{ authorization: own }}, auth: {{ {aws} }}"), ""),
    ] {
        let request = read(&http, keys);
        assert!(request.auth.is_none() && request.headers[0].1.ends_with("own"), "{request:?}");
    }
    let plan = sound(&step(&format!("get: /, auth: {{ {aws} }}").replace("{{ key }}", "k3y")));
    for shown in [super::super::resolved(&plan).to_string(), format!("{:?}", crate::report::elided(&plan))] {
        assert!(!shown.contains("s3cret") && !shown.contains("k3y"), "{shown}");
    }
}

#[test]
fn who_asks_for_the_same_token_shares_it() {
    let oauth2 = |rest: &str| {
        format!("auth: {{ oauth2: {{ token: /token, client_id: a, client_secret: '{{{{ key }}}}'{rest} }} }}")
    };
    let lines = format!("vars: {{ key: shown }}\nhttp: {{ {} }}", oauth2(""));
    let steps = format!(
        "get: / }}\n    - {{ get: /b, {} }}\n    - {{ get: /c, {}",
        oauth2(""),
        oauth2(", scope: x, client: body")
    );
    let plan = sound(&section(&lines).replace("get: /", &steps));
    let places: Vec<_> = plan.scenarios[0].requests().iter().map(|request| request.auth.clone()).collect();
    assert_eq!(places, [0, 0, 1].map(|place| Some(Auth::Token(place))));
    let tokens: Vec<_> = plan.tokens.iter().map(|token| (token.url.path.as_str(), token.in_body)).collect();
    assert_eq!(tokens, [("/token", false), ("/token", true)]);
    assert_eq!(plan.tokens[1].scope.as_deref(), Some("x"));
    assert_eq!(plan.tokens[0].client_secret, "{{ key }}");
    let literal = sound(&section(&lines.replace("{{ key }}", "s3cret")));
    for shown in [super::super::resolved(&literal).to_string(), format!("{:?}", crate::report::elided(&literal))] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let of_iteration = step(&format!("get: /, capture: {{ key: body }}, {}", oauth2("")));
    assert!(super::mistakes(&of_iteration).contains("`key` is not known"), "{}", super::mistakes(&of_iteration));
    let relative = section("http: { auth: { oauth2: { token: token, client_id: a, client_secret: b } } }");
    assert!(super::mistakes(&relative).contains("http.auth.oauth2.token: wanted a path"), "it is told where");
}
