//! What the caller takes from the lake: rows of `clips`, `signals` and `objects` (docs/tables.md) and the result of a
//! situation's candidate query, as plain values or straight from Arrow record batches.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use cloverleaf_vocabulary::ActorClass;

use crate::situation::Situation;

/// Columns of `clips` that mining reads.
pub const CLIP_COLUMNS: &[&str] = &[
    "clip_id",
    "vehicle_id",
    "boot_id",
    "start_boot_ns",
    "end_boot_ns",
    "start_time",
    "sha256",
    "origin",
    "utc_uncertainty_s",
];

/// Columns of `signals` that mining reads; the ones after the first two may be null or absent.
pub const SIGNAL_COLUMNS: &[&str] = &[
    "boot_ns",
    "Vehicle.Speed",
    "Vehicle.AngularVelocity.Yaw",
    "Vehicle.CurrentLocation.Latitude",
    "Vehicle.CurrentLocation.Longitude",
    "Vehicle.ADAS.Lane.LateralOffset",
    "Vehicle.ADAS.Lane.Width",
];

/// Columns of `objects` that mining reads.
pub const OBJECT_COLUMNS: &[&str] =
    &["boot_ns", "sensor", "object_id", "class", "x_m", "y_m", "vx_mps", "length_m", "width_m"];

/// Columns a candidate query returns; `rule_id` may be null or absent.
pub const CANDIDATE_COLUMNS: &[&str] = &["clip_id", "start_boot_ns", "end_boot_ns", "rule_id"];

/// A row of `clips`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipRow {
    /// Clip id.
    pub clip_id: String,
    /// Vehicle id.
    pub vehicle_id: String,
    /// Boot id.
    pub boot_id: String,
    /// Start, ns of the boot's clock.
    pub start_boot_ns: i64,
    /// End, ns of the boot's clock.
    pub end_boot_ns: i64,
    /// Start, UTC microseconds since 1970; `None` when the clip's clock relation is unknown.
    pub start_utc_us: Option<i64>,
    /// SHA-256 of the clip's file, hexadecimal.
    pub sha256: String,
    /// Where the recording came from, with its licence where third-party.
    pub origin: String,
    /// How sure UTC is, s.
    pub utc_uncertainty_s: Option<f64>,
}

/// A row of `signals`, in SI units.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SignalRow {
    /// ns of the boot's clock.
    pub boot_ns: i64,
    /// Own speed, m/s.
    pub speed_mps: Option<f64>,
    /// Own yaw rate, left positive, rad/s.
    pub yaw_rate_radps: Option<f64>,
    /// WGS 84 latitude, degrees.
    pub latitude_deg: Option<f64>,
    /// WGS 84 longitude, degrees.
    pub longitude_deg: Option<f64>,
    /// Own reference point from the middle of its lane, left positive, m.
    pub lane_offset_m: Option<f64>,
    /// Width of the own lane, m.
    pub lane_width_m: Option<f64>,
}

/// A row of `objects`. Vehicle frame of ISO 8855, origin at the middle of the front bumper.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectRow {
    /// ns of the boot's clock.
    pub boot_ns: i64,
    /// Sensor that saw it.
    pub sensor: String,
    /// The sensor's track number.
    pub object_id: i64,
    /// What the sensor takes it for; `None` when it does not say.
    pub class: Option<ActorClass>,
    /// Nearest point, ahead, m.
    pub x_m: f64,
    /// Nearest point, left, m.
    pub y_m: f64,
    /// Velocity relative to the vehicle along x, m/s.
    pub vx_mps: Option<f64>,
    /// Length, m, when known.
    pub length_m: Option<f64>,
    /// Width, m, when known.
    pub width_m: Option<f64>,
}

/// A row of a candidate query: look here.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Name of the [`Situation`] whose query found it.
    pub situation: String,
    /// Clip.
    pub clip_id: String,
    /// From, ns of the boot's clock.
    pub start_boot_ns: i64,
    /// To, ns of the boot's clock.
    pub end_boot_ns: i64,
    /// The rule that fired, when one did.
    pub rule_id: Option<String>,
}

/// Everything mining needs to know of one clip.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipInput {
    /// Its row in `clips`.
    pub clip: ClipRow,
    /// Its rows in `signals`, in any order.
    pub signals: Vec<SignalRow>,
    /// Its rows in `objects`, in any order.
    pub objects: Vec<ObjectRow>,
    /// Where the candidate queries point to in this clip; those of other clips are passed over.
    pub candidates: Vec<Candidate>,
}

/// A record batch that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("{rows}: column {column:?}: {problem}")]
pub struct RowError {
    rows: &'static str,
    column: String,
    problem: String,
}

