use std::time::Duration;

use muster_proto::plan::{MetricName, Rate};
use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Threshold {
    parse(text, &[]).unwrap_or_else(|mistake| panic!("{text}: {mistake:?}")).threshold
}

/// The message for a wrong threshold, with carets under the part that is wrong.
fn mistake(text: &str) -> String {
    let GrammarMistake { at, message, help } = parse(text, &[]).expect_err(text);
    let carets = format!("{}{}", " ".repeat(at.start), "^".repeat(at.len().max(1)));
    let help = help.map(|help| format!("; {help}")).unwrap_or_default();
    format!("{text}\n{carets} {message}{help}")
}

#[test]
fn a_threshold_with_everything() {
    let threshold = read("http_req_duration{scenario:browse, request:cart}: p(99.9) <= 1.5s for 10s, abort");
    let selector = Selector { scenario: Some("browse".into()), request: Some("cart".into()), ..Selector::default() };
    assert_eq!(
        threshold,
        Threshold {
            expression: "http_req_duration{scenario:browse, request:cart}: p(99.9) <= 1.5s for 10s, abort".into(),
            metric: MetricName::HttpReqDuration,
            selector,
            aggregate: Aggregate::Percentile(99.9),
            comparison: Comparison::LessOrEqual,
            bound: Bound::Time(Duration::from_millis(1500)),
            window: ThresholdWindow::For(10),
            abort: true,
        }
    );
}

#[test]
fn every_metric_is_known_by_its_name() {
    for metric in &METRICS {
        let aggregate = if metric.numbers == Numbers::Times { "avg" } else { "rate" };
        assert_eq!(read(&format!("{}:{aggregate}<1", metric.name)).metric, metric.metric, "{}", metric.name);
    }
}

#[test]
fn space_is_free_and_a_bare_time_is_in_milliseconds() {
    for text in
        ["http_req_duration:p(95)<500", "  http_req_duration : p( 95 )  <  0.5s  ", "http_req_duration: p(95)<500ms"]
    {
        let threshold = read(text);
        assert_eq!(threshold.aggregate, Aggregate::Percentile(95.0));
        assert_eq!(threshold.bound, Bound::Time(Duration::from_millis(500)));
        assert_eq!((threshold.window, threshold.abort), (ThresholdWindow::Run, false));
    }
    assert_eq!(read("lag: max < 0.25").bound, Bound::Time(Duration::from_micros(250)));
}

#[test]
fn fractions_are_plain_or_in_percent() {
    for (text, fraction) in [("0.001", 0.001), ("0.1%", 0.001), ("0.1 %", 0.001), ("100%", 1.0), ("0", 0.0)] {
        assert_eq!(read(&format!("http_req_failed: rate < {text}")).bound, Bound::Number(fraction), "{text}");
    }
}

#[test]
fn counters_compare_with_counts_and_rates() {
    assert_eq!(read("http_reqs: count >= 1000").bound, Bound::Number(1000.0));
    assert_eq!(read("http_reqs: rate > 500").bound, Bound::Number(500.0));
    assert_eq!(read("iterations{scenario:a}: rate > 30/min").bound, Bound::Number(0.5));
    assert_eq!(read("queued: count > 10").bound, Bound::Number(10.0));
    assert_eq!(parse_rate("30/min"), Ok(Rate(1_800_000)));
}

#[test]
fn every_operator_is_read() {
    for (operator, comparison) in OPERATORS {
        assert_eq!(read(&format!("http_reqs: count{operator}1")).comparison, comparison, "{operator}");
    }
}

#[test]
fn windows_and_abort_stand_alone_or_together() {
    assert_eq!(read("lag: max < 1ms over 1m").window, ThresholdWindow::Over(60));
    assert!(read("lag: max < 1ms, abort").abort);
    assert!(read("lag: max < 1ms abort").abort);
    assert!(read("lag: max < 1ms over 5s abort").abort);
}

