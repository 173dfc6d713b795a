//! One clip's bytes to Arrow rows. Pure: no store, no clock.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Float64Builder, Int64Array, Int64Builder, ListBuilder, RecordBatch,
    StringArray, StringBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Field};
use bytes::Bytes;
use chrono::{DateTime, Datelike};
use cloverleaf_catalog::schema::SIGNALS_KEY_COLUMNS;
use cloverleaf_catalog::{Lake, Table};
use cloverleaf_clip::{Manifest, RecordingReader, Selection};
use cloverleaf_signals::messages::{Kind, LocationFix, Message, ObjectClass, ObjectList};
use cloverleaf_signals::vss::{Catalogue, SignalId};
use cloverleaf_vocabulary::BootTime;

use crate::grid::{Column, Grid};

/// Longest clip, seconds: above it the window is taken for damaged, since grids are allocated by it.
pub const MAX_CLIP_S: usize = 3_600;
const GRID_HZ: usize = 20;
const VSS_PREFIX: &str = "/vss/";
const OBJECTS_SUFFIX: &str = "/objects";
const NANOS_PER_SEC: f64 = 1e9;

/// A clip, decoded.
#[derive(Debug, Clone)]
pub struct DecodedClip {
    /// Its UTC day, `YYYY-MM-DD`; `1970-01-01` when the vehicle did not know UTC.
    pub day: String,
    /// Rows by table, in the columns of `cloverleaf_catalog::schema`.
    pub rows: BTreeMap<Table, RecordBatch>,
    /// Samples and object fields that were not finite.
    pub not_finite: u64,
    /// Topics under `/vss/` that the catalogue does not know, with their messages.
    pub unknown_signals: BTreeMap<String, u64>,
}

impl DecodedClip {
    /// Bytes of the rows in memory.
    pub fn memory_bytes(&self) -> usize {
        self.rows.values().map(RecordBatch::get_array_memory_size).sum()
    }
}

/// Decodes a clip's file, already verified against `beside`, the manifest that landed beside it. The error says in
/// words what is wrong with the file.
pub fn decode(name: &str, beside: &Manifest, file: Bytes) -> Result<DecodedClip, String> {
    let mut reader = RecordingReader::open(name, Cursor::new(file)).map_err(in_words)?;
    let inside = reader.manifest().ok_or("the file has no manifest: it is a recording, not a clip")?;
    let stripped = Manifest { size_bytes: None, sha256: None, ..beside.clone() };
    if *inside != stripped {
        return Err(format!(
            "the manifest inside ({} of {}) is not the one beside the file ({} of {}): one of them was replaced",
            inside.clip, inside.boot, beside.clip, beside.boot
        ));
    }
    let clip = Clip::new(beside)?;
    let mut body = Body::new(clip.grid, &reader);
    let topics = body.wanted_topics();
    for message in reader.messages(&Selection { topics: Some(topics), ..Selection::default() }) {
        let message = message.map_err(in_words)?;
        body.take(message.channel, message.time, &message.payload).map_err(|problem| format!("{name}: {problem}"))?;
    }
    let topics: Vec<String> = reader.channels().iter().map(|channel| channel.topic.clone()).collect();
    let messages = reader.channels().iter().map(|channel| channel.messages).sum();
    let rows = body.into_rows(&clip, &topics, messages)?;
    Ok(DecodedClip {
        day: clip.day_text,
        rows: rows.tables,
        not_finite: rows.not_finite,
        unknown_signals: rows.unknown_signals,
    })
}

/// What every row of a clip shares.
struct Clip<'a> {
    manifest: &'a Manifest,
    grid: Grid,
    day: i32,
    day_text: String,
}

impl<'a> Clip<'a> {
    fn new(manifest: &'a Manifest) -> Result<Self, String> {
        let (start, end) = (manifest.start_ns, manifest.end_ns);
        let grid = Grid::new(start.as_nanos(), end.as_nanos(), MAX_CLIP_S * GRID_HZ + 1)
            .ok_or_else(|| format!("the clip's window is {}: at most {MAX_CLIP_S} s are ingested", end - start))?;
        let start_s = manifest.clock.map_or(0, |clock| clock.utc(start).as_nanos().div_euclid(1_000_000_000));
        let date = DateTime::from_timestamp(start_s, 0).map(|at| at.date_naive());
        let date = date
            .filter(|date| (1970..=9999).contains(&date.year()))
            .ok_or("its clock relation puts the clip before 1970 or after 9999")?;
        let day = i32::try_from(start_s.div_euclid(86_400)).map_err(|error| error.to_string())?;
        Ok(Self { manifest, grid, day, day_text: date.format("%Y-%m-%d").to_string() })
    }

