//! The public scenario collections: every ALKS template runs to its own end, every esmini file runs or is refused by name.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod world;

use cloverleaf_judgement::{Criteria, Criterion};
use cloverleaf_simulator::{RunEnd, RunOptions, SimulationError};
use world::{drive, load, scenario_files, shared};

#[test]
fn every_alks_template_runs_to_its_stop_trigger_and_hits_nobody() {
    let Some(folder) = shared("every_alks_template", "osc-alks/logical_scenarios/concrete_scenarios") else { return };
    let files = scenario_files(&folder);
    assert_eq!(files.len(), 15);
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let (scenario, network) = load(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let run = drive(&scenario, &network, RunOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(run.end, RunEnd::StopTrigger, "{name} after {} s", run.duration_s);
        assert!(run.notes.is_empty(), "{name}: {:?}", run.notes);
        let verdict = run.judge(&network, &Criteria::default()).unwrap();
        let bad = verdict.findings.iter().find(|f| matches!(f.criterion, Criterion::Collision | Criterion::OffRoad));
        assert!(bad.is_none(), "{name}: {}", bad.unwrap());
    }
}

#[test]
fn every_esmini_scenario_runs_or_is_refused_by_name() {
    let Some(folder) = shared("every_esmini_scenario", "esmini/resources/xosc") else { return };
    let (mut ran, mut refused) = (0, 0);
    for file in scenario_files(&folder) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let (scenario, network) = match load(&file) {
            Ok(loaded) => loaded,
            // The selection does not hold every road.
            Err(error) if error.contains(".xodr") => {
                eprintln!("{name}: {error}");
                continue;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        match drive(&scenario, &network, RunOptions::default()) {
            Ok(run) => {
                ran += 1;
                assert!(run.duration_s > 1.0, "{name} ended after {} s", run.duration_s);
            }
            Err(SimulationError::Unsupported(what)) => {
                refused += 1;
                assert!(what.iter().all(|line| line.contains("not executed")), "{name}: {what:?}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
    assert!(ran >= 23, "only {ran} ran, {refused} were refused");
}
