//! A value of the plan as JSON: in the order in which it was written, numbers as they were spelled.

use std::borrow::Cow;

use super::reader::{Field, Reader};
use super::template;
use super::tree::{Node, Value};

/// Writes the body of a `json` step, in whose texts templates can stand.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Option<Vec<u8>> {
    let before = reader.mistakes.len();
    each_text(field, &mut |field, text, is_key| match is_key {
        true => check_plain(reader, field, text),
        false => _ = template::check(reader, field, text),
    });
    (reader.mistakes.len() == before).then(|| written(field.node).into_bytes())
}

/// Writes a value in whose texts templates can stand that are the same each time; they are made now.
pub(super) fn constant(reader: &mut Reader, field: &Field<'_>) -> Option<String> {
    let before = reader.mistakes.len();
    each_text(field, &mut |field, text, is_key| match is_key {
        true => check_plain(reader, field, text),
        false => _ = template::constant(reader, field, text),
    });
    let text = (reader.mistakes.len() == before).then(|| written(field.node))?;
    template::constant(reader, field, &text).map(Cow::into_owned)
}

/// Writes a value without templates.
pub(super) fn plain(reader: &mut Reader, field: &Field<'_>) -> Option<String> {
    let before = reader.mistakes.len();
    each_text(field, &mut |field, text, _| check_plain(reader, field, text));
    (reader.mistakes.len() == before).then(|| written(field.node))
}

fn check_plain(reader: &mut Reader, field: &Field<'_>, text: &str) {
    if template::is_template(text) {
        reader.no_template(field, text);
    }
}

/// Shows every text of a value where it stands, and whether it is a key.
fn each_text(field: &Field<'_>, show: &mut impl FnMut(&Field<'_>, &str, bool)) {
    match &field.node.value {
        Value::Text(text) => show(field, text, false),
        Value::List(items) => items.iter().for_each(|item| each_text(&field.at(item), show)),
        Value::Map(entries) => {
            for entry in entries {
                show(&field.at(&entry.node), &entry.key, true);
                each_text(&field.at(&entry.node), show);
            }
        }
        Value::Null | Value::Flag(_) | Value::Number(_) => {}
    }
}

fn written(node: &Node) -> String {
    let mut out = String::new();
    write(&mut out, node, &made_text);
    out
}

/// Writes a value in which every text stands for itself, whatever it looks like.
pub(super) fn literal(node: &Node) -> String {
    let mut out = String::new();
    write(&mut out, node, &quoted);
    out
}

fn write(out: &mut String, node: &Node, as_text: &impl Fn(&str) -> String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(text) => write_number(out, text),
        Value::Text(text) => out.push_str(&as_text(text)),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(out, item, as_text);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                out.push_str(&quoted(&entry.key));
                out.push(':');
                write(out, &entry.node, as_text);
            }
            out.push('}');
        }
    }
}

/// A text that may be a template.
fn made_text(text: &str) -> String {
    if template::is_template(text) { template::to_json(text) } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A number that JSON spells the same way is kept, digit for digit; others, such as `+1`, `.5` and `007`, are rewritten.
fn write_number(out: &mut String, text: &str) {
    let same = serde_json::from_str::<serde_json::Number>(text).is_ok();
    match text.parse::<f64>() {
        Ok(number) if !same => {
            let whole = text.trim_start_matches('+').parse::<i128>().map(|whole| whole.to_string());
            out.push_str(&whole.unwrap_or_else(|_| serde_json::Value::from(number).to_string()));
        }
        _ => out.push_str(text),
    }
}
