//! Writes a conducted run down: groups of entries at once, snapshots beside them.

use tokio::task::JoinHandle;

use crate::journal::{Entry, Journal, JournalError};
use crate::run::life::Run;
use crate::surroundings::Surroundings;

/// Whoever writes down what happens to a run, until the journal fails or is full.
pub(crate) struct Scribe<S> {
    surroundings: S,
    journal: Option<Journal>,
    /// The snapshot that is being written, one at a time.
    saving: Option<JoinHandle<Result<u64, JournalError>>>,
}

impl<S: Surroundings> Scribe<S> {
    /// Writes to this journal; without one, nothing.
    pub(crate) fn new(surroundings: &S, journal: Option<Journal>) -> Self {
        Self { surroundings: surroundings.clone(), journal, saving: None }
    }

    /// Makes a group durable that `run` has yet to be told of. A journal that failed once is never tried again.
    ///
    /// # Errors
    /// When it is not durable, and nothing will be any more.
    pub(crate) async fn write_down(&mut self, group: Vec<Entry>, run: &Run) -> Result<(), JournalError> {
        let Some(journal) = self.journal.take() else { return Ok(()) };
        let snapshot = if self.saving.is_none() { journal.snapshot_if_due(run) } else { None };
        let turns = snapshot.is_some();
        let write = move || if turns { journal.turn()?.commit(&group) } else { journal.commit(&group) };
        self.journal = Some(self.surroundings.wait_for_disk(write).await??);
        // The segment before has everything until now, so that it does no harm if this is never saved.
        self.saving = self.saving.take().or_else(|| {
            let (snapshot, here) = (snapshot?, self.surroundings.clone());
            Some(tokio::spawn(async move { here.wait_for_disk(move || snapshot.save()).await? }))
        });
        Ok(())
    }

    /// Why the last snapshot was not saved, if there is something to tell. What it was to stand for is kept.
    pub(crate) async fn snapshot_failure(&mut self) -> Option<JournalError> {
        let saving = self.saving.take_if(|saving| saving.is_finished())?;
        let saved = saving.await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()));
        // Of a journal that has failed or is full, that has been told.
        let journal = self.journal.as_mut()?;
        journal.note_saved(saved.as_ref().ok().copied());
        saved.err()
    }
}
