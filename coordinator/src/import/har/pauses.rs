//! The order of a recording, and where its user paused.

use std::time::Duration;

use crate::import::json::Json;
use crate::import::notes::Notes;

/// A shorter gap between requests is the browser's, not its user's.
const PAUSE_MIN_MS: i64 = 500;
/// A longer one is no part of what the user does.
const PAUSE_MAX_MS: i64 = 60_000;
/// Pauses are rounded to this.
const STEP_MS: i64 = 100;

/// The entries in the order in which they began, in milliseconds since 1970. One that does not say stays behind the one
/// before it.
pub(super) fn in_order(entries: &[Json]) -> Vec<(i64, &Json)> {
    let mut last = 0;
    let mut begun = |entry: &Json| {
        let time: Option<jiff::Timestamp> = entry.text_of("startedDateTime").and_then(|text| text.parse().ok());
        last = time.map_or(last, jiff::Timestamp::as_millisecond);
        last
    };
    let mut ordered: Vec<(i64, &Json)> = entries.iter().map(|entry| (begun(entry), entry)).collect();
    ordered.sort_by_key(|(begun, _)| *begun);
    ordered
}

/// Until when the browser was at work.
#[derive(Default)]
pub(super) struct Pauses {
    busy_until: Option<i64>,
}

impl Pauses {
    /// Takes an entry into account, kept or not: who waits for images does not pause.
    pub(super) fn goes_by(&mut self, begun: i64, entry: &Json) {
        let took = if let Json::Number(text) = entry.get("time") { text.parse().unwrap_or(0.0) } else { 0.0 };
        let end = begun.saturating_add(f64::max(took, 0.0) as i64);
        self.busy_until = self.busy_until.max(Some(end));
    }

    /// The pause before what begins now.
    pub(super) fn before(&self, begun: i64, notes: &mut Notes) -> Option<Duration> {
        let gap = begun.saturating_sub(self.busy_until?);
        if gap <= PAUSE_MIN_MS {
            return None;
        }
        if gap > PAUSE_MAX_MS {
            notes.add("pauses of more than a minute are shortened to one");
        }
        let rounded = (gap.min(PAUSE_MAX_MS) + STEP_MS / 2) / STEP_MS * STEP_MS;
        Some(Duration::from_millis(rounded.unsigned_abs()))
    }
}
