//! A value of the plan as JSON: in the order in which it was written, numbers as they were spelled.

use super::reader::{Field, Reader};
use super::template;
use super::tree::{Node, Value};

/// Writes the body of a `json` step, in whose texts templates can stand.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Option<Vec<u8>> {
    if let Some(text) = find(field.node, &mut |_| false) {
        reader.no_template(field, text);
        return None;
    }
    if find(field.node, &mut |text| !template::check(reader, field, text)).is_some() {
        return None;
    }
    let mut out = String::new();
    write(&mut out, field.node);
    Some(out.into_bytes())
}

/// Writes a value without templates.
pub(super) fn plain(reader: &mut Reader, field: &Field<'_>) -> Option<String> {
    if let Some(text) = find(field.node, &mut template::is_template) {
        reader.no_template(field, text);
        return None;
    }
    let mut out = String::new();
    write(&mut out, field.node);
    Some(out)
}

/// The first text that is as asked, or key that is a template.
fn find<'t>(node: &'t Node, asked: &mut impl FnMut(&'t str) -> bool) -> Option<&'t str> {
    match &node.value {
        Value::Text(text) => asked(text).then_some(text),
        Value::List(items) => items.iter().find_map(|item| find(item, asked)),
        Value::Map(entries) => entries.iter().find_map(|entry| {
            let in_key = template::is_template(&entry.key).then_some(entry.key.as_str());
            in_key.or_else(|| find(&entry.node, asked))
        }),
        Value::Null | Value::Flag(_) | Value::Number(_) => None,
    }
}

fn write(out: &mut String, node: &Node) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(text) => write_number(out, text),
        Value::Text(text) if template::is_template(text) => out.push_str(&template::to_json(text)),
        Value::Text(text) => write_text(out, text),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(out, item);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_text(out, &entry.key);
                out.push(':');
                write(out, &entry.node);
            }
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
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
