//! Runs a suite from the command line: `suite SUITE.toml OUT_DIR [--update-baseline]`.
use std::path::Path;

use cloverleaf_regression::{Suite, SuiteRun, html_page, junit_xml, run_suite, update_baseline};
use cloverleaf_vocabulary::{BootTime, Clock, Timestamp};

struct SystemClock;

#[expect(clippy::disallowed_methods, reason = "a binary may read the clock")]
impl Clock for SystemClock {
    fn boot_time(&self) -> BootTime {
        BootTime::from_nanos(self.utc().as_nanos().unsigned_abs())
    }
    fn utc(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [suite, out, rest @ ..] = arguments.as_slice() else { return Err("usage: suite SUITE.toml OUT_DIR".into()) };
    let suite = Suite::load(Path::new(suite))?;
    let progress = |done, all, case: &cloverleaf_regression::CaseResult| {
        let text = match &case.outcome {
            Ok(outcome) => format!("{} {:?}", outcome.passed, outcome.findings.iter().map(ToString::to_string).collect::<Vec<_>>()),
            Err(error) => error.clone(),
        };
        eprintln!("{done}/{all} {} {text}", case.id);
    };
    let report = run_suite(&suite, &SuiteRun { clock: &SystemClock, threads: None, progress: &progress })?;
    std::fs::create_dir_all(out)?;
    std::fs::write(Path::new(out).join("junit.xml"), junit_xml(&report)?)?;
    std::fs::write(Path::new(out).join("report.html"), html_page(&report))?;
    if rest.iter().any(|argument| argument == "--update-baseline") {
        eprintln!("wrote {}", update_baseline(&suite, &report)?.display());
    }
    eprintln!("{:?} in {}", report.outcome(), report.took);
    for (id, changes) in &report.comparison.cases { for change in changes { eprintln!("  {id}: {change}"); } }
    std::process::exit(report.outcome().exit_code().into());
}
