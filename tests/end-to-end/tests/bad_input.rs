//! What goes wrong says what and where, exits non-zero, and leaves nothing half-written.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use cloverleaf_end_to_end::{Output, Program, S3Server, workspace};

/// The error names every part, nothing was printed as a result, and no panic hides behind the exit code.
fn check(output: &Output, code: i32, parts: &[&str]) {
    assert_eq!(output.code, code, "{output:?}");
    for part in parts {
        assert!(output.stderr.contains(part), "{part:?} is not in: {}", output.stderr);
    }
    assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
}

fn short_drive(folder: &Path) -> String {
    let drive = folder.join("drive.mcap").display().to_string();
    Program::cloverleaf().succeed(["drive", "generate", "--seed", "3", "--seconds", "10", "--out", &drive]).unwrap();
    drive
}

#[test]
fn damaged_recordings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let drive = short_drive(folder.path());
    let bytes = std::fs::read(&drive).unwrap();
    let damaged = folder.path().join("damaged.mcap").display().to_string();
    let lake = folder.path().join("lake").display().to_string();
    let program = Program::cloverleaf();

    std::fs::write(&damaged, &bytes[..bytes.len() * 2 / 3]).unwrap();
    for command in [vec!["loop", "--drive", &damaged, "--lake", &lake], vec!["drive", "info", &damaged]] {
        check(&program.run(command).unwrap(), 1, &["damaged.mcap", "cut short"]);
    }
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 0x10;
    std::fs::write(&damaged, &flipped).unwrap();
    check(&program.run(["drive", "info", &damaged]).unwrap(), 1, &["damaged.mcap", "chunk at byte"]);
    std::fs::write(&damaged, b"not a recording").unwrap();
    check(&program.run(["drive", "info", &damaged]).unwrap(), 1, &["not an MCAP file"]);
    let missing = folder.path().join("missing.mcap").display().to_string();
    check(&program.run(["loop", "--drive", &missing, "--lake", &lake]).unwrap(), 1, &["missing.mcap"]);
    let landed = folder.path().join("lake/landing");
    assert!(
        !landed.exists() || std::fs::read_dir(landed).unwrap().next().is_none(),
        "a damaged drive left clips behind"
    );
}

#[test]
fn lakes_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, b"x").unwrap();
    let program = Program::cloverleaf();
    let as_lake = file.display().to_string();
    check(&program.run(["search", "true", "--lake", &as_lake]).unwrap(), 1, &["a-file", "a lake is a folder"]);
    check(&program.run(["search", "true", "--lake", "nonsense://x/y"]).unwrap(), 1, &["nonsense"]);

    // Nobody listens there.
    let unreachable = program.clone().with_environment([
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", "key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "hidden-secret".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
    ]);
    let output = unreachable.run(["search", "true", "--lake", "s3://fleet/lake"]).unwrap();
    check(&output, 1, &["s3://fleet/lake", "cannot be reached"]);
    assert!(!output.stderr.contains("hidden-secret"));

    // A wrong secret is refused by the server and never shown.
    let server = S3Server::start(&folder.path().join("buckets"), "fleet").unwrap();
    let mut environment = server.environment();
    for variable in &mut environment {
        if variable.0 == "AWS_SECRET_ACCESS_KEY" {
            variable.1 = "wrong-secret".to_owned();
        }
    }
    let output =
        program.clone().with_environment(environment).run(["search", "true", "--lake", "s3://fleet/lake"]).unwrap();
    check(&output, 1, &["s3://fleet/lake"]);
    assert!(!output.stderr.contains("wrong-secret"));
}

#[test]
fn expressions_and_queries_point_at_the_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().display().to_string();
    let program = Program::cloverleaf();
    check(&program.run(["search", "Vehicle.Sped > 3.0", "--lake", &lake]).unwrap(), 1, &["Vehicle.Speed", "^"]);
    check(&program.run(["search", "Vehicle.Speed > ", "--lake", &lake]).unwrap(), 1, &["^"]);
    check(&program.run(["sql", "SELECT nothing FROM clips", "--lake", &lake]).unwrap(), 1, &["nothing"]);
    for writing in [
        "DROP TABLE clips",
        "COPY clips TO '/tmp/x.csv'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    ] {
        check(&program.run(["sql", writing, "--lake", &lake]).unwrap(), 1, &[]);
    }
    check(&program.run(["replay", "clip-none", "--lake", &lake, "--out", "/tmp/x.rrd"]).unwrap(), 1, &["clip-none"]);
    check(&program.run(["serach", "true"]).unwrap(), 2, &["serach", "search"]);
}

