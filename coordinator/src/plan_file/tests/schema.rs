//! The schema and the reader agree.

use serde_json::{Value, json};

use super::super::keys::{
    AGENTS, BODY_FILE, CONNECT, DNS, EXPECT, HTTP, Kind, PLAN, REQUEST, SCENARIO, STAGE, THINK, TLS, Table,
};
use super::super::{parse_duration, parse_part, parse_rate, parse_size, schema};
use super::{section, step, yaml};

/// Whether a schema, of the kinds of keywords that ours uses, accepts a value.
fn accepts(schema: &Value, value: &Value) -> bool {
    match schema {
        Value::Bool(accepts) => *accepts,
        Value::Object(keywords) => keywords.iter().all(|(keyword, of)| holds(keyword, of, schema, value)),
        _ => panic!("not a schema: {schema}"),
    }
}

fn holds(keyword: &str, of: &Value, schema: &Value, value: &Value) -> bool {
    let all = |of: &Value| of.as_array().unwrap().iter().all(|schema| accepts(schema, value));
    let number =
        |of: &Value, test: fn(f64, f64) -> bool| value.as_f64().is_none_or(|value| test(value, of.as_f64().unwrap()));
    let length = match value {
        Value::Array(items) => items.len() as u64,
        Value::Object(entries) => entries.len() as u64,
        _ => 0,
    };
    match keyword {
        "$schema" | "title" | "description" | "examples" | "then" => true,
        "type" => match of {
            Value::Array(types) => types.iter().any(|of| is_type(of, value)),
            of => is_type(of, value),
        },
        "enum" => of.as_array().unwrap().contains(value),
        "anyOf" => of.as_array().unwrap().iter().any(|schema| accepts(schema, value)),
        "allOf" => all(of),
        "if" => !accepts(of, value) || accepts(&schema["then"], value),
        "minimum" => number(of, |value, min| value >= min),
        "maximum" => number(of, |value, max| value <= max),
        "minItems" => !value.is_array() || length >= of.as_u64().unwrap(),
        "maxItems" => !value.is_array() || length <= of.as_u64().unwrap(),
        "minProperties" => !value.is_object() || length >= of.as_u64().unwrap(),
        "maxProperties" => !value.is_object() || length <= of.as_u64().unwrap(),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| accepts(of, item))),
        "required" => of.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
        "properties" => of.as_object().unwrap().iter().all(|(key, of)| value.get(key).is_none_or(|v| accepts(of, v))),
        "additionalProperties" => value.as_object().is_none_or(|entries| {
            let others = entries.iter().filter(|(key, _)| schema["properties"].get(key).is_none());
            others.into_iter().all(|(_, value)| accepts(of, value))
        }),
        "pattern" => value.as_str().is_none_or(|text| matches(of.as_str().unwrap(), text)),
        other => panic!("unknown keyword `{other}`"),
    }
}

fn is_type(of: &Value, value: &Value) -> bool {
    match of.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        other => panic!("unknown type `{other}`"),
    }
}

/// Whether a text matches one of our patterns, told apart by the units in them; the reader's own parsers say.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        pattern if pattern.contains("|ms|") => parse_duration(text).is_ok(),
        pattern if pattern.contains("|min|") => parse_rate(text).is_ok(),
        pattern if pattern.contains("iB") => parse_size(text).is_ok(),
        pattern if pattern.contains("xx") => text.chars().all(|c| c.is_ascii_digit() || "x-".contains(c)),
        pattern if pattern.contains('%') => parse_part(text).is_ok(),
        pattern if pattern.contains("a-f") => text.parse::<std::net::IpAddr>().is_ok(),
        other => panic!("unknown pattern `{other}`"),
    }
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
        () if is(&CONNECT) => section(&format!("connect: {{{entry}}}")),
        () if is(&DNS) => section(&format!("connect: {{dns: {{{entry}}}}}")),
        () if is(&TLS) => section(&format!("connect: {{tls: {{{entry}}}}}")),
        () if is(&AGENTS) => section(&format!("agents: {{{entry}}}")),
        () if is(&STAGE) => super::scenario(&format!("executor: ramping-users\nstages: [{{{entry}}}]")),
        () if is(&REQUEST) => step(entry),
        () if is(&THINK) => step(entry),
        () if is(&BODY_FILE) => step(&format!("post: /, body: {{{entry}}}")),
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
            Kind::Tables(tables) => tables.iter().for_each(|table| add(table, found)),
            Kind::List { of, .. } | Kind::Map { of, .. } => walk(of, found),
            Kind::AnyOf(kinds) => kinds.iter().for_each(|kind| walk(kind, found)),
            _ => {}
        }
    }
    fn add(table: &'static Table, found: &mut Vec<&'static Table>) {
        found.push(table);
        table.keys.iter().for_each(|key| walk(&key.kind, found));
    }
    let mut found = Vec::new();
    add(&PLAN, &mut found);
    found
}

#[test]
fn every_described_key_is_read() {
    assert_eq!(tables().len(), 12);
    for table in tables() {
        for key in table.keys {
            for name in key.also.iter().chain([&key.name]) {
                if name == &"json" {
                    continue;
                }
                // No key takes a list within a list, so whoever reads the key says so.
                let entry = format!("{name}: [[[]]]");
                let plan = match *name {
                    "executor" => super::scenario(&entry),
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
