//! Texts with expressions in them: what is wrong with them, and how they become parts of a URL, a form or a JSON text.

use std::fmt::Write;

use muster_agent::engine::random::Key;
pub(super) use muster_agent::engine::template::is_template;
use muster_agent::engine::template::{
    BUILT_IN, FUNCTIONS, Formula, GIVEN, Names, Piece, Template, TemplateError, Variables, split, within,
};

use super::reader::{Field, Reader};
use super::suggest::closest;
use super::tree::quoted;

/// Whether a text can be made, if it is a template: it is made once to see, if it needs nothing of responses. What is
/// wrong is told.
pub(super) fn check(reader: &mut Reader, field: &Field<'_>, text: &str) -> bool {
    if !is_template(text) {
        return true;
    }
    let names = reader.names.clone();
    let made = Template::compile(text, &names).and_then(|template| {
        reader.used.extend(template.named());
        match template.needs_iteration() {
            true => Ok(()),
            false => within(Key::default(), &mut Variables::default(), |scope| template.render(scope)).map(drop),
        }
    });
    let Err(error) = made else { return true };
    let mistake = reader.wrong(field, format!("wanted a template, found {}: {error}", quoted(text)));
    if let TemplateError::Unknown { name } = &error {
        mistake.help(what_is_known(name, &names));
    }
    false
}

fn what_is_known(name: &str, names: &Names) -> String {
    match closest(name, names.all()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!(
            "there are `{}`; the plan's `vars`, and what steps `capture`, add more",
            FUNCTIONS.into_iter().chain(BUILT_IN).collect::<Vec<_>>().join("`, `")
        ),
    }
}

/// Reads an expression, with or without the braces around it.
pub(super) fn formula(reader: &mut Reader, field: &Field<'_>) -> Option<String> {
    let Some(text) = field.node.scalar() else {
        reader.wanted(field, "an expression such as `count > 5`");
        return None;
    };
    let source = match split(text).as_deref() {
        Ok([Piece::Expression(source)]) => *source,
        _ if !is_template(text) => text.trim(),
        _ => {
            reader.wanted(field, "one expression, such as `count > 5`");
            return None;
        }
    };
    let names = reader.names.clone();
    let error = match Formula::compile(source, &names) {
        Ok(formula) => {
            reader.used.extend(formula.named());
            return Some(source.to_owned());
        }
        Err(error) => error,
    };
    let mistake = reader.wrong(field, format!("wanted an expression, found {}: {error}", quoted(text)));
    if let TemplateError::Unknown { name } = &error {
        mistake.help(what_is_known(name, &names));
    }
    None
}

/// A text in which what stands for itself is written in another way, and what is made goes through a filter.
pub(super) fn encoded(text: &str, literal: impl Fn(&str) -> String, filter: &str) -> String {
    let mut out = String::new();
    // What has no end was told of.
    for piece in split(text).unwrap_or_default() {
        match piece {
            Piece::Literal(text) => out.push_str(&literal(text)),
            Piece::Expression(source) => write!(out, "{{{{ ({source}) | {GIVEN} | {filter} }}}}").unwrap_or_default(),
        }
    }
    out
}

/// A text as one expression.
pub(super) fn to_expression(text: &str) -> String {
    let piece = |piece: Piece<'_>| match piece {
        Piece::Literal(text) => serde_json::Value::from(text).to_string(),
        Piece::Expression(source) => format!("({source})"),
    };
    let pieces: Vec<String> = split(text).unwrap_or_default().into_iter().map(piece).collect();
    pieces.join(" ~ ")
}

/// A text as JSON. A single expression keeps its kind: a number stays one.
pub(super) fn to_json(text: &str) -> String {
    if let Ok([Piece::Expression(source)]) = split(text).as_deref() {
        return format!("{{{{ ({source}) | {GIVEN} | tojson }}}}");
    }
    let literal = |text: &str| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    format!("\"{}\"", encoded(text, literal, "json_text"))
}
