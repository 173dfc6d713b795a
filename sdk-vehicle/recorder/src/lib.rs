//! Keeps the recent past of every stream in encoded form and cuts clips out of it.
//!
//! Read first: [`Recorder`] (streams and messages in), [`Window`] (what to keep), [`Clip`] (what comes out). Windows
//! that overlap become one clip, and a clip is due once no later window can reach into it.
//!
//! ```
//! use cloverleaf_clip::{RecordingInfo, RecordingReader, Trigger};
//! use cloverleaf_recorder::{Link, Recorder, RecorderConfig, Window};
//! use cloverleaf_signals::messages::{Kind, Message, SignalSample};
//! use cloverleaf_vocabulary::{BootId, BootTime, RuleId, VehicleId};
//!
//! let info = RecordingInfo::new(VehicleId::new("car-1")?, BootId::new("boot-1")?, "example 1.0");
//! let mut recorder = Recorder::new(info, RecorderConfig::default());
//! let speed = recorder.stream("/vss/Vehicle.Speed", Kind::SignalSample.into());
//! let seconds = |s: u64| BootTime::from_nanos(s * 1_000_000_000);
//! for second in 0..60 {
//!     let sample = Message::SignalSample(SignalSample { value: second as f64 });
//!     recorder.push(speed, seconds(second), second as u32, &sample.encode())?;
//!     if second == 20 {
//!         let trigger = Trigger { rule: RuleId::new("demo")?, at_ns: seconds(20), until_ns: seconds(20), message: String::new() };
//!         recorder.capture(Window { trigger, start: seconds(15), end: seconds(25), is_open: false, topics: Vec::new() });
//!     }
//! }
//! let cut = recorder.due().ok_or("a clip is due")?;
//! let clip = recorder.encode(&cut, &Link::default())?;
//! recorder.release(&cut);
//! assert_eq!((clip.manifest.start_ns, clip.manifest.end_ns), (seconds(15), seconds(25)));
//! assert_eq!(clip.manifest.streams[1].messages, 11);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: no IO and no clock; time is the latest message's. The same calls give the same bytes. Memory is the rings'
//! budgets plus, while one is encoded, the clip itself.

mod recorder;
mod ring;
mod video;
mod windows;

pub use recorder::{Clip, Link, Recorder, RecorderConfig, RecorderError, StreamId, StreamSchema};
pub use video::is_h264_key_frame;
pub use windows::{Cut, Window};
