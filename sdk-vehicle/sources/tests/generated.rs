//! Generated drives as files: the same bytes for the same seed, streams that fit the truth, a real H.264 stream.
#![allow(missing_docs, clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use cloverleaf_clip::{RecordingReader, Selection};
use cloverleaf_signals::dbc::Database;
use cloverleaf_signals::decoder::Decoder;
use cloverleaf_signals::messages::Message;
use cloverleaf_signals::profile::VehicleProfile;
use cloverleaf_signals::vss::Catalogue;
use cloverleaf_sources::generated::truth::DriveTruth;
use cloverleaf_sources::generated::{GenerateOptions, checksum, generate, truth_path};
use cloverleaf_sources::recorded::{Recorded, Speed};
use openh264::formats::YUVSource as _;

fn drive(folder: &Path, name: &str, seed: u64, seconds: f64) -> (std::path::PathBuf, DriveTruth) {
    let out = folder.join(name);
    let summary = generate(&GenerateOptions { seed, seconds }, &out, &mut |_| {}).unwrap();
    assert_eq!(summary.size_bytes, std::fs::metadata(&out).unwrap().len());
    let truth = serde_json::from_slice(&std::fs::read(truth_path(&out)).unwrap()).unwrap();
    (out, truth)
}

fn open(path: &Path) -> RecordingReader<File> {
    RecordingReader::open("drive.mcap", File::open(path).unwrap()).unwrap()
}

#[test]
fn equal_seeds_give_equal_bytes_and_leave_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (a, _) = drive(folder.path(), "a.mcap", 5, 12.0);
    let (b, _) = drive(folder.path(), "b.mcap", 5, 12.0);
    let (c, _) = drive(folder.path(), "c.mcap", 6, 12.0);
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    assert_ne!(std::fs::read(&a).unwrap(), std::fs::read(&c).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 6);
}

