//! Writing tables: each clip's rows at most once per table, however many writers there are and wherever one dies.
//!
//! A commit succeeds only as the very next version after the one whose clips were looked at (Delta's own conflict
//! resolution would let two appends of the same clip both pass). Losing that race costs another look, nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Date32Type, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, col, lit};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference, TransactionError};
use deltalake::kernel::{Action, StructType};
use deltalake::logstore::{StorageConfig, default_logstore};
use deltalake::operations::create::CreateBuilder;
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::WriterProperties;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError, TableProperty};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::schema::PARTITION;
use crate::{CatalogError, Lake, Table};

/// How often a lost race is run again. With backoff this is about a minute.
const MAX_ATTEMPTS: u32 = 40;
const TARGET_FILE_BYTES: u64 = 128 << 20;

/// What an insert did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inserted {
    /// Rows now in the table because of it.
    pub rows: u64,
    /// Clips that were left out because the table had them already.
    pub present: BTreeSet<String>,
}

impl Lake {
    /// Adds rows in one commit, except those of clips the table already has: running it again, after a crash or beside
    /// another writer, adds nothing twice. Rows of one clip and day must come in one call. Creates the table, and
    /// columns of the contract it does not have yet, first.
    pub async fn insert(&self, table: Table, rows: &[RecordBatch]) -> Result<Inserted, CatalogError> {
        let keys = Keys::of(table, rows)?;
        if keys.clips.is_empty() {
            return Ok(Inserted::default());
        }
        let mut staged: Option<Staged> = None;
        for attempt in 0..MAX_ATTEMPTS {
            pause(attempt).await;
            let Some(delta) = self.table_for_writing(table).await? else { continue };
            // `clips` decides whether a clip exists, so there every day counts. Elsewhere leftovers of a crashed
            // writer lie under the same day, and looking only there keeps the price independent of the lake's age.
            let days = (table != Table::Clips).then_some(&keys.days);
            let present = find_clips(table, &delta, &keys.clips, days).await?;
            if staged.as_ref().is_none_or(|staged| staged.present != present) {
                if let Some(outdated) = staged.take() {
                    self.discard(table, &outdated).await;
                }
                staged = Some(stage(table, &delta, rows, present).await?);
            }
            let Some(ready) = &staged else { continue };
            if ready.actions.is_empty() || self.commit(table, &delta, ready.actions.clone()).await? {
                return Ok(Inserted { rows: ready.rows, present: ready.present.clone() });
            }
        }
        Err(CatalogError::Contention { table, attempts: MAX_ATTEMPTS })
    }

    /// Which of these clips have a row in `clips`.
    pub async fn known_clips(&self, clips: &BTreeSet<String>) -> Result<BTreeSet<String>, CatalogError> {
        match self.table(Table::Clips).await? {
            Some(delta) if !clips.is_empty() => find_clips(Table::Clips, &delta, clips, None).await,
            _ => Ok(BTreeSet::new()),
        }
    }

    /// Removes all rows of these clips: from `clips` first, so that no clip ever exists with half its rows. The files
    /// under `clips/` stay. Returns how many clips there were.
    pub async fn delete_clips(&self, clips: &BTreeSet<String>) -> Result<u64, CatalogError> {
        let known = self.known_clips(clips).await?.len() as u64;
        for table in Table::WRITE_ORDER.into_iter().rev() {
            self.delete_from(table, clips).await?;
        }
        Ok(known)
    }

    async fn delete_from(&self, table: Table, clips: &BTreeSet<String>) -> Result<(), CatalogError> {
        if clips.is_empty() {
            return Ok(());
        }
        for attempt in 0..MAX_ATTEMPTS {
            pause(attempt).await;
            let Some(delta) = self.table(table).await? else { return Ok(()) };
            match delta.delete().with_predicate(clip_in(clips)).await {
                Ok(_) => return Ok(()),
                Err(error) if is_lost_race(&error) => {}
                Err(error) => return Err(delta_error("delete from", table, error)),
            }
        }
        Err(CatalogError::Contention { table, attempts: MAX_ATTEMPTS })
    }

