//! What an ingest did, at the end and along the way.

use std::collections::BTreeMap;

use cloverleaf_catalog::Table;
use serde::Serialize;

/// What one run of [`crate::ingest`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Clips that exist now and did not before.
    pub clips: u64,
    /// Their files, bytes.
    pub bytes: u64,
    /// Rows added, by table name.
    pub rows: BTreeMap<&'static str, u64>,
    /// Landed clips the lake had already; their landing objects were removed.
    pub duplicates: u64,
    /// Landed clips that were left in place.
    pub skipped: Vec<Refused>,
    /// Landed clips that are damaged and lie in `quarantine/` now.
    pub quarantined: Vec<Refused>,
    /// Samples and object fields that were not finite numbers; their cells are null.
    pub not_finite: u64,
    /// Topics under `/vss/` whose signal the catalogue does not know, with their messages; they stay in the clip.
    pub unknown_signals: BTreeMap<String, u64>,
}

/// A landed clip that was not ingested, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its manifest in `landing/`.
    pub path: String,
    /// What was expected, what was found, what to do.
    pub reason: String,
}

/// Something happened during an ingest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress<'a> {
    /// A clip was read, checked and decoded; its rows are not committed yet.
    Decoded {
        /// The clip.
        clip: &'a str,
        /// Its file, bytes.
        bytes: u64,
    },
    /// A group of clips exists now.
    Committed {
        /// How many are new.
        clips: u64,
    },
    /// A landed clip was moved to `quarantine/`.
    Quarantined(&'a Refused),
}

impl Report {
    pub(crate) fn add_rows(&mut self, table: Table, rows: u64) {
        *self.rows.entry(table.name()).or_default() += rows;
    }
}
