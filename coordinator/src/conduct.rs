//! Conducts a run: feeds it what happens, carries out what it wants, and lets others watch.

use std::io;
use std::time::Duration;

use muster_agent::planted::planted;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};

use crate::begun::Begun;
use crate::data::Data;
use crate::journal::{Entry, Happened, Head, Journal, JournalError};
use crate::run::event::{Command, Event};
use crate::run::life::{Run, RunSettings};
use crate::run::record::RunRecord;
use crate::run::timeline::Second;
use crate::run_clock::RunClock;
use crate::scribe::Scribe;
use crate::service::{Connection, Counter, Desk, service};
use crate::surroundings::{Surroundings, ThisMachine};

/// How often a run is told that time went by.
const TICK: Duration = Duration::from_millis(50);
/// The most entries of a group, and the most bytes after which no further entry joins it: what waits longer is written
/// with the next.
const GROUP_ENTRIES_MAX: usize = 1_024;
const GROUP_BYTES_MAX: usize = 1 << 20;
/// How long agents get to read the last message.
const FAREWELL: Duration = Duration::from_millis(500);

/// Someone who watches a run.
pub trait Watcher {
    /// Something worth a line happened.
    fn tell(&mut self, text: &str);
    /// Time went by.
    fn tick(&mut self, run: &Run, now_ns: u64);
    /// These seconds of the run are complete: each is told once.
    fn closed(&mut self, _seconds: Vec<Second>, _run: &Run) {}
}

/// A run about to begin, or to be gone on with.
pub struct Opening {
    /// The run.
    pub run: Run,
    /// When it began.
    pub begun: Begun,
    /// Its clock.
    pub clock: RunClock,
    /// Where it is written down; without one it is forgotten once it was reported.
    pub journal: Option<Journal>,
    /// Where its user's orders come in.
    pub desk: Desk,
    /// Where they are taken, if that is also where agents join.
    pub counter: Option<Counter>,
    /// The rows of its feeders.
    pub data: Data,
}

impl Opening {
    /// A run that begins now and that nobody writes down.
    #[must_use]
    pub fn unwritten(settings: RunSettings) -> Self {
        Self::begin(settings, Begun::now(), None)
    }

    /// A run that began at this moment, with this at the head of its journal.
    #[must_use]
    pub fn written(head: Head, journal: Journal) -> Self {
        Self::begin(head.settings, head.begun, Some(journal))
    }

    fn begin(settings: RunSettings, begun: Begun, journal: Option<Journal>) -> Self {
        Self::of(Run::new(settings, begun.clock_ns), begun, RunClock::default(), journal)
    }

    /// This run, to which nobody gives orders and that has no data.
    #[must_use]
    pub fn of(run: Run, begun: Begun, clock: RunClock, journal: Option<Journal>) -> Self {
        Self { run, begun, clock, journal, desk: Desk::default(), counter: None, data: Data::default() }
    }
}

/// Conducts a run with the agents that call at `listener`, until it has ended. Each message on `stops` is a wish of the
/// user to end it.
///
/// What happens is written down before the run is told of it, so that whatever is acknowledged will be found again.
pub async fn conduct(
    opening: Opening,
    listener: TcpListener,
    stops: mpsc::Receiver<()>,
    watcher: &mut impl Watcher,
) -> RunRecord {
    conduct_in(&ThisMachine, opening, TcpListenerStream::new(listener), stops, watcher).await
}

