//! The tables' columns, as docs/tables.md describes them.

use std::fmt;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use cloverleaf_signals::vss::Catalogue;

/// A table of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row per ingested clip; a clip exists when its row is here.
    Clips,
    /// One row per firing of a rule.
    Events,
    /// One row per clip and grid instant, a column per VSS signal.
    Signals,
    /// One row per object of an object list.
    Objects,
}

impl Table {
    /// All of them, `Clips` last: the order in which an ingest writes.
    pub const WRITE_ORDER: [Self; 4] = [Self::Signals, Self::Objects, Self::Events, Self::Clips];

    /// The name in SQL and the folder under `tables/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clips => "clips",
            Self::Events => "events",
            Self::Signals => "signals",
            Self::Objects => "objects",
        }
    }

    /// The columns, in order.
    pub fn schema(self) -> SchemaRef {
        match self {
            Self::Clips => CLIPS.clone(),
            Self::Events => EVENTS.clone(),
            Self::Signals => SIGNALS.clone(),
            Self::Objects => OBJECTS.clone(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The column every table is partitioned by: the UTC day of the clip's start.
pub const PARTITION: &str = "event_day";

/// Columns of `signals` before the signals themselves.
pub const SIGNALS_KEY_COLUMNS: usize = 6;

/// UTC microseconds, the finest Delta keeps.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A list of texts; `element` is Delta's name for a list's item.
pub fn text_list() -> DataType {
    DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)))
}

static CLIPS: LazyLock<SchemaRef> = LazyLock::new(|| {
    table(vec![
        text("boot_id"),
        number("sequence"),
        instant("start_time"),
        instant("end_time"),
        number("start_boot_ns"),
        number("end_boot_ns"),
        real("duration_s"),
        Field::new("rules", text_list(), true),
        Field::new("topics", text_list(), true),
        number("message_count"),
        number("size_bytes"),
        text("sha256"),
        text("object_path"),
        text("software"),
        text("origin"),
        real("start_latitude_deg"),
        real("start_longitude_deg"),
        real("utc_uncertainty_s"),
    ])
});

static EVENTS: LazyLock<SchemaRef> = LazyLock::new(|| {
    table(vec![
        text("boot_id"),
        text("rule_id"),
        instant("start_time"),
        instant("end_time"),
        number("start_boot_ns"),
        number("end_boot_ns"),
        real("t_s"),
        real("duration_s"),
        text("message"),
    ])
});

static SIGNALS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let mut columns = vec![instant("time"), number("boot_ns"), real("t_s")];
    columns.extend(Catalogue::standard().iter().map(|(_, signal)| real(&signal.name)));
    table(columns)
});

static OBJECTS: LazyLock<SchemaRef> = LazyLock::new(|| {
    table(vec![
        instant("time"),
        number("boot_ns"),
        real("t_s"),
        text("sensor"),
        number("object_id"),
        text("class"),
        real("x_m"),
        real("y_m"),
        real("vx_mps"),
        real("vy_mps"),
        real("length_m"),
        real("width_m"),
    ])
});

/// Every table starts with the same three columns. All are nullable: a column added later is null in older files.
fn table(columns: Vec<Field>) -> SchemaRef {
    let mut all = vec![Field::new(PARTITION, DataType::Date32, true), text("clip_id"), text("vehicle_id")];
    all.extend(columns);
    Arc::new(Schema::new(all))
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

fn real(name: &str) -> Field {
    Field::new(name, DataType::Float64, true)
}

fn instant(name: &str) -> Field {
    Field::new(name, timestamp(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_hold_the_whole_catalogue_after_the_key() {
        let schema = Table::Signals.schema();
        assert_eq!(schema.fields().len(), SIGNALS_KEY_COLUMNS + Catalogue::standard().len());
        assert_eq!(schema.field(SIGNALS_KEY_COLUMNS - 1).name(), "t_s");
        for (id, signal) in Catalogue::standard().iter() {
            assert_eq!(schema.field(SIGNALS_KEY_COLUMNS + id.index()).name(), &signal.name);
        }
    }

    #[test]
    fn names_are_those_of_the_contract() {
        for (table, columns) in [(Table::Clips, 21), (Table::Events, 12), (Table::Objects, 15)] {
            assert_eq!(table.schema().fields().len(), columns, "{table}");
            assert_eq!(table.schema().field(0).name(), PARTITION);
        }
    }
}
