use std::path::PathBuf;

use cloverleaf_clip::ClipError;

/// Why a recording cannot be replayed. The output file is never left half-written.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Nothing is there.
    #[error("{name}: there is no such clip; check the name, or list the clips with `cloverleaf search`")]
    Missing {
        /// The file or object.
        name: String,
    },
    /// The name is not that of a recording.
    #[error("{name}: {problem}")]
    NotARecording {
        /// The file or object.
        name: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The file or store does not answer.
    #[error("{name}: cannot be opened")]
    Open {
        /// The file or object.
        name: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The recording is damaged or reading it failed.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// The selection makes no sense for this recording.
    #[error("{name}: {problem}")]
    Selection {
        /// The file or object.
        name: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The output is not named `.rrd`.
    #[error("{}: the output must be named *.rrd, which is how Rerun knows its recordings", .0.display())]
    OutputName(PathBuf),
    /// The output cannot be created or renamed into place.
    #[error("{}: cannot be written", path.display())]
    Output {
        /// The output file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The Rerun recording cannot be encoded or written.
    #[error("{}: writing the Rerun recording failed", path.display())]
    Encode {
        /// The output file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