#[test]
fn scenarios_and_suites_say_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::cloverleaf();
    let good = std::fs::read_to_string(workspace().join("scenarios/motorway/cut-in.xosc")).unwrap();
    let broken = folder.path().join("broken.xosc").display().to_string();
    std::fs::write(&broken, good.replacen("<Storyboard>", "<Storyboard><Nonsense/>", 1)).unwrap();
    check(&program.run(["simulate", &broken]).unwrap(), 1, &["broken.xosc:", "Nonsense"]);
    std::fs::write(&broken, &good[..good.len() / 2]).unwrap();
    check(&program.run(["simulate", &broken]).unwrap(), 1, &["broken.xosc:"]);
    check(&program.run(["simulate", "/nowhere/x.xosc"]).unwrap(), 1, &["/nowhere/x.xosc"]);
    check(&program.run(["test", "/nowhere/suite.toml"]).unwrap(), 1, &["/nowhere/suite.toml"]);
    let suite = folder.path().join("suite.toml").display().to_string();
    std::fs::write(&suite, "name = \"x\"\n[[case]]\nscenaro = \"y\"\n").unwrap();
    check(&program.run(["test", &suite]).unwrap(), 1, &["suite.toml", "scenaro"]);
}

/// The arrays of one CAN frame, in numpy's format 1.0.
fn one_frame_segment(folder: &Path) {
    let raw = folder.join("processed_log/CAN/raw_can");
    std::fs::create_dir_all(&raw).unwrap();
    let arrays =
        [("t", "<f8", 1.0f64.to_le_bytes()), ("src", "<i8", [0; 8]), ("address", "<i8", [0, 1, 0, 0, 0, 0, 0, 0])];
    for (name, dtype, value) in arrays.into_iter().chain([("data", "|S8", *b"abcdefgh")]) {
        let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': (1,), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(value);
        std::fs::write(raw.join(name), bytes).unwrap();
    }
}

#[test]
fn a_dbc_with_an_error_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let dbc = folder.path().join("bad.dbc");
    std::fs::write(&dbc, "VERSION \"\"\n\nBO_ 256 M: 8 XXX\n SG_ A : 0|8@1+ (1;0) [0|0] \"\" X\n").unwrap();
    one_frame_segment(folder.path());
    let out = folder.path().join("out.mcap");
    let (dbc, out_text) = (dbc.display().to_string(), out.display().to_string());
    let segment = folder.path().display().to_string();
    let output = Program::cloverleaf()
        .run(["drive", "import", "comma2k19", &segment, "--dbc", &dbc, "--out", &out_text])
        .unwrap();
    check(&output, 1, &["bad.dbc", "4"]);
    assert!(!out.exists());
}

#[test]
fn a_regression_fails_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::cloverleaf();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let suite = workspace().join("scenarios/suites/motorway.toml").display().to_string();
    let (junit, html) = (path("junit.xml"), path("html"));
    let good = program.run(["test", &suite, "--junit", &junit, "--html", &html]).unwrap();
    assert_eq!(good.code, 0, "{good:?}");
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("<testsuites") && xml.contains("failures=\"0\""), "{xml}");
    let page = std::fs::read_to_string(folder.path().join("html/index.html")).unwrap();
    assert!(page.contains("<svg"), "no plots in the report");
    for foreign in ["src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(!page.contains(foreign), "the report asks another host: {foreign}");
    }

    // A driver that never looks ahead fails where a pass is expected.
    let scenario = workspace().join("scenarios/motorway/hard-braking-lead.xosc");
    let blind = format!("name = \"blind\"\ndrivers = [\"blind\"]\n[[case]]\nscenario = \"{}\"\n", scenario.display());
    let blind_path = path("blind.toml");
    std::fs::write(&blind_path, blind).unwrap();
    let bad = program.run(["test", &blind_path, "--junit", &junit]).unwrap();
    assert_eq!(bad.code, 4, "{bad:?}");
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("<failure"), "{xml}");
}
