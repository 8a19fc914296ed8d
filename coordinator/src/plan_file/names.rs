//! Names that the plan's writer gives, for templates to call: variables, captures and the like.

use muster_agent::engine::template::{Names, Vars, is_taken};

use super::reader::{Field, Reader};
use super::tree::{Node, Value, quoted};

/// Whether a name can be given; what is wrong with it is told.
pub(super) fn check(reader: &mut Reader, field: &Field<'_>, name: &str) -> bool {
    if is_taken(name) {
        let mistake = reader.at_key(field, format!("the name {} is taken", quoted(name)));
        mistake.help("it means something else in templates");
        return false;
    }
    if !is_identifier(name) {
        let mistake = reader.at_key(field, format!("wanted a name such as `pages`, found {}", quoted(name)));
        mistake.help("letters, digits and `_` make up a name, which begins with no digit");
        return false;
    }
    true
}

/// As [`check`], for what is no variable of the plan.
pub(super) fn check_new(reader: &mut Reader, field: &Field<'_>, name: &str) -> bool {
    if reader.vars.names().any(|known| known == name) {
        let mistake = reader.at_key(field, format!("the name {} is taken", quoted(name)));
        mistake.help("it is one of the plan's `vars`");
        return false;
    }
    if reader.set_up.iter().any(|known| known == name) {
        let mistake = reader.at_key(field, format!("the name {} is taken", quoted(name)));
        mistake.help("the plan's `setup` finds it out");
        return false;
    }
    if reader.feeders.iter().any(|known| known == name) {
        let mistake = reader.at_key(field, format!("the name {} is taken", quoted(name)));
        mistake.help("it is one of the plan's `data`");
        return false;
    }
    check(reader, field, name)
}

pub(super) fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    begins && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What the templates of a scenario can name, beside what there is for all of them. Steps may be repeated, so a name counts wherever it is given.
pub(super) fn of_scenario(vars: &Vars, beside: &[String], steps: &Node) -> Names {
    let mut slots = given(steps);
    slots.extend_from_slice(beside);
    Names::new(vars.clone(), slots)
}

/// The names that steps give, each once.
pub(super) fn given(steps: &Node) -> Vec<String> {
    let mut given = Vec::new();
    find_given(steps, &mut given);
    given.sort();
    given.dedup();
    given
}

fn find_given(node: &Node, slots: &mut Vec<String>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| find_given(item, slots)),
        Value::Map(entries) => {
            for entry in entries {
                match (entry.key.as_str(), &entry.node.value) {
                    ("capture", Value::Map(captures)) => {
                        let new = captures.iter().map(|capture| capture.key.clone());
                        slots.extend(new.filter(|name| is_identifier(name)));
                    }
                    ("set", Value::Map(values)) => {
                        let new = values.iter().map(|value| value.key.clone());
                        slots.extend(new.filter(|name| is_identifier(name)));
                    }
                    ("as", Value::Text(name)) if is_identifier(name) => slots.push(name.clone()),
                    ("json" | "form" | "expect", _) => {}
                    _ => find_given(&entry.node, slots),
                }
            }
        }
        _ => {}
    }
}
