//! A journey as a plan that people can read and change.

use std::collections::HashMap;
use std::fmt::Write;

use muster_proto::plan::{PLAN_BYTES_MAX, STEPS_MAX};

use super::body::{Body, grouped};
use super::journey::{Connect, Headers, Journey, Request};
use super::sound::{name, sound};
use super::text::Text;
use super::yaml::{key, scalar, value};
use super::{ImportError, Imported, parts};
use crate::plan_file::{FILE_BYTES_MAX, format_duration};

/// How much of a plan file stays free for the last note.
const ROOM: usize = 4 << 10;
/// What a request takes on the wire beside its texts, and how many times its part of the file they can take there.
const OVERHEAD: usize = 128;
const ENCODED: usize = 3;
/// The methods that are keys of their own.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// Where steps stand.
const INDENT: usize = 8;

/// Writes the plan, as far as a plan can go, and all notes.
pub(super) fn write(mut journey: Journey) -> Result<Imported, ImportError> {
    let mut notes = std::mem::take(&mut journey.notes);
    let requests: Vec<Request> = journey.requests.drain(..).filter_map(|one| sound(one, &mut notes)).collect();
    let Some(target) = most_frequent_origin(&requests) else {
        return Err(ImportError::Nothing(notes.lines()));
    };
    let common = common_headers(&requests);
    let head = head(&journey, &target, &common);
    let taken = head.len() + notes.lines().iter().map(|line| line.len() + 8).sum::<usize>();
    let mut room = Room::besides(taken, &common);
    let mut steps = String::new();
    for (index, request) in requests.iter().enumerate() {
        let step = step(request, &target, &common, index == 0);
        if !room.take(&step, request) {
            notes.add(&format!(
                "the last {} requests are left out: a plan has no room for them",
                requests.len() - index
            ));
            break;
        }
        steps.push_str(&step);
    }
    let notes = notes.lines();
    Ok(Imported { plan: format!("{}{head}{steps}", comment(&notes)), notes })
}

/// What is left of the bounds of a plan.
struct Room {
    file: usize,
    wire: usize,
    steps: usize,
    /// What the headers of all requests take in each of them.
    common: usize,
}

impl Room {
    fn besides(taken: usize, common: &Headers) -> Self {
        let common = common.iter().map(|(name, value)| name.len() + value.written().len() + 16).sum();
        let file = (FILE_BYTES_MAX as usize).saturating_sub(taken + ROOM);
        Self { file, wire: PLAN_BYTES_MAX, steps: STEPS_MAX, common }
    }

    /// Takes what a step needs, if it is there.
    fn take(&mut self, step: &str, request: &Request) -> bool {
        let wire = ENCODED * step.len() + self.common + OVERHEAD + request.address.origin.len();
        let steps = 1 + usize::from(request.think.is_some());
        let fits = step.len() <= self.file && wire <= self.wire && steps <= self.steps;
        if fits {
            self.file -= step.len();
            self.wire -= wire;
            self.steps -= steps;
        }
        fits
    }
}

/// The origin of the most requests, the first of several.
fn most_frequent_origin(requests: &[Request]) -> Option<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for request in requests {
        *counts.entry(&request.address.origin).or_default() += 1;
    }
    let most = counts.values().max()?;
    let first = requests.iter().map(|request| &request.address.origin).find(|origin| counts[origin.as_str()] == *most);
    first.cloned()
}

/// The fields that all of several requests have, with the same value. What a body is follows from each request.
fn common_headers(requests: &[Request]) -> Headers {
    let [first, others @ ..] = requests else { return Headers::new() };
    let once = |headers: &Headers, name: &str| headers.iter().filter(|(known, _)| known == name).count() == 1;
    let in_all = |field: &&(String, Text)| {
        others.iter().all(|request| request.headers.contains(field) && once(&request.headers, &field.0))
    };
    let fields = first.headers.iter().filter(|(name, _)| name != "content-type" && once(&first.headers, name));
    if others.is_empty() { Headers::new() } else { fields.filter(in_all).cloned().collect() }
}

fn comment(notes: &[String]) -> String {
    let mut out = String::from(
        "# Imported by `muster import`. One user shows whether it works; `users` and `duration` make it a load.\n",
    );
    if !notes.is_empty() {
        out.push_str("#\n# To know:\n");
    }
    for note in notes {
        let _ = writeln!(out, "# - {note}");
    }
    out.push('\n');
    out
}

