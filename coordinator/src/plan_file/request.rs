//! A step that talks to the target.

use std::ops::Range;
use std::time::Duration;

use muster_proto::plan::{Auth, Body, PLAN_BYTES_MAX, Redirects, Request, Retry, TALLIES_MAX, Templates, Url};

use super::headers::{self, Headers};
use super::keys::{BODY_FILE, METHODS, REQUEST, RETRY};
use super::reader::{Field, Fields, Reader};
use super::tags::Tags;
use super::tree::Value;
use super::url::{self, Target};
use super::{auth, capture, expect, files, json, metrics, multipart, tags, template};

/// What steps take from the plan and its scenario unless they say otherwise.
#[derive(Clone)]
pub(super) struct Defaults {
    pub(super) target: Target,
    pub(super) headers: Headers,
    /// Where no header field says it.
    pub(super) auth: Option<Auth>,
    pub(super) timeout: Duration,
    pub(super) redirects: Redirects,
    pub(super) tags: Tags,
}

/// Reads a request. Its name is known even where something else about it is wrong.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>, defaults: &Defaults) -> (Option<String>, Option<Request>) {
    let Some(fields) = reader.open(field, &REQUEST) else { return (None, None) };
    let method_and_url = method_and_url(reader, &fields);
    let name = name(reader, &fields, method_and_url.as_ref());
    let request = request(reader, &fields, name.clone(), method_and_url, defaults);
    (name, request.filter(|request| fits(reader, field, request)))
}

/// Whether there is room for one more request. What all of them take is counted as they are read, because headers of
/// the plan and bodies from files take more than their place in the plan file.
fn fits(reader: &mut Reader, field: &Field<'_>, request: &Request) -> bool {
    const OVERHEAD: usize = 64;
    let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len() + 16).sum();
    let url = request.url.host.len() + request.url.path.len();
    let operands: usize = request.checks.iter().map(|check| OVERHEAD + check.name.len() + check.operand.len()).sum();
    reader.plan_bytes += OVERHEAD + request.name.len() + request.method.len() + url + headers + request.body.0.len();
    reader.plan_bytes += operands + request.auth.as_ref().map_or(0, Auth::bytes);
    reader.findings += request.checks.len() + request.captures.len() + request.metrics.len();
    if reader.findings > TALLIES_MAX {
        let message = format!("wanted at most {TALLIES_MAX} checks, captures and metrics in all steps, found more");
        reader.at_key(field, message);
        return false;
    }
    let fits = reader.plan_bytes <= PLAN_BYTES_MAX;
    if !fits {
        let message = format!("wanted bodies, headers and URLs of at most {PLAN_BYTES_MAX} bytes together, found more");
        reader.at_key(field, message).help("use smaller bodies, or fewer of them");
    }
    fits
}

/// The method, and the field that holds the URL.
fn method_and_url<'t>(reader: &mut Reader, fields: &Fields<'t>) -> Option<(String, Field<'t>)> {
    let mut short: Vec<&str> = fields.names().filter(|name| METHODS.contains(name)).collect();
    if fields.get("method").is_some() {
        short.push("method");
    }
    match short[..] {
        [] if fields.get("url").is_some() => {
            reader.at_key(fields.of(), "`method` is missing").help("write `get: /path`, or `method` and `url`");
            None
        }
        [] => {
            let mistake = reader.at_key(fields.of(), "a step needs a method or a pause");
            mistake.help("write `get: /path`, `post: /path`, ... or `think: 1s`");
            None
        }
        ["method"] => {
            let method = method(reader, &fields.get("method")?);
            let url = fields.get("url");
            if url.is_none() {
                reader.at_key(fields.of(), "`url` is missing").help("a step with `method` needs a `url`");
            }
            Some((method?, url?))
        }
        [name] => {
            if let Some(url) = fields.get("url") {
                reader.wrong(&url, format!("the URL stands behind `{name}` already"));
            }
            Some((name.to_ascii_uppercase(), fields.get(name)?))
        }
        [_, other, ..] => {
            let field = fields.get(other)?;
            reader.wrong(&field, format!("a step has one method, found `{}`", short.join("` and `")));
            None
        }
    }
}

