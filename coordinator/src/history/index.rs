//! An index of results, so that nobody has to read them all again: their lines, and the numbers of their metrics.
//!
//! It is an index and nothing else: what it holds can be had from the folders, and is whenever it is missing, damaged or of
//! another version. Several processes may use it at a time.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params, params_from_iter};

use super::measure::COLUMNS;
use crate::report::{Digest, KeptRun, Metric};
use crate::store::Stamp;

/// How the index is laid out. One of another version is made anew.
const VERSION: u32 = 1;
/// How long one process waits for another's writing.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of an asking of the index.
pub(super) type Answer<T> = Result<T, rusqlite::Error>;

/// The index of one folder of runs. Folders are told by their names.
pub(super) struct Index(Connection);

impl Index {
    /// Opens the index at this path, or makes it.
    pub(super) fn open(path: &Path) -> Answer<Self> {
        Self::on(Connection::open(path)?)
    }

    /// An index that is forgotten in the end, for where none can be written.
    pub(super) fn in_memory() -> Answer<Self> {
        Self::on(Connection::open_in_memory()?)
    }

    /// Removes a damaged index. Another process that has it open loses nothing that it could not read again.
    pub(super) fn discard(path: &Path) {
        // What was to be rolled back goes first, so that it never meets a new index.
        let mut rolled_back = path.as_os_str().to_owned();
        rolled_back.push("-journal");
        for file in [Path::new(&rolled_back), path] {
            let _ = std::fs::remove_file(file);
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.0
    }

    fn on(connection: Connection) -> Answer<Self> {
        connection.busy_timeout(PATIENCE)?;
        // What is forgotten gives its room back. This says something to a new index alone.
        connection.pragma_update(None, "auto_vacuum", "FULL")?;
        let mut index = Self(connection);
        if index.version()? != VERSION {
            index.lay_out()?;
        }
        Ok(index)
    }

    fn version(&self) -> Answer<u32> {
        self.0.pragma_query_value(None, "user_version", |row| row.get(0))
    }

    /// Makes the tables, unless another process has by now.
    fn lay_out(&mut self) -> Answer<()> {
        let change = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: u32 = change.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version != VERSION {
            change.execute_batch(&format!(
                "DROP TABLE IF EXISTS runs; DROP TABLE IF EXISTS metrics;
                 CREATE TABLE runs (run INTEGER PRIMARY KEY AUTOINCREMENT, folder TEXT NOT NULL UNIQUE,
                     at_ns INTEGER NOT NULL, bytes INTEGER NOT NULL, line TEXT NOT NULL);
                 CREATE TABLE metrics (name TEXT NOT NULL, scenario TEXT NOT NULL, request TEXT NOT NULL,
                     run INTEGER NOT NULL, kind TEXT NOT NULL, {},
                     PRIMARY KEY (name, request, scenario, run)) WITHOUT ROWID;
                 PRAGMA user_version = {VERSION};",
                COLUMNS.map(|column| format!("\"{}\" REAL", column.name)).join(", ")
            ))?;
        }
        change.commit()
    }

    /// Which results it knows.
    pub(super) fn known(&self) -> Answer<HashMap<String, Stamp>> {
        let mut all = self.0.prepare("SELECT folder, at_ns, bytes FROM runs")?;
        let rows = all.query_map([], |row| Ok((row.get(0)?, Stamp { at_ns: row.get(1)?, bytes: row.get(2)? })))?;
        rows.collect()
    }

    /// Forgets those folders, and takes these results in.
    pub(super) fn change<'f>(
        &mut self,
        gone: impl Iterator<Item = &'f str>,
        read: &'f [(String, Stamp, Digest)],
    ) -> Answer<()> {
        let change = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut forgotten = 0;
        for folder in gone.chain(read.iter().map(|(folder, ..)| folder.as_str())) {
            forgotten += change.execute("DELETE FROM runs WHERE folder = ?1", [folder])?;
        }
        if forgotten > 0 {
            change.execute("DELETE FROM metrics WHERE run NOT IN (SELECT run FROM runs)", [])?;
        }
        read.iter().try_for_each(|(folder, stamp, digest)| insert(&change, folder, *stamp, digest))?;
        change.commit()
    }

    /// The lines of all runs, by their folders.
    pub(super) fn lines(&self) -> Answer<HashMap<String, KeptRun>> {
        let mut all = self.0.prepare("SELECT folder, line FROM runs")?;
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| row.and_then(|(folder, line)| Ok((folder, serde_json::from_str(&line).map_err(|_| damaged())?))))
            .collect()
    }
}

fn insert(change: &Transaction<'_>, folder: &str, stamp: Stamp, digest: &Digest) -> Answer<()> {
    let line = serde_json::to_string(&digest.line()).map_err(|_| damaged())?;
    let mut into = change.prepare("INSERT INTO runs (folder, at_ns, bytes, line) VALUES (?1, ?2, ?3, ?4)")?;
    let run = into.insert(params![folder, stamp.at_ns, stamp.bytes, line])?;
    let places: Vec<String> = (1..=5 + COLUMNS.len()).map(|place| format!("?{place}")).collect();
    let mut into = change.prepare(&format!("INSERT OR REPLACE INTO metrics VALUES ({})", places.join(", ")))?;
    for metric in digest.metrics.iter().filter(|metric| metric.group.is_none()) {
        into.execute(params_from_iter(row(metric, run, digest)))?;
    }
    Ok(())
}

fn row(metric: &Metric, run: i64, digest: &Digest) -> Vec<rusqlite::types::Value> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned().into();
    let is_of_times = metric.times.is_some() && !digest.is_own(metric);
    let kind = if is_of_times { "times" } else { &metric.kind };
    let mut row = vec![
        text(Some(&metric.name)),
        text(metric.scenario.as_deref()),
        text(metric.request.as_deref()),
        run.into(),
        text(Some(kind)),
    ];
    row.extend(COLUMNS.iter().map(|column| (column.of)(metric).into()));
    row
}

fn damaged() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), None)
}

/// Whether the index itself is to blame, rather than who may write it or who writes it just now.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown),
        // A table, a column or a type that should be there is not.
        None => true,
    }
}
