use std::path::PathBuf;

use cloverleaf_clip::ClipError;
use cloverleaf_recorder::RecorderError;
use cloverleaf_signals::dbc::DbcError;
use cloverleaf_signals::decoder::DecoderError;
use cloverleaf_signals::messages::MessageError;
use cloverleaf_signals::profile::ProfileError;
use cloverleaf_spool::SpoolError;
use cloverleaf_triggers::{EngineError, RuleFileError};
use cloverleaf_uplink::UplinkError;

use crate::CaptureSummary;

/// Why capturing stopped. Clips sealed before are safe in the spool.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// A file could not be read.
    #[error("reading {path} failed")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The configuration file is not right.
    #[error("{path}: {problem}")]
    Config {
        /// The file.
        path: PathBuf,
        /// Where and what.
        problem: String,
    },
    /// A rule file is not right.
    #[error(transparent)]
    Rules(#[from] RuleFileError),
    /// The rules do not go together.
    #[error("the rules cannot be run")]
    Engine(#[from] EngineError),
    /// A rule reaches further back than the ring.
    #[error("rule `{rule}` wants {pre_s} s before its firing, but [ring] history_s keeps {history_s} s: raise it")]
    History {
        /// The rule.
        rule: String,
        /// Its pre-roll, s.
        pre_s: f64,
        /// The ring's history, s.
        history_s: f64,
    },
    /// The drive recording is damaged.
    #[error("the drive cannot be read further; clips cut before are kept")]
    Drive(#[source] ClipError),
    /// A message of the drive is damaged.
    #[error("topic {topic} at {at_ns} ns: the drive cannot be read further; clips cut before are kept")]
    Message {
        /// The topic.
        topic: String,
        /// Boot-clock nanoseconds.
        at_ns: u64,
        /// What is wrong.
        #[source]
        source: MessageError,
    },
    /// An attached DBC is not one.
    #[error("the drive's attachment cannot be used")]
    Dbc(#[from] DbcError),
    /// An attached vehicle profile is not one.
    #[error("the drive's attachment cannot be used")]
    Profile(#[from] ProfileError),
    /// Databases and profile do not go together.
    #[error("the vehicle's signals cannot be decoded")]
    Decoder(#[from] DecoderError),
    /// A clip could not be made.
    #[error("recording failed")]
    Recorder(#[from] RecorderError),
    /// A clip could not be sealed.
    #[error("the spool failed")]
    Spool(#[from] SpoolError),
    /// The uplink could not be set up.
    #[error("the upload cannot be set up")]
    Uplink(#[from] UplinkError),
    /// The operating system refused a thread or a timer.
    #[error("starting the uploader failed")]
    Start(#[source] std::io::Error),
    /// The drive went through, but clips could not be handed over.
    #[error("{waiting} sealed clip(s) were not uploaded and stay in {spool}; the next run sends them")]
    Upload {
        /// How many.
        waiting: usize,
        /// The spool.
        spool: PathBuf,
        /// What was achieved all the same.
        summary: Box<CaptureSummary>,
        /// The last failure.
        #[source]
        source: Box<UploadError>,
    },
}

/// Why clips were not handed over.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The store.
    #[error(transparent)]
    Uplink(#[from] UplinkError),
    /// The spool could not note that a clip has arrived. It will be sent again, which does no harm.
    #[error("noting an upload failed")]
    Spool(#[from] SpoolError),
    /// The uploader stopped without a word.
    #[error("the uploader ended unexpectedly")]
    Lost,
}
