//! What goes wrong is said, ends with the right exit code, and loses nothing that was sealed.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Car, check_arrived, contents, write_drive};

struct Setup {
    dir: tempfile::TempDir,
    drive: PathBuf,
}

/// A drive of 60 s: three clips.
fn setup() -> Setup {
    let dir = tempfile::tempdir().unwrap();
    let drive = dir.path().join("drive.mcap");
    write_drive(&drive, 60);
    Setup { dir, drive }
}

#[test]
fn a_store_that_is_not_there_leaves_the_clips_in_the_spool() {
    let Setup { dir, drive } = setup();
    let car = Car::new(dir.path(), "car");
    car.configure_upload("", "url = \"s3://bucket/fleet\"");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = car.command(Some(&drive), "max");
    command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")).env("AWS_ALLOW_HTTP", "true");
    command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "hunter2hunter2");
    let ran = common::Ran(command.output().unwrap()).expect(3);
    let errors = ran.errors();
    assert!(errors.contains("s3://bucket/fleet") && errors.contains("refused"), "{errors}");
    assert!(errors.contains("3 sealed clip(s) were not uploaded"), "{errors}");
    assert!(!errors.contains("hunter2"), "{errors}");
    assert_eq!((ran.count("clips_sealed"), ran.count("clips_waiting")), (3, 3));
    assert_eq!(car.spooled().len(), 6);

    // The store is back: the spool goes up without a drive.
    car.configure("");
    let ran = car.run(None).expect(0);
    assert_eq!((ran.count("clips_uploaded"), ran.count("clips_waiting")), (3, 0));
    assert_eq!(check_arrived(&car.lake()), 3);
}

#[test]
fn a_store_that_cannot_be_written_leaves_the_clips_in_the_spool() {
    let Setup { dir, drive } = setup();
    let car = Car::new(dir.path(), "car");
    // Also root cannot make a folder below a file.
    fs::create_dir(car.lake()).unwrap();
    fs::write(car.lake().join("landing"), "in the way").unwrap();
    let errors = car.run(Some(&drive)).expect(3).errors();
    assert!(errors.contains("lake") && errors.contains("Not a directory"), "{errors}");
    assert_eq!(car.spooled().len(), 6);
    fs::remove_file(car.lake().join("landing")).unwrap();
    fs::remove_dir(car.lake()).unwrap();
    fs::write(car.lake(), "in the way").unwrap();
    let errors = car.run(Some(&drive)).expect(2).errors();
    assert!(errors.contains("the folder cannot be made"), "{errors}");
    assert_eq!(car.spooled().len(), 6);
}

#[test]
fn a_damaged_drive_is_named_and_what_came_before_it_arrives() {
    let Setup { dir, drive } = setup();
    let calm = Car::new(dir.path(), "calm");
    calm.run(Some(&drive)).expect(0);
    let expected = contents(&calm.lake());

    let good = fs::read(&drive).unwrap();
    let bad = dir.path().join("bad.mcap");
    let car = Car::new(dir.path(), "car");
    fs::write(&bad, &good[..good.len() / 2]).unwrap();
    let errors = car.run(Some(&bad)).expect(1).errors();
    assert!(errors.contains("bad.mcap: "), "{errors}");
    assert!(contents(&car.lake()).is_empty());

    // Near the end, so that a clip was complete before.
    let mut flipped = good.clone();
    let at = good.len() * 2 / 3;
    flipped[at] ^= 0x10;
    fs::write(&bad, &flipped).unwrap();
    let errors = car.run(Some(&bad)).expect(1).errors();
    assert!(errors.contains("bad.mcap: ") && errors.contains("byte"), "{errors}");
    let arrived = contents(&car.lake());
    assert!(!arrived.is_empty() && arrived.len() < expected.len(), "{arrived:?}");
    assert!(arrived.iter().all(|(name, hash)| expected.get(name) == Some(hash)), "{arrived:?}");

    // With the drive whole again the rest follows, as if nothing had been.
    car.run(Some(&drive)).expect(0);
    assert_eq!(contents(&car.lake()), expected);
}

