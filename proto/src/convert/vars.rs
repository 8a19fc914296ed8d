//! Names and values.

use super::plan::name;
use super::{ConvertError, at_most};
use crate::plan::VARS_MAX;
use crate::wire;

pub(super) fn to_wire(vars: &[(String, String)]) -> Vec<wire::Var> {
    vars.iter().map(|(name, json)| wire::Var { name: name.clone(), json: json.clone() }).collect()
}

pub(super) fn from_wire(messages: Vec<wire::Var>) -> Result<Vec<(String, String)>, ConvertError> {
    at_most("vars", messages.len(), VARS_MAX)?;
    messages.iter().try_for_each(|var| name("var.name", &var.name))?;
    Ok(messages.into_iter().map(|var| (var.name, var.json)).collect())
}
