//! What a response must be.

use muster_proto::plan::{Check, Condition, Source, StatusSet};

use super::keys::{BODY_FILE, EXPECT};
use super::reader::{Field, Fields, Reader};
use super::tree::Value;
use super::units::{parse_duration, parse_size};
use super::{files, json, source, status, template};

/// What is expected of a response.
#[derive(Default)]
pub(super) struct Expected {
    /// Which statuses are no failure, where the plan says so.
    pub(super) status: Option<StatusSet>,
    pub(super) checks: Vec<Check>,
    pub(super) fails: bool,
}

/// Reads what is expected.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Expected {
    let mut expected = Expected::default();
    let Some(fields) = reader.open(field, &EXPECT) else { return expected };
    if fields.of().node.is_empty() {
        reader.at_key(field, "nothing is expected here").help("write `status: 200`, or `json $.id: exists`");
    }
    if let Some(field) = fields.get("status") {
        expected.status = status::read(reader, &field);
        let name = format!("status {}", shown(&field));
        expected.checks.extend(expected.status.as_ref().map(|set| status_check(name, set)));
    }
    for (name, place) in [("body", Source::Body), ("size", Source::Size), ("time", Source::Time)] {
        if let Some(field) = fields.get(name) {
            checks(reader, name, &place, &field, &mut expected.checks);
        }
    }
    if let Some(field) = fields.get("schema") {
        expected.checks.extend(schema(reader, &field));
    }
    for (word, rest, field) in fields.named() {
        if let Some(place) = source::named(reader, field, word, rest) {
            checks(reader, &format!("{word} {rest}"), &place, field, &mut expected.checks);
        }
    }
    expected.fails = fails(reader, &fields);
    expected
}

fn fails(reader: &mut Reader, fields: &Fields<'_>) -> bool {
    fields.get("fail").and_then(|field| reader.flag(&field)).unwrap_or_default()
}

fn status_check(name: String, set: &StatusSet) -> Check {
    let ranges: Vec<String> = set.0.iter().map(|(low, high)| format!("{low}-{high}")).collect();
    let name = super::shortened(&name);
    Check { name, source: Source::Status, condition: Condition::Status, operand: ranges.join(","), template: false }
}

/// A value as it was written, for the name of a check.
fn shown(field: &Field<'_>) -> String {
    match &field.node.value {
        Value::List(items) => items.iter().filter_map(|item| item.scalar()).collect::<Vec<_>>().join(", "),
        _ => field.node.scalar().map_or_else(|| json::literal(field.node), str::to_owned),
    }
}

/// A list is several things that something must be.
fn checks(reader: &mut Reader, what: &str, place: &Source, field: &Field<'_>, checks: &mut Vec<Check>) {
    for field in reader.one_or_more(field) {
        let Some((condition, operand, template)) = condition(reader, place, &field) else { continue };
        let name = super::shortened(&format!("{what} {}", shown(&field)));
        checks.push(Check { name, source: place.clone(), condition, operand, template });
    }
}

/// The words with which a condition begins, the longer first, and whether something follows.
const CONDITIONS: [(&str, Condition, bool); 19] = [
    ("not contains", Condition::NotContains, true),
    ("not matches", Condition::NotMatches, true),
    ("not empty", Condition::NotEmpty, false),
    ("starts with", Condition::StartsWith, true),
    ("ends with", Condition::EndsWith, true),
    ("contains", Condition::Contains, true),
    ("matches", Condition::Matches, true),
    ("empty", Condition::Empty, false),
    ("exists", Condition::Exists, false),
    ("absent", Condition::Absent, false),
    ("===", Condition::Equal, true),
    ("==", Condition::Equal, true),
    ("!==", Condition::NotEqual, true),
    ("!=", Condition::NotEqual, true),
    ("<=", Condition::LessOrEqual, true),
    (">=", Condition::GreaterOrEqual, true),
    ("<", Condition::Less, true),
    (">", Condition::Greater, true),
    ("equals", Condition::Equal, true),
];

