//! The agent's configuration file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use cloverleaf_recorder::RecorderConfig;
use cloverleaf_signals::vss::Catalogue;
use cloverleaf_spool::SpoolConfig;
use cloverleaf_triggers::Rule;
use cloverleaf_uplink::RetryPolicy;
use cloverleaf_vocabulary::{TimeDelta, VehicleId};
use serde::Deserialize;

use crate::error::CaptureError;
use crate::pipeline::check_rules;

/// The rules that ship with the product.
pub const DEFAULT_RULES: &str = include_str!("../../rules/loop.toml");

/// A rule file: its name, for messages, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// Name in messages.
    pub name: String,
    /// Content.
    pub text: String,
}

impl Default for RuleText {
    fn default() -> Self {
        Self { name: "loop.toml (built in)".to_owned(), text: DEFAULT_RULES.to_owned() }
    }
}

/// How a drive is captured.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptureConfig {
    /// Vehicle id in place of the recording's.
    pub vehicle: Option<VehicleId>,
    /// What to keep.
    pub rules: RuleText,
    /// Budgets of the rings. `longest_pre_roll` is taken from the rules.
    pub ring: RecorderConfig,
    /// Where clips wait.
    pub spool: SpoolConfig,
    /// The lake they go to.
    pub upload_url: String,
    /// How often it is tried.
    pub retry: RetryPolicy,
}

impl CaptureConfig {
    /// The usual settings with a spool and a lake.
    pub fn new(spool_dir: impl Into<PathBuf>, upload_url: impl Into<String>) -> Self {
        Self {
            vehicle: None,
            rules: RuleText::default(),
            ring: RecorderConfig::default(),
            spool: SpoolConfig { dir: spool_dir.into(), quota_bytes: DEFAULT_QUOTA_MIB << 20 },
            upload_url: upload_url.into(),
            retry: RetryPolicy::default(),
        }
    }

    /// The rules, read against the signals that all vehicles share.
    ///
    /// # Errors
    /// A rule that is not right, or that reaches further back than the ring.
    pub fn rules(&self) -> Result<Vec<Rule>, CaptureError> {
        check_rules(&self.rules, &self.ring, Catalogue::standard())
    }
}

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as it goes.
    Max,
    /// This many times as fast as it was recorded.
    RealTime(f64),
}

impl FromStr for Pace {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            _ if text == "max" => Ok(Self::Max),
            Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(Self::RealTime(factor)),
            _ => Err(format!("speed {text:?}: expected \"max\" or a number above 0 (1 is real time)")),
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::RealTime(factor) => write!(f, "{factor}"),
        }
    }
}

/// What an `agent.toml` says. Relative paths are relative to the file.
///
/// ```toml
/// drive = "drive.mcap"        # recording to play; --drive goes before it
/// speed = "max"               # or a factor, 1 is real time
/// vehicle = "car-7"           # in place of the recording's vehicle id
/// rules = "rules.toml"        # in place of the built-in rules
///
/// [spool]
/// dir = "spool"               # required
/// quota_mib = 4096            # clips waiting for upload; a new one is refused beyond
///
/// [upload]
/// url = "lake"                # required: folder, file:///folder or s3://bucket/prefix (AWS_* in the environment)
/// attempts = 5                # for one clip, waiting longer and longer in between
/// first_wait_s = 0.5
/// longest_wait_s = 20.0
///
/// [ring]
/// history_s = 30.0            # past kept for pre-roll, at least the longest pre_s of the rules
/// longest_clip_s = 60.0       # overlapping windows are merged up to this
/// stream_mib = 64             # of one stream
/// total_mib = 256             # of all streams
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AgentConfig {
    /// How to capture.
    pub capture: CaptureConfig,
    /// Recording to play.
    pub drive: Option<PathBuf>,
    /// How fast.
    pub pace: Pace,
}

