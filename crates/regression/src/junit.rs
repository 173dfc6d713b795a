//! JUnit XML, for CI.

use std::time::Duration;

use cloverleaf_vocabulary::TimeDelta;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::result::{CaseResult, Status, SuiteReport};
use crate::suite::{Expectation, SuiteError};

/// The report as JUnit XML: a failure is a verdict that is not expected or a metric that got worse, an error is a case that
/// could not be run.
pub fn junit_xml(report: &SuiteReport) -> Result<String, SuiteError> {
    let mut suite = TestSuite::new(report.name.as_str());
    suite.set_time(duration(report.took));
    for case in &report.cases {
        let (name, class) = (case.id.as_str(), format!("{}.{}", report.name, case.driver));
        let mut test = TestCase::new(name, status(report, case));
        test.set_classname(class).set_time(duration(case.took));
        if let Ok(outcome) = &case.outcome {
            test.set_system_out(format!(
                "{} after {:.2} s, digest {}\n{}",
                if outcome.passed { "passed" } else { "failed" },
                outcome.duration_s,
                outcome.digest,
                outcome.notes.join("\n")
            ));
        }
        suite.add_test_case(test);
    }
    for id in &report.comparison.missing {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message("the baseline knows this case and the suite does not have it").set_type("missing");
        suite.add_test_case(TestCase::new(id.as_str(), status));
    }
    let mut whole = Report::new(report.name.as_str());
    whole.set_time(duration(report.took));
    whole.add_test_suite(suite);
    whole.to_string().map_err(|error| SuiteError::Report { format: "JUnit XML", message: error.to_string() })
}

fn status(report: &SuiteReport, case: &CaseResult) -> TestCaseStatus {
    let non_success = |kind: NonSuccessKind, what: &str, message: String, details: String| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(message).set_type(what).set_description(details);
        status
    };
    let changes = report.changes(case).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    match (report.status(case), &case.outcome) {
        (Status::Good, _) => TestCaseStatus::success(),
        (Status::Worse, _) => {
            non_success(NonSuccessKind::Failure, "worse", "a metric is worse than in the baseline".to_owned(), changes)
        }
        (Status::Broken, Err(why)) => non_success(NonSuccessKind::Error, "broken", first_line(why), why.clone()),
        (_, Ok(outcome)) if case.expect == Expectation::Pass => {
            let findings = outcome.findings.iter().map(ToString::to_string).collect::<Vec<_>>();
            let message = findings.first().cloned().unwrap_or_default();
            non_success(NonSuccessKind::Failure, "failed", message, [findings.join("\n"), changes].join("\n"))
        }
        (_, _) => non_success(
            NonSuccessKind::Failure,
            "unexpected pass",
            "it passed although it is expected to fail".to_owned(),
            "if the driver really masters the situation now, set expect = \"pass\"".to_owned(),
        ),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn duration(span: TimeDelta) -> Duration {
    Duration::from_nanos(u64::try_from(span.as_nanos()).unwrap_or(0))
}