/// Takes a text apart into what it says of something, and with what that is compared.
fn taken_apart(text: &str) -> (Condition, &str, bool) {
    let text = text.trim();
    for (word, condition, takes_operand) in CONDITIONS {
        let Some(rest) = text.strip_prefix(word) else { continue };
        let is_whole = !word.ends_with(char::is_alphabetic) || rest.is_empty() || rest.starts_with(char::is_whitespace);
        match takes_operand {
            true if is_whole && !rest.trim().is_empty() => return (condition, rest.trim(), true),
            false if rest.is_empty() => return (condition, "", true),
            _ => {}
        }
    }
    (Condition::Equal, text, false)
}

fn condition(reader: &mut Reader, place: &Source, field: &Field<'_>) -> Option<(Condition, String, bool)> {
    let Value::Text(text) = &field.node.value else {
        return json::plain(reader, field).map(|json| (Condition::Equal, json, false));
    };
    let (condition, operand, is_spelled) = taken_apart(text);
    let is_template = template::is_template(operand);
    if is_template && !template::check(reader, field, operand) {
        return None;
    }
    let operand = match condition {
        Condition::Equal | Condition::NotEqual if is_template => template::to_json(operand),
        Condition::Equal | Condition::NotEqual => as_json(operand, is_spelled),
        Condition::Matches | Condition::NotMatches if is_template => {
            reader.no_template(field, operand);
            return None;
        }
        Condition::Less | Condition::LessOrEqual | Condition::Greater | Condition::GreaterOrEqual if !is_template => {
            number(reader, place, field, operand)?
        }
        _ => operand.to_owned(),
    };
    let fits = is_template || source::operand_fits(reader, field, condition, &operand);
    fits.then_some((condition, operand, is_template))
}

/// What follows `==` is JSON if it can be; a text by itself is a text.
fn as_json(operand: &str, is_spelled: bool) -> String {
    let is_json = is_spelled && serde_json::from_str::<serde_json::Value>(operand).is_ok();
    if is_json { operand.to_owned() } else { serde_json::Value::from(operand).to_string() }
}

/// The number that something is compared with, in the unit of what is compared.
fn number(reader: &mut Reader, place: &Source, field: &Field<'_>, operand: &str) -> Option<String> {
    let (number, mistake) = match place {
        Source::Time => match parse_duration(operand) {
            Ok(duration) => (Some(duration.as_nanos() as f64 / 1e6), None),
            Err(mistake) => (None, Some(mistake)),
        },
        Source::Size => match operand.parse::<u64>().map_or_else(|_| parse_size(operand), Ok) {
            Ok(bytes) => (Some(bytes as f64), None),
            Err(mistake) => (None, Some(mistake)),
        },
        _ => return Some(operand.to_owned()),
    };
    if let Some(mistake) = mistake {
        reader.wrong(field, mistake.message).help = mistake.help;
    }
    number.map(|number| number.to_string())
}

fn schema(reader: &mut Reader, field: &Field<'_>) -> Option<Check> {
    let is_file = matches!(&field.node.value, Value::Map(entries) if entries.len() == 1 && entries[0].key == "file");
    let (name, operand) = if is_file {
        let fields = reader.open(field, &BODY_FILE)?;
        let file = fields.get("file")?;
        let bytes = files::body(reader, &file)?;
        (format!("schema {}", shown(&file)), String::from_utf8_lossy(&bytes).into_owned())
    } else {
        ("schema".to_owned(), json::plain(reader, field)?)
    };
    if !source::operand_fits(reader, field, Condition::Schema, &operand) {
        return None;
    }
    let (name, source) = (super::shortened(&name), Source::Json("$".to_owned()));
    Some(Check { name, source, condition: Condition::Schema, operand, template: false })
}
