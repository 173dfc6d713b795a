//! The clips a vehicle has sealed and not yet handed over, safe against a crash at any instant.
//!
//! Read first: [`Spool`], then [`Place`] (a clip's position in its boot's chain).
//!
//! ```text
//! <spool>/lock                one agent at a time
//! <spool>/journal             what was sealed and what was acknowledged, one checksummed line each, appended only
//! <spool>/clips/<clip>.mcap   a clip
//! <spool>/clips/<clip>.json   its manifest, with size and SHA-256: the clip is sealed when this exists
//! <spool>/clips/*.tmp         half-written, removed at the next start
//! ```
//!
//! Every file is written under a temporary name, synced, renamed, and its directory synced; the manifest comes last.
//! The journal outlives the files: a clip once sealed is never sealed again, also when the same drive is played anew,
//! and the count and hash chain of a boot go on where they stopped.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! use cloverleaf_spool::{Spool, SpoolConfig};
//! let spool = Spool::open(&SpoolConfig { dir: dir.path().join("spool"), quota_bytes: 1 << 30 })?;
//! assert!(spool.waiting().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: when the quota is full a new clip is refused ([`SpoolError::Full`]) and nothing is thrown away. The journal
//! grows by about 250 bytes a clip and is not compacted.

mod error;
mod files;
mod journal;
mod spool;

pub use error::SpoolError;
pub use spool::{Place, Spool, SpoolConfig, Waiting};
