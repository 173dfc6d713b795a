//! Replay: a clip or a drive recording, read by byte range from disk or object storage, becomes a Rerun recording.
//!
//! Read first: [`replay`], [`Source`] and [`ReplaySummary`]. What each stream becomes:
//!
//! | topic | in the recording |
//! | --- | --- |
//! | `/camera/<name>` | the same entity: H.264 video, from a key frame on |
//! | `/radar/<name>/objects` | `/vehicle/radar/<name>/objects/{boxes,points,velocity}`, in the vehicle frame of ISO 8855 |
//! | `/gnss/fix`, or `/pose` when there is none | `/map/trajectory`, `/map/position`, `/map/events` |
//! | `/vss/<A.B>` | `/vss/A/B`: a line with name and unit; booleans and enumerations also as a lane of states |
//! | `/events`, or the manifest's triggers | `/events/<rule>`: text log, and a lane while the rule held |
//! | `/can/<bus>` | `/can/<bus>/rate` and `/can/<bus>/identifiers`: frame rates and a table, not the frames |
//! | `/gnss/velocity`, `/imu` | lines |
//!
//! Timelines: `time` is seconds since the clip's (or drive's) start, `utc` exists when the clock relation is known.
//!
//! ```
//! use std::io::Cursor;
//! use cloverleaf_clip::{RecordingInfo, RecordingWriter};
//! use cloverleaf_replay::{ReplayOptions, Sink, Source, replay};
//! use cloverleaf_signals::messages::{Kind, Message, SignalSample};
//! use cloverleaf_vocabulary::{BootId, BootTime, VehicleId};
//!
//! let folder = std::env::temp_dir().join(format!("replay-example-{}", std::process::id()));
//! std::fs::create_dir_all(&folder)?;
//! let info = RecordingInfo::new(VehicleId::new("car-1")?, BootId::new("boot-1")?, "example 1.0");
//! let mut writer = RecordingWriter::new(Cursor::new(Vec::new()), info)?;
//! let speed = writer.channel("/vss/Vehicle.Speed", Kind::SignalSample)?;
//! let sample = Message::SignalSample(SignalSample { value: 88.0 });
//! writer.write(speed, BootTime::from_nanos(5), &sample.encode())?;
//! std::fs::write(folder.join("drive.mcap"), writer.finish()?.into_inner())?;
//!
//! let source = Source::File(folder.join("drive.mcap"));
//! let sink = Sink::RrdFile(folder.join("drive.rrd"));
//! let summary = replay(&source, &ReplayOptions::default(), &sink, &mut |_| ())?;
//! assert_eq!(summary.rows["/vss/Vehicle/Speed"], 1);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: memory scales with a chunk of the clip and with the number of streams, not with the file. Raw CAN frames
//! are summarised. Cameras have no known calibration, so video stands beside the 3D view and not in it.

mod blueprint;
mod error;
mod layers;
mod output;
mod ranged;
mod replay;
mod source;

pub use error::ReplayError;
pub use output::{TIMELINE, UTC_TIMELINE};
pub use ranged::{ObjectReader, ReadCount};
pub use replay::{LeftOut, Progress, ReplayOptions, ReplaySummary, Sink, replay};
pub use source::Source;
