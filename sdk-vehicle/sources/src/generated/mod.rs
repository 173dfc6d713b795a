//! Generated drives: a motorway, the traffic on it, and a car whose sensors record it.
//!
//! The world ([`world`]) moves at 100 Hz by physical models; a director gives orders that make things happen; the truth
//! is found in the motion ([`truth`]); sensors see the world with noise. Equal options give equal bytes.

mod acts;
mod buses;
mod camera;
mod canvas;
mod director;
mod following;
mod inertial;
mod own;
mod pilot;
mod radar;
mod road;
mod take;
mod traffic;
pub mod truth;
mod video;
mod world;

use std::path::{Path, PathBuf};

use cloverleaf_clip::{DBC_ATTACHMENT_PREFIX, PROFILE_ATTACHMENT, RecordingInfo};
use cloverleaf_signals::messages::{CompressedVideo, Message, proto_timestamp};
use cloverleaf_vocabulary::{BootId, BootTime, ClockOffset, IdError, TimeDelta, VehicleId};

use crate::output::{OutputError, Pending, Progress, Recorder, Summary};
use buses::{Car, POWERTRAIN_DBC, PROFILE, RADAR_DBC};
use camera::Scene;
use inertial::Inertial;
use radar::Radar;
use take::Take;
use truth::{DriveTruth, Observer};
use video::{VideoError, VideoPipeline};
use world::World;

pub use buses::checksum;

/// Longest drive, s: one shift.
pub const MOST_SECONDS: f64 = 28_800.0;
/// Boot clock when a generated drive begins: the computer has been up for a while, ns.
const START_BOOT_NS: u64 = 100_000_000_000;
/// 2026-03-02T06:00:00Z, ns: the day of seed 0. Other seeds drive on other days and at other times.
const FIRST_START_UTC_NS: i64 = 1_772_431_200_000_000_000;

/// Which drive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GenerateOptions {
    /// Everything follows from it.
    pub seed: u64,
    /// Length, s: 1 to [`MOST_SECONDS`]. From 120 s on a drive contains every kind of event.
    pub seconds: f64,
}

