//! The clip as tracks on a road: the own vehicle and everything its sensors followed, in road coordinates.

use std::collections::BTreeMap;

use cloverleaf_vocabulary::ActorClass;

use crate::own_path::{AXLE_TO_BUMPER_M, OwnPath, OwnState};
use crate::road_fit::{FittedRoad, fit};
use crate::rows::{ObjectRow, SignalRow};
use crate::situation::RoadSettings;
use crate::smoother::{Measurement, Smoothed, noise_sigma};

/// Own vehicle and objects of one stretch of a clip, on a fitted road. Times are seconds since the clip's start.
#[derive(Debug)]
pub struct ClipTracks {
    /// The own path in the ground frame.
    pub own: OwnPath,
    /// The road through the middle of the own lane.
    pub road: FittedRoad,
    /// Lane width, m.
    pub lane_width_m: f64,
    /// What had to be assumed for lack of data, one sentence each.
    pub assumptions: Vec<String>,
    /// Objects, by time of first sight.
    pub tracks: Vec<Track>,
    own_on_road: Vec<(f64, f64)>,
    lanes_known: bool,
}

/// One object over time, its parts stitched together.
#[derive(Debug)]
pub struct Track {
    /// Sensor and track number of each part.
    pub ids: Vec<(String, i64)>,
    /// What most detections take it for; a car when none says.
    pub class: ActorClass,
    /// Length, m, where the sensor says.
    pub length_m: Option<f64>,
    /// Width, m, where the sensor says.
    pub width_m: Option<f64>,
    /// What the smoother used.
    pub detections: Vec<Detection>,
    along: Smoothed,
    across: Smoothed,
}

/// One detection of the rear of an object ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// s.
    pub t_s: f64,
    /// Ground frame, m.
    pub x_m: f64,
    /// Ground frame, m.
    pub y_m: f64,
    /// Along the road, m.
    pub s_m: f64,
    /// Across the road, left positive, m.
    pub d_m: f64,
    /// Along the road over ground, m/s, where the sensor measures speed.
    pub rate_mps: Option<f64>,
}

/// A smoothed object at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackState {
    /// Rear along the road, m.
    pub s_m: f64,
    /// Across the road from the middle of the lane we started in, left positive, m.
    pub d_m: f64,
    /// Along the road, m/s.
    pub speed_mps: f64,
    /// Across the road, left positive, m/s.
    pub lateral_mps: f64,
    /// Along the road, m/s2.
    pub accel_mps2: f64,
    /// Across the road, m/s2.
    pub lateral_accel_mps2: f64,
}

/// Objects further away do not come into a scenario, m.
const MAX_RANGE_M: f64 = 200.0;
/// Nearer than this ahead of the bumper an object may be beside us, m: what is seen then is its flank, not its rear.
const WHOLLY_AHEAD_M: f64 = 1.0;
/// Detections of one track number further apart than this are two parts, s.
const PART_GAP_S: f64 = 0.5;
/// A part continues another at most this much later, s.
const STITCH_GAP_S: f64 = 1.5;
/// Shorter tracks are clutter, s, and so are those of fewer detections.
const MIN_TRACK_S: f64 = 1.0;
const MIN_DETECTIONS: usize = 8;
/// Spectral densities of longitudinal and lateral jerk, m2/s5: braking built up in a second, a lane change in three.
const ALONG_JERK: f64 = 4.0;
const ACROSS_JERK: f64 = 1.0;
/// Position and Doppler speed of one object may drift apart by this much in the mean, m/s; radar and wheel speed errors
/// together stay below half of it.
const MAX_SPEED_MISMATCH_MPS: f64 = 1.5;

