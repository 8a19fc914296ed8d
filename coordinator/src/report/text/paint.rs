//! Colour, where it is wanted.

use anstyle::{AnsiColor, Style};

/// What a piece of text means, for whoever sees colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Strong,
    Faint,
    Good,
    Doubtful,
    Bad,
}

/// Colours text, or leaves it alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    pub(super) fn with(self, ink: Ink, text: &str) -> String {
        let style = match ink {
            Ink::Plain => Style::new(),
            Ink::Strong => Style::new().bold(),
            Ink::Faint => Style::new().dimmed(),
            Ink::Good => AnsiColor::Green.on_default().bold(),
            Ink::Doubtful => AnsiColor::Yellow.on_default().bold(),
            Ink::Bad => AnsiColor::Red.on_default().bold(),
        };
        if self.0 && ink != Ink::Plain && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
