//! A blocking client that believes nothing: what it gives is what came over the wire.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use muster_target::{Config, Target};

/// A wait that only a broken target lets run out.
const PATIENCE: Duration = Duration::from_secs(60);

/// A target with this script.
pub(crate) fn target(script: &str) -> Target {
    start(Config { script: script.parse().expect(script), ..Config::default() })
}

pub(crate) fn start(config: Config) -> Target {
    Target::start(config).expect("a target on loopback")
}

/// Waits until a target has received so many requests.
pub(crate) fn await_requests(target: &Target, requests: u64) {
    let start = Instant::now();
    while target.counts().requests < requests {
        assert!(start.elapsed() < PATIENCE, "{:?}", target.counts());
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) struct Client(pub(crate) TcpStream);

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Reset,
    StillOpen,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connect");
        stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: &str) -> &mut Self {
        self.0.write_all(bytes.as_bytes()).expect("write");
        self
    }

    pub(crate) fn get(&mut self, target: &str) -> Response {
        self.send(&format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n")).response()
    }

    /// One response whose body has a content-length, and not a byte more.
    pub(crate) fn response(&mut self) -> Response {
        let head = self.until("\r\n\r\n");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect(&head);
        let mut response = Response { status, head, body: String::new() };
        let length = response.header("content-length").map_or(0, |length| length.parse().expect(length));
        response.body = self.exactly(length);
        response
    }

    pub(crate) fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            text += &self.exactly(1);
        }
        text
    }

    pub(crate) fn exactly(&mut self, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.0.read_exact(&mut buffer).expect("the bytes that were promised");
        String::from_utf8_lossy(&buffer).into_owned()
    }

    /// Everything until the connection ends, and how it does.
    pub(crate) fn rest(&mut self) -> (String, End) {
        self.rest_within(PATIENCE)
    }

    pub(crate) fn rest_within(&mut self, wait: Duration) -> (String, End) {
        self.0.set_read_timeout(Some(wait)).expect("timeout");
        let (mut all, mut buffer) = (Vec::new(), [0; 1 << 16]);
        let end = loop {
            match self.0.read(&mut buffer) {
                Ok(0) => break End::Closed,
                Ok(bytes) => all.extend_from_slice(&buffer[..bytes]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break End::Reset,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    break End::StillOpen;
                }
                Err(error) => panic!("{error}"),
            }
        };
        (String::from_utf8_lossy(&all).into_owned(), end)
    }
}

/// A whole request and everything that comes of it.
pub(crate) fn fetch(address: SocketAddr, target: &str) -> (String, End) {
    Client::to(address).send(&format!("GET {target} HTTP/1.1\r\n\r\n")).rest()
}
