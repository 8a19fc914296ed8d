//! Conducts a run: feeds it what happens, carries out what it wants, and lets others watch.

use std::time::Duration;

use jiff::Timestamp;
use muster_agent::engine::clock;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;

use crate::run::event::Event;
use crate::run::life::{Run, RunSettings};
use crate::run::record::RunRecord;
use crate::service::{Connection, service};

/// How often a run is told that time went by.
const TICK: Duration = Duration::from_millis(50);
/// How long agents get to read the last message.
const FAREWELL: Duration = Duration::from_millis(500);

/// Someone who watches a run.
pub trait Watcher {
    /// Something worth a line happened.
    fn tell(&mut self, text: &str);
    /// Time went by.
    fn tick(&mut self, run: &Run, now_ns: u64);
}

/// Conducts a run with the agents that call at `listener`, until it has ended. Each message on `stops` is a wish of the
/// user to end it.
pub async fn conduct(
    settings: RunSettings,
    listener: TcpListener,
    mut stops: mpsc::Receiver<()>,
    watcher: &mut impl Watcher,
) -> RunRecord {
    let (router, switchboard, mut events) = service(settings.id, &settings.plan, settings.lease_ns);
    let connections = TcpListenerStream::new(listener).map(|stream| stream.map(Connection::from));
    let server = tokio::spawn(router.serve_with_incoming(connections));
    let mut run = Run::new(settings, clock::now_ns());
    let mut tick = tokio::time::interval(TICK);
    // After a stall of this process there is one tick, and time to hear what agents sent meanwhile before the next.
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut started_at = None;
    let mut streams = 0_usize;
    while !run.has_ended() {
        let event = tokio::select! {
            biased;
            Some(()) = stops.recv() => Event::Stop,
            _ = tick.tick() => Event::Tick,
            Some(event) = events.recv() => event,
        };
        let now_ns = clock::now_ns();
        let is_tick = matches!(event, Event::Tick);
        streams = count_streams(streams, &event);
        for command in run.apply(event, now_ns) {
            if let Some(text) = switchboard.carry_out(command) {
                watcher.tell(&text);
            }
        }
        if let (None, Some(start_ns)) = (started_at, run.start_ns()) {
            let lead = Duration::from_nanos(start_ns.saturating_sub(now_ns));
            started_at = Some(Timestamp::now().saturating_add(lead).unwrap_or(Timestamp::MAX));
        }
        if is_tick {
            watcher.tick(&run, now_ns);
        }
    }
    watcher.tick(&run, clock::now_ns());
    // A stream ends once its agent has read the last message; one that does not read it is left behind.
    let farewell = async {
        while streams > 0 {
            let Some(event) = events.recv().await else { return };
            streams = count_streams(streams, &event);
        }
    };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
    server.abort();
    run.into_record(started_at.unwrap_or_else(Timestamp::now).to_string())
}

fn count_streams(streams: usize, event: &Event) -> usize {
    match event {
        Event::Joined(..) => streams + 1,
        Event::Gone(..) | Event::Expelled(..) => streams.saturating_sub(1),
        _ => streams,
    }
}
