//! Frames in, VSS values out.

use std::collections::{BTreeSet, HashMap};

use crate::can::{CanFrame, CanId};
use crate::dbc::{Database, Message};
use crate::profile::VehicleProfile;
use crate::vss::{Catalogue, CatalogueError, PRIVATE_PREFIX, SignalId};

/// Why a decoder could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DecoderError {
    /// The profile names something that does not exist.
    #[error("profile {profile}: {vss}: {reason}")]
    Profile {
        /// The profile's name.
        profile: String,
        /// The mapping's VSS name.
        vss: String,
        /// What is missing.
        reason: String,
    },
    /// Vehicle-private signals do not fit the catalogue.
    #[error("the databases' signals cannot be added to the catalogue")]
    Catalogue(#[from] CatalogueError),
}

/// Turns frames into values of catalogue signals.
///
/// A signal the profile does not map is not decoded; its raw frame is kept by whoever records. Without a profile every
/// DBC signal becomes `Vehicle.Private.<Message>.<Signal>`.
pub struct Decoder {
    catalogue: Catalogue,
    plans: Vec<Plan>,
    per_bus: Vec<Lookup>,
    any_bus: Lookup,
}

struct Plan {
    message: Message,
    entries: Vec<Entry>,
}

struct Entry {
    id: SignalId,
    signal: usize,
    plus: Option<usize>,
    bus: Option<u8>,
    scale: f64,
    offset: f64,
    values: Vec<(f64, f64)>,
}

/// Plan index + 1 by identifier; 0 is none.
#[derive(Clone, Default)]
struct Lookup {
    standard: Vec<u16>,
    extended: HashMap<u32, u16>,
}

impl Lookup {
    fn get(&self, id: CanId) -> Option<usize> {
        let slot = match id {
            CanId::Standard(bits) => self.standard.get(usize::from(bits)).copied(),
            CanId::Extended(bits) => self.extended.get(&bits).copied(),
        };
        slot.and_then(|slot| usize::from(slot).checked_sub(1))
    }

    fn set(&mut self, id: CanId, plan: usize) {
        let slot = (plan + 1) as u16;
        match id {
            CanId::Standard(bits) => {
                self.standard.resize(0x800, 0);
                self.standard[usize::from(bits)] = slot;
            }
            CanId::Extended(bits) => {
                self.extended.insert(bits, slot);
            }
        }
    }
}

impl Decoder {
    /// Compiles databases, each for one bus or for any, and a profile over `catalogue`.
    ///
    /// Where several databases describe the same identifier of a bus the first one counts.
    pub fn new<'a>(
        databases: impl IntoIterator<Item = (Option<u8>, &'a Database)>,
        profile: Option<&VehicleProfile>,
        catalogue: &Catalogue,
    ) -> Result<Self, DecoderError> {
        let databases: Vec<(Option<u8>, &Database)> = databases.into_iter().collect();
        let catalogue = match profile {
            Some(profile) => {
                check_profile(profile, &databases, catalogue)?;
                catalogue.clone()
            }
            None => catalogue.with_private(private_names(&databases))?,
        };
        let mut decoder =
            Self { catalogue, plans: Vec::new(), per_bus: vec![Lookup::default(); 256], any_bus: Lookup::default() };
        for (bus, database) in databases {
            for message in database.messages() {
                let entries = match profile {
                    Some(profile) => mapped_entries(profile, message, &decoder.catalogue),
                    None => private_entries(message, &decoder.catalogue),
                };
                let lookup = match bus {
                    Some(bus) => &mut decoder.per_bus[usize::from(bus)],
                    None => &mut decoder.any_bus,
                };
                let full = decoder.plans.len() >= usize::from(u16::MAX) - 1;
                if !entries.is_empty() && lookup.get(message.id).is_none() && !full {
                    lookup.set(message.id, decoder.plans.len());
                    decoder.plans.push(Plan { message: message.clone(), entries });
                }
            }
        }
        Ok(decoder)
    }

