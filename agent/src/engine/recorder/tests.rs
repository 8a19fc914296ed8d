//! Events are counted in the window in which they happened, and nothing is lost when nobody takes the windows away.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use muster_proto::measurement::Shape;
use muster_proto::plan::{Arrivals, Plan, Rate, RateStage};
use muster_proto::schedule::{ArrivalSchedule, Load, Stream, Timing};
use muster_proto::share::Share;
use uuid::Uuid;

use super::super::part::{PARTS_MAX, PartReceiver};
use super::super::random::Key;
use super::super::ring::RingFile;
use super::super::tenure::Tenure;
use super::super::trace::Traces;
use super::*;

mod written;

const START_NS: u64 = 1_000_000_000_000;

fn counted(rate: u64, duration_s: u64) -> (Recorder, PartReceiver) {
    let (mut recorder, receiver) = recorder();
    recorder.count_arrivals(0, HeldArrivals::none(START_NS));
    recorder.hold(0, &granted(0, rate, duration_s));
    (recorder, receiver)
}

/// Everything of a rate that lasts so many seconds, from a moment after the start on.
fn granted(from_ns: u64, rate: u64, duration_s: u64) -> Grant {
    let rate = Rate::per_second(rate);
    let stages = [RateStage { duration: Duration::from_secs(duration_s), from: rate, to: rate }];
    let schedule = ArrivalSchedule::new(&stages, Arrivals::Uniform, Stream { seed: 1, scenario: 0 }).unwrap();
    Grant {
        share: Arc::new(Share::full()),
        tenure: Tenure::from(START_NS + from_ns),
        timing: Timing::Arrivals(Arc::new(schedule)),
        passed: Load::default(),
        begin_ns: 0,
    }
}

fn recorder() -> (Recorder, PartReceiver) {
    leased_recorder(&Lease::endless())
}

fn leased_recorder(lease: &Lease) -> (Recorder, PartReceiver) {
    let (sender, receiver) = PartSender::new(0, Shape { scenarios: 1, series: 1, tallies: 1 });
    (Recorder::new(START_NS, START_NS - 1, lease.clone(), None, sender), receiver)
}

fn taken(receiver: &mut PartReceiver) -> Vec<Part> {
    let mut cx = Context::from_waker(Waker::noop());
    std::iter::from_fn(|| match receiver.poll_next(&mut cx) {
        Poll::Ready(part) => part,
        Poll::Pending => None,
    })
    .collect()
}

#[test]
fn an_event_counts_in_the_window_in_which_it_happened() {
    let (mut recorder, mut receiver) = recorder();
    for at_ms in [0, 199, 200, 399, 650] {
        recorder.send(0, None, START_NS + at_ms * 1_000_000);
    }
    recorder.finish(START_NS + 650_000_000);
    let parts = taken(&mut receiver);
    let sent = parts.iter().map(|part| (part.first_window, part.last_window, part.measurement.series[0].sent));
    assert_eq!(sent.collect::<Vec<_>>(), [(0, 0, 2), (1, 1, 2), (2, 2, 0), (3, 3, 1)]);
    assert!(parts.iter().rev().skip(1).all(|part| !part.last) && parts[3].last);
}

#[test]
fn due_follows_the_schedule_however_late_anybody_looks() {
    let (mut recorder, mut receiver) = counted(100, 1);
    recorder.finish(START_NS + 1_000_000_000);
    let due: Vec<u64> = taken(&mut receiver).iter().map(|part| part.measurement.scenarios[0].due).collect();
    assert_eq!(due.iter().sum::<u64>(), 100);
    assert_eq!(due[..5], [20; 5]);
}

#[test]
fn nothing_falls_due_after_the_end_of_due() {
    let (mut recorder, mut receiver) = counted(100, 10);
    recorder.end_due(START_NS + 505_000_000);
    recorder.finish(START_NS + 3_000_000_000);
    let due: u64 = taken(&mut receiver).iter().map(|part| part.measurement.scenarios[0].due).sum();
    assert_eq!(due, 51, "those due at 0, 10, ..., 500 ms");
}

