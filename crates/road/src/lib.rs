//! OpenDRIVE 1.4 to 1.8 road networks: read once, compiled to arc-length geometry, then asked by lane.

mod geometry;
mod graph;
mod index;
mod lanes;
mod model;
mod poly;
mod position;
mod read;
mod read_lanes;
mod travel;
mod xml;

pub use geometry::{LinePoint, PieceSpec, ReferenceLine, Shape};
pub use model::*;
pub use poly::{Cubic, Profile};
pub use position::{Advanced, LanePosition, LaneRef, Located, Pose, RoadIndex, RoadPosition, wrap_angle};
