//! The suite file: which scenarios run, with which drivers and seeds, against which criteria, and what is expected.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cloverleaf_judgement::{Criteria, CriteriaError, CriteriaOverrides};
use cloverleaf_simulator::{DRIVER_NAMES, RunOptions};
use serde::{Deserialize, Serialize};

/// A suite file, read and checked. Paths are relative to the file's folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// Its folder.
    pub folder: PathBuf,
    /// Its path, for messages and reports.
    pub path: PathBuf,
    /// What it says.
    pub file: SuiteFile,
}

/// A suite file as it stands (TOML).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteFile {
    /// Name, for reports.
    pub name: String,
    /// What the suite is for.
    #[serde(default)]
    pub description: String,
    /// Baseline file; without it nothing is compared.
    #[serde(default)]
    pub baseline: Option<String>,
    /// Longest simulated time of a case, s.
    #[serde(default = "default_duration_s")]
    pub max_duration_s: f64,
    /// Step of the simulation, s.
    #[serde(default = "default_step_s")]
    pub step_s: f64,
    /// Drivers every case runs with unless it says otherwise.
    #[serde(default = "default_drivers")]
    pub drivers: Vec<String>,
    /// Seeds every case runs with unless it says otherwise.
    #[serde(default = "default_seeds")]
    pub seeds: Vec<u64>,
    /// Changes to the default criteria for all cases.
    #[serde(default)]
    pub criteria: CriteriaOverrides,
    /// How much worse than the baseline a metric may become.
    #[serde(default)]
    pub tolerance: Tolerance,
    /// Cases, at least one.
    #[serde(rename = "case", default)]
    pub cases: Vec<CaseEntry>,
}

/// One `[[case]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseEntry {
    /// Name; by default the scenario file's stem. With a pattern that matches several files the stem is added.
    #[serde(default)]
    pub name: Option<String>,
    /// Scenario file, or a pattern with `*` and `?` in path components and `**` for any folders.
    pub scenario: String,
    /// Parameters of the scenario to override.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Drivers instead of the suite's.
    #[serde(default)]
    pub drivers: Option<Vec<String>>,
    /// Seeds instead of the suite's.
    #[serde(default)]
    pub seeds: Option<Vec<u64>>,
    /// Changes to the suite's criteria.
    #[serde(default)]
    pub criteria: CriteriaOverrides,
    /// The verdict that is right for this case.
    #[serde(default)]
    pub expect: Expectation,
    /// Entity under test, where the scenario leaves a doubt.
    #[serde(default)]
    pub subject: Option<String>,
    /// Longest simulated time instead of the suite's, s.
    #[serde(default)]
    pub max_duration_s: Option<f64>,
}

/// A parameter's value as TOML has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// Anything else.
    Text(String),
}

/// What verdict a case should have. A situation nobody could master is expected to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// No finding.
    #[default]
    Pass,
    /// At least one finding.
    Fail,
}

/// How much worse than in the baseline a metric may be before it counts as a regression, each in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "each field is documented at the judgement's Summary under the same name")]
pub struct Tolerance {
    pub min_gap_m: f64,
    pub min_ttc_s: f64,
    pub min_thw_s: f64,
    pub max_decel_mps2: f64,
    pub max_required_decel_mps2: f64,
    pub max_jerk_mps3: f64,
    pub max_lateral_accel_mps2: f64,
}

impl Default for Tolerance {
    /// About a tenth of the values at which the default criteria draw their lines.
    fn default() -> Self {
        Self {
            min_gap_m: 0.5,
            min_ttc_s: 0.15,
            min_thw_s: 0.1,
            max_decel_mps2: 0.5,
            max_required_decel_mps2: 0.5,
            max_jerk_mps3: 0.5,
            max_lateral_accel_mps2: 0.3,
        }
    }
}

/// One run to make: a scenario with parameters, a driver and a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// `name/driver/seed`, unique in the suite.
    pub id: String,
    /// Scenario file.
    pub scenario: PathBuf,
    /// Parameters to override.
    pub parameters: BTreeMap<String, String>,
    /// Driver's name.
    pub driver: String,
    /// Criteria.
    pub criteria: Criteria,
    /// The verdict that is right.
    pub expect: Expectation,
    /// How to run it.
    pub options: RunOptions,
}

/// Why a suite cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not a suite file.
    #[error("{path}: not a suite file: {message}")]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// Something it asks for is not there or cannot be meant.
    #[error("{path}: case {case}: {message}")]
    Case {
        /// Suite file.
        path: PathBuf,
        /// Which case.
        case: String,
        /// Why.
        message: String,
    },
    /// The baseline is no baseline.
    #[error("{path}: not a baseline: {message}")]
    Baseline {
        /// Which.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// No thread pool of the asked size.
    #[error("cannot start {threads} threads: {message}")]
    Threads {
        /// How many.
        threads: usize,
        /// Why.
        message: String,
    },
    /// The report cannot be put into its format.
    #[error("the report cannot be written as {format}: {message}")]
    Report {
        /// JUnit XML or HTML.
        format: &'static str,
        /// Why.
        message: String,
    },
}

fn default_duration_s() -> f64 {
    120.0
}

fn default_step_s() -> f64 {
    RunOptions::default().step_s
}

fn default_drivers() -> Vec<String> {
    vec![DRIVER_NAMES[0].to_owned()]
}

fn default_seeds() -> Vec<u64> {
    vec![0]
}

/// Folders deeper than this are not searched by `**`; also bounds loops of links.
const DEEPEST: usize = 16;
/// More runs than this in one suite are a mistake.
const MOST_CASES: usize = 200_000;

