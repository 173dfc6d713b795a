//! Actions to text.

use crate::model::*;
use crate::names::name_of;
use crate::write::Writer;

impl Writer {
    /// A `PrivateAction` element.
    pub(crate) fn private_action(&mut self, action: &PrivateAction) {
        self.xml.open("PrivateAction", &[]);
        match action {
            PrivateAction::Teleport(position) => {
                self.xml.open("TeleportAction", &[]);
                self.position(position);
                self.xml.close();
            }
            PrivateAction::Speed(speed) => self.within("LongitudinalAction", |w| w.speed(speed)),
            PrivateAction::SpeedProfile(profile) => self.within("LongitudinalAction", |w| w.speed_profile(profile)),
            PrivateAction::LongitudinalDistance(a) => self.within("LongitudinalAction", |w| w.longitudinal_distance(a)),
            PrivateAction::LaneChange(change) => self.within("LateralAction", |w| w.lane_change(change)),
            PrivateAction::LaneOffset(offset) => self.within("LateralAction", |w| w.lane_offset(offset)),
            PrivateAction::LateralDistance(a) => self.within("LateralAction", |w| w.lateral_distance(a)),
            PrivateAction::Synchronize(synchronize) => self.synchronize(synchronize),
            PrivateAction::FollowTrajectory(follow) => self.within("RoutingAction", |w| w.follow(follow)),
            PrivateAction::AssignRoute(route) => self.within("RoutingAction", |w| {
                w.within("AssignRouteAction", |w| w.route(route));
            }),
            PrivateAction::AcquirePosition(position) => self.within("RoutingAction", |w| {
                w.within("AcquirePositionAction", |w| w.position(position));
            }),
            PrivateAction::ActivateController(a) => self.within("ControllerAction", |w| {
                w.xml.leaf(
                    "ActivateControllerAction",
                    &[
                        ("controllerRef", &a.controller),
                        ("lateral", &a.lateral),
                        ("longitudinal", &a.longitudinal),
                        ("animation", &a.animation),
                        ("lighting", &a.lighting),
                    ],
                );
            }),
            PrivateAction::AssignController { controller, activate } => self.within("ControllerAction", |w| {
                w.xml.open(
                    "AssignControllerAction",
                    &[
                        ("activateLateral", &activate.lateral),
                        ("activateLongitudinal", &activate.longitudinal),
                        ("activateAnimation", &activate.animation),
                        ("activateLighting", &activate.lighting),
                    ],
                );
                w.controller(controller);
                w.xml.close();
            }),
            PrivateAction::Visibility { graphics, sensors, traffic } => {
                self.xml.leaf("VisibilityAction", &[("graphics", graphics), ("sensors", sensors), ("traffic", traffic)])
            }
            PrivateAction::Unsupported(what) => self.unsupported(what),
        }
        self.xml.close();
    }

    fn within(&mut self, element: &'static str, write: impl FnOnce(&mut Self)) {
        self.xml.open(element, &[]);
        write(self);
        self.xml.close();
    }

    fn dynamics(&mut self, element: &'static str, dynamics: &TransitionDynamics) {
        self.xml.leaf(
            element,
            &[
                ("dynamicsShape", &name_of(dynamics.shape)),
                ("value", &dynamics.value),
                ("dynamicsDimension", &name_of(dynamics.dimension)),
            ],
        );
    }

    fn constraints(&mut self, c: &DynamicConstraints) {
        self.xml.leaf(
            "DynamicConstraints",
            &[
                ("maxAcceleration", &c.max_acceleration_mps2),
                ("maxDeceleration", &c.max_deceleration_mps2),
                ("maxSpeed", &c.max_speed_mps),
                ("maxAccelerationRate", &c.max_acceleration_rate_mps3),
                ("maxDecelerationRate", &c.max_deceleration_rate_mps3),
            ],
        );
    }

    fn speed(&mut self, speed: &SpeedAction) {
        self.xml.open("SpeedAction", &[]);
        self.dynamics("SpeedActionDynamics", &speed.dynamics);
        self.xml.open("SpeedActionTarget", &[]);
        match &speed.target {
            SpeedTarget::Absolute(mps) => self.xml.leaf("AbsoluteTargetSpeed", &[("value", mps)]),
            SpeedTarget::Relative { entity, value, kind, continuous } => self.xml.leaf(
                "RelativeTargetSpeed",
                &[
                    ("entityRef", entity),
                    ("value", value),
                    ("speedTargetValueType", &name_of(*kind)),
                    ("continuous", continuous),
                ],
            ),
        }
        self.xml.close();
        self.xml.close();
    }

