//! Signal names, units and ranges: a subset of COVESA VSS 6 plus our overlay, with a dense index for hot arrays.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// Every vehicle-private signal name starts with this.
pub const PRIVATE_PREFIX: &str = "Vehicle.Private.";

/// Position of a signal in its [`Catalogue`], dense from 0, for indexing arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalId(pub u16);

impl SignalId {
    /// As an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the number of a sample means. Every sample travels as `f64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Datatype {
    /// 0 is false, anything else is true.
    Boolean,
    /// A whole number.
    Integer,
    /// A real number in the signal's unit.
    Float,
    /// Index into [`SignalDef::labels`].
    Enum,
}

/// One signal.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalDef {
    /// Full name, `Vehicle.Speed`.
    pub name: String,
    /// What the number means.
    pub datatype: Datatype,
    /// VSS unit symbol (`km/h`, `m/s^2`, `degrees`); empty where there is none.
    #[serde(default)]
    pub unit: String,
    /// Smallest plausible value, in `unit`.
    #[serde(default)]
    pub min: Option<f64>,
    /// Largest plausible value, in `unit`.
    #[serde(default)]
    pub max: Option<f64>,
    /// Labels of an enum; a sample's value is the index.
    #[serde(default)]
    pub labels: Vec<String>,
    /// One sentence.
    pub description: String,
}

impl SignalDef {
    /// The number that stands for an enum's label.
    pub fn label_value(&self, label: &str) -> Option<f64> {
        self.labels.iter().position(|known| known == label).map(|index| index as f64)
    }
}

/// Why a catalogue cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Two signals of one name.
    #[error("signal {0:?} is defined twice")]
    Duplicate(String),
    /// Not a name of the private branch, or not made of letters, digits, `_` and dots.
    #[error("private signal {0:?} is not of the form Vehicle.Private.<Message>.<Signal> (letters, digits and '_')")]
    BadPrivateName(String),
    /// More signals than an id can count.
    #[error("more than 65536 signals")]
    TooMany,
    /// An enum without labels, labels on something else, or a range upside down.
    #[error("signal {name:?}: {problem}")]
    BadDefinition {
        /// The signal.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The definition file is not what it should be.
    #[error("signal definitions: {0}")]
    Syntax(String),
}

/// All signals a vehicle may produce, by name and by dense id.
///
/// [`Catalogue::standard`] is the same for every vehicle and its names are the columns of the lake's `signals` table;
/// [`Catalogue::with_private`] appends what only one vehicle has, so a standard signal has the same id everywhere.
#[derive(Debug, Clone)]
pub struct Catalogue {
    defs: Vec<SignalDef>,
    by_name: HashMap<String, SignalId>,
}

