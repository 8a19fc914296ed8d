//! One entry of a recording as a request.

use super::answers::{Given, given};
use super::choice::status;
use crate::import::address::Address;
use crate::import::body::{Body, FORM, PARTS, essence};
use crate::import::headers::{Kind, kind};
use crate::import::journey::{Headers, Request};
use crate::import::json::Json;
use crate::import::notes::Notes;
use crate::import::parts::{self, Found};
use crate::import::text::Text;

/// A request as it was recorded.
pub(super) struct Recorded {
    pub(super) request: Request,
    /// Header fields that are no part of the request, because they hold secrets; each cookie by itself.
    pub(super) secrets: Headers,
    /// What its response gave.
    pub(super) given: Vec<Given>,
}

/// Reads an entry.
pub(super) fn read(entry: &Json, notes: &mut Notes) -> Option<Recorded> {
    let of = entry.get("request");
    let url = Text::literal(of.text_of("url")?);
    let address = match Address::parse(&url) {
        Ok(address) => address,
        Err(why) => {
            notes.add_of("requests with such a URL are left out", &why);
            return None;
        }
    };
    let mut request = Request::new(of.text_of("method").unwrap_or("GET"), address);
    let secrets = headers(&mut request, of.get("headers").items(), notes);
    body(&mut request, of.get("postData"), notes);
    request.expect = expected(status(entry), &request, notes);
    Some(Recorded { request, secrets, given: given(entry) })
}

/// Takes the header fields over that mean something again, and gives back those that hold secrets.
fn headers(request: &mut Request, fields: &[Json], notes: &mut Notes) -> Headers {
    let mut secrets = Headers::new();
    for field in fields {
        let (Some(name), Some(value)) = (field.text_of("name"), field.text_of("value")) else { continue };
        let name = name.to_ascii_lowercase();
        let field = (name.clone(), Text::literal(value));
        match kind(&name) {
            Kind::Kept => request.headers.push(field),
            // Sent twice, it would tell the target to do nothing.
            Kind::Secret if name == "idempotency-key" => request.headers.push((name, Text::expression("uuid()"))),
            Kind::Secret if name == "cookie" => {
                secrets.extend(value.split(';').map(|cookie| (name.clone(), Text::literal(cookie.trim()))));
            }
            Kind::Secret => secrets.push(field),
            Kind::Passing => {
                notes.add_of("header fields of the browser's connection and cache are left out", &name);
            }
        }
    }
    secrets
}

fn body(request: &mut Request, of: &Json, notes: &mut Notes) {
    let shown = request.shown();
    let mime_type = of.text_of("mimeType").unwrap_or_default();
    let text = of.text_of("text").unwrap_or_default();
    let kind = essence(mime_type);
    let has_files = of.get("params").items().iter().any(|field| !field.get("fileName").is_null());
    if kind == PARTS || has_files {
        let parts = parts(mime_type, text, of.get("params").items()).without_files(notes);
        if parts.is_empty() {
            notes.add_of("bodies in parts without any text are left out", &shown);
        } else {
            request.set_body(Body::Parts(parts), mime_type);
        }
    } else if kind.starts_with("multipart/") {
        notes.add_of("bodies in parts that are no form's (multipart) are left out", &shown);
    } else if !of.get("encoding").is_null() || text.contains(['\0', '\u{fffd}']) {
        notes.add_of("bodies that are no text are left out", &shown);
    } else if text.is_empty() && kind == FORM && !of.get("params").items().is_empty() {
        request.set_body(Body::Form(fields(of.get("params").items())), mime_type);
        return;
    } else if !text.is_empty() {
        let recorded = request.header("content-type").and_then(Text::as_literal).unwrap_or(mime_type);
        let body = Body::recorded(recorded, text);
        request.set_body(body, mime_type);
        return;
    }
    request.headers.retain(|(name, _)| name != "content-type");
}

/// The parts of a body, which browsers record as a list, as a text, or as both.
fn parts(mime_type: &str, text: &str, fields: &[Json]) -> Found {
    if fields.is_empty() {
        return parts::taken_apart(mime_type, text).unwrap_or_default();
    }
    let mut found = Found::default();
    for field in fields {
        let name = field.text_of("name").unwrap_or_default();
        match field.get("fileName").is_null() {
            true => {
                let text = Text::literal(field.text_of("value").unwrap_or_default());
                found.add(name, text, field.text_of("contentType"));
            }
            false => found.files.push(name.to_owned()),
        }
    }
    found
}

fn fields(fields: &[Json]) -> Vec<(String, Text)> {
    let text = |field: &Json, key| field.text_of(key).unwrap_or_default().to_owned();
    fields.iter().map(|field| (text(field, "name"), Text::literal(&text(field, "value")))).collect()
}

/// The status that was recorded, where answering so again is a success.
fn expected(status: u64, request: &Request, notes: &mut Notes) -> Option<u16> {
    if status >= 400 {
        notes.add_of("requests that failed when they were recorded will count as failed", &request.shown());
    }
    // What was unchanged then is not in any cache now.
    matches!(status, 200..=299 | 301 | 302 | 303 | 307 | 308).then_some(status as u16)
}
