//! Runs the cases of a suite side by side. The results do not depend on how many threads there are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloverleaf_road::Network;
use cloverleaf_scenario::{Folder, Scenario};
use cloverleaf_simulator::driver_by_name;
use cloverleaf_vocabulary::Clock;
use rayon::prelude::*;

use crate::baseline::{Baseline, Comparison};
use crate::plot::Pictures;
use crate::result::{CaseOutcome, CaseResult, SuiteReport};
use crate::suite::{Case, Suite, SuiteError};

/// How a suite is run.
pub struct SuiteRun<'a> {
    /// Where durations and the date come from.
    pub clock: &'a dyn Clock,
    /// Threads; `None` is one for each core.
    pub threads: Option<usize>,
    /// Told about every case as it finishes, in no particular order: (done so far, all, case).
    pub progress: &'a (dyn Fn(usize, usize, &CaseResult) + Sync),
}

/// Runs a suite and holds it against its baseline.
pub fn run_suite(suite: &Suite, how: &SuiteRun<'_>) -> Result<SuiteReport, SuiteError> {
    let cases = suite.cases()?;
    let baseline = Baseline::load(suite)?;
    let (started, from) = (how.clock.utc(), how.clock.boot_time());
    let done = std::sync::atomic::AtomicUsize::new(0);
    let roads = Roads::default();
    let run_all = || -> Vec<CaseResult> {
        cases
            .par_iter()
            .map(|case| {
                let from = how.clock.boot_time();
                let mut result = run_case(case, &roads);
                result.took = how.clock.boot_time() - from;
                let count = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                (how.progress)(count, cases.len(), &result);
                result
            })
            .collect()
    };
    let results = match how.threads {
        None => run_all(),
        Some(threads) => rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| SuiteError::Threads { threads, message: error.to_string() })?
            .install(run_all),
    };
    let comparison = match &baseline {
        Some(baseline) => baseline.compare(&results, &suite.file.tolerance),
        None => Comparison::default(),
    };
    Ok(SuiteReport {
        name: suite.file.name.clone(),
        description: suite.file.description.clone(),
        path: suite.path.clone(),
        started,
        took: how.clock.boot_time() - from,
        cases: results,
        comparison,
    })
}

/// Makes what a report shows the suite's new baseline. Refused while a case is broken: a baseline without it would hide it.
pub fn update_baseline(suite: &Suite, report: &SuiteReport) -> Result<PathBuf, SuiteError> {
    let refuse = |path: PathBuf, message: String| SuiteError::Baseline { path, message };
    let path = suite.baseline_path().ok_or_else(|| {
        refuse(suite.path.clone(), "the suite names no baseline; add baseline = \"NAME.baseline.json\"".to_owned())
    })?;
    if let Some(broken) = report.cases.iter().find(|case| case.outcome.is_err()) {
        return Err(refuse(path, format!("case {} could not be run; repair or remove it first", broken.id)));
    }
    Baseline::of(report).save(&path)?;
    Ok(path)
}

/// A scenario file with the road it names.
pub struct Loaded {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// Its road.
    pub network: Arc<Network>,
    /// What is doubtful in either file but stops nobody.
    pub warnings: Vec<String>,
}

/// Reads a scenario file, the catalogs and the road it names. `parameters` override the file's. The message names file and
/// line.
pub fn load_scenario(path: &Path, parameters: &BTreeMap<String, String>) -> Result<Loaded, String> {
    load(path, parameters, &Roads::default())
}

/// Road networks that were read, by path: many cases share one.
#[derive(Default)]
struct Roads {
    read: std::sync::Mutex<BTreeMap<PathBuf, Arc<Network>>>,
}

impl Roads {
    fn get(&self, path: &Path) -> Result<Arc<Network>, String> {
        let key = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
        let known = || self.read.lock().map(|read| read.get(&key).cloned()).unwrap_or_default();
        if let Some(network) = known() {
            return Ok(network);
        }
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let network = Network::parse(&path.display().to_string(), &text).map_err(|error| error.to_string())?;
        let network = Arc::new(network);
        if let Ok(mut read) = self.read.lock() {
            read.insert(key, network.clone());
        }
        Ok(network)
    }
}

fn load(path: &Path, parameters: &BTreeMap<String, String>, roads: &Roads) -> Result<Loaded, String> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Absolute, so that what the resolver lists can be read whatever the working directory.
    let folder = std::path::absolute(folder).map_err(|error| format!("{name}: {error}"))?;
    let reading =
        cloverleaf_scenario::read(&name, &text, parameters, &Folder::new(&folder)).map_err(|e| e.to_string())?;
    let road = reading.scenario.road_file.as_ref();
    let road =
        road.ok_or_else(|| format!("{name}: it names no road (RoadNetwork/LogicFile); expected an OpenDRIVE file"))?;
    let network = roads.get(&folder.join(road))?;
    let warnings = reading
        .warnings
        .iter()
        .map(ToString::to_string)
        .chain(network.diagnostics.iter().map(|diagnostic| format!("{road}: {diagnostic}")))
        .collect();
    Ok(Loaded { scenario: Arc::new(reading.scenario), network, warnings })
}

fn run_case(case: &Case, roads: &Roads) -> CaseResult {
    let loaded = load(&case.scenario, &case.parameters, roads);
    let header = loaded.as_ref().ok().map(|loaded| loaded.scenario.header.clone()).unwrap_or_default();
    CaseResult {
        id: case.id.clone(),
        scenario: case.scenario.clone(),
        description: header.description,
        properties: header.properties.into_iter().map(|property| (property.name, property.value)).collect(),
        parameters: case.parameters.clone(),
        driver: case.driver.clone(),
        seed: case.options.seed,
        expect: case.expect,
        criteria: case.criteria.clone(),
        outcome: loaded.and_then(|loaded| run_loaded(case, &loaded)),
        took: cloverleaf_vocabulary::TimeDelta::ZERO,
    }
}

fn run_loaded(case: &Case, loaded: &Loaded) -> Result<CaseOutcome, String> {
    let driver = driver_by_name(&case.driver).ok_or_else(|| format!("driver {:?} is not known", case.driver))?;
    let (scenario, network) = (loaded.scenario.clone(), loaded.network.clone());
    let run = cloverleaf_simulator::run(scenario, network, driver, case.options.clone()).map_err(|e| e.to_string())?;
    let verdict = run.judge(&loaded.network, &case.criteria).map_err(|error| error.to_string())?;
    let pictures = Pictures::of(&run, &verdict, &case.criteria, &loaded.network);
    Ok(CaseOutcome {
        passed: verdict.passed,
        findings: verdict.findings,
        summary: verdict.summary,
        subject: run.subject,
        end: run.end,
        duration_s: run.duration_s,
        digest: run.digest,
        notes: run.notes,
        pictures,
    })
}
