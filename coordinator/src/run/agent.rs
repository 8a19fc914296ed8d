//! An agent as the run sees it.

use std::collections::VecDeque;

use muster_proto::change::{Change, What};
use muster_proto::id::{AgentId, Incarnation};
use serde::{Deserialize, Serialize};

use super::event::{ClockReading, Link, Newcomer};
use super::record::AgentRecord;

/// So many changes may wait for an agent's answer; it is given nothing more meanwhile. Half of what may wait to be written
/// to it, since a loss in a crowd deals to many at once.
pub(super) const UNANSWERED_MAX: usize = 128;

/// How far an agent has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// It has joined and waits for the plan.
    Joined,
    /// It prepares.
    Preparing,
    /// It is prepared, or generates load.
    Ready,
    /// It has sent everything.
    Closed,
    /// It was given up.
    Lost,
    /// Its process has ended, and another one tells what it had not told.
    HandingIn,
}

/// Since when a worker has come no further.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Stillness {
    pub(super) progress: u64,
    /// By the agent's clock.
    pub(super) since_ns: u64,
    /// How many signs of life have told the same since then.
    pub(super) pulses: u32,
}

/// An agent as the run sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Agent {
    /// The stream on which it was heard last, broken or not.
    pub(super) link: Link,
    pub(super) incarnation: Incarnation,
    pub(super) state: State,
    /// From when on its silence counts, on our clock: when it was last heard, or later where it is given time to come back.
    pub(super) heard_ns: u64,
    /// Whether it was given up for its silence alone.
    pub(super) was_missed: bool,
    /// The number of its last delta.
    pub(super) seq: u64,
    /// Changes of what it holds that it has not answered yet, in order.
    pub(super) changes: VecDeque<Change>,
    /// The number of the last change.
    pub(super) last_change: u64,
    /// Changes up to this number are about what was taken from it without its word. It may hold the same again by now, so
    /// its answers to them say nothing of that.
    pub(super) taken_by_change: u64,
    /// How many of the run's amendments it has been told of, while it was to prepare.
    pub(super) amendments_told: usize,
    /// Whether its operator does not allow it to hold more.
    pub(super) refuses_more: bool,
    /// How long each of its workers has come no further.
    pub(super) workers: Vec<Stillness>,
    /// Everything that it counted until now, together.
    pub(super) counted: u64,
    pub(super) record: AgentRecord,
}

impl Agent {
    pub(super) fn new(link: Link, id: AgentId, newcomer: Newcomer, now_ns: u64) -> Self {
        let Newcomer { build_version, name, incarnation, labels, cores, workers, weight, .. } = newcomer;
        let record = AgentRecord {
            id,
            name,
            version: build_version,
            labels,
            weight,
            cores,
            workers,
            clock_offset_ns: 0,
            clock_uncertainty_ns: 0,
            round_trip_ns: 0,
            start_error_ns: None,
            lost_at_ns: None,
            may_work_until_ns: None,
            untold_arrivals: Vec::new(),
            lost_because: None,
            taken_over_at_ns: None,
            left: false,
            has_ended: false,
            totals: None,
            duplicates_refused: 0,
        };
        Self {
            link,
            incarnation,
            state: State::Joined,
            heard_ns: now_ns,
            was_missed: false,
            seq: 0,
            changes: VecDeque::new(),
            last_change: 0,
            taken_by_change: 0,
            amendments_told: 0,
            refuses_more: false,
            workers: Vec::new(),
            counted: 0,
            record,
        }
    }

    /// Whether it has yet to say from when on it went by another profile.
    pub(super) fn owes_a_reshape(&self) -> bool {
        self.changes.iter().any(|change| matches!(change.what, What::Reshaped(_)))
    }

    /// Whether it has, or may have, a part of the load.
    pub(super) fn is_active(&self) -> bool {
        !matches!(self.state, State::Closed | State::Lost | State::HandingIn)
    }

    /// Whether it leaves as many changes unanswered as it may.
    pub(super) fn is_behind(&self) -> bool {
        self.changes.len() >= UNANSWERED_MAX
    }

    /// Whether something is still expected of it, or of what it left.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_active() || self.state == State::HandingIn
    }

    /// Whether it can do nothing for the run any more.
    pub(super) fn is_gone(&self) -> bool {
        self.state == State::Lost || self.record.has_ended
    }

    pub(super) fn read_clock(&mut self, clock: ClockReading) {
        self.record.clock_offset_ns = clock.offset_ns.saturating_neg();
        self.record.clock_uncertainty_ns = clock.uncertainty_ns;
        self.record.round_trip_ns = clock.round_trip_ns;
    }
}
