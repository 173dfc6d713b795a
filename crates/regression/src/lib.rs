//! Regression suites: many scenarios, drivers and seeds, run side by side, held against what is expected and against what was
//! accepted before.
//!
//! Read first: [`Suite`] (what a suite file says), [`run_suite`] (runs it), [`SuiteReport`] (what came out, and its
//! [`Outcome`] for a process), then [`junit_xml`] and [`html_page`] (for machines and for people).
//!
//! ```no_run
//! use cloverleaf_regression::{Suite, SuiteRun, html_page, junit_xml, run_suite};
//! # fn example(clock: &dyn cloverleaf_vocabulary::Clock) -> Result<(), Box<dyn std::error::Error>> {
//! let suite = Suite::load("scenarios/suites/motorway.toml".as_ref())?;
//! let report = run_suite(&suite, &SuiteRun { clock, threads: None, progress: &|done, all, case| {
//!     eprintln!("{done}/{all} {}", case.id);
//! } })?;
//! std::fs::write("junit.xml", junit_xml(&report)?)?;
//! std::fs::write("report.html", html_page(&report))?;
//! std::process::exit(report.outcome().exit_code().into());
//! # }
//! ```
//!
//! A case is right when its verdict is the expected one: a situation nobody could master is expected to fail, and passing it
//! unexpectedly is reported too. A regression is a verdict that is not the expected one, a case the baseline has and the
//! suite lost, or a metric worse than in the baseline by more than the suite's tolerance. A digest that differs while all
//! metrics agree is shown and is no regression.
//!
//! Limits: one machine; the drivers are the ones the simulator ships. The library reads scenario files and no clock: times
//! come from the caller. Results do not depend on the number of threads.

mod baseline;
mod html;
mod junit;
mod plot;
mod result;
mod runner;
mod suite;

pub use baseline::{Baseline, BaselineCase, Change, Comparison, Metric};
pub use html::html_page;
pub use junit::junit_xml;
pub use plot::{Curve, Pictures, Track};
pub use result::{CaseOutcome, CaseResult, Outcome, Status, SuiteReport};
pub use runner::{Loaded, SuiteRun, load_scenario, run_suite, update_baseline};
pub use suite::{Case, CaseEntry, Expectation, ParameterValue, Suite, SuiteError, SuiteFile, Tolerance};
