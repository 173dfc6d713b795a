use mcap::McapError;

/// Why a recording could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// The file is damaged or not what it claims to be.
    #[error("{file}: {place}: {reason}")]
    Damaged {
        /// The file's name.
        file: String,
        /// Where: `byte 1234` or the part of the file.
        place: String,
        /// What was expected and found, and what to do.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("{file}: input or output failed")]
    Io {
        /// The file's name.
        file: String,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The MCAP writer refused.
    #[error("writing the recording failed")]
    Write(#[source] McapError),
    /// A topic was declared twice with different kinds.
    #[error("topic {0} was already declared with another schema")]
    Topic(String),
}

impl ClipError {
    pub(crate) fn damaged(file: &str, place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), place: place.into(), reason: reason.into() }
    }

    pub(crate) fn io(file: &str, source: std::io::Error) -> Self {
        Self::Io { file: file.to_owned(), source }
    }

    /// What the MCAP crate found while reading `place`.
    pub(crate) fn mcap(file: &str, place: &str, error: McapError) -> Self {
        match error {
            McapError::Io(source) => Self::io(file, source),
            McapError::BadMagic => Self::damaged(
                file,
                place,
                "expected the MCAP magic bytes at both ends; this is another format, or the file was cut short \
                 (copy it again, or rescue what is left with `mcap recover`)",
            ),
            other => Self::damaged(file, place, other.to_string()),
        }
    }
}
