//! Radar, IMU, GNSS and reference poses of a segment. All may be absent.

use std::path::Path;

use cloverleaf_signals::messages::{
    GnssVelocity, Imu, LocationFix, Message, Object, ObjectClass, ObjectList, Pose, PoseInFrame,
    PositionCovarianceType, Quaternion, Vector3, proto_timestamp,
};
use cloverleaf_vocabulary::{BootTime, ClockOffset, Timestamp};

use super::arrays::{ArrayError, Table, read_floats, read_times};
use super::{Entry, ImportError};
use crate::attitude::{self, HALF_TURN_ABOUT_X};

/// The processed radar rows count distance from the middle of the car as comma's software has it, this far behind the
/// sensor. Not in the data set's README: on Example_1 every row is the raw frame's distance (in steps of 0.04 m) plus
/// this, and a test holds it.
const RADAR_AHEAD_M: f64 = 2.7;
/// Rows nearer in time than this belong to one cycle of the radar, s; cycles are 50 ms apart.
const CYCLE_GAP_S: f64 = 0.02;
/// Receivers report a position up to this long after the moment it is for, s.
const GNSS_LATENCY_S: f64 = 0.25;

/// Times and values of one stream; `None` with a warning when it is absent.
fn stream(
    folder: &Path,
    columns: usize,
    what: &str,
    warnings: &mut Vec<String>,
) -> Result<Option<(Vec<f64>, Table)>, ImportError> {
    let times = match read_times(&folder.join("t")) {
        Ok(times) => times,
        Err(ArrayError::Missing(path)) => {
            warnings.push(format!("no {what}: {} is absent", path.display()));
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let values = read_floats(&folder.join("value"), columns)?;
    same_length(&values, times.len())?;
    Ok(Some((times, values)))
}

fn same_length(values: &Table, rows: usize) -> Result<(), ArrayError> {
    if values.row_count() == rows {
        return Ok(());
    }
    let expected = format!("as many rows as its times have ({rows})");
    Err(ArrayError::unexpected(&values.path, expected, format!("{} rows", values.row_count())))
}

fn note_dropped(what: &str, dropped: usize, warnings: &mut Vec<String>) {
    if dropped > 0 {
        warnings.push(format!("{what}: {dropped} rows with values that are not numbers were left out"));
    }
}

/// Radar tracks, row by row (forward distance, distance to the left, relative speed, two unused, address, new track),
/// gathered into one object list for each cycle.
pub fn radar(log: &Path, warnings: &mut Vec<String>) -> Result<Vec<Entry>, ImportError> {
    let Some((times, rows)) = stream(&log.join("CAN/radar"), 7, "radar", warnings)? else { return Ok(Vec::new()) };
    let mut lists = Vec::new();
    let mut objects: Vec<Object> = Vec::new();
    let (mut began_s, mut last_s, mut dropped) = (0.0, 0.0, 0);
    let mut close = |at_s: f64, objects: &mut Vec<Object>| {
        if !objects.is_empty() {
            let list = ObjectList { objects: std::mem::take(objects) };
            lists.push((BootTime::from_secs_f64(at_s), "/radar/front/objects".to_owned(), Message::ObjectList(list)));
        }
    };
    for (&time, row) in times.iter().zip(rows.rows()) {
        let (x, y, speed, address) = (row[0], row[1], row[2], row[5]);
        let is_number = [x, y, speed].iter().all(|value| value.is_finite());
        if !is_number || !(0.0..=f64::from(u32::MAX)).contains(&address) {
            dropped += 1;
            continue;
        }
        let id = address as u32;
        let is_next_cycle = time > last_s + CYCLE_GAP_S || time > began_s + 2.0 * CYCLE_GAP_S;
        if is_next_cycle || objects.iter().any(|object| object.id == id) {
            close(last_s, &mut objects);
            began_s = time;
        }
        last_s = time;
        objects.push(Object {
            id,
            x_m: x - RADAR_AHEAD_M,
            y_m: y,
            vx_mps: speed,
            vy_mps: 0.0,
            length_m: 0.0,
            width_m: 0.0,
            class: ObjectClass::Unknown as i32,
            is_new: row[6] == 1.0,
        });
    }
    close(last_s, &mut objects);
    note_dropped("radar", dropped, warnings);
    Ok(lists)
}

/// Accelerometer and gyroscope of the phone behind the windscreen: forward, right, down becomes forward, left, up.
pub fn imu(log: &Path, clock: Option<ClockOffset>, warnings: &mut Vec<String>) -> Result<Vec<Entry>, ImportError> {
    let accelerometer = stream(&log.join("IMU/accelerometer"), 3, "accelerometer", warnings)?;
    let gyro = stream(&log.join("IMU/gyro"), 3, "gyroscope", warnings)?;
    let (Some((times, forces)), Some((gyro_times, rates))) = (accelerometer, gyro) else { return Ok(Vec::new()) };
    if gyro_times.is_empty() {
        return Ok(Vec::new());
    }
    let mut dropped = 0;
    let mut entries = Vec::with_capacity(times.len());
    for (&time, force) in times.iter().zip(forces.rows()) {
        let rate = rates.row(nearest(&gyro_times, time));
        if force.iter().chain(rate).any(|value| !value.is_finite()) {
            dropped += 1;
            continue;
        }
        let at = BootTime::from_secs_f64(time);
        let message = Imu {
            utc: utc_of(clock, at),
            angular_velocity_radps: [rate[0], -rate[1], -rate[2]],
            linear_acceleration_mps2: [force[0], -force[1], -force[2]],
        };
        entries.push((at, "/imu".to_owned(), Message::Imu(message)));
    }
    note_dropped("IMU", dropped, warnings);
    Ok(entries)
}

fn nearest(times: &[f64], at: f64) -> usize {
    let after = times.partition_point(|time| *time < at).min(times.len() - 1);
    if after > 0 && at - times[after - 1] < times[after] - at { after - 1 } else { after }
}

fn utc_of(clock: Option<ClockOffset>, at: BootTime) -> Timestamp {
    clock.map_or(Timestamp::from_nanos(0), |clock| clock.utc(at))
}

/// Live GNSS of the u-blox receiver, or of the phone's when there is none.
pub struct Gnss {
    times: Vec<f64>,
    rows: Table,
}

impl Gnss {
    /// Rows: latitude, longitude (degrees), speed (m/s), UTC, altitude (m), bearing (degrees).
    pub fn read(log: &Path, warnings: &mut Vec<String>) -> Result<Option<Self>, ImportError> {
        for receiver in ["live_gnss_ublox", "live_gnss_qcom"] {
            if let Some((times, rows)) = stream(&log.join("GNSS").join(receiver), 6, receiver, warnings)? {
                return Ok(Some(Self { times, rows }));
            }
        }
        Ok(None)
    }

    /// A fix arrives after the moment it is for, so of all differences the largest is the nearest to the truth.
    pub fn clock(&self) -> Option<ClockOffset> {
        let offset = |(time, row): (&f64, &[f64])| {
            let utc_ns = utc_ns(row[3])?;
            utc_ns.checked_sub(i64::try_from(BootTime::from_secs_f64(*time).as_nanos()).ok()?)
        };
        let mut offsets: Vec<i64> = self.times.iter().zip(self.rows.rows()).filter_map(offset).collect();
        offsets.sort_unstable();
        let (latest, middle) = (*offsets.last()?, offsets[offsets.len() / 2]);
        let latency_ns = (GNSS_LATENCY_S * 1e9) as i64;
        Some(ClockOffset { utc_minus_boot_ns: latest, uncertainty_ns: latency_ns.max(latest - middle) })
    }

    /// Position and velocity messages.
    pub fn entries(self, warnings: &mut Vec<String>) -> Vec<Entry> {
        let mut dropped = 0;
        let mut entries = Vec::with_capacity(2 * self.times.len());
        for (&time, row) in self.times.iter().zip(self.rows.rows()) {
            let on_earth = row[0].abs() <= 90.0 && row[1].abs() <= 180.0;
            if !on_earth || row.iter().any(|value| !value.is_finite()) {
                dropped += 1;
                continue;
            }
            let at = BootTime::from_secs_f64(time);
            let utc_ns = utc_ns(row[3]).unwrap_or(0);
            let fix = LocationFix {
                timestamp: Some(proto_timestamp(Timestamp::from_nanos(utc_ns))),
                frame_id: "gnss".to_owned(),
                latitude: row[0],
                longitude: row[1],
                altitude: row[4],
                position_covariance: Vec::new(),
                position_covariance_type: PositionCovarianceType::Unknown as i32,
            };
            let velocity = GnssVelocity { speed_mps: row[2], course_deg: row[5].rem_euclid(360.0), utc_ns };
            entries.push((at, "/gnss/fix".to_owned(), Message::LocationFix(fix)));
            entries.push((at, "/gnss/velocity".to_owned(), Message::GnssVelocity(velocity)));
        }
        note_dropped("GNSS", dropped, warnings);
        entries
    }
}

/// The README says seconds, the arrays hold milliseconds. No drive of either unit is mistaken for the other: as
/// seconds, 10^11 is the year 5138; as milliseconds, it is 1973.
fn utc_ns(value: f64) -> Option<i64> {
    if !value.is_finite() || value <= 0.0 {
        return None;
    }
    let seconds = if value > 1e11 { value / 1e3 } else { value };
    (seconds < 9e9).then(|| (seconds * 1e6).round() as i64 * 1_000)
}

/// Poses of the camera in the Earth's frame, refined offline by the data set's authors.
pub fn pose(folder: &Path, clock: Option<ClockOffset>, warnings: &mut Vec<String>) -> Result<Vec<Entry>, ImportError> {
    let poses = folder.join("global_pose");
    let times = match read_times(&poses.join("frame_times")) {
        Ok(times) => times,
        Err(ArrayError::Missing(path)) => {
            warnings.push(format!("no reference poses: {} is absent", path.display()));
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    let positions = read_floats(&poses.join("frame_positions"), 3)?;
    let orientations = read_floats(&poses.join("frame_orientations"), 4)?;
    same_length(&positions, times.len())?;
    same_length(&orientations, times.len())?;
    let mut dropped = 0;
    let mut entries = Vec::with_capacity(times.len());
    for (&time, (position, orientation)) in times.iter().zip(positions.rows().zip(orientations.rows())) {
        let norm = orientation.iter().map(|part| part * part).sum::<f64>().sqrt();
        if position.iter().any(|value| !value.is_finite()) || !(0.9..1.1).contains(&norm) {
            dropped += 1;
            continue;
        }
        let unit = [0, 1, 2, 3].map(|index| orientation[index] / norm);
        // The quaternion turns the camera's forward-right-down into the Earth's frame (its forward axis is the direction
        // of the velocities beside it); ours is forward-left-up.
        let [w, x, y, z] = attitude::product(unit, HALF_TURN_ABOUT_X);
        let at = BootTime::from_secs_f64(time);
        let message = PoseInFrame {
            timestamp: Some(proto_timestamp(utc_of(clock, at))),
            frame_id: "ecef".to_owned(),
            pose: Some(Pose {
                position: Some(Vector3 { x: position[0], y: position[1], z: position[2] }),
                orientation: Some(Quaternion { x, y, z, w }),
            }),
        };
        entries.push((at, "/pose".to_owned(), Message::PoseInFrame(message)));
    }
    note_dropped("reference poses", dropped, warnings);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_in_either_unit() {
        assert_eq!(utc_ns(1_533_226_488_299.0), Some(1_533_226_488_299_000_000));
        assert_eq!(utc_ns(1_533_226_488.299), Some(1_533_226_488_299_000_000));
        assert_eq!([f64::NAN, 0.0, -5.0, 1e30].map(utc_ns), [None; 4]);
    }
}
