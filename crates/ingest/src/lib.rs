//! From the landing zone into the lake: every clip that arrived whole becomes rows, once.
//!
//! Read first: [`ingest`] (the run), [`Report`] (what it did), then [`decode`] (one clip's bytes to Arrow rows).
//!
//! The order of writes is what makes it safe to stop anywhere and to run twice at once: the clip's file, its rows in
//! `signals`, `objects` and `events`, its row in `clips` (now it exists), and only then the landing objects go.
//! Every insert leaves out clips its table already has (`cloverleaf_catalog::Lake::insert`).
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! use cloverleaf_catalog::Lake;
//! use cloverleaf_ingest::{Options, ingest};
//!
//! let lake = Lake::open("memory://").await?;
//! let report = ingest(&lake, &Options::default(), &mut |_| {}).await?;
//! assert_eq!(report.clips, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: a clip is held in memory whole while it is decoded, so one larger than [`Options::memory_bytes`] is left
//! where it landed and reported. Private signals of a vehicle and topics we do not know stay in the clip's file only.

pub mod decode;
mod grid;
mod landing;
mod quarantine;
mod report;
mod run;

pub use report::{Progress, Refused, Report};
pub use run::{IngestError, Options, ingest};
