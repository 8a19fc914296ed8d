//! A kept run in a line, as a list of runs has it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::Metric;

/// The version of the list as a document.
const SCHEMA: &str = "muster.runs/1";

/// A kept run in a line. Of one that came to no result there is only who it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeptRun {
    /// Its identity.
    pub id: String,
    /// The plan's name.
    pub name: String,
    /// When it started, or was called for, RFC 3339.
    pub started_at: String,
    /// What its verdict is; `going-on`, `interrupted` or `unreadable` without one.
    pub outcome: String,
    /// `VALID`, `SUSPECT` or `INVALID`.
    pub grade: Option<String>,
    /// How long it took.
    pub duration_s: Option<f64>,
    /// Requests that ended, after warm-up.
    pub requests: Option<u64>,
    /// How many per second.
    pub rate_per_s: Option<f64>,
    /// The part of them that failed, 0 to 1.
    pub failed: Option<f64>,
    /// The median of all response times.
    pub p50_ms: Option<f64>,
    /// 99 % of them are no longer.
    pub p99_ms: Option<f64>,
    /// What its user noted about it.
    pub tags: BTreeMap<String, String>,
}

/// What is read of a result document for a list of runs and their numbers; the rest, which is most of it, is passed over.
#[derive(Clone, Debug, Deserialize)]
pub struct Digest {
    run: DigestRun,
    verdict: DigestVerdict,
    /// Its metrics.
    pub metrics: Vec<Metric>,
}

#[derive(Clone, Debug, Deserialize)]
struct DigestRun {
    id: String,
    name: String,
    started_at: String,
    duration_s: f64,
    tags: BTreeMap<String, String>,
    plan: DigestPlan,
}

#[derive(Clone, Debug, Deserialize)]
struct DigestPlan {
    #[serde(default)]
    metrics: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct DigestVerdict {
    outcome: String,
    validity: DigestValidity,
}

#[derive(Clone, Debug, Deserialize)]
struct DigestValidity {
    grade: String,
}

impl Digest {
    /// Reads it from a result document.
    ///
    /// # Errors
    /// When it is not JSON, or not a document of this version's shape.
    pub fn read(document: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(document)
    }

    /// The run in a line.
    #[must_use]
    pub fn line(&self) -> KeptRun {
        let all = |name: &str| self.metrics.iter().find(|metric| metric.name == name && metric.is_of_all());
        let (reqs, times) = (all("http_reqs"), all("http_req_duration").and_then(|metric| metric.times.as_ref()));
        let percentile = |name: &str| times.and_then(|times| times.percentiles_ms.get(name)).copied();
        KeptRun {
            id: self.run.id.clone(),
            name: self.run.name.clone(),
            started_at: self.run.started_at.clone(),
            outcome: self.verdict.outcome.clone(),
            grade: Some(self.verdict.validity.grade.clone()),
            duration_s: Some(self.run.duration_s),
            requests: reqs.map(|reqs| reqs.count),
            rate_per_s: reqs.map(|reqs| reqs.rate_per_s),
            failed: all("http_req_failed").and_then(|failed| failed.fraction),
            p50_ms: percentile("50"),
            p99_ms: percentile("99"),
            tags: self.run.tags.clone(),
        }
    }

    /// Whether a metric is of the plan's own, so that its distribution is one of plain numbers and not of times.
    #[must_use]
    pub fn is_own(&self, metric: &Metric) -> bool {
        self.run.plan.metrics.contains(&metric.name)
    }
}

impl Metric {
    /// Whether it is of all scenarios and requests together.
    #[must_use]
    pub fn is_of_all(&self) -> bool {
        self.scenario.is_none() && self.request.is_none() && self.group.is_none()
    }
}

/// A list of runs as a document.
#[derive(Serialize)]
struct List<'r> {
    schema: &'static str,
    /// How many runs there are that were asked for.
    total: usize,
    runs: &'r [KeptRun],
}

/// Writes a list of runs as JSON: these, of so many.
///
/// # Errors
/// When the writer fails.
pub fn write(runs: &[KeptRun], total: usize, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, &List { schema: SCHEMA, total, runs })?;
    out.write_all(b"\n")
}
