//! The schema and the reader agree.

use serde_json::{Value, json};

use super::super::keys::{
    AGENTS, AUTH, AWS, BASIC, BLOCKS, BODY_FILE, CAPTURE, CHOICE, CONNECT, DNS, EXPECT, FEEDER, HTTP, Kind, METRIC,
    OAUTH2, PART, PLAN, REQUEST, RETRY, SCENARIO, SECRET, STAGE, STEPS, THINK_DRAWN, TLS, Table,
};
use super::super::schema;
use super::{section, step, yaml};

/// Whether a schema accepts a value.
fn accepts(schema: &Value, value: &Value) -> bool {
    jsonschema::validator_for(schema).unwrap().is_valid(value)
}

/// YAML as a schema sees it.
fn document(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

#[test]
fn the_example_validates() {
    // Threshold texts with `: ` in them are maps to YAML, which the schema knows.
    let example = document(super::example::EXAMPLE);
    assert!(accepts(&schema(), &example));
    for (name, scenario) in example["scenarios"].as_object().unwrap() {
        let mut without = example.clone();
        without["scenarios"][name].as_object_mut().unwrap().remove("executor");
        assert!(!accepts(&schema(), &without), "{name} needs its executor: {scenario}");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let wrong = [
        section("nmae: x"),
        section("http: {timeout: 10}"),
        section("http: {timeout: 10sec}"),
        section("http: {version: 2}"),
        section("http: {max_head: 64}"),
        section("seed: -1"),
        section("agents: {start_when: 0}"),
        section("agents: {on_loss: x}"),
        section("agents: {loss_tolerance: 101%}"),
        section("connect: {tls: {insecure: 'yes'}}"),
        section("connect: {source: x}"),
        section("thresholds: []"),
        step("gett: /"),
        step("think: 1s, get: /"),
        step("get: /, expect: {status: abc}"),
        step("get: /, redirects: 21"),
        step("get: /").replace("users: 1", "rate: 1/s"),
        step("get: /").replace("users: 1", "users: 0"),
        step("get: /").replace("duration: 1s", "max_duration: 1s"),
        step("get: /").replace("constant-users", "constant"),
        "target: http://h".to_owned(),
    ];
    for plan in wrong {
        assert!(yaml(&plan).is_err(), "{plan}");
        assert!(!accepts(&schema(), &document(&plan)), "{plan}");
    }
}

#[test]
fn spellings_of_k6_validate() {
    let plan = step("get: /").replace("constant-users", "per-vu-iterations").replace("users: 1", "vus: 1");
    let plan = plan.replace("duration: 1s", "iterations: 1");
    assert!(yaml(&plan).is_ok());
    assert!(accepts(&schema(), &document(&plan)));
}

/// A plan in which a table of the description stands, with one more entry in it.
fn with_entry(table: &'static Table, entry: &str) -> String {
    let in_scenario = |executor: &str| super::scenario(&format!("executor: {executor}\n{entry}"));
    let is = |other: &'static Table| std::ptr::eq(table, other);
    match () {
        () if is(&PLAN) => entry.to_owned(),
        () if is(&HTTP) => section(&format!("http: {{{entry}}}")),
        () if is(&AUTH) => step(&format!("get: /, auth: {{{entry}}}")),
        () if is(&BASIC) => step(&format!("get: /, auth: {{basic: {{{entry}}}}}")),
        () if is(&AWS) => step(&format!("get: /, auth: {{aws: {{{entry}}}}}")),
        () if is(&OAUTH2) => step(&format!("get: /, auth: {{oauth2: {{{entry}}}}}")),
        () if is(&SECRET) => section(&format!("secrets: {{a: {{{entry}}}}}")),
        () if is(&FEEDER) => section(&format!("data: {{a: {{{entry}}}}}")),
        () if is(&CONNECT) => section(&format!("connect: {{{entry}}}")),
        () if is(&DNS) => section(&format!("connect: {{dns: {{{entry}}}}}")),
        () if is(&TLS) => section(&format!("connect: {{tls: {{{entry}}}}}")),
        () if is(&AGENTS) => section(&format!("agents: {{{entry}}}")),
        () if is(&STAGE) => super::scenario(&format!("executor: ramping-users\nstages: [{{{entry}}}]")),
        () if is(&REQUEST) => step(entry),
        () if is(&THINK_DRAWN) => step(&format!("think: {{{entry}}}")),
        () if is(&RETRY) => step(&format!("get: /, retry: {{{entry}}}")),
        () if is(&CHOICE) => step(&format!("choose: [{{{entry}}}]")),
        () if STEPS.iter().any(|table| is(table)) => {
            let word = BLOCKS.into_iter().find(|word| table.keys[0].name == *word).unwrap_or("get");
            step(&if entry.starts_with(&format!("{word}:")) { entry.to_owned() } else { format!("{word}: 1, {entry}") })
        }
        () if is(&BODY_FILE) => step(&format!("post: /, body: {{{entry}}}")),
        () if is(&PART) => step(&format!("post: /, multipart: {{a: {{{entry}}}}}")),
        () if is(&CAPTURE) => step(&format!("get: /, capture: {{a: {{{entry}}}}}")),
        () if is(&METRIC) => step(&format!("get: /, metrics: {{a: {{{entry}}}}}")),
        () if is(&EXPECT) => step(&format!("get: /, expect: {{{entry}}}")),
        () => {
            let key = entry.split(':').next().unwrap();
            let takes =
                |keys: &&super::super::keys::ExecutorKeys| keys.needs.contains(&key) || keys.takes.contains(&key);
            let executor = super::super::keys::EXECUTORS.iter().find(takes).map_or("constant-users", |keys| keys.name);
            in_scenario(executor)
        }
    }
}

/// All tables that the plan's description leads to.
fn tables() -> Vec<&'static Table> {
    fn walk(kind: &'static Kind, found: &mut Vec<&'static Table>) {
        match kind {
            Kind::Table(table) => add(table, found),
            Kind::Step => STEPS.iter().for_each(|table| add(table, found)),
            Kind::List { of, .. } | Kind::Map { of, .. } => walk(of, found),
            Kind::AnyOf(kinds) => kinds.iter().for_each(|kind| walk(kind, found)),
            _ => {}
        }
    }
    fn add(table: &'static Table, found: &mut Vec<&'static Table>) {
        if found.iter().any(|known| std::ptr::eq(*known, table)) {
            return;
        }
        found.push(table);
        table.keys.iter().for_each(|key| walk(&key.kind, found));
    }
    let mut found = Vec::new();
    add(&PLAN, &mut found);
    found
}

/// Whether no value can be wrong for this kind.
fn takes_anything(kind: &Kind) -> bool {
    match kind {
        Kind::Anything | Kind::Expectation => true,
        Kind::AnyOf(kinds) => kinds.iter().any(takes_anything),
        Kind::List { of, .. } => matches!(of, Kind::Anything),
        _ => false,
    }
}

#[test]
fn every_described_key_is_read() {
    assert_eq!(tables().len(), 34);
    for table in tables() {
        for key in table.keys {
            for name in key.also.iter().chain([&key.name]) {
                if takes_anything(&key.kind) {
                    continue;
                }
                // No key takes a list within a list, so whoever reads the key says so.
                let entry = format!("{name}: [[[]]]");
                let plan = match *name {
                    "executor" => super::scenario(&entry),
                    "delimiter" | "columns" => with_entry(table, &format!("file: x.csv, {entry}")),
                    "url" => with_entry(table, &format!("method: get, {entry}")),
                    _ => with_entry(table, &entry),
                };
                let found = super::mistakes(&plan);
                let noticed = found.lines().any(|line| {
                    let path = line.split(": ").next().unwrap_or_default();
                    path.ends_with(name) || path.ends_with(&format!("{name}[0]"))
                });
                assert!(noticed && !found.contains("unknown key"), "{name} of {}: {found}", table.about);
            }
        }
    }
}

#[test]
fn every_described_key_is_in_the_schema_with_its_meaning() {
    let schema = schema();
    let scenario = &schema["properties"]["scenarios"]["additionalProperties"];
    let properties = scenario["properties"].as_object().unwrap();
    let spelled: usize = SCENARIO.keys.iter().map(|key| 1 + key.also.len()).sum();
    assert_eq!(properties.len(), spelled);
    assert_eq!(properties["vus"]["minimum"], json!(1));
    assert!(properties.values().all(|property| property["description"].as_str().is_some_and(|text| text.len() > 10)));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
