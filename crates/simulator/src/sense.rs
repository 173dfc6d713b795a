//! What the driver under test sees: the world from its own frame.

use cloverleaf_road::{LanePosition, LaneRef, Network, wrap_angle};

use crate::distance::Scale;
use crate::driver::{Ego, LanePoint, Object, SENSOR_RANGE_M};
use crate::world::EntityIndex;

/// The lane is described this far ahead, in points this far apart, m.
const LANE_AHEAD_M: f64 = 200.0;
const LANE_STEP_M: f64 = 4.0;

/// The own vehicle.
pub fn ego(scale: &Scale<'_>, entity: EntityIndex) -> Ego {
    let (state, body) = (scale.state, &scale.bodies[entity]);
    Ego {
        speed_mps: state.speed_mps[entity],
        accel_mps2: state.accel_mps2[entity],
        yaw_rate_radps: state.yaw_rate_radps[entity],
        steering_rad: state.steering_rad[entity],
        length_m: body.footprint.length_m,
        width_m: body.footprint.width_m,
        center_ahead_m: body.footprint.center_ahead_m,
        limits: body.limits,
    }
}

/// Everybody else within range, nearest first.
pub fn objects(scale: &Scale<'_>, entity: EntityIndex, into: &mut Vec<Object>) {
    let state = scale.state;
    let (sin, cos) = state.yaw_rad[entity].sin_cos();
    into.clear();
    into.extend(state.entities().filter(|other| *other != entity).filter_map(|other| {
        let footprint = scale.bodies[other].footprint;
        let center_m = state.rectangle(other, scale.bodies).center_m;
        let (dx, dy) = (center_m[0] - state.x_m[entity], center_m[1] - state.y_m[entity]);
        if dx.hypot(dy) > SENSOR_RANGE_M {
            return None;
        }
        let yaw_rad = wrap_angle(state.yaw_rad[other] - state.yaw_rad[entity]);
        let (other_sin, other_cos) = yaw_rad.sin_cos();
        // The middle of a turning vehicle moves sideways against its reference point.
        let sideways_mps = state.yaw_rate_radps[other] * footprint.center_ahead_m;
        Some(Object {
            id: other as u32,
            class: scale.bodies[other].class,
            x_m: cos * dx + sin * dy,
            y_m: cos * dy - sin * dx,
            yaw_rad,
            velocity_x_mps: state.speed_mps[other] * other_cos - sideways_mps * other_sin,
            velocity_y_mps: state.speed_mps[other] * other_sin + sideways_mps * other_cos,
            accel_mps2: state.accel_mps2[other],
            length_m: footprint.length_m,
            width_m: footprint.width_m,
        })
    }));
    into.sort_by(|a, b| a.x_m.hypot(a.y_m).total_cmp(&b.x_m.hypot(b.y_m)).then(a.id.cmp(&b.id)));
}

/// The centre line of the own lane ahead. Off every road there is none; on a lane that is not for traffic the nearest one that
/// is counts. `choose` picks the way at forks.
pub fn lane(scale: &Scale<'_>, entity: EntityIndex, choose: impl Fn(&[LaneRef]) -> usize, into: &mut Vec<LanePoint>) {
    into.clear();
    let Some(mut at) = own_lane(scale, entity) else { return };
    let state = scale.state;
    let (sin, cos) = state.yaw_rad[entity].sin_cos();
    let mut along_m = 0.0;
    loop {
        let Some(pose) = scale.network.lane_pose(at) else { return };
        let (dx, dy) = (pose.x_m - state.x_m[entity], pose.y_m - state.y_m[entity]);
        into.push(LanePoint {
            along_m,
            x_m: cos * dx + sin * dy,
            y_m: cos * dy - sin * dx,
            yaw_rad: wrap_angle(pose.heading_rad - state.yaw_rad[entity]),
            width_m: scale.network.road(at.road).and_then(|road| road.lane_width(at.s_m, at.lane)).unwrap_or(0.0),
        });
        if along_m >= LANE_AHEAD_M {
            return;
        }
        let Some(moved) = scale.network.advance_by(at, LANE_STEP_M, &choose) else { return };
        if moved.end_of_road {
            return;
        }
        along_m += moved.travelled_m;
        at = moved.position;
    }
}

/// Speed limit of the own lane, m/s.
pub fn speed_limit_mps(scale: &Scale<'_>, entity: EntityIndex) -> Option<f64> {
    let at = own_lane(scale, entity)?;
    scale.network.road(at.road)?.speed_limit_mps(at.s_m, at.lane)
}

fn own_lane(scale: &Scale<'_>, entity: EntityIndex) -> Option<LanePosition> {
    let at = scale.state.lane_under(entity, scale.network)?;
    let lane = nearest_drivable(scale.network, at).unwrap_or(at.lane);
    Some(LanePosition { lane, offset_m: 0.0, ..at })
}

fn nearest_drivable(network: &Network, at: LanePosition) -> Option<i32> {
    let road = network.road(at.road)?;
    if road.is_drivable(at.s_m, at.lane) {
        return Some(at.lane);
    }
    let t_m = network.road_position(at)?.t_m;
    road.section_at(at.s_m)?
        .lanes()
        .filter(|lane| lane.kind.is_drivable() && lane.id.signum() == at.lane.signum())
        .filter_map(|lane| Some((lane.id, (road.lane_center_t(at.s_m, lane.id)? - t_m).abs())))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(lane, _)| lane)
}
