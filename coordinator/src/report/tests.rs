use std::time::Duration;

use muster_proto::measurement::{Delta, Sample, Sampled, SkipReason, TraceId};
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Aggregate, Bound, Comparison, MetricName, Plan, Threshold, ThresholdWindow};
use proptest::prelude::*;

use super::progress::Progress;
use super::*;
use crate::exit::ExitCode;
use crate::run::record::Ending;
use crate::run::synthetic::{Made, closed_plan, delta, fail, healthy, open_plan, p99_below, start, succeed, threshold};

pub(super) fn with_thresholds(mut plan: Plan, p99_ms: u64) -> Plan {
    let failed = threshold(MetricName::HttpReqFailed, Aggregate::Rate, Comparison::Less, Bound::Number(0.01));
    plan.thresholds =
        vec![p99_below(p99_ms), Threshold { expression: "http_req_failed: rate < 1%".to_owned(), ..failed }];
    plan
}

/// One failing request a second, told with hostile words.
fn mostly_healthy(_: u32, window: u32, delta: &mut Delta) {
    healthy(delta);
    if window.is_multiple_of(5) {
        fail(&mut delta.measurement.series[1], 1, 400, ErrorKind::Http5xx);
        delta.measurement.samples.push(Sample {
            of: Sampled::Failure(1, ErrorKind::Http5xx),
            at_ns: u64::from(window) * 200_000_000,
            text: "503 \u{1b}[2J\"pool exhausted\"\n".to_owned(),
            trace: (window > 2).then_some(TraceId([window as u8; 16])),
        });
    }
}

pub(super) fn passed() -> RunRecord {
    Made::new(with_thresholds(open_plan(5), 500), 3).seconds(5, mostly_healthy).end(Ending::Completed)
}

fn summary_of(record: &RunRecord) -> String {
    text::summary(&Report::of(record), false)
}

#[test]
fn a_run_that_passed() {
    insta::assert_snapshot!(summary_of(&passed()));
}

#[test]
fn a_run_that_was_resumed_says_how_often_and_how_long_nobody_was_there() {
    let mut record = passed();
    assert!(!summary_of(&record).contains("resumed"));
    record.absence = Absence { resumed: 1, total_ns: 2_340_000_000, by_wall_clock: false };
    let lines = |record: &RunRecord| summary_of(record).lines().nth(1).unwrap().to_owned();
    assert_eq!(lines(&record), "  resumed once: without a coordinator for 2.3 s");
    record.absence = Absence { resumed: 3, by_wall_clock: true, ..record.absence };
    let by_wall_clock = "for 2.3 s, by the wall clock, as its machine was started anew";
    assert_eq!(lines(&record), format!("  resumed 3 times: without a coordinator {by_wall_clock}"));
    assert_eq!(Report::of(&record).run.resumed, ResumedInfo { times: 3, absent_s: 2.34, by_wall_clock: true });
}

#[test]
fn a_run_that_failed_a_threshold() {
    let mut plan = with_thresholds(open_plan(4), 50);
    plan.thresholds.push(Threshold {
        expression: "http_req_duration: p(99) < 50ms for 3s".to_owned(),
        window: ThresholdWindow::For(3),
        ..p99_below(50)
    });
    plan.scenarios[0].warm_up = Duration::from_secs(1);
    insta::assert_snapshot!(summary_of(&Made::new(plan, 1).seconds(4, mostly_healthy).end(Ending::Completed)));
}

#[test]
fn a_run_whose_generators_were_tired() {
    let record = Made::new(with_thresholds(open_plan(4), 500), 1).seconds(4, |_, _, delta| {
        healthy(delta);
        delta.measurement.scenarios[0].arrival_lag.record_n(40_000_000, 10);
        delta.health.worker_cpu_max = 0.97;
    });
    insta::assert_snapshot!(summary_of(&record.end(Ending::Completed)));
}

#[test]
fn a_run_that_a_threshold_aborted() {
    let mut plan = with_thresholds(open_plan(60), 50);
    plan.thresholds[0].abort = true;
    let made = Made::new(plan, 1).seconds(1, mostly_healthy);
    let expression = made.aborted.clone().expect("p(99) is 100 ms");
    insta::assert_snapshot!(summary_of(&made.end(Ending::AbortedBy(expression))));
}

