//! Texts with expressions in them: what is wrong with them, and how they become parts of a URL, a form or a JSON text.

use std::borrow::Cow;
use std::fmt::Write;

use muster_agent::engine::random::Key;
pub(super) use muster_agent::engine::template::is_template;
use muster_agent::engine::template::{
    BUILT_IN, FUNCTIONS, Formula, GIVEN, Names, Piece, Template, TemplateError, Variables, is_of_users, split, within,
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
    tell(reader, field, text, &error);
    false
}

fn tell(reader: &mut Reader, field: &Field<'_>, text: &str, error: &TemplateError) {
    let names = reader.names.clone();
    let mistake = reader.wrong(field, format!("wanted a template, found {}: {error}", quoted(text)));
    if let TemplateError::Unknown { name } = error {
        mistake.help(what_is_known(name, &names));
    }
}

/// What is said at the end of a mistake about a text that is not the same each time.
pub(super) const VARIES: &str = ", which varies";

/// A text as it is or, if it is a template, as it is made: the same each time, or it is a mistake.
pub(super) fn constant<'t>(reader: &mut Reader, field: &Field<'_>, text: &'t str) -> Option<Cow<'t, str>> {
    if !is_template(text) {
        return Some(text.into());
    }
    match Template::compile(text, &reader.names.hiding(&reader.secret_names)) {
        Ok(template) => {
            let made = template.constant().map(|made| made.to_owned().into());
            if made.is_none() {
                let is_secret = template.named().any(|name| reader.secret_names.contains(&name));
                let (what, why) = match is_secret {
                    true => ("a text that anybody may see", ", which names a secret"),
                    false => ("a text that is the same each time", VARIES),
                };
                let mistake = reader.wrong(field, format!("wanted {what}, found {}{why}", quoted(text)));
                mistake.help("it is made when the plan is read, of `vars` and `env` alone");
            }
            made
        }
        Err(error) => {
            tell(reader, field, text, &error);
            None
        }
    }
}

/// A URL whose beginning, up to the end of its host, is made of what is the same each time; that is made now.
pub(super) fn with_host<'t>(reader: &Reader, text: &'t str) -> Cow<'t, str> {
    let names = reader.names.hiding(&reader.secret_names);
    let mut text = Cow::Borrowed(text);
    // One round for each expression in the host, of which there are no more than the text has room for.
    while let Some(at) = text.find("{{").filter(|at| is_in_host(&text[..*at])) {
        let Ok(pieces) = split(&text[at..]) else { break };
        let Some(Piece::Expression(source)) = pieces.first() else { break };
        let whole = format!("{{{{ {source} }}}}");
        let Ok(Some(made)) = Template::compile(&whole, &names).map(|made| made.constant().map(str::to_owned)) else {
            break;
        };
        if is_template(&made) {
            break;
        }
        let end = at + 2 + text[at + 2..].find(source).map_or(0, |from| from + source.len());
        let Some(close) = text[end..].find("}}") else { break };
        text = format!("{}{made}{}", &text[..at], &text[end + close + 2..]).into();
    }
    text
}

/// Whether what follows this belongs to the host of a URL, or to what stands before it.
pub(super) fn is_in_host(before: &str) -> bool {
    before.is_empty()
        || !before.starts_with('/') && before.split_once("://").is_some_and(|(_, host)| !host.contains('/'))
}

fn what_is_known(name: &str, names: &Names) -> String {
    if is_of_users(name) {
        return "the users of an open model have no numbers: whoever is free takes what is due; `iteration` numbers that"
            .to_owned();
    }
    match closest(name, names.all()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!(
            "there are `{}`; the plan's `vars`, and what steps `capture`, add more",
            FUNCTIONS
                .into_iter()
                .chain(BUILT_IN)
                .filter(|name| names.all().any(|known| known == *name))
                .collect::<Vec<_>>()
                .join("`, `")
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
