//! The network as compiled: what a file said, in SI units, ready for queries.

use crate::geometry::ReferenceLine;
use crate::poly::Profile;
use crate::{LaneRef, RoadIndex};

/// A road network, immutable once compiled. See the crate's documentation for the queries.
#[derive(Debug)]
pub struct Network {
    /// What the file says about itself.
    pub header: Header,
    /// Roads in file order; [`RoadIndex`] counts here.
    pub roads: Vec<Road>,
    /// Junctions in file order.
    pub junctions: Vec<Junction>,
    /// What the file holds that was not understood or is doubtful, in file order. Empty for a network wholly understood.
    pub diagnostics: Vec<Diagnostic>,
    pub(crate) graph: crate::graph::LaneGraph,
    pub(crate) index: crate::index::SpatialIndex,
}

/// The file's own description.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Header {
    /// Major revision of the standard, 1.
    pub rev_major: u32,
    /// Minor revision, 4 to 8.
    pub rev_minor: u32,
    /// Name of the network.
    pub name: String,
    /// Who made the file.
    pub vendor: String,
    /// PROJ string of the inertial frame, as it stands in the file.
    pub geo_reference: Option<String>,
}

/// On which side the traffic drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrafficRule {
    /// Right-hand traffic: lanes with a negative id run along increasing s.
    #[default]
    RightHand,
    /// Left-hand traffic: lanes with a positive id run along increasing s.
    LeftHand,
}

/// A road.
#[derive(Debug)]
pub struct Road {
    /// Id in the file.
    pub id: String,
    /// Name in the file, often empty.
    pub name: String,
    /// Length of the reference line, m.
    pub length_m: f64,
    /// Driving side.
    pub rule: TrafficRule,
    /// The junction this road is a connection of, as an index into [`Network::junctions`].
    pub junction: Option<u32>,
    /// The plan view.
    pub line: ReferenceLine,
    /// Height of the reference line over s, m.
    pub elevation: Profile,
    /// Roll of the road surface over s, rad, positive lifts the left side.
    pub superelevation: Profile,
    /// Shift of lane 0 from the reference line over s, m, positive left.
    pub lane_offset: Profile,
    /// Lane sections by increasing s; at least one.
    pub sections: Vec<LaneSection>,
    /// Speed limits of the road by increasing s (`<type><speed>`).
    pub speeds: Vec<SpeedLimit>,
    /// What precedes s = 0.
    pub predecessor: Option<RoadLink>,
    /// What follows s = length.
    pub successor: Option<RoadLink>,
}

/// A speed limit that holds from `s_m` on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeedLimit {
    /// Start, m (of the road for a road's limit, of the lane section for a lane's).
    pub s_m: f64,
    /// Limit, m/s; `None` means no limit or not defined.
    pub max_mps: Option<f64>,
}

/// Which end of a road.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContactPoint {
    /// s = 0.
    Start,
    /// s = length.
    End,
}

/// What a road is joined to at one end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoadLink {
    /// Directly to an end of another road.
    Road(RoadIndex, ContactPoint),
    /// To a junction, as an index into [`Network::junctions`].
    Junction(u32),
}

/// A part of the road in which the lanes stay the same.
#[derive(Debug)]
pub struct LaneSection {
    /// Start, m.
    pub start_m: f64,
    /// End, m.
    pub end_m: f64,
    /// Lanes left of lane 0, nearest first: ids 1, 2, ...
    pub left: Vec<Lane>,
    /// Lanes right of lane 0, nearest first: ids -1, -2, ...
    pub right: Vec<Lane>,
    /// Marks of lane 0, the centre line.
    pub center_marks: Vec<RoadMark>,
}

/// One lane inside one section.
#[derive(Debug)]
pub struct Lane {
    /// OpenDRIVE id.
    pub id: i32,
    /// What the lane is for.
    pub kind: LaneType,
    /// Which way traffic runs on it.
    pub direction: LaneDirection,
    /// Width over the distance from the section's start, m; or the outer border's t when `is_border`.
    pub(crate) shape: Profile,
    pub(crate) is_border: bool,
    /// Lanes of the same road in the section before, or of the linked road.
    pub predecessors: Vec<i32>,
    /// Lanes of the same road in the section after, or of the linked road.
    pub successors: Vec<i32>,
    /// Marks of the outer border, by increasing s.
    pub marks: Vec<RoadMark>,
    /// The lane's own speed limits, s from the section's start.
    pub speeds: Vec<SpeedLimit>,
}

/// A marking from `s_offset_m` (from the section's start) on.
#[derive(Debug, Clone, PartialEq)]
pub struct RoadMark {
    /// Start from the section's start, m.
    pub s_offset_m: f64,
    /// Type as in the standard: `solid`, `broken`, `solid solid`, `none`, ...
    pub kind: String,
    /// Colour as in the standard.
    pub color: String,
    /// Width, m, when given.
    pub width_m: Option<f64>,
}

/// Which way traffic runs on a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneDirection {
    /// Along increasing s.
    Forward,
    /// Along decreasing s.
    Backward,
    /// Both ways (type `bidirectional`, or direction `both` of 1.8).
    Both,
}

/// What a lane is for. Names as in OpenDRIVE 1.4 to 1.8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneType {
    /// Ordinary traffic.
    Driving,
    /// Motorway entry.
    Entry,
    /// Motorway exit.
    Exit,
    /// Ramp leading onto a motorway.
    OnRamp,
    /// Ramp leading off a motorway.
    OffRamp,
    /// Ramp between two motorways.
    ConnectingRamp,
    /// Slip lane.
    SlipLane,
    /// Traffic in both directions.
    Bidirectional,
    /// Hard shoulder's stopping lane.
    Stop,
    /// Soft border.
    Shoulder,
    /// Hard border.
    Border,
    /// Between two driving lanes of opposite direction.
    Median,
    /// Any other type of the standard, by its name there.
    Other(String),
}

