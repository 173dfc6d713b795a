//! A small drive, an agent to play it with, and a look at what arrived.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(dead_code, reason = "each test program uses a part of this")]

use std::collections::BTreeMap;
use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cloverleaf_clip::{Manifest, RecordingInfo, RecordingReader, RecordingWriter, Selection, sha256_hex};
use cloverleaf_signals::can::{CanFrame, CanId};
use cloverleaf_signals::messages::{CompressedVideo, Kind, Message};
use cloverleaf_vocabulary::{BootId, BootTime, ClockOffset, Draw, VehicleId};

const DBC: &str = "BO_ 180 MOTION: 8 XXX
 SG_ SPEED : 7|16@0+ (0.01,0) [0|250] \"km/h\" XXX
 SG_ ACC : 23|16@0- (0.001,0) [-20|20] \"m/s2\" XXX
";

const PROFILE: &str = "name = \"test\"
[[signal]]
vss = \"Vehicle.Speed\"
message = \"MOTION\"
signal = \"SPEED\"
[[signal]]
vss = \"Vehicle.Acceleration.Longitudinal\"
message = \"MOTION\"
signal = \"ACC\"
";

pub const RULES: &str = r#"
[[rule]]
id = "hard-brake"
description = "Deceleration above 5 m/s2"
when = "Vehicle.Acceleration.Longitudinal < -5.0"
pre_s = 4.0
post_s = 2.0
cooldown_s = 1.0
source = "test"
"#;

/// Seconds between two hard brakes of the drive.
pub const BRAKE_EVERY_S: u64 = 20;

/// A drive of `seconds` with CAN at 50 Hz, a frame that no DBC knows, and noise that looks like video. It brakes hard for
/// a second at 10 s and every 20 s after that; the video is larger in every third of these stretches, so that some clips
/// go up in parts.
pub fn write_drive(path: &Path, seconds: u64) {
    let mut info = RecordingInfo::new(VehicleId::new("car-1").unwrap(), BootId::new("boot-1").unwrap(), "test 1");
    info.clock = Some(ClockOffset { utc_minus_boot_ns: 1_700_000_000_000_000_000, uncertainty_ns: 1_000 });
    info.origin = "agent test".into();
    let output = BufWriter::new(fs::File::create(path).unwrap());
    let mut writer = RecordingWriter::new(output, info).unwrap();
    writer.attach("dbc/any/test.dbc", "text/x-dbc", DBC.as_bytes()).unwrap();
    writer.attach("profile.toml", "application/toml", PROFILE.as_bytes()).unwrap();
    let can = writer.channel("/can/0", Kind::CanFrame).unwrap();
    let video = writer.channel("/camera/front", Kind::CompressedVideo).unwrap();
    for tick in 0..seconds * 50 {
        let time = BootTime::from_nanos(1_000_000_000 + tick * 20_000_000);
        let is_braking = (tick / 50) % BRAKE_EVERY_S == BRAKE_EVERY_S / 2;
        let [s0, s1] = 9_000u16.to_be_bytes();
        let [a0, a1] = (if is_braking { -7_000i16 } else { 100 }).to_be_bytes();
        let frame = CanFrame::new(0, CanId::Standard(180), &[s0, s1, a0, a1, 0, 0, 0, 0]).unwrap();
        writer.write(can, time, &Message::CanFrame(frame).encode()).unwrap();
        let unknown = CanFrame::new(0, CanId::Standard(0x700), &[tick as u8]).unwrap();
        writer.write(can, time, &Message::CanFrame(unknown).encode()).unwrap();
        if tick % 5 == 0 {
            let is_large = (tick / 50 / BRAKE_EVERY_S) % 3 == 2;
            let mut data = vec![0, 0, 0, 1, if tick % 50 == 0 { 0x65 } else { 0x41 }];
            let mut noise = Draw::new(tick, 0, 0);
            data.extend((0..if is_large { 20_000 } else { 1_000 }).flat_map(|_| noise.bits().to_le_bytes()));
            let frame = CompressedVideo { data, format: "h264".into(), ..CompressedVideo::default() };
            writer.write(video, time, &Message::CompressedVideo(frame).encode()).unwrap();
        }
    }
    use std::io::Write as _;
    writer.finish().unwrap().flush().unwrap();
}

