//! The plan's variables.

use muster_agent::engine::template::{FUNCTIONS, ITERATION, Vars};

use super::json;
use super::reader::{Field, Reader};
use super::tree::quoted;

/// Reads the variables, and lets the templates that are read after them name them.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Vec<(String, String)> {
    let mut vars = Vec::new();
    for (name, field) in reader.named(field) {
        if FUNCTIONS.contains(&name) || name == ITERATION {
            reader
                .at_key(&field, format!("the name {} is taken", quoted(name)))
                .help("it means something else in templates");
            continue;
        }
        if !is_identifier(name) {
            let mistake = reader.at_key(&field, format!("wanted a name such as `pages`, found {}", quoted(name)));
            mistake.help("letters, digits and `_` make up a name, which begins with no digit");
            continue;
        }
        vars.extend(json::plain(reader, &field).map(|json| (name.to_owned(), json)));
    }
    reader.plan_bytes += vars.iter().map(|(name, json)| name.len() + json.len() + 8).sum::<usize>();
    reader.vars = Vars::new(vars.iter().map(|(name, json)| (name.as_str(), json.as_str())), 0);
    vars
}

fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    begins && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
