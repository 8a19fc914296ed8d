//! What a person sees while a run goes on: one moving line on a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use muster_proto::plan::Plan;

use crate::conduct::Watcher;
use crate::report::progress::Progress;
use crate::run::life::Run;

/// How often a line is printed where it cannot move, in nanoseconds.
const LINE_PERIOD_NS: u64 = 5_000_000_000;

/// The terminal, or whatever standard error is.
pub(super) struct Screen {
    bar: ProgressBar,
    total: Duration,
    moving: bool,
    quiet: bool,
    shown_until: u32,
    printed_ns: u64,
}

impl Screen {
    pub(super) fn new(plan: &Plan, quiet: bool) -> Self {
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

    /// Leaves the screen to the summary.
    pub(super) fn close(&self) {
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

impl Watcher for Screen {
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