impl Catalogue {
    /// The catalogue shared by all vehicles: VSS 6 subset, then overlay.
    pub fn standard() -> &'static Self {
        static STANDARD: LazyLock<Catalogue> = LazyLock::new(|| {
            #[expect(clippy::unwrap_used, reason = "both texts are compiled in and a test reads them")]
            Catalogue::from_toml(&[include_str!("../vss/standard.toml"), include_str!("../vss/overlay.toml")]).unwrap()
        });
        &STANDARD
    }

    /// Reads definition files (`[[signal]]` tables) in order.
    pub fn from_toml(files: &[&str]) -> Result<Self, CatalogueError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            signal: Vec<SignalDef>,
        }
        let mut catalogue = Self { defs: Vec::new(), by_name: HashMap::new() };
        for text in files {
            let file: File = toml::from_str(text).map_err(|error| CatalogueError::Syntax(error.to_string()))?;
            for def in file.signal {
                catalogue.add(def)?;
            }
        }
        Ok(catalogue)
    }

    /// This catalogue and, after it, vehicle-private signals of type float without unit, in the order given.
    pub fn with_private<N: Into<String>>(&self, names: impl IntoIterator<Item = N>) -> Result<Self, CatalogueError> {
        let mut extended = self.clone();
        for name in names {
            let name = name.into();
            if !is_private_name(&name) {
                return Err(CatalogueError::BadPrivateName(name));
            }
            let description = "Decoded from this vehicle's own bus; no standard name.".to_owned();
            extended.add(SignalDef {
                name,
                datatype: Datatype::Float,
                unit: String::new(),
                min: None,
                max: None,
                labels: Vec::new(),
                description,
            })?;
        }
        Ok(extended)
    }

    /// The id of a name.
    pub fn id(&self, name: &str) -> Option<SignalId> {
        self.by_name.get(name).copied()
    }

    /// The definition of an id of this catalogue; `None` for an id of a larger one.
    pub fn def(&self, id: SignalId) -> Option<&SignalDef> {
        self.defs.get(id.index())
    }

    /// How many signals there are; ids are below it.
    pub fn len(&self) -> usize {
        self.defs.len()
    }

    /// Whether there is no signal.
    pub fn is_empty(&self) -> bool {
        self.defs.is_empty()
    }

    /// All signals in id order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (SignalId, &SignalDef)> {
        // `add` keeps the count within u16, so the cast cannot wrap.
        self.defs.iter().enumerate().map(|(index, def)| (SignalId(index as u16), def))
    }

    fn add(&mut self, def: SignalDef) -> Result<(), CatalogueError> {
        let bad = |problem| Err(CatalogueError::BadDefinition { name: def.name.clone(), problem });
        if (def.datatype == Datatype::Enum) == def.labels.is_empty() {
            return bad("an enum, and only an enum, has labels");
        }
        if let (Some(min), Some(max)) = (def.min, def.max)
            && min > max
        {
            return bad("min is above max");
        }
        let id = SignalId(u16::try_from(self.defs.len()).map_err(|_| CatalogueError::TooMany)?);
        if self.by_name.insert(def.name.clone(), id).is_some() {
            return Err(CatalogueError::Duplicate(def.name));
        }
        self.defs.push(def);
        Ok(())
    }
}

fn is_private_name(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PRIVATE_PREFIX) else { return false };
    let mut parts = rest.split('.');
    let is_word = |part: Option<&str>| {
        part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
    };
    is_word(parts.next()) && is_word(parts.next()) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_catalogue_is_sound() {
        let catalogue = Catalogue::standard();
        assert!((60..=80).contains(&catalogue.len()), "{} signals", catalogue.len());
        for (id, def) in catalogue.iter() {
            assert_eq!(catalogue.id(&def.name), Some(id));
            assert!(def.name.split('.').all(|part| part.chars().all(|c| c.is_ascii_alphanumeric())), "{}", def.name);
            assert!(def.name.starts_with("Vehicle."), "{}", def.name);
            assert!(def.description.ends_with('.'), "{}", def.name);
        }
        let speed = catalogue.def(catalogue.id("Vehicle.Speed").unwrap()).unwrap();
        assert_eq!((speed.unit.as_str(), speed.datatype), ("km/h", Datatype::Float));
    }

    #[test]
    fn private_signals_come_after_and_keep_standard_ids() {
        let standard = Catalogue::standard();
        let own = standard.with_private(["Vehicle.Private.EPS_STATUS.LKA_STATE"]).unwrap();
        assert_eq!(own.id("Vehicle.Speed"), standard.id("Vehicle.Speed"));
        assert_eq!(own.id("Vehicle.Private.EPS_STATUS.LKA_STATE").unwrap().index(), standard.len());
    }

    #[test]
    fn bad_names_and_definitions_are_refused() {
        let standard = Catalogue::standard();
        for bad in
            ["Speed", "Vehicle.Private.A", "Vehicle.Private.A.B.C", "Vehicle.Private.A.b c", "Vehicle.Private..B"]
        {
            assert_eq!(standard.with_private([bad]).unwrap_err(), CatalogueError::BadPrivateName(bad.into()));
        }
        let twice = ["Vehicle.Private.A.B"; 2];
        assert!(matches!(standard.with_private(twice), Err(CatalogueError::Duplicate(_))));
        let many = (0..70_000).map(|n| format!("Vehicle.Private.A.S{n}"));
        assert_eq!(standard.with_private(many).unwrap_err(), CatalogueError::TooMany);
        let no_labels = "[[signal]]\nname = \"Vehicle.X\"\ndatatype = \"enum\"\ndescription = \"x\"\n";
        assert!(matches!(Catalogue::from_toml(&[no_labels]), Err(CatalogueError::BadDefinition { .. })));
        assert!(matches!(Catalogue::from_toml(&["signal = 3"]), Err(CatalogueError::Syntax(_))));
    }
}
