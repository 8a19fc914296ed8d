//! The plan's variables.

use muster_agent::engine::template::{Names, Vars};

use super::reader::{Field, Reader};
use super::{json, names};

/// Reads the variables, and lets the templates that are read after them name them.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Vec<(String, String)> {
    let mut vars = Vec::new();
    for (name, field) in reader.named(field) {
        if !names::check(reader, &field, name) {
            continue;
        }
        vars.extend(json::plain(reader, &field).map(|json| (name.to_owned(), json)));
    }
    reader.plan_bytes += vars.iter().map(|(name, json)| name.len() + json.len() + 8).sum::<usize>();
    reader.vars = Vars::new(vars.iter().map(|(name, json)| (name.as_str(), json.as_str())), 0);
    reader.names = Names::new(reader.vars.clone(), []);
    vars
}
