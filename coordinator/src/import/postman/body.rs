//! What a request of a collection carries.

use super::request::is_enabled;
use super::variables::Variables;
use crate::import::body::{Body, FORM, JSON, PARTS, essence, is_json};
use crate::import::journey::Request;
use crate::import::json::Json;
use crate::import::notes::Notes;
use crate::import::parts::Found;
use crate::import::text::Text;

/// Reads a body by its mode.
pub(super) fn read(request: &mut Request, of: &Json, variables: &mut Variables, name: &str, notes: &mut Notes) {
    if !is_enabled(of) {
        return;
    }
    match of.text_of("mode").unwrap_or_default() {
        "raw" => raw(request, of, variables),
        "urlencoded" => {
            let fields = of.get("urlencoded").items().iter().filter(|field| is_enabled(field));
            let fields = fields.filter_map(|field| {
                let value = field.get("value").scalar().unwrap_or_default();
                Some((field.text_of("key")?.to_owned(), variables.text(&value)))
            });
            let body = Body::Form(fields.collect());
            request.set_body(body, FORM);
        }
        "graphql" => {
            let body = Body::Json(graphql(of.get("graphql"), variables));
            request.set_body(body, JSON);
        }
        "formdata" => {
            let mut found = Found::default();
            for field in of.get("formdata").items().iter().filter(|field| is_enabled(field)) {
                let key = field.text_of("key").unwrap_or_default();
                match field.text_of("type") {
                    Some("file") => found.files.push(key.to_owned()),
                    _ => {
                        let text = variables.text(&field.get("value").scalar().unwrap_or_default());
                        found.add(key, text, field.text_of("contentType"));
                    }
                }
            }
            let parts = found.without_files(notes);
            if !parts.is_empty() {
                request.set_body(Body::Parts(parts), PARTS);
            }
        }
        "file" => notes.add_of("bodies from files are left out: write `body: { file: PATH }`", name),
        _ => {}
    }
}

fn raw(request: &mut Request, of: &Json, variables: &mut Variables) {
    let Some(text) = of.text_of("raw").filter(|text| !text.is_empty()) else { return };
    let stated = request.header("content-type").and_then(Text::as_literal).map(essence);
    let parsed = Json::parse(text).ok().filter(has_plain_keys);
    let kind = match of.at(&["options", "raw", "language"]).text() {
        Some("json") => JSON,
        Some("xml") => "application/xml",
        Some("html") => "text/html",
        Some("javascript") => "application/javascript",
        _ if matches!(parsed, Some(Json::Map(_) | Json::List(_))) => JSON,
        _ => "text/plain",
    };
    let says_json = is_json(stated.as_deref().unwrap_or(kind));
    let body = match parsed.filter(|_| says_json) {
        Some(json) => Body::Json(json.map(&mut |text| variables.json_text(text))),
        None => Body::Text(variables.text(text)),
    };
    request.set_body(body, kind);
}

/// Whether no key is made by a variable, which `json` cannot say.
fn has_plain_keys(json: &Json) -> bool {
    match json {
        Json::List(items) => items.iter().all(has_plain_keys),
        Json::Map(entries) => entries.iter().all(|(key, value)| !key.contains("{{") && has_plain_keys(value)),
        Json::Null | Json::Flag(_) | Json::Number(_) | Json::Text(_) => true,
    }
}

fn graphql(of: &Json, variables: &mut Variables) -> Json<Text> {
    let query = variables.text(of.text_of("query").unwrap_or_default());
    let mut entries = vec![("query".to_owned(), Json::Text(query))];
    let given = match of.get("variables") {
        Json::Text(text) => Json::parse(text).unwrap_or(Json::Null),
        other => other.clone(),
    };
    if let Json::Map(_) = given {
        entries.push(("variables".to_owned(), given.map(&mut |text| variables.json_text(text))));
    }
    Json::Map(entries)
}
