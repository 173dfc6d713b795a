use std::io;
use std::path::{Path, PathBuf};

use cloverleaf_clip::ClipError;
use cloverleaf_vocabulary::ClipId;

/// Why the spool could not do something. Clips already sealed are never affected.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process has the spool.
    #[error("spool {0} is in use by another agent: stop that one, or give this one a spool of its own")]
    Locked(PathBuf),
    /// The file system refused.
    #[error("{action} {path} failed{hint}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What to do.
        hint: &'static str,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// No room within the quota.
    #[error(
        "the spool holds {held_bytes} bytes of its quota of {quota_bytes} and has no room for {clip} ({size_bytes} \
         bytes): let it upload, or raise the quota"
    )]
    Full {
        /// The clip refused.
        clip: ClipId,
        /// Its size.
        size_bytes: u64,
        /// What is there.
        held_bytes: u64,
        /// What may be there.
        quota_bytes: u64,
    },
    /// The journal is damaged before its end, which a crash cannot do.
    #[error(
        "{path}: line {line} (byte {offset}) is damaged: {reason}; the disk may be failing. Move the spool away and \
         keep it: the clips in it can still be uploaded by hand"
    )]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Line from 1.
        line: usize,
        /// Byte from 0.
        offset: usize,
        /// What is wrong.
        reason: String,
    },
    /// A manifest in the spool cannot be read.
    #[error("a sealed clip's manifest is damaged")]
    Manifest(#[from] ClipError),
    /// A clip's file is not what its manifest says.
    #[error("{path}: expected {expected} bytes as its manifest says, found {found}: the sealed clip is damaged")]
    Size {
        /// The clip's file.
        path: PathBuf,
        /// Bytes the manifest states.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The clip given does not continue its boot's chain.
    #[error("clip {clip} has sequence {found} where {expected} follows, or another predecessor")]
    Chain {
        /// The clip.
        clip: ClipId,
        /// The sequence that follows.
        expected: u64,
        /// The sequence given.
        found: u64,
    },
    /// The clip is not waiting.
    #[error("clip {0} is not in the spool")]
    Unknown(ClipId),
}

impl SpoolError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let hint = match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    ": the disk is full; what was sealed before is safe, free some space and run again"
                }
                io::ErrorKind::ReadOnlyFilesystem => ": the file system is read-only",
                io::ErrorKind::PermissionDenied => ": this user may not write there",
                io::ErrorKind::NotADirectory => ": a part of the path is a file",
                _ => "",
            };
            Self::Io { action, path: path.to_owned(), hint, source }
        }
    }
}
