//! A plan file as a tree of values that know where they stand: what YAML, JSON and TOML have in common.

use std::ops::Range;

/// Where something stands in the file, in bytes; nothing for what was not read from a file.
pub(super) type Span = Option<Range<usize>>;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

/// A value. Numbers keep their spelling, so that a message can repeat it and text such as `1.10` survives.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) node: Node,
}

/// The most characters of a value that a message repeats.
const FOUND_CHARS_MAX: usize = 60;

impl Node {
    /// A text that does not come from a file.
    pub(super) fn text(text: &str) -> Self {
        Self { span: None, value: Value::Text(text.to_owned()) }
    }

    /// What a copy of this would cost, in [`NODES_MAX`](super::limits::NODES_MAX): one for each key and value, and
    /// more for those with much text.
    pub(super) fn cost(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Self::cost).sum::<usize>(),
            Value::Map(entries) => {
                1 + entries.iter().map(|entry| text_cost(&entry.key) + entry.node.cost()).sum::<usize>()
            }
            Value::Number(text) | Value::Text(text) => text_cost(text),
            Value::Null | Value::Flag(_) => 1,
        }
    }

    /// Whether this is a list or map with nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        match &self.value {
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            Value::Null | Value::Flag(_) | Value::Number(_) | Value::Text(_) => false,
        }
    }

    /// The scalar's spelling, if it is one.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Flag(true) => Some("true"),
            Value::Flag(false) => Some("false"),
            Value::Number(text) | Value::Text(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What was found, for a message.
    pub(super) fn found(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
            Value::Flag(flag) => format!("`{flag}`"),
            Value::Number(text) | Value::Text(text) => quoted(text),
        }
    }
}

/// What a copy of a text costs: one, and one more for every 64 bytes.
fn text_cost(text: &str) -> usize {
    1 + text.len() / 64
}

/// The beginning of a stranger's text, for a message that must stay short.
pub(super) fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(FOUND_CHARS_MAX)]
}

/// A stranger's text between back quotes: shortened, and with nothing in it that a terminal would obey.
pub(super) fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "nothing".to_owned();
    }
    let mut shown: String = text.chars().take(FOUND_CHARS_MAX).flat_map(harmless).collect();
    if text.chars().nth(FOUND_CHARS_MAX).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// A character, or how it would be written where it would change what others look like.
pub(super) fn harmless(c: char) -> impl Iterator<Item = char> {
    let escape =
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = escape.then(|| c.escape_default());
    let plain = (!escape).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}