impl ClipTracks {
    /// Builds the tracks of the stretch `from_s..to_s` (seconds since `clip_start_ns`). The error says why there are none.
    pub fn from_rows(
        clip_start_ns: i64,
        signals: &[SignalRow],
        objects: &[ObjectRow],
        (from_s, to_s): (f64, f64),
        settings: &RoadSettings,
    ) -> Result<Self, String> {
        let own = OwnPath::from_signals(signals, clip_start_ns, from_s, to_s)?;
        let (first_s, last_s) = own.span_s();
        let mut seen: Vec<(f64, &ObjectRow)> = objects
            .iter()
            .map(|row| (row.boot_ns.saturating_sub(clip_start_ns) as f64 / 1e9, row))
            .filter(|(t_s, row)| {
                let in_sight = row.x_m >= WHOLLY_AHEAD_M && row.x_m.hypot(row.y_m) <= MAX_RANGE_M;
                in_sight && (first_s..=last_s).contains(t_s)
            })
            .collect();
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));

        let states = own.states();
        let known = states.iter().filter(|state| state.lateral_m.is_some()).count();
        let lanes_known = known * 5 >= states.len() * 4;
        let middle: Vec<[f64; 2]> = states
            .iter()
            .filter_map(|state| {
                let lateral = if lanes_known { state.lateral_m? } else { 0.0 };
                let (sin, cos) = state.heading_rad.sin_cos();
                Some([state.x_m + lateral * sin, state.y_m - lateral * cos])
            })
            .collect();
        let furthest_m = seen.iter().map(|(_, row)| row.x_m).fold(30.0, f64::max) + 20.0;
        let road = fit(&middle, settings, furthest_m)?;
        let own_on_road = own_on_road(states, &road);

        let fastest_mps = states.iter().map(|state| state.speed_mps).fold(0.0, f64::max);
        let default_width_m =
            if fastest_mps >= settings.fast_from_mps { settings.lane_width_fast_m } else { settings.lane_width_slow_m };
        let mut assumptions = Vec::new();
        if !lanes_known {
            assumptions.push(
                "No lane position was recorded: the fitted middle of the ego path is taken as the middle of its lane."
                    .to_owned(),
            );
        }
        if own.lane_width_m.is_none() {
            assumptions.push(format!("No lane width was recorded: {default_width_m} m is taken."));
        }
        if !own.has_yaw_rate {
            assumptions.push("No yaw rate was recorded: the road is taken as straight.".to_owned());
        }
        let mut clip = Self {
            lane_width_m: own.lane_width_m.unwrap_or(default_width_m),
            own,
            road,
            assumptions,
            tracks: Vec::new(),
            own_on_road,
            lanes_known,
        };
        let parts = clip.parts(&seen);
        clip.tracks = stitch(parts).into_iter().filter_map(Part::into_track).collect();
        clip.tracks.sort_by(|a, b| a.span_s().0.total_cmp(&b.span_s().0));
        Ok(clip)
    }

    /// The own rear axle on the road: s and d, m.
    pub fn own_place(&self, t_s: f64) -> Option<(f64, f64)> {
        let (first, last) = self.own.span_s();
        if !(first..=last).contains(&t_s) {
            return None;
        }
        let states = self.own.states();
        let index = states.partition_point(|state| state.t_s <= t_s).clamp(1, states.len() - 1) - 1;
        let part = ((t_s - states[index].t_s) / (states[index + 1].t_s - states[index].t_s)).clamp(0.0, 1.0);
        let (a, b) = (self.own_on_road[index], self.own_on_road[index + 1]);
        Some((a.0 + part * (b.0 - a.0), a.1 + part * (b.1 - a.1)))
    }

    /// Lanes to the left of the one we started in, and the d of that lane's middle, m.
    pub fn own_lane(&self, t_s: f64) -> Option<(i32, f64)> {
        let (_, d_m) = self.own_place(t_s)?;
        let lane = if self.lanes_known { (d_m / self.lane_width_m).round() } else { 0.0 };
        Some((lane as i32, lane * self.lane_width_m))
    }

    /// Free distance from our front bumper to a place along the road, m.
    pub fn gap_m(&self, t_s: f64, s_m: f64) -> Option<f64> {
        Some(s_m - self.own_place(t_s)?.0 - AXLE_TO_BUMPER_M)
    }

    fn parts(&self, seen: &[(f64, &ObjectRow)]) -> Vec<Part> {
        let mut by_id: BTreeMap<(&str, i64), Vec<(Detection, &ObjectRow)>> = BTreeMap::new();
        for (t_s, row) in seen {
            let Some(detection) = self.detection(*t_s, row) else { continue };
            by_id.entry((&row.sensor, row.object_id)).or_default().push((detection, row));
        }
        let mut parts = Vec::new();
        for ((sensor, id), mut detections) in by_id {
            detections.dedup_by(|b, a| b.0.t_s - a.0.t_s < 1e-4);
            for part in detections.chunk_by(|a, b| continues(&a.0, &b.0)) {
                if part.len() >= 3 {
                    parts.push(Part::new((sensor.to_owned(), id), part));
                }
            }
        }
        parts
    }

    fn detection(&self, t_s: f64, row: &ObjectRow) -> Option<Detection> {
        let own = self.own.at(t_s)?;
        let (own_s, _) = self.own_place(t_s)?;
        let (sin, cos) = own.heading_rad.sin_cos();
        let ahead = row.x_m + AXLE_TO_BUMPER_M;
        let (x_m, y_m) = (own.x_m + ahead * cos - row.y_m * sin, own.y_m + ahead * sin + row.y_m * cos);
        let (s_m, d_m) = self.road.project(x_m, y_m, own_s + ahead);
        if s_m <= 0.0 || s_m >= self.road.line.length_m() {
            return None;
        }
        let line = self.road.line.at(s_m);
        // The sensor gives the component along our heading; the object moves along the road where it is.
        let along = (line.heading_rad - own.heading_rad).cos().max(0.5);
        let bend = (1.0 - line.curvature_per_m * d_m).max(0.2);
        let rate_mps = row.vx_mps.map(|vx| (own.speed_mps + vx) / along / bend);
        Some(Detection { t_s, x_m, y_m, s_m, d_m, rate_mps })
    }
}

