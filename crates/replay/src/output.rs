//! Writes a Rerun recording chunk by chunk, under a temporary name until it is whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use cloverleaf_vocabulary::{BootTime, ClockOffset};
use rerun::external::re_log_encoding::{Encoder, EncodingOptions};
use rerun::external::re_log_types::{
    ApplicationId, BlueprintActivationCommand, EntityPath, LogMsg, RecordingId, SetStoreInfo, StoreId, StoreInfo,
    StoreSource, TimePoint,
};
use rerun::log::{Chunk, ChunkComponents, ChunkId, RowId, TimeColumn};
use rerun::{AsComponents, SerializedComponentColumn, StoreKind};

use crate::ReplayError;

/// Seconds since the start of the clip.
pub const TIMELINE: &str = "time";
/// UTC, when the recording's clock relation is known.
pub const UTC_TIMELINE: &str = "utc";
/// Groups our recordings in the viewer.
const APPLICATION: &str = "cloverleaf";

type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// A Rerun recording being written.
pub(crate) struct Output {
    file: PartialFile,
    encoder: Encoder<BufWriter<File>>,
    store: StoreId,
    origin: BootTime,
    clock: Option<ClockOffset>,
    rows: BTreeMap<String, u64>,
}

impl Output {
    /// Starts the recording `id`, shown as `name`; time 0 is `origin`.
    pub fn create(
        path: &Path,
        id: &str,
        name: &str,
        origin: BootTime,
        clock: Option<ClockOffset>,
    ) -> Result<Self, ReplayError> {
        let file = PartialFile::new(path)?;
        let encode = |source: BoxedError| ReplayError::Encode { path: path.to_owned(), source };
        let created =
            File::create(&file.partial).map_err(|source| ReplayError::Output { path: path.to_owned(), source })?;
        let store = StoreId::new(StoreKind::Recording, ApplicationId::from(APPLICATION), RecordingId::from(id));
        let info = store_info(store.clone());
        let version = info.store_version.ok_or_else(|| encode("the Rerun SDK does not know its version".into()))?;
        let options = EncodingOptions::PROTOBUF_COMPRESSED;
        let encoder = Encoder::new_eager(version, options, BufWriter::new(created)).map_err(|e| encode(e.into()))?;
        let mut output = Self { file, encoder, store, origin, clock, rows: BTreeMap::new() };
        output.append(&LogMsg::SetStoreInfo(SetStoreInfo { row_id: *RowId::new(), info }))?;
        let mut about = rerun::archetypes::RecordingInfo::new().with_name(name);
        if let Some(clock) = clock {
            about = about.with_start_time(rerun::components::Timestamp::from(clock.utc(origin).as_nanos()));
        }
        output.append_chunk(static_chunk(EntityPath::properties(), &about))?;
        Ok(output)
    }

    /// Writes data that holds at all times.
    pub fn write_static(&mut self, entity: &str, archetype: &dyn AsComponents) -> Result<(), ReplayError> {
        self.append_chunk(static_chunk(EntityPath::parse_forgiving(entity), archetype))
    }

    /// Writes one row a time; every column has as many rows as there are times.
    pub fn write_columns(
        &mut self,
        entity: &str,
        times: &[BootTime],
        columns: impl IntoIterator<Item = SerializedComponentColumn>,
    ) -> Result<(), ReplayError> {
        if times.is_empty() {
            return Ok(());
        }
        let since_origin: Vec<i64> = times.iter().map(|&time| (time - self.origin).as_nanos()).collect();
        let mut timelines = vec![TimeColumn::new_duration_nanos(TIMELINE, since_origin)];
        if let Some(clock) = self.clock {
            let utc: Vec<i64> = times.iter().map(|&time| clock.utc(time).as_nanos()).collect();
            timelines.push(TimeColumn::new_timestamp_nanos_since_epoch(UTC_TIMELINE, utc));
        }
        let timelines = timelines.into_iter().map(|column| (*column.timeline().name(), column)).collect();
        let components: ChunkComponents =
            columns.into_iter().map(|column| (column.descriptor, column.list_array)).collect();
        let path = EntityPath::parse_forgiving(entity);
        let chunk = Chunk::from_auto_row_ids(ChunkId::new(), path, timelines, components);
        self.append_chunk(chunk.map_err(BoxedError::from))?;
        *self.rows.entry(entity.to_owned()).or_default() += times.len() as u64;
        Ok(())
    }

