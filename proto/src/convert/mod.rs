//! Wire to domain and back, with every check that a stranger's bytes deserve.
//!
//! What leaves needs no check and is a function `to_wire`; what arrives is checked completely, and a refusal names the
//! field.

mod assignment;
mod auth;
mod change;
mod chore;
mod data;
mod measurement;
mod packed;
mod plan;
mod request;
mod response;
mod step;
mod supply;
mod vars;

pub use assignment::{AssignmentMessage, assignment_from_wire, assignment_to_wire};
pub use change::{change_from_wire, change_to_wire};
pub use chore::{
    FOUND_BYTES_MAX, Performed, perform_from_wire, perform_to_wire, performed_from_wire, performed_to_wire,
};
pub use data::{Wanted, wanted_from_wire, wanted_to_wire};
pub use measurement::{closing_from_wire, closing_to_wire, delta_from_wire, delta_to_wire};
pub use packed::{UNPACKED_BYTES_MAX, pack, unpack};
pub use plan::{plan_from_wire, plan_to_wire};
pub use supply::{allotments_from_wire, allotments_to_wire, wanting_from_wire, wanting_to_wire};

use crate::histogram::CodecError;
use crate::share::ShareError;

/// Why a message was refused.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ConvertError {
    /// A field that must be there is not.
    #[error("{field} is missing")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// A field's value is not one of those allowed.
    #[error("{field}: wanted {wanted}, got {got}")]
    Invalid {
        /// The field's name.
        field: &'static str,
        /// What would have been allowed.
        wanted: String,
        /// What was found.
        got: String,
    },
    /// A histogram's bytes are not a histogram.
    #[error("{field}: {source}")]
    Histogram {
        /// The field's name.
        field: &'static str,
        /// What is wrong with them.
        source: CodecError,
    },
    /// Packed bytes are not what they should be.
    #[error("{field}: {reason}")]
    Packed {
        /// The field's name.
        field: &'static str,
        /// What is wrong with them.
        reason: String,
    },
    /// A share's bytes are not a share.
    #[error("share: {0}")]
    Share(#[from] ShareError),
}

fn missing(field: &'static str) -> ConvertError {
    ConvertError::Missing { field }
}

fn invalid(field: &'static str, wanted: impl Into<String>, got: impl ToString) -> ConvertError {
    ConvertError::Invalid { field, wanted: wanted.into(), got: got.to_string() }
}

/// Refuses lists and texts that are longer than the domain allows.
fn at_most(field: &'static str, length: usize, limit: usize) -> Result<(), ConvertError> {
    if length <= limit { Ok(()) } else { Err(invalid(field, format!("at most {limit}"), length)) }
}
