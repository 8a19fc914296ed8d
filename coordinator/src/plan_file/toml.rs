//! TOML as a tree.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::limits::NODES_MAX;
use super::mistakes::Mistake;
use super::tree::{Entry, Node, Value};

/// Reads a TOML document; nothing if it is empty. Syntax mistakes are found all at once.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Vec<Mistake>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mistake =
            |error: &toml::de::Error| Mistake::new("", error.span(), format!("this is not TOML: {}", error.message()));
        return Err(errors.iter().map(mistake).collect());
    }
    let span = Some(table.span());
    let root = Node { span: span.clone(), value: map(table.into_inner()) };
    if root.cost() > NODES_MAX {
        return Err(vec![Mistake::new("", span, format!("wanted at most {NODES_MAX} values, found more"))]);
    }
    let empty = matches!(&root.value, Value::Map(entries) if entries.is_empty());
    Ok((!empty).then_some(root))
}

fn node(spanned: Spanned<DeValue<'_>>) -> Node {
    let span = Some(spanned.span());
    let value = match spanned.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        // A whole number of another radix is rewritten; what does not fit stays as it was written and fails later.
        DeValue::Integer(whole) => match i128::from_str_radix(whole.as_str(), whole.radix()) {
            Ok(number) => Value::Number(number.to_string()),
            Err(_) => Value::Number(whole.as_str().to_owned()),
        },
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Number(float.as_str().to_owned()),
            _ => Value::Text(float.as_str().to_owned()),
        },
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(moment) => Value::Text(moment.to_string()),
        DeValue::Array(items) => Value::List(items.into_iter().map(node).collect()),
        DeValue::Table(table) => map(table),
    };
    Node { span, value }
}

/// The entries in the order of the file, which the parser's own map does not keep.
fn map(table: DeTable<'_>) -> Value {
    let entry = |(key, value): (Spanned<std::borrow::Cow<'_, str>>, _)| Entry {
        key_span: Some(key.span()),
        key: key.into_inner().into_owned(),
        node: node(value),
    };
    let mut entries: Vec<_> = table.into_iter().map(entry).collect();
    entries.sort_by_key(|entry: &Entry| entry.key_span.as_ref().map_or(0, |span| span.start));
    Value::Map(entries)
}
