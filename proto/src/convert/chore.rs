//! What is made once per run, and what came of it.

use super::{ConvertError, at_most, invalid, missing, plan_from_wire, plan_to_wire, vars};
use crate::plan::Plan;
use crate::wire;

/// How much a run's setup may find out, in bytes of names and values together.
pub const FOUND_BYTES_MAX: usize = 1 << 20;
/// The longest reason for which a chore has failed, in characters; the rest is left out.
const REASON_CHARS_MAX: usize = 1_000;

/// What came of a chore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Performed {
    /// Why it has failed, if it has.
    pub failure: Option<String>,
    /// What it found out: names, and values as JSON, empty where there is none.
    pub found: Vec<(String, String)>,
}

/// The plan of a chore as a message.
#[must_use]
pub fn perform_to_wire(plan: &Plan) -> wire::Perform {
    wire::Perform { plan: Some(plan_to_wire(plan)) }
}

/// A message as the plan of a chore.
///
/// # Errors
/// [`ConvertError`] names the first field that is not as agreed.
pub fn perform_from_wire(message: wire::Perform) -> Result<Plan, ConvertError> {
    let plan = plan_from_wire(message.plan.ok_or_else(|| missing("perform.plan"))?)?;
    match plan.scenarios.len() {
        1 => Ok(plan),
        scenarios => Err(invalid("perform.plan", "one scenario", scenarios)),
    }
}

/// What came of a chore, as a message.
#[must_use]
pub fn performed_to_wire(performed: &Performed) -> wire::Performed {
    let failure = performed.failure.clone().unwrap_or_default();
    wire::Performed { failure, found: vars::found_to_wire(&performed.found) }
}

/// A message as what came of a chore.
///
/// # Errors
/// [`ConvertError`] names the first field that is not as agreed.
pub fn performed_from_wire(message: wire::Performed) -> Result<Performed, ConvertError> {
    let found = vars::found_from_wire(message.found)?;
    let bytes = found.iter().map(|(name, json)| name.len() + json.len()).sum();
    at_most("performed.found", bytes, FOUND_BYTES_MAX)?;
    let failure = Some(message.failure).filter(|failure| !failure.is_empty());
    let failure = failure.map(|failure| failure.chars().take(REASON_CHARS_MAX).collect());
    Ok(Performed { failure, found })
}
