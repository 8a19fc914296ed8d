//! The view: one screen that tells everything of a run under way.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::shown::Shown;
use super::{charts, tables};
use crate::report::live::{Live, Point, Stand};
use crate::report::text::{count, duration, milliseconds};
use crate::run::life::Doing;
use crate::verdict::validity::Grade;

/// The view needs so many columns and lines; with less there is one line.
pub(super) const LEAST: (u16, u16) = (60, 16);
/// A chart needs so many lines.
const CHART_MIN: u16 = 7;
/// What happened last is told on so many lines at most.
const NOTES_MAX: u16 = 4;

pub(super) fn faint() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

pub(super) fn strong() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// How good something is, for whoever sees colours.
pub(super) fn by_grade(grade: Grade) -> Style {
    match grade {
        Grade::Valid => Style::new().fg(Color::Green),
        Grade::Suspect => Style::new().fg(Color::Yellow),
        Grade::Invalid => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
    }
}

/// How good something is, for whoever sees colours.
pub(super) fn by_stand(stand: Stand) -> Style {
    match stand {
        Stand::Holds => Style::new().fg(Color::Green),
        Stand::Early => faint(),
        Stand::Violated => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
    }
}

/// Draws all of it, as far as there is room.
pub(super) fn draw(frame: &mut Frame<'_>, shown: &Shown) {
    let area = frame.area();
    let Some(live) = &shown.live else {
        return frame.render_widget(Line::styled("waiting for the run", faint()), area);
    };
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return brief(frame, live);
    }
    let notes = (shown.notes().count() as u16).clamp(1, NOTES_MAX.min(area.height / 8));
    let reasons = u16::from(!live.seconds.reasons.is_empty());
    let [head, scenarios, body, ribbon_area, reason, tables_area, notes_area, keys] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(reasons),
        Constraint::Length(tables_height(live, area.height.saturating_sub(5 + reasons + notes))),
        Constraint::Length(notes),
        Constraint::Length(1),
    ])
    .areas(area);
    header(frame, head, live);
    frame.render_widget(scenarios_line(shown, live), scenarios);
    charts::draw(frame, body, shown.chart, &live.seconds.history.iter().collect::<Vec<_>>());
    ribbon(frame, ribbon_area, live);
    if let Some(words) = live.seconds.reasons.first() {
        frame.render_widget(Line::styled(format!("         {words}"), faint()), reason);
    }
    tables::draw(frame, tables_area, live);
    for (row, text) in
        notes_area.rows().zip(shown.notes().rev().take(usize::from(notes)).collect::<Vec<_>>().iter().rev())
    {
        frame.render_widget(Line::styled(*text, faint()), row);
    }
    frame.render_widget(Line::styled(KEYS, faint()), keys);
}

const KEYS: &str = "p pause  + - rate or users  Tab scenario  c chart  s stop, ss at once  q lines";

/// What tables get of the lines that they share with charts.
fn tables_height(live: &Live, lines: u16) -> u16 {
    tables::height(live).min(lines.saturating_sub(CHART_MIN.max(lines / 3)))
}

fn brief(frame: &mut Frame<'_>, live: &Live) {
    let mut lines = vec![Line::from(clock(live)), Line::from(now(live.seconds.history.back()))];
    lines.push(Line::styled(format!("{} x {} wanted", LEAST.0, LEAST.1), faint()));
    for (row, line) in frame.area().rows().zip(lines) {
        frame.render_widget(line, row);
    }
}

fn header(frame: &mut Frame<'_>, area: Rect, live: &Live) {
    let [first, second] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
    let (stand, verdict) = &live.seconds.verdict;
    let left = vec![
        Span::styled(live.name.clone(), strong()),
        Span::raw(format!("   run {}   {}   ", live.id, clock(live))),
        Span::styled(in_words(live), by_doing(live.doing)),
    ];
    split(frame, first, left.into(), Line::styled(verdict.clone(), by_stand(*stand)));
    frame.render_widget(Line::from(now(live.seconds.history.back())), second);
}

