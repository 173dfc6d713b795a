use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path as ObjectPath;

use crate::ReplayError;
use crate::ranged::{ObjectReader, ReadCount};

/// Where a clip or a drive recording is.
#[derive(Debug, Clone)]
pub enum Source {
    /// A local file.
    File(PathBuf),
    /// An object of any store.
    Object {
        /// The store.
        store: Arc<dyn ObjectStore>,
        /// The object's path in it.
        path: ObjectPath,
    },
}

impl Source {
    /// How messages name it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Object { path, .. } => path.to_string(),
        }
    }

    /// Opens it for reading by byte range.
    pub(crate) fn open(&self, count: ReadCount) -> Result<Box<dyn ReadSeek>, ReplayError> {
        let name = self.name();
        check_name(&name)?;
        match self {
            Self::File(path) => {
                let file = File::open(path).map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => ReplayError::Missing { name: name.clone() },
                    _ => ReplayError::Open { name: name.clone(), source: error.into() },
                })?;
                if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
                    let problem = "a folder; name one .mcap file in it".to_owned();
                    return Err(ReplayError::NotARecording { name, problem });
                }
                Ok(Box::new(CountedFile { file, count }))
            }
            Self::Object { store, path } => {
                let reader = ObjectReader::open(Arc::clone(store), path.clone(), count);
                Ok(Box::new(reader.map_err(|error| match error {
                    object_store::Error::NotFound { .. } => ReplayError::Missing { name },
                    error => ReplayError::Open { name, source: error.into() },
                })?))
            }
        }
    }
}

/// A source opened.
pub(crate) trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

fn check_name(name: &str) -> Result<(), ReplayError> {
    let not = |problem: &str| Err(ReplayError::NotARecording { name: name.to_owned(), problem: problem.to_owned() });
    let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match file_name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
        Some("mcap") => Ok(()),
        Some("json") => not("a manifest, not a recording; name the .mcap beside it"),
        Some("rrd") => not("already a Rerun recording; open it with `rerun`"),
        Some("bag" | "db3") => not("a ROS recording; convert it with `mcap convert` and import it as a drive first"),
        _ => not("not named like a recording; expected a .mcap file"),
    }
}

struct CountedFile {
    file: File,
    count: ReadCount,
}

impl Read for CountedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.count.add(read as u64);
        Ok(read)
    }
}

impl Seek for CountedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
