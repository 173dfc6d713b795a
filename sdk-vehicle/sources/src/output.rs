//! Recordings that appear whole or not at all, and what was written to them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use cloverleaf_clip::{ChannelId, ClipError, RecordingInfo, RecordingWriter};
use cloverleaf_signals::messages::{Kind, Message};
use cloverleaf_vocabulary::BootTime;

/// What a source wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The recording.
    pub path: PathBuf,
    /// Its size, bytes.
    pub size_bytes: u64,
    /// First and last instant of any message.
    pub span: Option<(BootTime, BootTime)>,
    /// Messages by topic.
    pub topics: BTreeMap<String, u64>,
    /// What was left out or doubtful, each a sentence for the user.
    pub warnings: Vec<String>,
    /// The truth file beside a generated drive.
    pub truth_path: Option<PathBuf>,
    /// Events in it, by kind.
    pub true_events: BTreeMap<String, u64>,
}

impl Summary {
    /// Messages of all topics.
    pub fn message_count(&self) -> u64 {
        self.topics.values().sum()
    }
}

/// Where long work stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is being done, for the user.
    pub stage: &'static str,
    /// Share done, 0 to 1.
    pub done: f64,
}

/// Why a recording could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file system refused.
    #[error("{}: cannot {action}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The recording's writer refused.
    #[error("{}: the recording cannot be written", .path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// The writer's reason.
        #[source]
        source: ClipError,
    },
}

/// A file under a temporary name beside its destination; removed unless [`Pending::publish`] is reached.
pub struct Pending {
    destination: PathBuf,
    temporary: PathBuf,
    is_published: bool,
}

impl Pending {
    /// Prepares to write `destination`.
    pub fn new(destination: &Path) -> Self {
        let mut name = std::ffi::OsString::from(".");
        name.push(destination.file_name().unwrap_or(destination.as_os_str()));
        name.push(format!(".{}.partial", std::process::id()));
        Self { destination: destination.to_owned(), temporary: destination.with_file_name(name), is_published: false }
    }

    /// Creates the temporary file.
    pub fn create(&self) -> Result<File, OutputError> {
        File::create(&self.temporary).map_err(|source| self.failed("create the file", source))
    }

    /// Writes a small file whole.
    pub fn write(&self, bytes: &[u8]) -> Result<(), OutputError> {
        use std::io::Write as _;
        let mut file = self.create()?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| self.failed("write the file", source))
    }

    /// Gives the file its name. Its bytes must be on the disk.
    pub fn publish(mut self) -> Result<(), OutputError> {
        fs::rename(&self.temporary, &self.destination)
            .map_err(|source| self.failed("rename the finished file", source))?;
        self.is_published = true;
        Ok(())
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> OutputError {
        OutputError::File { path: self.destination.clone(), action, source }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_published {
            // Nothing to report to: the error that brought us here is the one that counts.
            drop(fs::remove_file(&self.temporary));
        }
    }
}

/// A recording being written.
pub struct Recorder {
    pending: Pending,
    writer: RecordingWriter<BufWriter<File>>,
    channels: BTreeMap<String, (ChannelId, u64)>,
    span: Option<(BootTime, BootTime)>,
}

impl Recorder {
    /// Starts a recording that will be named `path`.
    pub fn create(path: &Path, info: RecordingInfo) -> Result<Self, OutputError> {
        let pending = Pending::new(path);
        let file = pending.create()?;
        let writer = RecordingWriter::new(BufWriter::with_capacity(1 << 18, file), info)
            .map_err(|source| OutputError::Recording { path: path.to_owned(), source })?;
        Ok(Self { pending, writer, channels: BTreeMap::new(), span: None })
    }

    /// Attaches a small file.
    pub fn attach(&mut self, name: &str, media_type: &str, data: &[u8]) -> Result<(), OutputError> {
        self.writer.attach(name, media_type, data).map_err(|source| self.refused(source))
    }

    /// Writes a message to a topic.
    pub fn write(&mut self, topic: &str, at: BootTime, message: &Message) -> Result<(), OutputError> {
        let id = match self.channels.get_mut(topic) {
            Some((id, count)) => {
                *count += 1;
                *id
            }
            None => {
                let kind: Kind = message.kind();
                let id = self.writer.channel(topic, kind).map_err(|source| self.refused(source))?;
                self.channels.insert(topic.to_owned(), (id, 1));
                id
            }
        };
        self.span = Some(self.span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        self.writer.write(id, at, &message.encode()).map_err(|source| self.refused(source))
    }

    /// Ends the recording; it is on the disk but has not got its name until [`Pending::publish`].
    pub fn finish(self, warnings: Vec<String>) -> Result<(Pending, Summary), OutputError> {
        let path = self.pending.destination.clone();
        let failed = |action, source| OutputError::File { path: path.clone(), action, source };
        let buffered = self.writer.finish().map_err(|source| OutputError::Recording { path: path.clone(), source })?;
        let file = buffered.into_inner().map_err(|error| failed("write the file", error.into_error()))?;
        file.sync_all().map_err(|source| failed("write the file", source))?;
        let size_bytes = file.metadata().map_err(|source| failed("examine the file", source))?.len();
        let topics = self.channels.into_iter().map(|(topic, (_, count))| (topic, count)).collect();
        let summary = Summary {
            path: path.clone(),
            size_bytes,
            span: self.span,
            topics,
            warnings,
            truth_path: None,
            true_events: BTreeMap::new(),
        };
        Ok((self.pending, summary))
    }

    fn refused(&self, source: ClipError) -> OutputError {
        OutputError::Recording { path: self.pending.destination.clone(), source }
    }
}
