//! What a recording's responses gave and later requests sent back.

use crate::import::{HarOptions, Source, journey, plan};

/// One exchange: the request's fields beside its URL, its path, and the fields of its response.
type Exchange<'t> = (&'t str, &'t str, &'t str);

/// The steps of the plan of a recording.
fn steps(exchanges: &[Exchange<'_>]) -> String {
    let entry = |(path, request, response): &Exchange<'_>| {
        let request = format!(r#"{{"url": "http://a.test{path}"{request}}}"#);
        format!(r#"{{"request": {request}, "response": {{"status": 404{response}}}}}"#)
    };
    let entries: Vec<String> = exchanges.iter().map(entry).collect();
    let text = format!(r#"{{"log": {{"entries": [{}]}}}}"#, entries.join(","));
    let journey = journey(&text, Source::Har(HarOptions::default())).unwrap();
    let written = plan::write(journey).unwrap().plan;
    written.split_once("steps:\n").unwrap().1.to_owned()
}

/// A response with this JSON text, in which quotes are single.
fn gives(json: &str) -> String {
    format!(r#", "content": {{"mimeType": "application/json", "text": "{}"}}"#, json.replace('\'', "\\\""))
}

/// A request with this JSON text, in which quotes are single.
fn sends(json: &str) -> String {
    format!(r#", "postData": {{"mimeType": "application/json", "text": "{}"}}"#, json.replace('\'', "\\\""))
}

#[test]
fn values_are_replaced_wherever_they_are_sent() {
    let given = gives("{'order': {'id': 'o-12345678'}}");
    let headers = r#", "headers": [{"name": "x-order", "value": "o-12345678;new"}], "postData":
        {"mimeType": "text/plain", "text": "order o-12345678, o-12345678"}"#;
    let form = r#", "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "order=o-12345678"}"#;
    let json = sends("{'a': ['o-12345678', 'see o-12345678']}");
    let steps =
        steps(&[("/", "", &given), ("/o/o-12345678?x=o-12345678", headers, ""), ("/f", form, ""), ("/j", &json, "")]);
    insta::assert_snapshot!(steps);
}

#[test]
fn numbers_stay_numbers_and_texts_stay_texts() {
    let number = gives("{'n': 1234567890, 't': '9876543210'}");
    let sent = sends("{'a': 1234567890, 'b': '1234567890', 'c': 9876543210, 'd': '9876543210'}");
    let steps = steps(&[("/", "", &number), ("/", &sent, "")]);
    for line in [r#"a: "{{ n }}""#, r#"b: "{{ n | string }}""#, r#"c: "{{ t | int }}""#, r#"d: "{{ t }}""#] {
        assert!(steps.contains(line), "{steps}");
    }
}

#[test]
fn what_is_no_single_visitors_is_sent_as_it_was() {
    let given = gives("{'shop': 'main0001'}");
    for exchanges in [
        // It was sent before it was given.
        [("/main0001", "", given.as_str()), ("/", "", ""), ("/main0001", "", "")],
        // It was given twice before it was sent.
        [("/", "", given.as_str()), ("/", "", given.as_str()), ("/main0001", "", "")],
        // It is a part of something else.
        [("/", "", given.as_str()), ("/main00012", "", ""), ("/x-main0001", "", "")],
        // It is sent in another place of the response's own request.
        [("/?a=main0001", "", given.as_str()), ("/", "", ""), ("/", "", "")],
    ] {
        let steps = steps(&exchanges);
        assert!(!steps.contains("capture") && !steps.contains("{{"), "{steps}");
    }
}

#[test]
fn secrets_are_captured_or_left_out() {
    let login = r#", "headers": [{"name": "Set-Cookie", "value": "sid=s1234567; Path=/"}],
        "content": {"mimeType": "application/json", "text": "{\"token\": \"t7654321\"}"}"#;
    let cookies = r#", "headers": [{"name": "Cookie", "value": "a=SECRET; sid=s1234567"},
        {"name": "Authorization", "value": "Bearer t7654321"}, {"name": "X-Auth", "value": "SECRET; t7654321"}]"#;
    let steps = steps(&[("/login", "", login), ("/", cookies, "")]);
    assert!(steps.contains(r#"cookie: "sid={{ sid }}""#), "{steps}");
    assert!(steps.contains(r#"authorization: "Bearer {{ token }}""#), "{steps}");
    assert!(steps.contains("token: json $.token") && steps.contains("sid: cookie sid"), "{steps}");
    assert!(!steps.contains("SECRET") && !steps.contains("x-auth"), "{steps}");
}
