//! Something that is expected of a response.

use muster_proto::measurement::Note;
use muster_proto::plan::{Check, Condition};

use super::condition::Operand;
use super::found::Found;
use super::places::Places;
use super::probe::Probe;
use super::seen::Seen;
use super::{Books, FindingError};
use crate::engine::template::{Names, Scope, Template};

/// A check, prepared.
pub(super) struct Tester {
    probe: Probe,
    condition: Condition,
    against: Against,
    tally: u16,
}

enum Against {
    Fixed(Operand),
    Made(Template),
}

impl Tester {
    pub(super) fn new(check: &Check, names: &Names, places: &mut Places, tally: u16) -> Result<Self, FindingError> {
        let wrong = |reason| FindingError { place: format!("check {}", check.name), reason };
        let against = match check.template {
            false => Against::Fixed(Operand::new(check.condition, &check.operand).map_err(wrong)?),
            true => {
                let template = Template::compile(&check.operand, names);
                Against::Made(template.map_err(|error| wrong(error.to_string()))?)
            }
        };
        let probe = Probe::new(&check.source, places).map_err(wrong)?;
        Ok(Self { probe, condition: check.condition, against, tally })
    }

    pub(super) fn keeps(&self) -> bool {
        self.probe.keeps()
    }

    /// Looks whether it is so, and counts that.
    pub(super) fn test(&self, seen: &Seen<'_>, scope: &Scope, books: &mut Books<'_>) -> bool {
        let found = self.probe.find(seen);
        let passed = match &self.against {
            Against::Fixed(operand) => self.compare(operand, seen, &found),
            Against::Made(template) => {
                let made = template.render(scope).map_err(|error| error.to_string());
                let operand = made.and_then(|text| Operand::new(self.condition, &text));
                operand.and_then(|operand| self.compare(&operand, seen, &found))
            }
        };
        books.recorder.tally(self.tally, Note::Hit(passed.is_ok()), books.now_ns);
        match passed {
            Ok(()) => true,
            Err(why) => {
                books.recorder.sample_miss(self.tally, books.now_ns, books.traced, || why);
                false
            }
        }
    }

    /// There was no response to look at.
    pub(super) fn miss(&self, why: &str, books: &mut Books<'_>) {
        books.recorder.tally(self.tally, Note::Hit(false), books.now_ns);
        books.recorder.sample_miss(self.tally, books.now_ns, books.traced, || why.to_owned());
    }

    fn compare(&self, operand: &Operand, seen: &Seen<'_>, found: &[Found<'_>]) -> Result<(), String> {
        if operand.holds(self.condition, found) {
            return Ok(());
        }
        Err(match found {
            [] => self.probe.absence(seen),
            [first, rest @ ..] => {
                let objection = operand.objection(found);
                let of = if rest.is_empty() { String::new() } else { format!(", first of {}", found.len()) };
                objection.unwrap_or_else(|| format!("found {}{of}", first.shown()))
            }
        })
    }
}
