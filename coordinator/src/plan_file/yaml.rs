//! YAML, and JSON as a part of it, as a tree. Works on events, because only they keep every scalar's spelling and
//! place, and because aliases are expanded here, under a budget.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span as YamlSpan, Tag, options};

use super::limits::{DEPTH_MAX, NODES_MAX};
use super::mistakes::Mistake;
use super::tree::{Entry, Node, Span, Value, quoted};

/// Reads one document; nothing if there is none. `called` is what messages call the format.
pub(super) fn parse(text: &str, called: &str) -> Result<Option<Node>, Mistake> {
    let options = options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut builder = Builder { root: None, open: Vec::new(), anchors: HashMap::new(), nodes: 0 };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| {
            let at = offset(text, error.marker().byte_offset(), error.marker().index());
            Mistake::new("", Some(at..at), format!("this is not {called}: {}", error.info()))
        })?;
        builder.take(event, place(text, &span))?;
    }
    Ok(builder.root)
}

fn place(text: &str, span: &YamlSpan) -> Span {
    let start = offset(text, span.start.byte_offset(), span.start.index());
    let end = offset(text, span.end.byte_offset(), span.end.index());
    Some(start..end.max(start))
}

fn offset(text: &str, bytes: Option<usize>, chars: usize) -> usize {
    let offset = bytes.unwrap_or_else(|| text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at));
    text.floor_char_boundary(offset)
}

/// Puts events together.
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

/// A list or map whose end has not come yet.
struct Open {
    anchor: usize,
    span: Span,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    /// The entries so far, and a key that waits for its value.
    Map(Vec<Entry>, Option<(String, Span)>),
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Mistake> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(Mistake::new("", span, "wanted one document, found a second one"))
            }
            Event::Alias(anchor) => {
                // An alias within its own anchor has nothing to stand for yet.
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| Mistake::new("", span.clone(), "this alias contains itself"))?;
                self.charge(node.cost(), &span)?;
                self.put(node, span)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text_wanted = is_text_tag(tag.as_deref(), &span)?;
                let plain = style == ScalarStyle::Plain && !text_wanted;
                let value = if plain { plain_scalar(text) } else { Value::Text(text.into_owned()) };
                self.finish(Node { span: span.clone(), value }, anchor, span)
            }
            Event::SequenceStart(_, anchor, tag) => self.begin(anchor, span, tag.as_deref(), Content::List(Vec::new())),
            Event::MappingStart(_, anchor, tag) => {
                self.begin(anchor, span, tag.as_deref(), Content::Map(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, anchor: usize, span: Span, tag: Option<&Tag>, content: Content) -> Result<(), Mistake> {
        if is_text_tag(tag, &span)? {
            return Err(Mistake::new("", span, "a tag for text stands before a list or map"));
        }
        self.open.push(Open { anchor, span, content });
        Ok(())
    }

    fn end(&mut self, end: Span) -> Result<(), Mistake> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let span = open.span.zip(end).map(|(start, end)| start.start..end.end.max(start.end));
        let value = match open.content {
            Content::List(items) => Value::List(items),
            Content::Map(entries, _) => Value::Map(merged(entries)?),
        };
        self.finish(Node { span: span.clone(), value }, open.anchor, span)
    }

    /// Remembers a node that has an anchor, and puts it where it belongs.
    fn finish(&mut self, node: Node, anchor: usize, span: Span) -> Result<(), Mistake> {
        self.charge(1, &span)?;
        if anchor != 0 {
            self.charge(node.cost(), &span)?;
            self.anchors.insert(anchor, node.clone());
        }
        self.put(node, span)
    }

    /// Counts what takes memory, copies as well.
    fn charge(&mut self, cost: usize, span: &Span) -> Result<(), Mistake> {
        self.nodes += cost;
        if self.nodes > NODES_MAX {
            let message = format!("wanted at most {NODES_MAX} values once aliases are expanded, found more");
            return Err(Mistake::new("", span.clone(), message));
        }
        Ok(())
    }

    fn put(&mut self, node: Node, span: Span) -> Result<(), Mistake> {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map(entries, waiting)) => match waiting.take() {
                Some((key, key_span)) => entries.push(Entry { key, key_span, node }),
                None => {
                    let Some(key) = node.scalar() else {
                        let mut mistake = Mistake::new("", span, format!("wanted a key, found {}", node.found()));
                        mistake.help("a text that begins with `{` or `[` needs quotes");
                        return Err(mistake);
                    };
                    *waiting = Some((key.to_owned(), span));
                }
            },
        }
        Ok(())
    }
}

/// Whether a tag says "text"; the others say what a plan has no use for.
fn is_text_tag(tag: Option<&Tag>, span: &Span) -> Result<bool, Mistake> {
    match tag {
        None => Ok(false),
        Some(tag) if tag.core_suffix() == Some("str") => Ok(true),
        Some(tag) => {
            Err(Mistake::new("", span.clone(), format!("tags are not supported, found {}", quoted(&tag.original()))))
        }
    }
}

/// What an unquoted scalar means, by YAML's core schema.
fn plain_scalar(text: Cow<'_, str>) -> Value {
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Flag(true),
        "false" | "False" | "FALSE" => Value::Flag(false),
        other => match whole_of_radix(other) {
            Some(number) => Value::Number(number.to_string()),
            None if is_number(other) => Value::Number(text.into_owned()),
            None => Value::Text(text.into_owned()),
        },
    }
}

fn whole_of_radix(text: &str) -> Option<u64> {
    let hexadecimal = text.strip_prefix("0x").map(|digits| (digits, 16));
    let (digits, radix) = hexadecimal.or_else(|| text.strip_prefix("0o").map(|digits| (digits, 8)))?;
    let only_digits = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    only_digits.then(|| u64::from_str_radix(digits, radix).ok())?
}

fn is_number(text: &str) -> bool {
    let begins = text.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
    begins && text.ends_with(|c: char| c.is_ascii_digit() || c == '.') && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Resolves `<<`: what the map itself says goes before what it merges in.
fn merged(entries: Vec<Entry>) -> Result<Vec<Entry>, Mistake> {
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.key == "<<");
    let mut known: HashSet<String> = HashSet::new();
    if !merges.is_empty() {
        known.extend(own.iter().map(|entry| entry.key.clone()));
    }
    for merge in merges {
        let span = merge.key_span;
        let maps = match merge.node.value {
            Value::List(items) => items,
            _ => vec![merge.node],
        };
        for map in maps {
            let Value::Map(entries) = map.value else {
                return Err(Mistake::new("", span, "wanted a map after `<<`"));
            };
            own.extend(entries.into_iter().filter(|entry| known.insert(entry.key.clone())));
        }
    }
    Ok(own)
}
