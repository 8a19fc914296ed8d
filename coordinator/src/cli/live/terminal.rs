//! The terminal: taken for the view, and given back whatever happens.

use std::io::{self, BufWriter, IsTerminal, Stderr};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::Rect;
use ratatui::{Frame, TerminalOptions, Viewport};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::getpgrp;
use rustix::termios::{tcgetpgrp, tcgetwinsize};

/// Whether the view has the terminal. There is one terminal, so there is one of these.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, while it shows the view.
pub(super) struct Terminal {
    drawn: ratatui::Terminal<CrosstermBackend<BufWriter<Stderr>>>,
    area: Rect,
}

/// Whether keys can be read and a screen drawn: both ends are a terminal that can move its cursor, and it is ours. To
/// change a terminal from the background would stop the program.
pub(super) fn is_there() -> bool {
    let moves = std::env::var_os("TERM").is_some_and(|kind| !kind.is_empty() && kind != "dumb");
    let is_ours = || tcgetpgrp(io::stdin()).map_or(true, |foreground| foreground == getpgrp());
    moves && io::stdin().is_terminal() && io::stderr().is_terminal() && is_ours()
}

/// How large it is, in columns and lines. Nothing where that is not known.
pub(super) fn size() -> (u16, u16) {
    tcgetwinsize(io::stderr()).map_or((0, 0), |size| (size.ws_col, size.ws_row))
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it does not let itself be taken; it is as it was then.
    pub(super) fn take() -> io::Result<Self> {
        give_back_on_panic();
        let area = area();
        let backend = CrosstermBackend::new(BufWriter::new(io::stderr()));
        // What the view needs to know of its size it asks standard error, as standard output may be anything.
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let drawn = ratatui::Terminal::with_options(backend, options)?;
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let terminal = Self { drawn, area };
        // Pasted text must not be taken for keys.
        execute!(io::stderr(), EnterAlternateScreen, EnableBracketedPaste, Hide)?;
        Ok(terminal)
    }

    /// Whether somebody has given it back meanwhile, or it has gone away.
    pub(super) fn is_gone(&self) -> bool {
        let stdin = io::stdin();
        let mut ends = [PollFd::new(&stdin, PollFlags::IN)];
        let asked = poll(&mut ends, Some(&rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 }));
        let hung_up = asked.is_ok() && ends[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
        hung_up || !TAKEN.load(Ordering::SeqCst)
    }

    /// Takes in its size, and says whether that is another one.
    pub(super) fn resize(&mut self) -> io::Result<bool> {
        let area = area();
        if area == self.area {
            return Ok(false);
        }
        self.area = area;
        self.drawn.resize(area)?;
        Ok(true)
    }

    /// Draws what has changed.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.drawn.draw(draw).map(drop)
    }

    /// What its user does next, within this time.
    pub(super) fn next(&mut self, patience: Duration) -> io::Result<Option<Event>> {
        if event::poll(patience)? { event::read().map(Some) } else { Ok(None) }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn area() -> Rect {
    let (columns, lines) = size();
    Rect::new(0, 0, columns.max(1), lines.max(1))
}

/// Lets the terminal be what it was, if it was taken.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stderr(), DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Whatever panics, and even where the program ends with that at once, its words come to a terminal that is as it was.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            report(panic);
        }));
    });
}
