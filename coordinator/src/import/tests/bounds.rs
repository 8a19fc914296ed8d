//! Inputs that are larger than a plan can be, and inputs that are damaged.

use proptest::prelude::*;

use super::shown;
use crate::import::{HarOptions, ImportError, Source, import};

const HAR: Source = Source::Har(HarOptions { assets: true, all_origins: true });

/// A recording of requests like this one.
fn recording(request: &str, count: usize) -> String {
    let entry = format!(r#"{{"request": {request}, "response": {{"status": 200}}}}"#);
    format!(r#"{{"log": {{"entries": [{}]}}}}"#, vec![entry; count].join(","))
}

/// How many requests are left out of so many, according to the notes; a plan of the others is valid.
fn left_out(text: &str) -> usize {
    let shown = shown(text, HAR);
    let note = shown.lines().find_map(|line| line.strip_prefix("the last ")).unwrap_or("0 requests");
    note.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or_default()
}

#[test]
fn a_plan_takes_as_many_steps_as_it_may_have() {
    assert_eq!(left_out(&recording(r#"{"url": "http://a/"}"#, 10_000)), 0);
    assert_eq!(left_out(&recording(r#"{"url": "http://a/"}"#, 10_001)), 1);
}

#[test]
fn a_plan_stays_within_the_size_of_its_file() {
    let request = |bytes: usize| {
        let body = format!(r#"{{"mimeType": "text/plain", "text": "{}"}}"#, "x".repeat(bytes));
        format!(r#"{{"method": "POST", "url": "http://a/", "postData": {body}}}"#)
    };
    let left = left_out(&recording(&request(60_000), 100));
    assert!((80..90).contains(&left), "{left}");
    let told = shown(&recording(&request(70_000), 1), HAR);
    assert!(told.contains("bodies of more than 64 KiB are left out"), "{told}");
}

#[test]
fn a_plan_stays_within_what_agents_take() {
    let headers: Vec<String> =
        (0..20).map(|n| format!(r#"{{"name": "h{n}", "value": "{}"}}"#, "y".repeat(800))).collect();
    let request = format!(r#"{{"url": "http://a/", "headers": [{}]}}"#, headers.join(","));
    assert!(left_out(&recording(&request, 1_000)) > 700);
}

#[test]
fn what_a_plan_cannot_say_is_left_out() {
    let long = "z".repeat(9_000);
    for (request, note) in [
        (format!(r#"{{"url": "http://a/{long}"}}"#), "requests with too long a path"),
        (r#"{"url": "http://a/", "method": "CONNECT"}"#.to_owned(), "requests with a method that a plan cannot have"),
        (r#"{"url": "http://a/", "method": "A B"}"#.to_owned(), "requests with a method that a plan cannot have"),
        (r#"{"url": "http://a:0/"}"#.to_owned(), "no host and port can be reached by it"),
        (
            format!(r#"{{"url": "http://a/", "headers": [{{"name": "x", "value": "{long}"}}]}}"#),
            "cannot have are left out: x",
        ),
        (
            r#"{"url": "http://a/", "headers": [{"name": "x y", "value": ""}]}"#.to_owned(),
            "cannot have are left out: x y",
        ),
        (
            r#"{"url": "http://a/", "headers": [{"name": "x", "value": "a\nb"}]}"#.to_owned(),
            "cannot have are left out: x",
        ),
        (r#"{"url": "http://me:pw@a/"}"#.to_owned(), "users and passwords in URLs are left out"),
    ] {
        let told = match import(&recording(&request, 1), HAR) {
            Ok(imported) => imported.notes.join("\n"),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(note), "{told}");
    }
}

#[test]
fn values_that_only_look_like_numbers_are_sent_as_they_are() {
    let json = r#"{\"a\": 1e999, \"<<\": {}, \"b\": [12345678901234567890123]}"#;
    let request = format!(
        r#"{{"method": "POST", "url": "http://a/", "postData": {{"mimeType": "application/json", "text": "{json}"}}}}"#
    );
    let shown = shown(&recording(&request, 1), HAR);
    assert!(shown.contains(r#"body: '{"a":1e999,"<<":{},"b":[12345678901234567890123]}'"#), "{shown}");
}

const INPUTS: [(&str, Source); 4] = [
    (include_str!("inputs/shop.har"), HAR),
    (include_str!("inputs/commands.txt"), Source::Curl),
    (include_str!("inputs/pets.yaml"), Source::OpenApi),
    (include_str!("inputs/shop.postman.json"), Source::Postman),
];

proptest! {
    #[test]
    fn damaged_inputs_make_a_valid_plan_or_none(
        which in 0..INPUTS.len(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, ".{0,6}"), 1..6),
    ) {
        let (text, source) = INPUTS[which];
        let mut text = text.to_owned();
        for (place, length, insertion) in damages {
            let begin = text.floor_char_boundary(place.index(text.len() + 1));
            let end = text.floor_char_boundary((begin + length).min(text.len())).max(begin);
            text.replace_range(begin..end, &insertion);
        }
        let imported = import(&text, source);
        prop_assert!(!matches!(imported, Err(ImportError::Invalid(_))), "{:?}", imported);
    }
}
