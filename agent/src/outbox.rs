//! Measurements on their way to the coordinator.
//!
//! Because measurements merge, a slow or absent coordinator costs neither memory nor samples: so many deltas may wait
//! for their acknowledgement; everything newer merges into one open delta, which only coarsens the resolution in time.

use std::collections::VecDeque;

use muster_proto::measurement::{Delta, Health, Measurement};
use serde::{Deserialize, Serialize};

use crate::planted::planted;

/// The most deltas that have a number and are not acknowledged.
pub const UNACKNOWLEDGED_MAX: usize = 16;

/// Numbers deltas and keeps them until they are acknowledged.
///
/// A delta is frozen with its number: whatever was sent under it before a stream broke is sent again unchanged, so that
/// the coordinator can tell by the number alone what it has already counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// Numbered and not acknowledged, oldest first.
    frozen: VecDeque<Delta>,
    /// How many of them were sent over the present stream.
    #[serde(skip)]
    sent: usize,
    last_seq: u64,
    open: Option<Delta>,
}

/// An acknowledgement that cannot be right.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the coordinator acknowledged delta {acknowledged}, but {last} is the last one there is")]
pub struct AckError {
    /// What it acknowledged.
    pub acknowledged: u64,
    /// The last one that has a number.
    pub last: u64,
}

impl Outbox {
    /// Takes what was measured in some windows.
    pub fn put(&mut self, windows: (u32, u32), measurement: &Measurement, health: Health) {
        let sent = self.frozen.back_mut().filter(|_| planted("coalesces-a-sent-delta"));
        match sent.or(self.open.as_mut()).filter(|_| !planted("open-window-overwritten")) {
            Some(open) => {
                open.first_window = open.first_window.min(windows.0);
                open.last_window = open.last_window.max(windows.1);
                open.measurement.merge(measurement);
                open.health = health;
            }
            None => {
                let (first_window, last_window) = windows;
                let measurement = measurement.clone();
                self.open = Some(Delta { seq: 0, first_window, last_window, measurement, health });
            }
        }
        self.freeze();
    }

    /// The next delta that was not yet sent over the present stream; it counts as sent from here.
    pub fn next_unsent(&mut self) -> Option<&Delta> {
        let delta = self.frozen.get(self.sent)?;
        self.sent += 1;
        Some(delta)
    }

    /// Notes that everything up to `seq` is in the result.
    ///
    /// # Errors
    /// [`AckError`] when there is nothing with that number.
    pub fn acknowledge(&mut self, seq: u64) -> Result<(), AckError> {
        if seq > self.last_seq {
            return Err(AckError { acknowledged: seq, last: self.last_seq });
        }
        let all = planted("everything-acknowledged-at-once");
        while self.frozen.front().is_some_and(|delta| delta.seq <= seq || all) {
            self.frozen.pop_front();
            self.sent = self.sent.saturating_sub(1);
        }
        self.freeze();
        Ok(())
    }

    /// Begins a new stream, on which everything that is not acknowledged has to be sent again.
    pub fn rewind(&mut self) {
        if planted("unsent-forgotten-at-a-break") {
            self.frozen.truncate(self.sent);
        }
        if !planted("nothing-sent-again") {
            self.sent = usize::from(planted("resent-from-wrong-position"));
        }
    }

    /// All that was measured and is not acknowledged.
    pub fn measurements(&self) -> impl Iterator<Item = &Measurement> {
        self.frozen.iter().chain(&self.open).map(|delta| &delta.measurement)
    }

    /// The number of the last delta.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Whether there is something to send over the present stream now.
    pub fn has_unsent(&self) -> bool {
        self.sent < self.frozen.len()
    }

    /// Whether everything that was put has been sent over the present stream.
    pub fn is_empty(&self) -> bool {
        self.open.is_none() && !self.has_unsent()
    }

    fn freeze(&mut self) {
        if self.frozen.len() < UNACKNOWLEDGED_MAX
            && let Some(delta) = self.open.take()
        {
            self.last_seq += 1;
            self.frozen.push_back(Delta { seq: self.last_seq, ..delta });
        }
    }
}

#[cfg(test)]
mod tests {
    use muster_proto::measurement::Shape;

    use super::*;

    fn one_started() -> Measurement {
        let mut measurement = Measurement::new(Shape { scenarios: 1, ..Shape::default() });
        measurement.scenarios[0].started = 1;
        measurement
    }

    fn filled(windows: u32) -> Outbox {
        let mut outbox = Outbox::default();
        (0..windows).for_each(|window| outbox.put((window, window), &one_started(), Health::default()));
        outbox
    }

    fn unsent(outbox: &mut Outbox) -> Vec<Delta> {
        std::iter::from_fn(|| outbox.next_unsent().cloned()).collect()
    }

    #[test]
    fn an_absent_coordinator_costs_resolution_and_nothing_else() {
        let mut outbox = filled(100);
        let sent = unsent(&mut outbox);
        assert!(sent.iter().map(|delta| delta.seq).eq(1..=UNACKNOWLEDGED_MAX as u64));
        assert!(!outbox.is_empty() && !outbox.has_unsent());
        outbox.acknowledge(1).unwrap();
        let rest = unsent(&mut outbox);
        assert_eq!((rest[0].seq, rest[0].first_window, rest[0].last_window), (17, 16, 99));
        let started: u64 = sent.iter().chain(&rest).map(|delta| delta.measurement.scenarios[0].started).sum();
        assert_eq!(started, 100);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_new_stream_gets_again_what_was_not_acknowledged_unchanged() {
        let mut outbox = filled(5);
        let sent = unsent(&mut outbox);
        outbox.put((5, 5), &one_started(), Health::default());
        outbox.acknowledge(2).unwrap();
        outbox.rewind();
        let again = unsent(&mut outbox);
        assert_eq!(again[..3], sent[2..]);
        assert_eq!((again.len(), again[3].seq), (4, 6));
    }

    #[test]
    fn what_was_never_numbered_cannot_be_acknowledged() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.acknowledge(1), Err(AckError { acknowledged: 1, last: 0 }));
        assert_eq!(outbox.acknowledge(0), Ok(()));
    }
}
