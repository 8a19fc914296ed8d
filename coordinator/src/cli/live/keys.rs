//! What keys mean. Nothing happens here: a key and what is shown give what is wanted.

use std::time::Duration;

use muster_proto::plan::{Rate, USERS_MAX};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::charts::Chart;
use super::shown::Shown;
use crate::run::life::Doing;
use crate::run::order::{Level, Order};

/// What a key asks for beyond the view itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The run is to be changed.
    Order(Order),
    /// What Ctrl-C asks for everywhere.
    Interrupt,
    /// Plain lines will do.
    Leave,
}

/// Which way a level goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Up,
    Down,
}

/// Does what a key asks of the view, and says what else it asks for.
pub(super) fn press(shown: &mut Shown, key: KeyEvent) -> Option<Wish> {
    let wish = meaning(shown, key);
    if matches!(wish, Some(Wish::Order(_))) {
        shown.ordered();
    }
    wish
}

fn meaning(shown: &mut Shown, key: KeyEvent) -> Option<Wish> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        let is_interrupt = key.modifiers == KeyModifiers::CONTROL && matches!(key.code, KeyCode::Char('c' | 'C'));
        return is_interrupt.then_some(Wish::Interrupt);
    }
    match key.code {
        KeyCode::Char('q') => return Some(Wish::Leave),
        KeyCode::Char('p' | ' ') => return Some(Wish::Order(pause_or_resume(shown))),
        KeyCode::Char('+' | '=') | KeyCode::Up => return level(shown, Step::Up),
        KeyCode::Char('-' | '_') | KeyCode::Down => return level(shown, Step::Down),
        KeyCode::Char('s') => return Some(Wish::Order(stop(shown))),
        KeyCode::Tab => shown.select(1),
        KeyCode::BackTab => shown.select(-1),
        KeyCode::Char('c') | KeyCode::Right => shown.chart = shown.chart.next(1),
        KeyCode::Left => shown.chart = shown.chart.next(Chart::ALL.len() - 1),
        _ => {}
    }
    None
}

fn pause_or_resume(shown: &Shown) -> Order {
    let is_paused = shown.live.as_ref().is_some_and(|live| live.doing == Doing::Paused);
    if is_paused { Order::Resume } else { Order::Pause }
}

/// Gracefully at first, and at once where that is being done already.
fn stop(shown: &mut Shown) -> Order {
    let doing = shown.live.as_ref().map(|live| live.doing);
    let again = shown.stop_asked || matches!(doing, Some(Doing::Draining | Doing::Aborting));
    shown.stop_asked = true;
    Order::Stop { now: again }
}

/// The selected scenario goes on a tenth above or below its level, or below what it was told last.
fn level(shown: &mut Shown, step: Step) -> Option<Wish> {
    let scenario = shown.selected()?;
    let (key, present) = (scenario.key.clone(), scenario.level);
    let Some(present) = shown.wanted.or(present) else {
        shown.note_once(format!("nothing can be set of {key} now"));
        return None;
    };
    let level = stepped(present, step);
    shown.wanted = Some(level);
    Some(Wish::Order(Order::Set { scenario: key, level, over: Duration::ZERO }))
}

