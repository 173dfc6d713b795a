//! The public scenarios of the shared data: read with their catalogs and roads, or refused for a reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cloverleaf_scenario::{Folder, read};

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
    let files = files(test, folder);
    let mut broken = Vec::new();
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let resolver = Folder::new(file.parent().unwrap());
        match read(&name, &std::fs::read_to_string(file).unwrap(), &BTreeMap::new(), &resolver) {
            Ok(reading) => {
                for warning in &reading.warnings {
                    println!("warning {warning}");
                }
                for unsupported in &reading.scenario.unsupported {
                    println!("unsupported {name}: {}:{} {}", unsupported.file, unsupported.line, unsupported.element);
                }
                assert!(!reading.scenario.entities.is_empty(), "{name}");
            }
            Err(error) => broken.push(error.to_string()),
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    files.len()
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
