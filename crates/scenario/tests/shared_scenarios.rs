//! The public scenarios of the shared data: read with their catalogs and roads, or refused for a reason.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cloverleaf_scenario::model::InitAction;
use cloverleaf_scenario::{Distribution, Folder, InMemory, Scenario, load, read, write};

fn data() -> PathBuf {
    std::env::var_os("CLOVERLEAF_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from)
}

fn files(test: &str, folder: &str) -> Vec<PathBuf> {
    let folder = data().join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped {test}: {} absent", folder.display());
        return Vec::new();
    };
    let mut files: Vec<_> =
        entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "xosc")).collect();
    files.sort();
    files
}

fn read_all(test: &str, folder: &str) -> usize {
    let mut written = Vec::new();
    let files = files(test, folder);
    let mut broken = Vec::new();
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let resolver = Folder::new(file.parent().unwrap());
        let text = std::fs::read_to_string(file).unwrap();
        let reading = read(&name, &text, &BTreeMap::new(), &resolver).and_then(|reading| {
            // The selection of esmini's files leaves out two roads.
            let road = reading.scenario.road_file.as_ref().map(|road| file.parent().unwrap().join(road));
            match road {
                Some(road) if !road.exists() => println!("{name} is read without its road: {} absent", road.display()),
                _ => drop(load(&name, &text, &BTreeMap::new(), &resolver)?),
            }
            Ok(reading)
        });
        match reading {
            Ok(reading) => {
                for warning in &reading.warnings {
                    println!("warning {warning}");
                }
                for unsupported in &reading.scenario.unsupported {
                    println!("unsupported {name}: {}:{} {}", unsupported.file, unsupported.line, unsupported.element);
                }
                assert!(!reading.scenario.entities.is_empty(), "{name}");
                written.push((name.clone(), reading.scenario));
            }
            Err(error) => broken.push(error.to_string()),
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for (name, scenario) in written {
        comes_back(&name, scenario);
    }
    files.len()
}

/// What we write is valid and reads as the same scenario.
fn comes_back(name: &str, mut scenario: Scenario) {
    let text = match write(&scenario) {
        Ok(text) => text,
        Err(error) => {
            assert!(!scenario.unsupported.is_empty(), "{name}: {error}");
            return;
        }
    };
    validate(name, &text);
    let mut back = read(name, &text, &BTreeMap::new(), &InMemory::default())
        .unwrap_or_else(|e| panic!("{name}: {e}\n{text}"))
        .scenario;
    // What was not modelled but stood beside what was is gone; global actions of Init come first.
    scenario.unsupported.clear();
    scenario.storyboard.init.sort_by_key(|action| !matches!(action, InitAction::Global(_)));
    scenario.header.rev_minor = back.header.rev_minor;
    back.unsupported.clear();
    assert_eq!(back, scenario, "{name}");
}

/// Validates against the standard's schema with xmllint.
fn validate(name: &str, text: &str) {
    let revision = if text.contains("revMinor=\"3\"") { "1.3" } else { "1.2" };
    let schema = data().join(format!("xsd-asam/resources/schema/OpenSCENARIOv{revision}.xsd"));
    if !schema.exists() {
        eprintln!("skipped validation of {name}: {} absent", schema.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("written.xosc");
    std::fs::write(&file, text).unwrap();
    let Ok(output) =
        std::process::Command::new("xmllint").arg("--noout").arg("--schema").arg(&schema).arg(&file).output()
    else {
        eprintln!("skipped validation of {name}: xmllint absent (Debian package libxml2-utils)");
        return;
    };
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn all_alks_templates_read() {
    let count = read_all("all_alks_templates_read", "osc-alks/logical_scenarios/concrete_scenarios");
    assert!(count == 0 || count == 15, "{count} files");
}

#[test]
fn all_esmini_scenarios_read() {
    let count = read_all("all_esmini_scenarios_read", "esmini/resources/xosc");
    assert!(count == 0 || count == 25, "{count} files");
}

#[test]
fn alks_variations_expand_to_the_published_number_of_cases() {
    let files = files("alks_variations_expand_to_the_published_number_of_cases", "osc-alks/logical_scenarios");
    let (mut cases, mut run) = (0, 0);
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let distribution =
            Distribution::parse(&name, &std::fs::read_to_string(file).unwrap()).unwrap_or_else(|e| panic!("{e}"));
        cases += distribution.count();
        // The concrete scenario takes the first and the last case, or says which constraint they break.
        let concrete = file.parent().unwrap().join(&distribution.scenario_file);
        let resolver = Folder::new(concrete.parent().unwrap());
        let Ok(text) = std::fs::read_to_string(&concrete) else {
            println!("{name} varies {}, which is absent", distribution.scenario_file);
            continue;
        };
        assert_eq!(distribution.case(distribution.count()), None);
        for index in [0, distribution.count() - 1] {
            let case = distribution.case(index).unwrap();
            match load(&name, &text, &case, &resolver) {
                Ok(_) => run += 1,
                Err(error) => assert!(error.to_string().contains("constraint"), "{name} {case:?}: {error}"),
            }
        }
    }
    // ARCHITECTURE.md's goal counts these cases.
    assert!(files.is_empty() || (cases == 121_060 && run > 10), "{cases} cases, {run} run");
}
