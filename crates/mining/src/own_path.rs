//! Where the recording vehicle went: speed and yaw rate smoothed and integrated, turned to east and north where
//! positions were recorded.

use cloverleaf_vocabulary::{LocalFrame, Wgs84};

use crate::rows::SignalRow;
use crate::smoother::{Measurement, Smoothed, noise_sigma};

/// From the middle of the rear axle, where speed and yaw rate give the path without slip, to the middle of the front
/// bumper, where object lists start, m. That of `Vehicle::passenger_car`, which scenarios give the ego vehicle.
pub const AXLE_TO_BUMPER_M: f64 = 3.7;

/// Step of the stored path, s.
const STEP_S: f64 = 0.05;
/// Speeds further apart than this leave a gap, s. The lake holds a value for at most 1 s, so this is real loss.
const GAP_S: f64 = 0.5;
/// Spectral densities of what drives speed's and yaw rate's second derivatives. High enough for full braking built up in
/// 0.2 s and an evasive swerve at 0.5 Hz; both signals are precise, so little smoothing is needed.
const SPEED_DRIVE: f64 = 100.0;
const YAW_DRIVE: f64 = 10.0;
/// Mean misfit of positions and path above which the positions are not used, m.
const MAX_GNSS_MISFIT_M: f64 = 10.0;

/// The own vehicle at one instant, reference point in the middle of the rear axle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnState {
    /// s since the clip's start.
    pub t_s: f64,
    /// m.
    pub x_m: f64,
    /// m.
    pub y_m: f64,
    /// Anticlockwise from x, rad, not wrapped.
    pub heading_rad: f64,
    /// m/s.
    pub speed_mps: f64,
    /// Distance from the start of the path, m.
    pub travelled_m: f64,
    /// From the middle of the lane it started in, left positive, m; `None` where the vehicle did not say.
    pub lateral_m: Option<f64>,
}

/// Where the ground frame lies on the Earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchor {
    /// Origin of the frame; x is east and y north there.
    pub origin: Wgs84,
    /// Root mean square distance of recorded positions from the path, m.
    pub misfit_m: f64,
}

/// A stretch of the drive without gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnPath {
    states: Vec<OwnState>,
    /// Where it lies, if that is known. Otherwise x is the first heading.
    pub anchor: Option<Anchor>,
    /// Median recorded width of the own lane, m.
    pub lane_width_m: Option<f64>,
    /// Whether yaw rates were recorded. Without them the path is taken to be straight.
    pub has_yaw_rate: bool,
}

