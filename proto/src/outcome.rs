//! How a request ended. A failing target is data, so these are values and never errors.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a request failed: a closed list, so that reports of different runs can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum ErrorKind {
    /// The target's name could not be resolved.
    Dns,
    /// The target refused the connection.
    ConnectRefused,
    /// The connection was not established in time.
    ConnectTimeout,
    /// The connection failed in any other way, such as an unreachable network.
    ConnectOther,
    /// The TLS handshake failed.
    Tls,
    /// The peer closed or reset the connection before the response was complete.
    Reset,
    /// The request could not be written in time.
    WriteTimeout,
    /// No byte of the response, or none of the rest of it, came in time.
    ReadTimeout,
    /// The request as a whole took longer than allowed.
    TotalTimeout,
    /// What came back was not the protocol that was spoken.
    Protocol,
    /// The response had a status from 400 to 499 that the plan did not expect.
    Http4xx,
    /// The response had a status from 500 to 599 that the plan did not expect.
    Http5xx,
    /// The response failed a check of the plan.
    Check,
    /// The response's head or body was larger than allowed.
    TooLarge,
    /// The agent's own policy forbids the request.
    BlockedByAgent,
    /// The generator lacked ports, descriptors or memory.
    GeneratorOverload,
    /// The request was cut off when the run ended.
    Cancelled,
}

impl ErrorKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 17] = [
        Self::Dns,
        Self::ConnectRefused,
        Self::ConnectTimeout,
        Self::ConnectOther,
        Self::Tls,
        Self::Reset,
        Self::WriteTimeout,
        Self::ReadTimeout,
        Self::TotalTimeout,
        Self::Protocol,
        Self::Http4xx,
        Self::Http5xx,
        Self::Check,
        Self::TooLarge,
        Self::BlockedByAgent,
        Self::GeneratorOverload,
        Self::Cancelled,
    ];

    /// The name that reports and thresholds use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::ConnectRefused => "connect_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectOther => "connect_other",
            Self::Tls => "tls",
            Self::Reset => "reset",
            Self::WriteTimeout => "write_timeout",
            Self::ReadTimeout => "read_timeout",
            Self::TotalTimeout => "total_timeout",
            Self::Protocol => "protocol",
            Self::Http4xx => "http_4xx",
            Self::Http5xx => "http_5xx",
            Self::Check => "check",
            Self::TooLarge => "too_large",
            Self::BlockedByAgent => "blocked_by_agent",
            Self::GeneratorOverload => "generator_overload",
            Self::Cancelled => "cancelled",
        }
    }

    /// The kind with this number, if there is one.
    #[must_use]
    pub fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How one request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The response arrived and was as expected.
    Expected,
    /// It failed, and why.
    Failed(ErrorKind),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_kinds_correspond() {
        for (index, kind) in ErrorKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index, "{kind}");
            assert_eq!(ErrorKind::from_index(index), Some(kind));
        }
        assert_eq!(ErrorKind::from_index(ErrorKind::ALL.len()), None);
    }
}
