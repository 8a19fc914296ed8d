//! Rows of data, from files in the plan's folder or from the plan itself.

use std::borrow::Cow;
use std::path::Path;

use muster_proto::plan::{Feeder, OnEnd, Order, ROWS_MAX, Rows, Sharing};
use serde_json::{Map, Value as Json};

use super::keys::FEEDER;
use super::limits::DATA_BYTES_MAX;
use super::reader::{Field, Fields, Reader};
use super::tree::quoted;
use super::{files, json, names};

/// Reads the plan's feeders.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Vec<Feeder> {
    let each = reader.named(field);
    let feeders: Vec<Feeder> = each.iter().filter_map(|(name, field)| one(reader, name, field)).collect();
    // Also those of which something is wrong, so that templates which name them are not said to be wrong as well.
    reader.feeders = each.iter().map(|(name, _)| (*name).to_owned()).collect();
    reader.plan_bytes += feeders.iter().map(|feeder| feeder.rows.0.len() + feeder.name.len()).sum::<usize>();
    feeders
}

fn one(reader: &mut Reader, name: &str, field: &Field<'_>) -> Option<Feeder> {
    let is_free = names::check_new(reader, field, name);
    let fields = reader.open(field, &FEEDER)?;
    let order = fields.get("order").and_then(|field| reader.choice(&field));
    let share = fields.get("share").and_then(|field| reader.choice(&field));
    let on_end = fields.get("on_end").and_then(|field| reader.choice(&field));
    let rows = rows(reader, &fields)?;
    is_free.then(|| Feeder {
        name: name.to_owned(),
        rows: Rows(rows.into()),
        order: match order {
            Some("shuffle") => Order::Shuffle,
            Some("random") => Order::Random,
            _ => Order::Sequential,
        },
        share: if share == Some("every-agent") { Sharing::EveryAgent } else { Sharing::Unique },
        on_end: if on_end == Some("stop") { OnEnd::Stop } else { OnEnd::Recycle },
    })
}

/// The rows, each as JSON on a line of its own.
fn rows(reader: &mut Reader, fields: &Fields<'_>) -> Option<String> {
    let (field, rows) = match (fields.get("file"), fields.get("rows")) {
        (Some(file), None) => (file.clone(), from_file(reader, &file, fields)?),
        (None, Some(rows)) => (rows.clone(), inline(reader, &rows)?),
        (Some(_), Some(rows)) => {
            reader.wrong(&rows, "a feeder has one source, found `file` and `rows`");
            return None;
        }
        (None, None) => {
            reader.at_key(fields.of(), "`file` is missing").help("write `file: users.csv`, or give the `rows` here");
            return None;
        }
    };
    if rows.is_empty() || rows.len() > ROWS_MAX {
        reader.wrong(&field, format!("wanted from 1 to {ROWS_MAX} rows, found {}", rows.len()));
        return None;
    }
    Some(rows.join("\n"))
}

fn inline(reader: &mut Reader, field: &Field<'_>) -> Option<Vec<String>> {
    let items = reader.items(field);
    if items.is_empty() {
        return None;
    }
    items.iter().map(|item| json::plain(reader, item)).collect()
}

fn from_file(reader: &mut Reader, field: &Field<'_>, fields: &Fields<'_>) -> Option<Vec<String>> {
    let delimiter = fields.get("delimiter").map(|field| delimiter(reader, &field));
    let columns = fields.get("columns").map(|field| columns(reader, &field));
    let name = field.node.scalar().unwrap_or_default();
    let kind = Path::new(name).extension().and_then(|kind| kind.to_str()).unwrap_or_default().to_ascii_lowercase();
    let bytes = files::beside(reader, field, DATA_BYTES_MAX)?;
    let read = match kind.as_str() {
        "csv" | "tsv" => {
            let usual = if kind == "tsv" { b'\t' } else { b',' };
            csv(&bytes, delimiter.unwrap_or(Some(usual))?, columns.flatten())
        }
        "jsonl" | "ndjson" => lines(&bytes),
        "json" => list(&bytes),
        _ => {
            let mistake = reader.wanted(field, "a file that ends in `.csv`, `.tsv`, `.jsonl`, `.ndjson` or `.json`");
            mistake.help("the ending says how its rows are written");
            return None;
        }
    };
    match read {
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

/// Comma-separated values (RFC 4180). Every value is a text; the first row names the columns unless the plan does.
fn csv(bytes: &[u8], delimiter: u8, columns: Option<Vec<String>>) -> Result<Vec<String>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut csv =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(columns.is_none()).flexible(true).from_reader(bytes);
    let columns = match columns {
        Some(columns) => columns,
        None => csv.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect(),
    };
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|error| error.to_string())?;
        if record.len() != columns.len() {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(format!("line {line} has {} values, wanted {}", record.len(), columns.len()));
        }
        let values = columns.iter().cloned().zip(record.iter().map(Json::from));
        Ok(Json::Object(values.collect::<Map<_, _>>()).to_string())
    };
    csv.records().map(row).collect()
}

/// A value on each line; empty lines are left out.
fn lines(bytes: &[u8]) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "wanted a text in UTF-8, found other bytes".to_owned())?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let row = |(number, line): (usize, &str)| {
        let value = serde_json::from_str::<Json>(line);
        value.map(|value| value.to_string()).map_err(|error| format!("line {}: {error}", number + 1))
    };
    lines.map(row).collect()
}

/// A list of values.
fn list(bytes: &[u8]) -> Result<Vec<String>, String> {
    match serde_json::from_slice(bytes) {
        Ok(Json::Array(items)) => Ok(items.iter().map(Json::to_string).collect()),
        Ok(_) => Err("wanted a list of rows".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The feeders whose names are used, by their places.
pub(super) fn used(reader: &Reader) -> Vec<u16> {
    let numbered = (0..).zip(&reader.feeders);
    numbered.filter(|(_, name)| reader.used.contains(*name)).map(|(place, _)| place).collect()
}
