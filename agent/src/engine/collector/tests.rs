//! Windows of all workers come together, in order, however far the workers are apart.

use muster_proto::measurement::Shape;

use super::super::part::PartSender;
use super::*;

fn workers(count: usize) -> (Vec<PartSender>, Collector) {
    let (senders, receivers) =
        (0..count).map(|worker| PartSender::new(worker, Shape { scenarios: 1, ..Shape::default() })).unzip();
    (senders, Collector::new(receivers))
}

/// Sends a part in which one iteration started.
fn send(sender: &mut PartSender, windows: (u32, u32), late: Option<u32>, last: bool) {
    let mut measurement = sender.take_empty();
    measurement.scenarios[0].started = 1;
    let part = Part::new(sender.worker(), measurement.clone(), Gauges::default());
    let late = late.map(|window| (window, measurement)).into_iter().collect();
    sender.send(Part { first_window: windows.0, last_window: windows.1, late, last, ..part });
}

fn ready(collector: &mut Collector) -> Vec<(u32, u32, u64)> {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let mut slices = Vec::new();
    while let Poll::Ready(Some(slice)) = collector.poll_next(&mut cx) {
        slices
            .extend(slice.measured().map(|(windows, measured)| (windows.0, windows.1, measured.scenarios[0].started)));
        collector.give_back(slice);
    }
    slices
}

#[test]
fn a_window_waits_for_the_slowest_worker() {
    let (mut senders, mut collector) = workers(2);
    send(&mut senders[0], (0, 0), None, false);
    send(&mut senders[0], (1, 1), None, false);
    assert_eq!(ready(&mut collector), []);
    send(&mut senders[1], (0, 0), None, false);
    assert_eq!(ready(&mut collector), [(0, 0, 2)]);
    send(&mut senders[1], (1, 1), None, true);
    assert_eq!(ready(&mut collector), [(1, 1, 2)]);
    send(&mut senders[0], (2, 2), None, true);
    assert_eq!(ready(&mut collector), [(2, 2, 1)], "a worker that has ended holds nothing up");
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(matches!(collector.poll_next(&mut cx), Poll::Ready(None)));
}

#[test]
fn a_worker_that_dies_takes_no_window_with_it() {
    let (mut senders, mut collector) = workers(2);
    send(&mut senders[0], (0, 0), None, false);
    drop(senders);
    assert_eq!(ready(&mut collector), [(0, 0, 1)]);
}

#[test]
fn coarse_and_late_parts_are_all_counted() {
    let (mut senders, mut collector) = workers(2);
    send(&mut senders[0], (0, 2), None, false);
    send(&mut senders[1], (0, 0), None, false);
    send(&mut senders[1], (1, 1), None, false);
    assert_eq!(ready(&mut collector), [], "window 2 is still open on one worker");
    send(&mut senders[1], (2, 2), None, false);
    let slices = ready(&mut collector);
    assert_eq!(slices.iter().map(|slice| slice.2).sum::<u64>(), 4);
    send(&mut senders[0], (3, 3), Some(0), false);
    send(&mut senders[1], (3, 3), Some(0), false);
    assert_eq!(ready(&mut collector), [(0, 0, 2), (3, 3, 2)], "corrections go out with the next window");
}
