//! Where something is on a network, in the three coordinate systems the standards use.

/// A road of one [`Network`](crate::Network), by its place in [`Network::roads`](crate::Network::roads).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoadIndex(pub u32);

/// A stretch of one lane inside one lane section: the node of the lane graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneRef {
    /// The road.
    pub road: RoadIndex,
    /// Index of the lane section along increasing s.
    pub section: u32,
    /// OpenDRIVE lane id: positive to the left of the reference line, negative to the right, never 0.
    pub lane: i32,
}

/// A position by lane. The currency of storyboards and traffic models.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LanePosition {
    /// The road.
    pub road: RoadIndex,
    /// Along the reference line, m, 0 to the road's length.
    pub s_m: f64,
    /// OpenDRIVE lane id, never 0.
    pub lane: i32,
    /// From the lane's centre, m, positive towards increasing t (left of the reference line whatever the lane's direction).
    pub offset_m: f64,
}

/// A position by road: ISO 8855 track coordinates of OpenDRIVE.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoadPosition {
    /// The road.
    pub road: RoadIndex,
    /// Along the reference line, m, 0 to the road's length.
    pub s_m: f64,
    /// Across, m, positive to the left of the reference line.
    pub t_m: f64,
}

/// A pose in the network's inertial frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// East in a georeferenced network, m.
    pub x_m: f64,
    /// North in a georeferenced network, m.
    pub y_m: f64,
    /// Up, m.
    pub z_m: f64,
    /// Anticlockwise from x, rad, in (-pi, pi].
    pub heading_rad: f64,
}

/// What [`Network::locate`](crate::Network::locate) found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Located {
    /// By lane; the nearest lane when the point lies outside all lanes.
    pub lane: LanePosition,
    /// Across from the reference line, m.
    pub t_m: f64,
    /// How far outside the road's lanes the point lies, m; 0 when it is on a lane.
    pub outside_m: f64,
}

/// What [`Network::advance`](crate::Network::advance) reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Advanced {
    /// Where it ended: the asked distance on, or the last point of the network in this direction.
    pub position: LanePosition,
    /// How far it came along the lane's path, m, with the sign of the asked distance.
    pub travelled_m: f64,
    /// True when the lane ended before the asked distance.
    pub end_of_road: bool,
}

/// The same angle in (-pi, pi], rad.
pub fn wrap_angle(angle_rad: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    let wrapped = angle_rad.rem_euclid(TAU);
    if wrapped > PI { wrapped - TAU } else { wrapped }
}
