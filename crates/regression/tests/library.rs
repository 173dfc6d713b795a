//! The scenario library keeps what its README promises.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use cloverleaf_regression::{Suite, load_scenario};

fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").canonicalize().unwrap()
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(library().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "{folder} holds no .{extension}");
    files
}

#[test]
fn every_scenario_reads_without_a_doubt_and_says_what_it_is() {
    for file in files("motorway", "xosc") {
        let name = file.display();
        let loaded = load_scenario(&file, &BTreeMap::new()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(loaded.warnings.is_empty(), "{name}: {:?}", loaded.warnings);
        let header = &loaded.scenario.header;
        assert!(header.description.len() > 20, "{name} has no description");
        for property in ["tags", "origin"] {
            assert!(
                header.properties.iter().any(|p| p.name == property && !p.value.is_empty()),
                "{name}: no {property}"
            );
        }
        let coverage = cloverleaf_simulator::check(&loaded.scenario);
        assert!(coverage.refused.is_empty() && coverage.ignored.is_empty(), "{name}: {coverage:?}");
    }
}

#[test]
fn every_scenario_is_in_the_readme_and_in_the_suite() {
    let readme = std::fs::read_to_string(library().join("README.md")).unwrap();
    let suite = Suite::load(&library().join("suites/motorway.toml")).unwrap();
    let run: Vec<PathBuf> = suite.cases().unwrap().iter().map(|case| case.scenario.canonicalize().unwrap()).collect();
    for file in files("motorway", "xosc") {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(readme.contains(&format!("(motorway/{name})")), "README.md does not list {name}");
        assert!(run.contains(&file), "no suite runs {name}");
    }
}

#[test]
fn every_file_is_valid_against_the_schemas() {
    let data = std::env::var_os("CLOVERLEAF_DATA").map_or_else(|| library().join("../../shared/data"), PathBuf::from);
    let schemas = data.join("xsd-asam/resources/schema");
    let (Ok(schemas), Ok(_)) = (schemas.canonicalize(), Command::new("xmllint").arg("--version").output()) else {
        eprintln!("skipped every_file_is_valid_against_the_schemas: {} or xmllint absent", schemas.display());
        return;
    };
    let scenarios = files("motorway", "xosc").into_iter().chain(files("catalogs/vehicles", "xosc"));
    let scenarios = scenarios.map(|file| (file, "OpenSCENARIOv1.2.xsd"));
    let roads = files("roads", "xodr").into_iter().map(|file| (file, "OpenDRIVE_1.6/opendrive_16_core.xsd"));
    for (file, schema) in scenarios.chain(roads) {
        let output = Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"])
            .arg(schemas.join(schema))
            .arg(&file)
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