/// Due arrivals by the interval in which they are told.
fn due_by_interval(receiver: &mut PartReceiver) -> std::collections::BTreeMap<u32, u64> {
    let mut due = std::collections::BTreeMap::new();
    for part in taken(receiver) {
        for (window, measurement) in part.late.iter().chain([(&part.first_window, &part.measurement)]) {
            *due.entry(window / WINDOWS_PER_INTERVAL).or_default() += measurement.scenarios[0].due;
        }
    }
    due.retain(|_, due| *due > 0);
    due
}

#[test]
fn what_falls_due_without_a_lease_is_counted_once_it_is_back_in_its_due_second() {
    let lease = Lease::until(START_NS + 500_000_000);
    let (mut recorder, mut receiver) = counted(100, 10);
    recorder.lease = lease.clone();
    recorder.roll(START_NS + 3_100_000_000);
    assert_eq!(due_by_interval(&mut receiver), [(0, 50)].into());
    lease.extend(START_NS + 4_000_000_000);
    recorder.roll(START_NS + 3_300_000_000);
    recorder.finish(START_NS + 3_390_000_000);
    assert_eq!(due_by_interval(&mut receiver), [(0, 50), (1, 100), (2, 100), (3, 40)].into());
}

#[test]
fn nothing_is_told_as_skipped_before_it_is_told_as_due() {
    let (mut recorder, mut receiver) = counted(100, 10);
    recorder.due_counters[0].arrivals = recorder.due_counters[0].arrivals.like();
    recorder.roll(START_NS + 3_190_000_000);
    recorder.hold(0, &granted(500_000_000, 100, 10));
    for arrival in 50..320 {
        recorder.skip(0, START_NS + arrival * 10_000_000, SkipReason::AgentLost);
    }
    recorder.finish(START_NS + 4_990_000_000);
    let (mut due, mut skipped) = (0, 0);
    for part in taken(&mut receiver) {
        for stats in part.late.values().chain([&part.measurement]).map(|measurement| &measurement.scenarios[0]) {
            (due, skipped) = (due + stats.due, skipped + stats.skipped_total());
            assert!(skipped <= due, "{skipped} of {due} by window {}", part.last_window);
        }
    }
    assert_eq!((due, skipped), (450, 270));
}

#[test]
fn what_was_taken_away_before_the_lease_was_back_is_others_to_count() {
    let lease = Lease::until(START_NS + 500_000_000);
    let (mut recorder, mut receiver) = counted(100, 10);
    recorder.lease = lease.clone();
    let taken_away = granted(0, 100, 10);
    recorder.due_counters[0].arrivals = recorder.due_counters[0].arrivals.like();
    recorder.hold(0, &taken_away);
    recorder.roll(START_NS + 3_100_000_000);
    taken_away.tenure.end_at(START_NS + 1_200_000_000);
    lease.extend(START_NS + 9_000_000_000);
    recorder.finish(START_NS + 3_390_000_000);
    assert_eq!(due_by_interval(&mut receiver), [(0, 100), (1, 20)].into());
}

#[test]
fn a_share_that_is_given_late_counts_from_its_first_moment_on() {
    let (mut recorder, mut receiver) = counted(100, 10);
    recorder.due_counters[0].arrivals = recorder.due_counters[0].arrivals.like();
    recorder.roll(START_NS + 2_100_000_000);
    recorder.hold(0, &granted(1_500_000_000, 100, 10));
    recorder.finish(START_NS + 2_190_000_000);
    assert_eq!(due_by_interval(&mut receiver), [(1, 50), (2, 20)].into());
}

#[test]
fn a_run_that_is_joined_late_begins_with_the_window_under_way() {
    let (sender, mut receiver) = PartSender::new(0, Shape { scenarios: 1, series: 1, tallies: 1 });
    let mut recorder = Recorder::new(START_NS, START_NS + 900_000_000_000, Lease::endless(), None, sender);
    recorder.finish(START_NS + 900_100_000_000);
    let windows: Vec<_> = taken(&mut receiver).iter().map(|part| (part.first_window, part.last_window)).collect();
    assert_eq!(windows, [(4_500, 4_500)]);
}

