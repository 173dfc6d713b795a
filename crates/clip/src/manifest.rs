//! What a clip says about itself, inside its file and beside it.

use std::collections::BTreeMap;

use cloverleaf_vocabulary::{BootId, BootTime, ClipId, ClockOffset, RuleId, VehicleId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{ClipError, RecordingInfo};

/// Version of the manifest's layout.
pub const FORMAT: u32 = 1;
pub(crate) const METADATA_NAME: &str = "cloverleaf.clip";
const METADATA_KEY: &str = "manifest";

/// A clip's manifest (docs/clip-format.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Layout version, [`FORMAT`].
    pub format: u32,
    /// The clip.
    pub clip: ClipId,
    /// Its vehicle.
    pub vehicle: VehicleId,
    /// Its boot.
    pub boot: BootId,
    /// Counts clips of a boot from 0.
    pub sequence: u64,
    /// SHA-256 of the boot's previous clip in hexadecimal; empty for the first.
    pub previous_sha256: String,
    /// Begin of the window.
    pub start_ns: BootTime,
    /// End of the window.
    pub end_ns: BootTime,
    /// Boot clock to UTC, when known.
    pub clock: Option<ClockOffset>,
    /// What fired, in order of time.
    pub triggers: Vec<Trigger>,
    /// What the clip holds, in order of topic.
    pub streams: Vec<Stream>,
    /// What cut it.
    pub software: String,
    /// Where the data came from.
    pub origin: String,
    /// Size of the whole file; only in the manifest beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// SHA-256 of the whole file in hexadecimal; only in the manifest beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// One firing of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The rule.
    pub rule: RuleId,
    /// When its condition came true.
    pub at_ns: BootTime,
    /// When it last held.
    pub until_ns: BootTime,
    /// What the rule's author wants read beside it.
    #[serde(default)]
    pub message: String,
}

/// One topic of a clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Topic.
    pub topic: String,
    /// Schema name.
    pub schema: String,
    /// Messages in the clip.
    pub messages: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// The ring had already dropped part of the window.
    pub cut_short: bool,
}

/// Where a clip lands in object storage, relative to the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandingPaths {
    /// The clip, uploaded first.
    pub data: String,
    /// Its manifest, uploaded second: the clip has arrived when this exists.
    pub manifest: String,
}

/// The id of the clip of one window: the same window of the same boot, cut for the same rules, is the same clip.
pub fn derive_clip_id<'a>(
    vehicle: &VehicleId,
    boot: &BootId,
    start: BootTime,
    rules: impl IntoIterator<Item = &'a RuleId>,
) -> Result<ClipId, cloverleaf_vocabulary::IdError> {
    let mut rules: Vec<&str> = rules.into_iter().map(RuleId::as_str).collect();
    rules.sort_unstable();
    rules.dedup();
    let key = format!("{vehicle}\n{boot}\n{}\n{}", start.as_nanos(), rules.join("\n"));
    ClipId::new(format!("clip-{}", &sha256_hex(key.as_bytes())[..16]))
}

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Manifest {
    /// Whose recording the clip is part of.
    pub fn recording_info(&self) -> RecordingInfo {
        RecordingInfo {
            vehicle: self.vehicle.clone(),
            boot: self.boot.clone(),
            clock: self.clock,
            software: self.software.clone(),
            origin: self.origin.clone(),
        }
    }

    /// Where the clip lands.
    pub fn landing_paths(&self) -> LandingPaths {
        let stem = format!("landing/{}/{}/{:08}-{}", self.vehicle, self.boot, self.sequence, self.clip);
        LandingPaths { data: format!("{stem}.mcap"), manifest: format!("{stem}.json") }
    }

    /// JSON as it travels beside the clip.
    pub fn to_json(&self) -> String {
        match serde_json::to_string_pretty(self) {
            Ok(json) => json,
            Err(error) => unreachable!("a manifest has only text keys: {error}"),
        }
    }

    /// Reads the JSON beside a clip; `file` names it in errors.
    pub fn from_json(file: &str, json: &[u8]) -> Result<Self, ClipError> {
        let manifest: Self = serde_json::from_slice(json).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            ClipError::damaged(file, place, format!("not a clip manifest: {error}"))
        })?;
        if manifest.format != FORMAT {
            let reason = format!("manifest format {}: this software reads format {FORMAT}", manifest.format);
            return Err(ClipError::damaged(file, "format", reason));
        }
        if manifest.end_ns < manifest.start_ns {
            return Err(ClipError::damaged(file, "end_ns", "the clip ends before it starts"));
        }
        Ok(manifest)
    }

    pub(crate) fn to_metadata(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(METADATA_KEY.to_owned(), self.to_json())])
    }

    pub(crate) fn from_metadata(file: &str, map: &BTreeMap<String, String>) -> Result<Self, ClipError> {
        let json = map.get(METADATA_KEY).ok_or_else(|| {
            ClipError::damaged(file, format!("metadata {METADATA_NAME}"), format!("key {METADATA_KEY:?} is missing"))
        })?;
        Self::from_json(file, json.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_the_window_and_not_on_rule_order() {
        let vehicle = VehicleId::new("v").unwrap();
        let boot = BootId::new("b").unwrap();
        let (cut_in, brake) = (RuleId::new("cut-in").unwrap(), RuleId::new("hard-brake").unwrap());
        let id = |start, rules: &[&RuleId]| {
            derive_clip_id(&vehicle, &boot, BootTime::from_nanos(start), rules.iter().copied()).unwrap()
        };
        assert_eq!(id(5, &[&cut_in, &brake]), id(5, &[&brake, &cut_in, &brake]));
        assert_ne!(id(5, &[&cut_in]), id(5, &[&brake]));
        assert_ne!(id(5, &[&cut_in]), id(6, &[&cut_in]));
    }

    #[test]
    fn a_foreign_json_is_named_with_its_place() {
        let error = Manifest::from_json("x.json", b"{\n \"format\": 1,\n \"clip\": \"a/b\"}").unwrap_err().to_string();
        assert!(error.starts_with("x.json: line 3"), "{error}");
        assert!(error.contains("a/b"), "{error}");
    }
}
