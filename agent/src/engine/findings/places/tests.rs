use proptest::prelude::*;
use serde_json_path::JsonPath;

use super::*;

/// What is found there in a text, whether or not all of it is needed, which must agree.
fn found(text: &str, paths: &[String]) -> Result<Vec<Option<Json>>, String> {
    let [some, all] = [false, true].map(|needs_all| {
        let mut places = Places { needs_all, ..Places::default() };
        let numbers: Vec<usize> = paths.iter().map(|path| places.add(path).unwrap()).collect();
        let values = places.find(text.as_bytes())?;
        Ok(numbers.iter().map(|number| places.at(&values, *number).cloned()).collect())
    });
    assert_eq!(some, all);
    some
}

/// The same, by the rules.
fn wanted(text: &str, paths: &[String]) -> Result<Vec<Option<Json>>, String> {
    let json: Json = serde_json::from_slice(text.as_bytes()).map_err(|error| error.to_string())?;
    let query = |path: &String| JsonPath::parse(path).unwrap().query(&json).all().first().map(|json| (*json).clone());
    Ok(paths.iter().map(query).collect())
}

#[test]
fn the_last_of_several_members_counts() {
    let paths = ["$.a", "$.a.b", "$.a.c[1]"].map(str::to_owned);
    for text in [
        r#"{"a": {"b": 1, "c": [1, 2]}, "a": {"c": [3, 4]}}"#,
        r#"{"a": {"b": 1}, "a": 5, "x": {"a": 6}}"#,
        r#"{"a": 5, "a": {"b": 1, "b": 2}}"#,
    ] {
        assert_eq!(found(text, &paths), wanted(text, &paths), "{text}");
        assert_eq!(found(text, &paths[1..]), wanted(text, &paths[1..]), "{text}");
    }
}

#[test]
fn what_is_no_json_is_told_as_if_all_of_it_were_kept() {
    let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let texts =
        ["", "{", "[1,]", "{\"b\": 1e999}", r#"{"b": "\ud800"}"#, "{\"b\": \"\n\"}", "{}x", "nul", "{1: 2}", "01"];
    for text in texts.into_iter().map(str::to_owned).chain([deep(127), deep(128), deep(100_000)]) {
        for path in ["$", "$.a", "$[0]"] {
            let paths = [path.to_owned()];
            assert_eq!(found(&text, &paths), wanted(&text, &paths), "{path} of {text:.60}");
        }
    }
    let mut places = Places::default();
    places.add("$.a");
    assert!(places.find(b"{\"b\": \"\xff\"}").err().is_some_and(|error| error.starts_with("invalid unicode")));
}

/// A text that is JSON, in which names recur.
fn document() -> impl Strategy<Value = String> {
    let scalar = prop_oneof!["null|true|0|-7|1.5e3", "\"[a-c]{0,2}\"", Just(r#""\u00e9\n""#.to_owned())];
    scalar.prop_recursive(4, 40, 4, |value| {
        let members = prop::collection::vec(("[a-c]", value.clone()), 0..4);
        let map = members.prop_map(|members| {
            let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
            format!("{{{}}}", members.join(", "))
        });
        let list = prop::collection::vec(value, 0..4).prop_map(|values| format!("[{}]", values.join(",")));
        prop_oneof![map, list]
    })
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof!["\\.[a-c]", "\\['[a-c]'\\]", "\\[\"[a-c]\"\\]", "\\[[0-3]\\]"];
    prop::collection::vec(segment, 0..4).prop_map(|segments| format!("${}", segments.concat()))
}

proptest! {
    #[test]
    fn one_pass_finds_what_the_paths_name(text in document(), paths in prop::collection::vec(path(), 0..5)) {
        prop_assert_eq!(found(&text, &paths), wanted(&text, &paths));
    }

    #[test]
    fn damage_is_told_alike(text in document(), at in any::<prop::sample::Index>(), junk in "[ -~]", path in path()) {
        let (mut damaged, at) = (text.clone(), at.index(text.len() + 1));
        damaged.insert_str(text.floor_char_boundary(at), &junk);
        for text in [damaged.as_str(), &text[..text.floor_char_boundary(at)]] {
            prop_assert_eq!(found(text, std::slice::from_ref(&path)), wanted(text, std::slice::from_ref(&path)));
        }
    }
}
