//! How much of a target's talk, and of its silence, is put up with.

use muster_proto::plan::Http;

/// The bounds of every exchange of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest response head, in bytes; each interim head counts for itself.
    pub head_bytes_max: usize,
    /// The largest response body, in bytes, without what chunks add to it.
    pub body_bytes_max: u64,
    /// The longest time without any byte written or read, in nanoseconds.
    pub silence_max_ns: u64,
}

impl Limits {
    /// What the plan says.
    #[must_use]
    pub fn of(http: &Http) -> Self {
        Self {
            head_bytes_max: http.head_bytes_max as usize,
            body_bytes_max: http.body_bytes_max,
            silence_max_ns: u64::try_from(http.read_timeout.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}
