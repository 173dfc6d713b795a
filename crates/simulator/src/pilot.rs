//! The drivers shipped with Cloverleaf: a highway pilot, and one that never brakes to show what criteria are for.

use cloverleaf_vocabulary::ActorClass;

use crate::bicycle::Command;
use crate::car_following::{Idm, Leader};
use crate::driver::{Driver, LanePoint, Object, Observation};

/// Names [`driver_by_name`] knows.
pub const DRIVER_NAMES: [&str; 2] = ["highway-pilot", "blind"];

/// A shipped driver by its name.
pub fn driver_by_name(name: &str) -> Option<Box<dyn Driver>> {
    match name {
        "highway-pilot" => Some(Box::new(HighwayPilot::default())),
        "blind" => Some(Box::new(BlindCruise)),
        _ => None,
    }
}

/// Lane keeping and distance control for motorways.
///
/// Longitudinal: the ACC model ([`Idm::acc_accel_mps2`]) towards whoever is in its path or will be soon, within comfort
/// limits; where the deceleration needed exceeds them, emergency braking. Lateral: pure pursuit of the lane's centre (Coulter
/// 1992, "Implementation of the pure pursuit path tracking algorithm"). Curves are entered at a speed that keeps lateral
/// acceleration comfortable. It never changes lane.
#[derive(Debug, Clone, PartialEq)]
pub struct HighwayPilot {
    /// Time gap kept, s. UN R157, 5.2.3.3 asks for 1.6 s at 60 km/h (interpolated up to 2 s at 130 km/h in its later series).
    pub time_gap_s: f64,
    /// Gap at standstill, m. UN R157, 5.2.3.3: 2 m.
    pub min_gap_m: f64,
    /// Strongest acceleration it uses, m/s2. ISO 15622:2018, 6.3.3.1 bounds ACC to 2 m/s2 at speed.
    pub max_accel_mps2: f64,
    /// Deceleration it finds comfortable, m/s2.
    pub comfort_decel_mps2: f64,
    /// Strongest deceleration of distance control, m/s2. ISO 15622:2018, 6.3.3.2: 3.5 m/s2 above 20 m/s.
    pub service_decel_mps2: f64,
    /// Deceleration of an emergency braking, m/s2. UN R157, 2.9 and 5.3: more than 5 m/s2; UN R152 asks AEB for at least 5.
    pub emergency_decel_mps2: f64,
    /// Lateral acceleration accepted in curves, m/s2. UN R79, 5.6.2.1.1: at most 3.
    pub max_lateral_accel_mps2: f64,
    /// How far ahead in time it expects somebody who moves sideways to be in its path, s. UN R157's competent driver sees a
    /// cut-in 0.4 s after it begins and acts 0.75 s later; a lane change takes 4 to 6 s.
    pub anticipation_s: f64,
    /// Lateral speed from which a movement towards the path is taken as intended, m/s.
    pub intent_mps: f64,
}

impl Default for HighwayPilot {
    fn default() -> Self {
        Self {
            time_gap_s: 1.6,
            min_gap_m: 2.0,
            max_accel_mps2: 1.5,
            comfort_decel_mps2: 2.0,
            service_decel_mps2: 3.5,
            emergency_decel_mps2: 8.0,
            max_lateral_accel_mps2: 2.0,
            anticipation_s: 2.0,
            intent_mps: 0.2,
        }
    }
}

/// Lateral clearance below which somebody counts as in the path, m: vehicles, and people who may step aside at any moment.
const VEHICLE_MARGIN_M: f64 = 0.2;
const PERSON_MARGIN_M: f64 = 1.0;
/// The emergency brake acts when more than the service brake is needed, with this reserve over the need.
const EMERGENCY_RESERVE: f64 = 1.15;

