//! `$ref`: parts of a description that stand elsewhere in it.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::import::json::Json;

/// How many references may lead to one another.
const CHAIN_MAX: usize = 32;

static NOTHING: Json = Json::Null;

/// A description whose references can be followed.
pub(super) struct Document<'d> {
    root: &'d Json,
    /// Where references lead that were followed already: a schema may be used by thousands of others.
    known: RefCell<HashMap<&'d str, Option<&'d Json>>>,
}

impl<'d> Document<'d> {
    pub(super) fn new(root: &'d Json) -> Self {
        Self { root, known: RefCell::default() }
    }

    /// What a value stands for: itself, or what it refers to. Nothing where that is not in the description.
    pub(super) fn resolved(&self, value: &'d Json) -> &'d Json {
        let mut value = value;
        for _ in 0..CHAIN_MAX {
            match value.text_of("$ref") {
                None => return value,
                Some(reference) => {
                    let mut known = self.known.borrow_mut();
                    value = known.entry(reference).or_insert_with(|| self.find(reference)).unwrap_or(&NOTHING);
                }
            }
        }
        &NOTHING
    }

    /// What a reference such as `#/components/schemas/Pet` names.
    fn find(&self, reference: &str) -> Option<&'d Json> {
        let pointer = reference.strip_prefix("#/")?;
        let mut value = self.root;
        for part in pointer.split('/') {
            let key = decoded(part).replace("~1", "/").replace("~0", "~");
            value = match value {
                Json::List(items) => items.get(key.parse::<usize>().ok()?)?,
                value => value.get(&key),
            };
        }
        Some(value)
    }
}

/// A text in which `%2F` and its like stand for what they mean.
fn decoded(text: &str) -> String {
    // A form's encoding differs only in what stands between its fields, and in the plus.
    let name = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(name.as_bytes()).next().map_or_else(String::new, |(text, _)| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_to_parts_of_the_document_or_nowhere() {
        let text = r##"{"a": {"b/c": [1, {"$ref": "#/d"}], "e+f": 8}, "d": {"x": 7}, "loop": {"$ref": "#/loop"},
            "to": [{"$ref": "#/a/b~1c/1"}, {"$ref": "#/a/b%2Fc/1"}, {"$ref": "#/loop"}, {"$ref": "#/none"},
            {"$ref": "#/a/b~1c/9"}, {"$ref": "other.yaml#/d"}, {"$ref": ""}]}"##;
        let root = Json::parse(text).unwrap();
        let document = Document::new(&root);
        let found: Vec<Option<u64>> =
            root.get("to").items().iter().map(|to| document.resolved(to).get("x").whole()).collect();
        assert_eq!(found, [Some(7), Some(7), None, None, None, None, None]);
        assert_eq!(document.find("#/a/e+f").and_then(Json::whole), Some(8));
    }
}
