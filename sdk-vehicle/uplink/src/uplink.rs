use std::fs::File;
use std::io::{self, Read};
use std::path::Path as FilePath;

use bytes::Bytes;
use cloverleaf_clip::Manifest;
use cloverleaf_vocabulary::Draw;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use sha2::{Digest, Sha256};

use crate::error::{describe, is_transient};
use crate::store::{self, Place};
use crate::{RetryPolicy, UplinkError};

/// A clip up to this size goes in one request; a larger one in parts of it. S3 parts have at least 5 MiB.
const PART_BYTES: usize = 8 << 20;

/// What became of a clip that is now in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It was uploaded.
    Uploaded,
    /// It was there already, the same byte for byte.
    AlreadyThere,
}

/// The way to one store.
#[derive(Debug)]
pub struct Uplink {
    place: Place,
    retry: RetryPolicy,
    jitter: Draw,
}

/// One attempt's failure.
enum Failure {
    Store { object: Path, error: object_store::Error },
    Final(UplinkError),
}

impl Uplink {
    /// Opens the lake at `url`, with the `AWS_*` variables of this process. A folder is made when it does not exist; a
    /// server is spoken to with the first clip.
    ///
    /// # Errors
    /// A URL that names no store, or a folder that cannot be made.
    pub fn open(url: &str, retry: RetryPolicy, jitter: Draw) -> Result<Self, UplinkError> {
        let text = |text: std::ffi::OsString| text.into_string().ok();
        let variables = std::env::vars_os().filter_map(|(key, value)| Some((text(key)?, text(value)?)));
        let settings: Vec<(String, String)> = variables.filter(|(key, _)| key.starts_with("AWS_")).collect();
        Self::open_with(url, &settings, retry, jitter)
    }

    /// As [`Uplink::open`], with settings in place of the environment's (`AWS_ENDPOINT_URL` and its value, and so on).
    ///
    /// # Errors
    /// As [`Uplink::open`].
    pub fn open_with(
        url: &str,
        settings: &[(String, String)],
        retry: RetryPolicy,
        jitter: Draw,
    ) -> Result<Self, UplinkError> {
        Ok(Self { place: store::open(url, settings)?, retry, jitter })
    }

    /// The store, without secrets.
    pub fn url(&self) -> &str {
        &self.place.url
    }

