//! Values within a recorded request, and the expressions that take their places.

use super::answers::Given;
use super::entry::Recorded;
use crate::import::body::Body;
use crate::import::headers::holds_nothing_else;
use crate::import::json::Json;
use crate::import::text::{Piece, Text};
use crate::plan_file::PATH_BYTES_MAX;

/// All texts of a request in which a value may stand.
pub(super) fn texts(recorded: &Recorded) -> Vec<String> {
    let request = &recorded.request;
    let mut found = vec![request.address.path.written()];
    found.extend(request.headers.iter().chain(&recorded.secrets).map(|(_, value)| value.written()));
    match &request.body {
        Body::None => {}
        Body::Text(text) => found.push(text.written()),
        Body::Json(json) => leaves(json, &mut found),
        Body::Form(fields) => found.extend(fields.iter().map(|(_, value)| value.written())),
        Body::Parts(parts) => found.extend(parts.iter().map(|part| part.text.written())),
    }
    found
}

fn leaves(json: &Json<Text>, found: &mut Vec<String>) {
    match json {
        Json::Text(text) => found.push(text.written()),
        Json::Number(number) => found.push(number.clone()),
        Json::List(items) => items.iter().for_each(|item| leaves(item, found)),
        Json::Map(entries) => entries.iter().for_each(|(_, value)| leaves(value, found)),
        Json::Null | Json::Flag(_) => {}
    }
}

/// Whether a value stands in one of the texts.
pub(super) fn occurs(texts: &[String], value: &str) -> bool {
    texts.iter().any(|text| find(text, value).is_some())
}

/// Where a value stands by itself: not as a part of a longer one.
fn find(text: &str, value: &str) -> Option<usize> {
    let continues = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let stands_alone =
        |at: &usize| !text[..*at].ends_with(continues) && !text[at + value.len()..].starts_with(continues);
    text.match_indices(value).map(|(at, _)| at).find(stands_alone)
}

impl Recorded {
    /// Puts what was captured by this name in the places of a value, and tells whether there were any.
    pub(super) fn replace(&mut self, given: &Given, name: &str) -> bool {
        let mut replaced = false;
        // What is encoded in a path looks different there, and a longer path might not be one that can be sent.
        if given.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            let mut path = self.request.address.path.clone();
            if put(&mut path, &given.value, name) && path.written().len() <= PATH_BYTES_MAX {
                self.request.address.path = path;
                replaced = true;
            }
        }
        let mut replace = |text: &mut Text| replaced |= put(text, &given.value, name);
        self.request.headers.iter_mut().for_each(|(_, value)| replace(value));
        match &mut self.request.body {
            Body::None => {}
            Body::Text(text) => replace(text),
            Body::Form(fields) => fields.iter_mut().for_each(|(_, value)| replace(value)),
            Body::Parts(parts) => parts.iter_mut().for_each(|part| replace(&mut part.text)),
            Body::Json(json) => replaced |= put_into(json, given, name),
        }
        for (header, value) in &mut self.secrets {
            let mut made = value.clone();
            if put(&mut made, &given.value, name) && holds_nothing_else(header, &made) {
                *value = made;
                replaced = true;
            }
        }
        replaced
    }

    /// Takes the secrets that are captured into the request, and leaves the others.
    pub(super) fn take_captured_secrets(&mut self) {
        let is_captured = |(_, value): &mut (String, Text)| value.as_literal().is_none();
        let mut cookies = Text::default();
        for (name, value) in self.secrets.extract_if(.., is_captured) {
            if name != "cookie" {
                self.request.headers.push((name, value));
                continue;
            }
            cookies.push_literal(if cookies.is_empty() { "" } else { "; " });
            cookies.push(value);
        }
        if !cookies.is_empty() {
            self.request.headers.push(("cookie".to_owned(), cookies));
        }
    }
}

/// Puts an expression in the places of a value, and tells whether there were any.
fn put(text: &mut Text, value: &str, source: &str) -> bool {
    let mut made = Text::default();
    let mut found = false;
    for piece in text.pieces() {
        match piece {
            Piece::Expression(source) => made.push_expression(source.as_str()),
            Piece::Literal(literal) => {
                let mut rest = literal.as_str();
                while let Some(at) = find(rest, value) {
                    found = true;
                    made.push_literal(&rest[..at]);
                    made.push_expression(source);
                    rest = &rest[at + value.len()..];
                }
                made.push_literal(rest);
            }
        }
    }
    *text = made;
    found
}

/// As [`put`], for a JSON text, in which a number stays one and a text as well.
fn put_into(json: &mut Json<Text>, given: &Given, name: &str) -> bool {
    match json {
        Json::Null | Json::Flag(_) => false,
        Json::List(items) => items.iter_mut().fold(false, |found, item| put_into(item, given, name) | found),
        Json::Map(entries) => entries.iter_mut().fold(false, |found, (_, value)| put_into(value, given, name) | found),
        Json::Number(number) if *number == given.value => {
            let source = if given.is_number { name.to_owned() } else { format!("{name} | int") };
            *json = Json::Text(Text::expression(source));
            true
        }
        Json::Number(_) => false,
        Json::Text(text) => {
            let is_whole = text.as_literal() == Some(&given.value);
            let source = if given.is_number && is_whole { format!("{name} | string") } else { name.to_owned() };
            put(text, &given.value, &source)
        }
    }
}