    /// UTC microseconds; `None` when the vehicle did not know UTC.
    fn utc_us(&self, at: BootTime) -> Option<i64> {
        self.manifest.clock.map(|clock| clock.utc(at).as_nanos().div_euclid(1_000))
    }

    /// Seconds since the clip's start, negative before it.
    fn t_s(&self, at: BootTime) -> f64 {
        (at - self.manifest.start_ns).as_secs_f64()
    }

    /// The columns every table starts with.
    fn key(&self, rows: usize) -> Vec<ArrayRef> {
        vec![
            Arc::new(Date32Array::from_value(self.day, rows)),
            repeat(self.manifest.clip.as_str(), rows),
            repeat(self.manifest.vehicle.as_str(), rows),
        ]
    }

    fn times(&self, at: impl Iterator<Item = BootTime>) -> ArrayRef {
        let times: TimestampMicrosecondArray = at.map(|at| self.utc_us(at)).collect();
        Arc::new(times.with_timezone("UTC"))
    }
}

/// What one channel's messages become.
#[derive(Debug, Clone)]
enum Use {
    Signal(SignalId),
    Objects(String),
    Fix,
    Nothing,
}

/// The parts of a clip that become rows.
struct Body {
    uses: Vec<(String, Use)>,
    signals: Vec<Option<Column>>,
    grid: Grid,
    objects: Objects,
    start_place: Option<(f64, f64)>,
    not_finite: u64,
    unknown_signals: BTreeMap<String, u64>,
}

struct Rows {
    tables: BTreeMap<Table, RecordBatch>,
    not_finite: u64,
    unknown_signals: BTreeMap<String, u64>,
}

impl Body {
    fn new<R: std::io::Read + std::io::Seek>(grid: Grid, reader: &RecordingReader<R>) -> Self {
        let catalogue = Catalogue::standard();
        let mut unknown_signals = BTreeMap::new();
        let mut uses = Vec::new();
        for channel in reader.channels() {
            let wanted = match channel.kind {
                Some(Kind::SignalSample) => match channel.topic.strip_prefix(VSS_PREFIX) {
                    Some(name) if catalogue.id(name).is_some() => catalogue.id(name).map(Use::Signal),
                    Some(name) => {
                        *unknown_signals.entry(name.to_owned()).or_default() += channel.messages;
                        None
                    }
                    None => None,
                },
                Some(Kind::ObjectList) => {
                    let sensor = channel.topic.trim_start_matches('/');
                    Some(Use::Objects(sensor.strip_suffix(OBJECTS_SUFFIX).unwrap_or(sensor).to_owned()))
                }
                Some(Kind::LocationFix) => Some(Use::Fix),
                _ => None,
            };
            uses.push((channel.topic.clone(), wanted.unwrap_or(Use::Nothing)));
        }
        Self {
            uses,
            signals: std::iter::repeat_with(|| None).take(catalogue.len()).collect(),
            grid,
            objects: Objects::default(),
            start_place: None,
            not_finite: 0,
            unknown_signals,
        }
    }

    fn wanted_topics(&self) -> Vec<String> {
        let wanted = self.uses.iter().filter(|(_, wanted)| !matches!(wanted, Use::Nothing));
        wanted.map(|(topic, _)| topic.clone()).collect()
    }

    fn take(&mut self, channel: usize, time: BootTime, payload: &[u8]) -> Result<(), String> {
        let Some((topic, wanted)) = self.uses.get(channel) else { return Ok(()) };
        let kind = match wanted {
            Use::Signal(_) => Kind::SignalSample,
            Use::Objects(_) => Kind::ObjectList,
            Use::Fix => Kind::LocationFix,
            Use::Nothing => return Ok(()),
        };
        let message = Message::decode(kind, payload)
            .map_err(|error| format!("topic {topic} at {} ns: {error}", time.as_nanos()))?;
        match (wanted, message) {
            (Use::Signal(id), Message::SignalSample(sample)) => {
                let column = self.signals[id.index()].get_or_insert_with(|| Column::new(self.grid));
                if !column.sample(time.as_nanos(), sample.value) {
                    self.not_finite += 1;
                }
            }
            (Use::Objects(sensor), Message::ObjectList(list)) => {
                self.not_finite += self.objects.push(time, sensor, &list);
            }
            (Use::Fix, Message::LocationFix(fix)) if self.start_place.is_none() => self.start_place = place(&fix),
            _ => {}
        }
        Ok(())
    }