impl AgentConfig {
    /// Reads a file and the rule file it names, and checks both.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key, a value out of range (with its line), a rule that is not right.
    pub fn read(path: &Path) -> Result<Self, CaptureError> {
        let config = Self::parse(path, &read_text(path)?)?;
        config.capture.rules()?;
        Ok(config)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, CaptureError> {
        let wrong = |problem: String| CaptureError::Config { path: path.to_owned(), problem };
        let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let dir = path.parent().unwrap_or(Path::new(""));
        let out_of_range = |key: &str, value: f64, range: &str| wrong(format!("{key} = {value}: expected {range}"));
        let seconds = |key: &str, value: f64| {
            if (0.001..=3600.0).contains(&value) { Ok(value) } else { Err(out_of_range(key, value, "0.001 to 3600 s")) }
        };
        let mib = |key: &str, value: u64| {
            // Far more than any disk or memory, and small enough to count in bytes.
            let in_range = (1..=1 << 30).contains(&value);
            if in_range { Ok(value << 20) } else { Err(out_of_range(key, value as f64, "1 to 1073741824 MiB")) }
        };
        let rules = match &file.rules {
            Some(rules) => {
                let rules = dir.join(rules);
                RuleText { name: rules.display().to_string(), text: read_text(&rules)? }
            }
            None => RuleText::default(),
        };
        let pace = match file.speed {
            None => Pace::Max,
            Some(Speed::Text(text)) => text.parse().map_err(wrong)?,
            Some(Speed::Factor(factor)) => factor.to_string().parse().map_err(wrong)?,
        };
        let (upload, ring) = (&file.upload, &file.ring);
        let url = &upload.url;
        let upload_url = if url.contains("://") { url.clone() } else { dir.join(url).display().to_string() };
        if !(1..=1000).contains(&upload.attempts) {
            return Err(out_of_range("upload.attempts", upload.attempts.into(), "1 to 1000"));
        }
        let bytes = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Ok(Self {
            capture: CaptureConfig {
                vehicle: file.vehicle,
                rules,
                ring: RecorderConfig {
                    history: TimeDelta::from_secs_f64(seconds("ring.history_s", ring.history_s)?),
                    longest_clip: TimeDelta::from_secs_f64(seconds("ring.longest_clip_s", ring.longest_clip_s)?),
                    stream_bytes: bytes(mib("ring.stream_mib", ring.stream_mib)?),
                    total_bytes: bytes(mib("ring.total_mib", ring.total_mib)?),
                    ..RecorderConfig::default()
                },
                spool: SpoolConfig {
                    dir: dir.join(file.spool.dir),
                    quota_bytes: mib("spool.quota_mib", file.spool.quota_mib)?,
                },
                upload_url,
                retry: RetryPolicy {
                    attempts: upload.attempts,
                    first_wait: Duration::from_secs_f64(seconds("upload.first_wait_s", upload.first_wait_s)?),
                    longest_wait: Duration::from_secs_f64(seconds("upload.longest_wait_s", upload.longest_wait_s)?),
                },
            },
            drive: file.drive.map(|drive| dir.join(drive)),
            pace,
        })
    }
}

const DEFAULT_QUOTA_MIB: u64 = 4096;

fn read_text(path: &Path) -> Result<String, CaptureError> {
    std::fs::read_to_string(path).map_err(|source| CaptureError::Read { path: path.to_owned(), source })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    vehicle: Option<VehicleId>,
    drive: Option<PathBuf>,
    speed: Option<Speed>,
    rules: Option<PathBuf>,
    spool: SpoolTable,
    upload: UploadTable,
    #[serde(default)]
    ring: RingTable,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected \"max\" or a number above 0")]
enum Speed {
    Factor(f64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpoolTable {
    dir: PathBuf,
    #[serde(default = "default_quota_mib")]
    quota_mib: u64,
}

fn default_quota_mib() -> u64 {
    DEFAULT_QUOTA_MIB
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UploadTable {
    url: String,
    #[serde(default = "default_attempts")]
    attempts: u32,
    #[serde(default = "default_first_wait_s")]
    first_wait_s: f64,
    #[serde(default = "default_longest_wait_s")]
    longest_wait_s: f64,
}

fn default_attempts() -> u32 {
    RetryPolicy::default().attempts
}

fn default_first_wait_s() -> f64 {
    RetryPolicy::default().first_wait.as_secs_f64()
}

fn default_longest_wait_s() -> f64 {
    RetryPolicy::default().longest_wait.as_secs_f64()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RingTable {
    history_s: f64,
    longest_clip_s: f64,
    stream_mib: u64,
    total_mib: u64,
}

impl Default for RingTable {
    fn default() -> Self {
        let config = RecorderConfig::default();
        Self {
            history_s: config.history.as_secs_f64(),
            longest_clip_s: config.longest_clip.as_secs_f64(),
            stream_mib: (config.stream_bytes >> 20) as u64,
            total_mib: (config.total_bytes >> 20) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<AgentConfig, CaptureError> {
        AgentConfig::parse(Path::new("/etc/cloverleaf/agent.toml"), text)
    }

    #[test]
    fn paths_are_relative_to_the_file_and_defaults_fill_in() {
        let config = parse("[spool]\ndir = \"spool\"\n[upload]\nurl = \"../lake\"\n").unwrap();
        let usual = CaptureConfig::new("/etc/cloverleaf/spool", "/etc/cloverleaf/../lake");
        assert_eq!(config, AgentConfig { capture: usual, drive: None, pace: Pace::Max });
        let text = "drive = \"/d.mcap\"\nspeed = 2\n[spool]\ndir = \"/s\"\n[upload]\nurl = \"s3://b/p\"\n[ring]\nstream_mib = 1\n";
        let config = parse(text).unwrap();
        assert_eq!((config.drive, config.pace), (Some("/d.mcap".into()), Pace::RealTime(2.0)));
        assert_eq!((config.capture.upload_url.as_str(), config.capture.ring.stream_bytes), ("s3://b/p", 1 << 20));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = "[spool]\ndir = \"s\"\n[upload]\nurl = \"u\"\n";
        let cases = [
            (format!("{good}ulr = 1\n"), "line 5"),
            (format!("speed = \"fast\"\n{good}"), "expected \"max\" or a number above 0"),
            (format!("speed = -1\n{good}"), "expected \"max\" or a number above 0"),
            (format!("{good}attempts = 0\n"), "upload.attempts = 0: expected 1 to 1000"),
            (format!("{good}[ring]\nhistory_s = nan\n"), "ring.history_s = NaN"),
            (format!("{good}[ring]\nstream_mib = 0\n"), "ring.stream_mib = 0: expected 1"),
            (format!("vehicle = \"a/b\"\n{good}"), "a/b"),
            ("[spool]\ndir = \"s\"\n".to_owned(), "upload"),
        ];
        for (text, expected) in cases {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.starts_with("/etc/cloverleaf/agent.toml: ") && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_built_in_rules_are_sound() {
        assert!(!CaptureConfig::new("spool", "lake").rules().unwrap().is_empty());
    }
}