/// A junction.
#[derive(Debug)]
pub struct Junction {
    /// Id in the file.
    pub id: String,
    /// Name in the file.
    pub name: String,
    /// Ways through.
    pub connections: Vec<Connection>,
}

/// One way through a junction.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Road on which a vehicle comes to the junction.
    pub incoming: RoadIndex,
    /// Road inside the junction, or in a direct junction the road beyond it.
    pub connecting: RoadIndex,
    /// The end of `connecting` at which it is entered.
    pub contact: ContactPoint,
    /// (lane of `incoming`, lane of `connecting`).
    pub lane_links: Vec<(i32, i32)>,
    /// True for a connection of a direct junction (1.7 on).
    pub direct: bool,
}

/// Something in the file that was not understood, or understood with a doubt. The file is still usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Line in the file, from 1.
    pub line: u32,
    /// Element path, for example `/OpenDRIVE/road[id=1]/lateralProfile/shape`.
    pub path: String,
    /// What is meant and what was done about it.
    pub message: String,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.path, self.message)
    }
}

/// Why a file is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {path}: {message}")]
pub struct RoadError {
    /// The name given to [`Network::parse`].
    pub file: String,
    /// Line in the file, from 1.
    pub line: u32,
    /// Element path.
    pub path: String,
    /// What was expected, what was found, what to do.
    pub message: String,
}

impl LaneType {
    /// From the standard's name.
    pub fn from_name(name: &str) -> Self {
        match name {
            "driving" => Self::Driving,
            "entry" => Self::Entry,
            "exit" => Self::Exit,
            "onRamp" => Self::OnRamp,
            "offRamp" => Self::OffRamp,
            "connectingRamp" => Self::ConnectingRamp,
            "slipLane" => Self::SlipLane,
            "bidirectional" => Self::Bidirectional,
            "stop" => Self::Stop,
            "shoulder" => Self::Shoulder,
            "border" => Self::Border,
            "median" => Self::Median,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The standard's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Driving => "driving",
            Self::Entry => "entry",
            Self::Exit => "exit",
            Self::OnRamp => "onRamp",
            Self::OffRamp => "offRamp",
            Self::ConnectingRamp => "connectingRamp",
            Self::SlipLane => "slipLane",
            Self::Bidirectional => "bidirectional",
            Self::Stop => "stop",
            Self::Shoulder => "shoulder",
            Self::Border => "border",
            Self::Median => "median",
            Self::Other(name) => name,
        }
    }

    /// Whether motor vehicles travel on it. Stop lanes and shoulders are not: driving there is an event, not traffic.
    pub fn is_drivable(&self) -> bool {
        match self {
            Self::Driving
            | Self::Entry
            | Self::Exit
            | Self::OnRamp
            | Self::OffRamp
            | Self::ConnectingRamp
            | Self::SlipLane
            | Self::Bidirectional => true,
            Self::Stop | Self::Shoulder | Self::Border | Self::Median => false,
            // Names of older revisions for lanes that cars use.
            Self::Other(name) => matches!(name.as_str(), "mwyEntry" | "mwyExit" | "HOV" | "bus" | "taxi" | "shared"),
        }
    }
}

impl Network {
    /// The road with this id in the file.
    pub fn road_by_id(&self, id: &str) -> Option<RoadIndex> {
        self.roads.iter().position(|road| road.id == id).and_then(|i| u32::try_from(i).ok()).map(RoadIndex)
    }

    /// The road, if the index is of this network.
    pub fn road(&self, index: RoadIndex) -> Option<&Road> {
        self.roads.get(index.0 as usize)
    }

    /// The lane of a lane reference.
    pub fn lane(&self, lane: LaneRef) -> Option<&Lane> {
        self.road(lane.road)?.sections.get(lane.section as usize)?.lane(lane.lane)
    }
}

impl LaneSection {
    /// The lane with this id.
    pub fn lane(&self, id: i32) -> Option<&Lane> {
        let side = if id > 0 { &self.left } else { &self.right };
        side.get((id.unsigned_abs() as usize).checked_sub(1)?)
    }

    /// All lanes, from the leftmost to the rightmost.
    pub fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.left.iter().rev().chain(&self.right)
    }
}

impl Road {
    /// Index of the lane section that holds at `s_m` (the later one at a boundary).
    pub fn section_index_at(&self, s_m: f64) -> usize {
        self.sections.partition_point(|section| section.start_m <= s_m).saturating_sub(1)
    }

    /// The lane section that holds at `s_m`.
    pub fn section_at(&self, s_m: f64) -> Option<&LaneSection> {
        self.sections.get(self.section_index_at(s_m))
    }

    /// Limit of a lane at s, m/s: the lane's own, else the road's, else `None`.
    pub fn speed_limit_mps(&self, s_m: f64, lane: i32) -> Option<f64> {
        let at = |limits: &[SpeedLimit], s_m: f64| {
            limits.get(limits.partition_point(|limit| limit.s_m <= s_m).checked_sub(1)?)?.max_mps
        };
        let section = self.section_at(s_m)?;
        section.lane(lane).and_then(|lane| at(&lane.speeds, s_m - section.start_m)).or_else(|| at(&self.speeds, s_m))
    }
}
