//! All that is wrong with a plan, with the place of each mistake and an excerpt to show it.

use std::borrow::Cow;
use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::tree::{Span, harmless};

/// The most mistakes that are kept and shown; the others are counted.
pub const MISTAKES_MAX: usize = 50;

/// How much of a line an excerpt shows before a mistake, and from it on, in bytes. Further in, the place must do.
const EXCERPT_BYTES_MAX: usize = 512;

/// One thing that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Which part of the plan, such as `scenarios.browse.stages[2].target`; empty for the plan as a whole.
    pub path: String,
    /// What was wanted and what was found.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where it stands; nothing where the plan did not come from a file.
    pub place: Option<Place>,
    pub(super) span: Span,
}

/// A place in a plan file, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in that line.
    pub column: usize,
}

/// All that is wrong with a plan, in the order of the file. Displays without colour; see [`Mistakes::render`].
#[derive(Clone, Debug)]
pub struct Mistakes {
    origin: String,
    text: String,
    list: Vec<Mistake>,
    count: usize,
}

impl Mistake {
    pub(super) fn new(path: &str, span: Span, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into(), help: None, place: None, span }
    }

    /// Says what to do about it.
    pub(super) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }

    fn title(&self) -> String {
        if self.path.is_empty() { self.message.clone() } else { format!("{}: {}", self.path, self.message) }
    }
}

impl Mistakes {
    pub(super) fn new(origin: &str, text: &str, mut list: Vec<Mistake>) -> Self {
        list.sort_by_key(|mistake| mistake.span.as_ref().map_or(0, |span| span.start));
        let count = list.len();
        list.truncate(MISTAKES_MAX);
        for mistake in &mut list {
            mistake.place = mistake.span.as_ref().map(|span| place(text, span.start));
        }
        Self { origin: origin.chars().flat_map(harmless).collect(), text: text.to_owned(), list, count }
    }

    /// The one thing that is wrong with a file that could not be read at all.
    pub(super) fn whole(origin: &str, message: impl Into<String>, help: Option<&str>) -> Self {
        let mistake = Mistake { help: help.map(str::to_owned), ..Mistake::new("", None, message) };
        Self::new(origin, "", vec![mistake])
    }

    /// The mistakes, in the order of the file; at most [`MISTAKES_MAX`].
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.list.iter()
    }

    /// How many mistakes there are, also those that are not kept.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Each mistake with its place, the line it stands in and what to do; with colour where a terminal shows it.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for mistake in &self.list {
            out.push_str(&renderer.render(&[self.group(mistake)]));
            out.push_str("\n\n");
        }
        let more = self.count - self.list.len();
        if more > 0 {
            out.push_str(&format!("and {more} more\n"));
        }
        out.truncate(out.trim_end().len());
        out
    }

    fn group<'a>(&'a self, mistake: &'a Mistake) -> Group<'a> {
        let title = Level::ERROR.primary_title(mistake.title());
        let located = mistake.span.clone().zip(mistake.place);
        let group = match located.and_then(|(span, place)| excerpt(&self.origin, &self.text, span, place.line)) {
            Some(excerpt) => title.element(excerpt),
            None => title.element(Level::NOTE.message(self.whereabouts(mistake))),
        };
        match &mistake.help {
            Some(help) => group.element(Level::HELP.message(help)),
            None => group,
        }
    }

    /// Where a mistake stands, in words.
    fn whereabouts(&self, mistake: &Mistake) -> String {
        match mistake.place {
            Some(Place { line, column }) => format!("in {}, line {line}, column {column}", self.origin),
            None => format!("in {}", self.origin),
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Mistakes {}

fn place(text: &str, offset: usize) -> Place {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    Place { line, column: before[line_start..].chars().count() + 1 }
}

/// The line in which `span` begins, as far as it is short, so that showing a mistake never costs as much as the file.
fn excerpt<'a>(
    origin: &'a str,
    text: &'a str,
    span: std::ops::Range<usize>,
    line: usize,
) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let begin = text.floor_char_boundary(span.start);
    let line_start = text[..begin].rfind('\n').map_or(0, |newline| newline + 1);
    if begin - line_start > EXCERPT_BYTES_MAX {
        return None;
    }
    let rest = &text[begin..];
    let line_end = begin + rest.find(['\n', '\r']).unwrap_or(rest.len());
    let line_end = text.floor_char_boundary(line_end.min(begin + EXCERPT_BYTES_MAX));
    let end = text.floor_char_boundary(span.end.clamp(begin, line_end)).max(begin);
    let annotation = AnnotationKind::Primary.span(begin - line_start..end - line_start);
    let line_of = Snippet::source(without_c1(&text[line_start..line_end])).line_start(line);
    Some(line_of.path(origin).annotation(annotation))
}

/// Replaces the control characters that the renderer lets through by one of as many bytes, so that places stay.
fn without_c1(line: &str) -> Cow<'_, str> {
    const C1: std::ops::RangeInclusive<char> = '\u{80}'..='\u{9f}';
    const SHOWN: &str = "\u{b7}";
    if line.contains(|c| C1.contains(&c)) { line.replace(|c| C1.contains(&c), SHOWN).into() } else { line.into() }
}
