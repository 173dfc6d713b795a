//! Facts about `comma2k19-example1` that an independent decoder established (shared/data/README.md).
#![allow(missing_docs, clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use cloverleaf_clip::{RecordingReader, Selection};
use cloverleaf_signals::can::{CanFrame, CanId};
use cloverleaf_signals::dbc::Database;
use cloverleaf_signals::messages::{Message, Object};
use cloverleaf_sources::Summary;
use cloverleaf_sources::comma2k19::{arrays, import};

fn data(test: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("CLOVERLEAF_DATA").map_or(default, PathBuf::from);
    if folder.join("comma2k19-example1").is_dir() && folder.join("opendbc-toyota").is_dir() {
        return Some(folder);
    }
    eprintln!("skipped {test}: {}/comma2k19-example1 absent", folder.display());
    None
}

struct Imported {
    data: PathBuf,
    summary: Summary,
    messages: Vec<(f64, String, Message)>,
    powertrain: Database,
    radar: Database,
}

impl Imported {
    fn frames(&self) -> impl Iterator<Item = (f64, &CanFrame)> {
        self.messages.iter().filter_map(|(t, _, message)| match message {
            Message::CanFrame(frame) => Some((*t, frame)),
            _ => None,
        })
    }

    /// Received frames of a bus and identifier.
    fn of(&self, bus: u8, id: u16) -> Vec<&CanFrame> {
        let wanted = CanId::Standard(id);
        self.frames().map(|(_, f)| f).filter(|f| f.bus == bus && f.id == wanted && !f.echo).collect()
    }

    fn values(&self, bus: u8, id: u16, names: &[&str]) -> Vec<Vec<f64>> {
        let database = if bus == 0 { &self.powertrain } else { &self.radar };
        let message = database.message(CanId::Standard(id)).unwrap();
        self.of(bus, id)
            .iter()
            .map(|frame| names.iter().map(|name| message.signal(name).unwrap().physical(frame).unwrap()).collect())
            .collect()
    }
}

fn imported(test: &str) -> Option<Imported> {
    let data = data(test)?;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("drive.mcap");
    let dbc = |name: &str| data.join("opendbc-toyota").join(name);
    let dbcs = [dbc("toyota_new_mc_pt_generated.dbc"), dbc("toyota_adas.dbc")];
    let summary = import(&data.join("comma2k19-example1"), &dbcs, &out, &mut |_| {}).unwrap();
    let mut reader = RecordingReader::open("drive.mcap", File::open(&out).unwrap()).unwrap();
    let topics: Vec<String> = reader.channels().iter().map(|channel| channel.topic.clone()).collect();
    let names: Vec<String> = reader.attachments().into_iter().map(|attachment| attachment.name).collect();
    assert_eq!(names, ["dbc/0/toyota_new_mc_pt_generated.dbc", "dbc/1/toyota_adas.dbc"]);
    let mut messages = Vec::new();
    let mut all = reader.messages(&Selection::default());
    while let Some(message) = all.next() {
        let message = message.unwrap();
        let decoded = all.decode(&message).unwrap().unwrap();
        messages.push((message.time.as_secs_f64(), topics[message.channel].clone(), decoded));
    }
    let parse = |path: &Path| Database::parse("t.dbc", &std::fs::read(path).unwrap()).unwrap();
    let (powertrain, radar) = (parse(&dbcs[0]), parse(&dbcs[1]));
    Some(Imported { data, summary, messages, powertrain, radar })
}

#[test]
fn the_minute_keeps_every_frame_and_tells_echoes_apart() {
    let Some(drive) = imported("the_minute_keeps_every_frame_and_tells_echoes_apart") else { return };
    assert_eq!(drive.frames().count(), 135_468);
    assert_eq!(drive.frames().filter(|(_, frame)| frame.echo).count(), 36_668);
    let ids: BTreeSet<CanId> = drive.frames().filter(|(_, f)| f.bus == 0 && !f.echo).map(|(_, f)| f.id).collect();
    assert_eq!(ids.len(), 90);
    assert_eq!(ids.iter().filter(|id| drive.powertrain.message(**id).is_some()).count(), 32);
    // Known identifiers have the DBC's length in every frame, and no received byte is lost.
    for (_, frame) in drive.frames().filter(|(_, frame)| frame.bus == 0 && !frame.echo) {
        if let Some(message) = drive.powertrain.message(frame.id) {
            assert!(frame.data().len() >= message.size, "{frame:?}");
        }
    }
    let raw = arrays::read_strings(&drive.data.join("comma2k19-example1/processed_log/CAN/raw_can/data"), 8).unwrap();
    for ((_, frame), payload) in drive.frames().zip(&raw) {
        assert!(frame.data().starts_with(payload));
        assert!(frame.data()[payload.len()..].iter().all(|byte| *byte == 0));
    }
    let unknown = drive.summary.warnings.iter().any(|warning| warning.contains("58 identifiers are in no DBC"));
    assert!(unknown, "{:?}", drive.summary.warnings);
    // The same identifier is another message on the radar's bus, and takes its length from that bus's DBC.
    assert!(drive.of(0, 552).iter().all(|frame| frame.data().len() == 4));
    assert!(drive.of(1, 552).iter().all(|frame| frame.data().len() == 8 || frame.data().len() == 6));
}

