//! The state of all road users at one instant, as parallel arrays, and what never changes about them.

use cloverleaf_judgement::Rectangle;
use cloverleaf_road::{LanePosition, Network, wrap_angle};
use cloverleaf_vocabulary::{ActorClass, ActorState, Footprint};

use crate::bicycle::VehicleLimits;

/// What never changes about a road user during a run.
#[derive(Debug, Clone)]
pub struct Body {
    /// Name in the scenario.
    pub name: String,
    /// Kind.
    pub class: ActorClass,
    /// Ground it covers.
    pub footprint: Footprint,
    /// What it can do.
    pub limits: VehicleLimits,
}

/// Index of an entity in the world's arrays, in the scenario's order.
pub type EntityIndex = usize;

/// Positions and motion of all entities at one step. Arrays are parallel, indexed by [`EntityIndex`].
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Whether the entity is in the world.
    pub present: Vec<bool>,
    /// Reference point, m.
    pub x_m: Vec<f64>,
    /// Reference point, m.
    pub y_m: Vec<f64>,
    /// Heading, rad.
    pub yaw_rad: Vec<f64>,
    /// Speed along the heading, m/s, negative in reverse.
    pub speed_mps: Vec<f64>,
    /// Acceleration along the heading, m/s2.
    pub accel_mps2: Vec<f64>,
    /// Yaw rate, rad/s.
    pub yaw_rate_radps: Vec<f64>,
    /// Steering angle of vehicles that a driver steers, rad.
    pub steering_rad: Vec<f64>,
    /// Reference point by lane. While an entity changes lane this is the target lane with a large offset; see
    /// [`State::lane_under`] for the lane it is on. `None` off every road.
    pub lane: Vec<Option<LanePosition>>,
    /// Heading against the lane's driving direction, rad, as placed by the scenario; lateral motion adds to it.
    pub lane_yaw_rad: Vec<f64>,
    /// Way travelled since the beginning, m.
    pub travelled_m: Vec<f64>,
    /// How long it has been standing, off the road, at the end of the road, s.
    pub standing_s: Vec<f64>,
    /// See [`Self::standing_s`].
    pub off_road_s: Vec<f64>,
    /// See [`Self::standing_s`].
    pub end_of_road_s: Vec<f64>,
}

impl State {
    /// `count` entities that are not in the world yet.
    pub fn absent(count: usize) -> Self {
        let zeros = vec![0.0; count];
        Self {
            present: vec![false; count],
            x_m: zeros.clone(),
            y_m: zeros.clone(),
            yaw_rad: zeros.clone(),
            speed_mps: zeros.clone(),
            accel_mps2: zeros.clone(),
            yaw_rate_radps: zeros.clone(),
            steering_rad: zeros.clone(),
            lane: vec![None; count],
            lane_yaw_rad: zeros.clone(),
            travelled_m: zeros.clone(),
            standing_s: zeros.clone(),
            off_road_s: zeros.clone(),
            end_of_road_s: zeros,
        }
    }

    /// Entities in the world, in order.
    pub fn entities(&self) -> impl Iterator<Item = EntityIndex> + '_ {
        self.present.iter().enumerate().filter(|(_, present)| **present).map(|(index, _)| index)
    }

    /// One entity as the rest of Cloverleaf knows it.
    pub fn actor(&self, entity: EntityIndex, t_s: f64) -> ActorState {
        ActorState {
            t_s,
            x_m: self.x_m[entity],
            y_m: self.y_m[entity],
            yaw_rad: self.yaw_rad[entity],
            speed_mps: self.speed_mps[entity],
            accel_mps2: self.accel_mps2[entity],
        }
    }

    /// The ground an entity covers.
    pub fn rectangle(&self, entity: EntityIndex, bodies: &[Body]) -> Rectangle {
        Rectangle::of(&self.actor(entity, 0.0), &bodies[entity].footprint)
    }

    /// The lane the entity's reference point is on.
    pub fn lane_under(&self, entity: EntityIndex, network: &Network) -> Option<LanePosition> {
        network.lane_position(network.road_position(self.lane[entity]?)?)
    }

    /// Puts an entity at a pose and finds its lane.
    pub fn place(&mut self, entity: EntityIndex, x_m: f64, y_m: f64, yaw_rad: f64, network: &Network) {
        self.present[entity] = true;
        self.x_m[entity] = x_m;
        self.y_m[entity] = y_m;
        self.yaw_rad[entity] = wrap_angle(yaw_rad);
        self.find_lane(entity, network);
    }

    /// Puts an entity on a lane, turned against its direction by `lane_yaw_rad`. `false` when the lane does not exist.
    pub fn place_on_lane(
        &mut self,
        entity: EntityIndex,
        at: LanePosition,
        lane_yaw_rad: f64,
        network: &Network,
    ) -> bool {
        let Some(pose) = network.lane_pose(at) else { return false };
        self.present[entity] = true;
        self.x_m[entity] = pose.x_m;
        self.y_m[entity] = pose.y_m;
        self.yaw_rad[entity] = wrap_angle(pose.heading_rad + lane_yaw_rad);
        self.lane[entity] = Some(at);
        self.lane_yaw_rad[entity] = wrap_angle(lane_yaw_rad);
        true
    }

    /// Finds the lane under an entity that moves without following one.
    pub fn find_lane(&mut self, entity: EntityIndex, network: &Network) {
        let yaw_rad = self.yaw_rad[entity];
        let found = network
            .locate_toward(self.x_m[entity], self.y_m[entity], yaw_rad)
            .filter(|found| found.outside_m <= ON_ROAD_M)
            .and_then(|found| Some((found.lane, network.lane_pose(found.lane)?.heading_rad)));
        self.lane[entity] = found.map(|(lane, _)| lane);
        self.lane_yaw_rad[entity] = found.map_or(0.0, |(_, heading_rad)| wrap_angle(yaw_rad - heading_rad));
    }
}

/// A reference point this far outside the outermost lane is still on the road, m.
pub const ON_ROAD_M: f64 = 0.1;