#[test]
fn values_of_selectors_may_be_quoted() {
    let threshold = read(r#"http_reqs{request:"GET /a,b}", expected_response:false}: count == 0"#);
    assert_eq!(threshold.selector.request.as_deref(), Some("GET /a,b}"));
    assert_eq!(threshold.selector.expected_response, Some(false));
    assert_eq!(read("lag{request:GET /x: y}: max<1").selector.request.as_deref(), Some("GET /x: y"));
}

#[test]
fn what_is_wrong_is_pointed_at() {
    let wrong = [
        "",
        "http_req_duratoin: p(99) < 1s",
        "vus: count > 9",
        "iterations{kind:a}: count > 1",
        "http_req_duration p(99) < 1s",
        "iteration_duration{request:a}: avg < 1s",
        "http_req_duration{scenario:a,scenario:b}: avg < 1s",
        "http_req_duration{expected_response:yes}: avg < 1s",
        "http_req_duration{scenario:a: avg < 1s",
        "http_req_duration: p99 < 1s",
        "http_req_duration: median < 1s",
        "http_req_duration: p(101) < 1s",
        "http_req_duration: rate < 1s",
        "http_reqs: p(99) < 5",
        "http_req_failed: count < 5",
        "http_req_duration: avg = 1s",
        "http_req_duration: avg",
        "http_req_duration: avg < 1sec",
        "http_req_duration: avg <",
        "http_req_duration: avg < 5%",
        "http_req_failed: rate < 5",
        "http_reqs: count > 5%",
        "lag: max < 1ms for 1500ms",
        "lag: max < 1ms over 0s",
        "lag: max < 1ms, abrot",
        "lag: max < 1ms,",
    ];
    let messages: Vec<String> = wrong.into_iter().map(mistake).collect();
    insta::assert_snapshot!(messages.join("\n"), @r#"
    ^ wanted a metric, found nothing; known here: `http_req_duration`, `service_time`, `queued`, `lag`, `http_req_blocked`, `http_req_dns`, `http_req_connecting`, `http_req_tls_handshaking`, `http_req_sending`, `http_req_waiting`, `http_req_receiving`, `iteration_duration`, `group_duration`, `http_reqs`, `http_req_failed`, `iterations`, `dropped_iterations` or `checks`
    http_req_duratoin: p(99) < 1s
    ^^^^^^^^^^^^^^^^^ wanted a metric, found `http_req_duratoin`; did you mean `http_req_duration`?
    vus: count > 9
    ^^^ the metric `vus` is not supported by this version
    iterations{kind:a}: count > 1
               ^^^^ unknown selector `kind`; known here: `scenario`
    http_req_duration p(99) < 1s
                      ^^^^^^^^^^ wanted `:` after the metric, as in `http_req_duration: p(99) < 250ms`, found `p(99) < 1s`
    iteration_duration{request:a}: avg < 1s
                       ^^^^^^^ `iteration_duration` is not measured by `request`; its selectors are `scenario`
    http_req_duration{scenario:a,scenario:b}: avg < 1s
                                 ^^^^^^^^ the selector `scenario` stands here twice
    http_req_duration{expected_response:yes}: avg < 1s
                                        ^^^ wanted `true` or `false`, found `yes`
    http_req_duration{scenario:a: avg < 1s
                                          ^ wanted `,` or `}` after a selector, found the end
    http_req_duration: p99 < 1s
                       ^^^ wanted an aggregate, found `p99`; write `p(99)`
    http_req_duration: median < 1s
                       ^^^^^^ wanted an aggregate, found `median`; did you mean `med`?
    http_req_duration: p(101) < 1s
                       ^^^^^^ wanted a percentage from 0 to 100 in `p(..)`, found `101`
    http_req_duration: rate < 1s
                       ^^^^ `http_req_duration` has no `rate`; it has `avg`, `min`, `max`, `med`, `p(99)` or `count`
    http_reqs: p(99) < 5
               ^^^^^ `http_reqs` has no `p(99)`; it has `count` or `rate`
    http_req_failed: count < 5
                     ^^^^^ `http_req_failed` has no `count`; it has `rate`
    http_req_duration: avg = 1s
                           ^ wanted an operator such as `<` or `>=`, found `=`
    http_req_duration: avg
                          ^ wanted an operator such as `<` or `>=`, found nothing
    http_req_duration: avg < 1sec
                             ^^^^ wanted a time such as `250ms`, found `1sec`; there is no unit `sec`; did you mean `s`?
    http_req_duration: avg <
                            ^ wanted a time such as `250ms`, found nothing; a number without a unit is in milliseconds
    http_req_duration: avg < 5%
                             ^^ wanted a time such as `250ms`, found `5%`; there is no unit `%`; units are d, h, m, s, ms, us, ns
    http_req_failed: rate < 5
                            ^ wanted a fraction from 0 to 1, or `0%` to `100%`, found `5`; write `0.1%` for one in a thousand
    http_reqs: count > 5%
                       ^^ wanted a number such as `1000`, found `5%`
    lag: max < 1ms for 1500ms
                       ^^^^^^ wanted a window of whole seconds from `1s` to `1h`, found `1500ms`
    lag: max < 1ms over 0s
                        ^^ wanted a window of whole seconds from `1s` to `1h`, found `0s`
    lag: max < 1ms, abrot
                    ^^^^^ wanted `for 10s`, `over 10s`, `abort` or the end, found `abrot`; did you mean `abort`?
    lag: max < 1ms,
                   ^ wanted `abort` after `,`, found nothing
    "#);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in r#"[a-z_]{0,12}[{}:,"a-z0-9()<>=!%./ é]{0,40}"#) {
        if let Err(mistake) = parse(&text, &[]) {
            prop_assert!(mistake.at.start <= mistake.at.end && mistake.at.end <= text.len());
        }
    }

    #[test]
    fn every_bound_of_milliseconds_is_exact(milliseconds in 0..3_600_000_u64) {
        let threshold = read(&format!("http_req_duration: max < {milliseconds}"));
        prop_assert_eq!(threshold.bound, Bound::Time(Duration::from_millis(milliseconds)));
    }
}
