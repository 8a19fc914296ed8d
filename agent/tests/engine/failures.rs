//! A failing target is data: each way to fail has its kind, and nothing hangs.

use std::net::{SocketAddr, TcpListener};

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Connections, Redirects, Step};

use super::support::{Generated, changed, generate, get, per_user, plan, scenario, seconds, target};

/// Two iterations of one user with this step.
fn twice(step: Step) -> Generated {
    let generated = generate(plan(vec![scenario(per_user(1, 2), vec![step])]), 1);
    generated.assert_books_balance();
    generated
}

#[test]
fn each_fault_of_a_target_is_counted_under_its_kind() {
    let target = target("");
    for (query, kind) in [
        ("fault=garbage", ErrorKind::Protocol),
        ("fault=wrong-version", ErrorKind::Protocol),
        ("fault=bad-status", ErrorKind::Protocol),
        ("fault=bad-length", ErrorKind::Protocol),
        ("fault=two-lengths", ErrorKind::Protocol),
        ("fault=huge-chunk", ErrorKind::TooLarge),
        ("fault=bad-chunk", ErrorKind::Protocol),
        ("fault=endless-head", ErrorKind::TooLarge),
        ("fault=close-before", ErrorKind::Reset),
        ("fault=close-mid-head", ErrorKind::Reset),
        ("fault=close-mid-body", ErrorKind::Reset),
        ("fault=truncated-chunk", ErrorKind::Reset),
        ("fault=reset", ErrorKind::Reset),
        ("fault=never", ErrorKind::TotalTimeout),
        ("fault=silent-mid-body", ErrorKind::TotalTimeout),
        ("status=404", ErrorKind::Http4xx),
        ("status=503", ErrorKind::Http5xx),
    ] {
        let step = changed(get(target.addr(), &format!("/?{query}")), |request| request.timeout = seconds(0.3));
        let generated = twice(step);
        let sample = generated.total.samples.first().map(|sample| sample.text.clone());
        assert_eq!(generated.failed(kind), 2, "{query}: {:?} {sample:?}", generated.requests().failed);
        assert_eq!(generated.iterations().failed, 2);
        assert_eq!(generated.total.samples.len(), 1, "the first of its kind is kept: {query}");
    }
}

#[test]
fn a_target_that_cannot_be_reached_is_counted_under_its_kind() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(twice(get(closed, "/")).failed(ErrorKind::ConnectRefused), 2);
    let elsewhere: SocketAddr = "192.0.2.1:80".parse().unwrap();
    assert_eq!(twice(get(elsewhere, "/")).failed(ErrorKind::BlockedByAgent), 2);
    let unknown = changed(get(closed, "/"), |request| {
        request.url.host = "nowhere.invalid".to_owned();
        request.timeout = seconds(3.0);
    });
    assert_eq!(twice(unknown).failed(ErrorKind::Dns), 2);
}

#[test]
fn a_status_that_was_not_expected_fails_the_check() {
    let target = target("status=201");
    let step = changed(get(target.addr(), "/"), |request| request.expect_status.0 = vec![(200, 200)]);
    assert_eq!(twice(step).failed(ErrorKind::Check), 2);
}

#[test]
fn redirects_are_followed_as_far_as_allowed_and_each_is_a_request() {
    let target = target("");
    let path = "/redirect?to=/json&n=3";
    for (redirects, sent) in [(0, 2), (1, 4), (5, 8)] {
        let generated = twice(changed(get(target.addr(), path), |request| request.redirects = Redirects(redirects)));
        assert_eq!(generated.requests().sent, sent, "{redirects} redirects");
        assert_eq!(generated.requests().failed_total(), 0);
    }
}

#[test]
fn a_connection_that_the_server_gave_up_is_no_failure_of_the_server() {
    let target = target("fault=close-after");
    let generated = generate(plan(vec![scenario(per_user(2, 20), vec![get(target.addr(), "/")])]), 1);
    generated.assert_books_balance();
    assert_eq!(generated.iterations().completed, 40, "{:?}", generated.total.samples);
    assert_eq!(generated.requests().connections, 40);
}

#[test]
fn users_keep_share_or_renew_connections_as_told() {
    for (connections, wanted) in [(Connections::PerUser, 3), (Connections::New, 12)] {
        let target = target("");
        let mut scenario = scenario(per_user(3, 4), vec![get(target.addr(), "/")]);
        scenario.connections = connections;
        let generated = generate(plan(vec![scenario]), 1);
        generated.assert_books_balance();
        assert_eq!(generated.requests().connections, wanted, "{connections:?}");
        assert_eq!(target.stop().connections, wanted);
    }
}
