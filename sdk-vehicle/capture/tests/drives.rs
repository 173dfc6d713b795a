//! Whole drives, generated and real, through the vehicle.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use cloverleaf_capture::{CaptureConfig, CaptureSummary, Pace, run_drive};
use cloverleaf_clip::{RecordingReader, Selection};
use cloverleaf_sources::comma2k19;
use cloverleaf_sources::generated::{GenerateOptions, generate};
use cloverleaf_vocabulary::{BootTime, Clock, RuleId, Timestamp};

/// Time stands still: what is captured does not depend on it.
struct StoppedClock;

impl Clock for StoppedClock {
    fn boot_time(&self) -> BootTime {
        BootTime::default()
    }

    fn utc(&self) -> Timestamp {
        Timestamp::default()
    }
}

fn capture(dir: &Path, name: &str, drive: &Path) -> (CaptureSummary, Vec<PathBuf>) {
    let lake = dir.join(name).join("lake");
    let config = CaptureConfig::new(dir.join(name).join("spool"), lake.display().to_string());
    let summary = run_drive(&config, Some(drive), Pace::Max, &StoppedClock, &mut |_| {}).unwrap();
    let landed = summary.vehicle.as_ref().zip(summary.boot.as_ref());
    let landed = landed.map(|(vehicle, boot)| lake.join(format!("landing/{vehicle}/{boot}"))).unwrap();
    let mut clips: Vec<PathBuf> = fs::read_dir(landed).unwrap().map(|entry| entry.unwrap().path()).collect();
    clips.retain(|path| path.extension().is_some_and(|extension| extension == "mcap"));
    clips.sort();
    assert_eq!(clips.len() as u64, summary.clips_uploaded);
    assert_eq!((summary.clips_sealed, summary.clips_waiting), (summary.clips_uploaded, 0));
    (summary, clips)
}

fn open(path: &Path) -> RecordingReader<File> {
    RecordingReader::open(&path.display().to_string(), File::open(path).unwrap()).unwrap()
}

type Row = (u64, u32, Vec<u8>);

fn rows(path: &Path, topic: &str, from: Option<BootTime>, until: Option<BootTime>) -> Vec<Row> {
    let selection = Selection { topics: Some(vec![topic.to_owned()]), from, until };
    let row = |message: cloverleaf_clip::RecordedMessage| {
        (message.time.as_nanos(), message.sequence, message.payload.to_vec())
    };
    open(path).messages(&selection).map(|message| row(message.unwrap())).collect()
}

/// Every topic of the drive is in every clip, message for message, known to a DBC or not.
fn check_clips(drive: &Path, clips: &[PathBuf]) {
    let topics: Vec<String> = open(drive).channels().iter().map(|channel| channel.topic.clone()).collect();
    for clip in clips {
        let mut reader = open(clip);
        let manifest = reader.manifest().unwrap().clone();
        for attachment in open(drive).attachments() {
            let name = &attachment.name;
            assert_eq!(reader.attachment(name).unwrap(), open(drive).attachment(name).unwrap(), "{name}");
        }
        assert!(manifest.streams.iter().any(|stream| stream.topic == "/vss/Vehicle.Speed" && stream.messages > 0));
        assert!(manifest.streams.iter().all(|stream| !stream.cut_short));
        for topic in &topics {
            let (from, until) = (Some(manifest.start_ns), Some(manifest.end_ns));
            let expected = rows(drive, topic, from, until);
            let found = rows(clip, topic, from, until);
            assert!(found == expected, "{topic}: {} messages instead of {}", found.len(), expected.len());
            let before = rows(clip, topic, None, None).len() - found.len();
            assert!(before == 0 || topic.starts_with("/camera/"), "{topic}: {before} messages outside the window");
        }
    }
}

fn fired(summary: &CaptureSummary, rule: &str) -> u64 {
    summary.firings.get(&RuleId::new(rule).unwrap()).copied().unwrap_or(0)
}

#[test]
fn a_generated_drive_is_captured_message_for_message_and_twice_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let drive = dir.path().join("drive.mcap");
    generate(&GenerateOptions { seed: 11, seconds: 60.0 }, &drive, &mut |_| {}).unwrap();
    let (summary, clips) = capture(dir.path(), "first", &drive);
    assert!(!clips.is_empty() && summary.frames > 0 && summary.samples > summary.frames / 2, "{summary:?}");
    check_clips(&drive, &clips);
    let (_, again) = capture(dir.path(), "second", &drive);
    assert_eq!(clips.len(), again.len());
    for (first, second) in clips.iter().zip(&again) {
        assert_eq!(first.file_name(), second.file_name());
        assert!(fs::read(first).unwrap() == fs::read(second).unwrap(), "{}", first.display());
    }
}

#[test]
fn the_real_minute_is_captured() {
    let data = std::env::var_os("CLOVERLEAF_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let folder = data.join("comma2k19-example1");
    if !folder.exists() {
        eprintln!("skipped the_real_minute_is_captured: {} absent", folder.display());
        return;
    }
    let mut dbcs: Vec<PathBuf> =
        fs::read_dir(data.join("opendbc-toyota")).unwrap().map(|e| e.unwrap().path()).collect();
    dbcs.retain(|path| path.extension().is_some_and(|extension| extension == "dbc"));
    dbcs.sort();
    let dir = tempfile::tempdir().unwrap();
    let drive = dir.path().join("drive.mcap");
    comma2k19::import(&folder, &dbcs, &drive, &mut |_| {}).unwrap();
    let (summary, clips) = capture(dir.path(), "car", &drive);
    println!("{summary:?}");
    // The counts of shared/data/README.md: all frames are kept, and the brake is never pressed.
    assert_eq!(summary.frames, 135_468);
    assert_eq!(fired(&summary, "hard-brake"), 0);
    assert_eq!(fired(&summary, "evasive-swerve"), 0);
    assert!(fired(&summary, "cruise-transition") > 0);
    check_clips(&drive, &clips);
}
