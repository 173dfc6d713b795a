use std::collections::BTreeMap;

use cloverleaf_vocabulary::{BootId, ClockOffset, VehicleId};

use crate::ClipError;

pub(crate) const METADATA_NAME: &str = "cloverleaf.recording";

/// Whose recording this is and how its clock relates to UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingInfo {
    /// Vehicle.
    pub vehicle: VehicleId,
    /// Boot whose clock orders the messages.
    pub boot: BootId,
    /// Relation of that clock to UTC, when known.
    pub clock: Option<ClockOffset>,
    /// What wrote the file.
    pub software: String,
    /// Where the data came from, with its licence when third-party.
    pub origin: String,
}

impl RecordingInfo {
    /// A recording with unknown UTC and no stated origin.
    pub fn new(vehicle: VehicleId, boot: BootId, software: impl Into<String>) -> Self {
        Self { vehicle, boot, clock: None, software: software.into(), origin: String::new() }
    }

    pub(crate) fn to_metadata(&self) -> BTreeMap<String, String> {
        let mut map = BTreeMap::from([
            ("vehicle".to_owned(), self.vehicle.to_string()),
            ("boot".to_owned(), self.boot.to_string()),
            ("software".to_owned(), self.software.clone()),
            ("origin".to_owned(), self.origin.clone()),
        ]);
        if let Some(clock) = self.clock {
            map.insert("utc_minus_boot_ns".to_owned(), clock.utc_minus_boot_ns.to_string());
            map.insert("utc_uncertainty_ns".to_owned(), clock.uncertainty_ns.to_string());
        }
        map
    }

    pub(crate) fn from_metadata(file: &str, map: &BTreeMap<String, String>) -> Result<Self, ClipError> {
        let place = format!("metadata {METADATA_NAME}");
        let get = |key: &str| {
            map.get(key).ok_or_else(|| ClipError::damaged(file, &*place, format!("key {key:?} is missing")))
        };
        let wrong = |key: &str, why: String| ClipError::damaged(file, &*place, format!("key {key:?}: {why}"));
        let number = |key: &str| -> Result<Option<i64>, ClipError> {
            map.get(key)
                .map(|text| text.parse().map_err(|_| wrong(key, format!("expected whole nanoseconds, found {text:?}"))))
                .transpose()
        };
        Ok(Self {
            vehicle: get("vehicle")?.parse().map_err(|error| wrong("vehicle", format!("{error}")))?,
            boot: get("boot")?.parse().map_err(|error| wrong("boot", format!("{error}")))?,
            clock: number("utc_minus_boot_ns")?
                .map(|utc_minus_boot_ns| {
                    let uncertainty_ns = number("utc_uncertainty_ns")?.unwrap_or(0);
                    Ok::<_, ClipError>(ClockOffset { utc_minus_boot_ns, uncertainty_ns })
                })
                .transpose()?,
            software: map.get("software").cloned().unwrap_or_default(),
            origin: map.get("origin").cloned().unwrap_or_default(),
        })
    }
}
