//! Private and global actions.

use std::collections::BTreeMap;

use roxmltree::Node;

use crate::context::{Context, all, first, name_of_element};
use crate::model::*;

impl Context<'_> {
    /// A `PrivateAction`.
    pub(crate) fn read_private(&mut self, parent: Node<'_, '_>) -> Option<PrivateAction> {
        let node = self.choice(parent)?;
        Some(match name_of_element(node) {
            "TeleportAction" => PrivateAction::Teleport(self.read_position_in(node)?),
            "LongitudinalAction" => {
                let inside = self.choice(node)?;
                match name_of_element(inside) {
                    "SpeedAction" => PrivateAction::Speed(self.read_speed(inside)?),
                    "SpeedProfileAction" => PrivateAction::SpeedProfile(self.read_speed_profile(inside)),
                    _ => PrivateAction::LongitudinalDistance(self.read_longitudinal_distance(inside)?),
                }
            }
            "LateralAction" => {
                let inside = self.choice(node)?;
                match name_of_element(inside) {
                    "LaneChangeAction" => PrivateAction::LaneChange(self.read_lane_change(inside)?),
                    "LaneOffsetAction" => PrivateAction::LaneOffset(self.read_lane_offset(inside)?),
                    _ => PrivateAction::LateralDistance(LateralDistanceAction {
                        entity: self.entity(inside, "entityRef"),
                        distance_m: self.optional_number(inside, "distance"),
                        freespace: self.boolean(inside, "freespace"),
                        continuous: self.boolean(inside, "continuous"),
                        displacement: self.optional_text(inside, "displacement").unwrap_or_else(|| "any".to_owned()),
                        coordinate_system: self.optional_named(inside, "coordinateSystem").unwrap_or_default(),
                        constraints: first(inside, "DynamicConstraints").map(|n| self.read_constraints(n)),
                    }),
                }
            }
            "SynchronizeAction" => PrivateAction::Synchronize(self.read_synchronize(node)?),
            "RoutingAction" => {
                let inside = self.choice(node)?;
                match name_of_element(inside) {
                    "AssignRouteAction" => {
                        let route = self.choice(inside)?;
                        PrivateAction::AssignRoute(self.read_route(route)?)
                    }
                    "FollowTrajectoryAction" => PrivateAction::FollowTrajectory(self.read_follow(inside)?),
                    "AcquirePositionAction" => PrivateAction::AcquirePosition(self.read_position_in(inside)?),
                    _ => PrivateAction::Unsupported(self.unsupported(inside)),
                }
            }
            "ActivateControllerAction" => PrivateAction::ActivateController(self.read_activate(node)),
            "ControllerAction" => self.read_controller_action(node)?,
            "VisibilityAction" => {
                if let Some(sensors) = first(node, "SensorReferenceSet") {
                    self.unsupported(sensors);
                }
                PrivateAction::Visibility {
                    graphics: self.boolean(node, "graphics"),
                    sensors: self.boolean(node, "sensors"),
                    traffic: self.boolean(node, "traffic"),
                }
            }
            "AppearanceAction" | "TrailerAction" => {
                let inside = self.choice(node)?;
                PrivateAction::Unsupported(self.unsupported(inside))
            }
            _ => PrivateAction::Unsupported(self.unsupported(node)),
        })
    }

    fn read_dynamics(&mut self, node: Node<'_, '_>) -> TransitionDynamics {
        let dynamics = TransitionDynamics {
            shape: self.named(node, "dynamicsShape"),
            dimension: self.named(node, "dynamicsDimension"),
            value: self.number(node, "value"),
        };
        if node.attribute("followingMode") == Some("follow") {
            self.warn(node, "followingMode=follow is read as position", "the transition is followed exactly");
        }
        dynamics
    }

    fn read_speed(&mut self, node: Node<'_, '_>) -> Option<SpeedAction> {
        let dynamics = self.child(node, "SpeedActionDynamics").map(|n| self.read_dynamics(n))?;
        let target = self.child(node, "SpeedActionTarget").and_then(|n| self.choice(n))?;
        let target = match name_of_element(target) {
            "AbsoluteTargetSpeed" => SpeedTarget::Absolute(self.number(target, "value")),
            _ => SpeedTarget::Relative {
                entity: self.entity(target, "entityRef"),
                value: self.number(target, "value"),
                kind: self.named(target, "speedTargetValueType"),
                continuous: self.boolean(target, "continuous"),
            },
        };
        Some(SpeedAction { dynamics, target })
    }

    fn read_speed_profile(&mut self, node: Node<'_, '_>) -> SpeedProfileAction {
        SpeedProfileAction {
            // An attribute in 1.3, an element in 1.2.
            entity: match first(node, "EntityRef") {
                Some(reference) => Some(self.entity(reference, "entityRef")),
                None => node.has_attribute("entityRef").then(|| self.entity(node, "entityRef")),
            },
            following: self.named(node, "followingMode"),
            constraints: first(node, "DynamicConstraints").map(|n| self.read_constraints(n)).unwrap_or_default(),
            entries: all(node, "SpeedProfileEntry")
                .map(|n| SpeedProfileEntry {
                    time_s: self.optional_number(n, "time"),
                    speed_mps: self.number(n, "speed"),
                })
                .collect(),
        }
    }

    fn read_constraints(&mut self, node: Node<'_, '_>) -> DynamicConstraints {
        DynamicConstraints {
            max_acceleration_mps2: self.optional_number(node, "maxAcceleration"),
            max_deceleration_mps2: self.optional_number(node, "maxDeceleration"),
            max_speed_mps: self.optional_number(node, "maxSpeed"),
            max_acceleration_rate_mps3: self.optional_number(node, "maxAccelerationRate"),
            max_deceleration_rate_mps3: self.optional_number(node, "maxDecelerationRate"),
        }
    }

    fn read_longitudinal_distance(&mut self, node: Node<'_, '_>) -> Option<LongitudinalDistanceAction> {
        let gap = match (self.optional_number(node, "distance"), self.optional_number(node, "timeGap")) {
            (Some(m), None) => LongitudinalGap::Distance(m),
            (None, Some(s)) => LongitudinalGap::Time(s),
            _ => {
                self.error(
                    node,
                    "LongitudinalDistanceAction has neither or both of distance and timeGap",
                    "expected one of them",
                );
                return None;
            }
        };
        Some(LongitudinalDistanceAction {
            entity: self.entity(node, "entityRef"),
            gap,
            freespace: self.boolean(node, "freespace"),
            continuous: self.boolean(node, "continuous"),
            displacement: self.optional_named(node, "displacement").unwrap_or_default(),
            coordinate_system: self.optional_named(node, "coordinateSystem").unwrap_or_default(),
            constraints: first(node, "DynamicConstraints").map(|n| self.read_constraints(n)),
        })
    }

    fn read_lane_change(&mut self, node: Node<'_, '_>) -> Option<LaneChangeAction> {
        let dynamics = self.child(node, "LaneChangeActionDynamics").map(|n| self.read_dynamics(n))?;
        let target = self.child(node, "LaneChangeTarget").and_then(|n| self.choice(n))?;
        let target = match name_of_element(target) {
            "AbsoluteTargetLane" => LaneTarget::Absolute(self.integer(target, "value")),
            _ => {
                LaneTarget::Relative { entity: self.entity(target, "entityRef"), lanes: self.integer(target, "value") }
            }
        };
        Some(LaneChangeAction { dynamics, target, target_lane_offset_m: self.number_or(node, "targetLaneOffset", 0.0) })
    }

    fn read_lane_offset(&mut self, node: Node<'_, '_>) -> Option<LaneOffsetAction> {
        let dynamics = self.child(node, "LaneOffsetActionDynamics")?;
        let target = self.child(node, "LaneOffsetTarget").and_then(|n| self.choice(n))?;
        Some(LaneOffsetAction {
            shape: self.named(dynamics, "dynamicsShape"),
            max_lateral_acceleration_mps2: self.optional_number(dynamics, "maxLateralAcc"),
            target: match name_of_element(target) {
                "AbsoluteTargetLaneOffset" => LaneOffsetTarget::Absolute(self.number(target, "value")),
                _ => LaneOffsetTarget::Relative {
                    entity: self.entity(target, "entityRef"),
                    offset_m: self.number(target, "value"),
                },
            },
            continuous: self.boolean(node, "continuous"),
        })
    }

    fn read_synchronize(&mut self, node: Node<'_, '_>) -> Option<SynchronizeAction> {
        let master_target = self.child(node, "TargetPositionMaster").and_then(|n| self.read_position(n));
        let target = self.child(node, "TargetPosition").and_then(|n| self.read_position(n));
        let mut final_speed = None;
        if let Some(inside) = first(node, "FinalSpeed").and_then(|n| self.choice(n)) {
            let relative = match name_of_element(inside) {
                "RelativeSpeedToMaster" => Some(self.named(inside, "speedTargetValueType")),
                _ => None,
            };
            let steady = crate::context::elements(inside).next().map(|n| match name_of_element(n) {
                "TargetDistanceSteadyState" => SteadyState::Distance(self.number(n, "distance")),
                _ => SteadyState::Time(self.number(n, "time")),
            });
            final_speed = Some(FinalSpeed { value: self.number(inside, "value"), relative, steady });
        }
        Some(SynchronizeAction {
            master: self.entity(node, "masterEntityRef"),
            master_target: master_target?,
            target: target?,
            master_tolerance_m: self.number_or(node, "targetToleranceMaster", 0.0),
            tolerance_m: self.number_or(node, "targetTolerance", 0.0),
            final_speed,
        })
    }

    fn read_follow(&mut self, node: Node<'_, '_>) -> Option<FollowTrajectoryAction> {
        let inside = ["Trajectory", "CatalogReference"].into_iter().find_map(|name| first(node, name));
        let inside = match inside {
            Some(inside) => inside,
            None => self.child(node, "TrajectoryRef").and_then(|n| self.choice(n))?,
        };
        let trajectory = self.read_trajectory(inside);
        let timing = self.child(node, "TimeReference").and_then(|n| first(n, "Timing"));
        Some(FollowTrajectoryAction {
            trajectory: trajectory?,
            time_reference: timing.map(|n| Timing {
                domain: self.named(n, "domainAbsoluteRelative"),
                scale: self.number(n, "scale"),
                offset_s: self.number(n, "offset"),
            }),
            // `TrajectoryFollowingMode` is the element's name since 1.0.
            following: self
                .child(node, "TrajectoryFollowingMode")
                .map_or(FollowingMode::Position, |n| self.named(n, "followingMode")),
            initial_distance_offset_m: self.number_or(node, "initialDistanceOffset", 0.0),
        })
    }

    fn read_activate(&mut self, node: Node<'_, '_>) -> ActivateController {
        let reference = if node.has_attribute("objectControllerRef") { "objectControllerRef" } else { "controllerRef" };
        ActivateController {
            controller: self.optional_text(node, reference),
            lateral: self.optional_boolean(node, "lateral"),
            longitudinal: self.optional_boolean(node, "longitudinal"),
            animation: self.optional_boolean(node, "animation"),
            lighting: self.optional_boolean(node, "lighting"),
        }
    }

    fn read_controller_action(&mut self, node: Node<'_, '_>) -> Option<PrivateAction> {
        let overrides = first(node, "OverrideControllerValueAction");
        if let Some(activate) = first(node, "ActivateControllerAction") {
            return Some(PrivateAction::ActivateController(self.read_activate(activate)));
        }
        let Some(assign) = first(node, "AssignControllerAction") else {
            return Some(PrivateAction::Unsupported(self.unsupported(overrides?)));
        };
        // 1.0 demanded both elements; overrides that are all inactive do nothing.
        if let Some(overrides) = overrides
            && crate::context::elements(overrides).any(|n| n.attribute("active") != Some("false"))
        {
            self.unsupported(overrides);
        }
        let mut inside = self.choice(assign)?;
        if name_of_element(inside) == "ObjectController" {
            inside = self.choice(inside)?;
        }
        Some(PrivateAction::AssignController {
            controller: self.read_controller(inside)?,
            activate: ActivateController {
                controller: None,
                lateral: self.optional_boolean(assign, "activateLateral"),
                longitudinal: self.optional_boolean(assign, "activateLongitudinal"),
                animation: self.optional_boolean(assign, "activateAnimation"),
                lighting: self.optional_boolean(assign, "activateLighting"),
            },
        })
    }

    /// A `GlobalAction`.
    pub(crate) fn read_global(&mut self, parent: Node<'_, '_>) -> Option<GlobalAction> {
        let node = self.choice(parent)?;
        Some(match name_of_element(node) {
            "EnvironmentAction" => {
                let inside = self.choice(node)?;
                GlobalAction::Environment(self.read_environment(inside)?)
            }
            "EntityAction" => {
                let entity = self.entity(node, "entityRef");
                match first(node, "AddEntityAction") {
                    Some(add) => GlobalAction::AddEntity { entity, position: self.read_position_in(add)? },
                    None => GlobalAction::DeleteEntity { entity },
                }
            }
            "ParameterAction" | "VariableAction" => {
                let is_variable = name_of_element(node) == "VariableAction";
                let name = self.text(node, if is_variable { "variableRef" } else { "parameterRef" });
                self.check_declared(node, &name, is_variable);
                let inside = self.choice(node)?;
                if name_of_element(inside) == "SetAction" {
                    let value = self.value(inside);
                    if is_variable {
                        GlobalAction::SetVariable { variable: name, value }
                    } else {
                        GlobalAction::SetParameter { parameter: name, value }
                    }
                } else {
                    let rule = self.child(inside, "Rule").and_then(|n| self.choice(n))?;
                    let value = self.number(rule, "value");
                    let add = name_of_element(rule) == "AddValue";
                    let rule = if add { ModifyRule::Add(value) } else { ModifyRule::Multiply(value) };
                    GlobalAction::Modify { name, is_variable, rule }
                }
            }
            _ => GlobalAction::Unsupported(self.unsupported(node)),
        })
    }

    /// A parameter or variable that actions and conditions refer to must be declared.
    pub(crate) fn check_declared(&mut self, node: Node<'_, '_>, name: &str, is_variable: bool) {
        let known = if is_variable { self.variables.contains(name) } else { self.parameter(name).is_some() };
        if !known {
            let what = if is_variable { "variable" } else { "parameter" };
            self.error(node, format!("{what} {name:?} is not declared"), format!("expected the name of a {what}"));
        }
    }

    fn read_environment(&mut self, node: Node<'_, '_>) -> Option<Environment> {
        if name_of_element(node) == "CatalogReference" {
            return self.read_reference(node, "Environment", |cx, entry| cx.read_environment(entry));
        }
        let from_catalog = node.parent().is_some_and(|parent| parent.has_tag_name("Catalog"));
        let parameters = if from_catalog { Vec::new() } else { self.declare(node, &BTreeMap::new()) };
        let time = first(node, "TimeOfDay");
        let road = first(node, "RoadCondition");
        let environment = Environment {
            name: self.text(node, "name"),
            parameters,
            time_of_day: time.map(|n| (self.text(n, "dateTime"), self.boolean(n, "animation"))),
            weather: first(node, "Weather").map(|n| self.read_weather(n)),
            friction_scale_factor: road.map(|n| self.number(n, "frictionScaleFactor")),
            road_properties: road.map(|n| self.read_properties(n)).unwrap_or_default(),
        };
        self.undeclare(!from_catalog);
        Some(environment)
    }

    fn read_weather(&mut self, node: Node<'_, '_>) -> Weather {
        if let Some(dome) = first(node, "DomeImage") {
            self.warn(dome, "DomeImage is not kept", "it only matters to image generators");
        }
        let (sun, fog) = (first(node, "Sun"), first(node, "Fog"));
        let (rain, wind) = (first(node, "Precipitation"), first(node, "Wind"));
        Weather {
            cloud: self.optional_text(node, "fractionalCloudCover").or_else(|| self.optional_text(node, "cloudState")),
            temperature_k: self.optional_number(node, "temperature"),
            atmospheric_pressure_pa: self.optional_number(node, "atmosphericPressure"),
            sun: sun.map(|n| Sun {
                azimuth_rad: self.number(n, "azimuth"),
                elevation_rad: self.number(n, "elevation"),
                illuminance: self.optional_number(n, "illuminance").or_else(|| self.optional_number(n, "intensity")),
            }),
            fog_visual_range_m: fog.map(|n| self.number(n, "visualRange")),
            precipitation: rain.map(|n| Precipitation {
                kind: self.text(n, "precipitationType"),
                intensity: match self.optional_number(n, "precipitationIntensity") {
                    Some(value) => value,
                    None => self.number_or(n, "intensity", 0.0),
                },
            }),
            wind: wind.map(|n| (self.number(n, "direction"), self.number(n, "speed"))),
        }
    }
}