/// Reads a method, in capitals.
pub(super) fn method(reader: &mut Reader, field: &Field<'_>) -> Option<String> {
    let text = reader.text(field)?;
    if !headers::is_token(&text) || text.len() > 32 {
        reader.wanted(field, "a method such as `GET`");
        return None;
    }
    let method = text.to_ascii_uppercase();
    if method == "CONNECT" {
        reader.wrong(field, "the method `CONNECT` is not supported by this version");
        return None;
    }
    Some(method)
}

fn name(reader: &mut Reader, fields: &Fields<'_>, method_and_url: Option<&(String, Field<'_>)>) -> Option<String> {
    if let Some(field) = fields.get("name") {
        return reader.name(&field);
    }
    let (method, url) = method_and_url?;
    Some(default_name(method, &template::with_host(reader, url.node.scalar()?)))
}

/// `METHOD path`, without the query, so that requests which differ by parameters are measured together.
pub(super) fn default_name(method: &str, url: &str) -> String {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => url,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let name: String = format!("{method} {path}").chars().filter(|c| !c.is_control()).collect();
    super::shortened(&name)
}

fn request(
    reader: &mut Reader,
    fields: &Fields<'_>,
    name: Option<String>,
    method_and_url: Option<(String, Field<'_>)>,
    defaults: &Defaults,
) -> Option<Request> {
    // A plan that is too large already is not read into memory any further.
    if reader.plan_bytes > PLAN_BYTES_MAX {
        return None;
    }
    let before = reader.mistakes.len();
    let url = method_and_url.as_ref().and_then(|(_, url)| url::step(reader, url, &defaults.target));
    let url = match (fields.get("query"), url) {
        (Some(query), Some(url)) => url::with_query(reader, &query, url),
        (Some(query), None) => url::pairs(reader, &query, "%20").and(None),
        (None, url) => url,
    };
    let mut own = fields.get("headers").and_then(|field| headers::read(reader, &field)).unwrap_or_default();
    let who = fields.get("auth").and_then(|field| auth::read(reader, &field, &defaults.target));
    let own_auth = auth::add(&mut own, who);
    let says_itself = own_auth.is_some() || own.iter().any(|(name, _)| name == "authorization");
    let mut headers = headers::overlaid(&defaults.headers, own);
    if own_auth.is_some() {
        headers.retain(|(name, _)| name != "authorization");
    }
    let auth = if says_itself { own_auth } else { defaults.auth.clone() };
    let body = body(reader, fields, &mut headers);
    let expected = fields.get("expect").map(|field| expect::read(reader, &field)).unwrap_or_default();
    let captures = fields.get("capture").map(|field| capture::read(reader, &field)).unwrap_or_default();
    let metrics = fields.get("metrics").map(|field| metrics::read(reader, &field)).unwrap_or_default();
    let own_tags = fields.get("tags").map(|field| tags::read(reader, &field)).unwrap_or_default();
    let redirects = fields.get("redirects").and_then(|field| reader.whole(&field));
    let timeout = fields.get("timeout").and_then(|field| reader.duration(&field));
    let retry = fields.get("retry").map(|field| retry(reader, &field)).unwrap_or_default();
    if reader.mistakes.len() > before {
        return None;
    }
    let url = url?;
    let templates = Templates { head: has_templates(&url, &headers), body: body.is_template() };
    Some(Request {
        name: name?,
        method: method_and_url?.0,
        url,
        headers,
        verbatim: if templates.body { body.verbatim } else { Vec::new() },
        body: Body(body.bytes.into()),
        templates,
        auth,
        expect_status: expected.status.unwrap_or_default(),
        checks: expected.checks,
        fails_on_check: expected.fails,
        captures,
        metrics,
        tags: tags::overlaid(&defaults.tags, own_tags),
        redirects: redirects.map_or(defaults.redirects, |count| Redirects(count as u8)),
        timeout: timeout.unwrap_or(defaults.timeout),
        retry,
    })
}

/// How often a request is made again: a number, or with a pause.
fn retry(reader: &mut Reader, field: &Field<'_>) -> Retry {
    let mut retry = Retry { times: 0, pause: Duration::from_millis(100) };
    let Value::Map(_) = field.node.value else {
        retry.times = reader.whole(field).unwrap_or_default() as u8;
        return retry;
    };
    if let Some(fields) = reader.open(field, &RETRY) {
        retry.times = fields.get("times").and_then(|field| reader.whole(&field)).unwrap_or_default() as u8;
        retry.pause = fields.get("pause").and_then(|field| reader.duration(&field)).unwrap_or(retry.pause);
    }
    retry
}

/// Whether the head of a request is made anew each time.
pub(super) fn has_templates(url: &Url, headers: &Headers) -> bool {
    let values = headers.iter().map(|(_, value)| value);
    [&url.path].into_iter().chain(values).any(|text| template::is_template(text))
}

/// A body as read.
#[derive(Default)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// What of it comes from files, and is sent as it is.
    pub(super) verbatim: Vec<Range<usize>>,
}