/// A tenth more or less, and one at least: an arrival per second where there is none. Rates of more than a hundred per second stay
/// whole.
pub(super) fn stepped(level: Level, step: Step) -> Level {
    match level {
        Level::Rate(Rate(rate)) => {
            let unit = if rate >= 100 * Rate::PER_SECOND { Rate::PER_SECOND } else { 1 };
            let tenth = rate / 10;
            let moved = match step {
                Step::Up if rate == 0 => Rate::PER_SECOND,
                Step::Up => (rate + tenth.max(1)).min(Rate::MAX.0),
                Step::Down => rate - tenth.max(1).min(rate),
            };
            Level::Rate(Rate(moved / unit * unit))
        }
        Level::Users(users) => {
            let tenth = (users / 10).max(1);
            Level::Users(match step {
                Step::Up => users.saturating_add(tenth).min(USERS_MAX),
                Step::Down => users.saturating_sub(tenth),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::live::tests::{Scene, live};

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    fn typed(shown: &mut Shown, text: &str) -> Vec<Option<Wish>> {
        text.chars().map(|c| press(shown, key(KeyCode::Char(c)))).collect()
    }

    fn shown(doing: Doing) -> Shown {
        let mut shown = Shown::default();
        shown.see(live(Scene { doing, ..Scene::default() }));
        shown
    }

    fn rate(per_s: u64) -> Option<Wish> {
        let level = Level::Rate(Rate::per_second(per_s));
        Some(Wish::Order(Order::Set { scenario: "browse".to_owned(), level, over: Duration::ZERO }))
    }

    #[test]
    fn a_pause_is_asked_for_and_the_end_of_it() {
        assert_eq!(typed(&mut shown(Doing::Running), "p"), [Some(Wish::Order(Order::Pause))]);
        assert_eq!(typed(&mut shown(Doing::Paused), "p"), [Some(Wish::Order(Order::Resume))]);
    }

    #[test]
    fn the_second_wish_to_stop_is_to_stop_at_once() {
        let stop = |now| Some(Wish::Order(Order::Stop { now }));
        assert_eq!(typed(&mut shown(Doing::Running), "ss"), [stop(false), stop(true)]);
        assert_eq!(typed(&mut shown(Doing::Draining), "s"), [stop(true)], "it was stopped elsewhere");
    }

    #[test]
    fn control_c_is_the_interrupt_that_a_raw_terminal_keeps_back_and_other_chords_are_nothing() {
        let mut shown = shown(Doing::Running);
        let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        assert_eq!(press(&mut shown, control('c')), Some(Wish::Interrupt));
        for c in ['s', 'q', 'p', 'z'] {
            assert_eq!(press(&mut shown, control(c)), None, "{c}");
        }
        assert_eq!(press(&mut shown, KeyEvent::new(KeyCode::Char('s'), KeyModifiers::ALT)), None);
        let released = KeyEvent { kind: KeyEventKind::Release, ..control('c') };
        assert_eq!(press(&mut shown, released), None);
    }

    #[test]
    fn steps_add_up_while_the_run_has_yet_to_show_them() {
        let mut shown = shown(Doing::Running);
        assert_eq!(typed(&mut shown, "++-"), [rate(110), rate(121), rate(108)]);
        assert_eq!(press(&mut shown, key(KeyCode::Up)), rate(118));
        shown.answered();
        assert_eq!(typed(&mut shown, "+"), [rate(129)], "three more answers are to come");
        (0..4).for_each(|_| shown.answered());
        shown.see(live(Scene::default()));
        assert_eq!(typed(&mut shown, "-"), [rate(90)], "all were answered, and a later look shows what is");
    }

    #[test]
    fn tab_goes_round_the_scenarios() {
        let mut shown = shown(Doing::Running);
        let users = |users| {
            Some(Wish::Order(Order::Set {
                scenario: "watchers".to_owned(),
                level: Level::Users(users),
                over: Duration::ZERO,
            }))
        };
        assert_eq!(press(&mut shown, key(KeyCode::Tab)), None);
        assert_eq!(typed(&mut shown, "-"), [users(18)]);
        press(&mut shown, key(KeyCode::Tab));
        assert_eq!(typed(&mut shown, "+"), [rate(110)], "the step of the other one is not its own");
        press(&mut shown, key(KeyCode::BackTab));
        assert_eq!(shown.selected().unwrap().key, "watchers");
    }

    #[test]
    fn what_cannot_be_set_is_said_and_not_ordered() {
        let mut shown = Shown::default();
        assert_eq!(typed(&mut shown, "+-"), [None, None], "before anything is known");
        let mut not_begun = live(Scene::default());
        not_begun.scenarios[0].level = None;
        shown.see(not_begun);
        assert_eq!(typed(&mut shown, "+"), [None]);
        assert_eq!(shown.notes().next_back(), Some("nothing can be set of browse now"));
    }

    #[test]
    fn charts_go_round_both_ways() {
        let mut shown = shown(Doing::Running);
        let first = shown.chart;
        typed(&mut shown, "c");
        assert_ne!(shown.chart, first);
        press(&mut shown, key(KeyCode::Left));
        assert_eq!(shown.chart, first);
        Chart::ALL.iter().for_each(|_| drop(press(&mut shown, key(KeyCode::Right))));
        assert_eq!(shown.chart, first);
    }

    #[test]
    fn steps_are_tenths_and_never_leave_what_can_be_set() {
        let rate = |rate, step| match stepped(Level::Rate(Rate(rate)), step) {
            Level::Rate(Rate(rate)) => rate,
            Level::Users(_) => unreachable!(),
        };
        assert_eq!(rate(Rate::per_second(605).0, Step::Up), Rate::per_second(665).0, "and not 665.5");
        assert_eq!(rate(Rate::PER_SECOND, Step::Up), 3_960_000);
        assert_eq!(rate(0, Step::Up), Rate::PER_SECOND);
        assert_eq!(rate(0, Step::Down), 0);
        assert_eq!(rate(1, Step::Down), 0);
        assert_eq!(rate(Rate::MAX.0, Step::Up), Rate::MAX.0);
        let users = |users, step| stepped(Level::Users(users), step);
        assert_eq!(users(0, Step::Up), Level::Users(1));
        assert_eq!(users(1, Step::Down), Level::Users(0));
        assert_eq!(users(0, Step::Down), Level::Users(0));
        assert_eq!(users(55, Step::Up), Level::Users(60));
        assert_eq!(users(u32::MAX, Step::Up), Level::Users(USERS_MAX));
    }
}
