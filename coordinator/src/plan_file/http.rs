//! `http`: limits and deadlines, and what steps take from it.

use std::time::Duration;

use muster_proto::plan::{Auth, Http, Redirects};

use super::auth;
use super::headers::{self, Headers};
use super::keys::HTTP;
use super::limits::TIMEOUT_DEFAULT;
use super::reader::{Field, Fields, Reader};
use super::url::Target;

/// The section as read: its limits, and the defaults of the steps.
pub(super) struct Section {
    pub(super) http: Http,
    pub(super) headers: Headers,
    pub(super) auth: Option<Auth>,
    pub(super) timeout: Duration,
    pub(super) redirects: Redirects,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            http: Http::default(),
            headers: Headers::new(),
            auth: None,
            timeout: TIMEOUT_DEFAULT,
            redirects: Redirects::default(),
        }
    }
}

/// Reads the section; what is wrong in it keeps its default.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>, target: &Target) -> Section {
    let mut section = Section::default();
    let Some(fields) = reader.open(field, &HTTP) else { return section };
    if let Some(version) = fields.get("version") {
        check_version(reader, &version);
    }
    let duration = |reader: &mut Reader, name: &str, into: &mut Duration| {
        if let Some(duration) = fields.get(name).and_then(|field| reader.duration(&field)) {
            *into = duration;
        }
    };
    duration(reader, "timeout", &mut section.timeout);
    duration(reader, "connect_timeout", &mut section.http.connect_timeout);
    duration(reader, "read_timeout", &mut section.http.read_timeout);
    if let Some(headers) = fields.get("headers").and_then(|field| headers::read(reader, &field)) {
        section.headers = headers;
    }
    let who = fields.get("auth").and_then(|field| auth::read(reader, &field, target));
    section.auth = auth::add(&mut section.headers, who);
    if let Some(count) = fields.get("redirects").and_then(|field| reader.whole(&field)) {
        section.redirects = Redirects(count as u8);
    }
    if let Some(size) = size(reader, &fields, "max_head") {
        section.http.head_bytes_max = size as u32;
    }
    if let Some(size) = size(reader, &fields, "max_body") {
        section.http.body_bytes_max = size;
    }
    if let Some(flag) = fields.get("cookies").and_then(|field| reader.flag(&field)) {
        section.http.cookies = flag;
    }
    if let Some(flag) = fields.get("request_ids").and_then(|field| reader.flag(&field)) {
        section.http.request_ids = flag;
    }
    if let Some(part) = fields.get("trace").and_then(|field| reader.part(&field)) {
        section.http.trace_millionths = part;
    }
    section
}

fn size(reader: &mut Reader, fields: &Fields<'_>, name: &str) -> Option<u64> {
    fields.get(name).and_then(|field| reader.size(&field))
}

/// HTTP/1.1 is all there is; the others are refused by name, for nobody should measure the wrong protocol.
fn check_version(reader: &mut Reader, field: &Field<'_>) {
    match field.node.scalar() {
        Some("2" | "2.0" | "3" | "3.0" | "h2" | "h3") => {
            let message = format!("HTTP version {} is not supported by this version of Muster", field.node.found());
            reader.wrong(field, message).help("write `version: auto`, which speaks HTTP/1.1");
        }
        _ => {
            reader.choice(field);
        }
    }
}
