//! Trajectories as tables of poses over way and time.

use cloverleaf_road::wrap_angle;
use cloverleaf_scenario::model::{ControlPoint, Position, Reference, Timing, Trajectory, TrajectoryShape};

use crate::distance::Scale;
use crate::place::PlaceError;

/// A trajectory ready to be followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    points: Vec<PathPoint>,
    /// Whether time decides where the entity is; else its own speed does.
    timed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct PathPoint {
    way_m: f64,
    /// Simulation time, s; 0 without times.
    t_s: f64,
    x_m: f64,
    y_m: f64,
    yaw_rad: f64,
    speed_mps: f64,
}

/// Where a follower of a path is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnPath {
    /// m.
    pub x_m: f64,
    /// m.
    pub y_m: f64,
    /// rad.
    pub yaw_rad: f64,
    /// Speed the times ask for, m/s.
    pub speed_mps: f64,
    /// Way along the path, m.
    pub way_m: f64,
}

/// Why a trajectory cannot be followed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PathError {
    /// One of its positions is none.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Too few points.
    #[error("trajectory {0:?} has fewer than 2 points")]
    TooShort(String),
    /// Times asked for that are not there, or that do not increase.
    #[error("trajectory {0:?} is to be followed by time, but its times are absent or do not increase")]
    NoTimes(String),
}

/// Points at which curves are sampled, m or parts.
const CLOTHOID_STEP_M: f64 = 0.5;
const NURBS_SAMPLES: u32 = 400;
/// More points than this are a mistake; bounds memory.
const MOST_POINTS: usize = 1_000_000;

impl Path {
    /// Resolves a trajectory's positions now; `start_s` is the simulation time at which its action starts.
    pub fn new(
        trajectory: &Trajectory,
        timing: Option<Timing>,
        initial_offset_m: f64,
        start_s: f64,
        scale: &Scale<'_>,
    ) -> Result<Self, PathError> {
        let mut raw = sample(trajectory, scale)?;
        if trajectory.closed
            && let Some(first) = raw.first().copied()
        {
            raw.push(Raw { t_s: None, ..first });
        }
        raw.dedup_by(|b, a| a.t_s.is_none() && (a.x_m - b.x_m).hypot(a.y_m - b.y_m) < 1e-9);
        if raw.len() < 2 {
            return Err(PathError::TooShort(trajectory.name.clone()));
        }
        let timed = timing.is_some();
        let mut points: Vec<PathPoint> = Vec::with_capacity(raw.len());
        for point in &raw {
            let way_m =
                points.last().map_or(0.0, |last| last.way_m + (point.x_m - last.x_m).hypot(point.y_m - last.y_m));
            let t_s = match (timing, point.t_s) {
                (None, _) => 0.0,
                (Some(timing), Some(t_s)) => {
                    let from_s = if timing.domain == Reference::Relative { start_s } else { 0.0 };
                    from_s + timing.scale * t_s + timing.offset_s
                }
                (Some(_), None) => return Err(PathError::NoTimes(trajectory.name.clone())),
            };
            if timed && points.last().is_some_and(|last| t_s <= last.t_s) {
                return Err(PathError::NoTimes(trajectory.name.clone()));
            }
            points.push(PathPoint {
                way_m,
                t_s,
                x_m: point.x_m,
                y_m: point.y_m,
                yaw_rad: point.yaw_rad,
                speed_mps: 0.0,
            });
        }
        if raw.iter().all(|point| point.yaw_is_default) {
            face_the_way(&mut points);
        }
        if timed {
            let last = points.len() - 1;
            for i in 0..points.len() {
                let (a, b) = (points[i.saturating_sub(1)], points[(i + 1).min(last)]);
                points[i].speed_mps = (b.way_m - a.way_m) / (b.t_s - a.t_s);
            }
        } else if initial_offset_m > 0.0 {
            let at = interpolate(&points, initial_offset_m, |p| p.way_m);
            points.retain(|p| p.way_m > initial_offset_m);
            let speed_mps = 0.0;
            points.insert(
                0,
                PathPoint { way_m: at.way_m, t_s: 0.0, x_m: at.x_m, y_m: at.y_m, yaw_rad: at.yaw_rad, speed_mps },
            );
        }
        Ok(Self { points, timed })
    }

