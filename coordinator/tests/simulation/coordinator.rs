//! The host with the coordinator: the real service, run and journal, on a simulated network and disk.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use muster::begun::Begun;
use muster::conduct::{Opening, Watcher, conduct_in};
use muster::journal::{BYTES_MAX_DEFAULT, Head, Journal, JournalError, Left, Shelf};
use muster::resume::{Halted, ResumeError};
use muster::run::life::{Run, RunSettings};
use muster::run::order::Order;
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
/// The same by its number, which nobody needs here.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 7117);

/// What a coordinator finds around it.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) clock: SkewedClock,
    /// Which start of its machine it is.
    pub(crate) boot: u64,
    pub(crate) disk: Disk,
    /// How long its journal's segments grow, in bytes.
    pub(crate) segment_bytes: u64,
}

impl Desk {
    /// This moment by the clock since boot, and by a wall clock that is right.
    fn begun(&self) -> Begun {
        let since = SignedDuration::from_nanos(true_ns() as i64);
        let wall = Timestamp::UNIX_EPOCH.saturating_add(since).expect("not so late");
        Begun { clock_ns: self.clock.now_ns(), wall, boot: uuid::Uuid::from_u64_pair(1, self.boot) }
    }

    /// Does some work that waits for the disk.
    async fn work<T>(&self, work: impl FnOnce() -> T) -> T {
        let number = self.disk.begin_work();
        let done = work();
        let latency_ms = self.disk.latency_ms();
        if latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        }
        self.disk.settle(number);
        done
    }
}

impl Surroundings for Desk {
    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    async fn wait_for_disk<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        Ok(self.work(work).await)
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
    /// When somebody began to coordinate the run, in true time, and as the how manieth.
    pub(crate) epochs: Vec<(u64, u64)>,
    /// How many wanted to.
    pub(crate) started: u64,
    /// When the run ended, in true time.
    pub(crate) ended_ns: Option<u64>,
    /// How it ended.
    pub(crate) record: Option<RunRecord>,
    /// Why it could not be gone on with.
    pub(crate) unresumable: Vec<String>,
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

impl Window {
    fn cannot_go_on<T>(&self, why: &str) -> Option<T> {
        self.with(|shown| shown.unresumable.push(why.to_owned()));
        None
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

/// Begins the run, or goes on with what is found of it; `None` where nothing is left to do.
async fn open(desk: &Desk, settings: RunSettings, window: &Window) -> Result<Option<Opening>, JournalError> {
    window.with(|shown| shown.started += 1);
    let mut opening = if desk.disk.is_empty() {
        let head = Head::new(settings, desk.begun(), Some(LISTEN));
        let shelf = Arc::new(desk.disk.clone());
        let begin = || Journal::begin(shelf.segment(1)?, &head, BYTES_MAX_DEFAULT)?.on(shelf.clone());
        let journal = desk.work(begin).await?;
        Opening::written(head, journal)
    } else {
        let left = Left::on(Arc::new(desk.disk.clone())).map_err(|error| error.to_string());
        let halted = match left.map(Halted::of) {
            Ok(Ok(halted)) => halted,
            Ok(Err(ResumeError::Ended)) => return Ok(None),
            Ok(Err(error)) => return Ok(window.cannot_go_on(&error.to_string())),
            Err(error) => return Ok(window.cannot_go_on(&error)),
        };
        match desk.work(|| halted.go_on(&desk.begun(), BYTES_MAX_DEFAULT)).await {
            Err(_) if desk.disk.failed().0 => return Ok(None),
            opening => opening?,
        }
    };
    opening.journal = opening.journal.map(|journal| journal.in_segments_of(desk.segment_bytes));
    window.with(|shown| shown.epochs.push((true_ns(), opening.run.epoch())));
    Ok(Some(opening))
}

/// A coordinator's process, from its start to the end of the run or its own.
pub(crate) async fn process(
    desk: Desk,
    settings: RunSettings,
    window: Window,
    target: Target,
    (stops, mut orders): (mpsc::Receiver<()>, mpsc::Receiver<Order>),
) -> turmoil::Result {
    let Some(mut opening) = open(&desk, settings, &window).await? else { return Ok(()) };
    let (counter, desk_of_orders) = muster::service::desk();
    opening.desk = desk_of_orders;
    tokio::spawn(async move {
        while let Some(order) = orders.recv().await {
            let counter = counter.clone();
            tokio::spawn(async move { counter.give(order).await });
        }
    });
    let listener = TcpListener::bind(LISTEN).await?;
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
fn host_of(address: IpAddr) -> usize {
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
