//! The live view, on a terminal of the test's own.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::places::muster_program;
use super::process::wait_for;
use super::programs::Scene;

const SCREEN_TAKEN: &str = "\u{1b}[?1049h";
const SCREEN_GIVEN_BACK: &str = "\u{1b}[?1049l";
const CURSOR_SHOWN: &str = "\u{1b}[?25h";

/// A program at a terminal, with somebody who types.
struct Typist {
    keys: File,
    terminal: Option<OwnedFd>,
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Typist {
    fn start(kind: &str, (columns, lines): (u16, u16), arguments: &[&str]) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = rustix::fs::open(ptsname(&keys, Vec::new()).unwrap(), flags, Mode::empty()).unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let mut command = Command::new(muster_program());
        command.args(arguments).env("TERM", kind).stdin(terminal.try_clone().unwrap());
        let child = command.stdout(Stdio::piped()).stderr(terminal.try_clone().unwrap()).spawn().unwrap();
        let keys = File::from(keys);
        let (mut screen, seen) = (keys.try_clone().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let sink = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Once nobody holds the other end any more, reading is an error.
            while let Ok(n @ 1..) = screen.read(&mut bytes) {
                sink.lock().unwrap().extend_from_slice(&bytes[..n]);
            }
        });
        Self { keys, terminal: Some(terminal), child, seen, reader: Some(reader) }
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn sees(&self, words: &str) {
        wait_for(&format!("{words:?} is seen"), || self.seen().contains(words).then_some(()));
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    /// Whether lines can be edited and keys are echoed, as shells want it.
    fn is_as_it_was(&self) -> bool {
        let modes = tcgetattr(self.terminal.as_ref().unwrap()).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    fn signal(&self, signal: Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the program's end: what it ended with, its standard output, and all that was seen. The terminal has to be as it was.
    fn end(mut self) -> (Option<i32>, String, String) {
        let status = wait_for("it ends", || self.child.try_wait().unwrap());
        assert!(self.is_as_it_was(), "the terminal is of no use to a shell");
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        drop(self.terminal.take());
        self.reader.take().unwrap().join().unwrap();
        (status.code(), out, self.seen())
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LARGE: (u16, u16) = (140, 45);
const LONG: [&str; 5] = ["--no-store", "--rate", "50/s", "--duration", "300s"];

fn given_back(seen: &str) -> bool {
    let after = seen.rsplit_once(SCREEN_TAKEN).map(|(_, after)| after);
    after.is_some_and(|after| after.contains(SCREEN_GIVEN_BACK) && after.contains(CURSOR_SHOWN))
}

#[test]
fn keys_change_the_run_and_control_c_ends_it_as_the_signal_does() {
    let scene = Scene::new("");
    let mut typist = Typist::start("xterm", LARGE, &[&["run", &scene.url()], &LONG[..]].concat());
    typist.sees("VALID in");
    assert!(!typist.is_as_it_was(), "keys come one by one");
    typist.types("+");
    typist.sees(": 55/s");
    typist.types("p");
    typist.sees("PAUSED");
    typist.types("\u{3}");
    let (code, out, seen) = typist.end();
    assert_eq!(code, Some(105), "{seen:?}");
    assert!(out.contains("stopped by its user") && out.contains(": 55/s"), "{out}");
    assert!(given_back(&seen), "{seen:?}");
    let (_, told_again) = seen.rsplit_once(SCREEN_GIVEN_BACK).unwrap();
    assert!(told_again.contains(": 55/s") && told_again.contains("paused"), "{told_again:?}");
}

#[test]
fn control_c_twice_cuts_off_what_is_in_flight() {
    let scene = Scene::new("latency=100s");
    let arguments = ["run", &scene.url(), "--no-store", "--users", "3", "--duration", "300s", "--timeout", "200s"];
    let mut typist = Typist::start("xterm", LARGE, &arguments);
    wait_for("every user waits", || (scene.target.counts().requests >= 3).then_some(()));
    typist.types("\u{3}");
    typist.sees("stopping");
    typist.types("\u{3}");
    let (code, out, seen) = typist.end();
    assert_eq!(code, Some(105), "{seen:?}");
    assert!(out.contains("cancelled   3"), "{out}");
    assert!(given_back(&seen), "{seen:?}");
}

#[test]
fn whoever_leaves_the_view_has_lines_and_the_run_goes_on() {
    let scene = Scene::new("");
    let mut typist = Typist::start("xterm", LARGE, &[&["run", &scene.url()], &LONG[..]].concat());
    typist.sees("q lines");
    typist.types("q");
    typist.sees(SCREEN_GIVEN_BACK);
    wait_for("the terminal is as it was", || typist.is_as_it_was().then_some(()));
    let sent = scene.target.counts().requests;
    wait_for("the load goes on", || (scene.target.counts().requests > sent + 20).then_some(()));
    let line = |seen: &str| seen.split_once(SCREEN_GIVEN_BACK).is_some_and(|(_, after)| after.contains(" / 5m00s   "));
    wait_for("a line moves", || line(&typist.seen()).then_some(()));
    typist.signal(Signal::INT);
    assert_eq!(typist.end().0, Some(105));
}

#[test]
fn a_signal_gives_the_terminal_back_too() {
    let scene = Scene::new("");
    let typist = Typist::start("xterm", LARGE, &[&["run", &scene.url()], &LONG[..]].concat());
    typist.sees("VALID in");
    typist.signal(Signal::TERM);
    let (code, _, seen) = typist.end();
    assert_eq!(code, Some(105));
    assert!(given_back(&seen), "{seen:?}");
}

#[test]
fn there_are_lines_where_no_view_is_wanted_or_possible() {
    let scene = Scene::new("");
    let short = ["run", &scene.url(), "--no-store", "--users", "1", "--duration", "1s"];
    let small = (59, 20);
    for (kind, size, flags) in [
        ("xterm", LARGE, &["--plain"][..]),
        ("xterm", LARGE, &["--quiet"]),
        ("dumb", LARGE, &[]),
        ("xterm", small, &[]),
    ] {
        let (code, out, seen) = Typist::start(kind, size, &[&short[..], flags].concat()).end();
        assert_eq!(code, Some(0), "{out}");
        assert!(!seen.contains(SCREEN_TAKEN), "{kind} {size:?} {flags:?}: {seen:?}");
    }
}