    fn into_rows(self, clip: &Clip<'_>, topics: &[String], messages: u64) -> Result<Rows, String> {
        let place = self.start_place;
        let tables = [
            (Table::Signals, signals_columns(clip, self.signals)),
            (Table::Objects, self.objects.into_columns(clip)),
            (Table::Events, event_columns(clip)),
            (Table::Clips, clip_columns(clip, topics, messages, place)),
        ];
        let tables = tables
            .into_iter()
            .map(|(table, columns)| {
                let batch =
                    RecordBatch::try_new(table.schema(), columns).map_err(|error| format!("{table}: {error}"))?;
                Ok((table, batch))
            })
            .collect::<Result<_, String>>()?;
        Ok(Rows { tables, not_finite: self.not_finite, unknown_signals: self.unknown_signals })
    }
}

/// Object rows in the making.
#[derive(Default)]
struct Objects {
    at: Vec<BootTime>,
    sensor: StringBuilder,
    id: Int64Builder,
    class: StringBuilder,
    /// x, y, vx, vy, length, width.
    numbers: [Float64Builder; 6],
}

impl Objects {
    /// Returns how many fields were not finite.
    fn push(&mut self, time: BootTime, sensor: &str, list: &ObjectList) -> u64 {
        let mut not_finite = 0;
        for object in &list.objects {
            self.at.push(time);
            self.sensor.append_value(sensor);
            self.id.append_value(i64::from(object.id));
            self.class.append_value(class_name(object.class()));
            // Length and width 0 mean that the sensor does not say (ObjectList.proto).
            let said = |size: f64| (size != 0.0).then_some(size);
            let fields = [
                Some(object.x_m),
                Some(object.y_m),
                Some(object.vx_mps),
                Some(object.vy_mps),
                said(object.length_m),
                said(object.width_m),
            ];
            for (cells, value) in self.numbers.iter_mut().zip(fields) {
                not_finite += u64::from(value.is_some_and(|value| !value.is_finite()));
                cells.append_option(value.filter(|value| value.is_finite()));
            }
        }
        not_finite
    }

    fn into_columns(mut self, clip: &Clip<'_>) -> Vec<ArrayRef> {
        let mut columns = clip.key(self.at.len());
        columns.extend(instants(clip, &self.at));
        columns.push(Arc::new(self.sensor.finish()));
        columns.push(Arc::new(self.id.finish()));
        columns.push(Arc::new(self.class.finish()));
        columns.extend(self.numbers.iter_mut().map(|cells| Arc::new(cells.finish()) as ArrayRef));
        columns
    }
}

fn signals_columns(clip: &Clip<'_>, signals: Vec<Option<Column>>) -> Vec<ArrayRef> {
    let rows = clip.grid.len();
    let at: Vec<BootTime> = (0..rows).map(|k| BootTime::from_nanos(clip.grid.at(k))).collect();
    let mut columns = Vec::with_capacity(SIGNALS_KEY_COLUMNS + signals.len());
    columns.extend(clip.key(rows));
    columns.extend(instants(clip, &at));
    columns.extend(
        signals
            .into_iter()
            .map(|signal| signal.map_or_else(|| new_null_array(&DataType::Float64, rows), Column::finish)),
    );
    columns
}

