//! What the view knows and has been asked to show.

use std::collections::VecDeque;

use super::charts::Chart;
use crate::report::live::{Live, ScenarioRow};
use crate::report::text::foreign;
use crate::run::order::Level;

/// The last lines that are kept to be shown.
const NOTES_MAX: usize = 50;
/// The longest line, in characters.
const NOTE_CHARS_MAX: usize = 500;

/// What the view knows and has been asked to show.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The run as it was seen last.
    pub(super) live: Option<Live>,
    /// The chart that is shown first.
    pub(super) chart: Chart,
    /// Whether its user has asked to stop the run.
    pub(super) stop_asked: bool,
    /// The level that the selected scenario was told to go on at, until the run shows it.
    pub(super) wanted: Option<Level>,
    /// Orders that were given and not answered.
    unanswered: usize,
    scenario: usize,
    notes: VecDeque<String>,
}

impl Shown {
    /// Takes in how the run is now.
    pub(super) fn see(&mut self, live: Live) {
        self.scenario = self.scenario.min(live.scenarios.len().saturating_sub(1));
        self.live = Some(live);
        if self.unanswered == 0 {
            self.wanted = None;
        }
    }

    /// An order was given.
    pub(super) fn ordered(&mut self) {
        self.unanswered += 1;
    }

    /// An order was answered.
    pub(super) fn answered(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// Something worth a line happened.
    pub(super) fn note(&mut self, text: String) {
        if self.notes.len() == NOTES_MAX {
            self.notes.pop_front();
        }
        self.notes.push_back(foreign(&text, NOTE_CHARS_MAX));
    }

    /// The same, unless it is what was noted last: a key that is held says the same many times.
    pub(super) fn note_once(&mut self, text: String) {
        let text = foreign(&text, NOTE_CHARS_MAX);
        if self.notes.back() != Some(&text) {
            self.note(text);
        }
    }

    /// The last lines, oldest first.
    pub(super) fn notes(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    /// The scenario that keys change.
    pub(super) fn selected(&self) -> Option<&ScenarioRow> {
        self.live.as_ref()?.scenarios.get(self.scenario)
    }

    /// Its place in the plan.
    pub(super) fn selected_place(&self) -> usize {
        self.scenario
    }

    /// Goes so many scenarios on.
    pub(super) fn select(&mut self, by: isize) {
        let scenarios = self.live.as_ref().map_or(0, |live| live.scenarios.len());
        if scenarios > 0 {
            self.scenario = self.scenario.saturating_add_signed(by + scenarios as isize) % scenarios;
            self.wanted = None;
        }
    }
}
