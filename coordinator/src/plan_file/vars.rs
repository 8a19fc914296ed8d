//! The plan's variables, its scenarios' own, and its secrets.

use muster_agent::engine::template::{Names, Vars};
use muster_proto::plan::Var;

use super::Secrets;
use super::keys::SECRET;
use super::reader::{Field, Fields, Reader};
use super::suggest::{closest, one_of};
use super::tree::quoted;
use super::{env, json, names};

/// What stands in the place of a secret.
const HIDDEN: &str = "***";
/// What a variable's place takes beside its texts, about.
const OVERHEAD: usize = 8;

/// Reads variables and secrets, and lets the templates that are read after them name them.
pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Vec<Var> {
    let mut vars: Vec<Var> = env::read(reader, fields.of()).into_iter().collect();
    vars.iter().for_each(|var| reader.vars.put_first(&var.name, &var.json));
    let given = fields.get("vars").map(|field| reader.named(&field)).unwrap_or_default();
    let plain = each(reader, &given);
    let secret = fields.get("secrets").map(|field| reader.named(&field)).unwrap_or_default();
    check_overrides(reader, &given, &secret);
    reader.secret_names = secret.iter().map(|(name, _)| (*name).to_owned()).collect();
    for (name, field) in secret {
        if plain.iter().any(|known| known.name == name) {
            let mistake = reader.at_key(&field, format!("the name {} is taken", quoted(name)));
            mistake.help("it is one of the plan's `vars`");
        } else if names::check(reader, &field, name) {
            vars.extend(self::secret(reader, &field).map(|json| Var::secret(name, json)));
        }
    }
    vars.extend(plain);
    reader.plan_bytes += vars.iter().map(|var| var.name.len() + var.json.len() + OVERHEAD).sum::<usize>();
    reader.vars = Vars::new(vars.iter().map(|var| (var.name.as_str(), var.json.as_str())), 0);
    reader.names = Names::new(reader.vars.clone(), []);
    vars
}

/// Reads the variables of a scenario. Until its end they go before the plan's.
pub(super) fn of_scenario(reader: &mut Reader, field: &Field<'_>) -> Vec<Var> {
    let given = reader.named(field);
    let overrides = std::mem::take(&mut reader.overrides);
    let vars = each(reader, &given);
    reader.overrides = overrides;
    reader.plan_bytes += vars.iter().map(|var| var.name.len() + var.json.len() + OVERHEAD).sum::<usize>();
    for var in &vars {
        if reader.feeders.contains(&var.name) {
            let mistake = reader.at_key(field, format!("the name {} is taken", quoted(&var.name)));
            mistake.help("it is one of the plan's `data`");
        } else if reader.set_up.contains(&var.name) {
            let mistake = reader.at_key(field, format!("the name {} is taken", quoted(&var.name)));
            mistake.help("it is what the `setup` finds out");
        }
    }
    vars
}

/// Reads variables, each of which can name those before it.
fn each(reader: &mut Reader, given: &[(&str, Field<'_>)]) -> Vec<Var> {
    let mut vars = Vec::with_capacity(given.len());
    for (name, field) in given {
        reader.names = Names::new(reader.vars.clone(), []);
        let overridden = reader.overrides.iter().find(|(known, _)| known == name).map(|(_, text)| json_of(text));
        let json = overridden.or_else(|| json::constant(reader, field));
        if let (true, Some(json)) = (names::check(reader, field, name), json) {
            reader.vars.put_first(name, &json);
            vars.push(Var::new(*name, json));
        }
    }
    reader.names = Names::new(reader.vars.clone(), []);
    vars
}

/// What a command line says: JSON if it can be, and a text otherwise.
fn json_of(text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => text.to_owned(),
        Err(_) => serde_json::Value::from(text).to_string(),
    }
}

/// Notes what the command line names and the plan does not.
fn check_overrides(reader: &mut Reader, vars: &[(&str, Field<'_>)], secrets: &[(&str, Field<'_>)]) {
    for (name, _) in std::mem::take(&mut reader.overrides) {
        if vars.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let help = if secrets.iter().any(|(known, _)| *known == name) {
            "it is a secret, whose value stands in the environment".to_owned()
        } else if let Some(close) = closest(&name, vars.iter().map(|(known, _)| *known)) {
            format!("did you mean `{close}`?")
        } else if vars.is_empty() {
            "the plan has no `vars`".to_owned()
        } else {
            format!("the plan has {}", one_of(&vars.iter().map(|(known, _)| *known).collect::<Vec<_>>()))
        };
        reader.note("--var", None, format!("the plan has no variable {}", quoted(&name))).help(help);
    }
}

/// Looks a secret up, as JSON. The plan refers to it; what it is stands in the environment alone.
fn secret(reader: &mut Reader, field: &Field<'_>) -> Option<String> {
    let fields = reader.open(field, &SECRET)?;
    let field = fields.get("env")?;
    let name = reader.text(&field)?;
    if reader.secrets == Secrets::Hidden {
        return Some(format!("\"{HIDDEN}\""));
    }
    match env::look_up(&name) {
        Some(value) => Some(serde_json::Value::from(value).to_string()),
        None => {
            let mistake = reader.wrong(&field, format!("the environment has no text called {}", quoted(&name)));
            mistake.help(format!("set it where the run is started, as in `{name}=... muster run`"));
            None
        }
    }
}
