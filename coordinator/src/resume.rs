//! A run whose coordinator ended before it did, and how another goes on with it.

use std::net::SocketAddr;

use muster_agent::planted::planted;

use crate::begun::Begun;
use crate::conduct::Opening;
use crate::journal::{Happened, JournalError, Left, Told};
use crate::run_clock::GoesOn;
use crate::store::{RunFolder, StoreError};

/// A run without a coordinator. As long as it is held, nobody else goes on with it.
pub struct Halted {
    left: Left,
    /// Where its agents look for a coordinator.
    listen: SocketAddr,
}

/// Why a run cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// What was kept of it cannot be read, or somebody goes on with it already.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing left to do.
    #[error("the run has ended, so there is nothing to go on with")]
    Ended,
    /// The agent was a part of the coordinator.
    #[error("the run's only agent was in its coordinator's own process, and has ended with it")]
    Local,
    /// Agents would have to be told what was never written down.
    #[error("the run had not begun, and its plan had header values, queries or bodies, which are not written down")]
    Unbegun,
}

impl Halted {
    /// Finds a run in its folder as it was left.
    ///
    /// # Errors
    /// [`ResumeError`] says why nobody can go on with it.
    pub fn find(folder: &RunFolder) -> Result<Self, ResumeError> {
        if folder.result()?.is_some() {
            return Err(ResumeError::Ended);
        }
        Self::of(folder.reopen()?)
    }

    /// The run as it was left.
    ///
    /// # Errors
    /// [`ResumeError`] says why nobody can go on with it.
    pub fn of(left: Left) -> Result<Self, ResumeError> {
        let told = &left.told;
        if told.run.has_ended() {
            return Err(ResumeError::Ended);
        }
        let listen = told.head.listen.ok_or(ResumeError::Local)?;
        if told.run.start_ns().is_none() && told.head.lacks_secrets {
            return Err(ResumeError::Unbegun);
        }
        Ok(Self { left, listen })
    }

    /// Where its agents look for a coordinator.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// How many bytes at the journal's end were never made durable, and are cut off when somebody goes on.
    #[must_use]
    pub fn torn(&self) -> u64 {
        self.left.told.torn
    }

    /// Goes on with the run from this moment, in the same journal. Whatever follows is written down behind that.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn go_on(self, now: &Begun, bytes_max: u64) -> Result<Opening, JournalError> {
        let (Told { mut run, head, anchor, last_ns, .. }, journal) = self.left.journal(bytes_max)?;
        let GoesOn { clock, now_ns, by_wall_clock } = anchor.goes_on(last_ns, now);
        let (event, entry) = Happened::resumed(now, by_wall_clock, head.lacks_secrets).at(now_ns);
        let journal = if planted("resumption-unwritten") { journal } else { journal.commit(&[entry])? };
        // There is nobody yet to whom anything could be said.
        run.apply(event, now_ns);
        Ok(Opening::of(run, head.begun, clock, Some(journal)))
    }
}
