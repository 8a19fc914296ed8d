//! What templates name of the environment in which the plan is read: `{{ env.SHOP_HOST }}`.
//!
//! It becomes a variable of the plan that has what they name and nothing else, so that all agents send the same.

use muster_agent::engine::template::{Piece, is_template, members_of, split};
use muster_proto::plan::Var;
use serde_json::{Map, Value as Json};

use super::reader::{Field, Reader, join};
use super::tree::{Node, Value, quoted};

/// What templates call the environment.
const NAME: &str = "env";
/// The keys behind which expressions stand without braces.
const FORMULAS: [&str; 4] = ["if", "while", "foreach", "repeat"];

/// Looks up what the plan's templates name of the environment, if they name anything.
pub(super) fn read(reader: &mut Reader, plan: &Field<'_>) -> Option<Var> {
    let mut found = Found { reader, is_named: false, values: Map::new() };
    found.node(plan.node, "", false);
    let Found { is_named, values, .. } = found;
    is_named.then(|| Var::new(NAME, Json::Object(values).to_string()))
}

/// A text of the environment.
pub(super) fn look_up(name: &str) -> Option<String> {
    let is_name = !name.is_empty() && !name.contains(['=', '\0']);
    std::env::var(name).ok().filter(|_| is_name)
}

struct Found<'r> {
    reader: &'r mut Reader,
    /// Whether they name anything of it, be it there or not.
    is_named: bool,
    values: Map<String, Json>,
}

impl Found<'_> {
    fn node(&mut self, node: &Node, path: &str, is_formula: bool) {
        match &node.value {
            Value::List(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.node(item, &format!("{path}[{index}]"), false));
            }
            Value::Map(entries) => {
                for entry in entries {
                    let is_formula = FORMULAS.contains(&entry.key.as_str());
                    self.node(&entry.node, &join(path, &entry.key), is_formula);
                }
            }
            Value::Text(text) if text.contains(NAME) => match split(text) {
                Ok(pieces) if is_template(text) => {
                    let sources = pieces.into_iter().filter_map(|piece| match piece {
                        Piece::Expression(source) => Some(source),
                        Piece::Literal(_) => None,
                    });
                    sources.for_each(|source| self.expression(source, node, path));
                }
                Ok(_) if is_formula => self.expression(text, node, path),
                _ => {}
            },
            _ => {}
        }
    }

    fn expression(&mut self, source: &str, node: &Node, path: &str) {
        for name in members_of(NAME, source) {
            self.is_named = true;
            if self.values.contains_key(&name) {
                continue;
            }
            match look_up(&name) {
                Some(value) => _ = self.values.insert(name, value.into()),
                None if may_be_absent(source, &name) => {}
                None => {
                    let message = format!("the environment has no text called {}", quoted(&name));
                    let help = format!("set it where the run is started, or write `{NAME}.{name} | default(\"...\")`");
                    self.reader.note(path, node.span.clone(), message).help(help);
                    // So that nothing else is said of it.
                    self.values.insert(name, "".into());
                }
            }
        }
    }
}

/// Whether an expression does without a variable of the environment: wherever it stands, something stands in for it, or
/// it is asked whether it is there.
fn may_be_absent(source: &str, name: &str) -> bool {
    let whole = format!("{NAME}.{name}");
    let goes_on = |rest: &str| rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    let does_without = |rest: &str| match rest.trim_start().strip_prefix('|') {
        Some(filter) => filter.trim_start().starts_with("default"),
        None => rest.trim_start().starts_with("is "),
    };
    let places = source.match_indices(&whole).map(|(at, _)| &source[at + whole.len()..]);
    places.filter(|rest| !goes_on(rest)).all(does_without)
}
