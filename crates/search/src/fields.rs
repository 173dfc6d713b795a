//! The names an expression may use besides signals.

use cloverleaf_signals::vss::Catalogue;
use cloverleaf_triggers::{Scope, Symbol, Type, Unit};

/// A field of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// As written in an expression.
    pub name: &'static str,
    /// The column of `clips` behind it.
    pub column: &'static str,
    /// What it means, for help texts.
    pub meaning: &'static str,
    pub(crate) holds: Holds,
}

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    /// A list of texts that is compared like one text: some element must match.
    AnyText,
    /// A list of texts, right of `in`.
    TextList,
    Number(&'static str),
    /// Compared with a date.
    Day,
    /// Compared with a timestamp; the moment's own time where signals are searched.
    Time,
}

/// Every field.
pub const FIELDS: [Field; 16] = [
    field("clip", "clip_id", Holds::Text, "the clip's id"),
    field("vehicle", "vehicle_id", Holds::Text, "the vehicle's id"),
    field("boot", "boot_id", Holds::Text, "the boot's id"),
    field("rule", "rules", Holds::AnyText, "a rule that fired in the clip"),
    field("event", "rules", Holds::AnyText, "the same as rule"),
    field("rules", "rules", Holds::TextList, "all of them: \"cut-in\" in rules"),
    field("topic", "topics", Holds::AnyText, "a topic of the clip"),
    field("topics", "topics", Holds::TextList, "all of them"),
    field("day", "event_day", Holds::Day, "UTC day of the clip's start: day >= \"2026-11-20\""),
    field(
        "time",
        "start_time",
        Holds::Time,
        "UTC of the moment, or of the clip's start: time > \"2026-11-20T08:00:00Z\"",
    ),
    field("duration", "duration_s", Holds::Number("s"), "the clip's length: duration > 10s"),
    field("latitude", "start_latitude_deg", Holds::Number("degrees"), "where the clip starts, WGS 84"),
    field("longitude", "start_longitude_deg", Holds::Number("degrees"), "where the clip starts, WGS 84"),
    field("size", "size_bytes", Holds::Number(""), "the clip's file, bytes"),
    field("software", "software", Holds::Text, "what cut the clip"),
    field("origin", "origin", Holds::Text, "where the data came from"),
];

const fn field(name: &'static str, column: &'static str, holds: Holds, meaning: &'static str) -> Field {
    Field { name, column, meaning, holds }
}

/// The fields, then the signals of the standard catalogue.
pub(crate) struct SearchScope;

impl SearchScope {
    pub fn field(name: &str) -> Option<&'static Field> {
        FIELDS.iter().find(|field| field.name == name)
    }
}

impl Scope for SearchScope {
    fn resolve(&self, name: &str) -> Option<Symbol> {
        let Some(field) = Self::field(name) else { return Catalogue::standard().resolve(name) };
        Some(Symbol::column(match field.holds {
            Holds::Text | Holds::AnyText => Type::Text,
            Holds::TextList => Type::List(Box::new(Type::Text)),
            Holds::Number(unit) => Type::Number(Unit::new(unit)),
            Holds::Day | Holds::Time => Type::Timestamp,
        }))
    }

    fn names(&self) -> Vec<String> {
        FIELDS.iter().map(|field| field.name.to_owned()).chain(Catalogue::standard().names()).collect()
    }
}
