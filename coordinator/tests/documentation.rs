//! The documents and the examples are true: their plans can be read, and no key is left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use muster::plan_file::{self, Secrets};
use muster_proto::plan::Plan;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The fenced blocks of one language in a document.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    document.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next().map(str::to_owned)).collect()
}

/// The plans in a document, each of which has to be valid.
fn plans(name: &str) -> Vec<Plan> {
    let document = fs::read_to_string(root().join(name)).unwrap();
    let read = |block: String| {
        plan_file::from_str(&block, plan_file::Format::Yaml, name, Path::new("."))
            .unwrap_or_else(|mistakes| panic!("a plan in {name} is not valid:\n{mistakes}"))
            .plan
    };
    blocks(&document, "yaml").into_iter().map(read).collect()
}

#[test]
fn every_plan_in_the_documents_is_valid() {
    let documents = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents = documents.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let checked: usize = documents.map(|path| plans(path.to_str().unwrap()).len()).sum();
    assert!(checked + plans("README.md").len() >= 8, "the documents have plans");
}

#[test]
fn the_plan_reference_shows_each_executor_in_a_plan_of_its_own() {
    let plans = plans("docs/plan.md");
    let alone = plans.iter().filter(|plan| plan.scenarios.len() == 1);
    let shown: BTreeSet<&str> = alone.map(|plan| plan.scenarios[0].executor.name()).collect();
    let document = fs::read_to_string(root().join("docs/plan.md")).unwrap();
    let known = executors(&plan_file::schema());
    assert!(known.len() > 6);
    for name in known {
        assert!(document.contains(&format!("`{name}`")), "docs/plan.md does not name {name}");
        assert!(name.contains("-vu") || shown.contains(name.as_str()), "docs/plan.md has no plan with {name}");
    }
}

/// The executors that a JSON Schema knows, k6's names included.
fn executors(schema: &serde_json::Value) -> Vec<String> {
    match schema {
        serde_json::Value::Object(object) => {
            let own = object.get("executor").and_then(|executor| executor.get("enum"));
            let own = own.and_then(|names| serde_json::from_value(names.clone()).ok());
            own.unwrap_or_else(|| object.values().flat_map(executors).collect())
        }
        serde_json::Value::Array(values) => values.iter().flat_map(executors).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_example_is_valid() {
    let mut checked = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            if let Err(mistakes) = plan_file::read(&path, Secrets::Hidden) {
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
