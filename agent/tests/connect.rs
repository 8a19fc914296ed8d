//! Connections over loopback: who is reached, from where, through what, and how it fails.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use muster_agent::engine::clock;
use muster_agent::engine::deadline::Deadline;
use muster_agent::engine::transport::{ConnectFailed, Connected, Connector, Io};
use muster_agent::guard::Guard;
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Connect, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn url(host: &str, port: u16) -> Url {
    Url { tls: false, host: host.to_owned(), port, path: "/".to_owned() }
}

fn guard(entries: &[&str]) -> Arc<Guard> {
    Arc::new(Guard::new(entries.iter().map(|entry| entry.parse().unwrap()).collect()))
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A port on which nobody listens; it stays taken while the socket lives.
fn closed_port() -> (socket2::Socket, u16) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port)
}

fn hosts(name: &str, addresses: &[&str]) -> Connect {
    let addresses: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
    Connect { hosts: vec![(name.to_owned(), addresses)], ..Connect::default() }
}

async fn connect_within(ms: u64, plan: &Connect, guard: Arc<Guard>, to: &Url) -> Result<Connected, ConnectFailed> {
    let connector = Connector::new(plan, guard).unwrap();
    let mut deadline = Deadline::default();
    deadline.set(clock::now_ns() + ms * 1_000_000);
    connector.connect(to, &mut deadline).await
}

async fn connect(plan: &Connect, to: &Url) -> Result<Connected, ConnectFailed> {
    connect_within(60_000, plan, guard(&["127.0.0.0/8", "::1"]), to).await
}

async fn failure(plan: &Connect, to: &Url) -> (ErrorKind, String) {
    let failed = connect(plan, to).await.unwrap_err();
    (failed.failure.kind, failed.failure.text)
}

#[test]
fn a_connector_is_made_without_a_runtime() {
    assert!(Connector::new(&Connect::default(), Arc::new(Guard::default())).is_ok());
}

#[tokio::test]
async fn a_listening_target_is_reached_without_delay_of_small_writes() {
    let (listener, port) = listener();
    let connected = connect(&Connect::default(), &url("127.0.0.1", port)).await.unwrap();
    let (mut served, _) = listener.accept().unwrap();
    assert!(connected.io.tcp().nodelay().unwrap());
    assert!(connected.times.connecting_ns > 0 && connected.times.tls_ns == 0);
    let mut io = connected.io;
    assert!(matches!(io, Io::Plain(_)));
    io.write_all(b"ping").await.unwrap();
    served.write_all(b"pong").unwrap();
    let mut word = [0; 4];
    io.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"pong");
    served.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"ping");
}

#[tokio::test]
async fn nobody_listening_is_refused() {
    let (_socket, port) = closed_port();
    let (kind, text) = failure(&Connect::default(), &url("127.0.0.1", port)).await;
    assert_eq!(kind, ErrorKind::ConnectRefused);
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_a_timeout() {
    // A listener whose queue is full drops what else comes.
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let to = listener.local_addr().unwrap();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&to);
            socket
        })
        .collect();
    let to = url("127.0.0.1", to.as_socket().unwrap().port());
    let failed = connect_within(50, &Connect::default(), guard(&["127.0.0.1"]), &to).await.unwrap_err();
    assert_eq!(failed.failure.kind, ErrorKind::ConnectTimeout);
    assert!(failed.failure.text.contains("timed out"), "{}", failed.failure.text);
    assert!(failed.times.connecting_ns > 0);
    drop(waiting);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let (_listener, port) = listener();
    let plan = hosts("shop.test", &["::1", "127.0.0.2", "127.0.0.1"]);
    for _ in 0..3 {
        connect(&plan, &url("shop.test", port)).await.unwrap();
    }
    let (_socket, port) = closed_port();
    let (kind, text) = failure(&plan, &url("shop.test", port)).await;
    assert_eq!(kind, ErrorKind::ConnectRefused, "{text}");
}

