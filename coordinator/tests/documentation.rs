//! The documents and the examples are true: their plans can be read, and no key is left out.

use std::fs;
use std::path::{Path, PathBuf};

use muster::plan_file;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The fenced blocks of one language in a document.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    document.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next().map(str::to_owned)).collect()
}

#[test]
fn every_plan_in_the_documents_is_valid() {
    let mut checked = 0;
    for name in ["README.md", "docs/plan.md"] {
        let document = fs::read_to_string(root().join(name)).unwrap();
        for block in blocks(&document, "yaml") {
            if let Err(mistakes) = plan_file::from_str(&block, plan_file::Format::Yaml, name, Path::new(".")) {
                panic!("a plan in {name} is not valid:\n{mistakes}");
            }
            checked += 1;
        }
    }
    assert!(checked >= 2, "the documents have plans");
}

#[test]
fn every_example_is_valid() {
    let mut checked = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            if let Err(mistakes) = plan_file::read(&path) {
                panic!("{mistakes}");
            }
            checked += 1;
        }
    }
    assert!(checked >= 2);
}

/// The keys that a JSON Schema describes, wherever they stand.
fn keys(schema: &serde_json::Value, found: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(object) => {
            if let Some(serde_json::Value::Object(properties)) = object.get("properties") {
                found.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| keys(value, found));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn the_plan_reference_names_every_key() {
    let document = fs::read_to_string(root().join("docs/plan.md")).unwrap();
    let mut known = Vec::new();
    keys(&plan_file::schema(), &mut known);
    known.sort();
    known.dedup();
    assert!(known.len() > 30);
    let named = |key: &String| {
        document.contains(&format!("{key}`"))
            || document.contains(&format!("`{key}"))
            || document.contains(&format!("{key}:"))
    };
    let missing: Vec<&String> = known.iter().filter(|key| !named(key)).collect();
    assert!(missing.is_empty(), "docs/plan.md does not name {missing:?}");
}
