//! A run's coordinator, and those that go on after it was killed.

use super::network::Host;
use super::process::{Ended, Process, Signal};

/// Whoever conducts the run at the moment, if anybody does.
pub(crate) struct Coordinator {
    process: Option<Process>,
    /// What became of the one that brought the run to its end, if it is known by now.
    ended: Option<Ended>,
    /// What those said that were killed.
    said_before: String,
    killed: u64,
}

impl Coordinator {
    /// Starts the first one.
    pub(crate) fn start(host: &Host, words: &[String]) -> Self {
        let mut process = host.start(words);
        process.says("waiting for");
        Self { process: Some(process), ended: None, said_before: String::new(), killed: 0 }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.as_ref().expect("faults of the coordinator do not overlap").signal(signal);
    }

    /// Kills it, and does something before it is dead for certain. One that has just ended by itself is left at that.
    pub(crate) fn kill<T>(&mut self, meanwhile: impl FnOnce() -> T) -> T {
        self.signal(Signal::KILL);
        let done = meanwhile();
        let ended = self.process.take().unwrap().end();
        if ended.code.is_some() {
            self.ended = Some(ended);
        } else {
            self.said_before += &ended.err;
            self.killed += 1;
        }
        done
    }

    /// Starts the next one, and waits until it can be found.
    pub(crate) fn resume(&mut self, host: &Host, words: &[String]) {
        if self.ended.is_none() {
            let mut process = host.start(words);
            process.says("waiting for");
            self.process = Some(process);
        }
    }

    /// Whether the run is over; it is not while it has no coordinator.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.ended.is_some() || self.process.as_mut().is_some_and(Process::has_ended)
    }

    /// How many were killed.
    pub(crate) fn killed(&self) -> u64 {
        self.killed
    }

    /// Waits for the run's end. What became of the last one, with what all of them said.
    pub(crate) fn end(self) -> Ended {
        let last = self.ended.or_else(|| self.process.map(Process::end)).expect("whoever is killed is followed");
        Ended { err: self.said_before + &last.err, ..last }
    }
}