impl Driver for HighwayPilot {
    fn drive(&mut self, observation: &Observation<'_>) -> Command {
        let speed_mps = observation.ego.speed_mps;
        let idm = Idm {
            desired_speed_mps: observation.set_speed_mps.min(self.curve_speed_mps(observation.lane)),
            time_gap_s: self.time_gap_s,
            min_gap_m: self.min_gap_m,
            max_accel_mps2: self.max_accel_mps2,
            comfort_decel_mps2: self.comfort_decel_mps2,
        };
        let mut accel_mps2 = idm.free_accel_mps2(speed_mps).max(-self.service_decel_mps2);
        for object in observation.objects {
            let Some(leader) = self.as_leader(object, observation) else { continue };
            let wanted = idm.acc_accel_mps2(speed_mps, Some(leader)).max(-self.service_decel_mps2);
            accel_mps2 = accel_mps2.min(wanted).min(self.emergency_mps2(speed_mps, leader).unwrap_or(wanted));
        }
        Command { accel_mps2, steering_rad: pure_pursuit_rad(observation) }
    }
}

impl HighwayPilot {
    /// The object as somebody to keep behind of, if it is in the path ahead or about to be.
    fn as_leader(&self, object: &Object, observation: &Observation<'_>) -> Option<Leader> {
        let ego = &observation.ego;
        let seen = along_lane(observation.lane, object)?;
        let (sin, cos) = (object.yaw_rad - seen.yaw_rad).sin_cos();
        let half_length_m = 0.5 * (object.length_m * cos.abs() + object.width_m * sin.abs());
        let half_width_m = 0.5 * (object.width_m * cos.abs() + object.length_m * sin.abs());
        let gap_m = seen.along_m - half_length_m - (ego.center_ahead_m + 0.5 * ego.length_m);
        if seen.along_m < ego.center_ahead_m {
            return None;
        }
        let (lane_sin, lane_cos) = seen.yaw_rad.sin_cos();
        let along_mps = object.velocity_x_mps * lane_cos + object.velocity_y_mps * lane_sin;
        let across_mps = object.velocity_y_mps * lane_cos - object.velocity_x_mps * lane_sin;
        // Clearance to the corridor of the own body, and how fast it closes.
        let margin_m = match object.class {
            ActorClass::Pedestrian | ActorClass::Bicycle => PERSON_MARGIN_M,
            _ => VEHICLE_MARGIN_M,
        };
        let clear_m = seen.left_m.abs() - half_width_m - 0.5 * ego.width_m - margin_m;
        let approach_mps = -across_mps * seen.left_m.signum();
        let enters_soon =
            approach_mps > self.intent_mps && clear_m < approach_mps * self.horizon_s(gap_m, along_mps, ego.speed_mps);
        (clear_m <= 0.0 || enters_soon).then_some(Leader {
            gap_m,
            speed_mps: along_mps,
            accel_mps2: object.accel_mps2 * cos,
        })
    }

    /// How far ahead a sideways movement is extrapolated: the anticipation time for traffic that moves along; for those who
    /// cross, the time in which the ego could come to rest before them.
    fn horizon_s(&self, gap_m: f64, along_mps: f64, speed_mps: f64) -> f64 {
        let crossing = along_mps.abs() < 2.0;
        if crossing { (gap_m.max(0.0) / speed_mps.max(1.0)).max(self.anticipation_s) } else { self.anticipation_s }
    }

    /// Emergency deceleration, if the service brake does not suffice.
    fn emergency_mps2(&self, speed_mps: f64, leader: Leader) -> Option<f64> {
        let needed = cloverleaf_judgement::measures::required_deceleration_mps2(
            leader.gap_m - self.min_gap_m,
            speed_mps,
            leader.speed_mps.max(0.0),
            leader.accel_mps2.min(0.0),
        )
        .unwrap_or(self.emergency_decel_mps2);
        (needed > self.service_decel_mps2).then(|| -(needed * EMERGENCY_RESERVE).min(self.emergency_decel_mps2))
    }

    /// The speed from which every curve ahead can still be reached comfortably slow enough, m/s.
    fn curve_speed_mps(&self, lane: &[LanePoint]) -> f64 {
        lane.windows(2)
            .map(|pair| {
                let way_m = (pair[1].along_m - pair[0].along_m).max(1e-6);
                let curvature_per_m = cloverleaf_road::wrap_angle(pair[1].yaw_rad - pair[0].yaw_rad).abs() / way_m;
                let slow_mps2 = self.max_lateral_accel_mps2 / curvature_per_m.max(1e-9);
                (slow_mps2 + 2.0 * 0.5 * self.comfort_decel_mps2 * pair[0].along_m).sqrt()
            })
            .fold(f64::INFINITY, f64::min)
    }
}