/// Why a drive could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Too short or too long.
    #[error("a drive of {0} s: expected 1 to 28800 seconds")]
    Seconds(f64),
    /// No rehearsal was good.
    #[error("seed {0} gives no usable drive of this length: try another seed or fewer seconds")]
    NoTake(u64),
    /// The name of the vehicle or boot.
    #[error("the drive cannot be named")]
    Name(#[from] IdError),
    /// Pictures.
    #[error("the camera stream failed")]
    Video(#[from] VideoError),
    /// Files.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The truth could not be written as JSON.
    #[error("the truth cannot be written as JSON")]
    Truth(#[from] serde_json::Error),
}

/// Where the truth of a recording lies: `FILE.mcap` has `FILE.truth.json`.
pub fn truth_path(recording: &Path) -> PathBuf {
    recording.with_extension("truth.json")
}

/// Generates a drive into `out`, with the truth beside it. Both files appear whole or not at all, the recording last.
pub fn generate(
    options: &GenerateOptions,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, GenerateError> {
    let GenerateOptions { seed, seconds } = *options;
    if !(1.0..=MOST_SECONDS).contains(&seconds) {
        return Err(GenerateError::Seconds(seconds));
    }
    let rehearse = |number: u64| progress(Progress { stage: "rehearsing", done: 0.01 * number as f64 });
    let take = Take::first_good(seed, seconds, rehearse).ok_or(GenerateError::NoTake(seed))?;
    let clock = clock_of(seed);
    let mut info = RecordingInfo::new(
        VehicleId::new(format!("gen-{seed}"))?,
        BootId::new(format!("boot-gen-{seed}"))?,
        concat!("cloverleaf-sources ", env!("CARGO_PKG_VERSION")),
    );
    info.origin = format!("generated seed={seed} seconds={seconds}");
    info.clock = Some(clock);
    let mut recorder = Recorder::create(out, info)?;
    for (bus, file, text) in [("0", "cloverleaf_pt.dbc", POWERTRAIN_DBC), ("1", "cloverleaf_radar.dbc", RADAR_DBC)] {
        recorder.attach(&format!("{DBC_ATTACHMENT_PREFIX}{bus}/{file}"), "text/x-dbc", text.as_bytes())?;
    }
    recorder.attach(PROFILE_ATTACHMENT, "application/toml", PROFILE.as_bytes())?;

    let mut recording = Recording { car: Sensors::new(seed, &take.world)?, recorder, clock };
    let truth = recording.drive(take, seed, seconds, progress)?;
    let Recording { recorder, .. } = recording;

    let truth_file = truth_path(out);
    let pending_truth = Pending::new(&truth_file);
    let mut json = serde_json::to_vec_pretty(&truth)?;
    json.push(b'\n');
    pending_truth.write(&json)?;
    let (pending, mut summary) = recorder.finish(Vec::new())?;
    pending_truth.publish()?;
    pending.publish()?;
    for event in &truth.events {
        *summary.true_events.entry(event.kind.clone()).or_default() += 1;
    }
    summary.warnings.extend(truth.not_planted.iter().map(|kind| format!("{seconds} s were too short for: {kind}")));
    summary.truth_path = Some(truth_file);
    progress(Progress { stage: "done", done: 1.0 });
    Ok(summary)
}

/// A few hundred days' worth of starts, at any minute of the day.
fn clock_of(seed: u64) -> ClockOffset {
    const MINUTE_NS: i64 = 60_000_000_000;
    let days = (seed % 300) as i64;
    let minutes = (seed.wrapping_mul(2_654_435_761) % 720) as i64;
    let start_utc_ns = FIRST_START_UTC_NS + (days * 1_440 + minutes) * MINUTE_NS;
    ClockOffset { utc_minus_boot_ns: start_utc_ns - START_BOOT_NS as i64, uncertainty_ns: 50_000 }
}

struct Sensors {
    car: Car,
    radar: Radar,
    inertial: Inertial,
    video: VideoPipeline,
    /// When the pictures under way were taken.
    picture_times: std::collections::VecDeque<BootTime>,
}

impl Sensors {
    fn new(seed: u64, world: &World) -> Result<Self, VideoError> {
        Ok(Self {
            car: Car::new(seed),
            radar: Radar::new(seed),
            inertial: Inertial::new(seed),
            video: VideoPipeline::start(world.road.clone())?,
            picture_times: std::collections::VecDeque::new(),
        })
    }
}

struct Recording {
    car: Sensors,
    recorder: Recorder,
    clock: ClockOffset,
}

impl Recording {
    fn drive(
        &mut self,
        mut take: Take,
        seed: u64,
        seconds: f64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<DriveTruth, GenerateError> {
        let mut observer = Observer::new();
        let number = take.number;
        while take.world.t_s < seconds {
            take.director.direct(&mut take.world);
            take.world.step();
            observer.observe(&take.world);
            self.record(&take.world)?;
            if take.world.steps().is_multiple_of(100) {
                progress(Progress { stage: "driving", done: (take.world.t_s / seconds).min(1.0) });
            }
        }
        while let Some(unit) = self.car.video.drain()? {
            self.write_picture(unit)?;
        }
        let truth = observer.finish(seed, seconds, START_BOOT_NS, self.clock.utc_minus_boot_ns);
        let truth = DriveTruth { take: number, ..truth };
        Ok(truth.with_plans(take.director.planted(), &take.director.not_planted()))
    }

    /// Everything the sensors say at a step.
    fn record(&mut self, world: &World) -> Result<(), GenerateError> {
        let step = world.steps();
        let at = BootTime::from_nanos(START_BOOT_NS + step * 10_000_000);
        let utc = self.clock.utc(at);
        let imu = self.car.inertial.imu(world, utc);
        self.recorder.write("/imu", at, &Message::Imu(imu))?;
        for (delay_ns, frame) in self.car.car.powertrain_frames(world) {
            self.recorder.write("/can/0", later(at, delay_ns), &Message::CanFrame(frame))?;
        }
        if step.is_multiple_of(radar::CYCLE_STEPS) {
            let tracks = self.car.radar.cycle(world);
            let mut last = at;
            for (delay_ns, frame) in self.car.car.radar_frames(&tracks) {
                last = later(at, delay_ns);
                self.recorder.write("/can/1", last, &Message::CanFrame(frame))?;
            }
            self.recorder.write("/radar/front/objects", last, &Message::ObjectList(radar::object_list(&tracks)))?;
        }
        if step.is_multiple_of(inertial::POSE_STEPS) {
            let pose = self.car.inertial.pose(world, utc);
            self.recorder.write("/pose", at, &Message::PoseInFrame(pose))?;
        }
        if step.is_multiple_of(inertial::GNSS_STEPS) {
            let (fix, velocity) = self.car.inertial.gnss(world, utc);
            self.recorder.write("/gnss/fix", at, &Message::LocationFix(fix))?;
            self.recorder.write("/gnss/velocity", at, &Message::GnssVelocity(velocity))?;
        }
        if step.is_multiple_of(camera::CYCLE_STEPS) {
            self.car.picture_times.push_back(at);
            if let Some(unit) = self.car.video.push(Scene::of(world))? {
                self.write_picture(unit)?;
            }
        }
        Ok(())
    }

    fn write_picture(&mut self, unit: Vec<u8>) -> Result<(), GenerateError> {
        let at = self.car.picture_times.pop_front().ok_or(VideoError::Gone)?;
        let picture = CompressedVideo {
            timestamp: Some(proto_timestamp(self.clock.utc(at))),
            frame_id: "camera_front".to_owned(),
            data: unit,
            format: "h264".to_owned(),
        };
        Ok(self.recorder.write("/camera/front", at, &Message::CompressedVideo(picture))?)
    }
}

fn later(at: BootTime, delay_ns: u64) -> BootTime {
    at + TimeDelta::from_nanos(i64::try_from(delay_ns).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod drive_tests;
