//! Opening a lake by URL, and where things lie in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deltalake::DeltaTable;
use futures::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreScheme, RetryConfig};
use tokio::sync::Mutex;
use url::Url;

use crate::{CatalogError, Table};

/// Folder of what vehicles uploaded (docs/clip-format.md).
pub const LANDING: &str = "landing";
/// Folder of ingested clips, a folder a day.
pub const CLIPS: &str = "clips";
/// Folder of what could not be ingested.
pub const QUARANTINE: &str = "quarantine";
const TABLES: &str = "tables";

/// One lake. Cheap to clone; clones share the state of the tables already read.
#[derive(Debug, Clone)]
pub struct Lake {
    shown: Arc<str>,
    root: Arc<dyn ObjectStore>,
    prefix: Path,
    store: Arc<dyn ObjectStore>,
    location: Url,
    pub(crate) tables: Arc<BTreeMap<Table, Mutex<Option<DeltaTable>>>>,
}

impl Lake {
    /// Opens the lake at a folder, `file:///folder`, `s3://bucket/prefix` (credentials and `AWS_ENDPOINT_URL`,
    /// `AWS_REGION`, `AWS_ALLOW_HTTP` from the environment) or `memory://` (a new, empty lake of this process).
    ///
    /// Writes nothing: a lake that does not exist yet is an empty lake. A remote store is asked one question, so that
    /// an unreachable one fails here and not half-way through the work.
    pub async fn open(url: &str) -> Result<Self, CatalogError> {
        let bad = |problem: String| CatalogError::BadUrl { url: url.to_owned(), problem };
        let location = location(url)?;
        let (scheme, path) = ObjectStoreScheme::parse(&location).map_err(|error| bad(error.to_string()))?;
        let root: Arc<dyn ObjectStore> = match scheme {
            ObjectStoreScheme::Local => {
                let path = location.to_file_path().map_err(|()| bad("the URL has no local path".to_owned()))?;
                refuse_file(&path)?;
                Arc::new(LocalFileSystem::new())
            }
            ObjectStoreScheme::Memory => Arc::new(InMemory::new()),
            ObjectStoreScheme::AmazonS3 => Arc::new(
                AmazonS3Builder::from_env()
                    .with_url(location.as_str())
                    .with_retry(patience())
                    .build()
                    .map_err(|error| bad(error.to_string()))?,
            ),
            _ => {
                let variables = std::env::vars().collect::<Vec<_>>();
                let (store, _) =
                    object_store::parse_url_opts(&location, variables).map_err(|error| bad(error.to_string()))?;
                Arc::from(store)
            }
        };
        let remote = !matches!(scheme, ObjectStoreScheme::Local | ObjectStoreScheme::Memory);
        let lake = Self::assemble(url, root, path, location);
        if remote {
            let mut listing = lake.store.list(Some(&Path::from(TABLES)));
            listing.try_next().await.map_err(|source| lake.store_error("list tables/", source))?;
        }
        Ok(lake)
    }

    /// A lake at the root of a store that is already made; `name` is what errors call it.
    pub fn with_store(name: &str, root: Arc<dyn ObjectStore>) -> Result<Self, CatalogError> {
        Ok(Self::assemble(name, root, Path::default(), location("memory://")?))
    }

    fn assemble(shown: &str, root: Arc<dyn ObjectStore>, prefix: Path, location: Url) -> Self {
        let store = Arc::new(PrefixStore::new(root.clone(), prefix.clone()));
        let tables = Arc::new(Table::WRITE_ORDER.into_iter().map(|table| (table, Mutex::new(None))).collect());
        Self { shown: shown.into(), root, prefix, store, location, tables }
    }

    /// The lake as the user named it.
    pub fn url(&self) -> &str {
        &self.shown
    }

    /// Everything in the lake, by path from its root (`landing/...`, `clips/...`).
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Where an ingested clip lies: `clips/<YYYY-MM-DD>/<clip>.mcap`.
    pub fn clip_path(day: &str, clip: &str) -> Path {
        Path::from_iter([CLIPS, day, &format!("{clip}.mcap")])
    }

    /// Dresses a store's error with what was being done and what to check.
    pub fn store_error(&self, action: impl Into<String>, source: object_store::Error) -> CatalogError {
        let local = self.location.scheme() == "file";
        let hint = match &source {
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } if !local => {
                ": access is refused (check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy)"
            }
            object_store::Error::PermissionDenied { .. } => ": access is refused (check who owns the folder)",
            object_store::Error::NotFound { .. } if !local => ": the bucket or object does not exist",
            object_store::Error::Generic { .. } if local => ": check that the folder is writable and the disk has room",
            object_store::Error::Generic { .. } => {
                ": the store cannot be reached or refuses (check the URL, AWS_ENDPOINT_URL, AWS_REGION, AWS_ALLOW_HTTP and the network)"
            }
            _ => "",
        };
        CatalogError::Store { action: action.into(), lake: self.shown.to_string(), hint, source: Box::new(source) }
    }

    /// Where a table's log and files lie.
    pub(crate) fn table_location(&self, table: Table) -> Result<TableLocation, CatalogError> {
        let bad = |problem: String| CatalogError::BadUrl { url: self.shown.to_string(), problem };
        let url = self.location.join(&format!("{TABLES}/{table}/")).map_err(|error| bad(error.to_string()))?;
        let path = self.prefix.clone().join(TABLES).join(table.name());
        let store = Arc::new(PrefixStore::new(self.root.clone(), path));
        Ok(TableLocation { store, root: self.root.clone(), url })
    }

    /// Folder of a table's log, from the lake's root.
    pub(crate) fn log_path(table: Table) -> Path {
        Path::from_iter([TABLES, table.name(), "_delta_log"])
    }
}

/// A table, as Delta wants to be told of it.
pub(crate) struct TableLocation {
    /// Rooted at the table.
    pub store: Arc<dyn ObjectStore>,
    /// The store that the URL's path starts from.
    pub root: Arc<dyn ObjectStore>,
    pub url: Url,
}

/// The lake's URL, ending in a slash so that `join` goes below it.
fn location(url: &str) -> Result<Url, CatalogError> {
    let bad = |problem: String| CatalogError::BadUrl { url: url.to_owned(), problem };
    if url.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    if !url.contains("://") {
        let path = std::path::absolute(PathBuf::from(url)).map_err(|error| bad(error.to_string()))?;
        return Url::from_directory_path(path).map_err(|()| bad("the path cannot be made absolute".to_owned()));
    }
    let mut parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(bad("a lake's URL has no '?' or '#' part".to_owned()));
    }
    if !parsed.path().ends_with('/') {
        let path = format!("{}/", parsed.path());
        parsed.set_path(&path);
    }
    Ok(parsed)
}

/// A lake that does not exist yet is fine; a file in its place, or above it, is not.
fn refuse_file(path: &std::path::Path) -> Result<(), CatalogError> {
    // Without the slash at its end, with which a file would only look absent.
    let path: PathBuf = path.components().collect();
    let in_the_way = match std::fs::metadata(&path) {
        Ok(found) => !found.is_dir(),
        Err(error) => error.kind() == std::io::ErrorKind::NotADirectory,
    };
    if in_the_way { Err(CatalogError::NotADirectory { path: path.display().to_string() }) } else { Ok(()) }
}

/// A person waits for the answer, so an unreachable store is given up after some seconds, not object_store's 3 minutes.
fn patience() -> RetryConfig {
    RetryConfig {
        max_retries: 5,
        retry_timeout: Duration::from_secs(20),
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(3),
            base: 2.0,
        },
    }
}
