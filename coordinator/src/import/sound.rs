//! What a plan can say of a request; the rest is left out, and noted.

use std::time::Duration;

use super::body::Body;
use super::headers::is_token;
use super::journey::Request;
use super::notes::Notes;
use super::text::Text;
use super::{parts, secrets};
use crate::plan_file::{HEADER_BYTES_MAX, HEADERS_MAX, PATH_BYTES_MAX, REDIRECTS_MAX, THINK_MAX, TIMEOUT_MAX};
use muster_proto::plan::NAME_BYTES_MAX;

/// The longest method.
const METHOD_BYTES_MAX: usize = 32;
/// The longest name of a header field.
const FIELD_NAME_BYTES_MAX: usize = 256;
/// The largest body, as it stands in the plan: it must leave room for other requests.
const BODY_BYTES_MAX: usize = 64 << 10;
/// The shortest timeout.
const TIMEOUT_MIN: Duration = Duration::from_millis(1);

/// The request as a plan can say it; nothing if it cannot be said at all.
pub(super) fn sound(mut request: Request, notes: &mut Notes) -> Option<Request> {
    let shown = request.shown();
    if !is_sendable(&request, notes) {
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
    request.redirects = request.redirects.map(|count| count.min(REDIRECTS_MAX as u8));
    request.timeout = request.timeout.map(|timeout| timeout.clamp(TIMEOUT_MIN, TIMEOUT_MAX));
    request.think = request.think.map(|think| think.min(THINK_MAX)).filter(|think| !think.is_zero());
    Some(request)
}

/// Whether a plan can have a request with this method and path at all.
pub(super) fn is_sendable(request: &Request, notes: &mut Notes) -> bool {
    let method = request.method.as_str();
    let why = if !is_token(method) || method.len() > METHOD_BYTES_MAX || method == "CONNECT" {
        "requests with a method that a plan cannot have are left out"
    } else if request.address.path.written().len() > PATH_BYTES_MAX {
        "requests with too long a path are left out"
    } else {
        return true;
    };
    notes.add_of(why, &request.shown());
    false
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
    // One may follow from the body.
    if request.headers.len() >= HEADERS_MAX {
        request.headers.truncate(HEADERS_MAX - 1);
        notes.add_of("requests have fewer header fields than they had: a plan cannot have so many", shown);
    }
}

fn is_value(value: &Text) -> bool {
    let written = value.written();
    written.len() <= HEADER_BYTES_MAX && !written.contains(|c: char| c.is_control() && c != '\t')
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
        Body::Parts(list) if !parts::holds(list) => {
            notes.add_of("bodies in parts that a plan cannot have, or not in their order, are left out", shown);
            return Body::None;
        }
        Body::Parts(list) => list.iter().map(|part| part.name.len() + part.text.written().len() + 64).sum(),
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
