//! Examples of what went wrong, for a person to read.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::outcome::ErrorKind;

/// The longest text of a sample, in bytes.
pub const SAMPLE_BYTES_MAX: usize = 200;
/// The most samples in one measurement; further ones are left out.
pub const SAMPLES_MAX: usize = 64;

/// What a sample is an example of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Sampled {
    /// A failure of this kind, in the series of this number.
    Failure(u32, ErrorKind),
    /// Something that was not true, of the tally of this number.
    Miss(u32),
}

/// The first of its kind that an agent saw, or the first whose iteration was traced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// What it is an example of.
    pub of: Sampled,
    /// When it happened, in nanoseconds of run time.
    pub at_ns: u64,
    /// What was found; at most [`SAMPLE_BYTES_MAX`] bytes.
    pub text: String,
    /// By which its trace is found, if its iteration was traced.
    pub trace: Option<TraceId>,
}

/// The trace of an iteration, as W3C Trace Context has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TraceId(pub [u8; 16]);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