    /// Brings a sealed clip into the store: `data`, then its manifest. When this returns the clip has arrived.
    ///
    /// # Errors
    /// The store's last error when the attempts are used up or it refuses; a clip in the spool that is damaged; another
    /// clip in the place of this one.
    pub async fn send(&mut self, manifest: &Manifest, data: &FilePath) -> Result<Sent, UplinkError> {
        let mut attempts = 1;
        loop {
            let (object, error) = match self.try_send(manifest, data).await {
                Ok(sent) => return Ok(sent),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Store { object, error }) => (object, error),
            };
            let is_transient = is_transient(&error);
            let reason = describe(&error);
            if !is_transient || attempts >= self.retry.attempts.max(1) {
                let (url, object) = (self.place.url.clone(), object.to_string());
                return Err(UplinkError::Store { url, object, attempts, reason, is_transient });
            }
            let wait = self.retry.wait(attempts, &mut self.jitter);
            tracing::warn!(clip = %manifest.clip, attempts, ?wait, %reason, "upload will be tried again");
            tokio::time::sleep(wait).await;
            attempts += 1;
        }
    }

    async fn try_send(&self, manifest: &Manifest, data: &FilePath) -> Result<Sent, Failure> {
        let paths = manifest.landing_paths();
        let (clip_object, manifest_object) = (self.place.object(&paths.data), self.place.object(&paths.manifest));
        self.local(&clip_object, |place| place.remove_leftovers(&clip_object))?;
        self.local(&manifest_object, |place| place.remove_leftovers(&manifest_object))?;
        let found = self.existing(&manifest_object).await?;
        match &found {
            Some(json) if json.is_empty() => {}
            Some(json) => return self.compare(manifest, &manifest_object, json),
            None => {}
        }
        self.put_clip(manifest, data, &clip_object).await?;
        self.local(&clip_object, |place| place.sync(&clip_object))?;

        // Only a power cut on a local folder leaves an empty manifest behind, and only that may be replaced.
        let mode = if found.is_some() { PutMode::Overwrite } else { PutMode::Create };
        let options = PutOptions { mode, ..PutOptions::default() };
        let payload = PutPayload::from(manifest.to_json());
        match self.place.store.put_opts(&manifest_object, payload, options).await {
            Ok(_) => {}
            // Another sender, or our own request whose answer was lost.
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                let json = self.existing(&manifest_object).await?.unwrap_or_default();
                return self.compare(manifest, &manifest_object, &json);
            }
            Err(error) => return Err(Failure::Store { object: manifest_object, error }),
        }
        self.local(&manifest_object, |place| place.sync(&manifest_object))?;
        Ok(Sent::Uploaded)
    }

    async fn existing(&self, object: &Path) -> Result<Option<Bytes>, Failure> {
        let failure = |error| Failure::Store { object: object.clone(), error };
        match self.place.store.get(object).await {
            Ok(found) => found.bytes().await.map(Some).map_err(failure),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    /// Whether the manifest in the store is ours.
    fn compare(&self, manifest: &Manifest, object: &Path, json: &[u8]) -> Result<Sent, Failure> {
        let theirs = Manifest::from_json(object.as_ref(), json).ok().and_then(|found| found.sha256);
        if theirs.is_some() && theirs == manifest.sha256 {
            return Ok(Sent::AlreadyThere);
        }
        Err(Failure::Final(UplinkError::Conflict {
            url: self.place.url.clone(),
            object: object.to_string(),
            expected: manifest.sha256.clone().unwrap_or_default(),
            found: theirs.unwrap_or_else(|| "unreadable".to_owned()),
        }))
    }

    async fn put_clip(&self, manifest: &Manifest, data: &FilePath, object: &Path) -> Result<(), Failure> {
        let failure = |error| Failure::Store { object: object.clone(), error };
        let mut source = Source::open(data).map_err(Failure::Final)?;
        let first = source.next_part().map_err(Failure::Final)?;
        if first.len() < PART_BYTES {
            source.check(manifest).map_err(Failure::Final)?;
            self.place.store.put(object, first.into()).await.map_err(failure)?;
            return Ok(());
        }
        let mut upload = self.place.store.put_multipart(object).await.map_err(failure)?;
        let outcome = put_parts(&mut *upload, &mut source, first, manifest, object).await;
        if outcome.is_err() {
            // The attempt's own error is the one to report; parts that stay behind are invisible.
            if let Err(error) = upload.abort().await {
                tracing::warn!(%object, error = %describe(&error), "an unfinished upload could not be withdrawn");
            }
        }
        outcome
    }

    fn local(&self, object: &Path, step: impl FnOnce(&Place) -> io::Result<()>) -> Result<(), Failure> {
        step(&self.place).map_err(|error| Failure::Store {
            object: object.clone(),
            error: object_store::Error::Generic { store: "folder", source: Box::new(error) },
        })
    }
}

async fn put_parts(
    upload: &mut dyn MultipartUpload,
    source: &mut Source<'_>,
    first: Bytes,
    manifest: &Manifest,
    object: &Path,
) -> Result<(), Failure> {
    let failure = |error| Failure::Store { object: object.clone(), error };
    let mut part = first;
    while !part.is_empty() {
        upload.put_part(part.into()).await.map_err(failure)?;
        part = source.next_part().map_err(Failure::Final)?;
    }
    source.check(manifest).map_err(Failure::Final)?;
    upload.complete().await.map_err(failure)?;
    Ok(())
}

/// A spooled file, read in parts and hashed on the way.
struct Source<'a> {
    path: &'a FilePath,
    file: File,
    hash: Sha256,
    length: u64,
}

impl<'a> Source<'a> {
    fn open(path: &'a FilePath) -> Result<Self, UplinkError> {
        let file = File::open(path).map_err(|source| UplinkError::Read { path: path.to_owned(), source })?;
        Ok(Self { path, file, hash: Sha256::new(), length: 0 })
    }

    /// Up to [`PART_BYTES`]; fewer only at the end.
    fn next_part(&mut self) -> Result<Bytes, UplinkError> {
        let mut part = Vec::new();
        (&mut self.file)
            .take(PART_BYTES as u64)
            .read_to_end(&mut part)
            .map_err(|source| UplinkError::Read { path: self.path.to_owned(), source })?;
        self.hash.update(&part);
        self.length += part.len() as u64;
        Ok(part.into())
    }

    /// Whether what was read is what the manifest says.
    fn check(&self, manifest: &Manifest) -> Result<(), UplinkError> {
        let damaged = |reason| Err(UplinkError::Damaged { path: self.path.to_owned(), reason });
        if Some(self.length) != manifest.size_bytes {
            let expected = manifest.size_bytes.unwrap_or(0);
            return damaged(format!("{} bytes, its manifest says {expected}", self.length));
        }
        let found = hex::encode(self.hash.clone().finalize());
        if Some(&found) != manifest.sha256.as_ref() {
            let expected = manifest.sha256.as_deref().unwrap_or("nothing");
            return damaged(format!("sha256 {found}, its manifest says {expected}"));
        }
        Ok(())
    }
}