impl ClipRow {
    /// The rows of batches with at least [`CLIP_COLUMNS`].
    pub fn from_batches(batches: &[RecordBatch]) -> Result<Vec<Self>, RowError> {
        let mut rows = Vec::new();
        for batch in batches {
            let from = Columns { rows: "clips", batch };
            let (clip, vehicle, boot) = (from.text("clip_id")?, from.text("vehicle_id")?, from.text("boot_id")?);
            let (start, end) = (from.integer("start_boot_ns")?, from.integer("end_boot_ns")?);
            let (utc, sha256) = (from.utc_us("start_time")?, from.text("sha256")?);
            let (origin, uncertainty) = (from.text("origin")?, from.optional_real("utc_uncertainty_s")?);
            for i in 0..batch.num_rows() {
                rows.push(Self {
                    clip_id: clip.required(i)?,
                    vehicle_id: vehicle.required(i)?,
                    boot_id: boot.required(i)?,
                    start_boot_ns: start.required(i)?,
                    end_boot_ns: end.required(i)?,
                    start_utc_us: utc.get(i),
                    sha256: sha256.required(i)?,
                    origin: origin.get(i).unwrap_or_default(),
                    utc_uncertainty_s: uncertainty.get(i),
                });
            }
        }
        Ok(rows)
    }
}

impl SignalRow {
    /// The rows of batches with at least `boot_ns` and `"Vehicle.Speed"` of [`SIGNAL_COLUMNS`], in VSS units.
    pub fn from_batches(batches: &[RecordBatch]) -> Result<Vec<Self>, RowError> {
        let mut rows = Vec::new();
        for batch in batches {
            let from = Columns { rows: "signals", batch };
            let boot = from.integer("boot_ns")?;
            let speed = from.real("Vehicle.Speed")?;
            let yaw = from.optional_real("Vehicle.AngularVelocity.Yaw")?;
            let latitude = from.optional_real("Vehicle.CurrentLocation.Latitude")?;
            let longitude = from.optional_real("Vehicle.CurrentLocation.Longitude")?;
            let offset = from.optional_real("Vehicle.ADAS.Lane.LateralOffset")?;
            let width = from.optional_real("Vehicle.ADAS.Lane.Width")?;
            for i in 0..batch.num_rows() {
                rows.push(Self {
                    boot_ns: boot.required(i)?,
                    speed_mps: speed.get(i).map(|kmh| kmh / 3.6),
                    yaw_rate_radps: yaw.get(i).map(f64::to_radians),
                    latitude_deg: latitude.get(i),
                    longitude_deg: longitude.get(i),
                    lane_offset_m: offset.get(i),
                    lane_width_m: width.get(i),
                });
            }
        }
        Ok(rows)
    }
}

impl ObjectRow {
    /// The rows of batches with at least `boot_ns`, `sensor`, `object_id`, `x_m` and `y_m` of [`OBJECT_COLUMNS`]. Rows
    /// without a finite position are left out.
    pub fn from_batches(batches: &[RecordBatch]) -> Result<Vec<Self>, RowError> {
        let mut rows = Vec::new();
        for batch in batches {
            let from = Columns { rows: "objects", batch };
            let (boot, sensor, id) = (from.integer("boot_ns")?, from.text("sensor")?, from.integer("object_id")?);
            let (x, y) = (from.real("x_m")?, from.real("y_m")?);
            let (class, vx) = (from.optional_text("class")?, from.optional_real("vx_mps")?);
            let (length, width) = (from.optional_real("length_m")?, from.optional_real("width_m")?);
            for i in 0..batch.num_rows() {
                let (Some(x_m), Some(y_m)) = (x.get(i), y.get(i)) else { continue };
                rows.push(Self {
                    boot_ns: boot.required(i)?,
                    sensor: sensor.required(i)?,
                    object_id: id.required(i)?,
                    class: class.get(i).and_then(|name| class_from_name(&name)),
                    x_m,
                    y_m,
                    vx_mps: vx.get(i),
                    length_m: length.get(i).filter(|m| *m > 0.0),
                    width_m: width.get(i).filter(|m| *m > 0.0),
                });
            }
        }
        Ok(rows)
    }
}

impl Candidate {
    /// The rows that the candidate query of `situation` returned.
    pub fn from_batches(situation: &Situation, batches: &[RecordBatch]) -> Result<Vec<Self>, RowError> {
        let mut rows = Vec::new();
        for batch in batches {
            let from = Columns { rows: "candidates", batch };
            let (clip, rule) = (from.text("clip_id")?, from.optional_text("rule_id")?);
            let (start, end) = (from.integer("start_boot_ns")?, from.integer("end_boot_ns")?);
            for i in 0..batch.num_rows() {
                rows.push(Self {
                    situation: situation.name.clone(),
                    clip_id: clip.required(i)?,
                    start_boot_ns: start.required(i)?,
                    end_boot_ns: end.required(i)?,
                    rule_id: rule.get(i),
                });
            }
        }
        Ok(rows)
    }
}

fn class_from_name(name: &str) -> Option<ActorClass> {
    Some(match name.to_ascii_lowercase().as_str() {
        "car" => ActorClass::Car,
        "van" => ActorClass::Van,
        "truck" => ActorClass::Truck,
        "bus" => ActorClass::Bus,
        "motorbike" | "motorcycle" => ActorClass::Motorbike,
        "bicycle" => ActorClass::Bicycle,
        "pedestrian" => ActorClass::Pedestrian,
        "other" => ActorClass::Other,
        _ => return None,
    })
}