    /// The catalogue the ids belong to: the given one, with private signals added when there is no profile.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Gives `emit` every mapped value of a received frame. Echoes of the logger's own frames and frames the databases
    /// do not know give none; nor does a value that is not finite.
    #[inline]
    pub fn decode(&self, frame: &CanFrame, mut emit: impl FnMut(SignalId, f64)) {
        if frame.echo {
            return;
        }
        let plan = self.per_bus[usize::from(frame.bus)].get(frame.id).or_else(|| self.any_bus.get(frame.id));
        let Some(Plan { message, entries }) = plan.map(|plan| &self.plans[plan]) else { return };
        for entry in entries {
            if entry.bus.is_some_and(|bus| bus != frame.bus) {
                continue;
            }
            let Some(mut value) = message.value(&message.signals[entry.signal], frame) else { continue };
            if let Some(plus) = entry.plus {
                let Some(more) = message.value(&message.signals[plus], frame) else { continue };
                value += more;
            }
            if !entry.values.is_empty() {
                match entry.values.iter().find(|(from, _)| *from == value) {
                    Some((_, to)) => value = *to,
                    None => continue,
                }
            }
            let value = value * entry.scale + entry.offset;
            if value.is_finite() {
                emit(entry.id, value);
            }
        }
    }
}

fn check_profile(
    profile: &VehicleProfile,
    databases: &[(Option<u8>, &Database)],
    catalogue: &Catalogue,
) -> Result<(), DecoderError> {
    for mapping in &profile.signals {
        let wrong = |reason: String| {
            Err(DecoderError::Profile { profile: profile.name.clone(), vss: mapping.vss.clone(), reason })
        };
        if catalogue.id(&mapping.vss).is_none() {
            return wrong("not in the signal catalogue".to_owned());
        }
        // A message that no database has is a vehicle variant without it; a wrong signal of a known message is an error.
        let messages = || databases.iter().flat_map(|(_, d)| d.messages()).filter(|m| m.name == mapping.message);
        let has = |name: &str| messages().next().is_none() || messages().any(|m| m.signal(name).is_some());
        if let Some(missing) =
            [Some(&mapping.signal), mapping.plus.as_ref()].into_iter().flatten().find(|name| !has(name))
        {
            return wrong(format!("message {} has no signal {missing}", mapping.message));
        }
    }
    Ok(())
}

fn mapped_entries(profile: &VehicleProfile, message: &Message, catalogue: &Catalogue) -> Vec<Entry> {
    let index = |name: &str| message.signals.iter().position(|signal| signal.name == name);
    profile
        .signals
        .iter()
        .filter(|mapping| mapping.message == message.name)
        .filter_map(|mapping| {
            let plus = match &mapping.plus {
                Some(name) => Some(index(name)?),
                None => None,
            };
            Some(Entry {
                id: catalogue.id(&mapping.vss)?,
                signal: index(&mapping.signal)?,
                plus,
                bus: mapping.bus,
                scale: mapping.scale,
                offset: mapping.offset,
                values: mapping.values.clone(),
            })
        })
        .collect()
}

fn private_name(message: &Message, signal: &str) -> String {
    format!("{PRIVATE_PREFIX}{}.{signal}", message.name)
}

fn private_names(databases: &[(Option<u8>, &Database)]) -> BTreeSet<String> {
    databases
        .iter()
        .flat_map(|(_, database)| database.messages())
        .flat_map(|message| message.signals.iter().map(|signal| private_name(message, &signal.name)))
        .collect()
}

