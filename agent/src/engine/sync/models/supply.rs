//! Every iteration that was allotted is begun by one worker or given back, and whoever is left without asks for more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shuttle::thread;
use tokio::sync::Notify;

use super::super::modelled::{breaks, breaks_torn, in_every_order};
use crate::engine::supply::Supply;

fn supply(workers: usize) -> Supply {
    Supply::new(workers, true, &Arc::new(Notify::new()))
}

/// What a worker does that has no users any more after its first iteration, and gets one again: it puts back what it has
/// not begun.
fn take(supply: &Supply, begun: &AtomicU64) {
    let block = supply.take_block();
    let started = block.min(1);
    begun.fetch_add(started, Ordering::SeqCst);
    supply.disengage(block - started);
    supply.engage();
}

/// A worker takes while another does, or while more is allotted.
fn is_used_up(take: fn(&Supply, &AtomicU64), meanwhile: fn(&Supply, &AtomicU64)) {
    let (supply, begun) = (supply(2), AtomicU64::new(0));
    supply.allot(100, false);
    thread::scope(|threads| {
        threads.spawn(|| take(&supply, &begun));
        meanwhile(&supply, &begun);
    });
    // Then nobody is left.
    supply.allot(200, false);
    supply.disengage(0);
    supply.disengage(0);
    let word = supply.word(0, true);
    let (allotted, returned) = word.map_or((0, 0), |word| (word.allotted, word.returned));
    let told = (allotted, returned + begun.load(Ordering::SeqCst));
    assert_eq!(told, (200, 200), "what was allotted was neither begun nor given back, or both");
}

fn is_added(supply: &Supply, _: &AtomicU64) {
    supply.allot(200, false);
}

/// A worker takes what there is, while the coordinator is asked and answers.
fn is_asked_for(answer: fn(&Supply)) {
    let supply = supply(1);
    thread::scope(|threads| {
        threads.spawn(|| (0..2).for_each(|_| _ = supply.take_block()));
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
    in_every_order(|| is_asked_for(|supply| supply.allot(2, false)));
}

#[test]
fn an_answer_must_be_heard_before_asking_again() {
    breaks("nobody asks", || is_asked_for(|_| {}));
}
