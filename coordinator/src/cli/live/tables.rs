//! The tables of the view: requests, agents and thresholds, each as far as there is room.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Row, Table};

use super::draw::{by_grade, by_stand, faint, strong};
use crate::report::live::{AgentRow, Live, RequestRow, Stand, ThresholdRow};
use crate::report::text::{count, milliseconds, percent};
use crate::run::life::Presence;
use crate::verdict::validity::Grade;

/// A table has a title, one row, and a line that says what is left out, at least.
const LEAST: u16 = 3;

/// The lines that all tables would fill.
pub(super) fn height(live: &Live) -> u16 {
    wanted(live).iter().sum()
}

fn wanted(live: &Live) -> [u16; 3] {
    let lines = |rows: usize| if rows == 0 { 0 } else { (rows as u16).saturating_add(1) };
    let seconds = &live.seconds;
    [lines(seconds.requests.len().max(1)), lines(live.agents.len()), lines(seconds.thresholds.len())]
}

/// Draws what there is room for. Requests give way to agents, and both to thresholds.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, live: &Live) {
    let [requests, agents, thresholds] = dealt(wanted(live), area.height).map(Constraint::Length);
    let [requests, agents, thresholds] = Layout::vertical([requests, agents, thresholds]).areas(area);
    let seconds = &live.seconds;
    let titles = ["request", "count", "now/s", "failed", "p50 ms", "p99 ms"];
    table(frame, requests, &titles, seconds.requests.iter().map(request).collect(), seconds.requests_total);
    let titles = ["agent", "share", "sent", "lag p99 ms", "worker CPU", "memory", "state"];
    table(frame, agents, &titles, live.agents.iter().map(agent).collect(), live.joined.0);
    let titles = ["threshold", "now", ""];
    table(frame, thresholds, &titles, seconds.thresholds.iter().map(threshold).collect(), seconds.thresholds_total);
}

/// Each gets what it wants or, where that is too much, its part of what those before it leave.
fn dealt(wanted: [u16; 3], lines: u16) -> [u16; 3] {
    let [requests, agents, thresholds] = wanted;
    let thresholds = thresholds.min(LEAST.max(lines / 3)).min(lines);
    let left = lines - thresholds;
    let agents = agents.min(LEAST.max(left / 2)).min(left);
    [requests.min(left - agents), agents, thresholds]
}

type Cells = Vec<(String, Style)>;

fn table(frame: &mut Frame<'_>, area: Rect, titles: &[&'static str], mut rows: Vec<Cells>, total: usize) {
    let room = usize::from(area.height.saturating_sub(1));
    let left_out =
        if rows.len() > room { (rows.len() + 1).saturating_sub(room) } else { 0 } + total.saturating_sub(rows.len());
    if left_out > 0 && room > 0 {
        rows.truncate(room - 1);
        rows.push(vec![(format!("\u{2026} {left_out} more"), faint())]);
    }
    let cell = |(place, (text, style)): (usize, (String, Style))| {
        let line = Line::styled(text, style);
        if place == 0 { line } else { line.right_aligned() }
    };
    let row = |cells: Cells| Row::new(cells.into_iter().enumerate().map(cell));
    let width = |place: usize, title: &str| {
        let cells = rows.iter().filter_map(|row| row.get(place)).map(|(text, _)| text.chars().count());
        cells.max().unwrap_or(0).max(title.len()).max(NUMBER) as u16
    };
    let widths: Vec<Constraint> = titles
        .iter()
        .enumerate()
        .map(|(place, title)| match place {
            0 => Constraint::Fill(1),
            _ => Constraint::Length(width(place, title)),
        })
        .collect();
    let header = row(titles.iter().map(|title| ((*title).to_owned(), strong())).collect());
    frame.render_widget(Table::new(rows.into_iter().map(row), widths).header(header).column_spacing(2), area);
}

/// How wide a number is at least, in columns, so that most can grow without moving others.
const NUMBER: usize = 8;

fn request(row: &RequestRow) -> Cells {
    let RequestRow { name, count: total, now_per_s, failed, times_ms } = row;
    let failed_style = if *failed > 0.0 { by_grade(Grade::Suspect) } else { Style::new() };
    let [p50, p99] = times_ms.map(|time_ms| (time_ms.map_or_else(|| "-".to_owned(), milliseconds), Style::new()));
    vec![
        (name.clone(), Style::new()),
        (count(*total), Style::new()),
        (count(*now_per_s), Style::new()),
        (percent(*failed), failed_style),
        p50,
        p99,
    ]
}

fn agent(row: &AgentRow) -> Cells {
    let state = match row.presence {
        Presence::Preparing => ("prepares".to_owned(), faint()),
        Presence::AtWork => (row.grade.name().to_owned(), by_grade(row.grade)),
        Presence::Done => ("done".to_owned(), faint()),
        Presence::Left => ("LEFT".to_owned(), by_grade(Grade::Suspect)),
        Presence::Lost => ("LOST".to_owned(), by_grade(Grade::Invalid)),
    };
    let plain = |text: String| (text, Style::new());
    vec![
        plain(row.name.clone()),
        plain(percent(row.part)),
        plain(count(row.sent)),
        plain(row.lag_p99_ms.map_or_else(|| "-".to_owned(), milliseconds)),
        (percent(row.worker_cpu), if row.grade == Grade::Valid { Style::new() } else { state.1 }),
        plain(format!("{} MiB", count(row.memory_bytes >> 20))),
        state,
    ]
}

fn threshold(row: &ThresholdRow) -> Cells {
    let word = match row.stand {
        Stand::Holds => "ok",
        Stand::Early => "open",
        Stand::Violated => "FAIL",
    };
    vec![
        (row.expression.clone(), Style::new()),
        (row.value.clone(), Style::new()),
        (word.to_owned(), by_stand(row.stand)),
    ]
}
