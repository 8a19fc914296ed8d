//! The host with the coordinator: the real service, run and journal, on a simulated network and disk.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream;
use muster::conduct::{Opening, Watcher, conduct_in};
use muster::journal::{BYTES_MAX_DEFAULT, Head, Journal};
use muster::run::life::Run;
use muster::run::record::RunRecord;
use muster::surroundings::Surroundings;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use turmoil::net::{TcpListener, TcpStream};

use super::clock::{SkewedClock, true_ns};
use super::disk::Disk;
use super::history::tell;
use super::target::{ProcessId, Target};

/// Its host.
pub(crate) const HOST: &str = "coordinator";
/// Where agents find it.
pub(crate) const ADDRESS: &str = "coordinator:7117";

/// What a coordinator finds around it.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) clock: SkewedClock,
    pub(crate) disk: Disk,
}

impl Surroundings for Desk {
    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    async fn wait_for_disk<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let done = work();
        let latency_ms = self.disk.latency_ms();
        if latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        }
        self.disk.settle();
        Ok(done)
    }
}

/// What is seen of a coordinator from outside.
#[derive(Clone, Default)]
pub(crate) struct Window(Arc<Mutex<Shown>>);

/// What was seen.
#[derive(Default)]
pub(crate) struct Shown {
    /// What its user was told, and the true moments.
    pub(crate) told: Vec<(u64, String)>,
    /// When bytes came from each agent's process, and since when they could on that connection; in true time.
    pub(crate) heard: BTreeMap<ProcessId, Vec<Heard>>,
    /// The start on its clock.
    pub(crate) start_ns: Option<u64>,
    /// When the run ended, in true time.
    pub(crate) ended_ns: Option<u64>,
    /// How it ended.
    pub(crate) record: Option<RunRecord>,
}

/// Bytes came.
#[derive(Clone, Copy)]
pub(crate) struct Heard {
    pub(crate) at_ns: u64,
    /// When their connection was accepted.
    pub(crate) since_ns: u64,
}

impl Window {
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Shown) -> T) -> T {
        work(&mut self.0.lock().expect("nobody panics while looking"))
    }
}

impl Watcher for Window {
    fn tell(&mut self, text: &str) {
        let now_ns = true_ns();
        tell(now_ns, text);
        self.with(|shown| shown.told.push((now_ns, text.to_owned())));
    }

    fn tick(&mut self, run: &Run, _: u64) {
        self.with(|shown| shown.start_ns = run.start_ns());
    }
}

/// A coordinator's process, from its start to the end of its one run.
pub(crate) async fn process(
    desk: Desk,
    head: Head,
    window: Window,
    target: Target,
    stops: mpsc::Receiver<()>,
) -> turmoil::Result {
    let journal = Journal::begin(desk.disk.clone(), &head, BYTES_MAX_DEFAULT)?;
    desk.disk.settle();
    let opening = Opening::written(head, journal);
    let listener = TcpListener::bind("0.0.0.0:7117").await?;
    let ears = window.clone();
    let incoming = stream::unfold(listener, move |listener| {
        let (ears, target) = (ears.clone(), target.clone());
        async move {
            let accepted = listener.accept().await;
            let accepted = accepted.map(|(stream, peer)| {
                let peer = target.latest_on(host_of(peer.ip())).expect("whoever calls has begun");
                Ear { stream, peer, since_ns: true_ns(), ears }
            });
            Some((accepted, listener))
        }
    });
    let record = conduct_in(&desk, opening, incoming, stops, &mut window.clone()).await;
    let now_ns = true_ns();
    window.with(|shown| (shown.record, shown.ended_ns) = (Some(record), Some(now_ns)));
    Ok(())
}

/// The number of the agent's host that has this address.
fn host_of(address: std::net::IpAddr) -> usize {
    let name = turmoil::reverse_lookup(address).unwrap_or_default();
    name.strip_prefix(super::agent::HOST_PREFIX).and_then(|number| number.parse().ok()).expect("an agent's host")
}

/// A connection of which it is seen when something comes.
struct Ear {
    stream: TcpStream,
    peer: ProcessId,
    since_ns: u64,
    ears: Window,
}

impl AsyncRead for Ear {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            let heard = Heard { at_ns: true_ns(), since_ns: self.since_ns };
            self.ears.with(|shown| shown.heard.entry(self.peer).or_default().push(heard));
        }
        polled
    }
}

impl AsyncWrite for Ear {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