    /// The table's newest state; `None` while it does not exist.
    pub(crate) async fn table(&self, table: Table) -> Result<Option<DeltaTable>, CatalogError> {
        let mut cached = self.tables[&table].lock().await;
        if let Some(delta) = cached.as_mut() {
            match delta.update_state().await {
                Ok(()) => return Ok(Some(delta.clone())),
                // The log may have been cleaned up or the lake made anew: read it from the start.
                Err(_) => *cached = None,
            }
        }
        let log = Self::log_path(table);
        let first = self.store().list(Some(&log)).try_next().await;
        if first.map_err(|source| self.store_error(format!("list {log}"), source))?.is_none() {
            return Ok(None);
        }
        let mut delta = self.unloaded(table)?;
        delta.load().await.map_err(|error| delta_error("read", table, error))?;
        Ok(Some(cached.insert(delta).clone()))
    }

    fn unloaded(&self, table: Table) -> Result<DeltaTable, CatalogError> {
        let at = self.table_location(table)?;
        Ok(DeltaTable::new(default_logstore(at.store, at.root, &at.url, &StorageConfig::default())))
    }

    /// The table with every column of the contract; `None` when another writer changed it meanwhile.
    async fn table_for_writing(&self, table: Table) -> Result<Option<DeltaTable>, CatalogError> {
        let Some(delta) = self.table(table).await? else {
            return match self.create(table).await {
                Ok(()) => self.table(table).await,
                // Another writer may have been first; if not, the error is the answer.
                Err(error) => self.table(table).await?.map(Some).ok_or(error),
            };
        };
        let wanted = table.schema();
        let missing = missing_columns(table, &arrow_schema(table, &delta)?, &wanted)?;
        if missing.is_empty() {
            return Ok(Some(delta));
        }
        let fields = kernel_schema(table, &Arc::new(wanted.project(&missing).map_err(|e| arrange(table, e))?))?;
        let fields: Vec<_> = fields.fields().cloned().collect();
        match delta.add_columns().with_fields(fields).await {
            Ok(_) => Ok(None),
            Err(error) if is_lost_race(&error) => Ok(None),
            Err(error) => Err(delta_error("add columns to", table, error)),
        }
    }

    async fn create(&self, table: Table) -> Result<(), CatalogError> {
        let schema = table.schema();
        let columns = kernel_schema(table, &schema)?;
        CreateBuilder::new()
            .with_log_store(self.unloaded(table)?.log_store())
            .with_table_name(table.name())
            .with_columns(columns.fields().cloned())
            .with_partition_columns([PARTITION])
            // Statistics of every column, so that a search skips files whose largest speed is too small.
            .with_configuration_property(
                TableProperty::DataSkippingNumIndexedCols,
                Some(schema.fields().len().to_string()),
            )
            .with_save_mode(SaveMode::ErrorIfExists)
            .with_commit_properties(CommitProperties::default().with_max_retries(0))
            .await
            .map(drop)
            .map_err(|error| delta_error("create", table, error))
    }

    /// Whether the actions became the version right after `delta`'s.
    async fn commit(&self, table: Table, delta: &DeltaTable, actions: Vec<Action>) -> Result<bool, CatalogError> {
        let snapshot = delta.snapshot().map_err(|error| delta_error("read", table, error))?;
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![PARTITION.to_owned()]),
            predicate: None,
        };
        let result = CommitBuilder::from(CommitProperties::default().with_max_retries(0))
            .with_actions(actions)
            .build(Some(snapshot as &dyn TableReference), delta.log_store(), operation)
            .await;
        match result {
            Ok(_) => Ok(true),
            Err(error) if is_lost_race(&error) => Ok(false),
            Err(error) => Err(delta_error("commit to", table, error)),
        }
    }

    /// Takes back files that no commit will name. One that stays behind costs room, not correctness: no reader sees it.
    async fn discard(&self, table: Table, staged: &Staged) {
        let Ok(at) = self.table_location(table) else { return };
        for action in &staged.actions {
            if let Action::Add(add) = action
                && let Ok(path) = Path::from_url_path(&add.path)
                && let Err(error) = at.store.delete(&path).await
            {
                tracing::warn!(%table, path = %add.path, %error, "a file that no commit names stays behind");
            }
        }
    }
}

