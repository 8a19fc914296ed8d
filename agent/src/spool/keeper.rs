//! Keeps what is not acknowledged, as long as an agent has a part in a run.

use std::fs::{self, File};
use std::path::PathBuf;

use muster_proto::measurement::Health;

use super::kept::{About, Begun, Kept};
use crate::engine::collector::Slice;
use crate::engine::ring::Freed;
use crate::outbox::Outbox;

/// Keeps an agent's part in a run in a folder of its own, until it is dropped: then all is told, or given up by an agent
/// that lives on.
#[derive(Debug)]
pub struct Keeper {
    folder: PathBuf,
    boot_id: String,
    /// Held as long as the process lives.
    _lock: File,
    kept: Kept,
    freed: Vec<Freed>,
    /// Whether it was said that nothing can be written.
    has_complained: bool,
}

impl Keeper {
    pub(super) fn new(folder: PathBuf, lock: File, about: About, boot_id: String, freed: Vec<Freed>) -> Self {
        let kept = Kept::nothing(about, freed.len());
        let mut keeper = Self { folder, boot_id, _lock: lock, kept, freed, has_complained: false };
        keeper.keep(&Outbox::default());
        keeper
    }

    /// Where it keeps it.
    #[cfg(test)]
    pub(super) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Notes what was measured next. It is on its way into the outbox.
    pub fn note(&mut self, slice: &Slice, health: Health) {
        for (worker, mark) in &slice.marks {
            if let Some(kept) = self.kept.marks.get_mut(*worker) {
                *kept = *mark;
            }
        }
        slice.measured().for_each(|(_, measured)| Begun::add(&mut self.kept.begun, measured));
        self.kept.next_window = self.kept.next_window.max(slice.last_window.saturating_add(1));
        self.kept.health = health;
    }

    /// Writes down what is not acknowledged. Only then may anybody be told of it, and only then do the workers' records
    /// need no room any more.
    ///
    /// Where that fails, the rings fill up and get a gap; nothing is counted twice, since an acknowledgement of what was
    /// not written down is found to be wrong.
    pub fn keep(&mut self, outbox: &Outbox) {
        self.kept.outbox.clone_from(outbox);
        match self.kept.write(&self.folder, &self.boot_id) {
            Ok(()) => self.freed.iter().zip(&self.kept.marks).for_each(|(freed, mark)| freed.up_to(mark.position)),
            Err(error) if !self.has_complained => {
                self.has_complained = true;
                tracing::warn!(folder = %self.folder.display(), %error, "cannot write to the spool");
            }
            Err(_) => {}
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