#[tokio::test]
async fn the_most_telling_failure_is_reported() {
    let (_socket, port) = closed_port();
    let plan = hosts("shop.test", &["127.0.0.1", "10.255.0.1"]);
    let (kind, text) = failure(&plan, &url("shop.test", port)).await;
    assert_eq!(kind, ErrorKind::ConnectRefused, "{text}");
    let plan = hosts("shop.test", &["10.255.0.1"]);
    let (kind, text) = failure(&plan, &url("shop.test", port)).await;
    assert_eq!(kind, ErrorKind::BlockedByAgent, "{text}");
}

#[tokio::test]
async fn localhost_is_reached_without_a_name_server() {
    let (_listener, port) = listener();
    connect(&Connect::default(), &url("localhost", port)).await.unwrap();
}

#[tokio::test]
async fn a_name_that_cannot_be_looked_up_is_a_dns_failure_in_time() {
    let to = url("no-such-name.invalid", 80);
    let failed = connect_within(200, &Connect::default(), guard(&["*"]), &to).await.unwrap_err();
    assert_eq!(failed.failure.kind, ErrorKind::Dns);
    assert!(failed.failure.text.contains("no-such-name.invalid"), "{}", failed.failure.text);
    assert_eq!(failed.times.connecting_ns, 0);
}

#[tokio::test]
async fn what_the_operator_did_not_allow_is_not_connected_to() {
    let (listener, port) = listener();
    listener.set_nonblocking(true).unwrap();
    for (plan, entries, host) in [
        (Connect::default(), &["10.0.0.0/8"][..], "127.0.0.1"),
        (Connect::default(), &["10.0.0.0/8"], "::ffff:127.0.0.1"),
        (Connect::default(), &["10.0.0.0/8"], "localhost"),
        (Connect::default(), &["127.0.0.1:1"], "127.0.0.1"),
        // An allowed name must not lend its permission to an address of the plan's choice.
        (hosts("shop.test", &["127.0.0.1"]), &["shop.test"], "shop.test"),
        (hosts("localhost", &["127.0.0.1"]), &["localhost"], "localhost"),
        (hosts("metadata.google.internal", &["127.0.0.1"]), &["*"], "metadata.google.internal"),
    ] {
        let failed = connect_within(60_000, &plan, guard(entries), &url(host, port)).await.unwrap_err();
        assert_eq!(failed.failure.kind, ErrorKind::BlockedByAgent, "{host}");
        assert!(failed.failure.text.contains("--allow"), "{}", failed.failure.text);
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn the_plans_source_addresses_are_seen_by_the_target_in_turn() {
    let (listener, port) = listener();
    let sources = vec!["127.0.0.2".parse().unwrap(), "127.0.0.3".parse().unwrap()];
    let connector = Connector::new(&Connect { sources, ..Connect::default() }, Arc::new(Guard::default())).unwrap();
    let mut deadline = Deadline::default();
    deadline.set(clock::now_ns() + 60_000_000_000);
    for expected in ["127.0.0.2", "127.0.0.3", "127.0.0.2"] {
        let connected = connector.connect(&url("127.0.0.1", port), &mut deadline).await.unwrap();
        assert_eq!(listener.accept().unwrap().1.ip().to_string(), expected);
        drop(connected);
    }
}

#[tokio::test]
async fn a_source_shares_its_ports_among_targets() {
    let (_listener, port) = listener();
    let plan = Connect { sources: vec!["127.0.0.4".parse().unwrap()], ..Connect::default() };
    let io = connect(&plan, &url("127.0.0.1", port)).await.unwrap().io;
    let option = nix::sys::socket::sockopt::IpBindAddressNoPort;
    assert!(nix::sys::socket::getsockopt(io.tcp(), option).unwrap());
}

/// A proxy that accepts one connection, reads a request head and answers with these bytes; yields what it read.
fn proxy(answer: &'static [u8], then_echo: bool) -> (u16, std::thread::JoinHandle<String>) {
    let (listener, port) = listener();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).unwrap() == 0 {
                break;
            }
            head.push(byte[0]);
        }
        stream.write_all(answer).unwrap();
        if then_echo {
            let mut word = [0; 4];
            let _ = stream.read_exact(&mut word).and_then(|()| stream.write_all(&word));
        }
        String::from_utf8(head).unwrap()
    });
    (port, thread)
}

