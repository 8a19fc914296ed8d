//! Measurements on their way to the coordinator.
//!
//! Because measurements merge, a slow coordinator costs neither memory nor samples: so many deltas may be on their way
//! unacknowledged; everything newer merges into one open delta, which only coarsens the resolution in time.

use muster_proto::measurement::{Delta, Health, Measurement};

/// The most deltas that are sent and not acknowledged.
pub const UNACKNOWLEDGED_MAX: u64 = 16;

/// Numbers deltas, and keeps back what may not be sent yet.
#[derive(Debug, Default)]
pub struct Outbox {
    sent_seq: u64,
    acknowledged_seq: u64,
    open: Option<Delta>,
}

/// An acknowledgement that cannot be right.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the coordinator acknowledged delta {acknowledged}, but {sent} is the last one sent")]
pub struct AckError {
    /// What it acknowledged.
    pub acknowledged: u64,
    /// What was sent last.
    pub sent: u64,
}

impl Outbox {
    /// Takes what was measured in some windows. Returns the delta to send now, if one may be sent.
    pub fn put(&mut self, windows: (u32, u32), measurement: &Measurement, health: Health) -> Option<Delta> {
        match &mut self.open {
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
        self.next()
    }

    /// Notes that everything up to `seq` is in the result. Returns the delta that may be sent now, if there is one.
    ///
    /// # Errors
    /// [`AckError`] when nothing with that number was sent.
    pub fn acknowledge(&mut self, seq: u64) -> Result<Option<Delta>, AckError> {
        if seq > self.sent_seq {
            return Err(AckError { acknowledged: seq, sent: self.sent_seq });
        }
        self.acknowledged_seq = self.acknowledged_seq.max(seq);
        Ok(self.next())
    }

    /// The number of the last delta sent.
    pub fn last_seq(&self) -> u64 {
        self.sent_seq
    }

    /// Whether everything that was put has been sent.
    pub fn is_empty(&self) -> bool {
        self.open.is_none()
    }

    fn next(&mut self) -> Option<Delta> {
        if self.sent_seq - self.acknowledged_seq >= UNACKNOWLEDGED_MAX {
            return None;
        }
        let delta = self.open.take()?;
        self.sent_seq += 1;
        Some(Delta { seq: self.sent_seq, ..delta })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_started() -> Measurement {
        let mut measurement = Measurement::new(1, 0);
        measurement.scenarios[0].started = 1;
        measurement
    }

    #[test]
    fn an_absent_coordinator_costs_resolution_and_nothing_else() {
        let mut outbox = Outbox::default();
        let sent = (0..100).filter_map(|window| outbox.put((window, window), &one_started(), Health::default()));
        let sent: Vec<Delta> = sent.collect();
        assert_eq!(
            sent.iter().map(|delta| delta.seq).collect::<Vec<_>>(),
            (1..=UNACKNOWLEDGED_MAX).collect::<Vec<_>>()
        );
        let rest = outbox.acknowledge(1).unwrap().expect("room for one more");
        assert_eq!((rest.seq, rest.first_window, rest.last_window), (17, 16, 99));
        let started = sent.iter().chain([&rest]).map(|delta| delta.measurement.scenarios[0].started).sum::<u64>();
        assert_eq!(started, 100);
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_was_never_sent_cannot_be_acknowledged() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.acknowledge(1), Err(AckError { acknowledged: 1, sent: 0 }));
        assert_eq!(outbox.acknowledge(0), Ok(None));
    }
}
