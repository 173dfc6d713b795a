//! OpenSCENARIO positions as poses and lane positions.

use cloverleaf_road::{LanePosition, LaneRef, RoadPosition, wrap_angle};
use cloverleaf_scenario::model::{InRoutePosition, Orientation, Position, Reference, RelativeLaneDistance, Route};

use crate::distance::Scale;
use crate::motion::way_to;
use crate::world::{EntityIndex, ON_ROAD_M};

/// A resolved position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// m.
    pub x_m: f64,
    /// m.
    pub y_m: f64,
    /// Heading, rad.
    pub yaw_rad: f64,
    /// By lane, and the heading against the lane's direction, rad. `None` off the road.
    pub lane: Option<(LanePosition, f64)>,
}

/// Why a position is none.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlaceError {
    /// The road network has no such road.
    #[error("road {0:?} does not exist in the road network")]
    NoRoad(String),
    /// The road has no such lane there.
    #[error("road {road:?} has no lane {lane} at s = {s_m:.2} m")]
    NoLane {
        /// Road's id.
        road: String,
        /// Lane's id.
        lane: i32,
        /// m.
        s_m: f64,
    },
    /// s is beyond the road.
    #[error("road {road:?} is {length_m:.2} m long; s = {s_m:.2} m is not on it")]
    NotOnRoad {
        /// Road's id.
        road: String,
        /// m.
        s_m: f64,
        /// m.
        length_m: f64,
    },
    /// An entity that is not in the world, or not on a road where that is needed.
    #[error("entity {0:?} is not in the world, or not on a road, when a position relative to it is needed")]
    NoReference(String),
    /// The entity is not declared.
    #[error("entity {0:?} is not declared")]
    NoEntity(String),
    /// A route without a waypoint on the road.
    #[error("route {0:?} has no waypoint on the road")]
    NoRoute(String),
    /// A number that is not finite.
    #[error("the position is not finite")]
    NotFinite,
    /// A kind of position that is not executed.
    #[error("{0} is not supported by the simulator")]
    Unsupported(&'static str),
}

