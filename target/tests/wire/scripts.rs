//! Each element of a script does what it says. Waits are only ever tested for being long enough.

use std::time::{Duration, Instant};

use muster_target::{Config, Script, Stall, Target, now_ns};

use crate::client::{Client, End, await_requests, fetch, start, target};

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

#[test]
fn latency_is_never_too_short() {
    let target = target("latency=20ms");
    let mut client = Client::to(target.addr());
    for (path, at_least_ms) in [("/", 20), ("/?latency=35ms", 35), ("/?latency=0", 0), ("/json?latency=5ms..6ms", 5)] {
        let (response, took) = timed(|| client.get(path));
        assert_eq!(response.status, 200);
        assert!(took >= Duration::from_millis(at_least_ms), "{path}: {took:?}");
    }
}

#[test]
fn a_short_latency_overtakes_a_long_one() {
    let target = target("");
    let mut slow = Client::to(target.addr());
    slow.send("GET /?latency=1h HTTP/1.1\r\n\r\n");
    await_requests(&target, 1);
    assert_eq!(Client::to(target.addr()).get("/?latency=10ms").status, 200);
    let counts = target.stop();
    assert_eq!((counts.requests, counts.responses, counts.failed), (2, 1, 1));
}

#[test]
fn a_pause_comes_between_head_and_body() {
    let target = target("");
    let mut client = Client::to(target.addr());
    client.send("GET /?pause=30ms&size=3 HTTP/1.1\r\n\r\n").until("\r\n\r\n");
    let sent = Instant::now();
    assert_eq!(client.exactly(3), "abc");
    let (_, whole) = timed(|| client.get("/?pause=30ms"));
    assert!(whole >= Duration::from_millis(30) && sent.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_body_has_the_size_and_the_framing_that_were_asked_for() {
    let target = target("");
    let mut client = Client::to(target.addr());
    for size in [0, 1, 16_384, 16_385, 100_000] {
        assert_eq!(client.get(&format!("/?size={size}")).body.len(), size);
    }
    let chunked = client.get("/?size=40000&body=chunked");
    assert_eq!(chunked.header("transfer-encoding"), Some("chunked"));
    for (size_line, bytes) in [("4000\r\n", 16_384), ("4000\r\n", 16_384), ("1c40\r\n", 7232), ("0\r\n", 0)] {
        assert_eq!(client.until("\r\n"), size_line);
        client.exactly(bytes + 2);
    }
    assert_eq!(client.get("/").status, 200);
    let (text, end) = fetch(target.addr(), "/?size=100k&body=close");
    assert!(text.contains("connection: close\r\n") && !text.contains("content-length"));
    assert_eq!((text.split("\r\n\r\n").nth(1).map(str::len), end), (Some(100_000), End::Closed));
}

#[test]
fn a_share_of_the_requests_is_struck_and_the_seed_decides_how_many() {
    let statuses = |seed| {
        let config = Config { script: "status=503&p=0.3".parse().unwrap(), seed, ..Config::default() };
        let target = start(config);
        let mut client = Client::to(target.addr());
        (0..200).map(|_| client.get("/").status).collect::<Vec<_>>()
    };
    let first = statuses(1);
    let struck = first.iter().filter(|&&status| status == 503).count();
    assert!((20..120).contains(&struck) && first.iter().all(|status| [200, 503].contains(status)), "{struck}");
    assert_eq!(first, statuses(1));
    assert_ne!(first, statuses(2));
}

#[test]
fn a_connection_is_closed_after_its_share_of_responses() {
    let target = target("close=3");
    let mut client = Client::to(target.addr());
    assert_eq!(client.get("/").header("connection"), None);
    assert_eq!(client.get("/").header("connection"), None);
    assert_eq!(client.get("/").header("connection"), Some("close"));
    assert_eq!(client.rest(), (String::new(), End::Closed));
}

#[test]
fn a_mistake_is_answered_with_what_was_wanted_and_the_connection_lives() {
    let target = target("");
    let mut client = Client::to(target.addr());
    for (path, text) in [
        ("/?latncy=5ms", "unknown key \"latncy\""),
        ("/?latency=5", "latency: found \"5\", wanted a duration"),
        ("/?fault=fire", "wanted one of close-before"),
        ("/_ids?x=1", "unknown key \"x\""),
    ] {
        let response = client.get(path);
        assert_eq!(response.status, 400);
        assert!(response.body.contains(text), "{path}: {}", response.body);
    }
    assert_eq!(client.get("/").status, 200);
}

fn freezing(script: &str, every: Duration, lasts: Duration) -> Target {
    let stall = Some(Stall { every, lasts });
    start(Config { script: script.parse().unwrap(), stall, ..Config::default() })
}

#[test]
fn no_response_leaves_while_the_target_is_frozen() {
    for script in ["", "latency=1ms", "body=chunked&p=0.5"] {
        let target = freezing(script, Duration::from_secs(3600), Duration::from_millis(300));
        let mut clients: Vec<_> = (0..4).map(|_| Client::to(target.addr())).collect();
        for client in &mut clients {
            assert_eq!(client.get("/?size=0&body=length").body, "");
        }
        let first_ns = now_ns();
        target.align_stalls(first_ns);
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\n\r\n");
        }
        for client in &mut clients {
            let head = client.until("\r\n\r\n");
            assert!(head.starts_with("HTTP/1.1 200"));
            assert!(now_ns() >= first_ns + 300_000_000, "{script}");
        }
    }
}

#[test]
fn a_fault_does_not_show_before_the_thaw() {
    let target = freezing("fault=close-before", Duration::from_secs(3600), Duration::from_millis(200));
    let mut client = Client::to(target.addr());
    let first_ns = now_ns();
    target.align_stalls(first_ns);
    assert_eq!(client.send("GET / HTTP/1.1\r\n\r\n").rest(), (String::new(), End::Closed));
    assert!(now_ns() >= first_ns + 200_000_000);
}

#[tokio::test]
async fn a_target_serves_on_the_callers_own_runtime() {
    let listener = muster_target::listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let client = tokio::task::spawn_blocking(move || {
        let status = Client::to(address).get("/?latency=1ms").status;
        drop(stop);
        status
    });
    let counts = muster_target::serve(listener, Config::default(), async { drop(stopped.await) }).await.unwrap();
    assert_eq!((client.await.unwrap(), counts.responses), (200, 1));
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    let stall = Some(Stall { every: Duration::from_secs(1), lasts: Duration::from_secs(1) });
    for (config, text) in [
        (Config { threads: 0, ..Config::default() }, "threads: found 0, wanted a number from 1 to 256"),
        (
            Config { script: Script { p: 1.5, ..Script::default() }, ..Config::default() },
            "script: p: found \"1.5\", wanted a number from 0 to 1",
        ),
        (Config { stall, ..Config::default() }, "stall.lasts: found 1s, wanted less than stall.every, which is 1s"),
    ] {
        assert_eq!(Target::start(config).err().expect("an error").to_string(), text);
    }
    let first = target("");
    let second = Target::start(Config { listen: first.addr(), ..Config::default() });
    assert!(second.err().expect("an error").to_string().starts_with("cannot listen on 127.0.0.1:"));
}
