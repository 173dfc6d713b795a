//! A short drive with every kind of stream, its video encoded for real.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests they serve")]
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs::File;
use std::path::Path;

use cloverleaf_clip::{Manifest, RecordingInfo, RecordingWriter, Trigger};
use cloverleaf_signals::can::{CanFrame, CanId};
use cloverleaf_signals::messages::{
    CompressedVideo, GnssVelocity, Imu, Kind, LocationFix, Message, Object, ObjectClass, ObjectList, SignalSample,
};
use cloverleaf_vocabulary::{BootId, BootTime, ClipId, ClockOffset, LocalFrame, RuleId, TimeDelta, VehicleId, Wgs84};
use openh264::OpenH264API;
use openh264::encoder::{BitRate, Encoder, EncoderConfig, FrameRate, IntraFramePeriod};
use openh264::formats::YUVBuffer;

pub const SECONDS: u64 = 12;
pub const START: BootTime = BootTime::from_nanos(100_000_000_000);
/// Camera frames a second, and between two key frames.
pub const CAMERA_HZ: u64 = 10;
pub const KEY_FRAME_EVERY: u64 = 20;
const WIDTH: usize = 640;
const HEIGHT: usize = 352;

/// What to leave out of a drive.
#[derive(Default, Clone, Copy)]
pub struct Without {
    pub video: bool,
    pub gnss: bool,
    pub manifest: bool,
    pub clock: bool,
}

/// Writes the drive.
pub fn write_drive(path: &Path, without: Without) {
    let mut info =
        RecordingInfo::new(VehicleId::new("test-car").unwrap(), BootId::new("boot-1").unwrap(), "replay tests");
    if !without.clock {
        info.clock = Some(ClockOffset { utc_minus_boot_ns: 1_790_000_000_000_000_000, uncertainty_ns: 1_000_000 });
    }
    info.origin = "made by the tests of cloverleaf-replay".into();
    let mut writer = RecordingWriter::new(File::create(path).unwrap(), info.clone()).unwrap();
    let mut messages = messages(without);
    messages.sort_by_key(|(nanos, ..)| *nanos);
    for (nanos, topic, message) in &messages {
        let channel = writer.channel(topic, message.kind()).unwrap();
        writer.write(channel, START + TimeDelta::from_nanos(*nanos as i64), &message.encode()).unwrap();
    }
    let foreign = writer.foreign_channel("/lidar/points", ("acme.Points", "protobuf", b""), "protobuf").unwrap();
    writer.write(foreign, START, &[1, 2, 3]).unwrap();
    if !without.manifest {
        writer.write_manifest(&manifest(&info)).unwrap();
    }
    writer.finish().unwrap();
}

fn manifest(info: &RecordingInfo) -> Manifest {
    Manifest {
        format: 1,
        clip: ClipId::new("clip-0123456789abcdef").unwrap(),
        vehicle: info.vehicle.clone(),
        boot: info.boot.clone(),
        sequence: 0,
        previous_sha256: String::new(),
        start_ns: START,
        end_ns: START + TimeDelta::from_millis(SECONDS as i64 * 1000),
        clock: info.clock,
        triggers: vec![Trigger {
            rule: RuleId::new("hard-brake").unwrap(),
            at_ns: START + TimeDelta::from_millis(7_000),
            until_ns: START + TimeDelta::from_millis(8_500),
            message: "braking at 6.2 m/s2".into(),
        }],
        streams: Vec::new(),
        software: info.software.clone(),
        origin: info.origin.clone(),
        size_bytes: None,
        sha256: None,
    }
}

