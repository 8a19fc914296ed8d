//! Every iteration that was allotted is begun by one worker or given back, and whoever is left without asks for more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use muster_proto::supply::Block;
use shuttle::thread;
use tokio::sync::Notify;

use super::super::modelled::{breaks, breaks_torn, in_every_order};
use crate::engine::supply::Supply;

fn supply(workers: usize) -> Supply {
    // Room for a block each, so that there are not too many orders.
    Supply::with_room(workers, workers, true, &Arc::new(Notify::new()))
}

/// What a worker does that has no users any more after its first iteration, and gets one again: it puts back what it has
/// not begun.
fn take(supply: &Supply, begun: &AtomicU64) {
    let (started, rest) = supply.take_block().split(1);
    begun.fetch_add(started.count, Ordering::SeqCst);
    supply.disengage(rest);
    supply.engage();
}

/// Allots the numbers up to this one.
fn allot(supply: &Supply, allotted: u64) {
    supply.allot(allotted, Block { first: 0, count: allotted }, false).unwrap();
}

/// A worker takes while another does, or while more is allotted.
fn is_used_up(take: fn(&Supply, &AtomicU64), meanwhile: fn(&Supply, &AtomicU64)) {
    let (supply, begun) = (supply(2), AtomicU64::new(0));
    allot(&supply, 100);
    thread::scope(|threads| {
        threads.spawn(|| take(&supply, &begun));
        meanwhile(&supply, &begun);
    });
    // Then nobody is left.
    allot(&supply, 200);
    supply.disengage(Block::default());
    supply.disengage(Block::default());
    let word = supply.word(0, true).unwrap_or_default();
    let (allotted, returned) = (word.allotted, word.returned.iter().map(|block| block.count).sum::<u64>());
    let told = (allotted, returned + begun.load(Ordering::SeqCst));
    assert_eq!(told, (200, 200), "what was allotted was neither begun nor given back, or both");
}

fn is_added(supply: &Supply, _: &AtomicU64) {
    allot(supply, 200);
}

/// A worker takes what there is, while the coordinator is asked and answers.
fn is_asked_for(answer: fn(&Supply)) {
    let supply = supply(1);
    thread::scope(|threads| {
        threads.spawn(|| supply.take_block());
        supply.word(0, true).expect("more is wanted from the beginning");
        answer(&supply);
    });
    assert!(!supply.is_dry() || supply.word(0, true).is_some_and(|word| word.more), "nothing is left, and nobody asks");
}

#[test]
fn what_is_allotted_is_begun_once_or_given_back() {
    in_every_order(|| is_used_up(take, take));
    in_every_order(|| is_used_up(take, is_added));
}

#[test]
fn takings_must_not_come_in_between_each_other() {
    breaks_torn("neither begun nor given back", || is_used_up(take, take));
}

#[test]
fn what_is_not_begun_must_be_put_back() {
    breaks("neither begun nor given back", || {
        is_used_up(|supply, _| _ = supply.take_block(), is_added);
    });
}

#[test]
fn whoever_is_left_without_asks_for_more() {
    in_every_order(|| is_asked_for(|supply| allot(supply, 1)));
}

#[test]
fn an_answer_must_be_heard_before_asking_again() {
    breaks("nobody asks", || is_asked_for(|_| {}));
}
