//! Files of rows, read as a stream: however long one is, a row of it is in memory at a time.
//!
//! What comes out is the same for all kinds of files: each row as JSON on a line of its own, hashed on the way. Few rows stay
//! in memory, many go to a file without a name, which is gone with whoever holds it.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use muster_agent::engine::rows::{HELD_BYTES_MAX, Intake, Rows};
use muster_proto::plan::{ROW_BYTES_MAX, ROWS_BYTES_MAX, ROWS_MAX};
use serde::Deserializer as _;
use serde::de::{SeqAccess, Visitor};
use serde_json::Value as Json;

/// How much of a file is read at once.
const READ_BYTES: usize = 64 << 10;

/// How a file's rows are written.
pub(super) enum Kind {
    /// Comma-separated values, with what stands between them, and the columns unless the first row names them.
    Csv(u8, Option<Vec<String>>),
    /// A JSON value on each line.
    Lines,
    /// A JSON list.
    List,
}

/// Reads all rows of a file.
pub(super) fn read(source: impl Read, kind: Kind) -> Result<Rows, String> {
    let mut out = RowsWriter::new();
    let allowance = out.allowance.clone();
    let source = BufReader::with_capacity(READ_BYTES, Allowed { source, allowance });
    match kind {
        Kind::Csv(delimiter, columns) => csv(source, delimiter, columns, &mut out)?,
        Kind::Lines => lines(source, &mut out)?,
        Kind::List => list(source, &mut out)?,
    }
    out.finish()
}

/// Takes rows in as they are read.
pub(super) struct RowsWriter {
    intake: Intake,
    line: Vec<u8>,
    allowance: Allowance,
}

impl RowsWriter {
    pub(super) fn new() -> Self {
        Self { intake: Intake::held(), line: Vec::new(), allowance: Allowance::default() }
    }

    /// Takes a row in, which is written by `write`.
    pub(super) fn row(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), String> {
        self.line.clear();
        write(&mut self.line);
        if self.line.len() > ROW_BYTES_MAX {
            return Err(format!("row {} is longer than {ROW_BYTES_MAX} bytes", self.intake.count() + 1));
        }
        self.line.push(b'\n');
        if self.intake.count() == ROWS_MAX {
            return Err(format!("wanted at most {ROWS_MAX} rows, found more"));
        }
        let bytes = self.intake.bytes() + self.line.len() as u64;
        if bytes > ROWS_BYTES_MAX {
            return Err(format!("wanted at most {ROWS_BYTES_MAX} bytes of rows, written as JSON, found more"));
        }
        self.allowance.renew();
        self.keep(bytes).map_err(|error| {
            format!("its rows cannot be kept in {} until they are needed: {error}", std::env::temp_dir().display())
        })
    }

    fn keep(&mut self, bytes: u64) -> io::Result<()> {
        if self.intake.is_held() && bytes > HELD_BYTES_MAX {
            self.intake.move_to(tempfile::tempfile()?)?;
        }
        self.intake.push(&self.line)
    }

    /// All rows, of which there is at least one.
    pub(super) fn finish(self) -> Result<Rows, String> {
        if self.intake.count() == 0 {
            return Err(format!("wanted from 1 to {ROWS_MAX} rows, found none"));
        }
        self.intake.finish().map_err(|error| format!("its rows cannot be kept: {error}"))
    }
}

/// How much may yet be read before a row has to end.
#[derive(Clone)]
struct Allowance(Rc<Cell<usize>>);

impl Default for Allowance {
    fn default() -> Self {
        let allowance = Self(Rc::default());
        allowance.renew();
        allowance
    }
}

impl Allowance {
    /// A row has ended. What is read ahead may be of the next ones.
    fn renew(&self) {
        self.0.set(ROW_BYTES_MAX + 2 * READ_BYTES);
    }
}

/// A source in which no row goes on for ever: who reads one into memory is stopped.
struct Allowed<R> {
    source: R,
    allowance: Allowance,
}

