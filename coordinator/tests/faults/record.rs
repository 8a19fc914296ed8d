//! What is written down of a run, and of many.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::evidence::Evidence;
use super::fault::{Kind, Schedule};
use super::figures::{Figures, measure};
use super::folder::Folder;
use super::oracle::breaches;

/// A run that was judged.
pub(crate) struct Record {
    pub(crate) seed: u64,
    kinds: Vec<Kind>,
    told: String,
    code: Option<i32>,
    figures: Figures,
    pub(crate) breaches: Vec<String>,
}

impl Record {
    /// Judges a run.
    pub(crate) fn of((evidence, mut folder): (Evidence, Folder)) -> Self {
        let mut record = Self::begun(&evidence.schedule);
        record.code = evidence.ended.code;
        record.figures = measure(&evidence);
        record.breaches = breaches(&evidence, &record.figures);
        if !record.breaches.is_empty() {
            let Evidence { ended, begun, start_ns, .. } = &evidence;
            let (kept, told) = (folder.keep(), &record.told);
            eprintln!("{told}\nkept in {kept}, start {start_ns}, faults {begun:?}\n{}\n{}", ended.err, ended.out);
        }
        record
    }

    /// A run that could not be judged, because the harness itself gave up.
    pub(crate) fn of_failure(schedule: &Schedule, reason: String) -> Self {
        Self { breaches: vec![reason], ..Self::begun(schedule) }
    }

    fn begun(schedule: &Schedule) -> Self {
        Self {
            seed: schedule.seed,
            kinds: schedule.faults.iter().map(|fault| fault.kind).collect(),
            told: schedule.to_string(),
            code: None,
            figures: Figures::new(),
            breaches: Vec::new(),
        }
    }

    pub(crate) fn document(&self) -> Value {
        json!({
            "seed": self.seed,
            "faults": self.told,
            "exit_code": self.code,
            "figures": self.figures,
            "breaches": self.breaches,
        })
    }

    pub(crate) fn line(&self) -> String {
        let verdict = if self.breaches.is_empty() { "sound".to_owned() } else { self.breaches.join("; ") };
        let measured = self.figures.iter().filter(|(name, _)| name.ends_with("_ms"));
        let measured: String = measured.map(|(name, value)| format!(" {name} {value:.0}")).collect();
        format!("{} exit {:?}{measured}: {verdict}", self.told, self.code)
    }
}

/// How often each kind of fault was tried, and each figure's count, quantiles and maximum.
pub(crate) fn summary(records: &[Record]) -> Value {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for record in records {
        record.kinds.iter().for_each(|kind| *kinds.entry(format!("{kind:?}")).or_default() += 1);
        record.figures.iter().for_each(|(name, value)| values.entry(*name).or_default().push(*value));
    }
    let figures: BTreeMap<&str, Value> = values.iter_mut().map(|(name, values)| (*name, quantiles(values))).collect();
    json!({
        "runs": records.len(),
        "faults": kinds.values().sum::<u64>(),
        "kinds": kinds,
        "breached": records.iter().filter(|record| !record.breaches.is_empty()).map(|record| record.seed).collect::<Vec<_>>(),
        "figures": figures,
    })
}

fn quantiles(values: &mut [f64]) -> Value {
    values.sort_by(f64::total_cmp);
    let at = |per_cent: usize| values[(values.len() * per_cent).div_ceil(100).max(1) - 1];
    json!({ "count": values.len(), "min": values[0], "p50": at(50), "p90": at(90), "p99": at(99), "max": at(100) })
}