/// Keeps lane and speed, and sees nobody: what remains of a pilot whose perception is dead. Useful as a driver that must fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlindCruise;

impl Driver for BlindCruise {
    fn drive(&mut self, observation: &Observation<'_>) -> Command {
        let idm = Idm::motorway(observation.set_speed_mps);
        Command {
            accel_mps2: idm.free_accel_mps2(observation.ego.speed_mps),
            steering_rad: pure_pursuit_rad(observation),
        }
    }
}

/// Look-ahead of pure pursuit: this long, within these bounds.
const LOOK_AHEAD_S: f64 = 1.0;
const LOOK_AHEAD_M: [f64; 2] = [6.0, 50.0];

/// Steering angle towards the point of the lane's centre one look-ahead away: curvature = 2 y / d^2.
fn pure_pursuit_rad(observation: &Observation<'_>) -> f64 {
    let wanted_m = (LOOK_AHEAD_S * observation.ego.speed_mps).clamp(LOOK_AHEAD_M[0], LOOK_AHEAD_M[1]);
    let lane = observation.lane;
    let next = lane.partition_point(|point| point.x_m.hypot(point.y_m) < wanted_m || point.x_m < 0.0);
    let (x_m, y_m) = match (next.checked_sub(1).and_then(|i| lane.get(i)), lane.get(next)) {
        (Some(a), Some(b)) => {
            let part = ((wanted_m - a.along_m) / (b.along_m - a.along_m).max(1e-6)).clamp(0.0, 1.0);
            (a.x_m + part * (b.x_m - a.x_m), a.y_m + part * (b.y_m - a.y_m))
        }
        (None, Some(point)) => (point.x_m, point.y_m),
        // The lane ends before the look-ahead: on along its last direction.
        (Some(last), None) => {
            let rest_m = (wanted_m - last.along_m).max(0.0);
            (last.x_m + rest_m * last.yaw_rad.cos(), last.y_m + rest_m * last.yaw_rad.sin())
        }
        (None, None) => return 0.0,
    };
    let curvature_per_m = 2.0 * y_m / (x_m * x_m + y_m * y_m).max(1.0);
    (curvature_per_m * observation.ego.limits.wheelbase_m).atan()
}

/// A place relative to the own lane.
struct Seen {
    along_m: f64,
    left_m: f64,
    yaw_rad: f64,
}

/// Where the object's middle is along the lane's centre line; before its first and beyond its last point straight on.
fn along_lane(lane: &[LanePoint], object: &Object) -> Option<Seen> {
    let (first, last) = (lane.first()?, lane.last()?);
    let against = |point: &LanePoint| {
        let (sin, cos) = point.yaw_rad.sin_cos();
        let (dx, dy) = (object.x_m - point.x_m, object.y_m - point.y_m);
        (dx * cos + dy * sin, dy * cos - dx * sin)
    };
    let straight_on = |point: &LanePoint| {
        let (ahead_m, left_m) = against(point);
        Seen { along_m: point.along_m + ahead_m, left_m, yaw_rad: point.yaw_rad }
    };
    if against(first).0 <= 0.0 {
        return Some(straight_on(first));
    }
    let nearest = lane
        .windows(2)
        .filter_map(|pair| {
            let (from, to) = (against(&pair[0]), against(&pair[1]));
            if from.0 < 0.0 || to.0 > 0.0 {
                return None;
            }
            let part = from.0 / (from.0 - to.0).max(1e-9);
            Some(Seen {
                along_m: pair[0].along_m + part * (pair[1].along_m - pair[0].along_m),
                left_m: from.1 + part * (to.1 - from.1),
                yaw_rad: pair[0].yaw_rad + part * cloverleaf_road::wrap_angle(pair[1].yaw_rad - pair[0].yaw_rad),
            })
        })
        .min_by(|a, b| a.left_m.abs().total_cmp(&b.left_m.abs()));
    Some(nearest.unwrap_or_else(|| straight_on(last)))
}
