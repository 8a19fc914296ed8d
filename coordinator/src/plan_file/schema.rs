//! The JSON Schema of plan files, for editors. Made from the reader's own description of keys, so that the two cannot
//! drift apart; a derived one would describe types that the reader, which collects all mistakes, does not have.

use serde_json::{Map, Value, json};

use super::keys::{EXECUTORS, ExecutorKeys, Key, Kind, PLAN, PRESET, SCENARIO, STEPS, Table};

/// The JSON Schema (draft 2020-12) of plan files.
#[must_use]
pub fn schema() -> Value {
    let mut schema = table(&PLAN);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("Muster plan");
    schema["$defs"] = json!({"step": {"anyOf": STEPS.iter().map(|of| table(of)).collect::<Vec<_>>()}});
    schema
}

fn table(table: &Table) -> Value {
    let mut properties = Map::new();
    for key in table.keys {
        for name in key.also.iter().chain([&key.name]) {
            properties.insert((*name).to_owned(), property(key));
        }
    }
    let patterns: Map<String, Value> =
        table.named.iter().map(|key| (format!(r"^{}\s+\S", key.name), property(key))).collect();
    let mut schema = json!({
        "type": "object",
        "description": table.about,
        "properties": properties,
        "additionalProperties": false,
    });
    let required: Vec<&str> = table.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !patterns.is_empty() {
        schema["patternProperties"] = Value::Object(patterns);
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if std::ptr::eq(table, &SCENARIO) {
        schema["allOf"] = by_executor();
        schema["oneOf"] = json!([{"required": ["executor"]}, {"required": ["preset"]}]);
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = kind(&key.kind);
    schema["description"] = json!(key.about);
    schema
}

fn kind(of: &Kind) -> Value {
    match of {
        Kind::Text => json!({"type": ["string", "number", "boolean"]}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Whole { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Duration { .. } => {
            json!({"type": "string", "pattern": r"^\s*([0-9]+(\.[0-9]+)?\s*(d|h|m|s|ms|us|µs|ns)\s*)+$", "examples": ["10s", "5m30s"]})
        }
        Kind::Rate => {
            json!({"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*/\s*(s|m|min|h)\s*$", "examples": ["500/s"]})
        }
        Kind::Size { .. } => {
            json!({"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(B|[kKMG]B|[KMG]iB)\s*$", "examples": ["64KiB"]})
        }
        Kind::Part => json!({"anyOf": [
            {"type": "number", "minimum": 0, "maximum": 1},
            {"type": "string", "pattern": r"^\s*((100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)\s*%|0(\.[0-9]+)?|1(\.0+)?)\s*$", "examples": ["1%"]},
        ]}),
        Kind::Address => json!({"type": "string", "pattern": "^[0-9a-fA-F.:]+$", "examples": ["127.0.0.1"]}),
        Kind::Status => json!({"anyOf": [
            {"type": "integer", "minimum": 100, "maximum": 599},
            {"type": "string", "pattern": r"^([1-5](xx|XX)|[1-5][0-9]{2}\s*(-\s*[1-5][0-9]{2})?)$"},
        ]}),
        Kind::Expectation => json!({"examples": ["not empty", "contains json", "< 5"]}),
        Kind::Step => json!({"$ref": "#/$defs/step"}),
        Kind::Pause => json!({"type": "string", "examples": ["1s", "1s..3s"]}),
        Kind::Threshold => json!({"anyOf": [
            {"type": "string", "examples": ["http_req_duration: p(99) < 250ms"]},
            {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": {"type": "string"}},
        ]}),
        Kind::OneOf(words) => one_of(words),
        Kind::Executor => {
            let names: Vec<&str> =
                EXECUTORS.iter().flat_map(|keys| keys.also.iter().chain([&keys.name])).copied().collect();
            json!({"type": "string", "enum": names})
        }
        Kind::Table(of) => table(of),
        Kind::List { of, max } => json!({"type": "array", "items": kind(of), "minItems": 1, "maxItems": max}),
        Kind::Map { of, max } => json!({"type": "object", "additionalProperties": kind(of), "maxProperties": max}),
        Kind::AnyOf(kinds) => json!({"anyOf": kinds.iter().map(kind).collect::<Vec<_>>()}),
        Kind::Anything => json!({}),
    }
}

/// A word; `1.1` is a number to YAML unless it is quoted, and read all the same.
fn one_of(words: &[&str]) -> Value {
    let numbers = words.iter().filter_map(|word| word.parse::<f64>().ok()).map(Value::from);
    json!({"enum": words.iter().map(|word| Value::from(*word)).chain(numbers).collect::<Vec<_>>()})
}

/// What each executor needs, and which keys belong to others.
fn by_executor() -> Value {
    let names = |keys: &ExecutorKeys| keys.also.iter().chain([&keys.name]).copied().collect::<Vec<_>>();
    let rules = EXECUTORS.iter().map(|keys| {
        let is_meant = json!({"properties": {"executor": {"enum": names(keys)}}, "required": ["executor"]});
        json!({"if": is_meant, "then": keys_of(keys)})
    });
    Value::Array(rules.chain([json!({"if": {"required": ["preset"]}, "then": keys_of(&PRESET)})]).collect())
}

/// What an executor needs, and which keys belong to others.
fn keys_of(keys: &ExecutorKeys) -> Value {
    let key = |name: &str| SCENARIO.keys.iter().find(|key| key.name == name);
    let takes = |key: &Key| keys.takes(key.name);
    let refused = SCENARIO.keys.iter().filter(|key| !takes(key));
    let refused = refused.flat_map(|key| key.also.iter().chain([&key.name]));
    let refused: Map<String, Value> = refused.map(|name| ((*name).to_owned(), json!(false))).collect();
    let needed = keys.needs.iter().filter_map(|name| key(name)).map(|key| {
        let spelled = key.also.iter().chain([&key.name]);
        json!({"anyOf": spelled.map(|name| json!({"required": [name]})).collect::<Vec<_>>()})
    });
    let needed: Vec<Value> = needed.collect();
    let mut then = json!({"properties": refused});
    if !needed.is_empty() {
        then["allOf"] = Value::Array(needed);
    }
    if !keys.needs_one.is_empty() {
        then["oneOf"] = keys.needs_one.iter().map(|name| json!({"required": [name]})).collect();
    }
    then
}
