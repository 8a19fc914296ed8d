//! The target's books agree with what its clients saw.

use std::fs;
use std::thread;

use muster_target::{Config, IdCounts, now_ns};

use crate::client::{Client, start, target};

#[test]
fn counts_are_exact_under_concurrency() {
    let target = start(Config { threads: 3, ..Config::default() });
    let address = target.addr();
    let clients: Vec<_> = (0..12)
        .map(|_| {
            thread::spawn(move || {
                let mut client = Client::to(address);
                for turn in 0..200 {
                    client.get(if turn % 4 == 0 { "/?status=503&size=3" } else { "/" });
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().expect("a client"));
    let live = target.counts();
    assert_eq!((live.requests, live.responses, live.connections), (2400, 2400, 12));
    assert_eq!(live.by_status, [(200, 1800), (503, 600)].into());
    assert_eq!(target.stop(), live);
}

#[test]
fn bytes_are_those_on_the_wire() {
    let target = target("");
    let mut client = Client::to(target.addr());
    let mut received = 0;
    for path in ["/", "/", "/?size=10k", "/json"] {
        let response = client.get(path);
        received += response.head.len() + response.body.len();
    }
    drop(client);
    let counts = target.stop();
    let sent = ["/", "/", "/?size=10k", "/json"].map(|path| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").len());
    assert_eq!(counts.bytes_written, received as u64);
    assert_eq!(counts.bytes_read, sent.iter().sum::<usize>() as u64);
}

#[test]
fn asking_for_the_counts_does_not_change_them() {
    let target = target("latency=1h");
    let mut client = Client::to(target.addr());
    let first = client.get("/_counts");
    let second = client.get("/_counts");
    assert_eq!((first.status, &first.body), (200, &second.body));
    assert!(first.body.starts_with(r#"{"connections":1,"refused":0,"requests":0,"#), "{}", first.body);
}

#[test]
fn a_client_that_leaves_early_is_a_failed_request() {
    let target = target("");
    let mut client = Client::to(target.addr());
    client.send("GET /?size=1000M HTTP/1.1\r\n\r\n").until("\r\n\r\n");
    drop(client);
    let counts = target.stop();
    assert_eq!((counts.requests, counts.responses, counts.failed), (1, 0, 1));
}

#[test]
fn ids_are_counted_and_dated() {
    let target = start(Config { track_ids: true, threads: 2, ..Config::default() });
    let before = now_ns();
    for ids in [&[7, 8][..], &[9, 7, 7]] {
        let mut client = Client::to(target.addr());
        for id in ids {
            client.send(&format!("GET / HTTP/1.1\r\nX-Request-Id: {id}\r\n\r\n")).response();
        }
        client.send("GET / HTTP/1.1\r\nx-request-id: no number\r\n\r\n").response();
    }
    let after = now_ns();
    assert_eq!(target.counts().ids, Some(IdCounts { seen: 3, repeated: 1, untracked: 0 }));
    let arrivals = target.arrivals();
    let found: Vec<_> = arrivals.iter().map(|arrival| (arrival.id, arrival.count)).collect();
    assert_eq!(found, [(7, 3), (8, 1), (9, 1)]);
    assert!(arrivals.iter().all(|arrival| before <= arrival.first_ns && arrival.last_ns <= after));
    assert!(arrivals[0].first_ns < arrivals[0].last_ns && arrivals[1].first_ns == arrivals[1].last_ns);

    let mut client = Client::to(target.addr());
    let wanted = format!(r#"{{"id":8,"count":1,"first_ns":{0},"last_ns":{0}}}"#, arrivals[1].first_ns);
    assert_eq!(client.get("/_ids?id=8").body, wanted);
    assert_eq!(client.get("/_ids").body, r#"{"seen":3,"repeated":1,"untracked":0}"#);
    assert_eq!(client.get("/_ids?id=99").status, 404);
}

#[test]
fn the_access_log_has_a_line_for_each_response() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let target = start(Config { access_log: Some(path.clone()), ..Config::default() });
    let mut client = Client::to(target.addr());
    let first = client.get("/a?size=3");
    client.get("/_counts");
    let second = client.send("POST /b?status=404 HTTP/1.1\r\ncontent-length: 1\r\n\r\nx").response();
    client.send("GET /?fault=close-before HTTP/1.1\r\n\r\n").rest();
    assert_eq!(target.stop().log_lines_lost, 0);
    let log = fs::read_to_string(path).expect("the log");
    let bytes = [&first, &second].map(|response| response.head.len() + response.body.len());
    let wanted =
        format!("GET /a?size=3 200 {}\nPOST /b?status=404 404 {}\nGET /?fault=close-before - 0\n", bytes[0], bytes[1]);
    assert_eq!(log, wanted);
}