fn own_on_road(states: &[OwnState], road: &FittedRoad) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::with_capacity(states.len());
    let mut travelled_m = states.first().map_or(0.0, |state| state.travelled_m);
    for state in states {
        let near_m = out.last().map_or(road.driven_from_m, |last| last.0 + state.travelled_m - travelled_m);
        travelled_m = state.travelled_m;
        out.push(road.project(state.x_m, state.y_m, near_m));
    }
    out
}

/// Whether the next detection of a track number can be the same object.
fn continues(a: &Detection, b: &Detection) -> bool {
    let dt = b.t_s - a.t_s;
    let expected_m = a.rate_mps.or(b.rate_mps).map(|rate| rate * dt);
    // Without a speed anything a road user can drive is possible.
    let along = expected_m
        .map_or_else(|| (b.s_m - a.s_m).abs() < 5.0 + 60.0 * dt, |m| (b.s_m - a.s_m - m).abs() < 4.0 + 5.0 * dt);
    dt <= PART_GAP_S && along && (b.d_m - a.d_m).abs() < 1.8 + 3.0 * dt
}

/// An uninterrupted run of detections.
struct Part {
    ids: Vec<(String, i64)>,
    detections: Vec<Detection>,
    classes: BTreeMap<ActorClass, usize>,
    lengths_m: Vec<f64>,
    widths_m: Vec<f64>,
}

impl Part {
    fn new(id: (String, i64), detections: &[(Detection, &ObjectRow)]) -> Self {
        let mut classes = BTreeMap::new();
        for class in detections.iter().filter_map(|(_, row)| row.class) {
            *classes.entry(class).or_default() += 1;
        }
        Self {
            ids: vec![id],
            classes,
            lengths_m: detections.iter().filter_map(|(_, row)| row.length_m).collect(),
            widths_m: detections.iter().filter_map(|(_, row)| row.width_m).collect(),
            detections: detections.iter().map(|(detection, _)| detection.clone()).collect(),
        }
    }

