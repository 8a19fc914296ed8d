use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::run::record::Ending;
use crate::run::synthetic::{Made, delta, healthy, open_plan, start, succeed};
use crate::verdict::validity::Grade;

#[test]
fn what_begins_in_the_warm_up_is_left_out_of_the_verdict_but_not_of_the_run() {
    let mut plan = open_plan(5);
    plan.scenarios[0].warm_up = Duration::from_millis(1_500);
    let made = Made::new(plan, 1).seconds(5, |_, _, delta| healthy(delta));
    let timeline = made.end(Ending::Completed).timeline;
    assert_eq!(timeline.counts().due, 500);
    assert_eq!(timeline.measured().scenarios[0].due, 300, "from the first whole second on");
    assert_eq!(timeline.intervals().len(), 5);
    assert_eq!(timeline.grades().seconds(), 3);
    assert_eq!(timeline.measured_ns(std::iter::once(0)), 3_000_000_000);
}

#[test]
fn late_and_coarse_deltas_count_and_show() {
    let plan = open_plan(10);
    let mut timeline = Timeline::new(&plan);
    assert_eq!(timeline.close_until(3).len(), 3);
    let mut late = delta(&plan, 0);
    late.last_window = 9;
    succeed(&mut late.measurement.series[0], 7, 20);
    timeline.apply(0, &late);
    assert_eq!(timeline.counts().sent, 7);
    assert_eq!(timeline.intervals()[1].counts.sent, 7, "in the last second that it covers");
    assert_eq!(timeline.intervals()[1].series[0].response().max_ns(), Some(20_030_000));
    let coarse: Vec<bool> = timeline.intervals().iter().map(|interval| interval.coarse).collect();
    assert_eq!(coarse, [true, true, false]);

    let mut coarse = delta(&plan, 15);
    coarse.last_window = 24;
    start(&mut coarse.measurement.scenarios[0], 5);
    timeline.apply(0, &coarse);
    let seconds = timeline.close_until(6);
    let complete: Vec<bool> = seconds.iter().map(|second| second.complete).collect();
    assert_eq!(complete, [false, false, true]);
    assert_eq!(timeline.intervals()[4].counts.due, 5);
}

#[test]
fn a_silent_agent_makes_its_seconds_invalid_until_it_is_released() {
    let plan = open_plan(10);
    let mut timeline = Timeline::new(&plan);
    timeline.expect(0);
    timeline.expect(1);
    for window in 0..20 {
        timeline.apply(0, &delta(&plan, window));
    }
    (0..5).for_each(|window| timeline.apply(1, &delta(&plan, window)));
    assert_eq!(timeline.told_until(), 1);
    timeline.release(1, 2_500_000_000);
    assert_eq!(timeline.told_until(), 4);
    timeline.close_until(4);
    let grades: Vec<Grade> = timeline.intervals().iter().map(|interval| interval.grades.worst()).collect();
    assert_eq!(grades, [Grade::Valid, Grade::Invalid, Grade::Invalid, Grade::Valid]);
}

#[test]
fn memory_is_bounded_however_long_the_run() {
    let plan = open_plan(1_000_000);
    let mut timeline = Timeline::new(&plan);
    let seconds = INTERVALS_MAX as u32 * 2 + 10;
    for second in 0..seconds {
        if second % 100 == 0 {
            let mut delta = delta(&plan, second * WINDOWS_PER_INTERVAL);
            succeed(&mut delta.measurement.series[0], 3, u64::from(second % 500) + 1);
            timeline.apply(0, &delta);
        }
        timeline.close_until(second + 1);
    }
    assert_eq!(timeline.resolution_s(), 4);
    assert!(timeline.intervals().len() <= INTERVALS_MAX);
    assert_eq!(timeline.intervals().iter().map(|i| u64::from(i.seconds)).sum::<u64>(), u64::from(seconds));
    assert!(timeline.intervals().iter().all(|i| i.first % 4 == 0));
    assert_eq!(timeline.grades().seconds(), u64::from(seconds));
    let sent: u64 = timeline.intervals().iter().map(|i| i.counts.sent).sum();
    assert_eq!(sent, timeline.counts().sent);
}

#[test]
fn memory_is_bounded_however_many_the_series() {
    let mut timeline = Timeline::new(&open_plan(1_000));
    for first in 0..120 {
        let series = vec![SeriesInterval::default(); 10_000];
        timeline.push(Interval { first, seconds: 1, series, ..Interval::default() });
    }
    assert_eq!(timeline.resolution_s(), 2);
    assert!(timeline.intervals().iter().map(Interval::bytes).sum::<usize>() <= INTERVAL_BYTES_MAX);
}

