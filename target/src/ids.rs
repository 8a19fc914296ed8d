//! Which request ids arrived, how often, and when: to prove that a generator neither lost nor doubled a request.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::clock::now_ns;

/// The most different ids that a target remembers.
pub const IDS_MAX: usize = 1 << 22;

/// Ids are spread over so many maps, so that threads seldom wait for each other.
const MAPS: usize = 16;

/// How many request ids were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct IdCounts {
    /// Different ids.
    pub seen: u64,
    /// Different ids that came more than once.
    pub repeated: u64,
    /// Requests whose id was not remembered, because [`IDS_MAX`] others were.
    pub untracked: u64,
}

/// The arrivals of one request id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Arrival {
    /// The number in `x-request-id`.
    pub id: u64,
    /// How often it came.
    pub count: u64,
    /// When it first came, in nanoseconds of `CLOCK_BOOTTIME`.
    pub first_ns: u64,
    /// When it last came, in nanoseconds of `CLOCK_BOOTTIME`.
    pub last_ns: u64,
}

#[derive(Default)]
pub(crate) struct Ids {
    maps: [Mutex<HashMap<u64, Arrival>>; MAPS],
    seen: AtomicUsize,
    repeated: AtomicU64,
    untracked: AtomicU64,
}

impl Ids {
    /// Remembers that an id has come now.
    pub(crate) fn note(&self, id: u64) {
        let now = now_ns();
        match self.map(id).lock().unwrap_or_else(PoisonError::into_inner).entry(id) {
            Entry::Occupied(mut known) => {
                let arrival = known.get_mut();
                arrival.count += 1;
                arrival.last_ns = now;
                if arrival.count == 2 {
                    self.repeated.fetch_add(1, Relaxed);
                }
            }
            Entry::Vacant(place) if self.take_place() => {
                place.insert(Arrival { id, count: 1, first_ns: now, last_ns: now });
            }
            Entry::Vacant(_) => {
                self.untracked.fetch_add(1, Relaxed);
            }
        }
    }

    pub(crate) fn counts(&self) -> IdCounts {
        IdCounts {
            repeated: self.repeated.load(Relaxed),
            seen: self.seen.load(Relaxed) as u64,
            untracked: self.untracked.load(Relaxed),
        }
    }

    pub(crate) fn arrival(&self, id: u64) -> Option<Arrival> {
        self.map(id).lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }

    /// Every id's arrivals, in the order in which they first came.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        let mut arrivals: Vec<Arrival> = Vec::new();
        for map in &self.maps {
            arrivals.extend(map.lock().unwrap_or_else(PoisonError::into_inner).values());
        }
        arrivals.sort_by_key(|arrival| (arrival.first_ns, arrival.id));
        arrivals
    }

    fn take_place(&self) -> bool {
        self.seen.fetch_update(Relaxed, Relaxed, |seen| (seen < IDS_MAX).then_some(seen + 1)).is_ok()
    }

    fn map(&self, id: u64) -> &Mutex<HashMap<u64, Arrival>> {
        &self.maps[id as usize % MAPS]
    }
}
