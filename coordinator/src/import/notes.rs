//! What was left out, or wants a look: told to whoever imports, and kept at the top of the plan.

use super::yaml::is_printable;

/// The most different things that are told.
const NOTES_MAX: usize = 100;
/// The most names that are told of one thing; the others are counted.
const NAMES_MAX: usize = 12;
/// The longest of each, in characters, before any is escaped.
const CHARS_MAX: usize = 200;

/// Notes in the order in which they came up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    list: Vec<Note>,
    more: usize,
}

/// Something, and what it was found at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Note {
    what: String,
    names: Vec<String>,
    more: usize,
}

impl Notes {
    /// Notes something as a whole.
    pub(super) fn add(&mut self, what: &str) {
        self.note(what);
    }

    /// Notes something about a header, a request or whatever has this name. The same of several is one note.
    pub(super) fn add_of(&mut self, what: &str, name: &str) {
        let name = shown(name);
        let Some(note) = self.note(what) else { return };
        if note.names.contains(&name) {
            return;
        }
        if note.names.len() < NAMES_MAX {
            note.names.push(name);
        } else {
            note.more += 1;
        }
    }

    fn note(&mut self, what: &str) -> Option<&mut Note> {
        let what = shown(what);
        if let Some(at) = self.list.iter().position(|note| note.what == what) {
            return self.list.get_mut(at);
        }
        if self.list.len() == NOTES_MAX {
            self.more += 1;
            return None;
        }
        self.list.push(Note { what, names: Vec::new(), more: 0 });
        self.list.last_mut()
    }

    /// Each note as a line that is safe to show.
    pub(super) fn lines(&self) -> Vec<String> {
        let more = (self.more > 0).then(|| format!("and {} more notes", self.more));
        self.list.iter().map(Note::line).chain(more).collect()
    }
}

impl Note {
    fn line(&self) -> String {
        let mut line = self.what.clone();
        for (index, name) in self.names.iter().enumerate() {
            line.push_str(if index == 0 { ": " } else { ", " });
            line.push_str(name);
        }
        if self.more > 0 {
            line.push_str(&format!(" and {} more", self.more));
        }
        line
    }
}

/// A stranger's text: shortened, and with nothing in it that a terminal would obey or that would end a comment.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (place, c) in text.chars().enumerate() {
        match is_printable(c) {
            _ if place == CHARS_MAX => return out + "…",
            true => out.push(c),
            false => out.extend(c.escape_default()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_of_several_is_one_bounded_line() {
        let mut notes = Notes::default();
        for number in 0..20 {
            notes.add_of("left out", &format!("a{number}\n"));
            notes.add_of("left out", "a0\n");
        }
        let names: Vec<String> = (0..12).map(|number| format!("a{number}\\n")).collect();
        assert_eq!(notes.lines(), [format!("left out: {} and 8 more", names.join(", "))]);
        (0..200).for_each(|number| notes.add(&format!("{number}")));
        assert_eq!(notes.lines().len(), 101);
        assert_eq!(notes.lines()[100], "and 101 more notes");
    }
}
