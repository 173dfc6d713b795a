//! Identifiers from one registry, each its own type. All are short printable names safe in paths, URLs and SQL.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{kind} {text:?} is not valid: expected 1 to 128 characters of letters, digits, '-', '_' and '.', not starting with '.'"
)]
pub struct IdError {
    kind: &'static str,
    text: String,
}

fn is_valid(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                if is_valid(&text) { Ok(Self(text)) } else { Err(IdError { kind: stringify!($name), text }) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

id!(
    /// A vehicle, by the name its fleet knows it under (a pseudonym, never the VIN).
    VehicleId
);
id!(
    /// One run of a vehicle computer from power-up to power-down.
    BootId
);
id!(
    /// A clip. The same window of the same boot always has the same id, however often it is cut.
    ClipId
);
id!(
    /// A trigger rule.
    RuleId
);
id!(
    /// A scenario of a library.
    ScenarioId
);
id!(
    /// One execution of a scenario.
    RunId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_quotes_are_refused() {
        for bad in ["", "..", ".hidden", "a/b", "a b", "it's", "x\n", &"x".repeat(129)] {
            assert!(VehicleId::new(bad).is_err(), "{bad:?} was accepted");
        }
        for good in ["a", "car-7", "2026.11_x", &"x".repeat(128)] {
            assert!(VehicleId::new(good).is_ok(), "{good:?} was refused");
        }
    }
}
