//! Collections of requests: Postman Collection v2.1, and v2.0, which differs in little.

mod body;
mod request;
mod variables;

use super::ImportError;
use super::journey::{Journey, Request};
use super::json::Json;
use super::notes::Notes;
use variables::Variables;

/// Reads a collection: its requests in order, folders flattened.
pub(super) fn read(text: &str) -> Result<Journey, ImportError> {
    let document = Json::parse(text).map_err(|found| other(format!("no JSON: {found}")))?;
    // What the service's interface gives has the collection in an envelope.
    let wrapped = document.get("collection");
    let collection = if wrapped.is_null() { &document } else { wrapped };
    if !matches!(collection.get("item"), Json::List(_)) {
        let is_old = !collection.get("requests").is_null();
        return Err(other(if is_old { "a collection of version 1" } else { "JSON without `item`" }.to_owned()));
    }
    let mut reading = Reading { variables: Variables::of(collection), requests: Vec::new(), notes: Notes::default() };
    reading.besides(collection, "the collection");
    reading.items(collection, "");
    let Reading { variables, requests, mut notes } = reading;
    let vars = variables.finish(&mut notes);
    let name = collection.at(&["info", "name"]).text().map(str::to_owned);
    Ok(Journey { name, scenario: "collection", vars, requests, notes, ..Journey::default() })
}

fn other(found: String) -> ImportError {
    let help = "export the collection as Collection v2.1";
    ImportError::Other { wanted: "a Postman collection", found, help }
}

/// What was read so far.
struct Reading {
    variables: Variables,
    requests: Vec<Request>,
    notes: Notes,
}

impl Reading {
    /// Reads the items of a folder, which has this name before theirs.
    fn items(&mut self, folder: &Json, path: &str) {
        for item in folder.get("item").items() {
            let name = format!("{path}{}", item.text_of("name").unwrap_or("unnamed"));
            self.besides(item, &name);
            if item.get("item").is_null() {
                self.request(item.get("request"), name);
            } else {
                self.items(item, &format!("{name} / "));
            }
        }
    }

    fn request(&mut self, of: &Json, name: String) {
        self.besides(of, &name);
        match request::read(of, &mut self.variables, &name, &mut self.notes) {
            Ok(request) => self.requests.push(Request { name: Some(name), ..request }),
            Err(why) => self.notes.add_of("requests that can go nowhere are left out", &format!("{name}: {why}")),
        }
    }

    /// Notes what stands beside requests and is no part of a plan.
    fn besides(&mut self, of: &Json, name: &str) {
        let has_script = |event: &Json| match event.at(&["script", "exec"]) {
            Json::List(lines) => lines.iter().filter_map(Json::text).any(|line| !line.trim().is_empty()),
            other => other.text().is_some_and(|line| !line.trim().is_empty()),
        };
        if of.get("event").items().iter().any(has_script) {
            self.notes.add_of("scripts are left out", name);
        }
        if of.at(&["auth", "type"]).text().is_some_and(|kind| kind != "noauth") {
            self.notes.add_of("authentication is left out: set the header fields that it needs", name);
        }
    }
}