impl OwnPath {
    /// The longest gapless stretch that touches `from_s..to_s` (seconds since `clip_start_ns`), no more than that wide. The
    /// error says what is missing.
    pub fn from_signals(rows: &[SignalRow], clip_start_ns: i64, from_s: f64, to_s: f64) -> Result<Self, String> {
        let mut rows: Vec<(f64, &SignalRow)> = rows
            .iter()
            .map(|row| (row.boot_ns.saturating_sub(clip_start_ns) as f64 / 1e9, row))
            .filter(|(t_s, row)| (from_s..=to_s).contains(t_s) && row.speed_mps.is_some_and(|v| v.abs() < 120.0))
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.dedup_by(|b, a| b.0 - a.0 < 1e-6);
        let rows = longest_stretch(&rows);
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Err("Vehicle.Speed is unknown there; mining needs it".to_owned());
        };
        if last.0 - first.0 < 2.0 {
            return Err(format!(
                "Vehicle.Speed is known without a gap for {:.1} s only; mining needs at least 2 s",
                last.0 - first.0
            ));
        }
        let speed = smooth(rows.iter().filter_map(|(t, row)| Some((*t, row.speed_mps?))), 0.03, SPEED_DRIVE);
        let speed = speed.ok_or("Vehicle.Speed is unknown there; mining needs it")?;
        let yaw = smooth(rows.iter().filter_map(|(t, row)| Some((*t, row.yaw_rate_radps?))), 0.001, YAW_DRIVE);
        let lateral = lateral_from_first_lane(rows);
        let mut path = Self {
            states: integrate(first.0, last.0, &speed, yaw.as_ref(), &lateral),
            anchor: None,
            lane_width_m: median(
                rows.iter().filter_map(|(_, row)| row.lane_width_m).filter(|w| (2.0..=6.0).contains(w)),
            ),
            has_yaw_rate: yaw.is_some(),
        };
        path.anchor_to_earth(rows);
        Ok(path)
    }

    /// The states, 0.05 s apart; at least two.
    pub fn states(&self) -> &[OwnState] {
        &self.states
    }

    /// First and last time, s.
    pub fn span_s(&self) -> (f64, f64) {
        (self.states[0].t_s, self.states[self.states.len() - 1].t_s)
    }

    /// The state at a time inside the span; `None` outside.
    pub fn at(&self, t_s: f64) -> Option<OwnState> {
        let (first, last) = self.span_s();
        if !(first..=last).contains(&t_s) {
            return None;
        }
        let index = (((t_s - first) / STEP_S) as usize).min(self.states.len() - 2);
        let (a, b) = (&self.states[index], &self.states[index + 1]);
        let part = ((t_s - a.t_s) / (b.t_s - a.t_s)).clamp(0.0, 1.0);
        let mix = |from: f64, to: f64| from + part * (to - from);
        Some(OwnState {
            t_s,
            x_m: mix(a.x_m, b.x_m),
            y_m: mix(a.y_m, b.y_m),
            heading_rad: mix(a.heading_rad, b.heading_rad),
            speed_mps: mix(a.speed_mps, b.speed_mps),
            travelled_m: mix(a.travelled_m, b.travelled_m),
            lateral_m: match (a.lateral_m, b.lateral_m) {
                (Some(a), Some(b)) => Some(mix(a, b)),
                (a, b) => a.or(b),
            },
        })
    }

    /// Rotates and shifts the path onto the recorded positions by least squares (the closed form of Horn 1987 in the
    /// plane), unless they are too few, too near together or do not fit.
    fn anchor_to_earth(&mut self, rows: &[(f64, &SignalRow)]) {
        let mut fixes: Vec<(f64, Wgs84)> = Vec::new();
        for (t_s, row) in rows {
            let (Some(latitude_deg), Some(longitude_deg)) = (row.latitude_deg, row.longitude_deg) else { continue };
            let place = Wgs84 { latitude_deg, longitude_deg, altitude_m: 0.0 };
            // The lake repeats a value until the next one comes.
            if latitude_deg.abs() <= 90.0 && fixes.last().is_none_or(|(_, last)| *last != place) {
                fixes.push((*t_s, place));
            }
        }
        let Some(&(_, origin)) = fixes.first() else { return };
        let frame = LocalFrame::at(origin);
        // Own x and y, east and north.
        let pairs: Vec<[f64; 4]> = fixes
            .iter()
            .filter_map(|(t_s, place)| {
                let own = self.at(*t_s)?;
                let [east, north, _] = frame.enu_from(*place);
                Some([own.x_m, own.y_m, east, north])
            })
            .collect();
        let (first, last) = (self.states[0], self.states[self.states.len() - 1]);
        if pairs.len() < 5 || (last.x_m - first.x_m).hypot(last.y_m - first.y_m) < 30.0 {
            return;
        }
        let n = pairs.len() as f64;
        let sum = |pick: fn(&[f64; 4]) -> f64| pairs.iter().map(pick).sum::<f64>();
        let (px, py, ex, ey) = (sum(|p| p[0]) / n, sum(|p| p[1]) / n, sum(|p| p[2]) / n, sum(|p| p[3]) / n);
        let (mut dot, mut cross) = (0.0, 0.0);
        for [x, y, east, north] in &pairs {
            let (ax, ay, bx, by) = (x - px, y - py, east - ex, north - ey);
            dot += ax * bx + ay * by;
            cross += ax * by - ay * bx;
        }
        let turn_rad = cross.atan2(dot);
        let (sin, cos) = turn_rad.sin_cos();
        let place = |x: f64, y: f64| {
            let (x, y) = (x - px, y - py);
            [ex + cos * x - sin * y, ey + sin * x + cos * y]
        };
        let squares: f64 = pairs
            .iter()
            .map(|[own_x, own_y, east, north]| {
                let [x, y] = place(*own_x, *own_y);
                (x - east).powi(2) + (y - north).powi(2)
            })
            .sum();
        let misfit_m = (squares / n).sqrt();
        if !misfit_m.is_finite() || misfit_m > MAX_GNSS_MISFIT_M {
            return;
        }
        for state in &mut self.states {
            [state.x_m, state.y_m] = place(state.x_m, state.y_m);
            state.heading_rad += turn_rad;
        }
        self.anchor = Some(Anchor { origin, misfit_m });
    }
}