#[test]
fn what_is_found_out_late_counts_in_its_due_second() {
    let (mut recorder, mut receiver) = recorder();
    recorder.roll(START_NS + 2_500_000_000);
    recorder.skip(0, START_NS + 300_000_000, SkipReason::Users);
    recorder.very_late(0, START_NS + 1_900_000_000);
    recorder.skip(0, START_NS + 2_100_000_000, SkipReason::Users);
    recorder.finish(START_NS + 2_600_000_000);
    let mut late: Vec<(u32, u64, u64)> = Vec::new();
    let mut in_time = 0;
    for part in taken(&mut receiver) {
        let stats = |measurement: &Measurement| measurement.scenarios[0].clone();
        let of_late = part.late.iter().map(|(window, late)| (*window, stats(late)));
        late.extend(of_late.map(|(window, stats)| (window, stats.skipped_total(), stats.very_late)));
        in_time += stats(&part.measurement).skipped_total();
    }
    assert_eq!((late, in_time), (vec![(0, 1, 0), (5, 0, 1)], 1));
}

#[test]
fn an_agent_that_is_behind_costs_resolution_and_nothing_else() {
    let (mut recorder, mut receiver) = recorder();
    let windows = PARTS_MAX as u64 + 10;
    for window in 0..windows {
        recorder.send(0, None, START_NS + window * WINDOW_NS);
    }
    let parts = taken(&mut receiver);
    assert_eq!(parts.len(), PARTS_MAX);
    recorder.finish(START_NS + windows * WINDOW_NS);
    let rest = taken(&mut receiver);
    let coarse = &rest[0];
    assert_eq!((coarse.first_window, coarse.last_window), (PARTS_MAX as u32, windows as u32 - 1));
    let sent: u64 = parts.iter().chain(&rest).map(|part| part.measurement.series[0].sent).sum();
    assert_eq!(sent, windows);
}

/// A step of an iteration of which all, or none, are traced.
fn traced(traces: Option<&Traces>) -> Traced<'_> {
    Traced { traces, key: Key::default() }
}

#[test]
fn the_first_sample_of_its_kind_is_kept_and_cut_to_size() {
    let (mut recorder, mut receiver) = recorder();
    recorder.sample(0, ErrorKind::Reset, START_NS + 5, traced(None), || "é".repeat(SAMPLE_BYTES_MAX));
    recorder.sample(0, ErrorKind::Reset, START_NS + 6, traced(None), || panic!("a second one costs nothing"));
    recorder.finish(START_NS + 10);
    let samples = &taken(&mut receiver)[0].measurement.samples;
    assert_eq!((samples.len(), samples[0].at_ns, samples[0].text.len()), (1, 5, SAMPLE_BYTES_MAX));
}

#[test]
fn the_first_sample_with_a_trace_is_kept_as_well() {
    let (mut recorder, mut receiver) = recorder();
    let mut plan = Plan::default();
    plan.http.trace_millionths = 1_000_000;
    let traces = Traces::of(&plan, Uuid::nil());
    for (at_ns, traces) in [(1, None), (2, None), (3, traces.as_ref()), (4, traces.as_ref()), (5, None)] {
        recorder.sample(0, ErrorKind::Reset, START_NS + at_ns, traced(traces), || "reset".to_owned());
        recorder.sample_miss(0, START_NS + at_ns, traced(traces), || "not there".to_owned());
    }
    recorder.finish(START_NS + 10);
    let samples = &taken(&mut receiver)[0].measurement.samples;
    let kept: Vec<(u64, bool)> = samples.iter().map(|sample| (sample.at_ns, sample.trace.is_some())).collect();
    assert_eq!(kept, [(1, false), (1, false), (3, true), (3, true)]);
}
