//! What a person sees while a run is under way: one line.

use std::fmt;
use std::time::Duration;

use muster_proto::measurement::INTERVAL_NS;

use super::numbers::ms;
use super::text::{count, duration, milliseconds};
use crate::run::timeline::Timeline;

/// How a run is going, as of its last closed second.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Since the run's start.
    pub elapsed: Duration,
    /// From its start to its planned end.
    pub total: Duration,
    /// Requests that ended in the last closed second.
    pub rate_per_s: u64,
    /// Users at work.
    pub users: u64,
    /// The response time that 99 % of the last closed second's requests did not exceed, in milliseconds.
    pub p99_ms: Option<f64>,
    /// Requests that failed in the last closed second.
    pub errors: u64,
    /// The grade of the last closed second.
    pub validity: &'static str,
}

impl Progress {
    /// How the run that this timeline belongs to is going. Nothing is known before its first second is closed.
    #[must_use]
    pub fn of(timeline: &Timeline, total: Duration) -> Option<Self> {
        let last = timeline.last()?;
        Some(Self {
            elapsed: Duration::from_nanos((u64::from(last.number) + 1) * INTERVAL_NS),
            total,
            rate_per_s: last.counts.outcomes(),
            users: last.users,
            p99_ms: last.p99_ns.map(ms),
            errors: last.counts.errors,
            validity: last.grades.worst().name(),
        })
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { elapsed, total, rate_per_s, users, p99_ms, errors, validity } = self;
        let times = format!("{} / {}", duration(elapsed.as_secs_f64()), duration(total.as_secs_f64()));
        let (rate, users, errors) = (count(*rate_per_s), count(*users), count(*errors));
        let p99 = p99_ms.map_or_else(|| "-".to_owned(), milliseconds);
        write!(f, "{times}   {rate}/s   users {users}   p99 {p99} ms   errors {errors}/s   {validity}")
    }
}
