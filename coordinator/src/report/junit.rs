//! The verdict as JUnit's XML, which build servers show: a test case for each threshold, and one for the run itself.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::{Report, ThresholdInfo};

/// Writes the document.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report, out: impl Write) -> io::Result<()> {
    let took = Duration::from_secs_f64(report.run.duration_s.max(0.0));
    let mut suite = TestSuite::new(&report.run.name);
    suite.set_time(took);
    suite.add_property(("run", report.run.id.as_str()));
    suite.add_property(("started_at", report.run.started_at.as_str()));
    suite.add_property(("validity", report.verdict.validity.grade.as_str()));
    suite.add_test_cases(report.verdict.thresholds.iter().map(|threshold| threshold_case(report, threshold)));
    suite.add_test_case(run_case(report, took));
    let mut document = Document::new("muster");
    document.add_test_suite(suite);
    document.serialize(out).map_err(io::Error::other)
}

fn threshold_case(report: &Report, threshold: &ThresholdInfo) -> TestCase {
    let found = match (threshold.value, threshold.unit.as_deref()) {
        (Some(value), Some(unit)) => format!("found {value} {unit}"),
        _ => "found no data".to_owned(),
    };
    let status = match threshold.passed {
        true => TestCaseStatus::success(),
        false => failure(&[found.as_str(), threshold.remark.as_str()].join(" ")),
    };
    case(&threshold.expression, report, status)
}

/// Whatever else keeps the run from being a good one; what thresholds say is theirs.
fn run_case(report: &Report, took: Duration) -> TestCase {
    let has_failed = !matches!(report.verdict.exit_code, 0 | 99);
    let status = if has_failed { failure(&report.verdict.findings.join("; ")) } else { TestCaseStatus::success() };
    let mut case = case("the run", report, status);
    case.set_time(took);
    case
}

fn case(name: &str, report: &Report, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("muster.{}", report.run.name));
    case
}

fn failure(words: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(words.trim());
    status
}

#[cfg(test)]
mod tests {
    use quick_junit::Report as Document;

    use super::*;
    use crate::report::tests::{passed, with_thresholds};
    use crate::run::record::Ending;
    use crate::run::synthetic::{Made, healthy, open_plan};

    fn cases(report: &Report) -> Vec<(String, bool)> {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        let document = Document::deserialize_from_str(std::str::from_utf8(&out).unwrap()).unwrap();
        let held = |case: &TestCase| matches!(case.status, TestCaseStatus::Success { .. });
        document.test_suites[0].test_cases.iter().map(|case| (case.name.to_string(), held(case))).collect()
    }

    #[test]
    fn each_threshold_is_a_case_and_so_is_the_run() {
        let report = Report::of(&passed());
        assert_eq!(cases(&report).len(), report.verdict.thresholds.len() + 1);
        assert!(cases(&report).iter().all(|(_, held)| *held), "{:?}", cases(&report));
    }

    #[test]
    fn a_threshold_that_failed_fails_its_case_alone_and_a_broken_run_its_own() {
        let failed = || Made::new(with_thresholds(open_plan(5), 50), 1).seconds(5, |_, _, delta| healthy(delta));
        let cases_of = |ending| cases(&Report::of(&failed().end(ending)));
        let held: Vec<bool> = cases_of(Ending::Completed).iter().map(|(_, held)| *held).collect();
        assert_eq!(held, [false, true, true]);
        let reason = "a disk & its <words>".to_owned();
        let broken = cases_of(Ending::Failed { exit_code: crate::exit::ExitCode::Storage, reason });
        assert_eq!(broken.last(), Some(&("the run".to_owned(), false)));
    }
}
