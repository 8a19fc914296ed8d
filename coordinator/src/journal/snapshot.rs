//! A run's whole state between two entries, from which it is told on without those before.
//!
//! A snapshot is a sequence of frames as a segment is: the first holds the head, the others the state,
//! compressed and cut into pieces.

use std::io::{self, Read};
use std::sync::Arc;

use muster_agent::planted::planted;
use serde::{Deserialize, Serialize};

use super::frame::{self, CONTENT_BYTES_MAX, Frames};
use super::head::{begun, unix_ns};
use super::{FrameError, Head, JournalError, ReplayError, Shelf, Told};
use crate::run::life::{Run, RunState};
use crate::run_clock::Anchor;

/// How many generations are kept before the latest, in case it is damaged.
const GENERATIONS_KEPT: usize = 1;
/// The quickest way to most of what there is to gain: shares of the load, above all, are regular.
const COMPRESSION: i32 = 1;

/// A run's state, and how far its journal was then.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    anchor_ns: u64,
    anchor_clock_ns: u64,
    anchor_unix_ns: i64,
    anchor_boot: [u8; 16],
    last_ns: u64,
    entries: u64,
    state: RunState,
}

/// A snapshot that is yet to be written, beside the journal that goes on meanwhile.
pub struct Snapshot {
    pub(super) shelf: Arc<dyn Shelf>,
    /// The segment that goes on from it.
    pub(super) segment: u32,
    pub(super) head: Vec<u8>,
    kept: Kept,
    /// How large it may be, in bytes, of a journal that has this bound.
    pub(super) room: u64,
    pub(super) bytes_max: u64,
}

impl Snapshot {
    pub(super) fn new(journal: &super::Journal, shelf: Arc<dyn Shelf>, run: &Run) -> Self {
        let Anchor { at_ns, shown } = journal.anchor;
        let kept = Kept {
            anchor_ns: at_ns,
            anchor_clock_ns: shown.clock_ns,
            anchor_unix_ns: unix_ns(shown.wall),
            anchor_boot: shown.boot.into_bytes(),
            last_ns: journal.last_ns,
            entries: journal.entries,
            state: run.state(),
        };
        let room = journal.room();
        Self {
            shelf,
            segment: journal.segment + 1,
            head: journal.head.clone(),
            kept,
            room,
            bytes_max: journal.bytes_max,
        }
    }

    /// Writes it, and takes away what nobody needs any more. Returns how many bytes are kept before its segment.
    ///
    /// # Errors
    /// When it does not fit, or cannot be made durable. Whatever was kept before is kept still.
    pub fn save(self) -> Result<u64, JournalError> {
        let bytes = self.encode()?;
        if bytes.len() as u64 > self.room {
            return Err(JournalError::Full(self.bytes_max));
        }
        self.shelf.keep(self.segment, &bytes)?;
        self.shelf.forget_below(self.oldest_kept()?)?;
        Ok(self.shelf.bytes_before(self.segment)?)
    }

    /// The snapshot that is to be there in case this one is damaged; everything, where there is none. That is not always
    /// the one with the number before: of a coordinator that ended while it wrote one there is none.
    fn oldest_kept(&self) -> io::Result<u32> {
        let kept = if planted("one-generation-kept") { 0 } else { GENERATIONS_KEPT };
        let snapshots = self.shelf.pieces()?.snapshots;
        Ok(snapshots.into_iter().rev().filter(|number| *number <= self.segment).nth(kept).unwrap_or(0))
    }

    fn encode(&self) -> io::Result<Vec<u8>> {
        let state = postcard::to_allocvec(&self.kept).map_err(|error| io::Error::other(error.to_string()))?;
        let state = zstd::bulk::compress(&state, COMPRESSION)?;
        let mut bytes = frame::frame(0, &self.head);
        for piece in state.chunks(CONTENT_BYTES_MAX) {
            let frame = frame::frame(bytes.len() as u64, piece);
            bytes.extend_from_slice(&frame);
        }
        Ok(bytes)
    }
}

impl Told {
    /// A run as a snapshot has it, to be told on by the segments from its number on.
    ///
    /// # Errors
    /// When the snapshot is damaged, or not of this build.
    pub fn from_snapshot(source: impl Read) -> Result<Self, ReplayError> {
        let mut frames = Frames::new(source);
        let head = Head::decode(&frames.next_content()?.ok_or(ReplayError::Empty)?)?;
        let mut state = Vec::new();
        while let Some(piece) = frames.next_content()? {
            state.extend(piece);
        }
        if frames.torn() > 0 {
            return Err(FrameError::Damaged { offset: frames.offset() }.into());
        }
        let wrong = |problem: String| ReplayError::Snapshot(problem);
        let state = zstd::stream::decode_all(state.as_slice()).map_err(|error| wrong(error.to_string()))?;
        let (kept, rest) = postcard::take_from_bytes::<Kept>(&state).map_err(|error| wrong(error.to_string()))?;
        if !rest.is_empty() {
            return Err(wrong(format!("{} bytes follow its state", rest.len())));
        }
        let shown = begun(kept.anchor_clock_ns, kept.anchor_unix_ns, &kept.anchor_boot).map_err(wrong)?;
        let run = Run::in_state(head.settings.clone(), kept.state);
        Ok(Self {
            run: run.ok_or_else(|| wrong("its state is of another plan".to_owned()))?,
            anchor: Anchor { at_ns: kept.anchor_ns, shown },
            last_ns: kept.last_ns,
            entries: kept.entries,
            ..Self::begin(head)
        })
    }
}
