//! `{{name}}`: variables of a collection, and those that Postman makes up.

use std::collections::HashMap;

use muster_proto::plan::VARS_MAX;

use crate::import::headers::is_secret;
use crate::import::json::Json;
use crate::import::names::identifier;
use crate::import::notes::Notes;
use crate::import::text::Text;

/// How deep values may name other variables, and how long one may get by that.
const DEPTH_MAX: usize = 8;
const VALUE_BYTES_MAX: usize = 8 << 10;

/// The variables of a collection, and what became of those that are used.
pub(super) struct Variables {
    values: HashMap<String, String>,
    /// Those whose values are nobody else's business.
    secret: Vec<String>,
    used: Vec<Used>,
    /// What Postman makes up and a plan does not.
    unknown: Vec<String>,
}

/// A variable that a request names.
struct Used {
    name: String,
    identifier: String,
}

/// A stretch of a text: what stands for itself, or the name of a variable.
enum Part<'t> {
    Literal(&'t str),
    Name(&'t str),
}

impl Variables {
    /// The variables that a collection declares.
    pub(super) fn of(collection: &Json) -> Self {
        let mut variables = Self { values: HashMap::new(), secret: Vec::new(), used: Vec::new(), unknown: Vec::new() };
        for variable in collection.get("variable").items() {
            let Some(key) = variable.text_of("key").or(variable.text_of("id")) else { continue };
            if *variable.get("disabled") == Json::Flag(true) {
                continue;
            }
            if variable.text_of("type") == Some("secret") {
                variables.secret.push(key.to_owned());
            }
            variables.values.insert(key.to_owned(), variable.get("value").scalar().unwrap_or_default());
        }
        variables
    }

    /// A text with the variables in it as expressions.
    pub(super) fn text(&mut self, text: &str) -> Text {
        let mut out = Text::default();
        for part in parts(text) {
            match part {
                Part::Literal(text) => out.push_literal(text),
                Part::Name(name) => match name.strip_prefix('$') {
                    Some(made_up) => out.push_expression(self.made_up(made_up)),
                    None => self.push_variable(&mut out, name),
                },
            }
        }
        out
    }

    /// A text of JSON, which stays a text even if it is made of a number alone.
    pub(super) fn json_text(&mut self, text: &str) -> Text {
        let makes_no_text = |source: &&str| source.contains('(') && !["uuid()", "text(8)"].contains(source);
        let made = self.text(text);
        match made.as_expression().filter(makes_no_text) {
            Some(source) => Text::expression(format!("({source}) | string")),
            None => made,
        }
    }

    /// The text of a secret: whatever variable is in it holds one.
    pub(super) fn secret_text(&mut self, text: &str) -> Text {
        let names = parts(text).into_iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.to_owned()),
            Part::Literal(_) => None,
        });
        self.secret.extend(names);
        self.text(text)
    }

    /// The text with the values of its variables; nothing if one has none.
    pub(super) fn expanded(&self, text: &str) -> Option<String> {
        self.expanded_within(text, 0)
    }

    fn expanded_within(&self, text: &str, depth: usize) -> Option<String> {
        let mut out = String::new();
        for part in parts(text) {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Name(_) if depth == DEPTH_MAX => return None,
                Part::Name(name) => out.push_str(&self.expanded_within(self.values.get(name)?, depth + 1)?),
            }
            if out.len() > VALUE_BYTES_MAX {
                return None;
            }
        }
        Some(out)
    }

    fn push_variable(&mut self, out: &mut Text, name: &str) {
        if let Some(used) = self.used.iter().find(|used| used.name == name) {
            return out.push_expression(used.identifier.as_str());
        }
        if self.used.len() == VARS_MAX {
            return out.push_literal(&self.expanded(name).unwrap_or_default());
        }
        let identifier = identifier(name, |taken| self.used.iter().any(|used| used.identifier == taken));
        out.push_expression(identifier.as_str());
        self.used.push(Used { name: name.to_owned(), identifier });
    }

    /// What a plan has in place of a value that Postman makes up.
    fn made_up(&mut self, name: &str) -> &'static str {
        match name {
            "guid" | "randomUUID" => "uuid()",
            "timestamp" => "timestamp() // 1000",
            "randomInt" => "random(0, 1000)",
            "randomBoolean" => "choice([true, false])",
            _ => {
                self.unknown.push(format!("${name}"));
                "text(8)"
            }
        }
    }

    /// The variables of the plan.
    pub(super) fn finish(self, notes: &mut Notes) -> Vec<(String, Json)> {
        for name in &self.unknown {
            notes.add_of("values that only Postman makes up are letters and digits", name);
        }
        let mut vars = Vec::new();
        for Used { name, identifier } in &self.used {
            let is_secret = is_secret(name) || self.secret.contains(name);
            // A variable's value is no template, and has no other variable in it.
            let value =
                self.values.get(name).and_then(|value| self.expanded(value)).filter(|value| !value.contains("{{"));
            let value = match value {
                _ if is_secret => {
                    notes.add_of("variables that hold secrets have no value: give them one in `vars`", identifier);
                    String::new()
                }
                None => {
                    notes.add_of("variables that the collection does not know have no value", identifier);
                    String::new()
                }
                Some(value) => value,
            };
            vars.push((identifier.clone(), Json::Text(value)));
        }
        vars
    }
}

/// A text taken apart. What has no end stands for itself.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        let Some((name, after)) = behind.split_once("}}").filter(|(name, _)| !name.contains(['{', '\n'])) else {
            // Another may begin behind these braces.
            let (literal, after) = rest.split_at(before.len() + 1);
            parts.push(Part::Literal(literal));
            rest = after;
            continue;
        };
        parts.push(Part::Literal(before));
        parts.push(Part::Name(name.trim()));
        rest = after;
    }
    parts.push(Part::Literal(rest));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(text: &str) -> Variables {
        Variables::of(&Json::parse(&format!(r#"{{"variable": {text}}}"#)).unwrap())
    }

    #[test]
    fn names_become_expressions_and_the_rest_stays() {
        let mut variables = variables("[]");
        for (text, written) in [
            ("a {{b-c}} d", "a {{ b_c }} d"),
            ("{{b_c}}", "{{ b_c_2 }}"),
            ("{{$guid}}/{{ $timestamp }}", "{{ uuid() }}/{{ timestamp() // 1000 }}"),
            ("{{{b-c}}}", "{{ \"{\" }}{{ b_c }}}"),
            ("{{open", r#"{{ "{{" }}open"#),
            ("{}", "{}"),
        ] {
            assert_eq!(variables.text(text).written(), written, "{text}");
        }
        assert_eq!(variables.json_text("{{$randomInt}}").written(), "{{ (random(0, 1000)) | string }}");
    }

    #[test]
    fn values_may_name_other_variables_but_not_themselves() {
        let list =
            r#"[{"key": "a", "value": "1{{b}}"}, {"key": "b", "value": "2"}, {"key": "c", "value": "{{c}}{{c}}"}]"#;
        let variables = variables(list);
        assert_eq!(variables.expanded("{{a}}{{b}}").as_deref(), Some("122"));
        assert_eq!(variables.expanded("{{c}}"), None);
        assert_eq!(variables.expanded("{{d}}"), None);
    }
}