/// A folder with a configuration: spool and lake below it.
pub struct Car {
    pub dir: PathBuf,
}

impl Car {
    pub fn new(dir: &Path, name: &str) -> Self {
        let car = Self { dir: dir.join(name) };
        fs::create_dir_all(&car.dir).unwrap();
        fs::write(car.dir.join("rules.toml"), RULES).unwrap();
        car.configure("");
        car
    }

    /// Writes the configuration, with `more` at its top.
    pub fn configure(&self, more: &str) {
        self.configure_upload(more, "url = \"lake\"");
    }

    pub fn configure_upload(&self, more: &str, upload: &str) {
        let text = format!(
            "rules = \"rules.toml\"\n{more}\n[spool]\ndir = \"spool\"\n[upload]\n{upload}\nattempts = 2\nfirst_wait_s = 0.01\n"
        );
        fs::write(self.dir.join("agent.toml"), text).unwrap();
    }

    pub fn command(&self, drive: Option<&Path>, speed: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloverleaf-agent"));
        command.args(["run", "--json", "--config"]).arg(self.dir.join("agent.toml")).args(["--speed", speed]);
        if let Some(drive) = drive {
            command.arg("--drive").arg(drive);
        }
        command
    }

    pub fn run(&self, drive: Option<&Path>) -> Ran {
        Ran(self.command(drive, "max").output().unwrap())
    }

    pub fn lake(&self) -> PathBuf {
        self.dir.join("lake")
    }

    /// Names of the clips' files in the spool.
    pub fn spooled(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.dir.join("spool/clips"))
            .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        names.sort();
        names
    }
}

/// A finished run.
pub struct Ran(pub Output);

impl Ran {
    pub fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// A number of the JSON summary.
    pub fn count(&self, key: &str) -> u64 {
        let text = String::from_utf8_lossy(&self.0.stdout).into_owned();
        let value = text.split_once(&format!("\"{key}\":")).map(|(_, rest)| rest);
        let value = value.unwrap_or_else(|| panic!("no {key} in {text:?}; {}", self.errors()));
        value.split([',', '}']).next().unwrap().parse().unwrap()
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{}", self.errors());
        self
    }
}

/// All files below a folder, by relative name, with their hashes.
pub fn contents(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, sha256_hex(&fs::read(path).unwrap()));
            }
        }
    }
    found
}

/// Every clip that has arrived is whole, readable and in its boot's chain; gives how many there are.
pub fn check_arrived(lake: &Path) -> usize {
    let mut manifests: Vec<(Manifest, PathBuf)> = Vec::new();
    for name in contents(lake).keys().filter(|name| name.ends_with(".json")) {
        let path = lake.join(name);
        let manifest = Manifest::from_json(name, &fs::read(&path).unwrap()).unwrap();
        manifests.push((manifest, path.with_extension("mcap")));
    }
    manifests.sort_by_key(|(manifest, _)| manifest.sequence);
    let mut previous = String::new();
    for (index, (manifest, data)) in manifests.iter().enumerate() {
        let bytes = fs::read(data).unwrap();
        assert_eq!(manifest.sequence, index as u64);
        assert_eq!(manifest.previous_sha256, previous);
        previous = sha256_hex(&bytes);
        assert_eq!(manifest.sha256.as_ref(), Some(&previous));
        assert_eq!(manifest.size_bytes, Some(bytes.len() as u64));
        let mut reader = RecordingReader::open("clip", std::io::Cursor::new(bytes)).unwrap();
        let counted: u64 = reader.manifest().unwrap().streams.iter().map(|stream| stream.messages).sum();
        let read = reader.messages(&Selection::default()).map(Result::unwrap).count();
        assert_eq!(read as u64, counted);
    }
    manifests.len()
}
