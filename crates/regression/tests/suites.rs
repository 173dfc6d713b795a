//! Our own suite, and suites with something wrong in them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::{Path, PathBuf};

use cloverleaf_regression::{
    Baseline, Change, Outcome, Status, Suite, SuiteReport, SuiteRun, html_page, junit_xml, run_suite, update_baseline,
};
use cloverleaf_vocabulary::{BootTime, Clock, Timestamp};

/// A clock that stands still.
struct Standing;

impl Clock for Standing {
    fn boot_time(&self) -> BootTime {
        BootTime::from_nanos(5_000_000_000)
    }
    fn utc(&self) -> Timestamp {
        Timestamp::from_nanos(1_795_219_200_000_000_000)
    }
}

fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").canonicalize().unwrap()
}

fn run(suite: &Suite, threads: usize) -> SuiteReport {
    run_suite(suite, &SuiteRun { clock: &Standing, threads: Some(threads), progress: &|_, _, _| {} }).unwrap()
}

/// A suite file in a fresh folder, with scenarios of the library by absolute path.
fn suite_in(folder: &Path, cases: &str) -> Suite {
    let path = folder.join("suite.toml");
    let text = format!("name = \"t\"\nbaseline = \"t.json\"\nmax_duration_s = 30.0\n{cases}");
    std::fs::write(&path, text.replace("LIBRARY", &library().display().to_string())).unwrap();
    Suite::load(&path).unwrap()
}

#[test]
fn the_motorway_suite_is_as_expected_and_matches_its_baseline() {
    let suite = Suite::load(&library().join("suites/motorway.toml")).unwrap();
    let report = run(&suite, 2);
    for case in &report.cases {
        let why = match &case.outcome {
            Ok(outcome) => format!("{:?}", outcome.findings),
            Err(error) => error.clone(),
        };
        assert_eq!(report.status(case), Status::Good, "{}: {why} {:?}", case.id, report.changes(case));
    }
    assert!(report.comparison.has_baseline && report.comparison.missing.is_empty());
    assert_eq!(report.outcome(), Outcome::Passed);
    // Every case is known to the baseline.
    assert!(report.comparison.cases.values().flatten().all(|change| *change != Change::New));
}

#[test]
fn threads_do_not_change_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let suite = suite_in(folder.path(), "[[case]]\nscenario = \"LIBRARY/motorway/cut-*.xosc\"\nexpect = \"fail\"\n");
    let digests = |report: SuiteReport| -> Vec<(String, String)> {
        report.cases.into_iter().map(|case| (case.id, case.outcome.unwrap().digest)).collect()
    };
    let one = digests(run(&suite, 1));
    assert_eq!(one.len(), 3, "{one:?}");
    assert_eq!(digests(run(&suite, 4)), one);
}

#[test]
fn a_worse_run_is_a_regression_and_a_lost_case_is_one_too() {
    let folder = tempfile::tempdir().unwrap();
    let good = "[[case]]\nname = \"brake\"\nscenario = \"LIBRARY/motorway/hard-braking-lead.xosc\"\n";
    let suite = suite_in(folder.path(), good);
    let first = run(&suite, 1);
    assert_eq!((first.outcome(), first.comparison.has_baseline), (Outcome::Passed, false));
    assert_eq!(update_baseline(&suite, &first).unwrap(), folder.path().join("t.json"));
    assert!(run(&suite, 1).comparison.cases.is_empty(), "nothing changed against itself");

    // The leader brakes harder: still no finding, yet worse than what was accepted.
    let harder = format!("{good}parameters = {{ Braking_mps2 = 7.5 }}\ncriteria = {{ min_ttc_s = false }}\n");
    let report = run(&suite_in(folder.path(), &harder), 1);
    assert_eq!(report.status(&report.cases[0]), Status::Worse, "{:?}", report.changes(&report.cases[0]));
    assert_eq!(report.outcome(), Outcome::Regressed);

    let other = good.replace("\"brake\"", "\"another\"");
    let report = run(&suite_in(folder.path(), &other), 1);
    assert_eq!(report.comparison.missing, ["brake/highway-pilot/0"]);
    assert_eq!((report.outcome(), report.outcome().exit_code()), (Outcome::Regressed, 1));
}

#[test]
fn wrong_and_broken_cases_are_told_apart_in_every_report() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.xosc"), "<OpenSCENARIO><nothing/></OpenSCENARIO>").unwrap();
    let cases = "[[case]]\nname = \"<blind>\"\nscenario = \"LIBRARY/motorway/hard-braking-lead.xosc\"\ndrivers = [\"blind\"]\n\
                 [[case]]\nscenario = \"broken.xosc\"\n\
                 [[case]]\nname = \"too strict\"\nscenario = \"LIBRARY/motorway/slow-lead.xosc\"\nexpect = \"fail\"\n";
    let suite = suite_in(folder.path(), cases);
    let report = run(&suite, 2);
    let statuses: Vec<Status> = report.cases.iter().map(|case| report.status(case)).collect();
    assert_eq!(statuses, [Status::Wrong, Status::Broken, Status::Wrong]);
    assert_eq!(report.outcome().exit_code(), 2);
    assert!(update_baseline(&suite, &report).is_err(), "a broken case cannot be accepted");

    let xml = junit_xml(&report).unwrap();
    for part in ["tests=\"3\"", "failures=\"2\"", "errors=\"1\"", "broken.xosc", "collision at", "expected to fail"] {
        assert!(xml.contains(part), "{part} is not in\n{xml}");
    }
    let page = html_page(&report);
    assert!(page.contains("&lt;blind&gt;") && !page.contains("<blind>"));
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "the page needs {outside}");
    }
    for part in ["light-dark", "<svg", "Time to collision", "could not run", "2026-11-21 00:00"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_damaged_baseline_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let suite = suite_in(folder.path(), "[[case]]\nscenario = \"LIBRARY/motorway/cut-in.xosc\"\n");
    std::fs::write(folder.path().join("t.json"), "{\"format\": 9, \"suite\": \"t\", \"cases\": {}}").unwrap();
    let error = Baseline::load(&suite).unwrap_err().to_string();
    assert!(error.contains("t.json") && error.contains("format is 9"), "{error}");
}
