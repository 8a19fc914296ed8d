//! Values as readable YAML, quoted wherever a reader could take them for something else.

use super::json::Json;
use super::text::Text;

/// The longest key that YAML reads without a mark before it, with room for what is escaped.
const KEY_CHARS_MAX: usize = 1_000;
/// The deepest nesting of a value, so that the plan around it stays below what a plan may have.
const DEPTH_MAX: usize = 48;

/// Whether a character shows itself: what does not is escaped.
pub(super) fn is_printable(c: char) -> bool {
    let hidden = c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || (c as u32) & 0xfffe == 0xfffe;
    !hidden
}

/// A text as a scalar that is read as that text.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    if text.contains(['"', '\\']) && !text.contains('\'') && text.chars().all(is_printable) {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c => out.push_str(&match c as u32 {
                code @ ..=0xffff => format!("\\u{code:04X}"),
                code => format!("\\U{code:08X}"),
            }),
        }
    }
    out.push('"');
    out
}

/// Whether a text needs no quotes: it begins like a word or a path and has nothing in it that YAML obeys.
fn is_plain(text: &str) -> bool {
    const REST: &str = " /._-+=?&%~*;,()@$!:";
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let known = text.chars().all(|c| c.is_ascii_alphanumeric() || REST.contains(c));
    let ends = !text.ends_with([' ', ':']);
    let is_word = matches!(text.to_ascii_lowercase().as_str(), "null" | "true" | "false" | "yes" | "no" | "on" | "off");
    begins && known && ends && !is_word && !text.contains(": ")
}

/// A text as a key.
pub(super) fn key(text: &str) -> String {
    let scalar = scalar(text);
    match scalar.contains([' ', ',', ':']) && is_plain(text) {
        true => format!("\"{scalar}\""),
        false => scalar,
    }
}

/// Whether a text can be a key of a plan's map: templates and merges mean something else there.
pub(super) fn is_key(text: &str) -> bool {
    text != "<<" && !text.contains("{{") && key(text).chars().count() <= KEY_CHARS_MAX
}

/// Whether a value is read back as it is.
pub(super) fn holds(json: &Json<Text>) -> bool {
    fn sound(json: &Json<Text>) -> bool {
        match json {
            Json::Null | Json::Flag(_) | Json::Text(_) => true,
            // A number beyond what a plan counts with would be read as text.
            Json::Number(number) => number.parse::<f64>().is_ok_and(f64::is_finite),
            Json::List(items) => items.iter().all(sound),
            Json::Map(entries) => entries.iter().all(|(key, value)| is_key(key) && sound(value)),
        }
    }
    json.depth() <= DEPTH_MAX && sound(json)
}

/// Writes a value behind a key that stands at this indentation, and ends the line.
pub(super) fn value(out: &mut String, indent: usize, json: &Json<Text>) {
    if has_parts(json) {
        out.push('\n');
        out.push_str(&" ".repeat(indent + 2));
    } else {
        out.push(' ');
    }
    inline(out, indent + 2, json);
}

fn has_parts(json: &Json<Text>) -> bool {
    match json {
        Json::List(items) => !items.is_empty(),
        Json::Map(entries) => !entries.is_empty(),
        Json::Null | Json::Flag(_) | Json::Number(_) | Json::Text(_) => false,
    }
}

/// Writes a value whose first line begins at this indentation already.
fn inline(out: &mut String, indent: usize, json: &Json<Text>) {
    let next = |out: &mut String, index: usize| {
        if index > 0 {
            out.push_str(&" ".repeat(indent));
        }
    };
    match json {
        Json::List(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                next(out, index);
                out.push_str("- ");
                inline(out, indent + 2, item);
            }
        }
        Json::Map(entries) if !entries.is_empty() => {
            for (index, (name, of)) in entries.iter().enumerate() {
                next(out, index);
                out.push_str(&key(name));
                out.push(':');
                value(out, indent, of);
            }
        }
        json => {
            out.push_str(&without_parts(json));
            out.push('\n');
        }
    }
}

fn without_parts(json: &Json<Text>) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Flag(flag) => flag.to_string(),
        Json::Number(number) => number.clone(),
        Json::Text(text) => scalar(&text.written()),
        Json::List(_) => "[]".to_owned(),
        Json::Map(_) => "{}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_quoted_where_they_need_it() {
        for (text, written) in [
            ("/products?page=2", "/products?page=2"),
            ("application/json; charset=utf-8", "application/json; charset=utf-8"),
            ("", "\"\""),
            ("7", "\"7\""),
            ("true", "\"true\""),
            ("Null", "\"Null\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("{\"a\":1}", "'{\"a\":1}'"),
            ("it's \"x\"", "\"it's \\\"x\\\"\""),
            ("a\nb\u{202e}\u{10ffff}", "\"a\\nb\\u202E\\U0010FFFF\""),
        ] {
            assert_eq!(scalar(text), written);
        }
        assert_eq!(key("a"), "a");
        assert_eq!(key("a b"), "\"a b\"");
        assert_eq!(key("\""), "'\"'");
    }

    #[test]
    fn values_are_written_as_blocks() {
        let json = Json::parse(r#"{"a":[1,{"b":null,"c":[]},[2,3]],"d":{"e":{}}}"#).unwrap().literal();
        let mut out = "json:".to_owned();
        value(&mut out, 0, &json);
        let written = "json:\n  a:\n    - 1\n    - b: null\n      c: []\n    - - 2\n      - 3\n  d:\n    e: {}\n";
        assert_eq!(out, written);
    }
}