fn private_entries(message: &Message, catalogue: &Catalogue) -> Vec<Entry> {
    let entry = |(signal, definition): (usize, &crate::dbc::Signal)| {
        let id = catalogue.id(&private_name(message, &definition.name))?;
        Some(Entry { id, signal, plus: None, bus: None, scale: 1.0, offset: 0.0, values: Vec::new() })
    };
    message.signals.iter().enumerate().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DBC: &str = "BO_ 37 STEER: 8 XXX
 SG_ ANGLE : 3|12@0- (1.5,0) [-500|500] \"deg\" XXX
 SG_ FRACTION : 39|4@0- (0.1,0) [-0.7|0.7] \"deg\" XXX

BO_ 180 SPEED: 8 XXX
 SG_ SPEED : 47|16@0+ (0.01,0) [0|250] \"m/s\" XXX
 SG_ STATE : 0|2@1+ (1,0) [0|3] \"\" XXX
";

    fn decode(decoder: &Decoder, frame: &CanFrame) -> Vec<(String, f64)> {
        let mut found = Vec::new();
        decoder.decode(frame, |id, value| {
            let name = decoder.catalogue().def(id).map(|def| def.name.clone());
            found.push((name.unwrap_or_default(), value));
        });
        found
    }

    fn speed_frame(bus: u8, state: u8) -> CanFrame {
        CanFrame::new(bus, CanId::Standard(180), &[state, 0, 0, 0, 0, 0x03, 0xE8, 0]).unwrap()
    }

    #[test]
    fn a_profile_maps_scales_adds_and_filters() {
        let database = Database::parse("t.dbc", DBC.as_bytes()).unwrap();
        let profile = VehicleProfile::parse(
            "p.toml",
            r#"
name = "t"
[[signal]]
vss = "Vehicle.Speed"
message = "SPEED"
signal = "SPEED"
scale = 3.6
bus = 0
[[signal]]
vss = "Vehicle.ADAS.CruiseControl.IsActive"
message = "SPEED"
signal = "STATE"
values = [[1, 0], [2, 1]]
[[signal]]
vss = "Vehicle.Chassis.SteeringWheel.Angle"
message = "STEER"
signal = "ANGLE"
plus = "FRACTION"
"#,
        )
        .unwrap();
        let decoder = Decoder::new([(None, &database)], Some(&profile), Catalogue::standard()).unwrap();
        let active = "Vehicle.ADAS.CruiseControl.IsActive".to_owned();
        assert_eq!(decode(&decoder, &speed_frame(0, 2)), [("Vehicle.Speed".to_owned(), 36.0), (active.clone(), 1.0)]);
        assert_eq!(decode(&decoder, &speed_frame(1, 1)), [(active, 0.0)], "the speed is taken from bus 0 only");
        assert_eq!(decode(&decoder, &speed_frame(1, 3)), [], "an unlisted value is dropped");
        let steer = CanFrame::new(0, CanId::Standard(37), &[0x00, 0x02, 0, 0, 0x30, 0, 0, 0]).unwrap();
        let angle = decode(&decoder, &steer);
        assert!((angle[0].1 - 3.3).abs() < 1e-12, "{angle:?}");
        let mut echo = speed_frame(0, 2);
        echo.echo = true;
        assert_eq!(decode(&decoder, &echo), []);
    }

    #[test]
    fn without_a_profile_everything_is_private() {
        let database = Database::parse("t.dbc", DBC.as_bytes()).unwrap();
        let decoder = Decoder::new([(Some(0), &database)], None, Catalogue::standard()).unwrap();
        let found = decode(&decoder, &speed_frame(0, 2));
        assert_eq!(found[0], ("Vehicle.Private.SPEED.SPEED".to_owned(), 10.0));
        assert_eq!(decode(&decoder, &speed_frame(1, 2)), [], "the database is for bus 0");
    }

    #[test]
    fn a_wrong_signal_is_named() {
        let database = Database::parse("t.dbc", DBC.as_bytes()).unwrap();
        let text = "name = \"t\"\n[[signal]]\nvss = \"Vehicle.Speed\"\nmessage = \"SPEED\"\nsignal = \"SPED\"\n";
        let profile = VehicleProfile::parse("p.toml", text).unwrap();
        let error = Decoder::new([(None, &database)], Some(&profile), Catalogue::standard()).err().unwrap().to_string();
        assert_eq!(error, "profile t: Vehicle.Speed: message SPEED has no signal SPED");
    }
}