    fn span_s(&self) -> (f64, f64) {
        (self.detections[0].t_s, self.detections[self.detections.len() - 1].t_s)
    }

    /// Where its end (or beginning) leads to at `t_s`: s, d and speed along, by a line through its last (first) second.
    fn towards(&self, t_s: f64, from_end: bool) -> [f64; 3] {
        let (first_s, last_s) = self.span_s();
        let near = |d: &&Detection| if from_end { last_s - d.t_s <= 1.0 } else { d.t_s - first_s <= 1.0 };
        let near: Vec<&Detection> = self.detections.iter().filter(near).collect();
        let n = near.len() as f64;
        let mean = |pick: &dyn Fn(&Detection) -> f64| near.iter().map(|d| pick(d)).sum::<f64>() / n;
        let (t, s, d) = (mean(&|d| d.t_s), mean(&|d| d.s_m), mean(&|d| d.d_m));
        let spread = near.iter().map(|d| (d.t_s - t).powi(2)).sum::<f64>();
        let slope = |pick: &dyn Fn(&Detection) -> f64, middle: f64| {
            // Too short a part says nothing of its direction.
            if spread < 0.02 * n {
                0.0
            } else {
                near.iter().map(|d| (d.t_s - t) * (pick(d) - middle)).sum::<f64>() / spread
            }
        };
        let rates: Vec<f64> = near.iter().filter_map(|d| d.rate_mps).collect();
        let along_mps =
            if rates.is_empty() { slope(&|d| d.s_m, s) } else { rates.iter().sum::<f64>() / rates.len() as f64 };
        [s + along_mps * (t_s - t), d + slope(&|d| d.d_m, d) * (t_s - t), along_mps]
    }

    /// How badly `later` continues this part; `None` when it cannot.
    fn misfit(&self, later: &Self) -> Option<f64> {
        let (end_s, start_s) = (self.span_s().1, later.span_s().0);
        let gap_s = start_s - end_s;
        if !(0.0..=STITCH_GAP_S).contains(&gap_s) {
            return None;
        }
        let middle_s = (end_s + start_s) / 2.0;
        let (a, b) = (self.towards(middle_s, true), later.towards(middle_s, false));
        let parts = [
            (a[0] - b[0]).abs() / (2.5 + 2.0 * gap_s),
            (a[1] - b[1]).abs() / (1.0 + 0.6 * gap_s),
            (a[2] - b[2]).abs() / (2.5 + 2.0 * gap_s),
        ];
        parts.iter().all(|part| *part <= 1.0).then(|| parts.iter().sum())
    }

    fn append(&mut self, later: Self) {
        for id in later.ids {
            if !self.ids.contains(&id) {
                self.ids.push(id);
            }
        }
        for (class, count) in later.classes {
            *self.classes.entry(class).or_default() += count;
        }
        self.lengths_m.extend(later.lengths_m);
        self.widths_m.extend(later.widths_m);
        let end_s = self.span_s().1;
        self.detections.extend(later.detections.into_iter().filter(|d| d.t_s > end_s + 1e-4));
    }

    fn into_track(self) -> Option<Track> {
        let (first_s, last_s) = self.span_s();
        if last_s - first_s < MIN_TRACK_S || self.detections.len() < MIN_DETECTIONS || !self.is_consistent() {
            return None;
        }
        let series = |pick: &dyn Fn(&Detection) -> f64| self.detections.iter().map(pick).collect::<Vec<f64>>();
        let along_sigma = noise_sigma(&series(&|d| d.s_m), 0.15);
        let across_sigma = noise_sigma(&series(&|d| d.d_m), 0.1);
        let rates: Vec<f64> = self.detections.iter().filter_map(|d| d.rate_mps).collect();
        let rate_sigma = noise_sigma(&rates, 0.15);
        let measurements = |value: &dyn Fn(&Detection) -> f64, sigma: f64, with_rate: bool| {
            self.detections
                .iter()
                .map(|d| Measurement {
                    t_s: d.t_s,
                    value: (value(d), sigma),
                    rate: if with_rate { d.rate_mps.map(|rate| (rate, rate_sigma)) } else { None },
                })
                .collect::<Vec<_>>()
        };
        let along = Smoothed::new(&measurements(&|d| d.s_m, along_sigma, true), ALONG_JERK)?;
        let across = Smoothed::new(&measurements(&|d| d.d_m, across_sigma, false), ACROSS_JERK)?;
        let outlier = |i: usize| along.outliers().contains(&i) || across.outliers().contains(&i);
        let detections =
            self.detections.into_iter().enumerate().filter(|(i, _)| !outlier(*i)).map(|(_, d)| d).collect();
        Some(Track {
            ids: self.ids,
            class: self.classes.iter().max_by_key(|(_, count)| **count).map_or(ActorClass::Car, |(class, _)| *class),
            length_m: median(self.lengths_m),
            width_m: median(self.widths_m),
            detections,
            along,
            across,
        })
    }