#[test]
fn a_run_that_lost_an_agent() {
    let made = Made::new(with_thresholds(open_plan(6), 500), 2).seconds(2, |agent, window, delta| {
        healthy(delta);
        if agent == 1 && window == 9 {
            let stats = &mut delta.measurement.scenarios[0];
            (stats.due, stats.started) = (stats.due + 7, stats.started + 5);
            delta.measurement.series[0].sent += 4;
        }
    });
    let record = made.lose(1).seconds(4, mostly_healthy).end(Ending::Completed);
    insta::assert_snapshot!(summary_of(&record));
}

#[test]
fn a_run_in_which_nothing_happened() {
    insta::assert_snapshot!(summary_of(&Made::new(with_thresholds(open_plan(5), 500), 1).end(Ending::Completed)));
}

#[test]
fn a_run_that_never_began() {
    let mut record = Made::new(with_thresholds(open_plan(5), 500), 1).record;
    record.began = false;
    let reason = "1 of 2 agents joined within 20 s; start them with muster-agent --join".to_owned();
    record.ending = Ending::Failed { exit_code: ExitCode::Failure, reason };
    insta::assert_snapshot!(summary_of(&record));
    record.ending = Ending::StoppedByUser;
    assert!(summary_of(&record).contains("STOPPED"));
    assert!(Report::of(&record).verdict.thresholds.is_empty(), "nothing is judged");
}

#[test]
fn a_run_in_which_every_request_failed() {
    let mut plan = open_plan(3);
    plan.scenarios[0].warm_up = Duration::from_secs(1);
    let made = Made::new(plan, 1).seconds(3, |_, window, delta| {
        start(&mut delta.measurement.scenarios[0], 20);
        delta.measurement.scenarios[0].failed += 20;
        fail(&mut delta.measurement.series[0], 20, 1, ErrorKind::ConnectRefused);
        let kind = if window == 14 { ErrorKind::Cancelled } else { ErrorKind::ReadTimeout };
        fail(&mut delta.measurement.series[1], 2, 900, kind);
    });
    let record = made.end(Ending::Completed);
    assert_eq!(Report::of(&record).verdict.exit_code, 0, "a failing target is data");
    insta::assert_snapshot!(summary_of(&record));
}

#[test]
fn a_closed_model_is_said() {
    let record = Made::new(closed_plan(3), 1).seconds(3, |_, _, delta| healthy(delta)).end(Ending::StoppedByUser);
    insta::assert_snapshot!(summary_of(&record));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let report = Report::of(&passed());
    let coloured = text::summary(&report, true);
    assert!(coloured.contains("\u{1b}[1m\u{1b}[32mPASSED"), "{coloured}");
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain += before;
        rest = after.split_once('m').unwrap().1;
    }
    plain += rest;
    assert_eq!(plain, text::summary(&report, false));
}

#[test]
fn foreign_text_reaches_no_terminal() {
    let mut record = passed();
    record.plan.name = "\u{1b}]0;owned\u{7}".to_owned();
    record.agents[0].name = "pod\u{202e}\n".to_owned();
    record.agents[0].labels.insert("zone".to_owned(), "\u{9b}1m".to_owned());
    let shown = summary_of(&record);
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    assert!(!shown.contains('\u{202e}'));
}

#[test]
fn the_summary_is_about_as_wide_as_it_says() {
    for line in summary_of(&passed()).lines() {
        assert!(line.chars().count() <= text::WIDTH + 10, "{line}");
    }
}

/// The document of a short run, without the histograms' bytes, which have a test of their own.
#[test]
fn the_result_document() {
    let record = Made::new(with_thresholds(open_plan(2), 500), 1).seconds(2, mostly_healthy).end(Ending::Completed);
    let mut report = Report::of(&record);
    let with_hdr = report.metrics.iter_mut().filter_map(|m| m.times.as_mut()?.hdr.as_mut());
    assert_eq!(with_hdr.map(|hdr| *hdr = "...".to_owned()).count(), 8);
    let mut bytes = Vec::new();
    json::write(&report, &mut bytes).unwrap();
    insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
}

