//! Puts the windows of all workers together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::task::{Context, Poll};

use muster_proto::measurement::Measurement;

use super::part::{Gauges, Mark, Part, PartReceiver};

/// What all workers of an agent measured in one window, or in several where workers were behind.
#[derive(Debug)]
pub struct Slice {
    /// The first window, counted from the run's start.
    pub first_window: u32,
    /// The last window.
    pub last_window: u32,
    /// What was measured.
    pub measurement: Box<Measurement>,
    /// What belongs to windows that have gone out already, by window.
    pub late: BTreeMap<u32, Box<Measurement>>,
    /// The workers' gauges at its end.
    pub gauges: Vec<Gauges>,
    /// By worker: how far its records are counted in this slice and those before it, where they are kept.
    pub marks: Vec<(usize, Mark)>,
    /// The worker whose memory it is.
    owner: usize,
}

impl Slice {
    /// A slice of somebody's who needs no memory back.
    #[must_use]
    pub fn new((first_window, last_window): (u32, u32), measurement: Box<Measurement>, gauges: Vec<Gauges>) -> Self {
        let late = BTreeMap::new();
        Self { first_window, last_window, measurement, late, gauges, marks: Vec::new(), owner: 0 }
    }

    /// All that was measured, each with its first and its last window: what is late, and then the rest.
    pub fn measured(&self) -> impl Iterator<Item = ((u32, u32), &Measurement)> {
        let late = self.late.iter().map(|(window, late)| ((*window, *window), &**late));
        late.chain([((self.first_window, self.last_window), &*self.measurement)])
    }

    fn of(part: Part) -> Self {
        let Part { worker, first_window, last_window, measurement, late, mark, .. } = part;
        let marks = mark.into_iter().map(|mark| (worker, mark)).collect();
        Self { first_window, last_window, measurement, late, gauges: Vec::new(), marks, owner: worker }
    }
}

/// Merges what the workers hand over, window by window, in order.
pub struct Collector {
    receivers: Vec<PartReceiver>,
    /// By worker: the first window that it has not handed over yet, or `None` once it has ended.
    next_windows: Vec<Option<u32>>,
    gauges: Vec<Gauges>,
    /// By first window. Bounded by how far workers are apart, and that by the channels' bounds.
    open: BTreeMap<u32, Slice>,
}

impl Collector {
    /// A collector of these workers' parts.
    pub(super) fn new(receivers: Vec<PartReceiver>) -> Self {
        let workers = receivers.len();
        Self {
            receivers,
            next_windows: vec![Some(0); workers],
            gauges: vec![Gauges::default(); workers],
            open: BTreeMap::new(),
        }
    }

    /// The next slice, or `None` once all workers have ended and everything is out.
    pub async fn next(&mut self) -> Option<Slice> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Slice>> {
        for worker in 0..self.receivers.len() {
            while self.next_windows[worker].is_some() {
                match self.receivers[worker].poll_next(cx) {
                    Poll::Ready(Some(part)) => self.take(part),
                    Poll::Ready(None) => self.next_windows[worker] = None,
                    Poll::Pending => break,
                }
            }
        }
        match self.complete() {
            Some(slice) => Poll::Ready(Some(slice)),
            None if self.next_windows.iter().all(Option::is_none) => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    fn take(&mut self, part: Part) {
        let worker = part.worker;
        self.gauges[worker] = part.gauges;
        self.next_windows[worker] = (!part.last).then_some(part.last_window + 1);
        let Some(slice) = self.open.get_mut(&part.first_window) else {
            self.open.insert(part.first_window, Slice::of(part));
            return;
        };
        slice.last_window = slice.last_window.max(part.last_window);
        slice.measurement.merge(&part.measurement);
        slice.marks.extend(part.mark.map(|mark| (worker, mark)));
        for (window, late) in part.late {
            match slice.late.entry(window) {
                Entry::Occupied(mut entry) => entry.get_mut().merge(&late),
                Entry::Vacant(entry) => drop(entry.insert(late)),
            }
        }
        self.receivers[worker].give_back(part.measurement);
    }

    /// The first slice to which no worker can add any more.
    fn complete(&mut self) -> Option<Slice> {
        let reached = self.next_windows.iter().flatten().copied().min().unwrap_or(u32::MAX);
        let entry = self.open.first_entry().filter(|entry| entry.get().last_window < reached)?;
        Some(Slice { gauges: self.gauges.clone(), ..entry.remove() })
    }

    /// Gives a slice's memory back to the worker it came from.
    pub fn give_back(&self, slice: Slice) {
        self.receivers[slice.owner].give_back(slice.measurement);
    }
}

#[cfg(test)]
mod tests;
