//! Distances between entities as OpenSCENARIO measures them.

use cloverleaf_judgement::Rectangle;
use cloverleaf_road::{LanePosition, Network};
use cloverleaf_scenario::model::{CoordinateSystem, DistanceMeasure, RelativeDistanceType};

use crate::world::{Body, EntityIndex, State};

/// Along the road nothing farther away than this is looked for, m.
const ROAD_HORIZON_M: f64 = 5_000.0;

/// What a distance is measured to.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Reference point, m.
    pub point_m: [f64; 2],
    /// Covered ground; `None` for a bare position.
    pub body: Option<Rectangle>,
    /// Reference point by lane.
    pub lane: Option<LanePosition>,
}

/// One state of the world, to measure in.
#[derive(Clone, Copy)]
pub struct Scale<'a> {
    /// Where everyone is.
    pub state: &'a State,
    /// Who they are.
    pub bodies: &'a [Body],
    /// Their road.
    pub network: &'a Network,
}

impl Scale<'_> {
    /// An entity as a target; `None` while it is not in the world.
    pub fn entity(&self, entity: EntityIndex) -> Option<Target> {
        self.state.present[entity].then(|| Target {
            point_m: [self.state.x_m[entity], self.state.y_m[entity]],
            body: Some(self.state.rectangle(entity, self.bodies)),
            lane: self.state.lane_under(entity, self.network),
        })
    }

    /// The distance from `entity` to `target`, never negative, m. `None` when it cannot be measured: an entity that is not in
    /// the world, or a road distance between places without a way.
    pub fn distance_m(&self, entity: EntityIndex, target: &Target, measure: DistanceMeasure) -> Option<f64> {
        match measure.kind {
            RelativeDistanceType::Longitudinal => self.longitudinal_m(entity, target, measure).map(f64::abs),
            RelativeDistanceType::Lateral => self.lateral_m(entity, target, measure).map(f64::abs),
            RelativeDistanceType::Euclidean => {
                let from = self.entity(entity)?;
                match (measure.freespace, from.body, target.body) {
                    (true, Some(a), Some(b)) => Some(between_m(&a, &b)),
                    (true, Some(a), None) => Some(point_to_m(&a, target.point_m)),
                    _ => {
                        let [dx, dy] = [0, 1].map(|axis| target.point_m[axis] - from.point_m[axis]);
                        Some(dx.hypot(dy))
                    }
                }
            }
        }
    }

    /// Signed distance along, ahead of `entity` positive; with free space the bodies' extents taken off, 0 while they overlap.
    pub fn longitudinal_m(&self, entity: EntityIndex, target: &Target, measure: DistanceMeasure) -> Option<f64> {
        let from = self.entity(entity)?;
        match measure.coordinate_system {
            CoordinateSystem::Entity | CoordinateSystem::World => {
                let yaw_rad =
                    if measure.coordinate_system == CoordinateSystem::World { 0.0 } else { self.state.yaw_rad[entity] };
                let axis = [yaw_rad.cos(), yaw_rad.sin()];
                Some(along(axis, &from, target, measure.freespace))
            }
            CoordinateSystem::Lane | CoordinateSystem::Road | CoordinateSystem::Trajectory => {
                let (a, b) = (from.lane?, target.lane?);
                let points_m = self.along_road_m(entity, a, b)?;
                if !measure.freespace {
                    return Some(points_m);
                }
                // Extents and centres along the lane at either place.
                let reach = |of: &Target, lane: LanePosition| -> Option<(f64, f64)> {
                    let Some(body) = of.body else { return Some((0.0, 0.0)) };
                    let yaw_rad = self.network.lane_pose(lane)?.heading_rad;
                    let axis = [yaw_rad.cos(), yaw_rad.sin()];
                    let ahead_m = (0..2).map(|i| (body.center_m[i] - of.point_m[i]) * axis[i]).sum();
                    Some((ahead_m, body.half_extent_m(axis)))
                };
                let ((ahead_a, half_a), (ahead_b, half_b)) = (reach(&from, a)?, reach(target, b)?);
                Some(shrunk(points_m + ahead_b - ahead_a, half_a + half_b))
            }
        }
    }

    /// Signed distance along the road in the entity's direction of travel. On one road lanes of both directions are compared.
    fn along_road_m(&self, entity: EntityIndex, a: LanePosition, b: LanePosition) -> Option<f64> {
        let yaw_rad = self.state.yaw_rad[entity];
        if a.road == b.road {
            let road = self.network.road(a.road)?;
            let travel = (yaw_rad - road.line.at(a.s_m).heading_rad).cos().signum();
            let length_m = road.lane_length(a.s_m, b.s_m, a.lane, a.offset_m);
            return Some(length_m.copysign((b.s_m - a.s_m) * travel));
        }
        let travel = (yaw_rad - self.network.lane_pose(a)?.heading_rad).cos().signum();
        Some(travel * self.network.distance_between(a, b, ROAD_HORIZON_M)?)
    }

    /// Way from an entity on to a place, m: along the road where the road leads there, else straight. `None` when the place
    /// lies behind it.
    pub fn way_to_m(&self, entity: EntityIndex, target: &Target) -> Option<f64> {
        let from = self.entity(entity)?;
        let by_road = from.lane.zip(target.lane).and_then(|(a, b)| self.network.distance_ahead(a, b, ROAD_HORIZON_M));
        let [dx, dy] = [0, 1].map(|axis| target.point_m[axis] - from.point_m[axis]);
        let (sin, cos) = self.state.yaw_rad[entity].sin_cos();
        by_road.or_else(|| (dx * cos + dy * sin > 0.0).then(|| dx.hypot(dy)))
    }

    /// Signed distance across, to the left of `entity` positive.
    pub fn lateral_m(&self, entity: EntityIndex, target: &Target, measure: DistanceMeasure) -> Option<f64> {
        let from = self.entity(entity)?;
        let yaw_rad = match measure.coordinate_system {
            CoordinateSystem::World => 0.0,
            CoordinateSystem::Entity => self.state.yaw_rad[entity],
            CoordinateSystem::Lane | CoordinateSystem::Road | CoordinateSystem::Trajectory => {
                let (a, b) = (from.lane?, target.lane?);
                let lane_yaw_rad = self.network.lane_pose(a)?.heading_rad;
                let left = [-lane_yaw_rad.sin(), lane_yaw_rad.cos()];
                if a.road == b.road {
                    // Across the road by t, seen in the lane's driving direction.
                    let (ta, tb) = (self.network.road_position(a)?, self.network.road_position(b)?);
                    let line_yaw_rad = self.network.road(a.road)?.line.at(a.s_m).heading_rad;
                    let sign = (line_yaw_rad - lane_yaw_rad).cos().signum();
                    let across_m = sign * (tb.t_m - ta.t_m);
                    let halves = [&from, target].map(|of| of.body.map_or(0.0, |body| body.half_extent_m(left)));
                    return Some(if measure.freespace { shrunk(across_m, halves[0] + halves[1]) } else { across_m });
                }
                lane_yaw_rad
            }
        };
        Some(along([-yaw_rad.sin(), yaw_rad.cos()], &from, target, measure.freespace))
    }
}

