//! OpenDRIVE 1.4 to 1.8 road networks: read once, compiled to arc-length geometry, then asked by lane.
//!
//! Read first: [`Network`] (a compiled network and its queries), [`LanePosition`] (where something is), and
//! [`RoadSpec`] (a road to be written).
//!
//! ```
//! use cloverleaf_road::{LanePosition, Network, NetworkSpec, RoadSpec, Segment, Shape, write_opendrive};
//!
//! let bend = [
//!     Segment { length_m: 300.0, shape: Shape::Line },
//!     Segment { length_m: 100.0, shape: Shape::Spiral { start_per_m: 0.0, end_per_m: 1.0 / 800.0 } },
//!     Segment { length_m: 400.0, shape: Shape::Arc { curvature_per_m: 1.0 / 800.0 } },
//! ];
//! let spec = NetworkSpec { roads: vec![RoadSpec::motorway("1", bend.to_vec(), 3, 3.5)], ..NetworkSpec::default() };
//! let network = Network::parse("bend.xodr", &write_opendrive(&spec)?)?;
//!
//! let road = network.road_by_id("1").ok_or("no such road")?;
//! let start = LanePosition { road, s_m: 10.0, lane: -2, offset_m: 0.0 };
//! let there = network.advance(start, 500.0).ok_or("not on a lane")?.position;
//! let pose = network.lane_pose(there).ok_or("not on a lane")?;
//! let found = network.locate(pose.x_m, pose.y_m).ok_or("no lanes")?;
//! assert_eq!(found.lane.lane, -2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: objects, signals, railroads, lateral shapes, lane heights, surfaces and virtual junctions are not read; each
//! is listed in [`Network::diagnostics`]. A lane of both directions is travelled along increasing s. Written roads have
//! one lane section each and no junctions. Nothing here touches files, clocks or threads.

mod model;
mod position;
mod read;
mod read_lanes;
mod xml;

mod geometry;
mod graph;
mod index;
mod lanes;
mod poly;
mod travel;

mod write;

pub use geometry::{LinePoint, PieceSpec, ReferenceLine, Shape};
pub use model::*;
pub use poly::{Cubic, Profile};
pub use position::{Advanced, LanePosition, LaneRef, Located, Pose, RoadIndex, RoadPosition, wrap_angle};
pub use write::{LaneSpec, NetworkSpec, RoadSpec, Segment, write_opendrive};
