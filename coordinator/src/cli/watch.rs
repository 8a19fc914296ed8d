//! What a person sees while a run goes on: the live view or one moving line on a terminal, a line every few seconds
//! elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use muster_proto::plan::Plan;

use super::live::View;
use crate::conduct::Watcher;
use crate::export::Exports;
use crate::export::prometheus::scrape::Scraped;
use crate::report::progress::Progress;
use crate::run::life::Run;
use crate::run::record::RunRecord;
use crate::run::timeline::Second;

/// How often a line is printed where it cannot move, in nanoseconds.
const LINE_PERIOD_NS: u64 = 5_000_000_000;

/// Whatever shows how a run goes on.
pub(super) struct Screen {
    view: Option<View>,
    lines: Lines,
    exports: Option<Exports>,
}

impl Screen {
    /// Lines, and above them the view while there is one; and whoever else is told.
    pub(super) fn new(plan: &Plan, quiet: bool, view: Option<View>, exports: Option<Exports>) -> Self {
        Self { view, lines: Lines::new(plan, quiet), exports }
    }

    /// Leaves the terminal to the summary, and the run's metrics to whoever else takes them: a page that may still be read.
    pub(super) async fn close(mut self, record: &RunRecord) -> Option<Scraped> {
        self.leave_view();
        self.lines.close();
        let (page, notes) = self.exports.take()?.finish(record).await;
        notes.iter().for_each(|text| self.lines.tell(text));
        page
    }

    /// Goes on with lines. What was told on the view is gone with it, so it is told again.
    fn leave_view(&mut self) {
        let told = self.view.take().map(|mut view| view.close());
        told.into_iter().flatten().for_each(|text| self.lines.tell(&text));
    }
}

impl Watcher for Screen {
    fn tell(&mut self, text: &str) {
        match &mut self.view {
            Some(view) => view.tell(text),
            None => self.lines.tell(text),
        }
    }

    fn closed(&mut self, seconds: Vec<Second>, run: &Run) {
        if let Some(exports) = &self.exports {
            exports.closed(seconds, run);
        }
    }

    fn tick(&mut self, run: &Run, now_ns: u64) {
        let notes = self.exports.as_ref().map(Exports::notes);
        notes.into_iter().flatten().for_each(|text| self.tell(&text));
        if self.view.as_ref().is_some_and(View::is_left) {
            self.leave_view();
        }
        match &mut self.view {
            Some(view) => view.tick(run, now_ns),
            None => self.lines.tick(run, now_ns),
        }
    }
}

/// Lines on standard error, of which the last one moves where that is a terminal.
struct Lines {
    bar: ProgressBar,
    total: Duration,
    moving: bool,
    quiet: bool,
    shown_until: u32,
    printed_ns: u64,
}

impl Lines {
    fn new(plan: &Plan, quiet: bool) -> Self {
        let moving = !quiet && std::io::stderr().is_terminal();
        let total = plan.scenarios.iter().map(|scenario| scenario.start_delay + scenario.executor.duration()).max();
        let total = total.unwrap_or_default();
        let bar = ProgressBar::new(total.as_millis() as u64);
        bar.set_draw_target(if moving { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() });
        if let Ok(style) = ProgressStyle::with_template("{bar:12} {wide_msg}") {
            bar.set_style(style);
        }
        Self { bar, total, moving, quiet, shown_until: 0, printed_ns: 0 }
    }

    fn close(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&mut self, progress: &Progress, now_ns: u64) {
        if self.moving {
            self.bar.set_position(progress.elapsed.as_millis() as u64);
            self.bar.set_message(progress.to_string());
        } else if !self.quiet && now_ns.saturating_sub(self.printed_ns) >= LINE_PERIOD_NS {
            self.printed_ns = now_ns;
            eprintln!("{progress}");
        }
    }
}

impl Watcher for Lines {
    fn tell(&mut self, text: &str) {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.bar.suspend(|| eprintln!("{text}"));
    }

    fn tick(&mut self, run: &Run, now_ns: u64) {
        let Some(start_ns) = run.start_ns() else { return };
        if self.printed_ns == 0 {
            self.printed_ns = start_ns;
        }
        let closed_until = run.timeline().closed_until();
        if closed_until == self.shown_until {
            return;
        }
        self.shown_until = closed_until;
        if let Some(progress) = Progress::of(run.timeline(), self.total) {
            self.show(&progress, now_ns);
        }
    }
}
