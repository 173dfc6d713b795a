//! Vehicle profiles: which DBC signal of a vehicle is which VSS signal.
//!
//! ```toml
//! name = "example"
//! requires = ["ENGINE_DATA"]        # messages that must be in the databases for the profile to be chosen by itself
//!
//! [[signal]]
//! vss = "Vehicle.Speed"
//! message = "ENGINE_DATA"
//! signal = "SPEED"
//! bus = 0                           # optional: only frames of this bus
//! scale = 3.6                       # optional: VSS value = (DBC value + plus) * scale + offset
//! offset = 0.0
//! plus = "SPEED_FRACTION"           # optional: a second signal of the message, added first
//! values = [[1, 0], [2, 1]]         # optional: DBC value to VSS value, anything else is dropped
//! ```

use serde::Deserialize;

use crate::dbc::Database;

/// A vehicle profile.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleProfile {
    /// Name.
    pub name: String,
    /// Messages that must all exist for the profile to be chosen by itself.
    #[serde(default)]
    pub requires: Vec<String>,
    /// The mapping.
    #[serde(rename = "signal", default)]
    pub signals: Vec<Mapping>,
}

/// Where one VSS signal comes from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Name in the catalogue.
    pub vss: String,
    /// DBC message.
    pub message: String,
    /// DBC signal.
    pub signal: String,
    /// Only frames of this bus.
    #[serde(default)]
    pub bus: Option<u8>,
    /// A second signal of the message, added before scaling.
    #[serde(default)]
    pub plus: Option<String>,
    /// Factor from the DBC's unit to the catalogue's.
    #[serde(default = "one")]
    pub scale: f64,
    /// Added after scaling.
    #[serde(default)]
    pub offset: f64,
    /// DBC value to VSS value; a value that is not listed is dropped.
    #[serde(default)]
    pub values: Vec<(f64, f64)>,
}

fn one() -> f64 {
    1.0
}

/// A profile that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: not a valid vehicle profile: {reason}")]
pub struct ProfileError {
    /// The file's name.
    pub file: String,
    /// Line, column and what was expected.
    pub reason: String,
}

/// Profiles that ship with the product, most specific first.
const BUILT_IN: [(&str, &str); 1] = [("toyota.toml", include_str!("../profiles/toyota.toml"))];

impl VehicleProfile {
    /// Reads a profile; `file` names it in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        let wrong = |reason: String| ProfileError { file: file.to_owned(), reason };
        let profile: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        for mapping in &profile.signals {
            if !(mapping.scale.is_finite() && mapping.offset.is_finite() && mapping.scale != 0.0) {
                return Err(wrong(format!("{}: scale and offset must be finite and scale not 0", mapping.vss)));
            }
        }
        Ok(profile)
    }

    /// The shipped profile whose required messages are all in the databases.
    pub fn detect<'a>(databases: impl IntoIterator<Item = &'a Database> + Clone) -> Option<Self> {
        BUILT_IN.iter().filter_map(|(file, text)| Self::parse(file, text).ok()).find(|profile| {
            profile.requires.iter().all(|name| {
                databases.clone().into_iter().any(|database| database.messages().iter().any(|m| &m.name == name))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vss::Catalogue;

    #[test]
    fn shipped_profiles_parse_and_name_known_signals() {
        for (file, text) in BUILT_IN {
            let profile = VehicleProfile::parse(file, text).unwrap();
            assert!(!profile.requires.is_empty(), "{file} would match every vehicle");
            for mapping in &profile.signals {
                assert!(Catalogue::standard().id(&mapping.vss).is_some(), "{file}: {}", mapping.vss);
            }
        }
    }

    #[test]
    fn a_typo_is_named_with_its_line() {
        let error =
            VehicleProfile::parse("car.toml", "name = \"x\"\n[[signal]]\nvsss = \"Vehicle.Speed\"\n").unwrap_err();
        assert!(error.to_string().contains("line 3"), "{error}");
    }
}
