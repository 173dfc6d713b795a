//! Positions, trajectories and routes.

use super::Unsupported;

/// `Position`.
#[derive(Debug, Clone, PartialEq)]
pub enum Position {
    /// `WorldPosition`: in the road network's inertial frame.
    World {
        /// m.
        x_m: f64,
        /// m.
        y_m: f64,
        /// m; `None` puts it on the road surface.
        z_m: Option<f64>,
        /// Heading, rad, anticlockwise from x.
        h_rad: f64,
        /// Pitch, rad.
        p_rad: f64,
        /// Roll, rad.
        r_rad: f64,
    },
    /// `RelativeWorldPosition`: offset along the world's axes.
    RelativeWorld {
        /// Reference entity.
        entity: String,
        /// m.
        dx_m: f64,
        /// m.
        dy_m: f64,
        /// m.
        dz_m: f64,
        /// Orientation.
        orientation: Orientation,
    },
    /// `RelativeObjectPosition`: offset along the reference entity's own axes.
    RelativeObject {
        /// Reference entity.
        entity: String,
        /// Ahead, m.
        dx_m: f64,
        /// Left, m.
        dy_m: f64,
        /// Up, m.
        dz_m: f64,
        /// Orientation.
        orientation: Orientation,
    },
    /// `RoadPosition`.
    Road {
        /// OpenDRIVE road id.
        road: String,
        /// m.
        s_m: f64,
        /// m.
        t_m: f64,
        /// Relative to the road by default.
        orientation: Orientation,
    },
    /// `RelativeRoadPosition`.
    RelativeRoad {
        /// Reference entity.
        entity: String,
        /// m along the reference line.
        ds_m: f64,
        /// m.
        dt_m: f64,
        /// Orientation.
        orientation: Orientation,
    },
    /// `LanePosition`.
    Lane {
        /// OpenDRIVE road id.
        road: String,
        /// OpenDRIVE lane id.
        lane: i32,
        /// m.
        s_m: f64,
        /// From the lane's centre, m.
        offset_m: f64,
        /// Relative to the lane's driving direction by default.
        orientation: Orientation,
    },
    /// `RelativeLanePosition`.
    RelativeLane {
        /// Reference entity.
        entity: String,
        /// Lanes to the left in the reference entity's view are positive where lane ids grow to the left; counts lanes, lane 0 left out.
        d_lane: i32,
        /// How far along.
        along: RelativeLaneDistance,
        /// From the lane's centre, m.
        offset_m: f64,
        /// Orientation.
        orientation: Orientation,
    },
    /// `RoutePosition`.
    Route {
        /// The route.
        route: Route,
        /// Where on it.
        at: InRoutePosition,
        /// Orientation.
        orientation: Orientation,
    },
    /// `TrajectoryPosition`.
    Trajectory {
        /// The trajectory.
        trajectory: Box<Trajectory>,
        /// Along it, m.
        s_m: f64,
        /// Across, m.
        t_m: f64,
        /// Orientation.
        orientation: Orientation,
    },
    /// A position of the standard that is not modelled (`GeoPosition`).
    Unsupported(Unsupported),
}

/// How far along a relative lane position lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RelativeLaneDistance {
    /// `ds`: along the road's reference line, m.
    Road(f64),
    /// `dsLane`: along the lane's centre, m.
    Lane(f64),
}

/// `Orientation`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Orientation {
    /// What the angles are measured from; the standard's default is absolute, and relative when the element is absent.
    pub reference: Reference,
    /// Heading, rad.
    pub h_rad: f64,
    /// Pitch, rad.
    pub p_rad: f64,
    /// Roll, rad.
    pub r_rad: f64,
}

/// `ReferenceContext`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reference {
    /// From the world's axes, or from the start of the simulation for times.
    Absolute,
    /// From the reference entity, road or lane, or from the start of the action for times.
    #[default]
    Relative,
}

/// `InRoutePosition`.
#[derive(Debug, Clone, PartialEq)]
pub enum InRoutePosition {
    /// Where an entity is now.
    CurrentEntity(String),
    /// Along the route and across the road.
    Road {
        /// m along the route.
        path_s_m: f64,
        /// m.
        t_m: f64,
    },
    /// Along the route and on a lane.
    Lane {
        /// m along the route.
        path_s_m: f64,
        /// OpenDRIVE lane id.
        lane: i32,
        /// From the lane's centre, m.
        offset_m: f64,
    },
}

/// `Trajectory`.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// Name.
    pub name: String,
    /// Whether the last point joins the first.
    pub closed: bool,
    /// Its form.
    pub shape: TrajectoryShape,
}

/// `Shape` of a trajectory.
#[derive(Debug, Clone, PartialEq)]
pub enum TrajectoryShape {
    /// Points joined by straight lines.
    Polyline(Vec<Vertex>),
    /// One clothoid.
    Clothoid {
        /// Start and heading.
        position: Position,
        /// At the start, 1/m, positive left.
        curvature_per_m: f64,
        /// Change of curvature along the arc, 1/m^2.
        curvature_prime_per_m2: f64,
        /// m.
        length_m: f64,
        /// Time at the start and the end, s, when given.
        time_s: Option<(f64, f64)>,
    },
    /// A non-uniform rational B-spline.
    Nurbs {
        /// Order, the degree plus 1.
        order: u32,
        /// Control points.
        control_points: Vec<ControlPoint>,
        /// Knot values, as many as control points plus the order.
        knots: Vec<f64>,
    },
    /// A form of the standard that is not modelled (`ClothoidSpline`).
    Unsupported(Unsupported),
}

/// `Vertex` of a polyline.
#[derive(Debug, Clone, PartialEq)]
pub struct Vertex {
    /// When, s.
    pub time_s: Option<f64>,
    /// Where.
    pub position: Position,
}

/// `ControlPoint` of a NURBS.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlPoint {
    /// Where.
    pub position: Position,
    /// When, s.
    pub time_s: Option<f64>,
    /// Weight, 1 by default.
    pub weight: f64,
}

/// `Route`.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Name.
    pub name: String,
    /// Whether the last point joins the first.
    pub closed: bool,
    /// At least two.
    pub waypoints: Vec<Waypoint>,
}

/// `Waypoint` of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct Waypoint {
    /// Where.
    pub position: Position,
    /// How to get there.
    pub strategy: RouteStrategy,
}

/// `RouteStrategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteStrategy {
    /// Least time.
    Fastest,
    /// Fewest intersections.
    LeastIntersections,
    /// Any.
    Random,
    /// Least distance.
    Shortest,
}

impl Position {
    /// A pose on the road surface.
    pub fn world(x_m: f64, y_m: f64, h_rad: f64) -> Self {
        Self::World { x_m, y_m, z_m: None, h_rad, p_rad: 0.0, r_rad: 0.0 }
    }

    /// A lane position, facing along the lane.
    pub fn lane(road: impl Into<String>, lane: i32, s_m: f64, offset_m: f64) -> Self {
        Self::Lane { road: road.into(), lane, s_m, offset_m, orientation: Orientation::default() }
    }
}