#[test]
fn a_document_is_read_back_as_it_was_and_holds_no_secret() {
    let report = Report::of(&passed());
    let mut bytes = Vec::new();
    json::write(&report, &mut bytes).unwrap();
    assert_eq!(json::read(&bytes).unwrap(), report);
    assert!(!String::from_utf8(bytes).unwrap().contains("s3cret"));
}

#[test]
fn progress_is_that_of_the_last_closed_second() {
    let made = Made::new(open_plan(60), 2);
    assert_eq!(Progress::of(&made.record.timeline, Duration::from_secs(60)), None);
    let made = made.seconds(3, mostly_healthy);
    let progress = Progress::of(&made.record.timeline, Duration::from_secs(60)).unwrap();
    assert_eq!(progress.to_string(), "3s / 1m00s   402/s   users 6   p99 100.1 ms   errors 2/s   VALID");
}

/// What one agent tells of one window, in any order among all others.
fn told() -> impl Strategy<Value = Vec<(usize, u32, u64, u64)>> {
    let one = (0..3_usize, 0..20_u32, 1..50_u64, 1..5_000_u64);
    prop::collection::vec(one, 1..40)
}

fn report_of(told: &[(usize, u32, u64, u64)]) -> Report {
    let plan = with_thresholds(open_plan(4), 500);
    let mut made = Made::new(plan.clone(), 3);
    for (agent, window, n, ms) in told {
        let mut delta = delta(&plan, *window);
        start(&mut delta.measurement.scenarios[0], *n);
        delta.measurement.scenarios[0].completed += n;
        delta.measurement.scenarios[0].skipped[SkipReason::Overload as usize] += n % 2;
        delta.measurement.scenarios[0].due += n % 2;
        succeed(&mut delta.measurement.series[0], *n, *ms);
        fail(&mut delta.measurement.series[1], n % 3, *ms, ErrorKind::Reset);
        delta.measurement.samples.push(Sample {
            of: Sampled::Failure(1, ErrorKind::Reset),
            at_ns: ms % 7,
            text: format!("after {n} ms"),
            trace: None,
        });
        delta.health.worker_cpu_max = *ms as f32 / 7_001.0;
        delta.health.users = *n as u32;
        made.record.timeline.apply(*agent, &delta);
    }
    for second in made.record.timeline.close_until(4) {
        made.record.judge.second(&second, &made.record.timeline);
    }
    Report::of(&made.end(Ending::Completed))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_merging_never_shows(mut told in told(), seed in any::<u64>()) {
        // Two words of one agent about one window would be ambiguous: there is only ever one.
        told.sort_by_key(|(agent, window, ..)| (*agent, *window));
        told.dedup_by_key(|(agent, window, ..)| (*agent, *window));
        let first = report_of(&told);
        let key = |index: usize| (index as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut shuffled: Vec<_> = told.iter().copied().enumerate().collect();
        shuffled.sort_by_key(|(index, _)| key(*index));
        let shuffled: Vec<_> = shuffled.into_iter().map(|(_, told)| told).collect();
        prop_assert_eq!(report_of(&shuffled), first);
    }
}

/// Two agents, one fast and one slow: the cluster's median is of all requests, not the middle of two medians.
#[test]
fn percentiles_are_asked_of_the_merged_whole() {
    let record = Made::new(open_plan(2), 2).seconds(2, |agent, _, delta| {
        let (n, ms) = if agent == 0 { (90, 10) } else { (10, 1_000) };
        succeed(&mut delta.measurement.series[0], n, ms);
    });
    let report = Report::of(&record.end(Ending::Completed));
    let metric = report.metric("service_time", Some("browse"), Some("list")).unwrap();
    let times = metric.times.as_ref().unwrap();
    let near = |percent: &str, ms: f64| (times.percentiles_ms[percent] / ms - 1.0).abs() < 0.001;
    assert!(near("50", 10.0) && near("90", 10.0) && near("95", 1_000.0), "{:?}", times.percentiles_ms);
    assert_eq!(metric.count, 1_000);
    assert_eq!(metric.rate_per_s, 500.0);
}
