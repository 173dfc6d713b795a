//! docs/ARCHITECTURE.md tells the truth: its crate map equals the workspace, its links lead somewhere.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cloverleaf_end_to_end::workspace;
use serde_json::Value;

fn document() -> String {
    std::fs::read_to_string(workspace().join("docs/ARCHITECTURE.md")).unwrap()
}

/// Cells of the rows of the table whose header begins with `first_heading`.
fn table(text: &str, first_heading: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    text.lines()
        .skip_while(|line| !line.starts_with(&format!("| {first_heading} |")))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect()
}

/// Folder to the folders of our own crates it depends on, outside tests.
fn from_cargo() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(workspace())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let root = std::fs::canonicalize(workspace()).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let folder_of: BTreeMap<&str, String> = packages
        .iter()
        .map(|package| {
            let manifest = std::path::Path::new(package["manifest_path"].as_str().unwrap());
            let folder = std::fs::canonicalize(manifest.parent().unwrap()).unwrap();
            let folder = folder.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            (package["name"].as_str().unwrap(), folder)
        })
        .collect();
    packages
        .iter()
        .map(|package| {
            let uses = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| folder_of.get(dependency["name"].as_str().unwrap()).cloned())
                .collect();
            (folder_of[package["name"].as_str().unwrap()].clone(), uses)
        })
        .collect()
}

#[test]
fn the_crate_map_is_the_workspace() {
    let text = document();
    let unquoted = |cell: &str| cell.replace('`', "");
    let mapped: BTreeMap<String, BTreeSet<String>> = table(&text, "crate")
        .iter()
        .map(|row| {
            let uses = unquoted(&row[2])
                .split(',')
                .map(str::trim)
                .filter(|word| !matches!(*word, "" | "-"))
                .map(str::to_owned)
                .collect();
            (unquoted(&row[0]), uses)
        })
        .collect();
    let actual = from_cargo();
    let lines = |map: &BTreeMap<String, BTreeSet<String>>| -> Vec<String> {
        map.iter()
            .map(|(folder, uses)| format!("{folder}: {}", uses.iter().cloned().collect::<Vec<_>>().join(", ")))
            .collect()
    };
    assert_eq!(lines(&mapped), lines(&actual), "left: docs/ARCHITECTURE.md, right: cargo metadata");
}

#[test]
fn every_path_it_names_exists() {
    let text = document();
    let mut checked = 0;
    for quoted in text.split('`').skip(1).step_by(2) {
        let is_path =
            quoted.contains('/') && !quoted.contains(char::is_whitespace) && !quoted.contains(['<', '*', '$']);
        if is_path {
            checked += 1;
            assert!(workspace().join(quoted).exists(), "docs/ARCHITECTURE.md names {quoted}, which does not exist");
        }
    }
    assert!(checked > 20, "only {checked} paths found");
}

#[test]
fn the_vehicle_links_no_query_engine() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "-p", "cloverleaf-agent", "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(workspace())
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("cloverleaf-triggers"), "{tree}");
    for absent in ["datafusion", "arrow", "parquet", "deltalake", "rerun", "axum"] {
        assert!(!tree.lines().any(|line| line.starts_with(absent)), "the agent links {absent}");
    }
}

#[test]
fn pure_crates_know_no_runtime() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    for pure in ["cloverleaf-triggers", "cloverleaf-simulator", "cloverleaf-judgement", "cloverleaf-recorder"] {
        let output = Command::new(&cargo)
            .args(["tree", "-p", pure, "-e", "normal", "--prefix", "none", "--format", "{p}"])
            .current_dir(workspace())
            .output()
            .unwrap();
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(tree.contains(pure));
        assert!(!tree.lines().any(|line| line.starts_with("tokio ")), "{pure} links tokio");
    }
}