fn event_columns(clip: &Clip<'_>) -> Vec<ArrayRef> {
    let events = &clip.manifest.triggers;
    let mut columns = clip.key(events.len());
    columns.push(repeat(clip.manifest.boot.as_str(), events.len()));
    columns.push(Arc::new(StringArray::from_iter_values(events.iter().map(|event| event.rule.as_str()))));
    columns.push(clip.times(events.iter().map(|event| event.at_ns)));
    columns.push(clip.times(events.iter().map(|event| event.until_ns)));
    columns.push(boot_ns(events.iter().map(|event| event.at_ns)));
    columns.push(boot_ns(events.iter().map(|event| event.until_ns)));
    columns.push(Arc::new(Float64Array::from_iter_values(events.iter().map(|event| clip.t_s(event.at_ns)))));
    let lasting = |event: &cloverleaf_clip::Trigger| event.until_ns.saturating_since(event.at_ns).as_secs_f64();
    columns.push(Arc::new(Float64Array::from_iter_values(events.iter().map(lasting))));
    columns.push(Arc::new(StringArray::from_iter_values(events.iter().map(|event| &event.message))));
    columns
}

fn clip_columns(clip: &Clip<'_>, topics: &[String], messages: u64, place: Option<(f64, f64)>) -> Vec<ArrayRef> {
    let manifest = clip.manifest;
    let (start, end) = (manifest.start_ns, manifest.end_ns);
    let mut rules: Vec<&str> = manifest.triggers.iter().map(|trigger| trigger.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    let mut topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    topics.sort_unstable();
    topics.dedup();
    let path = Lake::clip_path(&clip.day_text, manifest.clip.as_str());
    let uncertainty_s = manifest.clock.map(|clock| clock.uncertainty_ns as f64 / NANOS_PER_SEC);
    let mut columns = clip.key(1);
    columns.extend([
        repeat(manifest.boot.as_str(), 1),
        number(manifest.sequence),
        clip.times([start].into_iter()),
        clip.times([end].into_iter()),
        boot_ns([start].into_iter()),
        boot_ns([end].into_iter()),
        real(Some((end - start).as_secs_f64())),
        list(&rules),
        list(&topics),
        number(messages),
        number(manifest.size_bytes.unwrap_or_default()),
        repeat(manifest.sha256.as_deref().unwrap_or_default(), 1),
        repeat(path.as_ref(), 1),
        repeat(&manifest.software, 1),
        repeat(&manifest.origin, 1),
        real(place.map(|(latitude, _)| latitude)),
        real(place.map(|(_, longitude)| longitude)),
        real(uncertainty_s),
    ]);
    columns
}

/// `time`, `boot_ns`, `t_s`.
fn instants(clip: &Clip<'_>, at: &[BootTime]) -> [ArrayRef; 3] {
    let mut times = TimestampMicrosecondBuilder::with_capacity(at.len());
    at.iter().for_each(|&at| times.append_option(clip.utc_us(at)));
    let t_s = Float64Array::from_iter_values(at.iter().map(|&at| clip.t_s(at)));
    [Arc::new(times.finish().with_timezone("UTC")), boot_ns(at.iter().copied()), Arc::new(t_s)]
}

/// A position that a receiver really had: in range, and not the 0/0 that some send before their first fix.
fn place(fix: &LocationFix) -> Option<(f64, f64)> {
    let (latitude, longitude) = (fix.latitude, fix.longitude);
    let valid = latitude.abs() <= 90.0 && longitude.abs() <= 180.0 && (latitude, longitude) != (0.0, 0.0);
    valid.then_some((latitude, longitude))
}

const fn class_name(class: ObjectClass) -> &'static str {
    match class {
        ObjectClass::Unknown => "unknown",
        ObjectClass::Car => "car",
        ObjectClass::Truck => "truck",
        ObjectClass::Motorbike => "motorbike",
        ObjectClass::Bicycle => "bicycle",
        ObjectClass::Pedestrian => "pedestrian",
        ObjectClass::Other => "other",
    }
}

fn boot_ns(at: impl Iterator<Item = BootTime>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(at.map(|at| saturating(at.as_nanos()))))
}

fn repeat(text: &str, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows)))
}

fn number(value: u64) -> ArrayRef {
    Arc::new(Int64Array::from_value(saturating(value), 1))
}

fn real(value: Option<f64>) -> ArrayRef {
    Arc::new(Float64Array::from(vec![value]))
}

fn list(texts: &[&str]) -> ArrayRef {
    let item = Arc::new(Field::new("element", DataType::Utf8, true));
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(item);
    texts.iter().for_each(|text| builder.values().append_value(text));
    builder.append(true);
    Arc::new(builder.finish())
}

fn saturating(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn in_words(error: cloverleaf_clip::ClipError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
