//! Where damaged clips go, so that they are neither lost nor tried again.

use cloverleaf_catalog::{CatalogError, LANDING, Lake, QUARANTINE};
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStoreExt};
use serde::Serialize;

use crate::Refused;
use crate::landing::data_path;

/// Beside the quarantined files, `<name>.reason.json`.
#[derive(Debug, Serialize)]
struct Reason<'a> {
    format: u32,
    landed_as: &'a str,
    reason: &'a str,
    what_to_do: &'static str,
}

/// Moves a landed clip and its manifest to `quarantine/`, with the reason beside them. Run again after a crash, it ends
/// in the same state and keeps the first reason.
pub(crate) async fn quarantine(lake: &Lake, manifest: &Path, reason: String) -> Result<Refused, CatalogError> {
    let refused = Refused { path: manifest.to_string(), reason };
    let data = data_path(manifest);
    let reason_path = Path::from(format!("{}.reason.json", stem(&target(manifest))));
    // Once the landed file is gone, a run that died before the manifest went had done all but that.
    if exists(lake, &data).await? || !exists(lake, &reason_path).await? {
        copy(lake, &data, &target(&data)).await?;
        copy(lake, manifest, &target(manifest)).await?;
        let reason = Reason {
            format: 1,
            landed_as: &refused.path,
            reason: &refused.reason,
            what_to_do: "repair or delete these files; to ingest the clip again, move the .mcap and then the .json back to landing/",
        };
        let json = serde_json::to_vec_pretty(&reason).unwrap_or_default();
        let put = lake.store().put(&reason_path, json.into()).await;
        put.map_err(|source| lake.store_error(format!("write {reason_path}"), source))?;
    }
    remove(lake, manifest).await?;
    Ok(refused)
}

/// Removes a landed clip: the file first, since the manifest is what says that there is one.
pub(crate) async fn remove(lake: &Lake, manifest: &Path) -> Result<(), CatalogError> {
    for path in [&data_path(manifest), manifest] {
        match lake.store().delete(path).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => {}
            Err(source) => return Err(lake.store_error(format!("delete {path}"), source)),
        }
    }
    Ok(())
}

async fn exists(lake: &Lake, path: &Path) -> Result<bool, CatalogError> {
    match lake.store().head(path).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(source) => Err(lake.store_error(format!("read {path}"), source)),
    }
}

async fn copy(lake: &Lake, from: &Path, to: &Path) -> Result<(), CatalogError> {
    match lake.store().copy(from, to).await {
        Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
        Err(source) => Err(lake.store_error(format!("copy {from} to {to}"), source)),
    }
}

fn target(landed: &Path) -> Path {
    let below = landed.as_ref().strip_prefix(LANDING).unwrap_or(landed.as_ref());
    Path::from(format!("{QUARANTINE}/{}", below.trim_start_matches('/')))
}

fn stem(path: &Path) -> &str {
    path.as_ref().strip_suffix(".json").unwrap_or(path.as_ref())
}
