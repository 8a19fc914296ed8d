//! The plan of a command line.

use std::time::Duration;

use muster_proto::plan::{Arrivals, Connections, Executor, Rate, RateStage, Shape, UserStage};

use super::super::{QuickPlan, quick};
use super::request;

fn to(url: &str) -> QuickPlan {
    QuickPlan { url: url.to_owned(), ..QuickPlan::default() }
}

#[test]
fn a_url_alone_is_ten_users_for_ten_seconds() {
    let plan = quick(to("http://127.0.0.1:8080/x?y=1")).unwrap();
    assert_eq!(plan.name, "127.0.0.1:8080/x");
    assert_eq!((plan.scenarios.len(), plan.scenarios[0].name.as_str()), (1, "default"));
    let stage = UserStage { duration: Duration::from_secs(10), from: 10, to: 10 };
    assert_eq!(plan.scenarios[0].executor, Executor::Users { stages: vec![stage], shape: Shape::Constant });
    assert_eq!(plan.scenarios[0].connections, Connections::PerUser);
    let request = request(&plan);
    assert_eq!((request.name.as_str(), request.method.as_str()), ("GET /x", "GET"));
    assert_eq!(request.url.to_string(), "http://127.0.0.1:8080/x?y=1");
}

#[test]
fn a_rate_is_an_open_model() {
    let wanted =
        QuickPlan { rate: Some(Rate::per_second(5000)), duration: Some(Duration::from_secs(30)), ..to("localhost:81") };
    let plan = quick(wanted).unwrap();
    let rate = Rate::per_second(5000);
    let executor = Executor::ArrivalRate {
        stages: vec![RateStage { duration: Duration::from_secs(30), from: rate, to: rate }],
        arrivals: Arrivals::Uniform,
        max_users: 10_000,
        shape: Shape::Constant,
    };
    assert_eq!(plan.scenarios[0].executor, executor);
    assert_eq!(plan.scenarios[0].connections, Connections::Pool);
    assert_eq!(request(&plan).url.to_string(), "http://localhost:81/");
}

#[test]
fn a_body_is_posted_as_it_is() {
    let body = vec![0, 255, b'{', b'{'];
    let headers = vec![("X-Token".to_owned(), " a b ".to_owned())];
    let plan = quick(QuickPlan { body: Some(body.clone()), headers, ..to("http://h") }).unwrap();
    let request = request(&plan);
    assert_eq!((request.method.as_str(), &request.body.0[..]), ("POST", &body[..]));
    assert_eq!(request.headers, [("x-token".to_owned(), "a b".to_owned())]);
    let put = QuickPlan { method: Some("put".into()), body: Some(body), ..to("http://h") };
    assert_eq!(super::request(&quick(put).unwrap()).method, "PUT");
}

#[test]
fn all_that_is_wrong_is_told_by_its_flag() {
    let wanted = QuickPlan {
        method: Some("G ET".into()),
        body: Some(vec![b'x'; (1 << 20) + 1]),
        headers: vec![("a b".into(), "x".into()), ("content-length".into(), "5".into()), ("ok".into(), "a\nb".into())],
        rate: Some(Rate(0)),
        users: Some(0),
        duration: Some(Duration::ZERO),
        timeout: Some(Duration::from_secs(7200)),
        ..to("ftp://h")
    };
    insta::assert_snapshot!(quick(wanted).unwrap_err(), @r#"
    error: URL: `ftp:` is not supported by this version
     |
     = note: in the command line
     = help: use `http://` or `https://`

    error: --method: wanted a method such as `GET`, found `G ET`
     |
     = note: in the command line

    error: --header: wanted a header name such as `accept-language`, found `a b`
     |
     = note: in the command line
     = help: letters, digits and any of !#$%&'*+-.^_`|~ make up a name

    error: --header: the header `content-length` cannot be set
     |
     = note: in the command line
     = help: it follows from the body

    error: --header: wanted a header value without control characters, found `a\nb`
     |
     = note: in the command line

    error: --duration: wanted a duration from 1ms to 366d, found `0s`
     |
     = note: in the command line

    error: --users: wanted a rate or a number of users, found both
     |
     = note: in the command line
     = help: `--rate` is an open model, `--users` a closed one

    error: --rate: wanted a rate above 0/s and up to 1000000000/s
     |
     = note: in the command line

    error: --users: wanted a whole number from 1 to 10000000, found `0`
     |
     = note: in the command line

    error: --body: wanted a body of at most 1048576 bytes, found 1048577
     |
     = note: in the command line

    error: --timeout: wanted a duration from 1ms to 1h, found `2h`
     |
     = note: in the command line
    "#);
}