fn along(axis: [f64; 2], from: &Target, to: &Target, freespace: bool) -> f64 {
    let middle = |of: &Target| of.body.filter(|_| freespace).map_or(of.point_m, |body| body.center_m);
    let half = |of: &Target| of.body.filter(|_| freespace).map_or(0.0, |body| body.half_extent_m(axis));
    let (a, b) = (middle(from), middle(to));
    shrunk((b[0] - a[0]) * axis[0] + (b[1] - a[1]) * axis[1], half(from) + half(to))
}

fn shrunk(signed_m: f64, by_m: f64) -> f64 {
    (signed_m.abs() - by_m).max(0.0).copysign(signed_m)
}

/// Distance between two rectangles, m, 0 when they touch. The nearest pair of points of two convex shapes that are apart
/// includes a corner of one of them.
fn between_m(a: &Rectangle, b: &Rectangle) -> f64 {
    if a.touches(b) {
        return 0.0;
    }
    let nearest = |corners: &Rectangle, of: &Rectangle| {
        corners.corners_m().into_iter().map(|corner| point_to_m(of, corner)).fold(f64::INFINITY, f64::min)
    };
    nearest(a, b).min(nearest(b, a))
}

fn point_to_m(body: &Rectangle, point_m: [f64; 2]) -> f64 {
    let [dx, dy] = [0, 1].map(|axis| point_m[axis] - body.center_m[axis]);
    let [forward_x, forward_y] = body.forward;
    let ahead = (dx * forward_x + dy * forward_y).abs() - body.half_m[0];
    let aside = (dy * forward_x - dx * forward_y).abs() - body.half_m[1];
    ahead.max(0.0).hypot(aside.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_apart_by_hand() {
        let at = |x: f64, y: f64| Rectangle { center_m: [x, y], forward: [1.0, 0.0], half_m: [2.0, 1.0] };
        assert_eq!(between_m(&at(0.0, 0.0), &at(10.0, 0.0)), 6.0);
        assert_eq!(between_m(&at(0.0, 0.0), &at(7.0, 6.0)), 5.0);
        assert_eq!(between_m(&at(0.0, 0.0), &at(3.0, 1.0)), 0.0);
        assert_eq!((shrunk(-5.0, 2.0), shrunk(1.0, 2.0)), (-3.0, 0.0));
    }
}
