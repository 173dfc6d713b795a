//! A generated drive goes the whole way, on a folder and on an S3 server, and comes out the same; foreign readers agree.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;
use std::process::Command;

use cloverleaf_end_to_end::{Program, S3Server, data, python, skipped};
use serde_json::Value;

fn generate(folder: &Path) -> String {
    let drive = folder.join("drive.mcap").display().to_string();
    Program::cloverleaf().succeed(["drive", "generate", "--seed", "11", "--seconds", "120", "--out", &drive]).unwrap();
    drive
}

fn go_round(program: &Program, drive: &str, lake: &str, out: &str) -> Value {
    let json = program.succeed(["loop", "--drive", drive, "--lake", lake, "--out", out, "--json"]).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// The parts of a summary that may not depend on where the lake lies or how fast it is.
fn essence(summary: &Value) -> Value {
    let simulated: Vec<Value> = summary["simulation"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| serde_json::json!([case["scenario"], case["passed"], case["digest"], case["parameters"]]))
        .collect();
    serde_json::json!({
        "firings": summary["capture"]["firings"],
        "rows": summary["ingest"]["rows"],
        "clips": summary["search"]["clips"],
        "simulated": simulated,
    })
}

fn rows(program: &Program, arguments: &[&str]) -> Vec<Value> {
    let text = program.succeed(arguments.iter().copied()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_generated_drive_goes_the_whole_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let drive = generate(folder.path());
    let program = Program::cloverleaf();
    let (lake, out) = (path("lake"), path("out"));
    let summary = go_round(&program, &drive, &lake, &out);

    // Every rule of the loop fired on the events that were planted, and clips came of it.
    for rule in ["hard-brake", "evasive-swerve", "cut-in", "cruise-transition"] {
        assert!(summary["capture"]["firings"][rule].as_u64().unwrap_or(0) > 0, "{rule} never fired: {summary}");
    }
    let clips = summary["search"]["clips"].as_array().unwrap().len() as u64;
    assert!(clips > 0);
    assert_eq!(summary["ingest"]["clips"].as_u64(), Some(clips));
    let scenarios = summary["simulation"]["items"].as_array().unwrap();
    for situation in ["cut-in", "car-following"] {
        assert!(scenarios.iter().any(|case| case["situation"] == situation), "no {situation} was mined: {scenarios:?}");
    }

    // Search and SQL agree with the summary.
    let found = rows(&program, &["search", "true", "--lake", &lake, "--format", "jsonl"]);
    assert_eq!(found.len() as u64, clips);
    let counted = rows(&program, &["sql", "SELECT count(*) AS n FROM clips", "--lake", &lake, "--format", "jsonl"]);
    assert_eq!(counted[0]["n"].as_u64(), Some(clips));
    let braking = rows(&program, &["search", r#"rule == "hard-brake""#, "--lake", &lake, "--format", "jsonl"]);
    assert!(!braking.is_empty());
    let moments = "Vehicle.Acceleration.Longitudinal < -5.0";
    let moments = rows(&program, &["search", moments, "--lake", &lake, "--format", "jsonl"]);
    assert!(moments.iter().any(|row| braking.iter().any(|clip| clip["clip_id"] == row["clip_id"])), "{moments:?}");

    // Scenarios are valid and the report is written.
    for case in scenarios {
        let file = case["file"].as_str().unwrap();
        validate(file, "OpenSCENARIOv1.2.xsd", "a_generated_drive_goes_the_whole_way");
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(case["clip"].as_str().unwrap()), "{file} does not say where it comes from");
        let again = program.run(["simulate", file, "--json"]).unwrap();
        let verdict: Value = serde_json::from_str(&again.stdout).unwrap();
        assert_eq!(verdict["digest"], case["digest"], "{file} did not run the same again");
        assert_eq!(again.code, if case["passed"] == true { 0 } else { 4 });
    }
    let junit = std::fs::read_to_string(folder.path().join("out/junit.xml")).unwrap();
    assert_eq!(junit.matches("<testcase ").count(), scenarios.len());
    assert!(folder.path().join("out/report/index.html").exists());

    // A second time round nothing is doubled.
    let again = go_round(&program, &drive, &lake, &out);
    assert_eq!(again["ingest"]["clips"].as_u64(), Some(0));
    assert_eq!(again["search"]["clips"], summary["search"]["clips"]);

    foreign_readers_agree(&lake, clips);

    // The same on an S3 server.
    let server = S3Server::start(&folder.path().join("buckets"), "fleet").unwrap();
    let remote = Program::cloverleaf().with_environment(server.environment());
    let on_s3 = go_round(&remote, &drive, "s3://fleet/lake", &path("out-s3"));
    assert_eq!(essence(&on_s3), essence(&summary));
    let on_s3 = rows(&remote, &["search", "true", "--lake", "s3://fleet/lake", "--format", "jsonl"]);
    assert_eq!(on_s3.len() as u64, clips);
}

/// Delta's own Python reader and DuckDB see the rows; the `mcap` package sees the messages.
fn foreign_readers_agree(lake: &str, clips: u64) {
    let Some(python) = python() else {
        return skipped("foreign_readers_agree", "the Python environment (cargo xtask setup)");
    };
    let script = r#"
import glob, sys
import duckdb
from deltalake import DeltaTable
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

lake = sys.argv[1]
for table in ["clips", "events", "signals", "objects"]:
    files = DeltaTable(f"{lake}/tables/{table}").file_uris()
    print(table, duckdb.sql(f"SELECT count(*) FROM read_parquet({files!r})").fetchall()[0][0])
messages = 0
for path in glob.glob(f"{lake}/clips/*/*.mcap"):
    with open(path, "rb") as file:
        for schema, channel, message, decoded in make_reader(file, decoder_factories=[DecoderFactory()], validate_crcs=True).iter_decoded_messages(topics=["/camera/front", "/can/0", "/vss/Vehicle.Speed"]):
            messages += 1
print("messages", messages)
"#;
    let output = Command::new(python).args(["-c", script, lake]).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
    let number = |what: &str| -> u64 {
        let line = stdout.lines().find(|line| line.starts_with(&format!("{what} "))).unwrap_or_default();
        line.rsplit(' ').next().unwrap_or_default().parse().unwrap_or(0)
    };
    assert_eq!(number("clips"), clips, "{stdout}");
    assert!(number("signals") > 100 && number("objects") > 100 && number("messages") > 1000, "{stdout}");
    assert!(number("events") >= clips, "{stdout}");
}

/// Holds a file against an ASAM schema by xmllint.
fn validate(file: &str, schema: &str, test: &str) {
    let Some(schema) = data(&format!("xsd-asam/resources/schema/{schema}")) else {
        return skipped(test, "xsd-asam (schema check)");
    };
    match Command::new("xmllint").args(["--noout", "--schema"]).arg(schema).arg(file).output() {
        Ok(output) => {
            assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Err(_) => skipped(test, "xmllint (schema check)"),
    }
}
