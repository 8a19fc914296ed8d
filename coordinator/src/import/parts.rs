//! Bodies in parts (`multipart/form-data`), as far as they are texts: files have to be put beside the plan first.

use std::collections::HashMap;
use std::fmt::Write;

use muster_proto::plan::VERBATIM_MAX;

use super::notes::Notes;
use super::text::Text;
use super::yaml::{is_key, key, scalar};

/// The most parts of one name that a plan can have, and of different names.
const SAME_MAX: usize = 100;
const NAMES_MAX: usize = 1_000;
/// The longest media type.
const KIND_BYTES_MAX: usize = 256;

/// A part that is a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) text: Text,
    /// Its media type, if it says one.
    pub(super) kind: Option<String>,
}

/// Parts as they were found: what is no text is known by its name alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) texts: Vec<Part>,
    pub(super) files: Vec<String>,
}

impl Found {
    /// Adds a text, or what was taken for one.
    pub(super) fn add(&mut self, name: &str, text: Text, kind: Option<&str>) {
        if text.as_literal().is_some_and(|text| text.contains(['\0', '\u{fffd}'])) {
            return self.files.push(name.to_owned());
        }
        let is_sound = |kind: &&str| kind.contains('/') && kind.len() <= KIND_BYTES_MAX && !kind.contains("{{");
        let kind = kind.map(str::trim).filter(is_sound).filter(|kind| !kind.contains(char::is_control));
        self.texts.push(Part { name: name.to_owned(), text, kind: kind.map(str::to_owned) });
    }

    /// Its texts; the files among them are told.
    pub(super) fn without_files(self, notes: &mut Notes) -> Vec<Part> {
        for file in &self.files {
            let what = "files in bodies are left out: put them beside the plan, and write `NAME: { file: PATH }`";
            notes.add_of(what, file);
        }
        self.texts
    }
}

/// Takes a recorded body apart; nothing if it is not what its content type says.
pub(super) fn taken_apart(content_type: &str, body: &str) -> Option<Found> {
    let boundary = content_type.split(';').find_map(|field| field.trim().strip_prefix("boundary="))?;
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let separator = format!("\r\n{delimiter}");
    let mut pieces = body.strip_prefix(&delimiter)?.split(&separator).peekable();
    let mut found = Found::default();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return piece.starts_with("--").then_some(found);
        }
        let (head, content) = piece.strip_prefix("\r\n")?.split_once("\r\n\r\n")?;
        let field = |wanted: &str| {
            let fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
            fields.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
        };
        let disposition = field("content-disposition")?;
        let name = quoted(disposition, "; name=\"")?;
        match quoted(disposition, "; filename=\"") {
            Some(_) => found.files.push(name),
            None => found.add(&name, Text::literal(content), field("content-type")),
        }
    }
    None
}

/// What stands between quotes behind this, as browsers write it.
fn quoted(text: &str, before: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (name, _) = rest.split_once('"')?;
    Some(name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

/// Whether a plan sends these parts, in their order.
pub(super) fn holds(parts: &[Part]) -> bool {
    let groups = grouped(parts);
    let sound = |(name, parts): &(&str, Vec<&Part>)| is_key(name) && parts.len() <= SAME_MAX;
    let in_order = groups.iter().flat_map(|(_, parts)| parts.iter().copied()).eq(parts);
    in_order && parts.len() <= VERBATIM_MAX && groups.len() <= NAMES_MAX && groups.iter().all(sound)
}

/// The parts of each name, names in the order in which they come first.
fn grouped(parts: &[Part]) -> Vec<(&str, Vec<&Part>)> {
    let mut places = HashMap::new();
    let mut groups: Vec<(&str, Vec<&Part>)> = Vec::new();
    for part in parts {
        let place = *places.entry(part.name.as_str()).or_insert(groups.len());
        if place == groups.len() {
            groups.push((&part.name, Vec::new()));
        }
        groups[place].1.push(part);
    }
    groups
}

/// Writes them as the entries of `multipart`.
pub(super) fn write(out: &mut String, indent: usize, parts: &[Part]) {
    let margin = " ".repeat(indent);
    for (name, parts) in grouped(parts) {
        let _ = write!(out, "{margin}{}:", key(name));
        if let [Part { text, kind: None, .. }] = parts[..] {
            let _ = writeln!(out, " {}", scalar(&text.written()));
            continue;
        }
        out.push('\n');
        for Part { text, kind, .. } in parts {
            let text = scalar(&text.written());
            let _ = match kind {
                None => writeln!(out, "{margin}  - {text}"),
                Some(kind) => writeln!(out, "{margin}  - text: {text}\n{margin}    type: {}", scalar(kind)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_body_is_taken_apart_if_it_is_whole() {
        let kind = "multipart/form-data; charset=x; boundary=\"B\"";
        let body = "--B\r\nContent-Disposition: form-data; name=\"a%22\"\r\n\r\n1\r\n2\r\n\
                    --B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"\"\r\nContent-Type: a/b\r\n\r\n\r\n\
                    --B\r\nContent-Type: text/x\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n\r\n--B--\r\n";
        let found = taken_apart(kind, body).unwrap();
        let part = |name: &str, text: &str, kind: Option<&str>| Part {
            name: name.to_owned(),
            text: Text::literal(text),
            kind: kind.map(str::to_owned),
        };
        assert_eq!(found.texts, [part("a\"", "1\r\n2", None), part("c", "", Some("text/x"))]);
        assert_eq!(found.files, ["f"]);
        for other in ["", "--B", "--B\r\n", &body[..body.len() - 6], &body.replace("\r\n", "\n"), &body[1..]] {
            assert_eq!(taken_apart(kind, other), None, "{other}");
        }
        assert_eq!(taken_apart("multipart/form-data", body), None);
        assert_eq!(taken_apart(kind, "--B--"), Some(Found::default()));
    }
}
