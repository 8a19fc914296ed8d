//! What the view looks like.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw::draw;
use super::shown::Shown;
use crate::report::live::tests::{Scene, failing, hostile, live};
use crate::run::life::{Doing, Presence};

fn screen(scene: Scene, size: (u16, u16), notes: &[&str]) -> String {
    let mut shown = Shown::default();
    shown.see(live(scene));
    notes.iter().for_each(|note| shown.note((*note).to_owned()));
    drawn(&shown, size)
}

fn drawn(shown: &Shown, (columns, lines): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal.draw(|frame| draw(frame, shown)).unwrap();
    terminal.backend().to_string()
}

const WIDE: (u16, u16) = (140, 45);

#[test]
fn a_good_run() {
    insta::assert_snapshot!(screen(Scene::default(), WIDE, &["agent pod-1 joined"]));
}

#[test]
fn a_failing_run() {
    let mut scene = failing();
    scene.seconds = 40;
    insta::assert_snapshot!(screen(scene, WIDE, &[]));
}

#[test]
fn a_paused_run_on_a_terminal_of_80_by_24() {
    let paused = Scene { doing: Doing::Paused, ..Scene::default() };
    insta::assert_snapshot!(screen(paused, (80, 24), &["paused", "not done: the run is paused; resume it first"]));
}

#[test]
fn a_run_that_waits_for_agents() {
    let waits = Scene { seconds: 0, doing: Doing::Gathering, presence: Presence::Preparing, ..Scene::default() };
    insta::assert_snapshot!(screen(waits, (80, 24), &[]));
}

#[test]
fn many_agents_and_thresholds_leave_room_for_each_other() {
    let mut scene = Scene { agents: 30, seconds: 3, ..Scene::default() };
    scene.plan.thresholds = std::iter::repeat_n(scene.plan.thresholds[0].clone(), 70).collect();
    insta::assert_snapshot!(screen(scene, (80, 24), &[]));
}

#[test]
fn a_tiny_terminal() {
    insta::assert_snapshot!(screen(Scene::default(), (50, 5), &[]));
}

#[test]
fn hostile_names() {
    let drawn = screen(hostile(), (100, 24), &["\u{1b}[31magent \u{202e}gone\r\n"]);
    assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()) && !drawn.contains('\u{202e}'), "{drawn:?}");
    insta::assert_snapshot!(drawn);
}

#[test]
fn no_size_of_a_terminal_is_too_odd() {
    let mut shown = Shown::default();
    for known in [false, true] {
        for size in [(1, 1), (1, 200), (400, 1), (59, 16), (60, 15), (60, 16), (99, 17), (300, 100)] {
            assert_eq!(drawn(&shown, size).lines().count(), usize::from(size.1), "{size:?}, {known}");
        }
        shown.see(live(failing()));
    }
}
