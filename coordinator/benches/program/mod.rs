//! A program in a process of its own, and what it costs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(crate) use rustix::process::Signal;

/// A program at work; it does not outlive its benchmark.
pub(crate) struct Program(Child);

impl Program {
    /// Starts it, and waits until it has said this on standard error. Returns the line, too.
    pub(crate) fn start(program: &Path, words: &[&str], says: &str) -> (Self, String) {
        let mut command = Command::new(program);
        let mut child = command.args(words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut heard = Vec::new();
        let said = lines.by_ref().map_while(Result::ok).find(|line| {
            heard.push(line.clone());
            line.contains(says)
        });
        let said = said.unwrap_or_else(|| panic!("it never said {says:?}: {heard:?}"));
        // Whatever else it says is passed on, so that it never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        (Self(child), said)
    }

    /// The processor's time that it has taken, in seconds.
    pub(crate) fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it is at work");
        let after_name = stat.rsplit(')').next().expect("a name");
        let ticks: u64 =
            after_name.split(' ').skip(12).take(2).map(|number| number.parse::<u64>().expect("ticks")).sum();
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    }

    /// The memory that it has at the moment, in megabytes.
    pub(crate) fn resident_mb(&self) -> f64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.0.id())).expect("it is at work");
        let pages: f64 = statm.split(' ').nth(1).and_then(|number| number.parse().ok()).expect("pages");
        pages * rustix::param::page_size() as f64 / 1e6
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_raw(self.0.id() as i32).expect("it is at work");
        rustix::process::kill_process(pid, signal).expect("it is ours");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) {
        self.0.wait().expect("it is ours");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
