//! What a plan can say of a request; the rest is left out, and noted.

use std::time::Duration;

use super::body::Body;
use super::headers::is_token;
use super::journey::Request;
use super::notes::Notes;
use super::secrets;
use super::text::Text;

/// The longest method.
const METHOD_BYTES_MAX: usize = 32;
/// The longest path and query, and the longest value of a header field.
const PATH_BYTES_MAX: usize = 8 << 10;
const VALUE_BYTES_MAX: usize = 8 << 10;
/// The longest name of a header field.
const FIELD_NAME_BYTES_MAX: usize = 256;
/// The most header fields, with room for one that follows from the body.
const HEADERS_MAX: usize = 99;
/// The largest body, as it stands in the plan: it must leave room for other requests.
const BODY_BYTES_MAX: usize = 64 << 10;
/// The most redirects.
const REDIRECTS_MAX: u8 = 20;
/// The shortest and the longest timeout, and the longest pause.
const TIMEOUT_MIN: Duration = Duration::from_millis(1);
const TIMEOUT_MAX: Duration = Duration::from_secs(3600);
const THINK_MAX: Duration = Duration::from_secs(24 * 3600);
/// The longest name of a request, in bytes.
const NAME_BYTES_MAX: usize = muster_proto::plan::NAME_BYTES_MAX;

/// The request as a plan can say it; nothing if it cannot be said at all.
pub(super) fn sound(mut request: Request, notes: &mut Notes) -> Option<Request> {
    let shown = request.shown();
    if !is_token(&request.method) || request.method.len() > METHOD_BYTES_MAX || request.method == "CONNECT" {
        notes.add_of("requests with a method that a plan cannot have are left out", &shown);
        return None;
    }
    if request.address.path.written().len() > PATH_BYTES_MAX {
        notes.add_of("requests with a path of more than 8 KiB are left out", &shown);
        return None;
    }
    if request.address.had_user {
        notes.add_of("users and passwords in URLs are left out, because they are secrets", &shown);
    }
    headers(&mut request, notes, &shown);
    secrets::warn(&request, notes, &shown);
    request.body = body(&request, notes, &shown);
    request.name = request.name.as_deref().and_then(name);
    request.expect = request.expect.filter(|status| (100..600).contains(status));
    request.redirects = request.redirects.map(|count| count.min(REDIRECTS_MAX));
    request.timeout = request.timeout.map(|timeout| timeout.clamp(TIMEOUT_MIN, TIMEOUT_MAX));
    request.think = request.think.map(|think| think.min(THINK_MAX)).filter(|think| !think.is_zero());
    Some(request)
}

fn headers(request: &mut Request, notes: &mut Notes, shown: &str) {
    request.headers.retain(|(name, value)| {
        let sendable = is_token(name) && name.len() <= FIELD_NAME_BYTES_MAX && is_value(value);
        if !sendable {
            notes.add_of("header fields that a plan cannot have are left out", name);
        }
        sendable
    });
    for (_, value) in &mut request.headers {
        *value = trimmed(value);
    }
    if request.headers.len() > HEADERS_MAX {
        request.headers.truncate(HEADERS_MAX);
        notes.add_of("header fields after the 99th are left out", shown);
    }
}

fn is_value(value: &Text) -> bool {
    let written = value.written();
    written.len() <= VALUE_BYTES_MAX && !written.contains(|c: char| c.is_control() && c != '\t')
}

/// A value without space around it, which is no part of it.
fn trimmed(value: &Text) -> Text {
    match value.as_literal() {
        Some(text) => Text::literal(text.trim_matches([' ', '\t'])),
        None => value.clone(),
    }
}

fn body(request: &Request, notes: &mut Notes, shown: &str) -> Body {
    let content_type = request.header("content-type").and_then(Text::as_literal);
    let body = request.body.sayable(content_type);
    let bytes = match &body {
        Body::None => 0,
        Body::Text(text) => text.written().len(),
        Body::Json(json) => json.to_text().written().len(),
        Body::Form(fields) => fields.iter().map(|(name, value)| name.len() + value.written().len() + 2).sum(),
    };
    if bytes > BODY_BYTES_MAX {
        notes.add_of("bodies of more than 64 KiB are left out: put them into files (`body: { file: PATH }`)", shown);
        return Body::None;
    }
    body
}

/// A name that a report can show, if anything is left of it.
pub(super) fn name(text: &str) -> Option<String> {
    let mut name = String::new();
    for c in text.trim().chars().filter(|c| !c.is_control()) {
        // Two braces would be taken for an expression.
        if !(['{', '}'].contains(&c) && name.ends_with(c)) {
            name.push(c);
        }
    }
    name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
    (!name.is_empty()).then_some(name)
}
