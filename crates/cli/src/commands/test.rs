use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use cloverleaf_regression::{
    Outcome as SuiteOutcome, Status, Suite, SuiteReport, SuiteRun, html_page, junit_xml, run_suite,
};

use crate::Outcome;
use crate::clock::SystemClock;
use crate::output::Progress;

/// Options of `cloverleaf test`.
#[derive(Args)]
#[command(
    after_help = "Exit code 0: as expected; 4: a verdict is not the expected one or something got worse than in the\n\
                        baseline; 1: a case could not be run.\n\n\
                        Example: cloverleaf test scenarios/suites/motorway.toml --junit junit.xml --html report"
)]
pub struct Options {
    /// The suite.
    #[arg(value_name = "SUITE.toml")]
    suite: PathBuf,
    /// Write the result as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a report for people: index.html in this folder.
    #[arg(long, value_name = "DIR")]
    html: Option<PathBuf>,
    /// Threads; one for each core otherwise. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Make this result the suite's new baseline.
    #[arg(long)]
    update_baseline: bool,
}

/// Runs the suite.
pub fn run(options: &Options) -> anyhow::Result<Outcome> {
    let suite = Suite::load(&options.suite)?;
    let report = run_with_progress(&suite, options.threads.map(usize::from))?;
    write_reports(&report, options.junit.as_deref(), options.html.as_deref())?;
    print_report(&report);
    if options.update_baseline {
        let path = cloverleaf_regression::update_baseline(&suite, &report)?;
        println!("baseline {}", path.display());
        return Ok(Outcome::Done);
    }
    match report.outcome() {
        SuiteOutcome::Passed => Ok(Outcome::Done),
        SuiteOutcome::Regressed => Ok(Outcome::Failed),
        SuiteOutcome::Broken => {
            anyhow::bail!("{} of {} cases could not be run", report.count(Status::Broken), report.cases.len())
        }
    }
}

/// Runs a suite with a progress bar.
pub fn run_with_progress(suite: &Suite, threads: Option<usize>) -> anyhow::Result<SuiteReport> {
    let bar = Progress::new("running cases");
    let clock = SystemClock::start();
    let how = SuiteRun { clock: &clock, threads, progress: &|done, all, _| bar.set(done as u64, all as u64) };
    Ok(run_suite(suite, &how)?)
}

/// Writes JUnit XML and the page, as far as asked for.
pub fn write_reports(report: &SuiteReport, junit: Option<&Path>, html: Option<&Path>) -> anyhow::Result<()> {
    if let Some(path) = junit {
        write(path, &junit_xml(report)?)?;
    }
    if let Some(folder) = html {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        write(&folder.join("index.html"), &html_page(report))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn print_report(report: &SuiteReport) {
    for case in &report.cases {
        let status = report.status(case);
        let mark = match status {
            Status::Good => "ok     ",
            Status::Worse => "WORSE  ",
            Status::Wrong => "WRONG  ",
            Status::Broken => "BROKEN ",
        };
        println!("{mark}{}", case.id);
        match &case.outcome {
            Err(message) => println!("       {message}"),
            Ok(outcome) if status != Status::Good => {
                for finding in &outcome.findings {
                    println!("       {finding}");
                }
                for change in report.changes(case) {
                    println!("       {change}");
                }
            }
            Ok(_) => {}
        }
    }
    for missing in &report.comparison.missing {
        println!("MISSING {missing}: the baseline has it, the suite does not");
    }
    println!(
        "{}: {} good, {} worse, {} wrong, {} broken of {} cases in {}",
        report.name,
        report.count(Status::Good),
        report.count(Status::Worse),
        report.count(Status::Wrong),
        report.count(Status::Broken),
        report.cases.len(),
        report.took
    );
}
