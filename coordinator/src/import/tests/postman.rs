//! Collections of requests.

use super::{refused, shown};
use crate::import::Source::Postman;

#[test]
fn a_collection_with_folders_and_variables() {
    let shown = shown(include_str!("inputs/shop.postman.json"), Postman);
    assert!(!shown.contains("SECRET"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_no_collection_is_refused() {
    let all = ["", "{}", "{\"requests\": [], \"order\": []}", "{\"item\": []}"];
    let told: Vec<String> = all.iter().map(|text| refused(text, Postman)).collect();
    insta::assert_snapshot!("refused_collections", told.join("\n\n"));
}

#[test]
fn a_collection_in_an_envelope_is_one() {
    let text = r#"{"collection": {"item": [{"request": "http://a.test/x"}]}}"#;
    assert!(shown(text, Postman).contains("name: unnamed\n        get: /x"));
}
