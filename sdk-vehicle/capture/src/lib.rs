//! Everything a vehicle does with its data, from the bus to the object store.
//!
//! Read first: [`run_drive`] plays a recording through all of it; [`Capture`] is the same for a source of one's own;
//! [`AgentConfig`] is the configuration file. One message's way: decoded into signals ([`Pipeline`]), rules evaluated,
//! kept in rings, cut to clips, sealed in the spool, uploaded.
//!
//! ```no_run
//! use cloverleaf_capture::{AgentConfig, Pace, run_drive};
//! # struct SystemClock;
//! # impl cloverleaf_vocabulary::Clock for SystemClock {
//! #     fn boot_time(&self) -> cloverleaf_vocabulary::BootTime { Default::default() }
//! #     fn utc(&self) -> cloverleaf_vocabulary::Timestamp { Default::default() }
//! # }
//! let config = AgentConfig::read("agent.toml".as_ref())?;
//! let summary = run_drive(&config.capture, Some("drive.mcap".as_ref()), Pace::Max, &SystemClock, &mut |_| {})?;
//! println!("{} clips sealed, {} uploaded", summary.clips_sealed, summary.clips_uploaded);
//! # Ok::<(), cloverleaf_capture::CaptureError>(())
//! ```
//!
//! Signals come from the CAN buses by DBC and profile; what the buses do not say, from `/vss/...` samples, the IMU and
//! GNSS; acceleration, if nothing measures it, from the slope of speed; the lead vehicle from the first object list.
//!
//! Limits: a recording's own `/events` are left out, the clip carries those of our rules. Video, poses and unknown topics
//! are recorded and not looked into.

mod capture;
mod config;
mod derived;
mod drive;
mod error;
mod pipeline;
mod signals;
mod uploader;

pub use capture::{Capture, Captured};
pub use cloverleaf_uplink::redact;
pub use config::{AgentConfig, CaptureConfig, DEFAULT_RULES, Pace, RuleText};
pub use drive::{CaptureSummary, Progress, run_drive};
pub use error::{CaptureError, UploadError};
pub use pipeline::{Pipeline, StreamKey};