    /// Position and Doppler speed tell the same story.
    fn is_consistent(&self) -> bool {
        let (first, last) = (&self.detections[0], &self.detections[self.detections.len() - 1]);
        let mut by_rate_m = 0.0;
        for pair in self.detections.windows(2) {
            let (Some(a), Some(b)) = (pair[0].rate_mps, pair[1].rate_mps) else { return true };
            by_rate_m += (a + b) / 2.0 * (pair[1].t_s - pair[0].t_s);
        }
        ((last.s_m - first.s_m) - by_rate_m).abs() / (last.t_s - first.t_s) <= MAX_SPEED_MISMATCH_MPS
    }
}

/// Joins parts into whole objects, the best fitting pairs first.
fn stitch(parts: Vec<Part>) -> Vec<Part> {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (i, a) in parts.iter().enumerate() {
        for (j, b) in parts.iter().enumerate() {
            if i != j
                && let Some(misfit) = a.misfit(b)
            {
                pairs.push((misfit, i, j));
            }
        }
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut next: Vec<Option<usize>> = vec![None; parts.len()];
    let mut continued = vec![false; parts.len()];
    for (_, i, j) in pairs {
        if next[i].is_none() && !continued[j] {
            next[i] = Some(j);
            continued[j] = true;
        }
    }
    let mut parts: Vec<Option<Part>> = parts.into_iter().map(Some).collect();
    let mut out = Vec::new();
    for start in 0..parts.len() {
        if continued[start] {
            continue;
        }
        let Some(mut whole) = parts[start].take() else { continue };
        let mut at = start;
        while let Some(later) = next[at] {
            if let Some(part) = parts[later].take() {
                whole.append(part);
            }
            at = later;
        }
        out.push(whole);
    }
    out
}

impl Track {
    /// First and last time it was seen, s.
    pub fn span_s(&self) -> (f64, f64) {
        self.along.span_s()
    }

    /// The smoothed state at a time inside the span; `None` outside.
    pub fn at(&self, t_s: f64) -> Option<TrackState> {
        let (first, last) = self.span_s();
        if !(first..=last).contains(&t_s) {
            return None;
        }
        let ([s_m, speed_mps, accel_mps2], [d_m, lateral_mps, lateral_accel_mps2]) =
            (self.along.at(t_s), self.across.at(t_s));
        Some(TrackState { s_m, d_m, speed_mps, lateral_mps, accel_mps2, lateral_accel_mps2 })
    }

    /// Width, or what its class usually has, m.
    pub fn width_or_usual_m(&self) -> f64 {
        self.width_m.unwrap_or(match self.class {
            ActorClass::Truck | ActorClass::Bus => 2.5,
            ActorClass::Motorbike | ActorClass::Bicycle | ActorClass::Pedestrian => 0.8,
            _ => 1.85,
        })
    }

    /// Mean speed over ground, m/s.
    pub fn mean_speed_mps(&self) -> f64 {
        let (first, last) = self.span_s();
        (self.along.at(last)[0] - self.along.at(first)[0]) / (last - first)
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
