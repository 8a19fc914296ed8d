use muster_proto::measurement::{METRIC_UNIT, Note};
use muster_proto::plan::{Condition, MetricKind, Source};

use super::Response;
use super::condition::Operand;
use super::metric::note_of;
use super::places::Places;
use super::probe::Probe;
use super::seen::Seen;
use crate::engine::transport::Kept;

const HEAD: &str = "HTTP/1.1 201 Created\r\nContent-Type: application/json; charset=utf-8\r\nset-cookie: sid=a=b; \
                    Path=/\r\nSet-Cookie: theme=dark\r\nx-n:  12 \r\n\r\n";
const JSON: &str =
    r#"{"items": [{"id": 7, "name": "shoe"}, {"id": 8, "name": "hät"}], "total": 2.0, "none": null, "a b": []}"#;
const HTML: &str = r#"<html><form action="/login"><input name="csrf" value="t0k&amp;en"><p class=x> hi <b>you</b> </p></form>
    <p>last</p></html>"#;

fn kept(body: &str) -> Kept {
    Kept { head: HEAD.as_bytes().to_vec(), body: body.as_bytes().to_vec() }
}

fn probe(source: &Source) -> Result<(Probe, Places), String> {
    let mut places = Places::default();
    Probe::new(source, &mut places).map(|probe| (probe, places))
}

fn seen<'r>(kept: &'r Kept, places: &'r Places) -> Seen<'r> {
    Seen::new(&Response { status: 201, time_ns: 12_500_000, kept }, places)
}

/// What is found there, as texts.
fn found(body: &str, source: Source) -> Vec<String> {
    let kept = kept(body);
    let (probe, places) = probe(&source).unwrap();
    let seen = seen(&kept, &places);
    probe.find(&seen).iter().map(|found| found.as_text().into_owned()).collect()
}

fn json(path: &str) -> Source {
    Source::Json(path.to_owned())
}

fn css(selector: &str, attribute: Option<&str>) -> Source {
    Source::Css(selector.to_owned(), attribute.map(str::to_owned))
}

#[test]
fn a_body_that_comes_compressed_is_searched_as_what_it_says() {
    let coded = |body: Vec<u8>| Kept { head: b"HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\n\r\n".to_vec(), body };
    let whole = coded(zstd::encode_all(JSON.as_bytes(), 1).unwrap());
    let length = whole.body.len().to_string();
    for (source, wanted) in
        [(json("$.items[1].name"), "hät"), (Source::Body, JSON), (Source::Size, &length), (json("$.total"), "2.0")]
    {
        let (probe, places) = probe(&source).unwrap();
        let seen = seen(&whole, &places);
        assert_eq!(probe.find(&seen)[0].as_text(), wanted, "{source:?}");
    }
    let broken = coded(b"{}".to_vec());
    let (_, places) = probe(&json("$.total")).unwrap();
    let why = seen(&broken, &places).at(0).unwrap_err().to_owned();
    assert!(why.starts_with("the body is not coded as `zstd`, which it says it is: "), "{why}");
}

#[test]
fn everything_of_a_response_can_be_found() {
    assert_eq!(found(JSON, Source::Status), ["201"]);
    assert_eq!(found(JSON, Source::Time), ["12.5"]);
    assert_eq!(found("12345", Source::Size), ["5"]);
    assert_eq!(found("a\nb", Source::Body), ["a\nb"]);
    assert_eq!(found("", Source::Header("content-type".to_owned())), ["application/json; charset=utf-8"]);
    assert_eq!(found("", Source::Header("x-n".to_owned())), ["12"]);
    assert_eq!(found("", Source::Header("set-cookie".to_owned())).len(), 2);
    assert_eq!(found("", Source::Cookie("sid".to_owned())), ["a=b"]);
    assert_eq!(found("", Source::Cookie("SID".to_owned())), [""; 0]);
    assert_eq!(found(JSON, json("$.items[1].name")), ["hät"]);
    assert_eq!(found(JSON, json("$.items[*].id")), ["7", "8"]);
    assert_eq!(found(JSON, json("$.items[?@.id > 7].name")), ["hät"]);
    assert_eq!(found(JSON, json("$['a b']")), ["[]"]);
    assert_eq!(found(JSON, json("$.nothing")), [""; 0]);
    assert_eq!(found("no json", json("$.items")), [""; 0]);
    assert_eq!(found("id=7; id=8", Source::Regex("id=([0-9])".to_owned())), ["7", "8"]);
    assert_eq!(found("id=7; id=8", Source::Regex("id=[0-9]".to_owned())), ["id=7", "id=8"]);
    assert_eq!(found(HTML, css("input[name=csrf]", Some("value"))), ["t0k&en"]);
    assert_eq!(found(HTML, css("p", None)), ["hi you", "last"]);
    assert_eq!(found(HTML, css("p", Some("id"))), [""; 0]);
}

fn holds(body: &str, source: Source, condition: Condition, operand: &str) -> bool {
    let kept = kept(body);
    let (probe, places) = probe(&source).unwrap();
    let seen = seen(&kept, &places);
    Operand::new(condition, operand).unwrap().holds(condition, &probe.find(&seen))
}