struct Columns<'a> {
    rows: &'static str,
    batch: &'a RecordBatch,
}

/// One column as the wanted type, whatever equivalent type the query engine gave it (text as view or dictionary, ...).
struct Column<T> {
    rows: &'static str,
    name: String,
    values: Vec<Option<T>>,
}

impl<T: Clone> Column<T> {
    fn get(&self, i: usize) -> Option<T> {
        self.values.get(i).cloned().flatten()
    }

    fn required(&self, i: usize) -> Result<T, RowError> {
        self.get(i).ok_or_else(|| RowError {
            rows: self.rows,
            column: self.name.clone(),
            problem: format!("row {i} is null; mining cannot do without it"),
        })
    }
}

impl Columns<'_> {
    fn cast<T>(
        &self,
        name: &str,
        to: &DataType,
        optional: bool,
        read: impl Fn(&dyn Array) -> Vec<Option<T>>,
    ) -> Result<Column<T>, RowError> {
        let error = |problem| RowError { rows: self.rows, column: name.to_owned(), problem };
        let values = match self.batch.column_by_name(name) {
            Some(column) => {
                let column =
                    cast(column, to).map_err(|e| error(format!("expected {to}, found {}: {e}", column.data_type())))?;
                read(&column)
            }
            None if optional => Vec::new(),
            None => {
                let schema = self.batch.schema();
                let found: Vec<&str> = schema.fields().iter().take(12).map(|field| field.name().as_str()).collect();
                return Err(error(format!("missing; the rows have {}: select it in the query", found.join(", "))));
            }
        };
        Ok(Column { rows: self.rows, name: name.to_owned(), values })
    }

    fn text(&self, name: &str) -> Result<Column<String>, RowError> {
        self.cast(name, &DataType::Utf8, false, read_text)
    }

    fn optional_text(&self, name: &str) -> Result<Column<String>, RowError> {
        self.cast(name, &DataType::Utf8, true, read_text)
    }

    fn integer(&self, name: &str) -> Result<Column<i64>, RowError> {
        self.cast(name, &DataType::Int64, false, |column| column.as_primitive::<Int64Type>().iter().collect())
    }

    fn real(&self, name: &str) -> Result<Column<f64>, RowError> {
        self.cast(name, &DataType::Float64, false, read_real)
    }

    fn optional_real(&self, name: &str) -> Result<Column<f64>, RowError> {
        self.cast(name, &DataType::Float64, true, read_real)
    }

    fn utc_us(&self, name: &str) -> Result<Column<i64>, RowError> {
        use arrow::datatypes::TimestampMicrosecondType;
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        self.cast(name, &utc, true, |column| column.as_primitive::<TimestampMicrosecondType>().iter().collect())
    }
}

fn read_text(column: &dyn Array) -> Vec<Option<String>> {
    column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

/// Values that are not finite count as unknown.
fn read_real(column: &dyn Array) -> Vec<Option<f64>> {
    column.as_primitive::<Float64Type>().iter().map(|value| value.filter(|v| v.is_finite())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringViewArray};

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .unwrap()
    }

    #[test]
    fn units_become_si_and_nothing_infinite_travels() {
        let rows = SignalRow::from_batches(&[batch(vec![
            ("boot_ns", Arc::new(Int64Array::from(vec![5, 6]))),
            ("Vehicle.Speed", Arc::new(Float64Array::from(vec![Some(36.0), Some(f64::NAN)]))),
            ("Vehicle.AngularVelocity.Yaw", Arc::new(Float64Array::from(vec![Some(180.0), None]))),
        ])])
        .unwrap();
        assert_eq!(rows[0].speed_mps, Some(10.0));
        assert_eq!(rows[0].yaw_rate_radps, Some(std::f64::consts::PI));
        assert_eq!((rows[1].speed_mps, rows[1].yaw_rate_radps, rows[1].lane_width_m), (None, None, None));
    }

    #[test]
    fn text_comes_as_any_text_type_and_zero_sizes_are_unknown() {
        let rows = ObjectRow::from_batches(&[batch(vec![
            ("boot_ns", Arc::new(Int64Array::from(vec![1, 2]))),
            ("sensor", Arc::new(StringViewArray::from(vec!["front", "front"]))),
            ("object_id", Arc::new(Int64Array::from(vec![4, 4]))),
            ("class", Arc::new(StringViewArray::from(vec![Some("TRUCK"), Some("unknown")]))),
            ("x_m", Arc::new(Float64Array::from(vec![Some(20.0), None]))),
            ("y_m", Arc::new(Float64Array::from(vec![1.0, 1.0]))),
            ("length_m", Arc::new(Float64Array::from(vec![0.0, 4.0]))),
        ])])
        .unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].class, rows[0].length_m), (Some(ActorClass::Truck), None));
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = ObjectRow::from_batches(&[batch(vec![("boot_ns", Arc::new(Int64Array::from(vec![1])))])])
            .unwrap_err()
            .to_string();
        assert!(error.contains("objects") && error.contains("\"sensor\"") && error.contains("boot_ns"), "{error}");
    }
}
