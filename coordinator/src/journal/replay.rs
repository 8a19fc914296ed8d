//! Tells a run again from its journal.

use std::io::Read;

use muster_agent::planted::planted;
use muster_proto::measurement::Shape;

use super::frame::Frames;
use super::{Entry, FrameError, Head};
use crate::run::event::Event;
use crate::run::life::Run;
use crate::run::record::RunRecord;
use crate::run_clock::Anchor;

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
    /// A snapshot's state makes no sense.
    #[error("its state makes no sense: {0}")]
    Snapshot(String),
    /// One of its entries makes no sense.
    #[error("its entry {number} makes no sense: {problem}")]
    Entry {
        /// Which, from 1.
        number: u64,
        /// Why.
        problem: String,
    },
}

/// A run as far as its journal tells it, with all that somebody needs who goes on with it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The run.
    pub run: Run,
    /// What it was told at its beginning.
    pub head: Head,
    /// What the machine of its latest coordinator showed when that came.
    pub anchor: Anchor,
    /// The latest moment in the journal, by the run's clock in nanoseconds.
    pub last_ns: u64,
    /// How many entries the journal has.
    pub entries: u64,
    /// How many bytes of its last segment are whole.
    pub bytes: u64,
    /// How many bytes follow that are what is left of a group that was never made durable, and are left out.
    pub torn: u64,
}

impl Told {
    pub(super) fn begin(head: Head) -> Self {
        let begun = head.begun;
        Self {
            run: Run::new(head.settings.clone(), begun.clock_ns),
            anchor: Anchor { at_ns: begun.clock_ns, shown: begun },
            last_ns: begun.clock_ns,
            entries: 0,
            bytes: 0,
            torn: 0,
            head,
        }
    }

    fn take(&mut self, entry: Entry, shape: Shape) -> Result<(), String> {
        let at_ns = entry.at_ns();
        if let Some(anchor) = entry.anchor()? {
            self.anchor = anchor;
        }
        self.run.apply(entry.event(shape)?, at_ns);
        self.last_ns = self.last_ns.max(at_ns);
        Ok(())
    }
}

/// Tells a run again, as far as its journal goes, which is this one segment.
///
/// # Errors
/// When the journal is damaged, or not of this build.
pub fn tell(source: impl Read) -> Result<Told, ReplayError> {
    tell_on(None, source)
}

/// Tells a run on with the next segment of its journal; from its beginning, if nothing is told yet.
///
/// # Errors
/// When the segment is damaged, or not of this build, or the one before it has no whole end.
pub fn tell_on(told: Option<Told>, source: impl Read) -> Result<Told, ReplayError> {
    let mut frames = Frames::new(source);
    if let Some(before) = told.as_ref().filter(|told| told.torn > 0) {
        return Err(FrameError::Damaged { offset: before.bytes }.into());
    }
    let mut told = match (frames.next_content()?, told) {
        (Some(_), Some(told)) => told,
        (Some(head), None) => Told::begin(Head::decode(&head)?),
        // Nothing was written to it before its coordinator ended.
        (None, Some(told)) => return Ok(Told { bytes: 0, torn: frames.torn(), ..told }),
        (None, None) => return Err(ReplayError::Empty),
    };
    let shape = Shape::of(told.run.plan());
    while let Some(content) = frames.next_content()? {
        let mut rest = content.as_slice();
        while !rest.is_empty() {
            told.entries += 1;
            let taken = Entry::decode(&mut rest).and_then(|entry| told.take(entry, shape));
            taken.map_err(|problem| ReplayError::Entry { number: told.entries, problem })?;
            if planted("rest-of-a-group-dropped") {
                break;
            }
        }
    }
    (told.bytes, told.torn) = (frames.offset(), frames.torn());
    Ok(told)
}

impl Told {
    /// The run, ended where its journal ends if not before.
    #[must_use]
    pub fn interrupted(self) -> Replay {
        let Self { mut run, head, last_ns, entries, torn, .. } = self;
        run.apply(Event::Interrupted, last_ns);
        let started_at = head.begun.date(run.start_ns());
        Replay { record: run.into_record(started_at), entries, torn }
    }
}

/// Tells a run again. If its journal, which is this one segment, ends before the run did, so does the run, as interrupted.
///
/// # Errors
/// When the journal is damaged, or not of this build.
pub fn replay(source: impl Read) -> Result<Replay, ReplayError> {
    tell(source).map(Told::interrupted)
}