#[test]
fn conditions_are_what_they_are_called() {
    use Condition::*;
    let header = |name: &str| Source::Header(name.to_owned());
    let is = |source: Source, condition, operand| holds(JSON, source, condition, operand);
    assert!(
        is(json("$.total"), Equal, "2") && !is(json("$.total"), Equal, "\"2\"") && is(json("$.total"), NotEqual, "3")
    );
    assert!(is(json("$.items[0]"), Equal, r#"{"name": "shoe", "id": 7}"#));
    assert!(is(json("$.none"), Equal, "null") && is(json("$.none"), Exists, "") && is(json("$.none"), Empty, ""));
    assert!(is(header("x-n"), Equal, "12") && is(header("x-n"), Equal, "\"12\"") && is(header("x-n"), Less, "12.5"));
    assert!(is(json("$.items[*].id"), Greater, "6") && !is(json("$.items[*].id"), Greater, "7"), "each of them");
    assert!(is(json("$.items[*].id"), GreaterOrEqual, "7") && is(json("$.items[*].id"), LessOrEqual, "8"));
    assert!(is(header("content-type"), Contains, "json") && is(header("content-type"), NotContains, "xml"));
    assert!(is(header("content-type"), StartsWith, "application/") && is(header("content-type"), EndsWith, "utf-8"));
    assert!(is(Source::Body, Matches, "\"id\": [0-9]+") && is(Source::Body, NotMatches, "error"));
    assert!(is(json("$.items"), NotEmpty, "") && is(json("$['a b']"), Empty, "") && !is(json("$.x"), NotEmpty, ""));
    assert!(is(json("$.x"), Absent, "") && !is(json("$.total"), Absent, "") && !is(json("$.x"), Exists, ""));
    assert!(!is(json("$.x"), NotEqual, "1") && !is(json("$.x"), NotContains, "1"), "nothing is not like anything");
    assert!(is(Source::Status, Status, "200-299,404-404") && !is(Source::Status, Status, "200-200"));
    assert!(is(Source::Time, Less, "12.6") && is(Source::Size, Greater, "10"));
    assert!(is(json("$.items[*].name"), Matches, "^[a-zä]+$"));
    let schema = r#"{"type": "array", "items": {"required": ["id"], "properties": {"id": {"type": "integer"}}}}"#;
    assert!(is(json("$.items"), Schema, schema) && !is(json("$.total"), Schema, schema));
    assert!(is(json("$"), Contains, "total"), "a map contains its keys");
    assert!(holds(r#"["a", 1]"#, json("$"), Contains, "1") && !holds(r#"["a", 1]"#, json("$"), Contains, "2"));
}

#[test]
fn what_cannot_be_looked_for_is_told() {
    let wrong = |source: Source| probe(&source).err().unwrap();
    assert!(wrong(json("items")).starts_with("no JSONPath: "));
    assert!(wrong(Source::Regex("(".to_owned())).starts_with("no regular expression: unclosed group"));
    assert!(wrong(Source::Regex("\\w{1000}{1000}".to_owned())).contains("size limit"));
    assert!(wrong(css("p[", None)).starts_with("no CSS selector: "));
    let wrong = |condition, operand| Operand::new(condition, operand).err().unwrap();
    assert_eq!(wrong(Condition::Less, "many"), "no number");
    assert!(wrong(Condition::Schema, r#"{"type": 5}"#).starts_with("no JSON Schema: "));
}

#[test]
fn metrics_are_counted_in_millionths() {
    let note = |kind, text| note_of(kind, text, 7);
    assert_eq!(note(MetricKind::Trend, "1.5"), Ok(Note::Value(METRIC_UNIT * 3 / 2)));
    assert_eq!(note(MetricKind::Counter, "2"), Ok(Note::Sum(2 * METRIC_UNIT)));
    assert_eq!(note(MetricKind::Gauge, "-0.5"), Ok(Note::Gauge { at_ns: 7, value: -(METRIC_UNIT as i64) / 2 }));
    assert_eq!(note(MetricKind::Rate, "true"), Ok(Note::Hit(true)));
    assert_eq!(note(MetricKind::Rate, "maybe"), Err("wanted `true` or `false`, found `maybe`".to_owned()));
    assert_eq!(note(MetricKind::Trend, "-1"), Err("wanted 0 or more, found `-1`".to_owned()));
    assert_eq!(note(MetricKind::Counter, "inf"), Err("wanted a number, found `inf`".to_owned()));
}

/// How many random texts are tried after those that fuzzing has kept.
const RANDOM_TEXTS: usize = 1_000;

/// How something can be looked for in a response by a pattern.
const LOOKS: [fn(String) -> Source; 6] = [
    Source::Json,
    Source::Regex,
    |selector| Source::Css(selector, None),
    |selector| Source::Css(selector, Some("href".to_owned())),
    Source::Header,
    Source::Cookie,
];

/// A line says with its first letters how to look and what for, and with the rest the pattern; the next one is what it is
/// compared with; then there are the head, up to an empty line, and the body.
#[test]
fn no_pattern_and_no_response_does_harm() {
    bolero::check!(name = "findings").with_iterations(RANDOM_TEXTS).for_each(|bytes: &[u8]| {
        let [look, compare, rest @ ..] = bytes else { return };
        let mut lines = rest.splitn(3, |byte| *byte == b'\n');
        let mut line = || lines.next().unwrap_or_default();
        let [pattern, operand] = [line(), line()].map(|line| String::from_utf8_lossy(line).into_owned());
        let response = line();
        let end = memchr::memmem::find(response, b"\n\n").map_or(0, |at| at + 2);
        let kept = Kept { head: response[..end].to_vec(), body: response[end..].to_vec() };

        let Ok((probe, places)) = probe(&LOOKS[usize::from(*look) % LOOKS.len()](pattern)) else { return };
        let seen = seen(&kept, &places);
        let found = probe.find(&seen);
        for found in &found {
            _ = (found.shown(), found.to_value(), found.as_number(), found.length());
        }
        _ = probe.absence(&seen);
        let condition = Condition::ALL[usize::from(*compare) % Condition::ALL.len()];
        if let Ok(operand) = Operand::new(condition, &operand) {
            _ = (operand.holds(condition, &found), operand.objection(&found));
        }
    });
}