#[test]
fn a_full_disk_is_said_and_what_was_sealed_is_kept() {
    let Setup { dir, drive } = setup();
    let car = Car::new(dir.path(), "car");
    let spool = car.dir.join("spool");
    fs::create_dir(&spool).unwrap();
    let Some(disk) = SmallDisk::mount(&spool) else {
        eprintln!("skipped a_full_disk_is_said_and_what_was_sealed_is_kept: mounting a tmpfs needs root");
        return;
    };
    // The store is away, so the spool fills up; the third clip is larger than the disk.
    fs::create_dir(car.lake()).unwrap();
    fs::write(car.lake().join("landing"), "in the way").unwrap();
    let errors = car.run(Some(&drive)).expect(1).errors();
    assert!(errors.contains("the disk is full") && errors.contains("spool/clips"), "{errors}");
    assert_eq!(car.spooled().len(), 4, "{:?}", car.spooled());
    fs::remove_file(car.lake().join("landing")).unwrap();
    let ran = car.run(None).expect(0);
    assert_eq!(ran.count("clips_uploaded"), 2);
    assert_eq!(check_arrived(&car.lake()), 2);
    drop(disk);
}

/// A file system of 2 MiB.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(at).output().ok()?;
        mounted.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg(&self.0).status().ok();
    }
}

#[test]
fn a_spool_in_use_or_in_the_way_is_named() {
    let Setup { dir, drive } = setup();
    let car = Car::new(dir.path(), "car");
    fs::write(car.dir.join("spool"), "in the way").unwrap();
    let errors = car.run(Some(&drive)).expect(1).errors();
    assert!(errors.contains("creating") && errors.contains("spool"), "{errors}");
    fs::remove_file(car.dir.join("spool")).unwrap();

    let mut first = car.command(Some(&drive), "1").stderr(std::process::Stdio::null()).spawn().unwrap();
    while !car.dir.join("spool/journal").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let errors = car.run(Some(&drive)).expect(1).errors();
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(errors.contains("in use by another agent"), "{errors}");
}

#[test]
fn a_full_quota_costs_clips_and_says_so() {
    let Setup { dir, drive } = setup();
    let car = Car::new(dir.path(), "car");
    let text = fs::read_to_string(car.dir.join("agent.toml")).unwrap();
    fs::write(car.dir.join("agent.toml"), text.replace("dir = \"spool\"", "dir = \"spool\"\nquota_mib = 2")).unwrap();
    // The third clip is larger than the whole quota.
    let ran = car.run(Some(&drive)).expect(4);
    assert_eq!((ran.count("clips_sealed"), ran.count("clips_refused")), (2, 1));
    assert!(ran.errors().contains("1 clip(s) were lost"), "{}", ran.errors());
    assert_eq!(check_arrived(&car.lake()), 2);
}

#[test]
fn a_wrong_configuration_or_rule_is_pointed_at_and_nothing_is_done() {
    let Setup { dir, drive } = setup();
    let car = Car::new(dir.path(), "car");
    car.configure("sped = \"max\"");
    let errors = car.run(Some(&drive)).expect(2).errors();
    assert!(errors.contains("agent.toml: ") && errors.contains("line 2") && errors.contains("sped"), "{errors}");
    car.configure("");
    let rules = fs::read_to_string(car.dir.join("rules.toml")).unwrap();
    fs::write(car.dir.join("rules.toml"), rules.replace("Vehicle.Acceleration.Long", "Vehicle.Acceleration.Lang"))
        .unwrap();
    let errors = car.run(Some(&drive)).expect(2).errors();
    assert!(errors.contains("rules.toml:5:9") && errors.contains("did you mean"), "{errors}");
    let check = |name: &str| {
        Command::new(env!("CARGO_BIN_EXE_cloverleaf-agent"))
            .args(["check", "--config"])
            .arg(car.dir.join(name))
            .output()
            .unwrap()
    };
    assert_eq!(check("agent.toml").status.code(), Some(2));
    assert_eq!(check("no-such.toml").status.code(), Some(1));
    assert!(!car.dir.join("spool").exists());
    fs::write(car.dir.join("rules.toml"), rules).unwrap();
    let checked = check("agent.toml");
    assert!(checked.status.success());
    assert!(String::from_utf8_lossy(&checked.stdout).contains("hard-brake: Deceleration above 5 m/s2"));
}

#[test]
fn the_car_links_neither_datafusion_nor_arrow() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", "cloverleaf-agent", "-e", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(tree.contains("cloverleaf-capture"), "{tree}");
    for heavy in ["datafusion", "arrow", "parquet", "deltalake", "openh264", "rerun"] {
        assert!(!tree.lines().any(|line| line.starts_with(heavy)), "the agent links {heavy}");
    }
}
