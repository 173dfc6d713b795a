//! Road users in motion: what a recorded drive, a simulated world and a metric all agree on.

use serde::{Deserialize, Serialize};

/// What kind of road user; the classes OpenSCENARIO and perception stacks share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorClass {
    /// Passenger car.
    Car,
    /// Van.
    Van,
    /// Rigid truck, tractor or trailer combination.
    Truck,
    /// Bus or coach.
    Bus,
    /// Motorcycle.
    Motorbike,
    /// Bicycle.
    Bicycle,
    /// Person on foot.
    Pedestrian,
    /// Anything else, for example debris.
    Other,
}

/// The rectangle a road user covers on the ground, in its own frame (x forward, y left).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    /// Overall length, m.
    pub length_m: f64,
    /// Overall width, m.
    pub width_m: f64,
    /// From the reference point to the rectangle's centre, forward positive, m. OpenSCENARIO's reference point is the
    /// middle of the rear axle, a radar track's is usually the rear face; 0 means the reference point is the centre.
    pub center_ahead_m: f64,
}

impl Footprint {
    /// A usual passenger car with its reference point in the centre.
    pub const CAR: Self = Self { length_m: 4.6, width_m: 1.85, center_ahead_m: 0.0 };
    /// A usual heavy truck with its reference point in the centre.
    pub const TRUCK: Self = Self { length_m: 12.0, width_m: 2.5, center_ahead_m: 0.0 };
}

/// One road user at one instant, in a fixed right-handed ground frame (x and y horizontal).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ActorState {
    /// Seconds since the beginning of the trace.
    pub t_s: f64,
    /// Reference point, m.
    pub x_m: f64,
    /// Reference point, m.
    pub y_m: f64,
    /// Heading, anticlockwise from x, rad.
    pub yaw_rad: f64,
    /// Speed along the heading, m/s; negative in reverse.
    pub speed_mps: f64,
    /// Acceleration along the heading, m/s2.
    pub accel_mps2: f64,
}

/// One road user over time. States are in strictly increasing time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActorTrace {
    /// Name, unique within its scene.
    pub name: String,
    /// Kind of road user.
    pub class: ActorClass,
    /// Ground rectangle.
    pub footprint: Footprint,
    /// States, strictly increasing in `t_s`.
    pub states: Vec<ActorState>,
}
