//! The landing zone: what has arrived, and whether it arrived whole.

use bytes::Bytes;
use cloverleaf_catalog::{CatalogError, Lake};
use cloverleaf_clip::{Manifest, sha256_hex};
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStoreExt};

/// Largest manifest that is read. Ours have some kilobytes.
const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// A clip that has arrived, by its manifest.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub manifest_path: Path,
    pub data_path: Path,
    pub manifest: Manifest,
}

/// What reading an object of the landing zone can end in, besides a failing store.
#[derive(Debug)]
pub(crate) enum Found<T> {
    Whole(T),
    /// Damaged: what is wrong, in words.
    Damaged(String),
    /// Not there (any more).
    Gone,
    /// Larger than what may be held, in bytes.
    TooLarge(u64),
}

/// The clip beside a manifest.
pub(crate) fn data_path(manifest: &Path) -> Path {
    let text = manifest.as_ref();
    Path::from(format!("{}.mcap", text.strip_suffix(".json").unwrap_or(text)))
}

/// Reads the manifest that says a clip has arrived.
pub(crate) async fn read_manifest(lake: &Lake, path: &Path) -> Result<Found<Arrived>, CatalogError> {
    let json = match read(lake, path, MAX_MANIFEST_BYTES).await? {
        Found::Whole(json) => json,
        Found::TooLarge(size) => {
            return Ok(Found::Damaged(format!("a manifest of {size} bytes: at most {MAX_MANIFEST_BYTES} are read")));
        }
        Found::Gone => return Ok(Found::Gone),
        Found::Damaged(reason) => return Ok(Found::Damaged(reason)),
    };
    Ok(match Manifest::from_json(path.as_ref(), &json) {
        Ok(manifest) => Found::Whole(Arrived { manifest_path: path.clone(), data_path: data_path(path), manifest }),
        Err(error) => Found::Damaged(error.to_string()),
    })
}

/// Reads an object of at most `most` bytes whole.
pub(crate) async fn read(lake: &Lake, path: &Path, most: u64) -> Result<Found<Bytes>, CatalogError> {
    let failed = |source| lake.store_error(format!("read {path}"), source);
    let answer = match lake.store().get(path).await {
        Ok(answer) => answer,
        Err(StoreError::NotFound { .. }) => return Ok(Found::Gone),
        Err(error) => return Err(failed(error)),
    };
    if answer.meta.size > most {
        return Ok(Found::TooLarge(answer.meta.size));
    }
    match answer.bytes().await {
        Ok(bytes) => Ok(Found::Whole(bytes)),
        Err(StoreError::NotFound { .. }) => Ok(Found::Gone),
        Err(error) => Err(failed(error)),
    }
}

/// Whether the file is the one its manifest describes; the error says in words how it is not.
pub(crate) fn verify(manifest: &Manifest, file: &[u8]) -> Result<(), String> {
    let (Some(size), Some(sha256)) = (manifest.size_bytes, &manifest.sha256) else {
        return Err(
            "the manifest beside the clip lacks size_bytes or sha256, so the clip cannot be verified".to_owned()
        );
    };
    if size != file.len() as u64 {
        return Err(format!(
            "the clip has {} bytes: its manifest says {size}; the upload was cut or replaced",
            file.len()
        ));
    }
    let found = sha256_hex(file);
    if !found.eq_ignore_ascii_case(sha256) {
        return Err(format!("the clip's SHA-256 is {found}: its manifest says {sha256}; its bytes were changed"));
    }
    Ok(())
}
