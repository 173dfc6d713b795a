//! Recordings and clips: plain MCAP files with one profile (docs/clip-format.md).
//!
//! Read first: [`RecordingWriter`], [`RecordingReader`] and [`Manifest`]. A drive recording and a clip differ only in
//! that a clip carries a manifest.
//!
//! ```
//! use std::io::Cursor;
//! use cloverleaf_clip::{RecordingInfo, RecordingReader, RecordingWriter, Selection};
//! use cloverleaf_signals::messages::{Kind, Message, SignalSample};
//! use cloverleaf_vocabulary::{BootId, BootTime, VehicleId};
//!
//! let info = RecordingInfo::new(VehicleId::new("car-1")?, BootId::new("boot-1")?, "example 1.0");
//! let mut writer = RecordingWriter::new(Cursor::new(Vec::new()), info)?;
//! let speed = writer.channel("/vss/Vehicle.Speed", Kind::SignalSample)?;
//! let sample = Message::SignalSample(SignalSample { value: 88.0 });
//! writer.write(speed, BootTime::from_nanos(5), &sample.encode())?;
//! let file = writer.finish()?.into_inner();
//!
//! let mut reader = RecordingReader::open("example.mcap", Cursor::new(file))?;
//! for message in reader.messages(&Selection::default()) {
//!     assert_eq!(message?.time.as_nanos(), 5);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: memory scales with a chunk, never with the file; a chunk may declare at most [`MAX_CHUNK_BYTES`]. Files
//! without a chunk index (unfinished or unchunked MCAP) are refused with advice.

mod error;
mod info;
mod manifest;
mod reader;
mod writer;

pub use error::ClipError;
pub use info::RecordingInfo;
pub use manifest::{FORMAT, LandingPaths, Manifest, Stream, Trigger, derive_clip_id, sha256_hex};
pub use reader::{Attachment, Channel, MAX_CHUNK_BYTES, Messages, RecordedMessage, RecordingReader, Selection};
pub use writer::{ChannelId, RecordingWriter};

/// MCAP header profile of our files.
pub const PROFILE: &str = "cloverleaf";
/// Attachment that carries the vehicle profile.
pub const PROFILE_ATTACHMENT: &str = "profile.toml";
/// Attachments that carry DBC files start with this, followed by `<bus or "any">/<file name>`.
pub const DBC_ATTACHMENT_PREFIX: &str = "dbc/";
