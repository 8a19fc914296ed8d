//! Names and values.

use super::plan::name;
use super::{ConvertError, at_most};
use crate::plan::{VARS_MAX, Var};
use crate::wire;

pub(super) fn to_wire(vars: &[Var]) -> Vec<wire::Var> {
    vars.iter().map(|var| wire::Var { name: var.name.clone(), json: var.json.clone(), secret: var.secret }).collect()
}

pub(super) fn from_wire(messages: Vec<wire::Var>) -> Result<Vec<Var>, ConvertError> {
    at_most("vars", messages.len(), VARS_MAX)?;
    messages.iter().try_for_each(|var| name("var.name", &var.name))?;
    Ok(messages.into_iter().map(|var| Var { name: var.name, json: var.json, secret: var.secret }).collect())
}

/// What was found out, of which nobody knows how secret it is.
pub(super) fn found_to_wire(found: &[(String, String)]) -> Vec<wire::Var> {
    found.iter().map(|(name, json)| wire::Var { name: name.clone(), json: json.clone(), secret: true }).collect()
}

pub(super) fn found_from_wire(messages: Vec<wire::Var>) -> Result<Vec<(String, String)>, ConvertError> {
    Ok(from_wire(messages)?.into_iter().map(|var| (var.name, var.json)).collect())
}