#[test]
fn bad_lengths_and_places_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for seconds in [0.0, -1.0, f64::NAN, 1e9] {
        let error = generate(&GenerateOptions { seed: 1, seconds }, &folder.path().join("x.mcap"), &mut |_| {});
        assert!(error.unwrap_err().to_string().contains("expected 1 to 28800 seconds"));
    }
    let nowhere = folder.path().join("no/such/folder/x.mcap");
    let error = generate(&GenerateOptions { seed: 1, seconds: 2.0 }, &nowhere, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("no/such/folder/x.mcap"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_whole_bus_decodes_and_shows_the_hard_brake() {
    let folder = tempfile::tempdir().unwrap();
    let (path, truth) = drive(folder.path(), "d.mcap", 21, 120.0);
    let mut reader = open(&path);
    let dbc = |reader: &mut RecordingReader<File>, name: &str| {
        Database::parse(name, &reader.attachment(name).unwrap().unwrap()).unwrap()
    };
    let powertrain = dbc(&mut reader, "dbc/0/cloverleaf_pt.dbc");
    let radar = dbc(&mut reader, "dbc/1/cloverleaf_radar.dbc");
    let profile = String::from_utf8(reader.attachment("profile.toml").unwrap().unwrap()).unwrap();
    let profile = VehicleProfile::parse("profile.toml", &profile).unwrap();
    let databases = [(Some(0), &powertrain), (Some(1), &radar)];
    let decoder = Decoder::new(databases, Some(&profile), Catalogue::standard()).unwrap();
    let accel_id = Catalogue::standard().id("Vehicle.Acceleration.Longitudinal").unwrap();
    let cruise_id = Catalogue::standard().id("Vehicle.ADAS.CruiseControl.IsActive").unwrap();
    let mut accel: Vec<(u64, f64)> = Vec::new();
    let mut cruise: Vec<(u64, f64)> = Vec::new();
    let (mut unknown, mut checked) = (0, 0);
    let mut counters: BTreeMap<(u8, u32), f64> = BTreeMap::new();
    let mut last = 0;
    let mut played = Recorded::new(&mut reader, &Selection::default(), Speed::Times(2.0));
    while let Some(due) = played.next() {
        let due = due.unwrap();
        let at = due.message.time.as_nanos();
        assert!(at >= last, "messages come in time order");
        last = at;
        let Some(Message::CanFrame(frame)) = played.source().decode(&due.message).unwrap() else { continue };
        let database = if frame.bus == 0 { &powertrain } else { &radar };
        let Some(message) = database.message(frame.id) else {
            unknown += 1;
            continue;
        };
        if message.signal("CHECKSUM").is_some() {
            let (sum, head) = frame.data().split_last().unwrap();
            assert_eq!(checksum(frame.id, head), *sum);
            let counter = message.signal("COUNTER").unwrap().physical(&frame).unwrap();
            if let Some(before) = counters.insert((frame.bus, frame.id.bits()), counter) {
                assert_eq!(counter, (before + 1.0) % 16.0, "{}", message.name);
            }
            checked += 1;
        }
        decoder.decode(&frame, |id, value| {
            if id == accel_id {
                accel.push((at, value));
            } else if id == cruise_id {
                cruise.push((at, value));
            }
        });
    }
    assert!(unknown > 1_000 && checked > 50_000, "{unknown} unknown, {checked} checked");
    for brake in truth.events.iter().filter(|event| event.kind == "hard-brake") {
        let during: Vec<f64> = accel
            .iter()
            .filter(|(at, _)| (brake.start_boot_ns..=brake.end_boot_ns).contains(at))
            .map(|(_, value)| -value)
            .collect();
        let peak = during.iter().copied().fold(0.0, f64::max);
        assert!((peak - brake.peak["deceleration_mps2"]).abs() < 0.4, "{peak} is not {:?}", brake.peak);
    }
    let changes = cruise.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    assert_eq!(changes, truth.events.iter().filter(|event| event.kind == "cruise-transition").count());
}

#[test]
fn the_camera_stream_is_h264_with_a_key_frame_every_second() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = drive(folder.path(), "v.mcap", 9, 6.0);
    let mut reader = open(&path);
    let selection = Selection { topics: Some(vec!["/camera/front".to_owned()]), ..Selection::default() };
    let mut decoder = openh264::decoder::Decoder::new().unwrap();
    let (mut units, mut pictures, mut last) = (0, 0, None);
    let mut messages = reader.messages(&selection);
    while let Some(message) = messages.next() {
        let message = message.unwrap();
        let at = message.time.as_nanos();
        assert!(last.is_none_or(|last| at - last == 50_000_000), "20 Hz without gaps");
        last = Some(at);
        let Some(Message::CompressedVideo(video)) = messages.decode(&message).unwrap() else { panic!() };
        let kinds = nal_kinds(&video.data);
        if units % 20 == 0 {
            assert_eq!(kinds, [7, 8, 5], "parameter sets before the key picture");
        } else {
            assert_eq!(kinds, [1]);
        }
        units += 1;
        if let Some(picture) = decoder.decode(&video.data).unwrap() {
            pictures += 1;
            assert_eq!(picture.dimensions(), (640, 360));
            let luma = |x: usize, y: usize| f64::from(picture.y()[y * picture.strides().0 + x]);
            // Sky above, asphalt below, and a white line somewhere across the road.
            assert!(luma(20, 10) > 125.0 && (70.0..110.0).contains(&luma(320, 325)));
            assert!((0..640).any(|x| luma(x, 230) > 180.0), "no lane line in picture {pictures}");
        }
    }
    assert_eq!((units, pictures), (120, 120));
}

/// Types of the network abstraction layer units between Annex B start codes.
fn nal_kinds(unit: &[u8]) -> Vec<u8> {
    unit.windows(4).filter(|window| window[..3] == [0, 0, 1]).map(|window| window[3] & 0x1F).collect()
}

#[test]
fn objects_and_gnss_follow_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let (path, truth) = drive(folder.path(), "o.mcap", 33, 120.0);
    let mut reader = open(&path);
    let mut nearest: Vec<(u64, f64)> = Vec::new();
    let mut speeds = Vec::new();
    let mut messages = reader.messages(&Selection::default());
    while let Some(message) = messages.next() {
        let message = message.unwrap();
        match messages.decode(&message).unwrap() {
            Some(Message::ObjectList(list)) => {
                assert!(list.objects.len() <= 16);
                let ahead = list.objects.iter().filter(|object| object.y_m.abs() < 1.5).map(|object| object.x_m);
                nearest.push((message.time.as_nanos(), ahead.fold(f64::INFINITY, f64::min)));
            }
            Some(Message::GnssVelocity(velocity)) => speeds.push(velocity.speed_mps),
            _ => {}
        }
    }
    assert!(speeds.iter().all(|speed| (0.0..45.0).contains(speed)));
    for event in truth.events.iter().filter(|event| event.kind == "short-time-gap" && event.end_s - event.start_s > 1.0)
    {
        let seen = nearest
            .iter()
            .filter(|(at, _)| (event.start_boot_ns..=event.end_boot_ns).contains(at))
            .map(|(_, x)| *x)
            .fold(f64::INFINITY, f64::min);
        assert!((seen - event.peak["least_gap_m"]).abs() < 2.0, "radar saw {seen}, {:?}", event.peak);
    }
}
