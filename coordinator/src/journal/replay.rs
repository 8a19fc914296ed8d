//! Tells a run again from its journal.

use std::io::Read;

use super::frame::Frames;
use super::{Entry, FrameError, Head, Shape};
use crate::run::event::Event;
use crate::run::life::Run;
use crate::run::record::RunRecord;

/// A run as its journal tells it.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The run, ended where the journal ends if not before.
    pub record: RunRecord,
    /// How many entries the journal has.
    pub entries: u64,
    /// How many bytes at its end are what is left of a group that was never made durable, and are left out.
    pub torn: u64,
}

/// Why a journal tells no run.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Its frames cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// It ends before the run begins.
    #[error("it is empty: the run had not begun")]
    Empty,
    /// It was written by another build, which may draw other conclusions.
    #[error("it is of {found}, and this program reads {wanted}")]
    Foreign {
        /// Who wrote it.
        found: String,
        /// Who could read it.
        wanted: String,
    },
    /// Its head makes no sense.
    #[error("its head makes no sense: {0}")]
    Head(String),
    /// One of its entries makes no sense.
    #[error("its entry {number} makes no sense: {problem}")]
    Entry {
        /// Which, from 1.
        number: u64,
        /// Why.
        problem: String,
    },
}

/// Tells a run again. If its journal ends before the run did, so does the run, as interrupted.
///
/// # Errors
/// When the journal is damaged, or not of this build.
pub fn replay(source: impl Read) -> Result<Replay, ReplayError> {
    let mut frames = Frames::new(source);
    let Head { settings, begun } = Head::decode(&frames.next_content()?.ok_or(ReplayError::Empty)?)?;
    let shape = Shape::of(&settings.plan);
    let mut run = Run::new(settings, begun.clock_ns);
    let (mut entries, mut last_ns) = (0, begun.clock_ns);
    while let Some(content) = frames.next_content()? {
        let mut rest = content.as_slice();
        while !rest.is_empty() {
            entries += 1;
            let entry = Entry::decode(&mut rest, shape);
            let (event, at_ns) = entry.map_err(|problem| ReplayError::Entry { number: entries, problem })?;
            last_ns = last_ns.max(at_ns);
            run.apply(event, at_ns);
        }
    }
    run.apply(Event::Interrupted, last_ns);
    let started_at = begun.date(run.start_ns());
    Ok(Replay { record: run.into_record(started_at), entries, torn: frames.torn() })
}