    /// Makes a layout, given as archetypes by their place in it, the one the viewer opens with.
    pub fn write_blueprint(
        &mut self,
        parts: impl IntoIterator<Item = (String, Box<dyn AsComponents>)>,
    ) -> Result<(), ReplayError> {
        // The viewer merges layouts of one id, so each gets its own.
        let blueprint = StoreId::new(StoreKind::Blueprint, ApplicationId::from(APPLICATION), RecordingId::random());
        let recording = std::mem::replace(&mut self.store, blueprint);
        let info = store_info(self.store.clone());
        self.append(&LogMsg::SetStoreInfo(SetStoreInfo { row_id: *RowId::new(), info }))?;
        // The viewer reads a layout on a timeline of this name.
        let when = TimePoint::default().with(rerun::Timeline::new_sequence("blueprint"), 0);
        for (path, archetype) in parts {
            let chunk = Chunk::builder(EntityPath::parse_forgiving(&path))
                .with_serialized_batches(RowId::new(), when.clone(), archetype.as_serialized_batches())
                .build();
            self.append_chunk(chunk.map_err(BoxedError::from))?;
        }
        let blueprint_id = std::mem::replace(&mut self.store, recording);
        self.append(&LogMsg::BlueprintActivationCommand(BlueprintActivationCommand {
            blueprint_id,
            make_active: true,
            make_default: true,
        }))
    }

    /// Rows written so far, by entity.
    pub fn rows(&self) -> &BTreeMap<String, u64> {
        &self.rows
    }

    /// Wraps a failure to lay data out as Rerun wants it.
    pub fn encode_error(&self, source: impl Into<BoxedError>) -> ReplayError {
        ReplayError::Encode { path: self.file.path.clone(), source: source.into() }
    }

    /// Completes the file and gives it its name; returns its size and the rows by entity.
    pub fn finish(mut self) -> Result<(u64, BTreeMap<String, u64>), ReplayError> {
        let path = self.file.path.clone();
        let encode = |error: BoxedError| ReplayError::Encode { path: path.clone(), source: error };
        let failed = |source| ReplayError::Output { path: path.clone(), source };
        self.encoder.finish().map_err(|error| encode(error.into()))?;
        let mut writer = self.encoder.into_inner().map_err(|error| encode(error.into()))?;
        writer.flush().map_err(failed)?;
        let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        self.file.keep()?;
        Ok((size, self.rows))
    }

    fn append_chunk(&mut self, chunk: Result<Chunk, BoxedError>) -> Result<(), ReplayError> {
        let message = chunk.and_then(|chunk| Ok(chunk.to_arrow_msg()?));
        let message = message.map_err(|error| self.encode_error(error))?;
        self.append(&LogMsg::ArrowMsg(self.store.clone(), message))
    }

    fn append(&mut self, message: &LogMsg) -> Result<(), ReplayError> {
        self.encoder.append(message).map(drop).map_err(|error| self.encode_error(error))
    }
}

fn store_info(store: StoreId) -> StoreInfo {
    StoreInfo::new(store, StoreSource::Other(format!("cloverleaf-replay {}", env!("CARGO_PKG_VERSION"))))
}

fn static_chunk(path: EntityPath, archetype: &dyn AsComponents) -> Result<Chunk, BoxedError> {
    let batches = archetype.as_serialized_batches();
    let chunk = Chunk::builder(path).with_serialized_batches(RowId::new(), TimePoint::default(), batches).build()?;
    Ok(chunk)
}

/// The output under its temporary name; removed unless kept.
struct PartialFile {
    path: PathBuf,
    partial: PathBuf,
    kept: bool,
}

impl PartialFile {
    fn new(path: &Path) -> Result<Self, ReplayError> {
        let is_rrd = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("rrd"));
        let Some(name) = path.file_name().filter(|_| is_rrd) else {
            return Err(ReplayError::OutputName(path.to_owned()));
        };
        let partial = path.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
        Ok(Self { path: path.to_owned(), partial, kept: false })
    }

    fn keep(&mut self) -> Result<(), ReplayError> {
        fs::rename(&self.partial, &self.path)
            .map_err(|source| ReplayError::Output { path: self.path.clone(), source })?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.kept {
            // It may not exist yet, and there is nobody left to tell.
            fs::remove_file(&self.partial).ok();
        }
    }
}