fn longest_stretch<'a, 'b>(rows: &'a [(f64, &'b SignalRow)]) -> &'a [(f64, &'b SignalRow)] {
    rows.chunk_by(|a, b| b.0 - a.0 <= GAP_S).max_by_key(|stretch| stretch.len()).unwrap_or(&[])
}

fn smooth(samples: impl Iterator<Item = (f64, f64)>, floor: f64, drive: f64) -> Option<Smoothed> {
    let samples: Vec<(f64, f64)> = samples.collect();
    let values: Vec<f64> = samples.iter().map(|sample| sample.1).collect();
    let sigma = noise_sigma(&values, floor);
    let measurements: Vec<Measurement> =
        samples.iter().map(|(t_s, value)| Measurement { t_s: *t_s, value: (*value, sigma), rate: None }).collect();
    Smoothed::new(&measurements, drive)
}

fn integrate(
    from_s: f64,
    to_s: f64,
    speed: &Smoothed,
    yaw: Option<&Smoothed>,
    lateral: &[(f64, f64)],
) -> Vec<OwnState> {
    let steps = ((to_s - from_s) / STEP_S + 1e-6).floor().max(1.0) as usize;
    let mut state = OwnState {
        t_s: from_s,
        x_m: 0.0,
        y_m: 0.0,
        heading_rad: 0.0,
        speed_mps: speed.at(from_s)[0],
        travelled_m: 0.0,
        lateral_m: lateral_at(lateral, from_s),
    };
    let mut states = vec![state];
    for step in 1..=steps {
        let middle_s = state.t_s + STEP_S / 2.0;
        let distance_m = speed.at(middle_s)[0] * STEP_S;
        let turn_rad = yaw.map_or(0.0, |yaw| yaw.at(middle_s)[0]) * STEP_S;
        let (sin, cos) = (state.heading_rad + turn_rad / 2.0).sin_cos();
        let t_s = from_s + step as f64 * STEP_S;
        state = OwnState {
            t_s,
            x_m: state.x_m + distance_m * cos,
            y_m: state.y_m + distance_m * sin,
            heading_rad: state.heading_rad + turn_rad,
            speed_mps: speed.at(t_s)[0],
            travelled_m: state.travelled_m + distance_m.abs(),
            lateral_m: lateral_at(lateral, t_s),
        };
        states.push(state);
    }
    states
}

/// Recorded offsets counted on from the lane of the first one: an offset that jumps by about a lane is a change of lane,
/// not of place.
fn lateral_from_first_lane(rows: &[(f64, &SignalRow)]) -> Vec<(f64, f64)> {
    let mut lanes_m = 0.0;
    let mut last: Option<(f64, f64)> = None;
    let mut out = Vec::new();
    for (t_s, row) in rows {
        let Some(offset) = row.lane_offset_m.filter(|offset| offset.abs() < 4.0) else { continue };
        let width = row.lane_width_m.filter(|w| (2.0..=6.0).contains(w)).unwrap_or(3.6);
        if let Some((before_s, before)) = last
            && t_s - before_s < 1.5
            && (offset - before).abs() > 0.6 * width
        {
            lanes_m += if offset < before { width } else { -width };
        }
        last = Some((*t_s, offset));
        out.push((*t_s, lanes_m + offset));
    }
    out
}