/// Files written and not yet committed.
struct Staged {
    actions: Vec<Action>,
    rows: u64,
    present: BTreeSet<String>,
}

async fn stage(
    table: Table,
    delta: &DeltaTable,
    rows: &[RecordBatch],
    present: BTreeSet<String>,
) -> Result<Staged, CatalogError> {
    let failed = |error| delta_error("write files of", table, error);
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = RecordBatchWriter::for_table(delta)
        .map_err(failed)?
        .with_writer_properties(properties)
        .with_target_file_size(TARGET_FILE_BYTES);
    let schema = writer.arrow_schema();
    let mut count = 0;
    for batch in rows {
        let batch = conform(table, &schema, &without(table, batch, &present)?)?;
        if batch.num_rows() > 0 {
            count += batch.num_rows() as u64;
            writer.write(batch).await.map_err(failed)?;
        }
    }
    let actions = if count == 0 { Vec::new() } else { writer.flush().await.map_err(failed)? };
    Ok(Staged { actions: actions.into_iter().map(Action::Add).collect(), rows: count, present })
}

/// The clips and days a set of rows is about.
struct Keys {
    clips: BTreeSet<String>,
    days: BTreeSet<i32>,
}

impl Keys {
    fn of(table: Table, rows: &[RecordBatch]) -> Result<Self, CatalogError> {
        let mut keys = Self { clips: BTreeSet::new(), days: BTreeSet::new() };
        for batch in rows {
            // Rows of a clip stand together, so comparing with the last one seen avoids most look-ups.
            let mut last = None;
            for clip in clip_ids(table, batch)?.iter().flatten() {
                if last != Some(clip) {
                    last = Some(clip);
                    if !keys.clips.contains(clip) {
                        keys.clips.insert(clip.to_owned());
                    }
                }
            }
            let days = column(table, batch, PARTITION)?;
            let days =
                days.as_primitive_opt::<Date32Type>().ok_or_else(|| wrong_type(table, PARTITION, "date", days))?;
            keys.days.extend(days.iter().flatten());
        }
        Ok(keys)
    }
}

