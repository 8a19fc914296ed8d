//! The plan's variables, and its secrets.

use muster_agent::engine::template::{Names, Vars};

use super::Secrets;
use super::keys::SECRET;
use super::reader::{Field, Fields, Reader};
use super::tree::quoted;
use super::{json, names};

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// Reads variables and secrets, and lets the templates that are read after them name them.
pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Vec<(String, String)> {
    let mut vars = Vec::new();
    let given = fields.get("vars").map(|field| reader.named(&field)).unwrap_or_default();
    for (name, field) in given {
        if names::check(reader, &field, name) {
            vars.extend(json::plain(reader, &field).map(|json| (name.to_owned(), json)));
        }
    }
    let secret = fields.get("secrets").map(|field| reader.named(&field)).unwrap_or_default();
    for (name, field) in secret {
        if vars.iter().any(|(known, _)| known == name) {
            let mistake = reader.at_key(&field, format!("the name {} is taken", quoted(name)));
            mistake.help("it is one of the plan's `vars`");
        } else if names::check(reader, &field, name) {
            vars.extend(self::secret(reader, &field).map(|json| (name.to_owned(), json)));
            reader.secret_names.push(name.to_owned());
        }
    }
    reader.plan_bytes += vars.iter().map(|(name, json)| name.len() + json.len() + 8).sum::<usize>();
    reader.vars = Vars::new(vars.iter().map(|(name, json)| (name.as_str(), json.as_str())), 0);
    reader.names = Names::new(reader.vars.clone(), []);
    vars
}

/// Looks a secret up, as JSON. The plan refers to it; what it is stands in the environment alone.
fn secret(reader: &mut Reader, field: &Field<'_>) -> Option<String> {
    let fields = reader.open(field, &SECRET)?;
    let field = fields.get("env")?;
    let name = reader.text(&field)?;
    if reader.secrets == Secrets::Hidden {
        return Some(format!("\"{HIDDEN}\""));
    }
    let is_name = !name.is_empty() && !name.contains(['=', '\0']);
    match std::env::var(name).ok().filter(|_| is_name) {
        Some(value) => Some(serde_json::Value::from(value).to_string()),
        None => {
            let mistake = reader.wrong(&field, format!("the environment has no text called {}", quoted(name)));
            mistake.help(format!("set it where the run is started, as in `{name}=... muster run`"));
            None
        }
    }
}