fn lateral_at(lateral: &[(f64, f64)], t_s: f64) -> Option<f64> {
    let next = lateral.partition_point(|(t, _)| *t <= t_s);
    let before = lateral.get(next.checked_sub(1)?)?;
    let Some(after) = lateral.get(next) else { return (t_s - before.0 < 0.2).then_some(before.1) };
    let span = after.0 - before.0;
    (span < 1.0).then(|| before.1 + (after.1 - before.1) * (t_s - before.0) / span)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(i: i64) -> SignalRow {
        SignalRow { boot_ns: i * 50_000_000, speed_mps: Some(25.0), yaw_rate_radps: Some(0.05), ..Default::default() }
    }

    #[test]
    fn constant_speed_and_yaw_rate_are_a_circle() {
        let rows: Vec<SignalRow> = (0..=200).map(row).collect();
        let path = OwnPath::from_signals(&rows, 0, 0.0, 10.0).unwrap();
        let end = path.at(10.0).unwrap();
        assert!((end.x_m - 500.0 * 0.5f64.sin()).abs() < 0.05, "{end:?}");
        assert!((end.y_m - 500.0 * (1.0 - 0.5f64.cos())).abs() < 0.05, "{end:?}");
        assert!(path.at(10.1).is_none());
    }

    #[test]
    fn a_gap_ends_the_path_and_no_speed_is_said() {
        let mut rows: Vec<SignalRow> = (0..=200).map(row).collect();
        for row in &mut rows[50..70] {
            row.speed_mps = None;
        }
        assert_eq!(OwnPath::from_signals(&rows, 0, 0.0, 10.0).unwrap().span_s(), (3.5, 10.0));
        let error = OwnPath::from_signals(&rows, 0, 2.6, 3.4).unwrap_err();
        assert!(error.contains("Vehicle.Speed"), "{error}");
    }

    #[test]
    fn positions_turn_the_path_to_north() {
        let frame = LocalFrame::at(Wgs84 { latitude_deg: 30.0, longitude_deg: 114.0, altitude_m: 0.0 });
        let rows: Vec<SignalRow> = (0..=200)
            .map(|i| {
                // Northwards at 25 m/s.
                let place = frame.place_from_enu([0.0, 25.0 * i as f64 * 0.05, 0.0]);
                SignalRow {
                    yaw_rate_radps: Some(0.0),
                    latitude_deg: Some(place.latitude_deg),
                    longitude_deg: Some(place.longitude_deg),
                    ..row(i)
                }
            })
            .collect();
        let path = OwnPath::from_signals(&rows, 0, 0.0, 10.0).unwrap();
        let state = path.at(4.0).unwrap();
        assert!(state.x_m.abs() < 0.1 && (state.y_m - 100.0).abs() < 0.1, "{state:?}");
        assert!((state.heading_rad - std::f64::consts::FRAC_PI_2).abs() < 1e-3);
        assert!(path.anchor.unwrap().misfit_m < 0.1);
    }

    #[test]
    fn a_change_of_lane_does_not_jump() {
        let rows: Vec<SignalRow> = (0..=100)
            .map(|i| {
                let lateral = 3.6 * i as f64 / 100.0;
                let offset = if lateral > 1.8 { lateral - 3.6 } else { lateral };
                SignalRow { lane_offset_m: Some(offset), lane_width_m: Some(3.6), ..row(i) }
            })
            .collect();
        let path = OwnPath::from_signals(&rows, 0, 0.0, 5.0).unwrap();
        assert!((path.at(5.0).unwrap().lateral_m.unwrap() - 3.6).abs() < 1e-9);
        assert_eq!(path.lane_width_m, Some(3.6));
    }
}
