//! A worker's latest events in a file, which outlives the process however it ends.
//!
//! The file is mapped and shared, so writing an event is writing to memory: the system keeps what was written there when
//! the process is killed between any two instructions. Nothing is synchronised to the disk, so nothing is promised over
//! the end of the machine.

use std::fs::File;
use std::io;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate};
use vmap::MapMut;

use super::event::Event;
use super::record::{RECORD_BYTES, Recorded};
use super::sync::{AtomicU64, Ordering};

/// The records of a worker's ring: half a second's, at a hundred thousand requests a second. An agent that falls further
/// behind leaves a gap.
pub const RING_RECORDS: u64 = 1 << 18;

/// A file for a worker's ring, and up to which record its events are kept elsewhere by now.
#[derive(Debug)]
pub struct RingFile {
    file: File,
    freed: Freed,
}

/// Up to which record a ring's events are kept elsewhere, and need no more room in it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Freed(Arc<AtomicU64>);

impl Freed {
    /// The ring's events before this position are kept elsewhere.
    pub fn up_to(&self, position: u64) {
        self.0.fetch_max(position, Ordering::Release);
    }
}

impl RingFile {
    /// Makes this file, which is empty, a ring of [`RING_RECORDS`].
    ///
    /// # Errors
    /// What the system says when there is no room for it.
    pub fn new(file: File) -> io::Result<Self> {
        Self::with_records(file, RING_RECORDS)
    }

    pub(super) fn with_records(file: File, records: u64) -> io::Result<Self> {
        // Room is taken now: a disk that is full later could not be told to whoever writes to memory.
        fallocate(&file, FallocateFlags::empty(), 0, records * RECORD_BYTES as u64)?;
        Ok(Self { file, freed: Freed::default() })
    }

    /// All that it holds, as somebody else finds it.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> Vec<u8> {
        use std::os::unix::fs::FileExt;
        let mut bytes = vec![0; self.file.metadata().unwrap().len() as usize];
        self.file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    /// What makes room in it.
    #[must_use]
    pub fn freed(&self) -> Freed {
        self.freed.clone()
    }
}

/// Where a worker writes down its events. Belongs to its thread.
pub struct Ring {
    map: MapMut,
    records: u64,
    /// The position of the next record.
    next: u64,
    /// There is no room for this one or any later one, as far as is known.
    full_at: u64,
    freed: Freed,
}

impl Ring {
    /// Maps a ring's file.
    ///
    /// # Errors
    /// What the system says when it cannot be mapped.
    pub fn map(file: &RingFile) -> io::Result<Self> {
        let bytes = file.file.metadata()?.len();
        let mut map = MapMut::with_options().write().map(&file.file).map_err(io::Error::other)?;
        // No page is to be brought in on the way of a request.
        map.fill(0);
        let records = bytes / RECORD_BYTES as u64;
        Ok(Self { map, records, next: 0, full_at: records, freed: file.freed() })
    }

    /// The position of the next record: those before it hold all events until now.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Writes an event down. When there is no room, a gap is written in its place, in the room that is left for that.
    // Whoever has no ring has none of it in its code.
    #[inline(never)]
    pub fn append(&mut self, window: u32, event: Event) {
        if self.next + 1 >= self.full_at {
            self.look_for_room();
        }
        if self.next + 1 < self.full_at {
            self.put(Recorded::Event(window, event));
        } else if self.next < self.full_at {
            self.put(Recorded::Gap);
        }
    }

    #[cold]
    fn look_for_room(&mut self) {
        self.full_at = self.freed.0.load(Ordering::Acquire) + self.records;
    }

    #[inline]
    fn put(&mut self, recorded: Recorded) {
        let at = (self.next % self.records) as usize * RECORD_BYTES;
        if let Some(slot) = self.map.get_mut(at..at + RECORD_BYTES) {
            slot.copy_from_slice(&recorded.to_bytes(self.next));
        }
        self.next += 1;
    }
}

/// The records that a ring's file holds from this position on, in order.
pub fn read(bytes: &[u8], from: u64) -> impl Iterator<Item = Recorded> {
    let (slots, _) = bytes.as_chunks::<RECORD_BYTES>();
    let slots = slots.get(..slots.len().min(RING_RECORDS as usize)).unwrap_or_default();
    let record = move |nth: u64| {
        let position = from.checked_add(nth)?;
        let slot = slots.get(usize::try_from(position.checked_rem(slots.len() as u64)?).ok()?)?;
        Recorded::from_bytes(slot, position)
    };
    (0..slots.len() as u64).map_while(record)
}

#[cfg(test)]
mod tests;
