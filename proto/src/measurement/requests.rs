//! What the requests of one series did.

use serde::{Deserialize, Serialize};

use super::sum;
use crate::histogram::Histogram;
use crate::outcome::{ErrorKind, Outcome};

/// The parts into which a request's service time falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Waiting for a connection to become available.
    Blocked,
    /// Looking the target's name up.
    Dns,
    /// Establishing the TCP connection.
    Connecting,
    /// The TLS handshake.
    TlsHandshaking,
    /// Writing the request.
    Sending,
    /// From the request's last byte to the response's first.
    Waiting,
    /// From the response's first byte to its last.
    Receiving,
}

impl Phase {
    /// Every phase, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Blocked,
        Self::Dns,
        Self::Connecting,
        Self::TlsHandshaking,
        Self::Sending,
        Self::Waiting,
        Self::Receiving,
    ];
}

/// What the requests of one series did in some stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestStats {
    /// Requests begun, counted in the second in which they were.
    pub sent: u64,
    /// Requests that ended as expected.
    pub expected: u64,
    /// Requests that failed, by [`ErrorKind`].
    pub failed: [u64; ErrorKind::ALL.len()],
    /// Repetitions on a fresh connection because a reused one was found closed.
    pub reconnects: u64,
    /// Connections opened.
    pub connections: u64,
    /// Bytes written to sockets, before encryption.
    pub bytes_sent: u64,
    /// Bytes read from sockets, after decryption.
    pub bytes_received: u64,
    /// Response time (from due) of requests that ended as expected, in nanoseconds.
    pub response_expected: Histogram,
    /// Response time (from due) of requests that failed, in nanoseconds.
    pub response_failed: Histogram,
    /// Service time (from sent) of all requests, in nanoseconds.
    pub service: Histogram,
    /// From due until a user was free, in nanoseconds.
    pub queued: Histogram,
    /// From a free user to the beginning of the attempt, in nanoseconds.
    pub lag: Histogram,
    /// The phases of the service time, by [`Phase`], in nanoseconds.
    pub phases: [Histogram; Phase::ALL.len()],
}

impl RequestStats {
    /// Counts how a request ended.
    pub fn count_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Expected => self.expected += 1,
            Outcome::Failed(kind) => self.failed[kind as usize] += 1,
        }
    }

    /// Requests that failed, whatever the reason.
    #[must_use]
    pub fn failed_total(&self) -> u64 {
        self.failed.iter().sum()
    }

    /// Requests that ended.
    #[must_use]
    pub fn outcomes(&self) -> u64 {
        self.expected + self.failed_total()
    }

    /// The histograms, in an order that both ends of the wire keep.
    pub fn histograms(&self) -> impl Iterator<Item = &Histogram> {
        [&self.response_expected, &self.response_failed, &self.service, &self.queued, &self.lag]
            .into_iter()
            .chain(&self.phases)
    }

    /// The histograms, in the order of [`RequestStats::histograms`].
    pub fn histograms_mut(&mut self) -> impl Iterator<Item = &mut Histogram> {
        [&mut self.response_expected, &mut self.response_failed, &mut self.service, &mut self.queued, &mut self.lag]
            .into_iter()
            .chain(&mut self.phases)
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.expected += other.expected;
        for (mine, theirs) in self.failed.iter_mut().zip(other.failed) {
            *mine += theirs;
        }
        self.reconnects += other.reconnects;
        self.connections += other.connections;
        self.bytes_sent = self.bytes_sent.saturating_add(other.bytes_sent);
        self.bytes_received = self.bytes_received.saturating_add(other.bytes_received);
        for (mine, theirs) in self.histograms_mut().zip(other.histograms()) {
            mine.merge(theirs);
        }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent == 0 && self.outcomes() == 0
    }

    pub(super) fn volume(&self) -> u64 {
        let counts = [self.sent, self.expected, self.reconnects, self.connections];
        sum(counts.into_iter().chain(self.failed).chain(self.histograms().map(Histogram::count)))
    }

    /// Forgets everything, keeping the memory for the next window.
    pub fn clear(&mut self) {
        let Self { sent, expected, reconnects, connections, bytes_sent, bytes_received, .. } = self;
        for count in [sent, expected, reconnects, connections, bytes_sent, bytes_received] {
            *count = 0;
        }
        self.failed = Default::default();
        self.histograms_mut().for_each(Histogram::clear);
    }
}
