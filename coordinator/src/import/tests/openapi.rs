//! Descriptions of interfaces.

use super::{refused, shown};
use crate::import::Source::OpenApi;

#[test]
fn a_store_in_yaml() {
    insta::assert_snapshot!(shown(include_str!("inputs/pets.yaml"), OpenApi));
}

#[test]
fn a_small_one_in_json() {
    let text = r##"{"openapi": "3.1.0", "servers": [{"url": "/api"}], "paths": {"/a": {"$ref": "#/components/pathItems/a"},
        "b": {"get": {}}}, "components": {"pathItems": {"a": {"get": {"parameters": [{"name": "q", "in": "query",
        "required": true, "schema": {"type": ["string", "null"], "examples": ["x&y"]}}]}}}}}"##;
    let shown = shown(text, OpenApi);
    assert!(shown.contains("target: http://127.0.0.1:8080\n"), "{shown}");
    assert!(shown.contains("name: GET /a\n        get: /api/a?q=x%26y\n"), "{shown}");
    assert!(shown.contains("get: /api/b\n"), "{shown}");
    assert!(shown.contains("the description names no host: set `target`"), "{shown}");
}

#[test]
fn what_is_no_description_is_refused() {
    let all = ["swagger: '2.0'", "openapi: 4.0.0", "a: [", "{\"a\"", "hello", "", "openapi: 3.1.0\npaths: {}"];
    let told: Vec<String> = all.iter().map(|text| refused(text, OpenApi)).collect();
    insta::assert_snapshot!("refused_descriptions", told.join("\n\n"));
}