/// [`conduct`], in other surroundings than this machine, with the agents that call on any stream of connections.
pub async fn conduct_in<C>(
    surroundings: &impl Surroundings,
    opening: Opening,
    incoming: impl Stream<Item = io::Result<C>> + Send + 'static,
    mut stops: mpsc::Receiver<()>,
    watcher: &mut impl Watcher,
) -> RunRecord
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Opening { mut run, begun, clock, journal, mut desk, counter, data } = opening;
    let mut scribe = Scribe::new(surroundings, journal);
    let here = surroundings.clone();
    let now_ns = move || clock.at(here.now_ns());
    let (router, switchboard, mut happenings) = service(&run, data, counter, now_ns.clone());
    let connections = incoming.map(|stream| stream.map(Connection::from));
    let server = tokio::spawn(router.serve_with_incoming(connections));
    let mut tick = tokio::time::interval(TICK);
    // After a stall of this process there is one tick, and time to hear what agents sent meanwhile before the next.
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut streams = 0_usize;
    while !run.has_ended() {
        let first = tokio::select! {
            biased;
            Some(()) = stops.recv() => Happened::stop(),
            Some((ticket, order)) = desk.next() => Happened::ordered(ticket, order),
            _ = tick.tick() => Happened::tick(),
            Some(happened) = happenings.recv() => happened,
        };
        let mut group = Group::gather(first, &mut happenings, &now_ns);
        let late = planted("acknowledged-before-durable").then(|| std::mem::take(&mut group.entries));
        let failure = match scribe.write_down(group.entries, &run).await {
            Ok(()) => None,
            // Nothing is wrong with the disk, so the load need not suffer.
            Err(full) if matches!(full, JournalError::Full(_)) || planted("storage-failure-ignored") => {
                watcher.tell(&format!("{full}; the run goes on, and could not be told again after a crash"));
                None
            }
            Err(error) => Some((Event::Unstorable(error.to_string()), now_ns())),
        };
        if let Some(error) = scribe.snapshot_failure().await {
            watcher.tell(&format!("no snapshot was kept, and the journal goes on growing: {error}"));
        }
        for (event, at_ns) in failure.into_iter().chain(group.events) {
            let at_ns = if planted("clock-read-again") { now_ns() } else { at_ns };
            let is_tick = matches!(event, Event::Tick);
            streams = count_streams(streams, &event);
            for command in run.apply(event, at_ns) {
                match command {
                    Command::Answer(ticket, outcome) => desk.answer(ticket, outcome),
                    Command::Tell(text) => watcher.tell(&text),
                    command => switchboard.carry_out(command),
                }
            }
            let seconds = run.take_closed();
            if !seconds.is_empty() {
                watcher.closed(seconds, &run);
            }
            if is_tick {
                watcher.tick(&run, at_ns);
            }
        }
        if let Some(entries) = late {
            let _ = scribe.write_down(entries, &run).await;
        }
    }
    watcher.tick(&run, now_ns());
    // A stream ends once its agent has read the last message; one that does not read it is left behind.
    let farewell = async {
        while streams > 0 {
            let Some(happened) = happenings.recv().await else { return };
            streams = count_streams(streams, &happened.event);
        }
    };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
    server.abort();
    let started_at = begun.date(run.start_ns());
    run.into_record(started_at)
}

/// What is written down together, and the run then told of one by one.
struct Group {
    entries: Vec<Entry>,
    events: Vec<(Event, u64)>,
}

impl Group {
    /// Everything that has happened by now: what came while the group before was written. That time went by is told
    /// last, so that nobody is taken for silent whose words only waited to be heard.
    fn gather(first: Happened, more: &mut mpsc::Receiver<Happened>, clock: impl Fn() -> u64) -> Self {
        let mut group = Self { entries: Vec::new(), events: Vec::new() };
        let (first, tick) = if matches!(first.event, Event::Tick) { (None, Some(first)) } else { (Some(first), None) };
        let (mut next, mut bytes) = (first.or_else(|| more.try_recv().ok()), 0);
        while let Some(happened) = next {
            bytes += group.add(happened, clock());
            let full = bytes >= GROUP_BYTES_MAX || group.entries.len() >= GROUP_ENTRIES_MAX;
            next = if full { None } else { more.try_recv().ok() };
        }
        if let Some(tick) = tick {
            group.add(tick, clock());
        }
        group
    }

    /// Adds what happened, and says how many bytes it takes.
    fn add(&mut self, happened: Happened, now_ns: u64) -> usize {
        let (event, entry) = happened.at(now_ns);
        let bytes = entry.bytes();
        self.entries.push(entry);
        self.events.push((event, now_ns));
        bytes
    }
}

fn count_streams(streams: usize, event: &Event) -> usize {
    match event {
        Event::Joined(..) => streams + 1,
        Event::Gone(..) | Event::Expelled(..) => streams.saturating_sub(1),
        _ => streams,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_to_be_heard_comes_before_the_time_that_went_by() {
        let (said, mut waiting) = mpsc::channel(2);
        (0..2).for_each(|_| said.try_send(Happened::stop()).unwrap());
        let moments = std::cell::Cell::new(0);
        let clock = || moments.replace(moments.get() + 1);
        let group = Group::gather(Happened::tick(), &mut waiting, clock);
        assert!(
            matches!(group.events[..], [(Event::Stop, 0), (Event::Stop, 1), (Event::Tick, 2)]),
            "{:?}",
            group.events
        );
        assert_eq!(group.entries.len(), 3);
    }
}
