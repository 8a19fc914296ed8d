//! Secrets that a plan takes over, because its requests would not be the same without them.

use url::form_urlencoded;

use super::body::Body;
use super::headers::is_secret;
use super::journey::Request;
use super::json::Json;
use super::notes::Notes;
use super::text::Text;

/// Notes each parameter and field whose name speaks of a secret, and whose value stands in the plan.
pub(super) fn warn(request: &Request, notes: &mut Notes, shown: &str) {
    let mut found = Vec::new();
    let path = request.address.path.written();
    if let Some((_, query)) = path.split_once('?') {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.filter(|(name, value)| is_secret(name) && !value.is_empty() && !value.contains("{{"));
        found.extend(pairs.map(|(name, _)| name.into_owned()));
    }
    match &request.body {
        Body::Form(fields) => {
            found.extend(fields.iter().filter(|(name, value)| holds(name, value)).map(|(name, _)| name.clone()));
        }
        Body::Json(json) => within(json, &mut found),
        Body::Parts(parts) => {
            found.extend(parts.iter().filter(|part| holds(&part.name, &part.text)).map(|part| part.name.clone()));
        }
        Body::None | Body::Text(_) => {}
    }
    for name in found {
        let what = "the plan holds values that may be secret: replace them before you give it to anybody";
        notes.add_of(what, &format!("{name} ({shown})"));
    }
}

fn within(json: &Json<Text>, found: &mut Vec<String>) {
    match json {
        Json::List(items) => items.iter().for_each(|item| within(item, found)),
        Json::Map(entries) => {
            for (name, value) in entries {
                if matches!(value, Json::Text(text) if holds(name, text)) {
                    found.push(name.clone());
                }
                within(value, found);
            }
        }
        Json::Null | Json::Flag(_) | Json::Number(_) | Json::Text(_) => {}
    }
}

/// Whether a field by this name holds a secret that is written out.
fn holds(name: &str, value: &Text) -> bool {
    is_secret(name) && value.as_literal().is_some_and(|text| !text.is_empty())
}