#[test]
fn wheel_speeds_and_steering_equal_the_processed_arrays() {
    let Some(drive) = imported("wheel_speeds_and_steering_equal_the_processed_arrays") else { return };
    let can = drive.data.join("comma2k19-example1/processed_log/CAN");
    let wheels = ["WHEEL_SPEED_FL", "WHEEL_SPEED_FR", "WHEEL_SPEED_RL", "WHEEL_SPEED_RR"];
    let decoded = drive.values(0, 170, &wheels);
    let expected = arrays::read_floats(&can.join("wheel_speed/value"), 4).unwrap();
    assert_eq!((decoded.len(), expected.row_count()), (4_974, 4_974));
    for (kmh, mps) in decoded.iter().zip(expected.rows()) {
        for wheel in 0..4 {
            assert!((kmh[wheel] / 3.6 - mps[wheel]).abs() < 1e-14, "{kmh:?} {mps:?}");
        }
    }
    let angles = drive.values(0, 37, &["STEER_ANGLE", "STEER_FRACTION"]);
    let expected = arrays::read_floats(&can.join("steering_angle/value"), 1).unwrap();
    assert_eq!(angles.len(), 4_974);
    for (angle, expected) in angles.iter().zip(expected.rows()) {
        assert_eq!(angle[0] + angle[1], expected[0]);
    }
}

/// Length, both identifier bytes and all payload bytes before it, modulo 256.
fn toyota_checksum_is_valid(frame: &CanFrame) -> bool {
    let Some((last, head)) = frame.data().split_last() else { return false };
    let id = frame.id.bits();
    let sum = head.iter().fold(frame.data().len() as u32 + (id >> 8) + (id & 0xFF), |sum, byte| sum + u32::from(*byte));
    sum as u8 == *last
}

#[test]
fn all_checksums_on_the_powertrain_bus_are_valid() {
    let Some(drive) = imported("all_checksums_on_the_powertrain_bus_are_valid") else { return };
    let mut count = 0;
    for (_, frame) in drive.frames().filter(|(_, frame)| frame.bus == 0 && !frame.echo) {
        let Some(message) = drive.powertrain.message(frame.id) else { continue };
        if message.signal("CHECKSUM").is_some() {
            count += 1;
            assert!(toyota_checksum_is_valid(frame), "{frame:?}");
        }
    }
    assert_eq!(count, 12_656);
}

#[test]
fn radar_rows_equal_the_valid_raw_frames() {
    let Some(drive) = imported("radar_rows_equal_the_valid_raw_frames") else { return };
    let objects: Vec<(f64, &Object)> = drive
        .messages
        .iter()
        .filter_map(|(t, _, message)| match message {
            Message::ObjectList(list) => Some((*t, list)),
            _ => None,
        })
        .flat_map(|(t, list)| list.objects.iter().map(move |object| (t, object)))
        .collect();
    assert_eq!(objects.len(), 10_100);
    let mut raw: BTreeMap<u32, Vec<[f64; 4]>> = BTreeMap::new();
    for id in 0x210..=0x21D_u16 {
        for value in drive.values(1, id, &["LONG_DIST", "LAT_DIST", "REL_SPEED", "VALID", "NEW_TRACK"]) {
            if value[3] == 1.0 {
                // The processed rows come from an older DBC: distance in steps of 0.04 m.
                let distance = (value[0] / 0.04 + 1e-6).floor() * 0.04;
                raw.entry(u32::from(id)).or_default().push([distance, -value[1], value[2], value[4]]);
            }
        }
    }
    let mut by_id: BTreeMap<u32, Vec<[f64; 4]>> = BTreeMap::new();
    for (_, object) in &objects {
        let row = [object.x_m, object.y_m, object.vx_mps, f64::from(u8::from(object.is_new))];
        by_id.entry(object.id).or_default().push(row);
    }
    assert_eq!(raw.values().map(Vec::len).sum::<usize>(), 10_100);
    for (id, rows) in &by_id {
        for (found, expected) in rows.iter().zip(&raw[id]) {
            for part in 0..4 {
                assert!((found[part] - expected[part]).abs() < 1e-6, "{id:#X}: {found:?} is not {expected:?}");
            }
        }
        assert_eq!(rows.len(), raw[id].len());
    }
    let lists = drive.messages.iter().filter(|(_, _, message)| matches!(message, Message::ObjectList(_))).count();
    assert!((1_150..=1_250).contains(&lists), "{lists} lists in a minute at 20 Hz");
    let unique = drive.messages.iter().all(|(_, _, message)| match message {
        Message::ObjectList(list) => {
            list.objects.iter().map(|object| object.id).collect::<BTreeSet<_>>().len() == list.objects.len()
        }
        _ => true,
    });
    assert!(unique, "a list has two objects of one number");
}

