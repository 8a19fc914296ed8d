//! Each fault shows itself as its name says.

use std::time::Duration;

use muster_target::Fault;

use crate::client::{Client, End, await_requests, fetch, target};

/// How long silence is listened to. On a slow machine a test hears less of what it should not hear, and passes.
const A_MOMENT: Duration = Duration::from_millis(100);

fn check(fault: &str, wanted: impl Fn(&str) -> bool, wanted_end: End) {
    let target = target("");
    let (text, end) = fetch(target.addr(), &format!("/?size=4k&fault={fault}"));
    assert!(wanted(&text), "{fault}: {text:?}");
    assert_eq!(end, wanted_end, "{fault}");
    let counts = target.counts();
    assert_eq!((counts.requests, counts.responses, counts.faults), (1, 0, 1), "{fault}");
}

fn is_half(text: &str) -> bool {
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    text.contains("content-length: 4000\r\n") && body.len() == 2000
}

#[test]
fn closes_come_where_they_should() {
    check("close-before", str::is_empty, End::Closed);
    check("close-mid-head", |text| text.starts_with("HTTP/1.1 200 OK\r\n") && !text.contains("\r\n\r\n"), End::Closed);
    check("close-mid-body", is_half, End::Closed);
    check("truncated-chunk", |text| text.contains("\r\n\r\nfa0\r\nabc") && !text.ends_with("0\r\n\r\n"), End::Closed);
}

#[test]
fn resets_are_resets() {
    check("reset", str::is_empty, End::Reset);
    let target = target("");
    let mut client = Client::to(target.addr());
    client.send("GET /?fault=reset-mid-body HTTP/1.1\r\n\r\n");
    assert_eq!(client.rest().1, End::Reset);
}

#[test]
fn nonsense_is_what_it_says() {
    check("garbage", |text| text.contains("this is not HTTP"), End::Closed);
    check("wrong-version", |text| text.starts_with("HTTP/7.3 200 OK\r\n"), End::Closed);
    check("bad-status", |text| text.starts_with("HTTP/1.1 2OO OK\r\n"), End::Closed);
    check("bad-length", |text| text.contains("content-length: two\r\n"), End::Closed);
    check("two-lengths", |text| text.matches("content-length").count() == 2, End::Closed);
    check("huge-chunk", |text| text.contains("\r\n\r\nffffffffffffffff\r\n"), End::Closed);
    check("bad-chunk", |text| text.contains("\r\n\r\nzz\r\n"), End::Closed);
    check("endless-head", |text| text.len() > 15 << 20 && !text.contains("\r\n\r\n"), End::Closed);
    check("endless-header", |text| text.len() > 15 << 20 && text.lines().count() == 2, End::Closed);
}

#[test]
fn silence_holds_the_connection() {
    for (fault, least, most) in [("never", 0, 0), ("silent-mid-head", 1, 60), ("silent-mid-body", 2001, 2200)] {
        let target = target("");
        let mut client = Client::to(target.addr());
        client.send(&format!("GET /?size=4k&fault={fault} HTTP/1.1\r\n\r\n"));
        let beginning = client.exactly(least);
        let (text, end) = client.rest_within(A_MOMENT);
        assert!(beginning.len() + text.len() <= most, "{fault}: {text:?}");
        assert_eq!(end, End::StillOpen, "{fault}");
    }
}

#[test]
fn some_faults_leave_a_whole_response() {
    let target = target("");
    let (text, end) = fetch(target.addr(), "/?fault=close-after");
    assert!(text.ends_with("\r\n\r\nabcdefghijklmnop") && !text.contains("connection"), "{text}");
    assert_eq!(end, End::Closed);

    let mut client = Client::to(target.addr());
    assert_eq!(client.get("/?fault=surplus").status, 200);
    assert!(client.until("\r\n").starts_with("HTTP/1.1 200 OK"));

    let mut client = Client::to(target.addr());
    client.send("GET /?fault=interim-flood HTTP/1.1\r\n\r\n");
    let flood = client.exactly(10_000 * 25);
    assert_eq!(flood.matches("HTTP/1.1 100 Continue\r\n\r\n").count(), 10_000);
    assert_eq!((client.response().status, client.get("/").status), (200, 200));
    assert_eq!((target.counts().responses, target.counts().faults), (4, 0));
}

#[test]
fn a_trickle_takes_its_time_for_each_byte() {
    let target = target("");
    let mut client = Client::to(target.addr());
    let start = std::time::Instant::now();
    let response = client.get("/?fault=trickle&interval=1ms&size=10");
    let bytes = response.head.len() + response.body.len();
    assert!(start.elapsed() >= Duration::from_millis(bytes as u64), "{bytes} bytes");
    assert_eq!((response.body.as_str(), client.get("/").status), ("abcdefghij", 200));
}

#[test]
fn only_the_struck_suffer_a_fault() {
    let target = target("fault=close-before&p=0.5");
    let answered = (0..60).filter(|_| fetch_closing(&target).contains("200 OK")).count() as u64;
    let counts = target.stop();
    assert_eq!((counts.responses, counts.faults), (answered, 60 - answered));
    assert!((5..55).contains(&answered), "{answered}");
}

fn fetch_closing(target: &muster_target::Target) -> String {
    Client::to(target.addr()).send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n").rest().0
}

#[test]
fn every_fault_ends_with_the_books_balanced() {
    let target = target("");
    let mut sent = 0;
    for fault in Fault::ALL {
        for (method, version) in [("GET", "1.1"), ("HEAD", "1.0")] {
            let mut client = Client::to(target.addr());
            client.send(&format!("{method} /?interval=0&size=0&fault={} HTTP/{version}\r\n\r\n", fault.name()));
            sent += 1;
            await_requests(&target, sent);
            client.rest_within(A_MOMENT);
        }
    }
    let counts = target.stop();
    assert_eq!(counts.requests, sent);
    assert_eq!(counts.requests, counts.responses + counts.faults + counts.failed, "{counts:?}");
}
