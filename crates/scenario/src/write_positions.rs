//! Positions, trajectories and routes to text.

use crate::model::*;
use crate::names::name_of;
use crate::write::Writer;
use crate::xml_writer::Attributes;

impl Writer {
    /// A `Position` element.
    pub(crate) fn position(&mut self, position: &Position) {
        self.position_as("Position", position);
    }

    /// A position under another element's name.
    pub(crate) fn position_as(&mut self, element: &'static str, position: &Position) {
        self.xml.open(element, &[]);
        match position {
            Position::World { x_m, y_m, z_m, h_rad, p_rad, r_rad } => self
                .xml
                .leaf("WorldPosition", &[("x", x_m), ("y", y_m), ("z", z_m), ("h", h_rad), ("p", p_rad), ("r", r_rad)]),
            Position::RelativeWorld { entity, dx_m, dy_m, dz_m, orientation } => self.oriented(
                "RelativeWorldPosition",
                &[("entityRef", entity), ("dx", dx_m), ("dy", dy_m), ("dz", dz_m)],
                orientation,
            ),
            Position::RelativeObject { entity, dx_m, dy_m, dz_m, orientation } => self.oriented(
                "RelativeObjectPosition",
                &[("entityRef", entity), ("dx", dx_m), ("dy", dy_m), ("dz", dz_m)],
                orientation,
            ),
            Position::Road { road, s_m, t_m, orientation } => {
                self.oriented("RoadPosition", &[("roadId", road), ("s", s_m), ("t", t_m)], orientation);
            }
            Position::RelativeRoad { entity, ds_m, dt_m, orientation } => {
                self.oriented("RelativeRoadPosition", &[("entityRef", entity), ("ds", ds_m), ("dt", dt_m)], orientation)
            }
            Position::Lane { road, lane, s_m, offset_m, orientation } => self.oriented(
                "LanePosition",
                &[("roadId", road), ("laneId", lane), ("s", s_m), ("offset", offset_m)],
                orientation,
            ),
            Position::RelativeLane { entity, d_lane, along, offset_m, orientation } => {
                let (name, along_m) = match along {
                    RelativeLaneDistance::Road(m) => ("ds", m),
                    RelativeLaneDistance::Lane(m) => ("dsLane", m),
                };
                self.oriented(
                    "RelativeLanePosition",
                    &[("entityRef", entity), ("dLane", d_lane), (name, along_m), ("offset", offset_m)],
                    orientation,
                );
            }
            Position::Route { route, at, orientation } => {
                self.xml.open("RoutePosition", &[]);
                self.xml.open("RouteRef", &[]);
                self.route(route);
                self.xml.close();
                self.orientation(orientation);
                self.xml.open("InRoutePosition", &[]);
                match at {
                    InRoutePosition::CurrentEntity(entity) => {
                        self.xml.leaf("FromCurrentEntity", &[("entityRef", entity)])
                    }
                    InRoutePosition::Road { path_s_m, t_m } => {
                        self.xml.leaf("FromRoadCoordinates", &[("pathS", path_s_m), ("t", t_m)]);
                    }
                    InRoutePosition::Lane { path_s_m, lane, offset_m } => self.xml.leaf(
                        "FromLaneCoordinates",
                        &[("pathS", path_s_m), ("laneId", lane), ("laneOffset", offset_m)],
                    ),
                }
                self.xml.close();
                self.xml.close();
            }
            Position::Trajectory { trajectory, s_m, t_m, orientation } => {
                self.xml.open("TrajectoryPosition", &[("s", s_m), ("t", t_m)]);
                self.orientation(orientation);
                self.xml.open("TrajectoryRef", &[]);
                self.trajectory(trajectory);
                self.xml.close();
                self.xml.close();
            }
            Position::Unsupported(what) => self.unsupported(what),
        }
        self.xml.close();
    }

    fn oriented(&mut self, name: &'static str, attributes: Attributes<'_>, orientation: &Orientation) {
        if *orientation == Orientation::default() {
            return self.xml.leaf(name, attributes);
        }
        self.xml.open(name, attributes);
        self.orientation(orientation);
        self.xml.close();
    }

    fn orientation(&mut self, o: &Orientation) {
        if *o != Orientation::default() {
            self.xml.leaf(
                "Orientation",
                &[("type", &name_of(o.reference)), ("h", &o.h_rad), ("p", &o.p_rad), ("r", &o.r_rad)],
            );
        }
    }

    /// A `Route`.
    pub(crate) fn route(&mut self, route: &Route) {
        if route.waypoints.len() < 2 {
            self.xml.problem(format!("route {:?} has fewer than 2 waypoints", route.name));
        }
        self.xml.open("Route", &[("name", &route.name), ("closed", &route.closed)]);
        for waypoint in &route.waypoints {
            self.xml.open("Waypoint", &[("routeStrategy", &name_of(waypoint.strategy))]);
            self.position(&waypoint.position);
            self.xml.close();
        }
        self.xml.close();
    }

    /// A `Trajectory`.
    pub(crate) fn trajectory(&mut self, trajectory: &Trajectory) {
        self.xml.open("Trajectory", &[("name", &trajectory.name), ("closed", &trajectory.closed)]);
        self.xml.open("Shape", &[]);
        match &trajectory.shape {
            TrajectoryShape::Polyline(vertices) => {
                if vertices.len() < 2 {
                    self.xml.problem(format!("trajectory {:?} has fewer than 2 vertices", trajectory.name));
                }
                self.xml.open("Polyline", &[]);
                for vertex in vertices {
                    self.xml.open("Vertex", &[("time", &vertex.time_s)]);
                    self.position(&vertex.position);
                    self.xml.close();
                }
                self.xml.close();
            }
            TrajectoryShape::Clothoid { position, curvature_per_m, curvature_prime_per_m2, length_m, time_s } => {
                self.xml.open(
                    "Clothoid",
                    &[
                        ("curvature", curvature_per_m),
                        ("curvaturePrime", curvature_prime_per_m2),
                        ("length", length_m),
                        ("startTime", &time_s.map(|(start, _)| start)),
                        ("stopTime", &time_s.map(|(_, stop)| stop)),
                    ],
                );
                self.position(position);
                self.xml.close();
            }
            TrajectoryShape::Nurbs { order, control_points, knots } => {
                self.xml.open("Nurbs", &[("order", order)]);
                for point in control_points {
                    self.xml.open("ControlPoint", &[("time", &point.time_s), ("weight", &point.weight)]);
                    self.position(&point.position);
                    self.xml.close();
                }
                for knot in knots {
                    self.xml.leaf("Knot", &[("value", knot)]);
                }
                self.xml.close();
            }
            TrajectoryShape::Unsupported(what) => self.unsupported(what),
        }
        self.xml.close();
        self.xml.close();
    }
}