#[test]
fn cruise_is_active_and_the_brake_is_never_pressed() {
    let Some(drive) = imported("cruise_is_active_and_the_brake_is_never_pressed") else { return };
    let cruise = drive.values(0, 466, &["CRUISE_ACTIVE"]);
    assert_eq!((cruise.iter().filter(|value| value[0] == 1.0).count(), cruise.len()), (1_606, 1_890));
    assert!(drive.values(0, 548, &["BRAKE_PRESSED"]).iter().all(|value| value[0] == 0.0));
}

#[test]
fn gnss_imu_and_pose_agree_with_each_other() {
    let Some(drive) = imported("gnss_imu_and_pose_agree_with_each_other") else { return };
    let (mut fixes, mut poses, mut upright) = (Vec::new(), Vec::new(), Vec::new());
    for (t, _, message) in &drive.messages {
        match message {
            Message::LocationFix(fix) => fixes.push((*t, fix.clone())),
            Message::PoseInFrame(pose) => poses.push((*t, pose.pose.unwrap())),
            Message::Imu(imu) => upright.push(imu.linear_acceleration_mps2[2]),
            _ => {}
        }
    }
    assert_eq!((fixes.len(), poses.len(), upright.len()), (579, 1_200, 6_256));
    let seconds = fixes[0].1.timestamp.unwrap();
    assert_eq!((seconds.seconds, seconds.nanos), (1_533_226_488, 299_000_000), "live_gnss counts milliseconds");
    let mean = upright.iter().sum::<f64>() / upright.len() as f64;
    assert!((9.3..10.2).contains(&mean), "gravity is on +z: {mean}");
    // The pose's forward axis is the direction of travel, and its up axis points away from the Earth.
    for pair in poses.windows(21).step_by(100) {
        let place = |index: usize| pair[index].1.position.unwrap();
        let (a, b) = (place(0), place(20));
        let moved = [b.x - a.x, b.y - a.y, b.z - a.z];
        let q = pair[10].1.orientation.unwrap();
        let forward =
            [1.0 - 2.0 * (q.y * q.y + q.z * q.z), 2.0 * (q.x * q.y + q.w * q.z), 2.0 * (q.x * q.z - q.w * q.y)];
        let up = [2.0 * (q.x * q.z + q.w * q.y), 2.0 * (q.y * q.z - q.w * q.x), 1.0 - 2.0 * (q.x * q.x + q.y * q.y)];
        let dot = |u: [f64; 3], v: [f64; 3]| u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
        let length = dot(moved, moved).sqrt();
        assert!(dot(forward, moved) / length > 0.99, "forward {forward:?} moved {moved:?}");
        let radius = (a.x * a.x + a.y * a.y + a.z * a.z).sqrt();
        assert!(dot(up, [a.x, a.y, a.z]) / radius > 0.98);
    }
}

#[test]
fn a_damaged_segment_says_which_array_and_leaves_nothing() {
    let Some(data) = data("a_damaged_segment_says_which_array_and_leaves_nothing") else { return };
    let folder = tempfile::tempdir().unwrap();
    let segment = folder.path().join("segment");
    let raw = segment.join("processed_log/CAN/raw_can");
    std::fs::create_dir_all(&raw).unwrap();
    let out = folder.path().join("drive.mcap");
    let source = data.join("comma2k19-example1/processed_log/CAN/raw_can");
    for name in ["t", "src", "address", "data"] {
        std::fs::write(raw.join(name), std::fs::read(source.join(name)).unwrap()).unwrap();
    }
    // Without everything that may be absent it still imports, and says what is missing.
    let summary = import(&segment, &[], &out, &mut |_| {}).unwrap();
    assert_eq!(summary.message_count(), 135_468);
    for part in ["no radar", "no accelerometer", "no reference poses", "no GNSS time"] {
        assert!(summary.warnings.iter().any(|warning| warning.contains(part)), "{part}: {:?}", summary.warnings);
    }
    std::fs::remove_file(&out).unwrap();
    let whole = std::fs::read(source.join("address")).unwrap();
    std::fs::write(raw.join("address"), &whole[..whole.len() / 2]).unwrap();
    let error = import(&segment, &[], &out, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("raw_can/address") && error.contains("cut short"), "{error}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["segment"]);
    assert!(import(folder.path(), &[], &out, &mut |_| {}).unwrap_err().to_string().contains("not a comma2k19 segment"));
}
