//! One number over many runs of a plan.

use std::collections::HashMap;
use std::path::Path;

use super::index::{Answer, Index};
use super::measure::Measure;
use super::{Asked, HistoryError, ask, folders, runs};
use crate::report::trend::{Of, Point, Trend, Unit};

/// Of which request, or scenario.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The scenario; all without, or whichever has the request.
    pub scenario: Option<String>,
    /// The request; all without.
    pub request: Option<String>,
}

/// Why there is no trend.
#[derive(Debug, thiserror::Error)]
pub enum TrendError {
    /// Nothing can be told of earlier runs at all.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// None is there that is asked for.
    #[error("no such runs")]
    NoRuns,
    /// Several scenarios have a request of this name.
    #[error("several scenarios have a request {0:?}; --scenario says which is meant")]
    Ambiguous(String),
}

/// The trend of a measure over the latest runs with a result that are asked for: of one plan, which is that of the latest
/// run where none is named.
///
/// # Errors
/// [`TrendError`] says why there is none.
pub fn trend(path: &Path, asked: &Asked, of: &Measure, scope: &Scope, last: usize) -> Result<Trend, TrendError> {
    let mut all = runs(path, asked)?;
    all.retain(|kept| kept.run.grade.is_some());
    let name = all.first().ok_or(TrendError::NoRuns)?.run.name.clone();
    all.retain(|kept| kept.run.name == name);
    all.truncate(last);
    let mut numbers = numbers(path, of, scope)?;
    let (mut points, mut kinds) = (Vec::new(), Vec::new());
    let count = all.len();
    for kept in all.into_iter().rev() {
        let folder = kept.folder.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match numbers.remove(folder).as_deref() {
            None => {}
            Some([found]) => {
                kinds.push(found.kind.clone());
                points.push(Point { value: found.number, run: kept.run });
            }
            Some(_) => return Err(TrendError::Ambiguous(scope.request.clone().unwrap_or_default())),
        }
    }
    let without = count - points.len();
    let Scope { scenario, request } = scope.clone();
    let unit = kinds.last().map_or(Unit::Value, |kind| of.unit(kind));
    Ok(Trend::new(Of { name, metric: of.in_words(), scenario, request }, unit, points, without))
}

/// The numbers by the names of folders.
fn numbers(path: &Path, of: &Measure, scope: &Scope) -> Result<HashMap<String, Vec<Found>>, HistoryError> {
    let folders = folders(path)?;
    let found = ask(path, &folders, |index| index.numbers(of, scope))?;
    let mut numbers: HashMap<String, Vec<Found>> = HashMap::new();
    for found in found {
        numbers.entry(found.folder.clone()).or_default().push(found);
    }
    Ok(numbers)
}

/// A number of one run's, with what kind of metric it is of.
struct Found {
    folder: String,
    kind: String,
    number: f64,
}

impl Index {
    /// What this measure is in all runs, where it is something.
    fn numbers(&self, of: &Measure, scope: &Scope) -> Answer<Vec<Found>> {
        let mut all = self.connection().prepare(&format!(
            "SELECT folder, kind, \"{0}\" FROM metrics JOIN runs USING (run)
             WHERE name = ?1 AND request = ?2 AND (scenario = ?3 OR ?4) AND \"{0}\" IS NOT NULL",
            of.column()
        ))?;
        let [scenario, request] = [&scope.scenario, &scope.request].map(|name| name.as_deref().unwrap_or_default());
        // A request is of one scenario, whichever that is; what is of no request is of this scenario, or of none.
        let any = scope.request.is_some() && scope.scenario.is_none();
        let found = all.query_map(rusqlite::params![of.metric(), request, scenario, any], |row| {
            Ok(Found { folder: row.get(0)?, kind: row.get(1)?, number: row.get(2)? })
        })?;
        found.collect()
    }
}
