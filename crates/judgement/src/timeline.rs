//! Measures over time: one row for each usable state of the subject.

use cloverleaf_road::Network;
use serde::{Deserialize, Serialize};

use crate::measures;
use crate::path::{Along, ArcPath};
use crate::rectangle::Rectangle;
use crate::roadway::Roadway;
use crate::track::{Track, wrapped_rad};

/// Window over which a deceleration is averaged, s: long enough that one noisy sample is no emergency, short enough that
/// the onset of an emergency braking is not smeared.
pub const ACCEL_WINDOW_S: f64 = 0.5;
/// Window over which jerk is averaged, s (ISO 15622:2018, 6.3.3.2, "average rate of change over 1 s").
pub const JERK_WINDOW_S: f64 = 1.0;
/// Farther road users are no leaders, m.
const HORIZON_M: f64 = 300.0;

/// The measures at one instant. A measure that has no value there (no leader, gap not closing) is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Time, s.
    pub t_s: f64,
    /// The subject's speed, m/s.
    pub speed_mps: f64,
    /// The subject's mean acceleration over the last [`ACCEL_WINDOW_S`], m/s2.
    pub accel_mps2: Option<f64>,
    /// The subject's mean jerk over the last [`JERK_WINDOW_S`], m/s3.
    pub jerk_mps3: Option<f64>,
    /// Speed times yaw rate, left positive, m/s2.
    pub lateral_accel_mps2: Option<f64>,
    /// The leader: index into the scene's traces of the nearest road user whose body is in the subject's path ahead.
    pub leader: Option<usize>,
    /// Clearance to the leader along the path, bumper to bumper, at least 0, m.
    pub gap_m: Option<f64>,
    /// [`measures::time_headway_s`].
    pub thw_s: Option<f64>,
    /// [`measures::time_to_collision_s`].
    pub ttc_s: Option<f64>,
    /// [`measures::drac_mps2`].
    pub drac_mps2: Option<f64>,
    /// [`measures::required_deceleration_mps2`].
    pub required_decel_mps2: Option<f64>,
    /// Whether all four corners are on the road; `None` when no road is known.
    pub on_road: Option<bool>,
}

/// Computes the rows for `tracks[subject]`.
pub fn measure(tracks: &[Track<'_>], subject: usize, road: Option<&Network>) -> Vec<Sample> {
    let Some(ego) = tracks.get(subject) else { return Vec::new() };
    ego.states()
        .iter()
        .map(|state| {
            let body = Rectangle::of(state, &ego.footprint);
            let yaw_rate_radps = ego.mean_yaw_rate_radps(state.t_s, ACCEL_WINDOW_S);
            let arc = ArcPath::new(body.center_m, state, yaw_rate_radps.unwrap_or(0.0));
            let roadway = road.map(|network| Roadway::new(network, &body, state.yaw_rad));
            let mut sample = Sample {
                t_s: state.t_s,
                speed_mps: state.speed_mps,
                accel_mps2: ego.mean_accel_mps2(state.t_s, ACCEL_WINDOW_S),
                jerk_mps3: ego.mean_jerk_mps3(state.t_s, JERK_WINDOW_S),
                lateral_accel_mps2: yaw_rate_radps.map(|rate| rate * state.speed_mps),
                leader: None,
                gap_m: None,
                thw_s: None,
                ttc_s: None,
                drac_mps2: None,
                required_decel_mps2: None,
                on_road: roadway.map(|roadway| roadway.on_road),
            };
            for (index, other) in tracks.iter().enumerate().filter(|(index, _)| *index != subject) {
                let Some(there) = other.at(state.t_s) else { continue };
                let other_body = Rectangle::of(&there, &other.footprint);
                if farther_than(HORIZON_M, body.center_m, other_body.center_m) {
                    continue;
                }
                let by_road = roadway.and_then(|roadway| roadway.along(&other_body).ok());
                let Some(along) = by_road.unwrap_or_else(|| arc.along(other_body.center_m)) else { continue };
                let Some(gap_m) = clearance_m(&body, state.yaw_rad, &other_body, &along) else { continue };
                if sample.gap_m.is_some_and(|nearest| nearest <= gap_m) {
                    continue;
                }
                let leader_mps = there.speed_mps * wrapped_rad(there.yaw_rad - along.path_yaw_rad).cos();
                let leader_accel_mps2 = other.mean_accel_mps2(state.t_s, ACCEL_WINDOW_S).unwrap_or(0.0);
                sample.leader = Some(index);
                sample.gap_m = Some(gap_m);
                sample.thw_s = measures::time_headway_s(gap_m, state.speed_mps);
                sample.ttc_s = measures::time_to_collision_s(gap_m, state.speed_mps, leader_mps);
                sample.drac_mps2 = measures::drac_mps2(gap_m, state.speed_mps, leader_mps);
                sample.required_decel_mps2 =
                    measures::required_deceleration_mps2(gap_m, state.speed_mps, leader_mps, leader_accel_mps2);
            }
            sample
        })
        .collect()
}

fn farther_than(limit_m: f64, a: [f64; 2], b: [f64; 2]) -> bool {
    (a[0] - b[0]).hypot(a[1] - b[1]) > limit_m
}

/// Clearance along the path when `other` is ahead and its body reaches into the subject's path, m.
fn clearance_m(body: &Rectangle, yaw_rad: f64, other: &Rectangle, along: &Along) -> Option<f64> {
    let (sin, cos) = along.path_yaw_rad.sin_cos();
    let other_half_m = [other.half_extent_m([cos, sin]), other.half_extent_m([-sin, cos])];
    // The subject's own heading against the path at its own place is small while it drives; its forward axis serves.
    let own_half_m =
        [body.half_extent_m([yaw_rad.cos(), yaw_rad.sin()]), body.half_extent_m([-yaw_rad.sin(), yaw_rad.cos()])];
    let in_path = along.left_m.abs() < own_half_m[1] + other_half_m[1];
    let ahead = along.ahead_m > 0.0 && along.ahead_m + other_half_m[0] > own_half_m[0];
    (in_path && ahead).then(|| (along.ahead_m - own_half_m[0] - other_half_m[0]).max(0.0))
}