#[test]
fn lateness_in_the_warm_up_does_not_colour_the_seconds_after_it() {
    let mut plan = open_plan(4);
    plan.scenarios[0].warm_up = Duration::from_secs(2);
    let made = Made::new(plan, 1).seconds(4, |_, window, delta| {
        healthy(delta);
        if window < 10 {
            delta.measurement.scenarios[0].arrival_lag.record_n(500_000_000, 20);
        }
    });
    let timeline = made.record.timeline;
    let grades: Vec<Grade> = timeline.intervals().iter().map(|interval| interval.grades.worst()).collect();
    assert_eq!(grades, [Grade::Invalid, Grade::Invalid, Grade::Valid, Grade::Valid]);
    assert_eq!(timeline.grades().of_run(), Grade::Valid);
}

#[test]
fn merged_intervals_keep_exact_percentiles() {
    let plan = open_plan(10);
    let mut timeline = Timeline::new(&plan);
    let mut exact = muster_proto::histogram::Histogram::default();
    for second in 0..2 {
        let mut delta = delta(&plan, second * WINDOWS_PER_INTERVAL);
        succeed(&mut delta.measurement.series[0], 10, 10 + u64::from(second) * 500);
        exact.merge(&delta.measurement.series[0].response_expected);
        timeline.apply(0, &delta);
    }
    timeline.close_until(2);
    let mut merged = timeline.intervals()[0].clone();
    merged.merge(&timeline.intervals()[1]);
    for q in [0.25, 0.5, 0.75, 0.99] {
        let expected = exact.quantile_ns(q).map(|ns| ns.min(exact.max_ns().unwrap()));
        assert_eq!(merged.series[0].response().quantile_ns(q), expected, "{q}");
    }
}

#[test]
fn a_far_future_delta_opens_no_more_seconds_than_allowed() {
    let plan = open_plan(10);
    let mut timeline = Timeline::new(&plan);
    let mut far = delta(&plan, u32::MAX - 1);
    start(&mut far.measurement.scenarios[0], 1);
    timeline.apply(0, &far);
    far.first_window = 0;
    timeline.apply(0, &far);
    assert_eq!(timeline.open.len(), 1);
    assert!(timeline.coarse.len() <= OPEN_SECONDS_MAX as usize);
    assert_eq!(timeline.counts().due, 2);
    let seconds = timeline.finish(1_000_000_000);
    assert_eq!(seconds.len(), OPEN_SECONDS_MAX as usize);
    assert_eq!(timeline.intervals().iter().map(|i| i.counts.due).sum::<u64>(), 2);
}

#[test]
fn lateness_is_measured_against_the_service_time() {
    for (service_ms, lag_us, late) in [(1, 1_100, 25), (100, 1_100, 0), (100, 9_000, 0), (100, 11_000, 25)] {
        let plan = open_plan(10);
        let mut second = Measurement::new(Shape::of(&plan));
        second.scenarios[0].arrival_lag.record_n(lag_us * 1_000, 25);
        succeed(&mut second.series[0], 10, service_ms);
        let seen = Lateness::new(1).of_second(&spans::spans_of(&plan), &SeriesTable::of(&plan), &second);
        assert_eq!((seen.arrivals, seen.late), (25, late), "{service_ms} ms, {lag_us} µs");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn seconds_always_add_up_to_the_run(
        told in prop::collection::vec((0..3_usize, 0..60_u32, 0..12_u32, 1..9_u64, prop::bool::weighted(0.2)), 1..60),
    ) {
        let mut plan = open_plan(10);
        plan.scenarios[0].warm_up = Duration::from_secs(2);
        let mut timeline = Timeline::new(&plan);
        for (agent, window, length, n, close) in told {
            let mut delta = delta(&plan, window);
            delta.last_window += length;
            start(&mut delta.measurement.scenarios[0], n);
            succeed(&mut delta.measurement.series[1], n, 10 * n);
            timeline.apply(agent, &delta);
            if close {
                timeline.close_until(timeline.closed_until() + 1);
            }
        }
        timeline.finish(12_000_000_000);
        let (mut seconds, mut agents) = (Counts::default(), Counts::default());
        timeline.intervals().iter().for_each(|interval| seconds.merge(&interval.counts));
        timeline.agents().iter().for_each(|agent| agents.merge(&agent.counts));
        prop_assert_eq!(seconds, timeline.counts());
        prop_assert_eq!(agents, timeline.counts());
        prop_assert!(timeline.open.is_empty() && timeline.coarse.is_empty());
    }
}
