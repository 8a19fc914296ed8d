//! A worker that is seen to have ended has handed over all that it measured.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use muster_proto::measurement::Shape;
use shuttle::thread;

use super::super::modelled::{breaks, in_every_order, meet};
use crate::engine::collector::Collector;
use crate::engine::part::{Gauges, Part, PartSender};
use crate::engine::progress::Progress;

/// The windows that a worker hands over; the last one is its end.
const WINDOWS: u32 = 2;

/// What is ready of a collector: its windows, and whether it has come to its end.
fn collected(collector: &mut Collector) -> (Vec<u32>, bool) {
    let mut windows = Vec::new();
    loop {
        match pin!(collector.next()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(slice)) => windows.push(slice.first_window),
            outcome => return (windows, outcome.is_ready()),
        }
    }
}

fn hand_over(sender: &mut PartSender, window: u32) {
    let part = Part::new(sender.worker(), sender.take_empty(), Gauges::default());
    meet();
    sender.send(Part { first_window: window, last_window: window, last: window + 1 == WINDOWS, ..part });
}

/// A worker goes its way to the end, seen by whoever tells the coordinator of it.
fn is_watched(finish: fn(&mut PartSender, &Progress)) {
    let (mut sender, receiver) = PartSender::new(0, Shape { scenarios: 1, ..Shape::default() });
    let mut collector = Collector::new(vec![receiver]);
    let progress = Progress::default();
    thread::scope(|threads| {
        threads.spawn(|| {
            for window in 0..WINDOWS - 1 {
                progress.advance();
                hand_over(&mut sender, window);
            }
            finish(&mut sender, &progress);
        });
        let mut seen = 0;
        for _ in 0..3 {
            let current = progress.current();
            assert!(current >= seen, "a worker went back");
            seen = current;
        }
        if seen == Progress::ENDED {
            let all = ((0..WINDOWS).collect(), true);
            assert_eq!(collected(&mut collector), all, "a worker ended before it had handed over its last window");
        }
    });
}

#[test]
fn a_worker_that_has_ended_has_handed_everything_over() {
    in_every_order(|| {
        is_watched(|sender, progress| {
            hand_over(sender, WINDOWS - 1);
            progress.end();
        });
    });
}

#[test]
fn a_worker_must_not_end_before_its_last_window() {
    breaks("before it had handed over", || {
        is_watched(|sender, progress| {
            progress.end();
            hand_over(sender, WINDOWS - 1);
        });
    });
}

#[test]
fn a_worker_must_not_advance_after_its_end() {
    breaks("a worker went back", || {
        is_watched(|sender, progress| {
            hand_over(sender, WINDOWS - 1);
            progress.end();
            progress.advance();
        });
    });
}