/// A line with something at its right end, which gives way to the left.
fn split(frame: &mut Frame<'_>, area: Rect, left: Line<'_>, right: Line<'_>) {
    let width = right.width() as u16;
    let [l, r] = Layout::horizontal([Constraint::Min(left.width() as u16 + 2), Constraint::Length(width)]).areas(area);
    frame.render_widget(left, l);
    frame.render_widget(right.right_aligned(), r);
}

fn clock(live: &Live) -> String {
    match live.elapsed_s {
        Some(elapsed_s) => format!("{} / {}", duration(elapsed_s), duration(live.total_s)),
        None => format!("- / {}", duration(live.total_s)),
    }
}

fn in_words(live: &Live) -> String {
    match live.doing {
        Doing::Gathering => format!("{} of {} agents joined", live.joined.0, live.joined.1),
        Doing::Preparing => "agents prepare".to_owned(),
        Doing::Running => "running".to_owned(),
        Doing::Paused => "PAUSED".to_owned(),
        Doing::Draining => "stopping".to_owned(),
        Doing::Aborting => "stopping at once".to_owned(),
        Doing::TearingDown => "tearing down".to_owned(),
        Doing::Ended => "ended".to_owned(),
    }
}

fn by_doing(doing: Doing) -> Style {
    match doing {
        Doing::Paused | Doing::Draining | Doing::Aborting => {
            Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD)
        }
        _ => Style::new(),
    }
}

/// The last closed second in a line.
fn now(point: Option<&Point>) -> String {
    let Some(Point { done, errors, users, times_ms, .. }) = point else { return "no second is closed yet".to_owned() };
    let [p50, p95, p99] = times_ms.map(|time_ms| time_ms.map_or_else(|| "-".to_owned(), milliseconds));
    let (done, errors, users) = (count(*done), count(*errors), count(*users));
    format!("{done}/s   failed {errors}/s   users {users}   p50 {p50}   p95 {p95}   p99 {p99} ms")
}

fn scenarios_line(shown: &Shown, live: &Live) -> Line<'static> {
    // The selected one and those after it, so that it is seen however many there are.
    let several = live.scenarios.len() > 1;
    let from = if several { shown.selected_place() } else { 0 };
    let shown_first = live.scenarios.iter().skip(from).chain(live.scenarios.iter().take(from));
    let mut spans = Vec::new();
    for (place, row) in shown_first.enumerate() {
        let mark = if place == 0 { "\u{25b8} " } else { "  " };
        spans.push(Span::styled(format!("{mark}{} ", row.name), if place == 0 { strong() } else { faint() }));
        spans.push(Span::styled(format!("{}   ", row.words), if place == 0 { Style::new() } else { faint() }));
    }
    spans.into()
}

/// A mark for each of the last seconds; the taller, the less it can be believed.
fn ribbon(frame: &mut Frame<'_>, area: Rect, live: &Live) {
    const NAME: &str = "validity ";
    let sum = live.seconds.grade.map_or_else(Line::default, |(grade, valid, seconds)| {
        let so_far = if grade == Grade::Valid { String::new() } else { format!("{}: ", grade.name()) };
        Line::styled(format!("{so_far}VALID in {valid} of {seconds} s"), by_grade(grade))
    });
    let room = usize::from(area.width).saturating_sub(NAME.len() + sum.width() + 2);
    let history = &live.seconds.history;
    let marks = history.iter().skip(history.len().saturating_sub(room)).map(|point| {
        let mark = match point.grade {
            Grade::Valid => "\u{2581}",
            Grade::Suspect => "\u{2584}",
            Grade::Invalid => "\u{2588}",
        };
        Span::styled(mark, by_grade(point.grade))
    });
    split(frame, area, std::iter::once(Span::styled(NAME, strong())).chain(marks).collect(), sum);
}