impl<R: Read> Read for Allowed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.0.get();
        if left == 0 {
            return Err(io::Error::other(format!("a row is longer than {ROW_BYTES_MAX} bytes")));
        }
        let most = buffer.len().min(left);
        let read = self.source.read(&mut buffer[..most])?;
        self.allowance.0.set(left - read);
        Ok(read)
    }
}

/// Comma-separated values (RFC 4180). Every value is a text; the first row names the columns unless the plan does.
fn csv(source: impl Read, delimiter: u8, columns: Option<Vec<String>>, out: &mut RowsWriter) -> Result<(), String> {
    let mut builder = csv::ReaderBuilder::new();
    let mut csv = builder.delimiter(delimiter).has_headers(columns.is_none()).flexible(true).from_reader(source);
    let columns = match columns {
        Some(columns) => columns,
        None => csv.headers().map_err(|error| reason(&error))?.iter().map(str::to_owned).collect(),
    };
    let keys = keys(&columns);
    let mut record = csv::StringRecord::new();
    while csv.read_record(&mut record).map_err(|error| reason(&error))? {
        if record.len() != columns.len() {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(format!("line {line} has {} values, wanted {}", record.len(), columns.len()));
        }
        out.row(|line| {
            for (number, (key, place)) in keys.iter().enumerate() {
                line.extend_from_slice(if number == 0 { b"{" } else { b"," });
                line.extend_from_slice(key.as_bytes());
                line.push(b':');
                // Nothing can fail that is written to memory.
                let _ = serde_json::to_writer(&mut *line, &record[*place]);
            }
            line.extend_from_slice(if keys.is_empty() { b"{}" } else { b"}" });
        })?;
    }
    Ok(())
}

/// The columns as JSON writes a map's keys, with their places: in order, and of those of one name the last.
fn keys(columns: &[String]) -> Vec<(String, usize)> {
    let places: std::collections::BTreeMap<&String, usize> = columns.iter().zip(0..).collect();
    places.into_iter().map(|(column, place)| (Json::from(column.as_str()).to_string(), place)).collect()
}

/// What is wrong with a CSV file, without what is said of the file itself.
fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

/// A value on each line; empty lines are left out.
fn lines(mut source: impl BufRead, out: &mut RowsWriter) -> Result<(), String> {
    let mut bytes = Vec::new();
    let mut number = 0_u64;
    loop {
        bytes.clear();
        let read = source.read_until(b'\n', &mut bytes);
        number += 1;
        if read.map_err(|error| format!("line {number}: {error}"))? == 0 {
            return Ok(());
        }
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| format!("line {number}: wanted a text in UTF-8, found other bytes"))?;
        if text.trim().is_empty() {
            out.allowance.renew();
            continue;
        }
        let value = serde_json::from_str::<Json>(text).map_err(|error| wrong_at(number, &error))?;
        out.row(|line| _ = serde_json::to_writer(line, &value))?;
    }
}

/// What is wrong with a line, which its error takes for the first.
fn wrong_at(line: u64, error: &serde_json::Error) -> String {
    let (text, column) = (error.to_string(), error.column());
    let what = text.strip_suffix(&format!(" at line {} column {column}", error.line())).unwrap_or(&text);
    format!("line {line}, column {column}: {what}")
}

/// A list of values.
fn list(source: impl Read, out: &mut RowsWriter) -> Result<(), String> {
    let mut json = serde_json::Deserializer::from_reader(source);
    json.deserialize_any(EachRow(out)).and_then(|()| json.end()).map_err(|error| error.to_string())
}

/// Takes in each value of a list as it comes.
struct EachRow<'o>(&'o mut RowsWriter);

impl<'de> Visitor<'de> for EachRow<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while let Some(value) = values.next_element::<Json>()? {
            self.0.row(|line| _ = serde_json::to_writer(line, &value)).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}
