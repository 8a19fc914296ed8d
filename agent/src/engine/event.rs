//! What happens to a worker's load, one small value each.
//!
//! Whoever counts all events of a window has what the window measured. So the recorder counts them as they happen, and
//! whoever finds them written down counts them again, with the same result.

use muster_proto::measurement::{IterationStats, Measurement, Note, Phase, RequestStats, SkipReason, Totals};
use muster_proto::outcome::Outcome;

/// Something that happened. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many arrivals of a scenario fell due.
    Due {
        /// The scenario's place in the plan.
        scenario: u16,
        /// How many.
        count: u64,
    },
    /// An arrival will never start.
    Skipped {
        /// The scenario's place in the plan.
        scenario: u16,
        /// Why.
        reason: SkipReason,
    },
    /// An arrival started very late through our own fault.
    VeryLate {
        /// The scenario's place in the plan.
        scenario: u16,
    },
    /// An iteration began.
    Began {
        /// The scenario's place in the plan.
        scenario: u16,
        /// How late, if it is an arrival. Any other falls due as it begins.
        lag_ns: Option<u64>,
    },
    /// A pause of an iteration ended.
    Thought {
        /// The scenario's place in the plan.
        scenario: u16,
        /// How much too late.
        late_ns: u64,
    },
    /// An iteration went through all its steps.
    Ended {
        /// The scenario's place in the plan.
        scenario: u16,
        /// Whether each of its requests ended as expected.
        all_expected: bool,
        /// How long that took since it was due.
        duration_ns: u64,
    },
    /// Something of a check, a group or a metric was found.
    Noted {
        /// The tally's number.
        tally: u16,
        /// What was found.
        note: Note,
    },
    /// An iteration was cut off.
    CutOff {
        /// The scenario's place in the plan.
        scenario: u16,
        /// Whether the lease's end did that.
        unleased: bool,
    },
    /// A request is about to be sent.
    Sent {
        /// The request's series.
        series: u16,
        /// How long it waited for a user and how long for us, if it is an arrival's first.
        wait: Option<Wait>,
    },
    /// A connection was opened for a request.
    Opened {
        /// The request's series.
        series: u16,
        /// How long it was waited for, beside what follows.
        blocked_ns: u64,
        /// How long the target's name was looked up.
        dns_ns: u64,
        /// How long connecting took.
        connecting_ns: u64,
        /// How long the TLS handshake took, if there was one.
        tls_ns: Option<u64>,
    },
    /// A request ended.
    Done {
        /// The request's series.
        series: u16,
        /// How.
        outcome: Outcome,
        /// How often it was repeated, which is once at most.
        reconnects: u8,
        /// Bytes written for it. A plan's requests are far smaller than this can tell.
        bytes_sent: u32,
        /// Bytes read for it.
        bytes_received: u64,
        /// How long it took since it was due.
        response_ns: u64,
        /// How long it took since its attempt began.
        service_ns: u64,
        /// How long its parts took, if there was a response.
        answer: Option<Answer>,
    },
}

/// How long an arrival's first request waited, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// For a user.
    pub queued_ns: u64,
    /// For us.
    pub lag_ns: u64,
}

/// How long the parts of an exchange took, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Until the request was written.
    pub sending_ns: u64,
    /// Until the response's first byte came.
    pub waiting_ns: u64,
    /// Until its last one came.
    pub receiving_ns: u64,
}

/// Something that cannot be counted, because there is no such scenario, series or tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of scenario, series or tally {0}, which the plan does not have")]
pub struct Foreign(pub u16);

