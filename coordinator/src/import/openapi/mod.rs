//! Descriptions of interfaces: OpenAPI 3.0 and 3.1, in JSON or YAML.

mod operation;
mod parameters;
mod references;
mod samples;
mod servers;

use super::ImportError;
use super::journey::Journey;
use super::json::Json;
use super::notes::Notes;
use crate::plan_file;
use references::Document;

/// The methods that a path can describe.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Reads a description: a request for every operation.
pub(super) fn read(text: &str) -> Result<Journey, ImportError> {
    let root = parse(text)?;
    check_version(&root)?;
    let document = Document::new(&root);
    let mut notes = Notes::default();
    let base = servers::base(&root, &mut notes);
    let mut requests = Vec::new();
    for (path, item) in root.get("paths").entries() {
        let item = document.resolved(item);
        let operations = item.entries().iter().filter(|(method, _)| METHODS.contains(&method.as_str()));
        for (method, operation) in operations {
            let described = operation::Operation { document: &document, method, path, item, operation };
            requests.extend(described.request(&base, &mut notes));
        }
    }
    let security = root.at(&["components", "securitySchemes"]);
    for (name, _) in security.entries() {
        notes.add_of("authentication is left out: set the header fields that it needs", name);
    }
    let name = root.at(&["info", "title"]).text().map(str::to_owned);
    Ok(Journey { name, scenario: "operations", requests, notes, ..Journey::default() })
}

fn parse(text: &str) -> Result<Json, ImportError> {
    let is_json = text.trim_start().starts_with('{');
    let json = if is_json { Ok(text.to_owned()) } else { plan_file::yaml_as_json(text, "the description") };
    let parsed = json.map_err(|mistakes| mistakes.to_string()).and_then(|json| Json::parse(&json));
    parsed.map_err(|found| other(if is_json { format!("no JSON: {found}") } else { format!("no YAML:\n{found}") }))
}

/// Only what describes itself as OpenAPI 3 is read as such.
fn check_version(root: &Json) -> Result<(), ImportError> {
    let version = |key: &str| root.get(key).scalar();
    match (version("openapi"), version("swagger")) {
        (Some(version), _) if version.starts_with("3.") => Ok(()),
        (Some(version), _) => Err(other(format!("version {}", super::notes::shown(&version)))),
        (None, Some(version)) => Err(ImportError::Other {
            wanted: "OpenAPI 3.0 or 3.1",
            found: format!("Swagger {}", super::notes::shown(&version)),
            help: "convert it to OpenAPI 3 first, as editors for OpenAPI and the tool swagger2openapi do",
        }),
        (None, None) => Err(other("a document without `openapi: 3...`".to_owned())),
    }
}

fn other(found: String) -> ImportError {
    let help = "a description begins with `openapi: 3.0.0` or later, and has `paths`";
    ImportError::Other { wanted: "an OpenAPI 3.0 or 3.1 description", found, help }
}