    /// Whether time decides.
    pub fn is_timed(&self) -> bool {
        self.timed
    }

    /// Where the entity is at a time, and whether the trajectory has ended.
    pub fn at_time(&self, t_s: f64) -> (OnPath, bool) {
        let end_s = self.points.last().map_or(0.0, |p| p.t_s);
        (interpolate(&self.points, t_s, |p| p.t_s), t_s + 1e-9 >= end_s)
    }

    /// Where the entity is after a way, and whether the trajectory has ended.
    pub fn at_way(&self, way_m: f64) -> (OnPath, bool) {
        let end_m = self.points.last().map_or(0.0, |p| p.way_m);
        (interpolate(&self.points, way_m, |p| p.way_m), way_m + 1e-9 >= end_m)
    }

    /// The first instant of a timed trajectory, s.
    pub fn start_s(&self) -> f64 {
        self.points.first().map_or(0.0, |p| p.t_s)
    }

    /// Where an untimed one starts, m.
    pub fn start_m(&self) -> f64 {
        self.points.first().map_or(0.0, |p| p.way_m)
    }
}

fn interpolate(points: &[PathPoint], key: f64, of: impl Fn(&PathPoint) -> f64) -> OnPath {
    let next = points.partition_point(|p| of(p) <= key);
    let (a, b) = match (next.checked_sub(1).and_then(|i| points.get(i)), points.get(next)) {
        (Some(a), Some(b)) => (a, b),
        (Some(a), None) | (None, Some(a)) => (a, a),
        (None, None) => return OnPath { x_m: 0.0, y_m: 0.0, yaw_rad: 0.0, speed_mps: 0.0, way_m: 0.0 },
    };
    let span = of(b) - of(a);
    let part = if span > 0.0 { ((key - of(a)) / span).clamp(0.0, 1.0) } else { 0.0 };
    let mix = |from: f64, to: f64| from + part * (to - from);
    OnPath {
        x_m: mix(a.x_m, b.x_m),
        y_m: mix(a.y_m, b.y_m),
        yaw_rad: wrap_angle(a.yaw_rad + part * wrap_angle(b.yaw_rad - a.yaw_rad)),
        speed_mps: mix(a.speed_mps, b.speed_mps),
        way_m: mix(a.way_m, b.way_m),
    }
}

#[derive(Debug, Clone, Copy)]
struct Raw {
    t_s: Option<f64>,
    x_m: f64,
    y_m: f64,
    yaw_rad: f64,
    /// The file says nothing about the heading (or writes the default).
    yaw_is_default: bool,
}