impl Suite {
    /// Reads a suite file.
    pub fn load(path: &Path) -> Result<Self, SuiteError> {
        let text = std::fs::read_to_string(path).map_err(|source| SuiteError::Io { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads a suite from text; `path` is where it stands.
    pub fn parse(text: &str, path: &Path) -> Result<Self, SuiteError> {
        let syntax = |message: String| SuiteError::Syntax { path: path.to_owned(), message };
        let file: SuiteFile = toml::from_str(text).map_err(|error| syntax(error.to_string()))?;
        if file.cases.is_empty() {
            return Err(syntax("it has no [[case]]; add one with scenario = \"FILE.xosc\"".to_owned()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { folder: folder.to_owned(), path: path.to_owned(), file })
    }

    /// Where the baseline stands, if the suite names one.
    pub fn baseline_path(&self) -> Option<PathBuf> {
        self.file.baseline.as_ref().map(|baseline| self.folder.join(baseline))
    }

    /// All runs of the suite, in its order.
    pub fn cases(&self) -> Result<Vec<Case>, SuiteError> {
        let mut cases = Vec::new();
        let mut ids = BTreeSet::new();
        for entry in &self.file.cases {
            let refuse = |message: String| SuiteError::Case {
                path: self.path.clone(),
                case: entry.name.clone().unwrap_or_else(|| entry.scenario.clone()),
                message,
            };
            let scenarios = expand(&self.folder, &entry.scenario);
            if scenarios.is_empty() {
                return Err(refuse(format!(
                    "no scenario file matches {:?} under {}",
                    entry.scenario,
                    self.folder.display()
                )));
            }
            let criteria = self.criteria(entry).map_err(|error| refuse(error.to_string()))?;
            let drivers = entry.drivers.as_ref().unwrap_or(&self.file.drivers);
            let seeds = entry.seeds.as_ref().unwrap_or(&self.file.seeds);
            if drivers.is_empty() || seeds.is_empty() {
                return Err(refuse("it has no drivers or no seeds".to_owned()));
            }
            for scenario in &scenarios {
                let stem = scenario.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
                let name = match &entry.name {
                    Some(name) if scenarios.len() > 1 => format!("{name}-{stem}"),
                    Some(name) => name.clone(),
                    None => stem,
                };
                for driver in drivers {
                    if !DRIVER_NAMES.contains(&driver.as_str()) {
                        return Err(refuse(format!(
                            "driver {driver:?} is not known; there are {}",
                            DRIVER_NAMES.join(", ")
                        )));
                    }
                    for &seed in seeds {
                        let id = format!("{name}/{driver}/{seed}");
                        if !ids.insert(id.clone()) {
                            return Err(refuse(format!("{id} exists twice; give the cases different names")));
                        }
                        if cases.len() >= MOST_CASES {
                            return Err(refuse(format!("the suite has more than {MOST_CASES} runs; split it")));
                        }
                        cases.push(Case {
                            id,
                            scenario: scenario.clone(),
                            parameters: entry.parameters.iter().map(|(k, v)| (k.clone(), v.to_string())).collect(),
                            driver: driver.clone(),
                            criteria: criteria.clone(),
                            expect: entry.expect,
                            options: RunOptions {
                                seed,
                                step_s: self.file.step_s,
                                max_duration_s: entry.max_duration_s.unwrap_or(self.file.max_duration_s),
                                subject: entry.subject.clone(),
                                ..RunOptions::default()
                            },
                        });
                    }
                }
            }
        }
        Ok(cases)
    }

    fn criteria(&self, entry: &CaseEntry) -> Result<Criteria, CriteriaError> {
        Criteria::default().with(&self.file.criteria)?.with(&entry.criteria)
    }
}

impl std::fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// Files that match a path with patterns, sorted.
fn expand(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut parts = pattern.split('/').peekable();
    if pattern.starts_with('/') {
        found = vec![PathBuf::from("/")];
        parts.next();
    }
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        found = match part {
            "" | "." => found,
            ".." => found.into_iter().map(|at| at.join("..")).collect(),
            "**" => found.iter().flat_map(|at| folders_below(at, DEEPEST)).collect(),
            part if part.contains(['*', '?']) => found
                .iter()
                .flat_map(|at| entries(at))
                .filter(|path| path.file_name().is_some_and(|name| matches(part.as_bytes(), name.as_encoded_bytes())))
                .filter(|path| if last { path.is_file() } else { path.is_dir() })
                .collect(),
            part => found.into_iter().map(|at| at.join(part)).filter(|path| path.exists()).collect(),
        };
    }
    found.retain(|path| path.is_file());
    found.sort();
    found.dedup();
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(listing) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut entries: Vec<PathBuf> = listing.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

fn folders_below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    if depth > 0 {
        all.extend(entries(folder).iter().filter(|path| path.is_dir()).flat_map(|path| folders_below(path, depth - 1)));
    }
    all
}

/// Whether a name fits a pattern of `*` (any characters) and `?` (one byte).
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    (p, n) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("*.xosc", "a.xosc", true),
            ("*.xosc", "a.xodr", false),
            ("cut-*n.xosc", "cut-in-in.xosc", true),
            ("?.xosc", "ab.xosc", false),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let parse = |text: &str| Suite::parse(text, Path::new("/nowhere/suite.toml"));
        let message = |text: &str| match parse(text).and_then(|suite| suite.cases()) {
            Ok(cases) => panic!("accepted with {} cases", cases.len()),
            Err(error) => error.to_string(),
        };
        assert!(message("name = 'x'").contains("no [[case]]"));
        assert!(message("name = 'x'\nspeed = 3\n[[case]]\nscenario = 'a.xosc'").contains("speed"));
        assert!(message("name = 'x'\n[[case]]\nscenario = 'a.xosc'").contains("no scenario file matches \"a.xosc\""));
    }
}
