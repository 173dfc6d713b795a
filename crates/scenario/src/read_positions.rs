//! Positions, trajectories and routes.

use roxmltree::Node;

use crate::context::{Context, all, first, name_of_element};
use crate::model::*;

impl Context<'_> {
    /// The `Position` child of an element.
    pub(crate) fn read_position_in(&mut self, parent: Node<'_, '_>) -> Option<Position> {
        let node = self.child(parent, "Position")?;
        self.read_position(node)
    }

    /// A `Position` (or an element of its type by another name).
    pub(crate) fn read_position(&mut self, parent: Node<'_, '_>) -> Option<Position> {
        let node = self.choice(parent)?;
        let orientation = self.read_orientation(node);
        Some(match name_of_element(node) {
            "WorldPosition" => Position::World {
                x_m: self.number(node, "x"),
                y_m: self.number(node, "y"),
                z_m: self.optional_number(node, "z"),
                h_rad: self.number_or(node, "h", 0.0),
                p_rad: self.number_or(node, "p", 0.0),
                r_rad: self.number_or(node, "r", 0.0),
            },
            "RelativeWorldPosition" => Position::RelativeWorld {
                entity: self.entity(node, "entityRef"),
                dx_m: self.number(node, "dx"),
                dy_m: self.number(node, "dy"),
                dz_m: self.number_or(node, "dz", 0.0),
                orientation,
            },
            "RelativeObjectPosition" => Position::RelativeObject {
                entity: self.entity(node, "entityRef"),
                dx_m: self.number(node, "dx"),
                dy_m: self.number(node, "dy"),
                dz_m: self.number_or(node, "dz", 0.0),
                orientation,
            },
            "RoadPosition" => Position::Road {
                road: self.text(node, "roadId"),
                s_m: self.number(node, "s"),
                t_m: self.number(node, "t"),
                orientation,
            },
            "RelativeRoadPosition" => Position::RelativeRoad {
                entity: self.entity(node, "entityRef"),
                ds_m: self.number(node, "ds"),
                dt_m: self.number(node, "dt"),
                orientation,
            },
            "LanePosition" => Position::Lane {
                road: self.text(node, "roadId"),
                lane: self.integer(node, "laneId"),
                s_m: self.number(node, "s"),
                offset_m: self.number_or(node, "offset", 0.0),
                orientation,
            },
            "RelativeLanePosition" => Position::RelativeLane {
                entity: self.entity(node, "entityRef"),
                d_lane: self.integer(node, "dLane"),
                along: match (self.optional_number(node, "ds"), self.optional_number(node, "dsLane")) {
                    (None, Some(m)) => RelativeLaneDistance::Lane(m),
                    (Some(m), None) => RelativeLaneDistance::Road(m),
                    (found, _) => {
                        self.error(
                            node,
                            "RelativeLanePosition has neither or both of ds and dsLane",
                            "expected one of them",
                        );
                        RelativeLaneDistance::Road(found.unwrap_or(0.0))
                    }
                },
                offset_m: self.number_or(node, "offset", 0.0),
                orientation,
            },
            "RoutePosition" => {
                let reference = self.child(node, "RouteRef")?;
                let route = self.choice(reference)?;
                let inside = first(node, "InRoutePosition")?;
                Position::Route { route: self.read_route(route)?, at: self.read_in_route(inside)?, orientation }
            }
            "TrajectoryPosition" => {
                let reference = self.child(node, "TrajectoryRef")?;
                let trajectory = self.choice(reference)?;
                Position::Trajectory {
                    trajectory: Box::new(self.read_trajectory(trajectory)?),
                    s_m: self.number(node, "s"),
                    t_m: self.number_or(node, "t", 0.0),
                    orientation,
                }
            }
            _ => Position::Unsupported(self.unsupported(node)),
        })
    }

    fn read_orientation(&mut self, parent: Node<'_, '_>) -> Orientation {
        let Some(node) = first(parent, "Orientation") else { return Orientation::default() };
        Orientation {
            reference: self.optional_named(node, "type").unwrap_or(Reference::Absolute),
            h_rad: self.number_or(node, "h", 0.0),
            p_rad: self.number_or(node, "p", 0.0),
            r_rad: self.number_or(node, "r", 0.0),
        }
    }

    fn read_in_route(&mut self, parent: Node<'_, '_>) -> Option<InRoutePosition> {
        let node = self.choice(parent)?;
        Some(match name_of_element(node) {
            "FromCurrentEntity" => InRoutePosition::CurrentEntity(self.entity(node, "entityRef")),
            "FromRoadCoordinates" => {
                InRoutePosition::Road { path_s_m: self.number(node, "pathS"), t_m: self.number(node, "t") }
            }
            _ => InRoutePosition::Lane {
                path_s_m: self.number(node, "pathS"),
                lane: self.integer(node, "laneId"),
                offset_m: self.number_or(node, "laneOffset", 0.0),
            },
        })
    }

    /// A route, or a reference to one.
    pub(crate) fn read_route(&mut self, node: Node<'_, '_>) -> Option<Route> {
        if name_of_element(node) == "CatalogReference" {
            return self.read_reference(node, "Route", |cx, entry| cx.read_route(entry));
        }
        let declared = self.declare_unless_entry(node);
        let mut waypoints = Vec::new();
        for waypoint in all(node, "Waypoint") {
            let strategy = self.named(waypoint, "routeStrategy");
            waypoints.extend(self.read_position_in(waypoint).map(|position| Waypoint { position, strategy }));
        }
        let route = Route { name: self.text(node, "name"), closed: self.boolean(node, "closed"), waypoints };
        self.undeclare(declared);
        if route.waypoints.len() < 2 {
            self.error(
                node,
                format!("route {:?} has {} waypoint(s)", route.name, route.waypoints.len()),
                "expected at least 2",
            );
        }
        Some(route)
    }

    /// A trajectory, or a reference to one.
    pub(crate) fn read_trajectory(&mut self, node: Node<'_, '_>) -> Option<Trajectory> {
        if name_of_element(node) == "CatalogReference" {
            return self.read_reference(node, "Trajectory", |cx, entry| cx.read_trajectory(entry));
        }
        let declared = self.declare_unless_entry(node);
        let shape = self.child(node, "Shape").and_then(|n| self.choice(n)).and_then(|n| self.read_shape(n));
        let (name, closed) = (self.text(node, "name"), self.boolean(node, "closed"));
        self.undeclare(declared);
        Some(Trajectory { name, closed, shape: shape? })
    }

    fn read_shape(&mut self, node: Node<'_, '_>) -> Option<TrajectoryShape> {
        Some(match name_of_element(node) {
            "Polyline" => {
                let mut vertices: Vec<Vertex> = Vec::new();
                for vertex in all(node, "Vertex") {
                    let time_s = self.optional_number(vertex, "time");
                    if let (Some(time), Some(before)) = (time_s, vertices.last().and_then(|v| v.time_s))
                        && time < before
                    {
                        self.error(
                            vertex,
                            format!("time={time} comes after {before}"),
                            "expected times that do not decrease",
                        );
                    }
                    vertices.extend(self.read_position_in(vertex).map(|position| Vertex { time_s, position }));
                }
                if vertices.len() < 2 {
                    self.error(node, format!("a polyline of {} vertex", vertices.len()), "expected at least 2");
                }
                TrajectoryShape::Polyline(vertices)
            }
            "Clothoid" => TrajectoryShape::Clothoid {
                position: self.read_position_in(node)?,
                curvature_per_m: self.number(node, "curvature"),
                curvature_prime_per_m2: match self.optional_number(node, "curvaturePrime") {
                    Some(prime) => prime,
                    None => self.number_or(node, "curvatureDot", 0.0),
                },
                length_m: self.number(node, "length"),
                time_s: match (self.optional_number(node, "startTime"), self.optional_number(node, "stopTime")) {
                    (Some(start), Some(stop)) => Some((start, stop)),
                    (None, None) => None,
                    _ => {
                        self.error(node, "Clothoid has only one of startTime and stopTime", "expected both or none");
                        None
                    }
                },
            },
            "Nurbs" => {
                let mut control_points = Vec::new();
                for point in all(node, "ControlPoint") {
                    let (time_s, weight) = (self.optional_number(point, "time"), self.number_or(point, "weight", 1.0));
                    control_points.extend(self.read_position_in(point).map(|position| ControlPoint {
                        position,
                        time_s,
                        weight,
                    }));
                }
                let knots: Vec<f64> = all(node, "Knot").map(|knot| self.number(knot, "value")).collect();
                let order = u32::try_from(self.integer(node, "order")).unwrap_or(0);
                if order < 2 || knots.len() != control_points.len() + order as usize {
                    self.error(
                        node,
                        format!("order {order}, {} control points, {} knots", control_points.len(), knots.len()),
                        "expected an order of at least 2 and as many knots as control points plus the order",
                    );
                }
                TrajectoryShape::Nurbs { order, control_points, knots }
            }
            _ => TrajectoryShape::Unsupported(self.unsupported(node)),
        })
    }
}
