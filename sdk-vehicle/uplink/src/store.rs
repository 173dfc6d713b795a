//! From a URL to a store.

use std::fs::{self, File};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, RetryConfig};
use url::Url;

use crate::UplinkError;
use crate::error::redact;

/// A store and where in it the lake begins.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Path,
    /// For people, without secrets.
    pub(crate) url: String,
    /// The folder, when it is one.
    pub(crate) folder: Option<PathBuf>,
}

/// Opens a store. A folder is made when it does not exist; a server is not yet spoken to.
pub(crate) fn open(url: &str, settings: &[(String, String)]) -> Result<Place, UplinkError> {
    let wrong = |reason: String| UplinkError::Url { url: redact(url), reason };
    if !url.contains("://") {
        return open_folder(FilePath::new(url), url);
    }
    let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    match parsed.scheme() {
        "file" => {
            let folder = parsed.to_file_path().map_err(|()| wrong("names no local folder".to_owned()))?;
            open_folder(&folder, url)
        }
        "s3" | "s3a" => {
            let bucket = parsed.host_str().filter(|host| !host.is_empty());
            let bucket = bucket.ok_or_else(|| wrong("the bucket is missing".to_owned()))?;
            let prefix = Path::from_url_path(parsed.path()).map_err(|error| wrong(error.to_string()))?;
            if !parsed.username().is_empty() || parsed.password().is_some() {
                return Err(wrong("credentials do not belong in the URL".to_owned()));
            }
            // We retry ourselves, so that the count and the waits are ours.
            let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
            let mut builder = AmazonS3Builder::new();
            for (key, value) in settings {
                if let Ok(key) = key.to_ascii_lowercase().parse() {
                    builder = builder.with_config(key, value);
                }
            }
            let builder = builder.with_bucket_name(bucket).with_retry(retry);
            let store = builder.build().map_err(|error| wrong(redact(&error.to_string())))?;
            Ok(Place { store: Arc::new(store), prefix, url: redact(url), folder: None })
        }
        other => Err(wrong(format!("scheme {other:?} is not known"))),
    }
}

fn open_folder(folder: &FilePath, url: &str) -> Result<Place, UplinkError> {
    let wrong = |reason: String| UplinkError::Url { url: redact(url), reason };
    fs::create_dir_all(folder).map_err(|error| wrong(format!("the folder cannot be made: {error}")))?;
    let folder = folder.canonicalize().map_err(|error| wrong(format!("the folder cannot be opened: {error}")))?;
    let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| wrong(error.to_string()))?;
    Ok(Place { store: Arc::new(store), prefix: Path::default(), url: redact(url), folder: Some(folder) })
}

impl Place {
    /// An object by its path in the lake.
    pub(crate) fn object(&self, path: &str) -> Path {
        Path::from_iter(self.prefix.parts().chain(Path::from(path).parts()))
    }

    /// Removes what a killed upload of this object left behind: `LocalFileSystem` writes beside it, as `<name>#<number>`.
    /// In a server, parts that were never completed are not visible.
    pub(crate) fn remove_leftovers(&self, object: &Path) -> std::io::Result<()> {
        let Some(path) = self.local_path(object) else { return Ok(()) };
        let (Some(dir), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            return Ok(());
        };
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let is_leftover =
                entry.file_name().to_str().and_then(|found| found.strip_prefix(name)).is_some_and(|rest| {
                    rest.strip_prefix('#').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
                });
            if is_leftover {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Makes a stored object last through a power cut, its folders included. A server does that itself.
    pub(crate) fn sync(&self, object: &Path) -> std::io::Result<()> {
        let (Some(path), Some(root)) = (self.local_path(object), &self.folder) else { return Ok(()) };
        File::open(&path)?.sync_all()?;
        for dir in path.ancestors().skip(1).take_while(|dir| dir.starts_with(root)) {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }

    fn local_path(&self, object: &Path) -> Option<PathBuf> {
        // Vehicle, boot and clip ids are letters, digits, '-', '_' and '.', so nothing is escaped.
        Some(self.folder.as_ref()?.join(object.as_ref()))
    }
}
