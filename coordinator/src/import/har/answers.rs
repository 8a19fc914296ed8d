//! What the responses of a recording gave their user to send again: tokens, ids, cookies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::import::body::{essence, is_json};
use crate::import::headers::is_secret;
use crate::import::json::Json;

/// How long a value is that nobody has by chance, and how long one may be.
const VALUE_BYTES_MIN: usize = 8;
const VALUE_BYTES_MAX: usize = 4 << 10;
/// From this length on, a value without digits is no word either.
const WORD_BYTES_MAX: usize = 20;
/// The longest name of a place: a plan has a bound for it.
const PLACE_BYTES_MAX: usize = 1 << 10;

/// A value in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) value: String,
    /// Whether it is a number of a JSON text.
    pub(super) is_number: bool,
    /// What it could be called.
    pub(super) name: String,
    /// Where it stands, as a plan's `capture` says it.
    pub(super) place: String,
}

/// The values of an entry's response that look as if they had been made for this one user.
pub(super) fn given(entry: &Json) -> Vec<Given> {
    let response = entry.get("response");
    let mut found = Vec::new();
    for field in response.get("headers").items() {
        let (Some(name), Some(value)) = (field.text_of("name"), field.text_of("value")) else { continue };
        header(&name.to_ascii_lowercase(), value, &mut found);
    }
    if let Some(json) = body(response.get("content")) {
        leaves(&json, "$", "", &mut found);
    }
    found.retain(|given| is_specific(&given.value) && given.place.len() <= PLACE_BYTES_MAX);
    found
}

fn header(name: &str, value: &str, found: &mut Vec<Given>) {
    let given = |name: &str, value: &str, place: String| Given {
        value: value.trim().to_owned(),
        is_number: false,
        name: name.to_owned(),
        place,
    };
    if name == "set-cookie" {
        let cookies = value.lines().filter_map(|line| line.split(';').next()?.split_once('='));
        found.extend(cookies.map(|(name, value)| given(name.trim(), value, format!("cookie {}", name.trim()))));
    } else if name.starts_with("x-") || is_secret(name) {
        found.push(given(name, value, format!("header {name}")));
    }
}

/// The JSON text of a response.
fn body(content: &Json) -> Option<Json> {
    let text =
        content.text_of("text").filter(|_| is_json(&essence(content.text_of("mimeType").unwrap_or_default())))?;
    match content.text_of("encoding") {
        Some("base64") => Json::parse(&String::from_utf8(STANDARD.decode(text).ok()?).ok()?).ok(),
        _ => Json::parse(text).ok(),
    }
}

/// Finds the texts and numbers of a value, which has this path and name.
fn leaves(json: &Json, path: &str, name: &str, found: &mut Vec<Given>) {
    match json {
        Json::Text(value) | Json::Number(value) => found.push(Given {
            value: value.clone(),
            is_number: matches!(json, Json::Number(_)),
            name: name.to_owned(),
            place: format!("json {path}"),
        }),
        Json::List(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}[{index}]"), name, found);
            }
        }
        Json::Map(entries) => {
            for (key, value) in entries {
                leaves(value, &format!("{path}{}", member(key)), &called(key, name), found);
            }
        }
        Json::Null | Json::Flag(_) => {}
    }
}

/// What a value behind a key could be called: the key alone often says too little.
fn called(key: &str, around: &str) -> String {
    let says_little = ["id", "uuid", "key", "value", "code", "token"].contains(&key.to_ascii_lowercase().as_str());
    if says_little && !around.is_empty() { format!("{around}_{key}") } else { key.to_owned() }
}

/// A key as a part of a path (RFC 9535, 2.3.1 and 2.5.1).
fn member(key: &str) -> String {
    let begins = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if begins && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return format!(".{key}");
    }
    let mut quoted = String::new();
    for c in key.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    format!("['{quoted}']")
}

/// Whether a value is unlikely to be a word, a sentence or an address.
fn is_specific(value: &str) -> bool {
    let is_sized = (VALUE_BYTES_MIN..=VALUE_BYTES_MAX).contains(&value.len());
    let is_plain =
        value.bytes().all(|byte| byte.is_ascii_graphic()) && !value.contains("://") && !value.starts_with('/');
    let is_no_word = value.len() >= WORD_BYTES_MAX || value.bytes().any(|byte| byte.is_ascii_digit());
    is_sized && is_plain && is_no_word && value.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(response: &str) -> Vec<String> {
        let entry = Json::parse(&format!(r#"{{"response": {response}}}"#)).unwrap();
        given(&entry).into_iter().map(|given| format!("{} = {}", given.place, given.value)).collect()
    }

    #[test]
    fn values_are_found_where_a_plan_can_capture_them() {
        let body =
            r#"{\"a\": [{\"it's\": \"abcd1234\", \"n\": 123456789}], \"word\": \"delivered\", \"short\": \"a1\"}"#;
        let response = format!(
            r#"{{"headers": [{{"name": "Set-Cookie", "value": "sid=s1234567; Path=/\nb=b7654321"}},
                {{"name": "X-CSRF-Token", "value": "t1234567"}}, {{"name": "Date", "value": "Mon12345678"}}],
                "content": {{"mimeType": "application/json", "text": "{body}"}}}}"#
        );
        assert_eq!(
            places(&response),
            [
                "cookie sid = s1234567",
                "cookie b = b7654321",
                "header x-csrf-token = t1234567",
                r"json $.a[0]['it\'s'] = abcd1234",
                "json $.a[0].n = 123456789",
            ]
        );
        let encoded = STANDARD.encode(r#"["token-0001"]"#);
        let content = format!(r#"{{"mimeType": "application/json", "encoding": "base64", "text": "{encoded}"}}"#);
        assert_eq!(places(&format!(r#"{{"content": {content}}}"#)), ["json $[0] = token-0001"]);
    }

    #[test]
    fn words_addresses_and_sentences_are_nobodys_own() {
        for value in ["delivered", "a 1234567", "https://a/12345678", "/orders/12345", "1234567", "é1234567"] {
            assert!(!is_specific(value), "{value}");
        }
        for value in ["12345678", "c7f1a9e2b4d8", "abcdefghijklmnopqrstuvwxyz", "eyJh.eyJz.c2ln"] {
            assert!(is_specific(value), "{value}");
        }
    }
}
