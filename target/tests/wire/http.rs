//! The target speaks HTTP/1.1 as servers should, where nothing else is scripted.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use muster_target::{Config, HEAD_MAX};

use crate::client::{Client, End, start, target};

#[test]
fn a_connection_serves_request_after_request() {
    let target = target("");
    let mut client = Client::to(target.addr());
    for _ in 0..3 {
        let response = client.get("/any/path");
        assert_eq!((response.status, response.body.as_str()), (200, "abcdefghijklmnop"));
    }
    assert_eq!(target.counts().connections, 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let target = target("");
    let mut client = Client::to(target.addr());
    let mut all = String::new();
    for target in ["/", "/", "/?status=404", "/", "/other", "/", "/", "/?size=0"] {
        all += &format!("GET {target} HTTP/1.1\r\n\r\n");
    }
    client.send(&all);
    let found: Vec<_> =
        (0..8).map(|_| client.response()).map(|response| (response.status, response.body.len())).collect();
    assert_eq!(found, [(200, 16), (200, 16), (404, 16), (200, 16), (200, 16), (200, 16), (200, 16), (200, 0)]);
}

#[test]
fn many_pipelined_requests_need_more_than_one_write() {
    let target = target("size=1k");
    let mut client = Client::to(target.addr());
    client.send(&"GET / HTTP/1.1\r\n\r\n".repeat(500));
    for _ in 0..500 {
        assert_eq!(client.response().body.len(), 1000);
    }
    let counts = target.stop();
    assert_eq!((counts.requests, counts.responses), (500, 500));
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let target = target("");
    let mut client = Client::to(target.addr());
    for byte in
        "POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nt: u\r\n\r\n".chars()
    {
        client.send(&byte.to_string());
    }
    assert!(client.response().body.contains(r#""body_bytes":4"#));
    assert_eq!(client.get("/").status, 200);
}

#[test]
fn head_tells_of_a_body_and_sends_none() {
    for script in ["", "latency=1us"] {
        let target = target(script);
        let mut client = Client::to(target.addr());
        client.send("HEAD /?size=5 HTTP/1.1\r\n\r\n");
        assert!(client.until("\r\n\r\n").contains("content-length: 5\r\n"));
        client.send("HEAD / HTTP/1.1\r\n\r\n");
        assert!(client.until("\r\n\r\n").contains("content-length: 16\r\n"));
        assert_eq!(client.get("/").body.len(), 16);
    }
}

#[test]
fn bodies_are_taken_off_the_connection() {
    let target = target("");
    let mut client = Client::to(target.addr());
    let body = "x".repeat(300_000);
    let echo =
        client.send(&format!("PUT /echo?size=1 HTTP/1.1\r\nX-A: b\r\ncontent-length: 300000\r\n\r\n{body}")).response();
    let wanted = r#"{"method":"PUT","target":"/echo?size=1","headers":[["X-A","b"],["content-length","300000"]],"body_bytes":300000}"#;
    assert_eq!((echo.body.as_str(), echo.header("content-type")), (wanted, Some("application/json")));
    assert_eq!(client.get("/json").header("content-type"), Some("application/json"));
    assert!(target.counts().bytes_read > 300_000);
}

#[test]
fn a_client_that_waits_is_told_to_continue() {
    let target = target("");
    let mut client = Client::to(target.addr());
    client.send("POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n");
    assert_eq!(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(client.send("abc").response().status, 200);
}

#[test]
fn the_connection_ends_when_the_client_says_so() {
    let target = target("");
    for (request, announced) in [
        ("GET / HTTP/1.1\r\nconnection: close\r\n\r\n", "connection: close\r\n"),
        ("GET / HTTP/1.0\r\n\r\n", "connection: close\r\n"),
        ("GET /?body=chunked HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", "connection: close\r\n"),
    ] {
        let (text, end) = Client::to(target.addr()).send(request).rest();
        assert!(text.contains(announced) && text.ends_with("\r\n\r\nabcdefghijklmnop"), "{text}");
        assert_eq!(end, End::Closed, "{request}");
    }
    let mut old = Client::to(target.addr());
    for _ in 0..2 {
        let response = old.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").response();
        assert_eq!(response.header("connection"), Some("keep-alive"));
    }
}

#[test]
fn what_is_not_understood_is_refused_and_the_connection_ends() {
    let target = start(Config { request_body_max: 1000, ..Config::default() });
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(HEAD_MAX));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
    let table = [
        ("\x01\x02 nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", 400),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n", 413),
        ("POST / HTTP/1.1\r\ncontent-length: 1001\r\n\r\n", 413),
        (&long, 431),
        (&many, 431),
    ];
    for (request, status) in table {
        let (text, end) = Client::to(target.addr()).send(request).rest();
        let shown = &request[..request.len().min(60)];
        assert!(
            text.starts_with(&format!("HTTP/1.1 {status} ")) && text.contains("connection: close"),
            "{shown}: {text}"
        );
        assert_eq!(end, End::Closed, "{shown}");
    }
    let counts = target.stop();
    assert_eq!((counts.bad_requests, counts.responses), (table.len() as u64, table.len() as u64));
}

#[test]
fn an_idle_connection_is_closed_when_that_is_wanted() {
    let target = start(Config { idle_timeout: Some(Duration::from_millis(20)), ..Config::default() });
    assert_eq!(Client::to(target.addr()).rest(), (String::new(), End::Closed));
}

#[test]
fn one_connection_too_many_is_closed_at_once() {
    let target = start(Config { connections_max: 1, ..Config::default() });
    let mut first = Client::to(target.addr());
    assert_eq!(first.get("/").status, 200);
    let (text, end) = Client::to(target.addr()).rest();
    assert!(text.is_empty() && end != End::StillOpen);
    assert_eq!(first.get("/").status, 200);
    let counts = target.stop();
    assert_eq!((counts.connections, counts.refused), (1, 1));
}

#[test]
fn redirects_lead_to_their_end() {
    let target = target("");
    let mut client = Client::to(target.addr());
    let mut at = "/redirect?to=/json&status=307&n=3".to_owned();
    for _ in 0..3 {
        let response = client.get(&at);
        assert_eq!(response.status, 307);
        at = response.header("location").expect("a location").to_owned();
    }
    assert_eq!(at, "/json");
    let refused = client.get("/redirect?colour=red");
    assert!(refused.status == 400 && refused.body.contains("to, n"), "{}", refused.body);
}

#[test]
fn broken_requests_break_nothing() {
    let target = start(Config { request_body_max: 100, track_ids: true, ..Config::default() });
    let whole = "POST /redirect?to=/x&n=2&latency=0 HTTP/1.1\r\nx-request-id: 7\r\nexpect: 100-continue\r\n\
                 transfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nt: u\r\n\r\n";
    for at in 0..whole.len() {
        for byte in [b'\0', b'\r', b'\n', b' ', b':', b'%', b'9', 0xff] {
            let mut broken = whole.as_bytes().to_vec();
            broken[at] = byte;
            let mut client = Client::to(target.addr());
            client.0.write_all(&broken).expect("write");
            client.0.shutdown(Shutdown::Write).expect("shutdown");
            client.rest();
        }
    }
    assert_eq!(Client::to(target.addr()).get("/").status, 200);
    let counts = target.stop();
    assert_eq!(counts.requests, counts.responses + counts.faults + counts.failed, "{counts:?}");
    assert_eq!(counts.by_status.values().sum::<u64>(), counts.responses);
}