impl Content {
    fn text(bytes: Vec<u8>) -> Self {
        Self { bytes, verbatim: Vec::new() }
    }

    fn file(bytes: Vec<u8>) -> Self {
        let whole = 0..bytes.len();
        Self { bytes, verbatim: Vec::from_iter(Some(whole)) }
    }

    /// Whether there are templates in what does not come from files.
    fn is_template(&self) -> bool {
        let ends = self.verbatim.iter().map(|stretch| stretch.end);
        let begins = self.verbatim.iter().map(|stretch| stretch.start).chain([self.bytes.len()]);
        let mut texts = [0].into_iter().chain(ends).zip(begins).map(|(from, to)| &self.bytes[from..to]);
        texts.any(|text| std::str::from_utf8(text).is_ok_and(template::is_template))
    }
}

/// The body, and the `content-type` that follows from its kind.
fn body(reader: &mut Reader, fields: &Fields<'_>, headers: &mut Headers) -> Content {
    let kinds: Vec<&str> = fields.names().filter(|name| ["body", "json", "form", "multipart"].contains(name)).collect();
    if let [first, second, ..] = kinds[..]
        && let Some(field) = fields.get(second)
    {
        reader.wrong(&field, format!("a request has one body, found `{first}` and `{second}`"));
    }
    let mut body = None;
    if let Some(field) = fields.get("json") {
        headers::set_default(headers, "content-type", "application/json");
        body = json::read(reader, &field).map(Content::text);
    }
    if let Some(field) = fields.get("form") {
        headers::set_default(headers, "content-type", "application/x-www-form-urlencoded");
        body = url::pairs(reader, &field, "+").map(|text| Content::text(text.into_bytes()));
    }
    if let Some(field) = fields.get("multipart") {
        let own = fields.get("headers").map(|field| reader.named(&field)).unwrap_or_default();
        if let Some((_, own)) = own.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            reader.at_key(own, "a multipart body has a `content-type` of its own").help("leave it out");
        }
        body = multipart::read(reader, &field, headers);
    }
    if let Some(field) = fields.get("body") {
        body = match field.node.value {
            Value::Map(_) => reader
                .open(&field, &BODY_FILE)
                .and_then(|file| file.get("file"))
                .and_then(|file| files::body(reader, &file))
                .map(Content::file),
            _ => reader.template(&field).map(|text| Content::text(text.as_bytes().to_owned())),
        };
    }
    body.unwrap_or_default()
}