fn messages(without: Without) -> Vec<(u64, String, Message)> {
    let mut all = Vec::new();
    let mut every = |hz: u64, offset: u64, topic: &str, make: &mut dyn FnMut(u64, f64) -> Message| {
        for index in 0..SECONDS * hz {
            let nanos = index * 1_000_000_000 / hz + offset;
            all.push((nanos, topic.to_owned(), make(index, nanos as f64 / 1e9)));
        }
    };
    let signal = |value: f64| Message::SignalSample(SignalSample { value });
    let speed_kmh = |t: f64| if t < 7.0 { 108.0 } else { (108.0 - (t - 7.0) * 20.0).max(78.0) };
    let lead_m = |t: f64| 45.0 - 1.5 * t;
    every(50, 1, "/vss/Vehicle.Speed", &mut |_, t| signal(speed_kmh(t)));
    every(50, 2, "/vss/Vehicle.Acceleration.Longitudinal", &mut |_, t| {
        signal(if (7.0..8.5).contains(&t) { -5.6 } else { 0.1 * t.sin() })
    });
    every(10, 3, "/vss/Vehicle.ADAS.CruiseControl.IsActive", &mut |_, t| signal(f64::from(t < 7.0)));
    every(10, 4, "/vss/Vehicle.ADAS.CruiseControl.SpeedSet", &mut |_, _| signal(110.0));
    every(20, 5, "/vss/Vehicle.ADAS.Lead.Distance", &mut |_, t| signal(lead_m(t)));
    every(20, 6, "/vss/Vehicle.ADAS.Lead.TimeGap", &mut |_, t| signal(lead_m(t) / speed_kmh(t) * 3.6));
    // A division by zero of somebody else's: every fifth sample is infinite.
    every(20, 7, "/vss/Vehicle.ADAS.Lead.TimeToCollision", &mut |index, t| {
        signal(if index % 5 == 0 { f64::INFINITY } else { lead_m(t) / 1.5 })
    });
    every(50, 8, "/vss/Vehicle.Chassis.SteeringWheel.Angle", &mut |_, t| signal(4.0 * (t / 2.0).sin()));
    every(20, 9, "/radar/front/objects", &mut |index, t| {
        let sized = Object {
            id: 1,
            x_m: lead_m(t),
            y_m: 0.2,
            vx_mps: -1.5,
            length_m: 4.6,
            width_m: 1.85,
            class: ObjectClass::Car.into(),
            is_new: index == 0,
            ..Object::default()
        };
        let point = Object { id: 2, x_m: 70.0 - t, y_m: -3.6, vx_mps: 2.0, ..Object::default() };
        let broken = Object { id: 3, x_m: f64::NAN, ..Object::default() };
        let objects = if index == 0 { vec![sized, point, broken] } else { vec![sized, point] };
        Message::ObjectList(ObjectList { objects })
    });
    let frame = LocalFrame::at(Wgs84 { latitude_deg: 48.7, longitude_deg: 9.1, altitude_m: 400.0 });
    let way = |t: f64| frame.place_from_enu([30.0 * t, 4.0 * t + 0.5 * t * t, 0.0]);
    if without.gnss {
        every(20, 10, "/pose", &mut |_, t| {
            let place = way(t).to_ecef();
            let position = cloverleaf_signals::messages::Vector3 { x: place.x_m, y: place.y_m, z: place.z_m };
            let pose = cloverleaf_signals::messages::Pose { position: Some(position), orientation: None };
            Message::PoseInFrame(cloverleaf_signals::messages::PoseInFrame {
                frame_id: "ecef".into(),
                pose: Some(pose),
                timestamp: None,
            })
        });
    } else {
        every(10, 11, "/gnss/fix", &mut |_, t| {
            let place = way(t);
            Message::LocationFix(LocationFix {
                latitude: place.latitude_deg,
                longitude: place.longitude_deg,
                altitude: place.altitude_m,
                ..LocationFix::default()
            })
        });
        every(10, 12, "/gnss/velocity", &mut |_, t| {
            Message::GnssVelocity(GnssVelocity { speed_mps: speed_kmh(t) / 3.6, course_deg: 80.0, utc_ns: 0 })
        });
    }
    every(100, 13, "/imu", &mut |_, t| {
        Message::Imu(Imu { linear_acceleration_mps2: [0.1 * t.sin(), 0.0, 9.81], ..Imu::default() })
    });
    every(500, 14, "/can/0", &mut |index, _| {
        let id = CanId::Standard(0x100 + (index % 4) as u16);
        let mut frame = CanFrame::new(0, id, &index.to_be_bytes()).unwrap();
        frame.echo = index % 10 == 0;
        Message::CanFrame(frame)
    });
    if !without.video {
        let frames = video();
        every(CAMERA_HZ, 15, "/camera/front", &mut |index, _| {
            Message::CompressedVideo(CompressedVideo {
                frame_id: "front".into(),
                format: "h264".into(),
                data: frames[index as usize].clone(),
                ..CompressedVideo::default()
            })
        });
    }
    assert!(all.iter().all(|(_, _, message)| message.kind() != Kind::TriggerEvent));
    all
}

/// Access units of a road seen from a car, with enough noise to be as large as those of a camera.
fn video() -> Vec<Vec<u8>> {
    let config = EncoderConfig::new()
        .bitrate(BitRate::from_bps(5_000_000))
        .max_frame_rate(FrameRate::from_hz(CAMERA_HZ as f32))
        .intra_frame_period(IntraFramePeriod::from_num_frames(KEY_FRAME_EVERY as u32))
        .scene_change_detect(false)
        .skip_frames(false);
    let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config).unwrap();
    let mut noise = 1_u32;
    (0..SECONDS * CAMERA_HZ)
        .map(|index| {
            let mut yuv = vec![128_u8; WIDTH * HEIGHT * 3 / 2];
            for y in 0..HEIGHT {
                for x in 0..WIDTH {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let horizon = HEIGHT / 2;
                    let base = if y < horizon { 190 } else { 70 };
                    let half = y.saturating_sub(horizon) / 2 + 2;
                    let is_line = y > horizon
                        && x.abs_diff(WIDTH / 2).abs_diff(half) < 3
                        && (4000 / (y - horizon) + 3 * index as usize) % 20 < 10;
                    yuv[y * WIDTH + x] = if is_line { 235 } else { base + (noise >> 28) as u8 };
                }
            }
            let picture = YUVBuffer::from_vec(yuv, WIDTH, HEIGHT);
            encoder.encode(&picture).unwrap().to_vec()
        })
        .collect()
}
