//! The port behind which a system under test drives: what it sees, what it asks for.

use cloverleaf_vocabulary::ActorClass;
use serde::Serialize;

use crate::bicycle::{Command, VehicleLimits};

/// A system under test. It is asked once per cycle and its command holds until the next.
///
/// All positions are in the ego frame: origin in the middle of the rear axle, x ahead, y left. A command that is not finite
/// is a fault of the driver: it becomes a finding, and the vehicle goes on with the last good command.
pub trait Driver: Send {
    /// What it wants now, given what it sees.
    fn drive(&mut self, observation: &Observation<'_>) -> Command;
}

impl<F: FnMut(&Observation<'_>) -> Command + Send> Driver for F {
    fn drive(&mut self, observation: &Observation<'_>) -> Command {
        self(observation)
    }
}

/// What a driver sees at one instant.
#[derive(Debug, Clone, Serialize)]
pub struct Observation<'a> {
    /// Simulation time, s.
    pub t_s: f64,
    /// Time until the next cycle, s.
    pub period_s: f64,
    /// The own vehicle.
    pub ego: Ego,
    /// The speed the storyboard (or whoever set the cruise control) asks for, m/s.
    pub set_speed_mps: f64,
    /// Speed limit of the own lane, m/s.
    pub speed_limit_mps: Option<f64>,
    /// Other road users within [`SENSOR_RANGE_M`], nearest first.
    pub objects: &'a [Object],
    /// Centre line of the own lane from abreast of the rear axle onwards, in order; empty when the ego is off every road.
    pub lane: &'a [LanePoint],
}

/// How far a driver sees, m.
pub const SENSOR_RANGE_M: f64 = 200.0;

/// The own vehicle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ego {
    /// Speed, m/s.
    pub speed_mps: f64,
    /// Acceleration, m/s2.
    pub accel_mps2: f64,
    /// Yaw rate, left positive, rad/s.
    pub yaw_rate_radps: f64,
    /// Steering angle of the front wheels, left positive, rad.
    pub steering_rad: f64,
    /// Overall length, m.
    pub length_m: f64,
    /// Overall width, m.
    pub width_m: f64,
    /// From the rear axle to the middle of the vehicle, m.
    pub center_ahead_m: f64,
    /// What it can do.
    pub limits: VehicleLimits,
}

/// Another road user.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Object {
    /// Stays the same during a run.
    pub id: u32,
    /// Kind.
    pub class: ActorClass,
    /// Middle of its rectangle, m ahead.
    pub x_m: f64,
    /// Middle of its rectangle, m to the left.
    pub y_m: f64,
    /// Its heading against the ego's, rad.
    pub yaw_rad: f64,
    /// Velocity over ground along the ego's x axis, m/s (not relative to the ego's motion).
    pub velocity_x_mps: f64,
    /// Velocity over ground along the ego's y axis, m/s.
    pub velocity_y_mps: f64,
    /// Acceleration along its own heading, m/s2.
    pub accel_mps2: f64,
    /// Overall length, m.
    pub length_m: f64,
    /// Overall width, m.
    pub width_m: f64,
}

/// A point of the own lane's centre line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LanePoint {
    /// Distance along the lane from abreast of the rear axle, m.
    pub along_m: f64,
    /// m ahead.
    pub x_m: f64,
    /// m to the left.
    pub y_m: f64,
    /// Direction of the lane against the ego's heading, rad.
    pub yaw_rad: f64,
    /// Width of the lane here, m.
    pub width_m: f64,
}
