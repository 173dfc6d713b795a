//! Where drives come from: generated worlds, imported data sets, and recordings played again.
//!
//! Read first: [`generated::generate`] (a motorway drive from a seed, with its truth), [`comma2k19::import`] (one minute
//! of a real car) and [`recorded::Recorded`] (a recording in time order). All write or read the recordings of
//! `docs/clip-format.md`.
//!
//! ```no_run
//! use cloverleaf_sources::generated::{GenerateOptions, generate};
//!
//! let options = GenerateOptions { seed: 7, seconds: 120.0 };
//! let summary = generate(&options, "drive.mcap".as_ref(), &mut |_| {})?;
//! println!("{} messages, {:?}", summary.message_count(), summary.true_events);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: the generated road is level, dry and in daylight, with three lanes and no ramps; live sources (SocketCAN,
//! ROS) are not here yet.

mod attitude;
pub mod comma2k19;
pub mod generated;
mod output;
pub mod recorded;

pub use output::{OutputError, Progress, Summary};