async fn find_clips(
    table: Table,
    delta: &DeltaTable,
    clips: &BTreeSet<String>,
    days: Option<&BTreeSet<i32>>,
) -> Result<BTreeSet<String>, CatalogError> {
    let provider = delta.table_provider().await.map_err(CatalogError::query)?;
    let context = SessionContext::new();
    delta.update_datafusion_session(&context.state()).map_err(|error| delta_error("read", table, error))?;
    let mut wanted = clip_in(clips);
    if let Some(days) = days {
        let days = days.iter().map(|&day| lit(ScalarValue::Date32(Some(day)))).collect();
        wanted = col(PARTITION).in_list(days, false).and(wanted);
    }
    let batches = async {
        let rows = context.read_table(provider)?.filter(wanted)?.select(vec![col("clip_id")])?.distinct()?;
        rows.collect().await
    };
    let mut found = BTreeSet::new();
    for batch in batches.await.map_err(CatalogError::query)? {
        let ids = arrow::compute::cast(batch.column(0), &DataType::Utf8).map_err(|error| arrange(table, error))?;
        found.extend(ids.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(found)
}

fn clip_in(clips: &BTreeSet<String>) -> Expr {
    col("clip_id").in_list(clips.iter().map(lit).collect(), false)
}

fn without(table: Table, batch: &RecordBatch, clips: &BTreeSet<String>) -> Result<RecordBatch, CatalogError> {
    if clips.is_empty() {
        return Ok(batch.clone());
    }
    let keep: BooleanArray =
        clip_ids(table, batch)?.iter().map(|clip| Some(clip.is_some_and(|clip| !clips.contains(clip)))).collect();
    filter_record_batch(batch, &keep).map_err(|error| arrange(table, error))
}

/// The batch with the table's columns in the table's order; a column it does not have is null.
fn conform(table: Table, schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, CatalogError> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
        Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
        Some(column) => Err(wrong_type(table, field.name(), &field.data_type().to_string(), column)),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(|error| arrange(table, error))
}

fn clip_ids(table: Table, batch: &RecordBatch) -> Result<&arrow::array::StringArray, CatalogError> {
    let ids = column(table, batch, "clip_id")?;
    ids.as_string_opt::<i32>().ok_or_else(|| wrong_type(table, "clip_id", "text", ids))
}

fn column<'a>(table: Table, batch: &'a RecordBatch, name: &str) -> Result<&'a arrow::array::ArrayRef, CatalogError> {
    batch.column_by_name(name).ok_or_else(|| CatalogError::Schema {
        table,
        column: name.to_owned(),
        expected: "a column of that name".to_owned(),
        found: "none".to_owned(),
    })
}

fn wrong_type(table: Table, name: &str, expected: &str, found: &dyn Array) -> CatalogError {
    CatalogError::Schema {
        table,
        column: name.to_owned(),
        expected: expected.to_owned(),
        found: found.data_type().to_string(),
    }
}

/// Indices of `wanted` columns the table lacks. A column of another type is an error: the table is not ours.
pub(crate) fn missing_columns(table: Table, found: &SchemaRef, wanted: &SchemaRef) -> Result<Vec<usize>, CatalogError> {
    let mut missing = Vec::new();
    for (index, field) in wanted.fields().iter().enumerate() {
        match found.field_with_name(field.name()) {
            Err(_) => missing.push(index),
            Ok(there) if there.data_type() == field.data_type() => {}
            Ok(there) => {
                return Err(CatalogError::Schema {
                    table,
                    column: field.name().clone(),
                    expected: field.data_type().to_string(),
                    found: there.data_type().to_string(),
                });
            }
        }
    }
    Ok(missing)
}

pub(crate) fn arrow_schema(table: Table, delta: &DeltaTable) -> Result<SchemaRef, CatalogError> {
    let snapshot = delta.snapshot().map_err(|error| delta_error("read", table, error))?;
    Ok(snapshot.snapshot().arrow_schema())
}

fn kernel_schema(table: Table, schema: &SchemaRef) -> Result<StructType, CatalogError> {
    schema.as_ref().try_into_kernel().map_err(|error| arrange(table, error))
}

fn arrange(table: Table, source: arrow::error::ArrowError) -> CatalogError {
    CatalogError::Arrow { table, source: Box::new(source) }
}

pub(crate) fn delta_error(action: &'static str, table: Table, source: DeltaTableError) -> CatalogError {
    CatalogError::Delta { action, table, source: Box::new(source) }
}

fn is_lost_race(error: &DeltaTableError) -> bool {
    match error {
        DeltaTableError::VersionAlreadyExists(_) => true,
        DeltaTableError::Transaction { source } => matches!(
            source,
            TransactionError::VersionAlreadyExists(_)
                | TransactionError::CommitConflict(_)
                | TransactionError::MaxCommitAttempts(_)
        ),
        _ => false,
    }
}

/// Exponential backoff up to 2 s, spread at random so that writers do not meet again.
async fn pause(attempt: u32) {
    if attempt > 0 {
        let longest = (20_u64 << attempt.min(7)).min(2_000);
        let spread = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
        tokio::time::sleep(Duration::from_millis(longest / 2 + longest * spread / 512)).await;
    }
}
