//! What an agent is told to do.

use uuid::Uuid;

use super::change::{amendments_from_wire, amendments_to_wire};
use super::{ConvertError, at_most, invalid, missing, plan_from_wire, plan_to_wire, vars};
use crate::change::Amendment;
use crate::id::RunId;
use crate::plan::{Plan, SCENARIOS_MAX};
use crate::share::Share;
use crate::wire;

/// What an agent is told to do.
#[derive(Clone, Debug, PartialEq)]
pub struct AssignmentMessage {
    /// The run.
    pub run_id: RunId,
    /// The whole plan, without what only the coordinator judges.
    pub plan: Plan,
    /// The agent's share of each scenario, in the plan's order.
    pub shares: Vec<Share>,
    /// How the plan's profiles went on until now, in order.
    pub amendments: Vec<Amendment>,
    /// What the run's setup has found out, for templates to name: names, and values as JSON, empty where there is none.
    pub found: Vec<(String, String)>,
}

/// An assignment as a message.
#[must_use]
pub fn assignment_to_wire(assignment: &AssignmentMessage) -> wire::Assign {
    wire::Assign {
        run_id: assignment.run_id.0.as_bytes().to_vec().into(),
        plan: Some(plan_to_wire(&assignment.plan)),
        shares: assignment.shares.iter().map(|share| share.to_bytes().into()).collect(),
        amendments: amendments_to_wire(&assignment.amendments),
        found: vars::found_to_wire(&assignment.found),
    }
}

/// A message as an assignment.
///
/// # Errors
/// [`ConvertError`] names the first field that is not as agreed.
pub fn assignment_from_wire(message: wire::Assign) -> Result<AssignmentMessage, ConvertError> {
    let run_id = Uuid::from_slice(&message.run_id).map_err(|error| invalid("run_id", "16 bytes", error))?;
    let plan = plan_from_wire(message.plan.ok_or_else(|| missing("plan"))?)?;
    at_most("shares", message.shares.len(), SCENARIOS_MAX)?;
    if message.shares.len() != plan.scenarios.len() {
        return Err(invalid("shares", format!("{}, one per scenario", plan.scenarios.len()), message.shares.len()));
    }
    let shares = message.shares.iter().map(|bytes| Share::from_bytes(bytes)).collect::<Result<_, _>>()?;
    let amendments = amendments_from_wire(&message.amendments, plan.scenarios.len())?;
    let found = vars::found_from_wire(message.found)?;
    Ok(AssignmentMessage { run_id: RunId(run_id), plan, shares, amendments, found })
}