fn sample(trajectory: &Trajectory, scale: &Scale<'_>) -> Result<Vec<Raw>, PathError> {
    let raw = |position: &Position, t_s: Option<f64>| -> Result<Raw, PathError> {
        let at = scale.place(position)?;
        let yaw_is_default = matches!(position, Position::World { h_rad, .. } if *h_rad == 0.0);
        Ok(Raw { t_s, x_m: at.x_m, y_m: at.y_m, yaw_rad: at.yaw_rad, yaw_is_default })
    };
    match &trajectory.shape {
        TrajectoryShape::Polyline(vertices) => {
            vertices.iter().map(|vertex| raw(&vertex.position, vertex.time_s)).collect()
        }
        TrajectoryShape::Clothoid { position, curvature_per_m, curvature_prime_per_m2, length_m, time_s } => {
            let start = raw(position, None)?;
            let count = (length_m / CLOTHOID_STEP_M).ceil().clamp(1.0, MOST_POINTS as f64) as usize;
            let step_m = length_m / count as f64;
            let mut points = Vec::with_capacity(count + 1);
            let (mut x_m, mut y_m) = (start.x_m, start.y_m);
            let heading = |s: f64| start.yaw_rad + curvature_per_m * s + 0.5 * curvature_prime_per_m2 * s * s;
            for i in 0..=count {
                let s_m = i as f64 * step_m;
                if i > 0 {
                    // Simpson's rule over the heading; the error per step is of fifth order in 0.5 m.
                    let (a, m, b) = (heading(s_m - step_m), heading(s_m - 0.5 * step_m), heading(s_m));
                    x_m += step_m / 6.0 * (a.cos() + 4.0 * m.cos() + b.cos());
                    y_m += step_m / 6.0 * (a.sin() + 4.0 * m.sin() + b.sin());
                }
                let t_s = time_s.map(|(from_s, to_s)| from_s + (to_s - from_s) * i as f64 / count as f64);
                points.push(Raw { t_s, x_m, y_m, yaw_rad: wrap_angle(heading(s_m)), yaw_is_default: false });
            }
            Ok(points)
        }
        TrajectoryShape::Nurbs { order, control_points, knots } => {
            let at: Vec<Raw> = control_points.iter().map(|c| raw(&c.position, c.time_s)).collect::<Result<_, _>>()?;
            nurbs(*order as usize, control_points, &at, knots)
                .ok_or_else(|| PathError::TooShort(trajectory.name.clone()))
        }
        TrajectoryShape::Unsupported(_) => Err(PlaceError::Unsupported("ClothoidSpline").into()),
    }
}

/// Samples a non-uniform rational B-spline by de Boor's algorithm in homogeneous coordinates (Piegl and Tiller 1997, "The
/// NURBS Book", algorithm A4.1). `None` when order, control points and knots do not belong together.
fn nurbs(order: usize, control_points: &[ControlPoint], at: &[Raw], knots: &[f64]) -> Option<Vec<Raw>> {
    let (degree, count) = (order.checked_sub(1)?, at.len());
    let sound = degree >= 1 && count >= order && knots.len() == count + order && knots.windows(2).all(|w| w[0] <= w[1]);
    if !sound {
        return None;
    }
    let (from, to) = (knots[degree], knots[count]);
    let timed = control_points.iter().all(|point| point.time_s.is_some());
    let points = (0..=NURBS_SAMPLES).map(|i| {
        let u = from + (to - from) * f64::from(i) / f64::from(NURBS_SAMPLES);
        let span = knots.partition_point(|&knot| knot <= u).clamp(order, count) - 1;
        let mut d: Vec<[f64; 4]> = (0..=degree)
            .map(|j| {
                let index = span - degree + j;
                let (weight, point) = (control_points[index].weight, &at[index]);
                [point.x_m * weight, point.y_m * weight, point.t_s.unwrap_or(0.0) * weight, weight]
            })
            .collect();
        for r in 1..=degree {
            for j in (r..=degree).rev() {
                let (low, high) = (knots[span - degree + j], knots[span + 1 + j - r]);
                let part = if high > low { (u - low) / (high - low) } else { 0.0 };
                let below = d[j - 1];
                for (value, from) in d[j].iter_mut().zip(below) {
                    *value = (1.0 - part) * from + part * *value;
                }
            }
        }
        let [x, y, t, weight] = d[degree];
        Raw { t_s: timed.then_some(t / weight), x_m: x / weight, y_m: y / weight, yaw_rad: 0.0, yaw_is_default: true }
    });
    Some(points.collect())
}

/// Turns every point along the way: what a trajectory without headings means.
fn face_the_way(points: &mut [PathPoint]) {
    let mut yaw_rad = None;
    for i in 0..points.len() {
        let (a, b) = (points[i.saturating_sub(1)], points[(i + 1).min(points.len() - 1)]);
        let (dx, dy) = (b.x_m - a.x_m, b.y_m - a.y_m);
        if dx.hypot(dy) > 1e-6 {
            yaw_rad = Some(dy.atan2(dx));
        }
        points[i].yaw_rad = yaw_rad.unwrap_or(points[i].yaw_rad);
    }
}
