//! A disk that is slow, fails, fills up, and forgets at a crash what was not synchronised.

use std::io;
use std::sync::{Arc, Mutex};

use muster::journal::Medium;

use super::dice::Dice;

/// The coordinator's disk. Copies are of the same disk.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Mutex<State>>);

struct State {
    durable: Vec<u8>,
    /// What was written and is not durable yet.
    written: Vec<u8>,
    /// Whether all of it has been told to become durable.
    syncing: bool,
    latency_ms: u64,
    latency_max_ms: u64,
    room_bytes: usize,
    fails: bool,
    failed: bool,
    asked_after_failure: bool,
}

impl Disk {
    /// An empty disk with so much room.
    pub(crate) fn new(room_bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            durable: Vec::new(),
            written: Vec::new(),
            syncing: false,
            latency_ms: 0,
            latency_max_ms: 0,
            room_bytes,
            fails: false,
            failed: false,
            asked_after_failure: false,
        })))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().expect("nobody panics with the disk in his hands"))
    }

    /// From now on it takes so long for whatever it does.
    pub(crate) fn becomes_slow(&self, latency_ms: u64) {
        self.with(|state| {
            state.latency_ms = latency_ms;
            state.latency_max_ms = state.latency_max_ms.max(latency_ms);
        });
    }

    /// The next time that it is to make something durable, it fails.
    pub(crate) fn breaks(&self) {
        self.with(|state| state.fails = true);
    }

    /// How long it takes for what it does now.
    pub(crate) fn latency_ms(&self) -> u64 {
        self.with(|state| state.latency_ms)
    }

    /// How long it ever took.
    pub(crate) fn latency_max_ms(&self) -> u64 {
        self.with(|state| state.latency_max_ms)
    }

    /// What was synchronised has arrived.
    pub(crate) fn settle(&self) {
        self.with(|state| {
            if std::mem::take(&mut state.syncing) {
                let mut written = std::mem::take(&mut state.written);
                state.durable.append(&mut written);
            }
        });
    }

    /// What is found on it after a power cut: all that was durable, and perhaps some of the rest.
    pub(crate) fn after_power_cut(&self, dice: &mut Dice) -> Vec<u8> {
        self.with(|state| {
            let kept = dice.within(0..=state.written.len() as u64) as usize;
            let mut found = state.durable.clone();
            found.extend(&state.written[..kept]);
            // The file may have grown before its content came.
            let grown = dice.within(0..=(state.written.len() - kept) as u64) as usize;
            found.extend(std::iter::repeat_n(0, grown * usize::from(dice.one_in(3))));
            found
        })
    }

    /// Everything that is durable.
    pub(crate) fn durable(&self) -> Vec<u8> {
        self.with(|state| state.durable.clone())
    }

    /// Whether it failed, and whether it was asked for anything after that.
    pub(crate) fn failed(&self) -> (bool, bool) {
        self.with(|state| (state.failed, state.asked_after_failure))
    }
}

impl Medium for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with(|state| {
            state.asked_after_failure |= state.failed;
            let fits = bytes.len().min(state.room_bytes - state.durable.len() - state.written.len());
            state.written.extend(&bytes[..fits]);
            state.failed |= fits < bytes.len();
            if state.failed { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.with(|state| {
            state.asked_after_failure |= state.failed;
            state.failed |= state.fails;
            state.syncing = !state.failed;
            if state.failed { Err(io::Error::other("worn out")) } else { Ok(()) }
        })
    }
}
