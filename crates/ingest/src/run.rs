//! The run: groups of landed clips through the steps, with bounded memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use cloverleaf_catalog::{CatalogError, LANDING, Lake, Table};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio::sync::Semaphore;

use crate::decode::{DecodedClip, decode};
use crate::landing::{Arrived, Found, read, read_manifest, verify};
use crate::quarantine::{quarantine, remove};
use crate::{Progress, Refused, Report};

/// Most clips in one commit.
const GROUP_CLIPS: usize = 256;
/// Small objects read or removed at a time.
const SMALL_REQUESTS: usize = 16;
/// The unit in which memory is handed out.
const MEMORY_UNIT_BYTES: u64 = 64 << 10;

/// How an ingest may use the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Bytes of clips read and not yet decoded, and as many again of rows not yet committed.
    pub memory_bytes: u64,
    /// Clips read and decoded at a time.
    pub parallel: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { memory_bytes: 256 << 20, parallel: 4 }
    }
}

/// Why an ingest stopped. What it had committed stays, what it had not lies in `landing/` still: run it again.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] CatalogError),
}

/// Ingests everything that has landed and reports what became of it.
///
/// Damaged clips move to `quarantine/` and do not stop the run; a failing store does.
pub async fn ingest(
    lake: &Lake,
    options: &Options,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Report, IngestError> {
    let mut run = Run {
        lake,
        options,
        memory: Arc::new(Semaphore::new(units(options.memory_bytes) as usize)),
        progress,
        report: Report::default(),
    };
    let landing = Path::from(LANDING);
    let mut arrivals = lake
        .store()
        .list(Some(&landing))
        .map_err(|source| lake.store_error("list landing/", source))
        .try_filter(|object| std::future::ready(object.location.extension() == Some("json")))
        .map_ok(|object| object.location)
        .try_chunks(GROUP_CLIPS);
    while let Some(chunk) = arrivals.next().await {
        let mut paths = chunk.map_err(|error| error.1)?;
        paths.sort();
        run.take(paths).await?;
    }
    Ok(run.report)
}

struct Run<'a> {
    lake: &'a Lake,
    options: &'a Options,
    memory: Arc<Semaphore>,
    progress: &'a mut (dyn FnMut(Progress<'_>) + Send),
    report: Report,
}

/// Decoded clips whose rows are not committed yet.
#[derive(Default)]
struct Group {
    arrived: Vec<(Arrived, u64)>,
    rows: BTreeMap<Table, Vec<RecordBatch>>,
    memory_bytes: u64,
}

/// What became of one clip's file.
enum Outcome {
    Decoded(Box<DecodedClip>, u64),
    Damaged(String),
    Missing,
    TooLarge(u64),
}

