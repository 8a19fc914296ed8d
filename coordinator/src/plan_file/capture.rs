//! What is kept of a response.

use muster_proto::plan::{Capture, Missing, Pick};

use super::keys::CAPTURE;
use super::reader::{Field, Reader};
use super::tree::Value;
use super::{json, names, source};

/// Reads the captures of a request.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Vec<Capture> {
    let each = reader.named(field);
    each.iter().filter_map(|(name, field)| one(reader, name, field)).collect()
}

fn one(reader: &mut Reader, name: &str, field: &Field<'_>) -> Option<Capture> {
    let is_sound = names::check_new(reader, field, name);
    let mut capture = Capture {
        name: name.to_owned(),
        source: muster_proto::plan::Source::Body,
        pick: Pick::First,
        missing: Missing::Fail,
    };
    let Value::Map(_) = &field.node.value else {
        capture.source = source::read(reader, field)?;
        return is_sound.then_some(capture);
    };
    let fields = reader.open(field, &CAPTURE)?;
    let from = fields.get("from").and_then(|field| source::read(reader, &field));
    if let Some(field) = fields.get("pick") {
        capture.pick = match reader.choice(&field)? {
            "last" => Pick::Last,
            "random" => Pick::Random,
            "all" => Pick::All,
            _ => Pick::First,
        };
    }
    if let Some(field) = fields.get("missing") {
        capture.missing = match reader.choice(&field)? {
            "skip" => Missing::Skip,
            "go-on" => Missing::GoOn,
            _ => Missing::Fail,
        };
    }
    if let Some(default) = fields.get("default") {
        if fields.get("missing").is_some() {
            reader.wrong(&default, "a value stands in its place already").help("leave `missing` out, or `default`");
        }
        capture.missing = Missing::Default(json::plain(reader, &default)?);
    }
    capture.source = from?;
    is_sound.then_some(capture)
}
