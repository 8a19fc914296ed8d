//! Numbers by time, as lines.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart as Lines, Dataset, GraphType};

use crate::report::live::Point;
use crate::report::text::{count, duration, milliseconds};

/// From this width on there is room for two charts, in columns.
const WIDE: u16 = 100;
/// A chart shows so many seconds at least, so that the first ones do not fill it.
const SPAN_MIN: u32 = 30;

/// What there is to be seen by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Chart {
    #[default]
    Times,
    Rate,
    Errors,
    Users,
}

/// One line of a chart.
struct Series {
    name: &'static str,
    style: Style,
    values: Vec<(f64, f64)>,
}

impl Chart {
    pub(super) const ALL: [Self; 4] = [Self::Times, Self::Rate, Self::Errors, Self::Users];

    /// The chart so many further.
    pub(super) fn next(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Times => "response time, ms",
            Self::Rate => "per second",
            Self::Errors => "failed and skipped per second",
            Self::Users => "users",
        }
    }

    fn in_words(self, value: f64) -> String {
        match self {
            Self::Times => milliseconds(value),
            Self::Rate | Self::Errors | Self::Users => count(value as u64),
        }
    }

    fn series(self, points: &[&Point]) -> Vec<Series> {
        let line = |name, style: Style, value: &dyn Fn(&Point) -> Option<f64>| Series {
            name,
            style,
            values: points.iter().filter_map(|point| Some((f64::from(point.second), value(point)?))).collect(),
        };
        let (plain, faint, strong) =
            (Style::new(), Style::new().add_modifier(Modifier::DIM), Style::new().add_modifier(Modifier::BOLD));
        match self {
            Self::Times => vec![
                line("p50", faint.fg(Color::Cyan), &|point| point.times_ms[0]),
                line("p95", plain.fg(Color::Yellow), &|point| point.times_ms[1]),
                line("p99", strong.fg(Color::Magenta), &|point| point.times_ms[2]),
            ],
            Self::Rate => vec![
                line("due", faint.fg(Color::Cyan), &|point| Some(point.due as f64)),
                line("done", strong.fg(Color::Green), &|point| Some(point.done as f64)),
            ],
            Self::Errors => vec![
                line("skipped", faint.fg(Color::Yellow), &|point| Some(point.skipped as f64)),
                line("failed", strong.fg(Color::Red), &|point| Some(point.errors as f64)),
            ],
            Self::Users => vec![line("users", plain.fg(Color::Cyan), &|point| Some(point.users as f64))],
        }
    }
}

/// Draws the chart that is shown first and, where there is room, the next one beside it.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, first: Chart, points: &[&Point]) {
    if area.width < WIDE {
        return chart(frame, area, first, points);
    }
    let [left, _, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(2), Constraint::Fill(1)]).areas(area);
    chart(frame, left, first, points);
    chart(frame, right, first.next(1), points);
}

fn chart(frame: &mut Frame<'_>, area: Rect, what: Chart, points: &[&Point]) {
    let [title, area] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let series = what.series(points);
    frame.render_widget(headline(what, &series), title);
    let last = points.last().map_or(0, |point| point.second);
    let first = points.first().map_or(0, |point| point.second).min(last.saturating_sub(SPAN_MIN));
    let last = last.max(first + SPAN_MIN);
    let highest = series.iter().flat_map(|line| &line.values).map(|(_, value)| *value).fold(0.0, f64::max);
    let top = ceiling(highest);
    let seconds = [first, last].map(|second| Line::from(duration(f64::from(second))));
    let heights = [0.0, top / 2.0, top].map(|value| Line::from(what.in_words(value)));
    let lines = series.iter().map(|line| {
        Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(line.style).data(&line.values)
    });
    let faint = Style::new().add_modifier(Modifier::DIM);
    let chart = Lines::new(lines.collect())
        .legend_position(None)
        .x_axis(Axis::default().style(faint).bounds([f64::from(first), f64::from(last)]).labels(seconds))
        .y_axis(Axis::default().style(faint).bounds([0.0, top]).labels(heights));
    frame.render_widget(chart, area);
}

/// What a chart shows, with each line's name and its last value.
fn headline(what: Chart, series: &[Series]) -> Line<'static> {
    let mut spans = vec![Span::styled(what.title(), Style::new().add_modifier(Modifier::BOLD))];
    for Series { name, style, values } in series {
        let value = values.last().map_or_else(|| "-".to_owned(), |(_, value)| what.in_words(*value));
        spans.push(Span::raw("   "));
        spans.push(Span::styled(format!("{name} {value}"), *style));
    }
    spans.into()
}

/// The least of 1, 2 and 5 times a power of ten that is not below a value.
fn ceiling(value: f64) -> f64 {
    let mut power = 1.0;
    while power < value {
        power *= 10.0;
    }
    [power / 5.0, power / 2.0, power].into_iter().find(|top| *top >= value && *top >= 1.0).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_above_everything() {
        let shown: Vec<f64> = [0.0, 0.3, 1.0, 1.1, 2.1, 7.0, 100.0, 100.1, 480.0].into_iter().map(ceiling).collect();
        assert_eq!(shown, [1.0, 1.0, 1.0, 2.0, 5.0, 10.0, 100.0, 200.0, 500.0]);
    }
}