fn through(port: u16) -> Connect {
    Connect { proxy: Some(url("127.0.0.1", port)), ..Connect::default() }
}

#[tokio::test]
async fn a_plain_request_goes_to_the_proxy_in_absolute_form() {
    let (listener, port) = listener();
    let guard = guard(&["shop.test", "127.0.0.1"]);
    let connector = Connector::new(&through(port), guard).unwrap();
    let to = url("shop.test", 80);
    assert!(connector.absolute_form(&to));
    assert!(!connector.absolute_form(&Url { tls: true, ..to.clone() }));
    let mut deadline = Deadline::default();
    deadline.set(clock::now_ns() + 60_000_000_000);
    connector.connect(&to, &mut deadline).await.unwrap();
    listener.accept().unwrap();
}

#[tokio::test]
async fn behind_a_proxy_the_target_is_checked_too() {
    let (_listener, port) = listener();
    for to in [url("10.0.0.1", 80), url("shop.test", 80), url("169.254.169.254", 80)] {
        let (kind, text) = failure(&through(port), &to).await;
        assert_eq!(kind, ErrorKind::BlockedByAgent, "{text}");
    }
    let to = url("shop.test", 80);
    let failed = connect_within(60_000, &through(port), guard(&["shop.test"]), &to).await.unwrap_err();
    assert_eq!(failed.failure.kind, ErrorKind::BlockedByAgent, "the proxy itself is not allowed");
}

#[tokio::test]
async fn a_proxy_that_speaks_tls_is_refused_before_the_run() {
    let plan = Connect { proxy: Some(Url { tls: true, ..url("127.0.0.1", 1) }), ..Connect::default() };
    let error = Connector::new(&plan, Arc::new(Guard::default())).err().unwrap().to_string();
    assert!(error.contains("https://127.0.0.1:1/") && error.contains("http://host:port"), "{error}");
}

#[tokio::test]
async fn a_proxys_refusal_names_its_status() {
    let (port, thread) = proxy(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno", false);
    let (kind, text) = failure(&through(port), &Url { tls: true, ..url("127.0.0.1", 443) }).await;
    assert_eq!(kind, ErrorKind::ConnectOther);
    assert!(text.contains("403 Forbidden"), "{text}");
    assert!(thread.join().unwrap().starts_with("CONNECT 127.0.0.1:443 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_proxy_that_hangs_up_or_never_ends_its_head_is_given_up() {
    let (port, thread) = proxy(b"", false);
    let (kind, text) = failure(&through(port), &Url { tls: true, ..url("127.0.0.1", 443) }).await;
    assert_eq!(kind, ErrorKind::ConnectOther);
    assert!(text.contains("without an answer"), "{text}");
    thread.join().unwrap();

    let (listener, port) = listener();
    let endless = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").unwrap();
        let mut written = 0_usize;
        while written < 64 << 20 && stream.write_all(&[b'a'; 1024]).is_ok() {
            written += 1024;
        }
        written
    });
    let (kind, text) = failure(&through(port), &Url { tls: true, ..url("127.0.0.1", 443) }).await;
    assert_eq!(kind, ErrorKind::ConnectOther);
    assert!(text.contains("8192 bytes"), "{text}");
    assert!(endless.join().unwrap() < 64 << 20, "nobody read all of it");
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_a_connect_timeout() {
    let (_listener, port) = listener();
    let to = Url { tls: true, ..url("127.0.0.1", 443) };
    let failed = connect_within(50, &through(port), guard(&["127.0.0.1"]), &to).await.unwrap_err();
    assert_eq!(failed.failure.kind, ErrorKind::ConnectTimeout);
    assert_eq!(failed.times.tls_ns, 0);
}

#[tokio::test]
async fn what_is_not_tls_behind_a_tunnel_is_a_tls_failure() {
    let (port, thread) = proxy(b"HTTP/1.1 200 Connection established\r\n\r\n", true);
    let (kind, text) = failure(&through(port), &Url { tls: true, ..url("127.0.0.1", 443) }).await;
    assert_eq!(kind, ErrorKind::Tls, "{text}");
    thread.join().unwrap();
}
