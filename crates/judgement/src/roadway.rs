//! The subject's path along the lanes of a known road.

use cloverleaf_road::{LanePosition, Located, Network, wrap_angle};

use crate::path::Along;
use crate::rectangle::Rectangle;

/// Farther road users are of no interest to any measure, m.
const HORIZON_M: f64 = 300.0;
/// How far outside all lanes the subject may be and still be said to follow one, m.
const STRAYED_M: f64 = 1.0;
/// A corner this far outside the outermost lane is still on the road, m: map and position are no better.
const EDGE_TOLERANCE_M: f64 = 0.1;

/// Where the subject is on a network at one instant.
#[derive(Debug, Clone, Copy)]
pub struct Roadway<'a> {
    network: &'a Network,
    /// `None` when the subject follows no lane: off the road or against the traffic.
    from: Option<LanePosition>,
    /// Whether all corners of the subject are on lanes of any kind.
    pub on_road: bool,
}

impl<'a> Roadway<'a> {
    /// Locates the subject's body.
    pub fn new(network: &'a Network, body: &Rectangle, yaw_rad: f64) -> Self {
        let located = network.locate_toward(body.center_m[0], body.center_m[1], yaw_rad);
        let follows = |found: &Located| {
            let lane_yaw_rad = network.lane_pose(found.lane).map(|pose| pose.heading_rad);
            found.outside_m < STRAYED_M
                && lane_yaw_rad.is_some_and(|lane| wrap_angle(lane - yaw_rad).abs() < std::f64::consts::FRAC_PI_2)
        };
        let corner_on_road =
            |[x_m, y_m]: [f64; 2]| network.locate(x_m, y_m).is_some_and(|found| found.outside_m <= EDGE_TOLERANCE_M);
        let on_road = body.corners_m().into_iter().all(corner_on_road);
        Self { network, from: located.filter(follows).map(|found| found.lane), on_road }
    }

    /// Where `other` is along the subject's lane. `Err` when the road cannot tell because the subject follows no lane;
    /// `Ok(None)` when the other is not ahead within the horizon.
    pub fn along(&self, other: &Rectangle) -> Result<Option<Along>, FollowsNoLane> {
        let from = self.from.ok_or(FollowsNoLane)?;
        let Some(there) = self.network.locate(other.center_m[0], other.center_m[1]) else { return Ok(None) };
        Ok(self.ahead_of(from, there.lane, other))
    }

    fn ahead_of(&self, from: LanePosition, there: LanePosition, other: &Rectangle) -> Option<Along> {
        let distance_m = self.network.distance_ahead(from, there, HORIZON_M)?;
        let reached = self.network.advance(from, distance_m)?;
        let pose = self.network.lane_pose(reached.position)?;
        let (sin, cos) = pose.heading_rad.sin_cos();
        let offset = [other.center_m[0] - pose.x_m, other.center_m[1] - pose.y_m];
        Some(Along {
            // What the lane's end or a fork left over counts straight on.
            ahead_m: reached.travelled_m + cos * offset[0] + sin * offset[1],
            left_m: cos * offset[1] - sin * offset[0],
            path_yaw_rad: pose.heading_rad,
        })
    }
}

/// The subject is off the road or drives against the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowsNoLane;