/// All that stands before the steps.
fn head(journey: &Journey, target: &str, common: &Headers) -> String {
    let mut out = String::new();
    if let Some(name) = journey.name.as_deref().and_then(name) {
        let _ = writeln!(out, "name: {}", scalar(&name));
    }
    let _ = writeln!(out, "target: {}", scalar(target));
    if !journey.vars.is_empty() {
        out.push_str("vars:\n");
    }
    for (name, json) in &journey.vars {
        let _ = write!(out, "  {}:", key(name));
        value(&mut out, 2, &json.literal());
    }
    connect(&mut out, &journey.connect);
    if !common.is_empty() {
        out.push_str("http:\n");
        headers(&mut out, 2, common);
    }
    let _ = write!(
        out,
        "scenarios:\n  {}:\n    executor: constant-users\n    users: 1 # how many do this at the same time\n    \
         duration: 30s # for how long\n    steps:\n",
        key(journey.scenario)
    );
    out
}

fn connect(out: &mut String, connect: &Connect) {
    if *connect == Connect::default() {
        return;
    }
    out.push_str("connect:\n");
    if let Some(proxy) = &connect.proxy {
        let _ = writeln!(out, "  proxy: {}", scalar(proxy));
    }
    if connect.insecure {
        out.push_str("  tls: { insecure: true }\n");
    }
}

/// Writes one request, and the pause before it unless it is the first.
fn step(request: &Request, target: &str, common: &Headers, is_first: bool) -> String {
    let mut out = String::new();
    if let Some(think) = request.think.filter(|_| !is_first) {
        let _ = writeln!(out, "      - think: {}", format_duration(think));
    }
    out.push_str("      - ");
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "{key}: {value}");
        out.push_str(&" ".repeat(INDENT));
    };
    if let Some(name) = &request.name {
        line("name", &scalar(name));
    }
    let path = request.address.path.written();
    let url = if request.address.origin == target { path } else { format!("{}{path}", request.address.origin) };
    match METHODS.contains(&request.method.as_str()) {
        true => line(&request.method.to_ascii_lowercase(), &scalar(&url)),
        false => {
            line("method", &scalar(&request.method));
            line("url", &scalar(&url));
        }
    }
    if let Some(status) = request.expect {
        line("expect", &format!("{{ status: {status} }}"));
    }
    if let Some(count) = request.redirects {
        line("redirects", &count.to_string());
    }
    if let Some(timeout) = request.timeout {
        line("timeout", &format_duration(timeout));
    }
    out.truncate(out.len() - INDENT);
    headers(&mut out, INDENT, &own_headers(request, common));
    body(&mut out, &request.body);
    captures(&mut out, &request.captures);
    out
}

fn captures(out: &mut String, captures: &[(String, String)]) {
    let margin = " ".repeat(INDENT);
    if !captures.is_empty() {
        let _ = writeln!(out, "{margin}capture:");
    }
    for (name, place) in captures {
        let _ = writeln!(out, "{margin}  {}: {}", key(name), scalar(place));
    }
}

/// The fields that are neither all requests' nor follow from the body.
fn own_headers(request: &Request, common: &Headers) -> Headers {
    let implied = request.body.implied_type().map(|kind| ("content-type".to_owned(), Text::literal(kind)));
    let follows = |field: &(String, Text)| common.contains(field) || Some(field) == implied.as_ref();
    request.headers.iter().filter(|field| !follows(field)).cloned().collect()
}

fn headers(out: &mut String, indent: usize, fields: &Headers) {
    if !fields.is_empty() {
        let _ = writeln!(out, "{}headers:", " ".repeat(indent));
        pairs(out, indent + 2, fields);
    }
}

/// Writes a map of names to a value each, or to several.
fn pairs(out: &mut String, indent: usize, fields: &[(String, Text)]) {
    let margin = " ".repeat(indent);
    for (name, values) in grouped(fields) {
        let _ = write!(out, "{margin}{}:", key(name));
        if let [value] = values[..] {
            let _ = writeln!(out, " {}", scalar(&value.written()));
            continue;
        }
        out.push('\n');
        for value in values {
            let _ = writeln!(out, "{margin}  - {}", scalar(&value.written()));
        }
    }
}

fn body(out: &mut String, body: &Body) {
    let margin = " ".repeat(INDENT);
    match body {
        Body::None => {}
        Body::Text(text) => {
            let _ = writeln!(out, "{margin}body: {}", scalar(&text.written()));
        }
        Body::Json(json) => {
            let _ = write!(out, "{margin}json:");
            value(out, INDENT, json);
        }
        Body::Form(fields) => {
            let _ = writeln!(out, "{margin}form:");
            pairs(out, INDENT + 2, fields);
        }
        Body::Parts(parts) => {
            let _ = writeln!(out, "{margin}multipart:");
            parts::write(out, INDENT + 2, parts);
        }
    }
}
