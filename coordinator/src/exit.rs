//! The numbers with which Muster's programs end, so that scripts can tell why.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a program ended as it did, from the best to the worst: the most severe of several wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ExitCode {
    /// Everything held and can be trusted.
    Passed,
    /// At least one threshold was violated.
    ThresholdsFailed,
    /// A user stopped the run; the report is partial.
    Stopped,
    /// The generators, not the target, decided what was measured.
    Invalid,
    /// Load or samples were lost, or the books do not balance.
    Incomplete,
    /// The plan or the arguments make no sense.
    BadPlan,
    /// Somebody's policy or identity check refused the run.
    Refused,
    /// The journal or the disk failed.
    Storage,
    /// Anything else went wrong.
    Failure,
}

impl ExitCode {
    /// Every code, from the best to the worst.
    pub const ALL: [Self; 9] = [
        Self::Passed,
        Self::ThresholdsFailed,
        Self::Stopped,
        Self::Invalid,
        Self::Incomplete,
        Self::BadPlan,
        Self::Refused,
        Self::Storage,
        Self::Failure,
    ];

    /// The number that the operating system is given.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failure => 1,
            Self::Incomplete => 97,
            Self::Invalid => 98,
            Self::ThresholdsFailed => 99,
            Self::BadPlan => 104,
            Self::Stopped => 105,
            Self::Refused => 106,
            Self::Storage => 107,
        }
    }

    /// One word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::ThresholdsFailed => "failed",
            Self::Stopped => "stopped",
            Self::Invalid => "invalid",
            Self::Incomplete => "incomplete",
            Self::BadPlan => "bad-plan",
            Self::Refused => "refused",
            Self::Storage => "storage",
            Self::Failure => "failure",
        }
    }

    /// What it means, in a sentence for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Passed => "the run passed and its numbers can be trusted",
            Self::ThresholdsFailed => "at least one threshold was violated",
            Self::Stopped => "the run was stopped by its user; the report is partial",
            Self::Invalid => "the run is invalid: the generators, not the target, decided what was measured",
            Self::Incomplete => "the run is incomplete: load or samples were lost, or the books do not balance",
            Self::BadPlan => "the plan or the arguments make no sense",
            Self::Refused => "the run was refused by somebody's policy or identity check",
            Self::Storage => "the journal or the disk failed",
            Self::Failure => "something else went wrong",
        }
    }

    /// The code with this number.
    #[must_use]
    pub fn from_code(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.code() == number)
    }

    /// The more severe of two.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        self.max(other)
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.code())
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_follows_the_published_order() {
        let codes: Vec<u8> = ExitCode::ALL.iter().rev().map(|code| code.code()).collect();
        assert_eq!(codes, [1, 107, 106, 104, 97, 98, 105, 99, 0]);
        assert!(ExitCode::ALL.is_sorted());
        assert_eq!(ExitCode::Invalid.worst(ExitCode::ThresholdsFailed), ExitCode::Invalid);
        assert_eq!(ExitCode::Passed.worst(ExitCode::Stopped), ExitCode::Stopped);
    }
}
