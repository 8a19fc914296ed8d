//! A value of a response that is kept for the iteration.

use minijinja::Value;
use muster_proto::measurement::Note;
use muster_proto::plan::{Capture, Missing, Pick};

use super::found::Found;
use super::places::Places;
use super::probe::Probe;
use super::seen::Seen;
use super::{Books, FindingError};
use crate::engine::template::{Names, Variables, below};

/// What becomes of an iteration, the more severe the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum Onward {
    /// It goes on.
    GoOn,
    /// It ends here, and has not failed for that.
    Skip,
    /// It ends here, and has failed.
    Fail,
}

/// A capture, prepared.
pub(super) struct Seeker {
    probe: Probe,
    slot: usize,
    pick: Pick,
    /// What if there is none.
    onward: Onward,
    default: Option<Value>,
    /// Where it is counted, if it is.
    tally: Option<u16>,
}

impl Seeker {
    pub(super) fn new(
        capture: &Capture,
        names: &Names,
        places: &mut Places,
        tally: impl Fn(&str) -> u16,
    ) -> Result<Self, FindingError> {
        let wrong = |reason| FindingError { place: capture.check_name(), reason };
        let (onward, default) = match &capture.missing {
            Missing::Fail => (Onward::Fail, None),
            Missing::Skip => (Onward::Skip, None),
            Missing::GoOn => (Onward::GoOn, None),
            Missing::Default(json) => {
                let value = serde_json::from_str(json).map_err(|error| wrong(format!("no JSON: {error}")))?;
                (Onward::GoOn, Some(value))
            }
        };
        Ok(Self {
            probe: Probe::new(&capture.source, places).map_err(wrong)?,
            slot: names.slot(&capture.name).ok_or_else(|| wrong("the scenario has no such name".to_owned()))?,
            pick: capture.pick,
            onward,
            default,
            tally: capture.is_checked().then(|| tally(&capture.check_name())),
        })
    }

    pub(super) fn keeps(&self) -> bool {
        self.probe.keeps()
    }

    /// Looks for it, and keeps it. The caller has said what is drawn.
    pub(super) fn seek(&self, seen: &Seen<'_>, variables: &mut Variables, books: &mut Books<'_>) -> Onward {
        let found = self.probe.find(seen);
        let picked = match (self.pick, &found[..]) {
            (_, []) => return self.miss(&self.probe.absence(seen), variables, books),
            (Pick::First, [first, ..]) => first.to_value(),
            (Pick::Last, [.., last]) => last.to_value(),
            (Pick::Random, all) => all[below(all.len() as u64) as usize].to_value(),
            (Pick::All, all) => all.iter().map(Found::to_value).collect(),
        };
        variables.set(self.slot, picked);
        if let Some(tally) = self.tally {
            books.recorder.tally(tally, Note::Hit(true), books.now_ns);
        }
        Onward::GoOn
    }

    /// There is none. What an earlier pass through the step has kept does not stand in its place.
    pub(super) fn miss(&self, why: &str, variables: &mut Variables, books: &mut Books<'_>) -> Onward {
        variables.set(self.slot, self.default.clone().unwrap_or(Value::UNDEFINED));
        if let Some(tally) = self.tally {
            books.recorder.tally(tally, Note::Hit(false), books.now_ns);
            books.recorder.sample_miss(tally, books.now_ns, books.traced, || why.to_owned());
        }
        self.onward
    }
}
