//! What a target has done, in numbers. Each thread counts for itself, and a question sums the threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

use crate::ids::IdCounts;

/// One past the highest status.
const STATUS_END: usize = 1000;

/// What a target has done so far.
///
/// Once it has stopped, `requests = responses + faults + failed`, and the statuses add up to the responses. A
/// response is counted as its last write begins and taken back should that fail: whoever has read a response finds it
/// counted. Requests under `/_` are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Connections closed at once because too many were open; not among the accepted.
    pub refused: u64,
    /// Requests received whole, and requests that could not be understood.
    pub requests: u64,
    /// Those that could not be understood or were too large.
    pub bad_requests: u64,
    /// Responses completely written.
    pub responses: u64,
    /// Requests whose response a scripted fault withheld or spoiled.
    pub faults: u64,
    /// Requests whose response could not be written, because the client had left or the target stopped.
    pub failed: u64,
    /// Responses completely written, by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Bytes of requests.
    pub bytes_read: u64,
    /// Bytes of responses and faults. Of a last write that failed, none are counted.
    pub bytes_written: u64,
    /// Lines of the access log that could not be written, at most.
    pub log_lines_lost: u64,
    /// The request ids, when they are tracked.
    pub ids: Option<IdCounts>,
}

/// What one thread counts. Its own cache lines keep it from slowing its neighbours.
#[repr(align(128))]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) bad_requests: AtomicU64,
    pub(crate) faults: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
    pub(crate) bytes_written: AtomicU64,
    by_status: [AtomicU64; STATUS_END],
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            connections: AtomicU64::default(),
            refused: AtomicU64::default(),
            requests: AtomicU64::default(),
            bad_requests: AtomicU64::default(),
            faults: AtomicU64::default(),
            failed: AtomicU64::default(),
            bytes_read: AtomicU64::default(),
            bytes_written: AtomicU64::default(),
            by_status: [const { AtomicU64::new(0) }; STATUS_END],
        }
    }
}

impl Counters {
    /// Adds what this thread counted to a sum.
    pub(crate) fn add_to(&self, sum: &mut Counts) {
        // A request is counted before its end, so reading the ends first never shows more ends than requests.
        for (status, count) in self.by_status.iter().enumerate() {
            let count = count.load(Relaxed);
            if count > 0 {
                *sum.by_status.entry(status as u16).or_default() += count;
                sum.responses += count;
            }
        }
        sum.faults += self.faults.load(Relaxed);
        sum.failed += self.failed.load(Relaxed);
        sum.bad_requests += self.bad_requests.load(Relaxed);
        sum.requests += self.requests.load(Relaxed);
        sum.connections += self.connections.load(Relaxed);
        sum.refused += self.refused.load(Relaxed);
        sum.bytes_read += self.bytes_read.load(Relaxed);
        sum.bytes_written += self.bytes_written.load(Relaxed);
    }

    fn status(&self, status: u16) -> &AtomicU64 {
        &self.by_status[usize::from(status).min(STATUS_END - 1)]
    }
}

/// The end of some requests of the same kind, booked exactly once: as responses, as faults, or, when this is dropped
/// before either is certain, as failed.
pub(crate) struct Exchange<'a> {
    counters: &'a Counters,
    requests: u64,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Open,
    Promised { status: u16, bytes: u64 },
    Settled,
}

impl<'a> Exchange<'a> {
    /// Books requests as received.
    pub(crate) fn begin(counters: &'a Counters, requests: u64, bytes: u64) -> Self {
        counters.requests.fetch_add(requests, Relaxed);
        counters.bytes_read.fetch_add(bytes, Relaxed);
        Self { counters, requests, state: State::Open }
    }

    /// Books them as answered, because the last write begins now, and its bytes as written.
    pub(crate) fn promise(&mut self, status: u16, bytes: usize) {
        self.counters.status(status).fetch_add(self.requests, Relaxed);
        self.wrote(bytes);
        self.state = State::Promised { status, bytes: bytes as u64 };
    }

    /// The last write has succeeded.
    pub(crate) fn keep(&mut self) {
        self.state = State::Settled;
    }

    /// Books them as spoiled on purpose.
    pub(crate) fn spoil(&mut self) {
        self.counters.faults.fetch_add(self.requests, Relaxed);
        self.state = State::Settled;
    }

    /// Books bytes as written.
    pub(crate) fn wrote(&self, bytes: usize) {
        self.counters.bytes_written.fetch_add(bytes as u64, Relaxed);
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        if let State::Promised { status, bytes } = self.state {
            self.counters.status(status).fetch_sub(self.requests, Relaxed);
            self.counters.bytes_written.fetch_sub(bytes, Relaxed);
        }
        if !matches!(self.state, State::Settled) {
            self.counters.failed.fetch_add(self.requests, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_ends_exactly_once() {
        let counters = [Counters::default(), Counters::default()];
        for counters in &counters {
            let mut kept = Exchange::begin(counters, 2, 10);
            kept.promise(200, 9);
            kept.keep();
            Exchange::begin(counters, 1, 10).promise(200, 9);
            Exchange::begin(counters, 1, 10).spoil();
            drop(Exchange::begin(counters, 1, 10));
        }
        let mut sum = Counts::default();
        counters.iter().for_each(|counters| counters.add_to(&mut sum));
        let wanted = Counts {
            requests: 10,
            responses: 4,
            faults: 2,
            failed: 4,
            bytes_read: 80,
            bytes_written: 18,
            by_status: [(200, 4)].into(),
            ..Counts::default()
        };
        assert_eq!(sum, wanted);
    }
}
