//! Rows of data, from files in the plan's folder or from the plan itself.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use muster_agent::engine::rows::Rows;
use muster_proto::plan::{Feeder, OnEnd, Order, Sharing};

use super::keys::FEEDER;
use super::limits::DATA_BYTES_MAX;
use super::reader::{Field, Fields, Reader};
use super::rows::{self, Kind, RowsWriter};
use super::tree::quoted;
use super::{files, json, names};

/// Reads the plan's feeders.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Vec<Feeder> {
    let each = reader.named(field);
    let feeders: Vec<Feeder> = each.iter().filter_map(|(name, field)| one(reader, name, field)).collect();
    // Also those of which something is wrong, so that templates which name them are not said to be wrong as well.
    reader.feeders = each.iter().map(|(name, _)| (*name).to_owned()).collect();
    reader.plan_bytes += feeders.iter().map(|feeder| feeder.name.len() + feeder.file.len()).sum::<usize>();
    feeders
}

fn one(reader: &mut Reader, name: &str, field: &Field<'_>) -> Option<Feeder> {
    let is_free = names::check_new(reader, field, name);
    let fields = reader.open(field, &FEEDER)?;
    let order = fields.get("order").and_then(|field| reader.choice(&field));
    let share = fields.get("share").and_then(|field| reader.choice(&field));
    let on_end = fields.get("on_end").and_then(|field| reader.choice(&field));
    let (file, rows) = rows_of(reader, &fields)?;
    let feeder = Feeder {
        name: name.to_owned(),
        file,
        rows: rows.id(),
        order: match order {
            Some("shuffle") => Order::Shuffle,
            Some("random") => Order::Random,
            _ => Order::Sequential,
        },
        share: match share {
            Some("every-agent") => Sharing::EveryAgent,
            Some("per-user") => Sharing::PerUser,
            _ => Sharing::Unique,
        },
        on_end: if on_end == Some("stop") { OnEnd::Stop } else { OnEnd::Recycle },
    };
    is_free.then(|| {
        reader.rows.push(Arc::new(rows));
        feeder
    })
}

/// The rows, and the name of the file that they come from, if it is one.
fn rows_of(reader: &mut Reader, fields: &Fields<'_>) -> Option<(String, Rows)> {
    match (fields.get("file"), fields.get("rows")) {
        (Some(file), None) => {
            Some((file.node.scalar().unwrap_or_default().to_owned(), from_file(reader, &file, fields)?))
        }
        (None, Some(rows)) => Some((String::new(), inline(reader, &rows)?)),
        (Some(_), Some(rows)) => {
            reader.wrong(&rows, "a feeder has one source, found `file` and `rows`");
            None
        }
        (None, None) => {
            reader.at_key(fields.of(), "`file` is missing").help("write `file: users.csv`, or give the `rows` here");
            None
        }
    }
}

fn inline(reader: &mut Reader, field: &Field<'_>) -> Option<Rows> {
    let items = reader.items(field);
    if items.is_empty() {
        return None;
    }
    let texts = items.iter().map(|item| json::plain(reader, item)).collect::<Option<Vec<String>>>()?;
    let mut out = RowsWriter::new();
    let taken = texts.iter().try_for_each(|text| out.row(|line| line.extend_from_slice(text.as_bytes())));
    match taken.and_then(|()| out.finish()) {
        Ok(rows) => Some(rows),
        Err(reason) => {
            reader.wrong(field, reason);
            None
        }
    }
}

fn from_file(reader: &mut Reader, field: &Field<'_>, fields: &Fields<'_>) -> Option<Rows> {
    let delimiter = fields.get("delimiter").map(|field| delimiter(reader, &field));
    let columns = fields.get("columns").map(|field| columns(reader, &field));
    let name = field.node.scalar().unwrap_or_default();
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let file = files::open_beside(reader, field, DATA_BYTES_MAX)?;
    let kind = match ending.to_ascii_lowercase().as_str() {
        "csv" => Kind::Csv(delimiter.unwrap_or(Some(b','))?, columns.flatten()),
        "tsv" => Kind::Csv(delimiter.unwrap_or(Some(b'\t'))?, columns.flatten()),
        "jsonl" | "ndjson" => Kind::Lines,
        "json" => Kind::List,
        _ => {
            let mistake = reader.wanted(field, "a file that ends in `.csv`, `.tsv`, `.jsonl`, `.ndjson` or `.json`");
            mistake.help("the ending says how its rows are written");
            return None;
        }
    };
    match rows::read(file, kind) {
        Ok(rows) => Some(rows),
        Err(reason) => {
            reader.wrong(field, format!("the file {} is not as it should be: {reason}", quoted(name)));
            None
        }
    }
}

fn delimiter(reader: &mut Reader, field: &Field<'_>) -> Option<u8> {
    match reader.text(field)?.as_bytes() {
        [byte] => Some(*byte),
        _ => {
            reader.wanted(field, "one character such as `;`");
            None
        }
    }
}

fn columns(reader: &mut Reader, field: &Field<'_>) -> Option<Vec<String>> {
    reader.items(field).iter().map(|item| reader.text(item).map(Cow::into_owned)).collect()
}

/// The feeders whose names are used, by their places.
pub(super) fn used(reader: &Reader) -> Vec<u16> {
    let numbered = (0..).zip(&reader.feeders);
    numbered.filter(|(_, name)| reader.used.contains(*name)).map(|(place, _)| place).collect()
}
