//! Rerun itself, from PyPI, loads what replay writes: the same entities, rows and timelines.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cloverleaf_replay::{ReplayOptions, Sink, Source, replay};
use common::{Without, write_drive};

/// An interpreter with `rerun-sdk`: `$CLOVERLEAF_PYTHON`, the one `cargo xtask setup` made, or one made here.
fn python() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target folder")?;
    let given = std::env::var_os("CLOVERLEAF_PYTHON").map(PathBuf::from);
    let candidates =
        given.into_iter().chain([target.join("python/bin/python"), target.join("rerun-python/bin/python")]);
    for python in candidates {
        if run(Command::new(&python).args(["-c", "import rerun.experimental"])).is_ok() {
            return Ok(python);
        }
    }
    let home = target.join("rerun-python");
    run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    let python = home.join("bin/python");
    let packages = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "rerun-sdk==0.36.*"];
    run(Command::new(&python).args(packages))?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(text) } else { Err(format!("{command:?}: {}\n{text}{complaint}", output.status)) }
}

#[test]
fn rerun_loads_what_replay_wrote() {
    let python = match python() {
        Ok(python) => python,
        Err(why) => return eprintln!("skipped rerun_loads_what_replay_wrote: rerun-sdk is absent ({why})"),
    };
    let folder = tempfile::TempDir::new().unwrap();
    let drive = folder.path().join("drive.mcap");
    let cases = [
        ("everything", Without::default(), "time,utc"),
        ("a bare drive", Without { video: true, gnss: true, manifest: true, clock: true }, "time"),
    ];
    let mut views_seen = BTreeSet::new();
    for (name, without, timelines) in cases {
        write_drive(&drive, without);
        let out = folder.path().join("drive.rrd");
        let sink = Sink::RrdFile(out.clone());
        let summary = replay(&Source::File(drive.clone()), &ReplayOptions::default(), &sink, &mut |_| ()).unwrap();

        let rerun = python.with_file_name("rerun");
        run(Command::new(&rerun).args(["rrd", "verify"]).arg(&out)).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rerun_inspect.py");
        let found = run(Command::new(&python).arg(script).arg(&out)).unwrap();
        let lines: Vec<Vec<&str>> = found.lines().map(|line| line.split(' ').collect()).collect();
        let of_kind =
            |kind: &'static str| lines.iter().filter(move |line| line[0] == kind).map(|line| line[1..].to_vec());

        let id = summary.clip.as_ref().map_or("test-car-boot-1".to_owned(), ToString::to_string);
        assert_eq!(of_kind("recording").collect::<Vec<_>>(), [["cloverleaf", &id]], "{name}");
        let rows: BTreeMap<String, u64> =
            of_kind("rows").map(|line| (line[0].to_owned(), line[1].parse().unwrap())).collect();
        assert_eq!(rows, summary.rows, "{name}");
        for line in of_kind("rows") {
            assert_eq!(line[2], timelines, "{name}: {line:?}");
        }
        let components: BTreeMap<&str, &str> = of_kind("components").map(|line| (line[0], line[1])).collect();
        let expected = [
            ("/vss/Vehicle/Speed", "Scalars:scalars,SeriesLines:"),
            ("/vss/Vehicle/ADAS/CruiseControl/IsActive", "StateChange:state"),
            ("/vehicle", "ViewCoordinates:xyz"),
            ("/vehicle/radar/front/objects/boxes", "Boxes3D:half_sizes"),
            ("/map/trajectory", "GeoLineStrings:line_strings"),
            ("/can/0/identifiers", "TextDocument:text"),
        ];
        let of_everything = [
            ("/camera/front", "VideoStream:codec,VideoStream:is_keyframe,VideoStream:sample"),
            ("/events/hard-brake", "TextLog:text"),
            ("/map/events", "GeoPoints:positions"),
        ];
        let more = if without.video { &[][..] } else { &of_everything[..] };
        for (entity, wanted) in expected.iter().chain(more) {
            let has = components.get(entity).is_some_and(|has| has.contains(wanted));
            assert!(has, "{name}: {entity} has {:?}, expected {wanted}", components.get(entity));
        }
        let views: usize = of_kind("blueprint").next().unwrap()[1].parse().unwrap();
        // The viewer keeps the state of views by id across recordings; two of one id and different kinds break each other.
        for view in of_kind("view") {
            assert!(views_seen.insert(view[0].to_owned()), "{name}: {view:?} is in two layouts");
        }
        assert!(views >= if without.video { 10 } else { 12 }, "{name}: a layout of {views} views");
    }
}