impl Event {
    /// Counts it in the window in which it happened, and in the books that are kept apart from the windows.
    ///
    /// # Errors
    /// [`Foreign`] when the window is of another plan; nothing is counted then.
    // Inlined, so that it is known at each call what happened.
    #[inline(always)]
    pub fn count(self, window: &mut Measurement, totals: &mut Totals) -> Result<(), Foreign> {
        match self {
            Self::Sent { series, .. } | Self::Opened { series, .. } | Self::Done { series, .. } => {
                let stats = window.series.get_mut(usize::from(series)).ok_or(Foreign(series))?;
                self.count_request(stats, totals);
            }
            Self::Noted { tally, note } => {
                window.tallies.get_mut(usize::from(tally)).ok_or(Foreign(tally))?.note(note);
            }
            Self::Due { scenario, .. }
            | Self::Skipped { scenario, .. }
            | Self::VeryLate { scenario }
            | Self::Began { scenario, .. }
            | Self::Thought { scenario, .. }
            | Self::Ended { scenario, .. }
            | Self::CutOff { scenario, .. } => {
                let stats = window.scenarios.get_mut(usize::from(scenario)).ok_or(Foreign(scenario))?;
                self.count_iteration(stats, totals);
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn count_iteration(self, stats: &mut IterationStats, totals: &mut Totals) {
        match self {
            Self::Due { count, .. } => {
                stats.due += count;
                totals.due += count;
            }
            Self::Skipped { reason, .. } => {
                stats.skipped[reason as usize] += 1;
                totals.skipped += 1;
            }
            Self::VeryLate { .. } => stats.very_late += 1,
            Self::Began { lag_ns, .. } => {
                stats.started += 1;
                totals.started += 1;
                match lag_ns {
                    Some(lag_ns) => stats.arrival_lag.record(lag_ns),
                    None => {
                        stats.due += 1;
                        totals.due += 1;
                    }
                }
            }
            Self::Thought { late_ns, .. } => stats.think_lag.record(late_ns),
            Self::Ended { all_expected, duration_ns, .. } => {
                stats.duration.record(duration_ns);
                stats.completed += u64::from(all_expected);
                totals.completed += u64::from(all_expected);
                stats.failed += u64::from(!all_expected);
                totals.failed += u64::from(!all_expected);
            }
            Self::CutOff { unleased, .. } => {
                stats.cut_off += 1;
                stats.unleased += u64::from(unleased);
                totals.cut_off += 1;
            }
            Self::Sent { .. } | Self::Opened { .. } | Self::Done { .. } | Self::Noted { .. } => {}
        }
    }

    #[inline(always)]
    fn count_request(self, stats: &mut RequestStats, totals: &mut Totals) {
        let phase = |phase: Phase| phase as usize;
        match self {
            Self::Sent { wait, .. } => {
                stats.sent += 1;
                totals.sent += 1;
                if let Some(Wait { queued_ns, lag_ns }) = wait {
                    stats.queued.record(queued_ns);
                    stats.lag.record(lag_ns);
                }
            }
            Self::Opened { blocked_ns, dns_ns, connecting_ns, tls_ns, .. } => {
                stats.connections += 1;
                stats.phases[phase(Phase::Blocked)].record(blocked_ns);
                stats.phases[phase(Phase::Dns)].record(dns_ns);
                stats.phases[phase(Phase::Connecting)].record(connecting_ns);
                if let Some(tls_ns) = tls_ns {
                    stats.phases[phase(Phase::TlsHandshaking)].record(tls_ns);
                }
            }
            Self::Done { outcome, reconnects, bytes_sent, bytes_received, response_ns, service_ns, answer, .. } => {
                totals.outcomes += 1;
                stats.count_outcome(outcome);
                stats.reconnects += u64::from(reconnects);
                stats.bytes_sent = stats.bytes_sent.saturating_add(u64::from(bytes_sent));
                stats.bytes_received = stats.bytes_received.saturating_add(bytes_received);
                match outcome {
                    Outcome::Expected => stats.response_expected.record(response_ns),
                    Outcome::Failed(_) => stats.response_failed.record(response_ns),
                }
                stats.service.record(service_ns);
                if let Some(Answer { sending_ns, waiting_ns, receiving_ns }) = answer {
                    stats.phases[phase(Phase::Sending)].record(sending_ns);
                    stats.phases[phase(Phase::Waiting)].record(waiting_ns);
                    stats.phases[phase(Phase::Receiving)].record(receiving_ns);
                }
            }
            _ => {}
        }
    }
}
