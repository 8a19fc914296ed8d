//! What the page must be, whatever stands in the report.

use super::*;
use crate::report::trend::{Of, Point, Unit};
use crate::report::{ErrorInfo, IntervalInfo, KeptRun, Quantiles, SeriesInfo};
use crate::run::record::Ending;
use crate::run::synthetic::{Made, healthy, open_plan};

fn report() -> Report {
    Report::of(&Made::new(open_plan(5), 2).seconds(5, |_, _, delta| healthy(delta)).end(Ending::Completed))
}

fn page(report: &Report) -> String {
    let mut out = Vec::new();
    write(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The page's own data, as its script reads it.
fn data_of(page: &str) -> serde_json::Value {
    let from = page.split_once("id=\"data\">").unwrap().1;
    serde_json::from_str(from.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn foreign_text_stands_in_it_as_data_and_nowhere_as_markup() {
    let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&\"'\u{2028}";
    let mut report = report();
    hostile.clone_into(&mut report.run.name);
    report.run.tags.insert(hostile.to_owned(), hostile.to_owned());
    report.errors.push(ErrorInfo {
        kind: "protocol".to_owned(),
        scenario: hostile.to_owned(),
        request: hostile.to_owned(),
        count: 1,
        first_seen_s: None,
        sample: Some(hostile.to_owned()),
        trace_id: Some(hostile.to_owned()),
    });
    let page = page(&report);
    assert_eq!(page.matches("<script").count(), 2, "its data and its own");
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img"));
    assert_eq!(data_of(&page)["errors"][0]["sample"], hostile, "and is shown as it is");
}

#[test]
fn its_policy_lets_its_own_script_and_style_in_and_nothing_else() {
    let page = page(&report());
    let policy = page.split_once("Content-Security-Policy\" content=\"").unwrap().1.split_once('"').unwrap().0;
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    let between = |from: &str, to: &str| {
        let (_, after) = page.rsplit_once(from).unwrap();
        fingerprint(after.split_once(to).unwrap().0)
    };
    assert!(policy.contains(&format!("script-src '{}'", between("<script>", "</script>"))), "{policy}");
    assert!(policy.contains(&format!("style-src '{}'", between("<style>", "</style>"))), "{policy}");
    for foreign in ["http://", "https://", " style=\"", "onclick", "unsafe"] {
        let without_names = page.replace("http://www.w3.org/2000/svg", "");
        let markup = without_names.split_once("id=\"data\"").unwrap().0;
        assert!(!markup.contains(foreign), "{foreign}");
    }
}

#[test]
fn its_numbers_are_the_documents() {
    let report = report();
    let data = data_of(&page(&report));
    let times = &data["timeline"];
    for (place, interval) in report.timeline.iter().enumerate() {
        assert_eq!(times["second"][place], interval.second);
        assert_eq!(times["sent_per_s"][place], interval.sent_per_s);
        assert_eq!(times["all"]["p99_ms"][place].as_f64(), interval.response.p99_ms);
        for series in times["series"].as_array().unwrap() {
            let of = interval.series.iter().find(|of| series["request"] == of.request.as_str());
            assert_eq!(series["count"][place], of.map_or(0, |of| of.count));
            assert_eq!(series["p50_ms"][place].as_f64(), of.and_then(|of| of.response.p50_ms));
        }
        let steps: u64 = interval.response_steps.iter().map(|(_, count)| count).sum();
        assert_eq!(
            steps,
            interval.series.iter().map(|series| series.count).sum::<u64>(),
            "every request is in one step"
        );
    }
    let metric = report.metrics.iter().position(|metric| metric.name == "http_req_duration").unwrap();
    assert_eq!(
        data["metrics"][metric]["percentiles_ms"]["99"],
        report.metrics[metric].times.as_ref().unwrap().percentiles_ms["99"]
    );
    assert!(data["metrics"][metric]["hdr"].is_null(), "its curve says the same");
}

#[test]
fn a_day_of_fifty_requests_fits_into_five_mebibytes() {
    let mut report = report();
    let value = |n: u32| Some(f64::from(n % 90_000 + 10_000) / 1e3);
    let response =
        |n: u32| Quantiles { p50_ms: value(n), p90_ms: value(n * 3), p99_ms: value(n * 7), max_ms: value(n * 11) };
    let series = |second: u32| {
        let one = |of: u32| SeriesInfo {
            scenario: "browse".to_owned(),
            request: format!("request {of}"),
            count: u64::from(second % 1_000 + 200),
            errors: u64::from(of == 7),
            response: response(second * 31 + of),
        };
        (0..50).map(one).collect()
    };
    let interval = |place: u32| IntervalInfo {
        second: place * 24,
        resolution_s: 24,
        response: response(place),
        response_steps: (20..50).map(|step| (step, 12_345)).collect(),
        series: series(place),
        ..report.timeline[0].clone()
    };
    report.timeline = (0..3_600).map(interval).collect();
    let page = page(&report);
    assert!(page.len() < 5 << 20, "{} bytes", page.len());
}

#[test]
fn a_run_in_which_nothing_happened_has_a_page_too() {
    let page = page(&Report::of(&Made::new(open_plan(5), 1).end(Ending::Interrupted)));
    assert_eq!(data_of(&page)["verdict"]["outcome"], "interrupted");
}

#[test]
fn a_comparison_has_a_page_of_the_same_kind() {
    let hostile = "</script><script>alert(1)</script>";
    let record = |seconds: u32| {
        let mut plan = open_plan(seconds.into());
        hostile.clone_into(&mut plan.name);
        hostile.clone_into(&mut plan.scenarios[0].name);
        Made::new(plan, 1).seconds(seconds, |_, _, delta| healthy(delta)).end(Ending::Completed)
    };
    let (before, after) = (record(40), record(20));
    let comparison = Comparison::of(&before, &after);
    let reports = [&before, &after].map(Report::of);
    let limits = ["p99=5%".parse().unwrap()];
    let mut out = Vec::new();
    write_comparison(&comparison, &limits, reports.each_ref(), &mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    assert_eq!(page.matches("<script").count(), 2, "its data and its own");
    assert!(page.contains(&format!("script-src '{}'", fingerprint(COMPARE_SCRIPT))));
    let data = data_of(&page);
    assert_eq!(data["comparison"], serde_json::to_value(&comparison).unwrap(), "what programs read");
    assert_eq!((&data["limits"][0]["number"], &data["limits"][0]["holds"]), (&"p99".into(), &true.into()));
    for (place, report) in reports.iter().enumerate() {
        let (of, times) = (&data["runs"][place], &data["runs"][place]["timeline"]);
        assert_eq!(times["second"].as_array().unwrap().len(), report.timeline.len());
        assert_eq!(times["all"]["p50_ms"][0].as_f64(), report.timeline[0].response.p50_ms);
        assert_eq!(times["steps"], serde_json::json!([]), "which nobody draws here");
        let metric = report.metric("http_req_duration", None, None).unwrap();
        let curve = of["curves"].as_array().unwrap().iter().find(|curve| curve["request"].is_null());
        assert_eq!(curve.unwrap()["points"], serde_json::to_value(&metric.times.as_ref().unwrap().curve).unwrap());
    }
}

#[test]
fn a_trend_has_a_page_of_the_same_kind() {
    let hostile = "</script><script>alert(1)</script>";
    let of = Of { name: hostile.to_owned(), metric: "http_req_duration: p(99)".to_owned(), ..Of::default() };
    let run = KeptRun { name: hostile.to_owned(), outcome: "passed".to_owned(), ..KeptRun::default() };
    let points = [12.5, 14.0].map(|value| Point { value, run: run.clone() });
    let trend = Trend::new(of, Unit::Ms, points.to_vec(), 1);
    let mut out = Vec::new();
    write_trend(&trend, &mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    assert_eq!(page.matches("<script").count(), 2, "its data and its own");
    assert!(page.contains(&format!("script-src '{}'", fingerprint(TREND_SCRIPT))));
    let data = data_of(&page);
    assert_eq!(
        (&data["name"], &data["unit"], &data["points"][1]["value"]),
        (&hostile.into(), &"ms".into(), &14.0.into())
    );
    assert_eq!(data["summary"]["change"], 0.12);
}
