//! What workers hand to the agent, and the channel on which they do.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::task::{Context, Poll};

use muster_proto::measurement::{Measurement, Shape, Totals};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc as async_mpsc;

use super::clock;

/// The most parts of one worker on their way. When the agent is that far behind, the worker goes on recording into its
/// open window, so that only time resolution is lost.
pub const PARTS_MAX: usize = 64;

/// How much was going on at the end of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gauges {
    /// Users at work.
    pub users: u32,
    /// Requests in flight.
    pub in_flight: u64,
    /// Attempts that failed for want of ports or descriptors, in all.
    pub exhausted: u64,
    /// How often an arrival found every user busy, in all.
    pub starved: u64,
    /// The worker thread's CPU time in all, in nanoseconds.
    pub cpu_ns: u64,
    /// First arrival's moment minus the moment at which it was due, in nanoseconds.
    pub start_error_ns: Option<i64>,
    /// Everything counted since the run's start, apart from the windows: a second set of books.
    pub totals: Totals,
}

/// How far a worker's records go that are counted in its parts until now, and its books at that moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The first record that is not counted yet.
    pub position: u64,
    /// First arrival's moment minus the moment at which it was due, in nanoseconds.
    pub start_error_ns: Option<i64>,
    /// Everything counted since the run's start.
    pub totals: Totals,
}

/// What one worker measured in one window; in several when the agent was behind.
#[derive(Debug)]
pub struct Part {
    /// The worker's number.
    pub worker: usize,
    /// The first window, counted from the run's start.
    pub first_window: u32,
    /// The last window.
    pub last_window: u32,
    /// Whether it is the worker's last.
    pub last: bool,
    /// What was measured.
    pub measurement: Box<Measurement>,
    /// What belongs to windows whose parts were sent before, by window.
    pub late: BTreeMap<u32, Box<Measurement>>,
    /// How much was going on.
    pub gauges: Gauges,
    /// How far the worker's records are counted with it, where they are kept.
    pub mark: Option<Mark>,
}

impl Part {
    /// A part of window 0, for a caller that sets what differs.
    pub fn new(worker: usize, measurement: Box<Measurement>, gauges: Gauges) -> Self {
        let late = BTreeMap::new();
        Self { worker, first_window: 0, last_window: 0, last: false, measurement, late, gauges, mark: None }
    }
}

/// A worker's end of the channel. Emptied measurements come back, so that steady recording allocates nothing.
pub struct PartSender {
    worker: usize,
    shape: Shape,
    parts: async_mpsc::Sender<Part>,
    empties: mpsc::Receiver<Box<Measurement>>,
}

/// The agent's end of a worker's channel.
pub struct PartReceiver {
    parts: async_mpsc::Receiver<Part>,
    empties: mpsc::SyncSender<Box<Measurement>>,
}

impl PartReceiver {
    /// The next part, or `None` once the worker is gone.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        self.parts.poll_recv(cx)
    }

    /// Gives a measurement's memory back to the worker, emptied.
    pub fn give_back(&self, mut measurement: Box<Measurement>) {
        measurement.clear();
        let _ = self.empties.try_send(measurement);
    }
}

impl PartSender {
    /// The end of worker `worker`, for measurements of this shape.
    pub fn new(worker: usize, shape: Shape) -> (Self, PartReceiver) {
        let (parts, part_receiver) = async_mpsc::channel(PARTS_MAX);
        let (empty_sender, empties) = mpsc::sync_channel(PARTS_MAX);
        (Self { worker, shape, parts, empties }, PartReceiver { parts: part_receiver, empties: empty_sender })
    }

    /// The worker's number.
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// An empty measurement.
    pub fn take_empty(&mut self) -> Box<Measurement> {
        self.empties.try_recv().unwrap_or_else(|_| Box::new(Measurement::new(self.shape)))
    }

    /// Whether [`PartSender::send`] would succeed.
    pub fn has_room(&self) -> bool {
        self.parts.capacity() > 0
    }

    /// Sends a part for which there is room. Nobody listens once the agent gives the run up, which is no error.
    pub fn send(&mut self, mut part: Part) {
        part.gauges.cpu_ns = clock::thread_cpu_ns();
        let _ = self.parts.try_send(part);
    }

    /// Sends a part, waiting for room: only for a worker that has nothing else to do any more.
    pub fn send_reliably(&mut self, mut part: Part) {
        part.gauges.cpu_ns = clock::thread_cpu_ns();
        let _ = self.parts.blocking_send(part);
    }
}