    fn speed_profile(&mut self, profile: &SpeedProfileAction) {
        if profile.entity.is_some() {
            self.rev_minor = 3;
        }
        self.xml.open(
            "SpeedProfileAction",
            &[("entityRef", &profile.entity), ("followingMode", &name_of(profile.following))],
        );
        if profile.constraints != DynamicConstraints::default() {
            self.constraints(&profile.constraints);
        }
        for entry in &profile.entries {
            self.xml.leaf("SpeedProfileEntry", &[("time", &entry.time_s), ("speed", &entry.speed_mps)]);
        }
        self.xml.close();
    }

    fn frame(&mut self, frame: CoordinateSystem) -> &'static str {
        if frame == CoordinateSystem::World {
            self.rev_minor = 3;
        }
        name_of(frame)
    }

    fn longitudinal_distance(&mut self, a: &LongitudinalDistanceAction) {
        let (distance_m, time_s) = match a.gap {
            LongitudinalGap::Distance(m) => (Some(m), None),
            LongitudinalGap::Time(s) => (None, Some(s)),
        };
        let frame = self.frame(a.coordinate_system);
        self.xml.open(
            "LongitudinalDistanceAction",
            &[
                ("entityRef", &a.entity),
                ("distance", &distance_m),
                ("timeGap", &time_s),
                ("freespace", &a.freespace),
                ("continuous", &a.continuous),
                ("displacement", &name_of(a.displacement)),
                ("coordinateSystem", &frame),
            ],
        );
        if let Some(constraints) = &a.constraints {
            self.constraints(constraints);
        }
        self.xml.close();
    }

    fn lateral_distance(&mut self, a: &LateralDistanceAction) {
        let frame = self.frame(a.coordinate_system);
        self.xml.open(
            "LateralDistanceAction",
            &[
                ("entityRef", &a.entity),
                ("distance", &a.distance_m),
                ("freespace", &a.freespace),
                ("continuous", &a.continuous),
                ("displacement", &a.displacement),
                ("coordinateSystem", &frame),
            ],
        );
        if let Some(constraints) = &a.constraints {
            self.constraints(constraints);
        }
        self.xml.close();
    }

    fn lane_change(&mut self, change: &LaneChangeAction) {
        self.xml.open("LaneChangeAction", &[("targetLaneOffset", &change.target_lane_offset_m)]);
        self.dynamics("LaneChangeActionDynamics", &change.dynamics);
        self.xml.open("LaneChangeTarget", &[]);
        match &change.target {
            LaneTarget::Absolute(lane) => self.xml.leaf("AbsoluteTargetLane", &[("value", lane)]),
            LaneTarget::Relative { entity, lanes } => {
                self.xml.leaf("RelativeTargetLane", &[("entityRef", entity), ("value", lanes)]);
            }
        }
        self.xml.close();
        self.xml.close();
    }

    fn lane_offset(&mut self, offset: &LaneOffsetAction) {
        self.xml.open("LaneOffsetAction", &[("continuous", &offset.continuous)]);
        self.xml.leaf(
            "LaneOffsetActionDynamics",
            &[("dynamicsShape", &name_of(offset.shape)), ("maxLateralAcc", &offset.max_lateral_acceleration_mps2)],
        );
        self.xml.open("LaneOffsetTarget", &[]);
        match &offset.target {
            LaneOffsetTarget::Absolute(m) => self.xml.leaf("AbsoluteTargetLaneOffset", &[("value", m)]),
            LaneOffsetTarget::Relative { entity, offset_m } => {
                self.xml.leaf("RelativeTargetLaneOffset", &[("entityRef", entity), ("value", offset_m)]);
            }
        }
        self.xml.close();
        self.xml.close();
    }

    fn synchronize(&mut self, s: &SynchronizeAction) {
        self.xml.open(
            "SynchronizeAction",
            &[
                ("masterEntityRef", &s.master),
                ("targetToleranceMaster", &s.master_tolerance_m),
                ("targetTolerance", &s.tolerance_m),
            ],
        );
        self.position_as("TargetPositionMaster", &s.master_target);
        self.position_as("TargetPosition", &s.target);
        if let Some(speed) = &s.final_speed {
            self.xml.open("FinalSpeed", &[]);
            match speed.relative {
                None => self.xml.open("AbsoluteSpeed", &[("value", &speed.value)]),
                Some(kind) => self.xml.open(
                    "RelativeSpeedToMaster",
                    &[("speedTargetValueType", &name_of(kind)), ("value", &speed.value)],
                ),
            }
            match speed.steady {
                Some(SteadyState::Distance(m)) => self.xml.leaf("TargetDistanceSteadyState", &[("distance", &m)]),
                Some(SteadyState::Time(s)) => self.xml.leaf("TargetTimeSteadyState", &[("time", &s)]),
                None => {}
            }
            self.xml.close();
            self.xml.close();
        }
        self.xml.close();
    }

    fn follow(&mut self, follow: &FollowTrajectoryAction) {
        self.xml.open("FollowTrajectoryAction", &[("initialDistanceOffset", &follow.initial_distance_offset_m)]);
        self.xml.open("TimeReference", &[]);
        match &follow.time_reference {
            None => self.xml.leaf("None", &[]),
            Some(timing) => self.xml.leaf(
                "Timing",
                &[
                    ("domainAbsoluteRelative", &name_of(timing.domain)),
                    ("scale", &timing.scale),
                    ("offset", &timing.offset_s),
                ],
            ),
        }
        self.xml.close();
        self.xml.leaf("TrajectoryFollowingMode", &[("followingMode", &name_of(follow.following))]);
        self.within("TrajectoryRef", |w| w.trajectory(&follow.trajectory));
        self.xml.close();
    }

    /// A `GlobalAction` element.
    pub(crate) fn global_action(&mut self, action: &GlobalAction) {
        self.xml.open("GlobalAction", &[]);
        match action {
            GlobalAction::Environment(environment) => {
                self.within("EnvironmentAction", |w| w.environment(environment));
            }
            GlobalAction::AddEntity { entity, position } => {
                self.xml.open("EntityAction", &[("entityRef", entity)]);
                self.within("AddEntityAction", |w| w.position(position));
                self.xml.close();
            }
            GlobalAction::DeleteEntity { entity } => {
                self.xml.open("EntityAction", &[("entityRef", entity)]);
                self.xml.leaf("DeleteEntityAction", &[]);
                self.xml.close();
            }
            GlobalAction::SetParameter { parameter, value } => {
                self.xml.open("ParameterAction", &[("parameterRef", parameter)]);
                self.xml.leaf("SetAction", &[("value", value)]);
                self.xml.close();
            }
            GlobalAction::SetVariable { variable, value } => {
                self.xml.open("VariableAction", &[("variableRef", variable)]);
                self.xml.leaf("SetAction", &[("value", value)]);
                self.xml.close();
            }
            GlobalAction::Modify { name, is_variable, rule } => {
                if *is_variable {
                    self.xml.open("VariableAction", &[("variableRef", name)]);
                } else {
                    self.xml.open("ParameterAction", &[("parameterRef", name)]);
                }
                self.xml.open("ModifyAction", &[]);
                self.xml.open("Rule", &[]);
                match rule {
                    ModifyRule::Add(value) => self.xml.leaf("AddValue", &[("value", value)]),
                    ModifyRule::Multiply(value) => self.xml.leaf("MultiplyByValue", &[("value", value)]),
                }
                self.xml.close();
                self.xml.close();
                self.xml.close();
            }
            GlobalAction::Unsupported(what) => self.unsupported(what),
        }
        self.xml.close();
    }

    fn environment(&mut self, e: &Environment) {
        self.xml.open("Environment", &[("name", &e.name)]);
        if !e.parameters.is_empty() {
            self.parameters(&e.parameters);
        }
        if let Some((date, animation)) = &e.time_of_day {
            self.xml.leaf("TimeOfDay", &[("animation", animation), ("dateTime", date)]);
        }
        if let Some(weather) = &e.weather {
            self.weather(weather);
        }
        if let Some(friction) = &e.friction_scale_factor {
            self.xml.open("RoadCondition", &[("frictionScaleFactor", friction)]);
            self.properties(&e.road_properties);
            self.xml.close();
        }
        self.xml.close();
    }

    fn weather(&mut self, w: &Weather) {
        // `cloudState` and `fractionalCloudCover` have no value in common.
        let okta = w.cloud.as_ref().is_some_and(|cloud| cloud.ends_with("Oktas"));
        let (cover, state) = if okta { (w.cloud.clone(), None) } else { (None, w.cloud.clone()) };
        self.xml.open(
            "Weather",
            &[
                ("cloudState", &state),
                ("fractionalCloudCover", &cover),
                ("atmosphericPressure", &w.atmospheric_pressure_pa),
                ("temperature", &w.temperature_k),
            ],
        );
        if let Some(sun) = &w.sun {
            // 1.2 and before require the intensity.
            if sun.illuminance.is_none() {
                self.rev_minor = 3;
            }
            self.xml.leaf(
                "Sun",
                &[("azimuth", &sun.azimuth_rad), ("elevation", &sun.elevation_rad), ("intensity", &sun.illuminance)],
            );
        }
        if let Some(range) = &w.fog_visual_range_m {
            self.xml.leaf("Fog", &[("visualRange", range)]);
        }
        if let Some(rain) = &w.precipitation {
            self.xml.leaf(
                "Precipitation",
                &[("precipitationType", &rain.kind), ("precipitationIntensity", &rain.intensity)],
            );
        }
        if let Some((direction, speed)) = &w.wind {
            self.xml.leaf("Wind", &[("direction", direction), ("speed", speed)]);
        }
        self.xml.close();
    }
}
