//! What is written is read as the same requests, whatever is in them; and no input does harm.

use std::path::Path;

use muster_agent::engine::random::Key;
use muster_agent::engine::template::{Names, Template, Variables, Vars, within};
use proptest::prelude::*;

use crate::import::address::Address;
use crate::import::body::{Body, FORM, JSON};
use crate::import::journey::{Journey, Request};
use crate::import::json::Json;
use crate::import::parts::{self, Part};
use crate::import::plan;
use crate::import::text::Text;
use crate::plan_file::{Format, from_str};

/// A request as it goes out: method, URL, header fields in order of their names, body.
type Sent = (String, String, Vec<(String, String)>, String);

/// A text as it is sent.
fn made(text: &str) -> String {
    let names = Names::new(Vars::new([("v", "\"made \\\"up\\\"\"")], 0), []);
    let template = Template::compile(text, &names).unwrap();
    within(Key::default(), &mut Variables::default(), |scope| template.render(scope)).unwrap()
}

/// What a journey means.
fn meant(request: &Request) -> Sent {
    let mut headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), made(&value.written()).trim_matches([' ', '\t']).to_owned()))
        .collect();
    headers.sort();
    let body = match &request.body {
        Body::None => String::new(),
        Body::Text(text) => made(&text.written()),
        Body::Json(json) => made(&json.to_text().written()),
        Body::Form(fields) => made(&crate::import::body::encoded(fields).written()),
        Body::Parts(list) if !parts::holds(list) => String::new(),
        Body::Parts(list) => list.iter().map(part_meant).collect::<String>() + "--B--\r\n",
    };
    (
        request.method.clone(),
        made(&format!("{}{}", request.address.origin, request.address.path.written())),
        headers,
        body,
    )
}

/// A part, as it is sent.
fn part_meant(part: &Part) -> String {
    let name = part.name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let kind = part.kind.as_ref().map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
    let text = made(&part.text.written());
    format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n{kind}\r\n{text}\r\n")
}

/// What a plan means.
fn read(text: &str) -> Vec<Sent> {
    let read = from_str(text, Format::Yaml, "plan", Path::new(""));
    let plan = read.unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}")).plan;
    let sent = plan.scenarios[0].requests().into_iter().map(|request| {
        let mut headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.clone(), made(value))).collect();
        headers.sort();
        let body = made(std::str::from_utf8(&request.body.0).unwrap());
        let of_parts = |(_, value): &(String, String)| value.starts_with("multipart/form-data; boundary=muster-");
        let body = match headers.iter().position(of_parts) {
            Some(place) => {
                let (_, kind) = headers.remove(place);
                body.replace(kind.rsplit('=').next().unwrap(), "B")
            }
            None => body,
        };
        let base = muster_proto::plan::Url { path: String::new(), ..request.url.clone() };
        let url = format!("{base}{}", made(&request.url.path));
        (request.method.clone(), url, headers, body)
    });
    sent.collect()
}

/// Texts that a reader could take for something else.
fn tricky() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z]{1,8}",
        "[{}\"'\\\\: #\n\t&*!|>%@`,\\[\\]-]{0,12}",
        Just("{{ v }}".to_owned()),
        Just("null".to_owned()),
        Just("~".to_owned()),
        Just("0x10".to_owned()),
        Just("<<".to_owned()),
        Just("---".to_owned()),
    ]
}

/// A text with and without an expression.
fn text() -> impl Strategy<Value = Text> {
    (tricky(), any::<bool>(), tricky()).prop_map(|(before, expression, behind)| {
        let mut text = Text::literal(&before);
        if expression {
            text.push_expression("v");
        }
        text.push_literal(&behind);
        text
    })
}

fn json() -> impl Strategy<Value = Json<Text>> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Flag),
        any::<i64>().prop_map(|number| Json::Number(number.to_string())),
        "-?[1-9][0-9]{0,30}\\.[0-9]{1,9}([eE][+-]?[0-9]{1,3})?".prop_map(Json::Number),
        text().prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
            prop::collection::vec((tricky(), inner), 0..5).prop_map(Json::Map),
        ]
    })
}

fn body() -> impl Strategy<Value = (Body, Option<&'static str>)> {
    let types = prop_oneof![Just(None), Just(Some(JSON)), Just(Some(FORM)), Just(Some("text/x; a=b"))];
    let body = prop_oneof![
        Just(Body::None),
        text().prop_map(Body::Text),
        json().prop_map(Body::Json),
        prop::collection::vec((tricky(), text()), 0..6).prop_map(Body::Form),
        prop::collection::vec(part(), 1..6).prop_map(Body::Parts),
    ];
    (body, types)
}

fn part() -> impl Strategy<Value = Part> {
    let kind = prop_oneof![Just(None), Just(Some("text/x; a=b, c".to_owned()))];
    (tricky(), text(), kind).prop_map(|(name, text, kind)| Part { name, text, kind })
}

/// A header field that can be sent; what cannot is left out, and noted.
fn field() -> impl Strategy<Value = (String, Text)> {
    let name = prop_oneof![Just("accept".to_owned()), "[a-z!#$%&'*+.^_`|~-]{1,9}"];
    let value = text().prop_map(|text| text.map(|literal| literal.replace(char::is_control, " "), str::to_owned));
    (name, value).prop_filter("it can be sent", |(name, _)| {
        crate::import::headers::kind_by_hand(name) != crate::import::headers::Kind::Passing
    })
}

fn request() -> impl Strategy<Value = Request> {
    let origin = prop_oneof![Just("http://a.test"), Just("https://b.test:8443"), Just("http://[::1]:81")];
    let method = prop_oneof![Just("GET"), Just("POST"), Just("PURGE"), Just("HEAD")];
    let headers = prop::collection::vec(field(), 0..5);
    (origin, "/[a-z./]{0,5}", text(), method, headers, body(), tricky()).prop_map(
        |(origin, begin, path, method, headers, (body, kind), name)| {
            let mut url = Text::literal(&format!("{origin}{begin}"));
            url.push(path);
            let mut request = Request::new(method, Address::parse(&url).unwrap());
            request.headers = headers;
            request.name = Some(name);
            if let Some(kind) = kind {
                request.headers.retain(|(name, _)| name != "content-type");
                request.set_body(body, kind);
            } else {
                request.body = body;
            }
            request
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same_requests(requests in prop::collection::vec(request(), 1..5)) {
        let vars = vec![("v".to_owned(), Json::Text("made \"up\"".to_owned()))];
        let meant: Vec<Sent> = requests.iter().map(meant).collect();
        let journey = Journey { scenario: "a", vars, requests, ..Journey::default() };
        let plan = plan::write(journey).unwrap().plan;
        prop_assert_eq!(read(&plan), meant, "{}", plan);
    }
}
