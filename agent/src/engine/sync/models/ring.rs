//! A worker never writes over records that are not kept elsewhere.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, memfd_create};
use shuttle::thread;

use super::super::modelled::{breaks, breaks_torn, in_every_order, meet};
use crate::engine::event::Event;
use crate::engine::record::Recorded;
use crate::engine::ring::{self, Freed, Ring, RingFile};

const RECORDS: u64 = 4;

/// In memory, which takes less time than on a disk.
fn ring_file() -> RingFile {
    let memory = memfd_create("ring", MemfdFlags::CLOEXEC).unwrap();
    RingFile::with_records(File::from(memory), RECORDS).unwrap()
}

/// Writes down an event that shows at which position.
fn append(ring: &mut Ring) {
    ring.append(ring.next() as u32, Event::Due { scenario: 0, count: 1 });
}

/// What a file holds from a position on: all that was written, and a gap wherever there was no room.
fn assert_found(file: &RingFile, from: u64, next: u64) {
    let found: Vec<_> = ring::read(&file.bytes(), from).collect();
    assert_eq!(found.len() as u64, next - from, "records are missing");
    for (position, recorded) in (from..).zip(found) {
        assert!(
            matches!(recorded, Recorded::Event(window, _) if u64::from(window) == position)
                || recorded == Recorded::Gap
        );
    }
}

/// A worker writes more than there is room for, while a keeper comes after it.
fn is_kept(keep: fn(position: u64, kept: &AtomicU64, freed: &Freed)) {
    let file = ring_file();
    let (written, kept) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|threads| {
        threads.spawn(|| {
            let freed = file.freed();
            for _ in 0..2 {
                meet();
                keep(written.load(Ordering::SeqCst), &kept, &freed);
            }
        });
        let mut ring = Ring::map(&file).unwrap();
        for _ in 0..RECORDS + 2 {
            meet();
            append(&mut ring);
            let room_ends = kept.load(Ordering::SeqCst) + RECORDS;
            assert!(ring.next() <= room_ends, "a record was written over that is kept nowhere");
            written.store(ring.next(), Ordering::SeqCst);
        }
    });
    assert_found(&file, kept.load(Ordering::SeqCst), written.load(Ordering::SeqCst));
}

/// Two make room at the same time, one of them more than the other.
fn is_freed_by_two() {
    let file = ring_file();
    let mut ring = Ring::map(&file).unwrap();
    (0..RECORDS - 1).for_each(|_| append(&mut ring));
    let freed = file.freed();
    thread::scope(|threads| {
        threads.spawn(|| freed.up_to(1));
        freed.up_to(RECORDS - 1);
    });
    (0..RECORDS).for_each(|_| append(&mut ring));
    assert_eq!(ring.next(), 2 * RECORDS - 1, "room was taken back");
}

#[test]
fn what_is_not_kept_is_not_written_over() {
    in_every_order(|| {
        is_kept(|position, kept, freed| {
            kept.store(position, Ordering::SeqCst);
            freed.up_to(position);
        });
    });
}

#[test]
fn room_must_not_be_made_before_records_are_kept() {
    breaks("kept nowhere", || {
        is_kept(|position, kept, freed| {
            freed.up_to(position);
            meet();
            kept.store(position, Ordering::SeqCst);
        });
    });
}

#[test]
fn room_that_was_made_stays() {
    in_every_order(is_freed_by_two);
}

#[test]
fn room_must_not_be_made_in_between() {
    breaks_torn("room was taken back", is_freed_by_two);
}