impl Run<'_> {
    async fn take(&mut self, paths: Vec<Path>) -> Result<(), IngestError> {
        let lake = self.lake;
        let mut manifests = stream::iter(paths)
            .map(|path| async move { read_manifest(lake, &path).await.map(|found| (path, found)) })
            .buffered(SMALL_REQUESTS);
        let mut waiting = Vec::new();
        while let Some((path, found)) = manifests.try_next().await? {
            match found {
                Found::Whole(arrived) => waiting.push(arrived),
                Found::Damaged(reason) => self.quarantine(&path, reason).await?,
                // Another ingest was faster.
                Found::Gone | Found::TooLarge(_) => {}
            }
        }
        // A clip that landed twice is taken once; the other one waits, for the first may turn out damaged.
        while !waiting.is_empty() {
            let mut taken = BTreeSet::new();
            let (now, later) = waiting.into_iter().partition(|arrived| taken.insert(arrived.manifest.clip.to_string()));
            self.take_distinct(now, &taken).await?;
            waiting = later;
        }
        Ok(())
    }

    /// One round over clips of different ids.
    async fn take_distinct(&mut self, arrived: Vec<Arrived>, ids: &BTreeSet<String>) -> Result<(), IngestError> {
        let known = self.lake.known_clips(ids).await?;
        let (old, new): (Vec<_>, Vec<_>) =
            arrived.into_iter().partition(|arrived| known.contains(arrived.manifest.clip.as_str()));
        self.report.duplicates += old.len() as u64;
        remove_landed(self.lake, old.iter().map(|arrived| arrived.manifest_path.clone()).collect()).await?;

        let (lake, most, memory) = (self.lake, self.options.memory_bytes, self.memory.clone());
        let mut outcomes = stream::iter(new)
            .map(|arrived| {
                let memory = memory.clone();
                async move { bring_in(lake, &memory, most, &arrived).await.map(|outcome| (arrived, outcome)) }
            })
            .buffered(self.options.parallel.max(1));
        let mut group = Group::default();
        while let Some((arrived, outcome)) = outcomes.try_next().await? {
            match outcome {
                Outcome::Decoded(decoded, bytes) => {
                    (self.progress)(Progress::Decoded { clip: arrived.manifest.clip.as_str(), bytes });
                    group.memory_bytes += decoded.memory_bytes() as u64;
                    self.report.not_finite += decoded.not_finite;
                    for (signal, messages) in decoded.unknown_signals {
                        *self.report.unknown_signals.entry(signal).or_default() += messages;
                    }
                    for (table, rows) in decoded.rows {
                        group.rows.entry(table).or_default().push(rows);
                    }
                    group.arrived.push((arrived, bytes));
                    if group.memory_bytes >= most {
                        self.commit(std::mem::take(&mut group)).await?;
                    }
                }
                Outcome::Damaged(reason) => self.quarantine(&arrived.manifest_path, reason).await?,
                Outcome::Missing => self.settle_missing(&arrived).await?,
                Outcome::TooLarge(size) => {
                    let reason = format!(
                        "the clip has {size} bytes, more than the {most} this ingest may hold: give it more memory"
                    );
                    self.report.skipped.push(Refused { path: arrived.manifest_path.to_string(), reason });
                }
            }
        }
        drop(outcomes);
        self.commit(group).await
    }

    /// Rows first, `clips` last, then the landing objects: stopping between any two of these loses and doubles nothing.
    async fn commit(&mut self, group: Group) -> Result<(), IngestError> {
        if group.arrived.is_empty() {
            return Ok(());
        }
        let mut already = BTreeSet::new();
        for table in Table::WRITE_ORDER {
            let rows = group.rows.get(&table).map_or(&[][..], Vec::as_slice);
            let inserted = self.lake.insert(table, rows).await?;
            self.report.add_rows(table, inserted.rows);
            if table == Table::Clips {
                already = inserted.present;
            }
        }
        let mut clips = 0;
        for (arrived, bytes) in &group.arrived {
            if already.contains(arrived.manifest.clip.as_str()) {
                self.report.duplicates += 1;
            } else {
                clips += 1;
                self.report.bytes += bytes;
            }
        }
        self.report.clips += clips;
        (self.progress)(Progress::Committed { clips });
        remove_landed(self.lake, group.arrived.into_iter().map(|(arrived, _)| arrived.manifest_path).collect()).await
    }

    /// A manifest without its file: another ingest has just finished with it, or the file was never there.
    async fn settle_missing(&mut self, arrived: &Arrived) -> Result<(), IngestError> {
        let id = BTreeSet::from([arrived.manifest.clip.to_string()]);
        if self.lake.known_clips(&id).await?.is_empty() {
            let reason = format!("{} is missing although its manifest has landed", arrived.data_path);
            return self.quarantine(&arrived.manifest_path, reason).await;
        }
        self.report.duplicates += 1;
        remove_landed(self.lake, vec![arrived.manifest_path.clone()]).await
    }

    async fn quarantine(&mut self, manifest: &Path, reason: String) -> Result<(), IngestError> {
        let refused = quarantine(self.lake, manifest, reason).await?;
        (self.progress)(Progress::Quarantined(&refused));
        self.report.quarantined.push(refused);
        Ok(())
    }
}

async fn remove_landed(lake: &Lake, manifests: Vec<Path>) -> Result<(), IngestError> {
    stream::iter(manifests)
        .map(|manifest| async move { remove(lake, &manifest).await })
        .buffer_unordered(SMALL_REQUESTS)
        .try_collect::<()>()
        .await?;
    Ok(())
}

/// Reads a clip's file, checks and decodes it, and puts it where ingested clips lie.
async fn bring_in(lake: &Lake, memory: &Semaphore, most: u64, arrived: &Arrived) -> Result<Outcome, CatalogError> {
    // The manifest may lie about the size; `read` then refuses, so no more than these units are ever held.
    let claimed = arrived.manifest.size_bytes.unwrap_or(0);
    if claimed > most {
        return Ok(Outcome::TooLarge(claimed));
    }
    // The semaphore is never closed; without a permit the clip would only be decoded with less restraint.
    let _held = memory.acquire_many(units(claimed)).await.ok();
    let file = match read(lake, &arrived.data_path, claimed.max(1)).await? {
        Found::Whole(file) => file,
        Found::Gone => return Ok(Outcome::Missing),
        Found::Damaged(reason) => return Ok(Outcome::Damaged(reason)),
        Found::TooLarge(size) => {
            let reason = format!("the clip has {size} bytes: its manifest says {claimed}; one of them was replaced");
            return Ok(Outcome::Damaged(reason));
        }
    };
    let bytes = file.len() as u64;
    let decoded = match decode_apart(arrived, file.clone()).await {
        Ok(decoded) => decoded,
        Err(reason) => return Ok(Outcome::Damaged(reason)),
    };
    let path = Lake::clip_path(&decoded.day, arrived.manifest.clip.as_str());
    let put = lake.store().put(&path, file.into()).await;
    put.map_err(|source| lake.store_error(format!("write {path}"), source))?;
    Ok(Outcome::Decoded(Box::new(decoded), bytes))
}

/// Verifies and decodes on a thread of its own, for it is all computing.
async fn decode_apart(arrived: &Arrived, file: Bytes) -> Result<DecodedClip, String> {
    let (name, manifest) = (arrived.data_path.to_string(), arrived.manifest.clone());
    let work = move || verify(&manifest, &file).and_then(|()| decode(&name, &manifest, file));
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(format!("decoding it failed inside Cloverleaf ({error}): please report this with the file")),
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(MEMORY_UNIT_BYTES).max(1)).unwrap_or(u32::MAX)
}
