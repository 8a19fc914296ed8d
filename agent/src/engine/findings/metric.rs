//! A metric of the plan's own.

use muster_proto::measurement::{METRIC_UNIT, Note, TallyKey, TallyKind};
use muster_proto::plan::{MetricKind, Observation};

use super::{Books, FindingError};
use crate::engine::template::{Names, Scope, Template};

/// An observation, prepared.
pub(super) struct Observer {
    value: Template,
    kind: MetricKind,
    tally: u16,
}

impl Observer {
    pub(super) fn new(
        observation: &Observation,
        key: &TallyKey,
        names: &Names,
        tally: u16,
    ) -> Result<Self, FindingError> {
        let value = Template::compile(&observation.value, names);
        let wrong = |reason| FindingError { place: format!("metric {}", key.name), reason };
        let value = value.map_err(|error| wrong(error.to_string()))?;
        let TallyKind::Metric(kind) = key.kind else { return Err(wrong("the plan has no such metric".to_owned())) };
        Ok(Self { value, kind, tally })
    }

    /// Notes what it is worth now. What has no value, or none of its kind, is not noted, and is an example of that.
    pub(super) fn observe(&self, scope: &Scope, books: &mut Books<'_>) {
        let text = self.value.render(scope).map_err(|error| error.to_string());
        let at_ns = books.now_ns.saturating_sub(books.recorder.start_ns());
        match text.and_then(|text| note_of(self.kind, text.trim(), at_ns)) {
            Ok(note) => books.recorder.tally(self.tally, note, books.now_ns),
            Err(why) => books.recorder.sample_miss(self.tally, books.now_ns, books.traced, || why),
        }
    }
}

/// A text as something that such a metric counts.
pub(super) fn note_of(kind: MetricKind, text: &str, at_ns: u64) -> Result<Note, String> {
    if kind == MetricKind::Rate {
        return match &*text.to_ascii_lowercase() {
            "true" | "1" => Ok(Note::Hit(true)),
            "false" | "0" | "none" | "null" => Ok(Note::Hit(false)),
            _ => Err(format!("wanted `true` or `false`, found `{text}`")),
        };
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    let units = number.ok_or_else(|| format!("wanted a number, found `{text}`"))? * METRIC_UNIT as f64;
    // The nearest whole one; a conversion of what is too large gives the largest that there is.
    let nearest = (units + 0.5).floor();
    match kind {
        MetricKind::Gauge => Ok(Note::Gauge { at_ns, value: nearest as i64 }),
        _ if units < 0.0 => Err(format!("wanted 0 or more, found `{text}`")),
        MetricKind::Counter => Ok(Note::Sum(nearest as u64)),
        MetricKind::Trend | MetricKind::Rate => Ok(Note::Value(nearest as u64)),
    }
}
