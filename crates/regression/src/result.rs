//! What came out of a case and of a suite.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cloverleaf_judgement::{Criteria, Finding, Summary};
use cloverleaf_simulator::RunEnd;
use cloverleaf_vocabulary::{TimeDelta, Timestamp};

use crate::baseline::{Change, Comparison};
use crate::plot::Pictures;
use crate::suite::Expectation;

/// One case, run and judged.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// `name/driver/seed`.
    pub id: String,
    /// Scenario file.
    pub scenario: PathBuf,
    /// What the scenario says about itself.
    pub description: String,
    /// Free name and value pairs of the scenario's header: tags, origin.
    pub properties: Vec<(String, String)>,
    /// Parameters that were overridden.
    pub parameters: BTreeMap<String, String>,
    /// Driver.
    pub driver: String,
    /// Seed.
    pub seed: u64,
    /// The verdict that is right.
    pub expect: Expectation,
    /// Criteria it was held against.
    pub criteria: Criteria,
    /// What happened; the error says why it could not be run or judged.
    pub outcome: Result<CaseOutcome, String>,
    /// Wall time it took, by the caller's clock.
    pub took: TimeDelta,
}

/// What happened in a case that ran.
#[derive(Debug, Clone)]
pub struct CaseOutcome {
    /// Whether there was no finding.
    pub passed: bool,
    /// What was not satisfied.
    pub findings: Vec<Finding>,
    /// The run in numbers.
    pub summary: Summary,
    /// Who was tested.
    pub subject: String,
    /// Why it ended.
    pub end: RunEnd,
    /// Simulated time, s.
    pub duration_s: f64,
    /// Hash over all states.
    pub digest: String,
    /// What could not be done as written.
    pub notes: Vec<String>,
    /// Curves and tracks for the report.
    pub pictures: Pictures,
}

/// How a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The expected verdict, nothing worse than in the baseline.
    Good,
    /// The expected verdict, but a metric is worse than in the baseline by more than the tolerance.
    Worse,
    /// Not the expected verdict.
    Wrong,
    /// Could not be run or judged.
    Broken,
}

impl CaseResult {
    /// Whether the verdict is the expected one; `None` when there is no verdict.
    pub fn as_expected(&self) -> Option<bool> {
        self.outcome.as_ref().ok().map(|outcome| outcome.passed == (self.expect == Expectation::Pass))
    }
}

/// A suite, run.
#[derive(Debug, Clone)]
pub struct SuiteReport {
    /// Suite's name.
    pub name: String,
    /// Suite's description.
    pub description: String,
    /// Suite's file.
    pub path: PathBuf,
    /// When it began, by the caller's clock.
    pub started: Timestamp,
    /// Wall time it took, by the caller's clock.
    pub took: TimeDelta,
    /// Cases in the suite's order.
    pub cases: Vec<CaseResult>,
    /// Against the baseline.
    pub comparison: Comparison,
}

/// How a suite stands, and what a process should exit with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Every verdict is the expected one and nothing got worse.
    Passed,
    /// A verdict is not the expected one, or something got worse than in the baseline.
    Regressed,
    /// A case could not be run or judged.
    Broken,
}

impl Outcome {
    /// Exit code of a process: 0, 1 or 2.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Regressed => 1,
            Self::Broken => 2,
        }
    }
}

impl SuiteReport {
    /// How a case stands.
    pub fn status(&self, case: &CaseResult) -> Status {
        match case.as_expected() {
            None => Status::Broken,
            Some(false) => Status::Wrong,
            Some(true) if self.changes(case).iter().any(Change::is_regression) => Status::Worse,
            Some(true) => Status::Good,
        }
    }

    /// What changed for a case against the baseline.
    pub fn changes(&self, case: &CaseResult) -> &[Change] {
        self.comparison.cases.get(&case.id).map_or(&[], Vec::as_slice)
    }

    /// How many cases stand so.
    pub fn count(&self, status: Status) -> usize {
        self.cases.iter().filter(|case| self.status(case) == status).count()
    }

    /// How the suite stands.
    pub fn outcome(&self) -> Outcome {
        match self.cases.iter().map(|case| self.status(case)).max() {
            Some(Status::Broken) => Outcome::Broken,
            Some(Status::Wrong | Status::Worse) => Outcome::Regressed,
            _ if !self.comparison.missing.is_empty() => Outcome::Regressed,
            _ => Outcome::Passed,
        }
    }
}