impl Scale<'_> {
    /// Resolves a position now.
    pub fn place(&self, position: &Position) -> Result<Placement, PlaceError> {
        let placement = match position {
            Position::World { x_m, y_m, h_rad, .. } => self.at_world(*x_m, *y_m, *h_rad),
            Position::RelativeWorld { entity, dx_m, dy_m, orientation, .. } => {
                let of = self.reference(entity)?;
                let yaw_rad = turned(orientation, self.state.yaw_rad[of]);
                self.at_world(self.state.x_m[of] + dx_m, self.state.y_m[of] + dy_m, yaw_rad)
            }
            Position::RelativeObject { entity, dx_m, dy_m, orientation, .. } => {
                let of = self.reference(entity)?;
                let (sin, cos) = self.state.yaw_rad[of].sin_cos();
                let yaw_rad = turned(orientation, self.state.yaw_rad[of]);
                self.at_world(
                    self.state.x_m[of] + cos * dx_m - sin * dy_m,
                    self.state.y_m[of] + sin * dx_m + cos * dy_m,
                    yaw_rad,
                )
            }
            Position::Road { road, s_m, t_m, orientation } => {
                let index = self.network.road_by_id(road).ok_or_else(|| PlaceError::NoRoad(road.clone()))?;
                self.at_road(RoadPosition { road: index, s_m: *s_m, t_m: *t_m }, orientation)?
            }
            Position::RelativeRoad { entity, ds_m, dt_m, orientation } => {
                let of = self.reference(entity)?;
                let from = self.state.lane[of].and_then(|lane| self.network.road_position(lane));
                let from = from.ok_or_else(|| PlaceError::NoReference(entity.clone()))?;
                self.at_road(RoadPosition { s_m: from.s_m + ds_m, t_m: from.t_m + dt_m, ..from }, orientation)?
            }
            Position::Lane { road, lane, s_m, offset_m, orientation } => {
                let index = self.network.road_by_id(road).ok_or_else(|| PlaceError::NoRoad(road.clone()))?;
                self.at_lane(LanePosition { road: index, s_m: *s_m, lane: *lane, offset_m: *offset_m }, orientation)?
            }
            Position::RelativeLane { entity, d_lane, along, offset_m, orientation } => {
                let of = self.reference(entity)?;
                let missing = || PlaceError::NoReference(entity.clone());
                let from = self.state.lane_under(of, self.network).ok_or_else(missing)?;
                let lane = self.lane_beside(of, from, *d_lane).ok_or_else(missing)?;
                let at = LanePosition { lane, offset_m: *offset_m, ..from };
                self.at_lane(self.further(at, *along).ok_or_else(missing)?, orientation)?
            }
            Position::Route { route, at, orientation } => match at {
                InRoutePosition::CurrentEntity(entity) => {
                    let of = self.reference(entity)?;
                    self.at_world(self.state.x_m[of], self.state.y_m[of], turned(orientation, self.state.yaw_rad[of]))
                }
                InRoutePosition::Road { path_s_m, t_m } => {
                    let on = self.along_route(route, *path_s_m)?;
                    self.at_road(RoadPosition { road: on.road, s_m: on.s_m, t_m: *t_m }, orientation)?
                }
                InRoutePosition::Lane { path_s_m, lane, offset_m } => {
                    let on = self.along_route(route, *path_s_m)?;
                    self.at_lane(LanePosition { lane: *lane, offset_m: *offset_m, ..on }, orientation)?
                }
            },
            Position::Trajectory { .. } => return Err(PlaceError::Unsupported("TrajectoryPosition")),
            Position::Unsupported(_) => return Err(PlaceError::Unsupported("GeoPosition")),
        };
        let finite = [placement.x_m, placement.y_m, placement.yaw_rad].iter().all(|value| value.is_finite());
        if finite { Ok(placement) } else { Err(PlaceError::NotFinite) }
    }

    /// The lane `count` lanes to the left of `from` in the entity's view (to the right when negative); lane 0 is not counted.
    pub fn lane_beside(&self, entity: EntityIndex, from: LanePosition, count: i32) -> Option<i32> {
        let line_yaw_rad = self.network.road(from.road)?.line.at(from.s_m).heading_rad;
        let left_is_up = (self.state.yaw_rad[entity] - line_yaw_rad).cos() >= 0.0;
        let target = from.lane.checked_add(if left_is_up { count } else { count.checked_neg()? })?;
        // Crossing the middle skips lane 0.
        if from.lane.signum() == target.signum() { Some(target) } else { target.checked_add(-from.lane.signum()) }
    }

    /// The places a route passes, by lane.
    pub fn route_places(&self, route: &Route) -> Result<Vec<LanePosition>, PlaceError> {
        let places =
            route.waypoints.iter().map(|waypoint| Ok(self.place(&waypoint.position)?.lane.map(|(lane, _)| lane)));
        Ok(places.collect::<Result<Vec<_>, PlaceError>>()?.into_iter().flatten().collect())
    }

    /// The place a way along a route.
    fn along_route(&self, route: &Route, way_m: f64) -> Result<LanePosition, PlaceError> {
        let places = self.route_places(route)?;
        let [first, rest @ ..] = places.as_slice() else { return Err(PlaceError::NoRoute(route.name.clone())) };
        let choose = |ways: &[LaneRef]| way_to(rest.iter(), ways, self.network);
        let reached = self.network.advance_by(LanePosition { offset_m: 0.0, ..*first }, way_m, choose);
        reached.map(|reached| reached.position).ok_or_else(|| PlaceError::NoRoute(route.name.clone()))
    }

    fn reference(&self, name: &str) -> Result<EntityIndex, PlaceError> {
        let index = self
            .bodies
            .iter()
            .position(|body| body.name == name)
            .ok_or_else(|| PlaceError::NoEntity(name.to_owned()))?;
        if self.state.present[index] { Ok(index) } else { Err(PlaceError::NoReference(name.to_owned())) }
    }

    fn further(&self, at: LanePosition, along: RelativeLaneDistance) -> Option<LanePosition> {
        match along {
            RelativeLaneDistance::Lane(way_m) => Some(self.network.advance(at, way_m)?.position),
            RelativeLaneDistance::Road(ds_m) => {
                let road = self.network.road(at.road)?;
                let backward = road.direction(at.s_m, at.lane) == Some(cloverleaf_road::LaneDirection::Backward);
                let s_m = if backward { at.s_m - ds_m } else { at.s_m + ds_m };
                if (0.0..=road.length_m).contains(&s_m) {
                    return Some(LanePosition { s_m, ..at });
                }
                // Beyond this road the way along the lane stands for the way along the line.
                Some(self.network.advance(at, ds_m)?.position)
            }
        }
    }

    fn at_world(&self, x_m: f64, y_m: f64, yaw_rad: f64) -> Placement {
        let lane = self.network.locate_toward(x_m, y_m, yaw_rad).filter(|found| found.outside_m <= ON_ROAD_M).and_then(
            |found| Some((found.lane, wrap_angle(yaw_rad - self.network.lane_pose(found.lane)?.heading_rad))),
        );
        Placement { x_m, y_m, yaw_rad, lane }
    }

    fn at_road(&self, at: RoadPosition, orientation: &Orientation) -> Result<Placement, PlaceError> {
        self.on_road(at.road, at.s_m)?;
        let pose = self.network.pose(at).ok_or(PlaceError::NotFinite)?;
        Ok(self.at_world(pose.x_m, pose.y_m, turned(orientation, pose.heading_rad)))
    }

    fn at_lane(&self, at: LanePosition, orientation: &Orientation) -> Result<Placement, PlaceError> {
        let road = self.on_road(at.road, at.s_m)?;
        let pose = self.network.lane_pose(at).ok_or(PlaceError::NoLane { road, lane: at.lane, s_m: at.s_m })?;
        let yaw_rad = turned(orientation, pose.heading_rad);
        let lane = Some((at, wrap_angle(yaw_rad - pose.heading_rad)));
        Ok(Placement { x_m: pose.x_m, y_m: pose.y_m, yaw_rad, lane })
    }

    fn on_road(&self, road: cloverleaf_road::RoadIndex, s_m: f64) -> Result<String, PlaceError> {
        let road = self.network.road(road).ok_or(PlaceError::NotFinite)?;
        // A file may give the very end with a rounding of its own.
        if (-1e-3..=road.length_m + 1e-3).contains(&s_m) {
            Ok(road.id.clone())
        } else {
            Err(PlaceError::NotOnRoad { road: road.id.clone(), s_m, length_m: road.length_m })
        }
    }
}

fn turned(orientation: &Orientation, reference_rad: f64) -> f64 {
    wrap_angle(match orientation.reference {
        Reference::Relative => reference_rad + orientation.h_rad,
        Reference::Absolute => orientation.h_rad,
    })
}
