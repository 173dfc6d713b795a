//! Refuses, by name and before anything runs, what the simulator would otherwise silently leave out.

use cloverleaf_scenario::model::{
    ActionKind, Condition, ConditionKind, EntityCondition, EntityObject, GlobalAction, InRoutePosition, InitAction,
    Position, PrivateAction, Scenario, Trajectory, TrajectoryShape, Trigger, TtcTarget, Unsupported, ValueCondition,
};

/// Elements that may be left out because nothing they do moves anybody or decides when something happens.
const WITHOUT_EFFECT_ON_MOTION: [&str; 12] = [
    "AppearanceAction",
    "AnimationAction",
    "LightStateAction",
    "InfrastructureAction",
    "TrafficSignalAction",
    "TrafficSignalStateAction",
    "TrafficSignalControllerAction",
    "SetMonitorAction",
    "MonitorDeclaration",
    "MonitorDeclarations",
    "TrafficSignals",
    "TrafficSignalController",
];

/// What of a scenario cannot be executed (each with its place), and what is left out without harm.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Reasons to refuse.
    pub refused: Vec<String>,
    /// Left out.
    pub ignored: Vec<String>,
}

/// Looks at everything the scenario asks for.
pub fn check(scenario: &Scenario) -> Coverage {
    let mut check = Check { coverage: Coverage::default(), scenario };
    for entity in &scenario.entities {
        if let EntityObject::Unsupported(what) = &entity.object {
            check.foreign(what, &entity.name);
        }
    }
    for init in &scenario.storyboard.init {
        match init {
            InitAction::Global(action) => check.global(action, "Init"),
            InitAction::Private { entity, action } => {
                check.entity(entity, "Init");
                check.private(action, &format!("Init of {entity}"));
            }
            InitAction::Unsupported(what) => check.foreign(what, "Init"),
        }
    }
    for story in &scenario.storyboard.stories {
        for act in &story.acts {
            let place = format!("act {:?}", act.name);
            check.triggers([act.start_trigger.as_ref(), act.stop_trigger.as_ref()], &place);
            for group in &act.maneuver_groups {
                for actor in &group.actors {
                    check.entity(actor, &format!("maneuver group {:?}", group.name));
                }
                for event in group.maneuvers.iter().flat_map(|maneuver| &maneuver.events) {
                    check.triggers([event.start_trigger.as_ref(), None], &format!("event {:?}", event.name));
                    for action in &event.actions {
                        let place = format!("action {:?}", action.name);
                        match &action.kind {
                            ActionKind::Private(private) => check.private(private, &place),
                            ActionKind::Global(global) => check.global(global, &place),
                            ActionKind::Unsupported(what) => check.foreign(what, &place),
                        }
                    }
                }
            }
        }
    }
    check.triggers([Some(&scenario.storyboard.stop_trigger), None], "the storyboard's stop trigger");
    for what in &scenario.unsupported {
        check.foreign(what, "the file");
    }
    check.coverage.refused.sort();
    check.coverage.refused.dedup();
    check.coverage.ignored.sort();
    check.coverage.ignored.dedup();
    check.coverage
}

struct Check<'a> {
    coverage: Coverage,
    scenario: &'a Scenario,
}

impl Check<'_> {
    fn refuse(&mut self, what: &str, place: &str) {
        self.coverage.refused.push(format!("{what} ({place}) is not executed by this simulator"));
    }

    fn foreign(&mut self, what: &Unsupported, place: &str) {
        let Unsupported { file, line, element } = what;
        if WITHOUT_EFFECT_ON_MOTION.contains(&element.as_str()) {
            self.coverage.ignored.push(format!("{file}:{line}: {element} has no effect on motion and is left out"));
        } else {
            // The same element may also be listed for the whole file; one line is enough.
            let line = format!("{file}:{line}: {element} is not executed by this simulator");
            if place != "the file" || !self.coverage.refused.contains(&line) {
                self.coverage.refused.push(line);
            }
        }
    }

    fn entity(&mut self, name: &str, place: &str) {
        if !self.scenario.entities.iter().any(|entity| entity.name == name) {
            self.coverage.refused.push(format!("entity {name:?} ({place}) is not declared"));
        }
    }

    fn private(&mut self, action: &PrivateAction, place: &str) {
        match action {
            PrivateAction::Teleport(position) | PrivateAction::AcquirePosition(position) => {
                self.position(position, place)
            }
            PrivateAction::FollowTrajectory(action) => self.trajectory(&action.trajectory, place),
            PrivateAction::LateralDistance(action) => self.entity(&action.entity, place),
            PrivateAction::Synchronize(action) => {
                self.entity(&action.master, place);
                self.position(&action.master_target, place);
                self.position(&action.target, place);
            }
            PrivateAction::AssignRoute(route) => {
                for waypoint in &route.waypoints {
                    self.position(&waypoint.position, place);
                }
            }
            PrivateAction::Unsupported(what) => self.foreign(what, place),
            PrivateAction::Visibility { .. } => {
                self.coverage.ignored.push(format!("VisibilityAction ({place}): everybody stays visible"));
            }
            PrivateAction::Speed(_)
            | PrivateAction::SpeedProfile(_)
            | PrivateAction::LongitudinalDistance(_)
            | PrivateAction::LaneChange(_)
            | PrivateAction::LaneOffset(_)
            | PrivateAction::ActivateController(_)
            | PrivateAction::AssignController { .. } => {}
        }
    }

    fn global(&mut self, action: &GlobalAction, place: &str) {
        match action {
            GlobalAction::AddEntity { entity, position } => {
                self.entity(entity, place);
                self.position(position, place);
            }
            GlobalAction::DeleteEntity { entity } => self.entity(entity, place),
            GlobalAction::Unsupported(what) => self.foreign(what, place),
            GlobalAction::Environment(_)
            | GlobalAction::SetParameter { .. }
            | GlobalAction::SetVariable { .. }
            | GlobalAction::Modify { .. } => {}
        }
    }

    fn trajectory(&mut self, trajectory: &Trajectory, place: &str) {
        match &trajectory.shape {
            TrajectoryShape::Polyline(vertices) => {
                vertices.iter().for_each(|vertex| self.position(&vertex.position, place));
            }
            TrajectoryShape::Clothoid { position, .. } => self.position(position, place),
            TrajectoryShape::Nurbs { control_points, .. } => {
                control_points.iter().for_each(|point| self.position(&point.position, place));
            }
            TrajectoryShape::Unsupported(what) => self.foreign(what, place),
        }
    }

    fn position(&mut self, position: &Position, place: &str) {
        match position {
            Position::Route { route, at, .. } => {
                route.waypoints.iter().for_each(|waypoint| self.position(&waypoint.position, place));
                if let InRoutePosition::CurrentEntity(entity) = at {
                    self.entity(entity, place);
                }
            }
            Position::Trajectory { .. } => self.refuse("TrajectoryPosition", place),
            Position::Unsupported(what) => self.foreign(what, place),
            Position::RelativeWorld { entity, .. }
            | Position::RelativeObject { entity, .. }
            | Position::RelativeRoad { entity, .. }
            | Position::RelativeLane { entity, .. } => self.entity(entity, place),
            Position::World { .. } | Position::Road { .. } | Position::Lane { .. } => {}
        }
    }

    fn triggers(&mut self, triggers: [Option<&Trigger>; 2], place: &str) {
        let conditions = triggers.into_iter().flatten().flat_map(|trigger| &trigger.groups).flat_map(|g| &g.conditions);
        for condition in conditions {
            self.condition(condition, &format!("condition {:?} of {place}", condition.name));
        }
    }

    fn condition(&mut self, condition: &Condition, place: &str) {
        match &condition.kind {
            ConditionKind::Entity { triggering, condition, .. } => {
                triggering.iter().for_each(|name| self.entity(name, place));
                match condition {
                    EntityCondition::ReachPosition { position, .. }
                    | EntityCondition::Distance { position, .. }
                    | EntityCondition::TimeToCollision { target: TtcTarget::Position(position), .. } => {
                        self.position(position, place);
                    }
                    EntityCondition::TimeHeadway { entity, .. }
                    | EntityCondition::TimeToCollision { target: TtcTarget::Entity(entity), .. }
                    | EntityCondition::RelativeSpeed { entity, .. }
                    | EntityCondition::RelativeDistance { entity, .. } => self.entity(entity, place),
                    EntityCondition::Unsupported(what) => self.foreign(what, place),
                    EntityCondition::EndOfRoad { .. }
                    | EntityCondition::Collision(_)
                    | EntityCondition::Offroad { .. }
                    | EntityCondition::Acceleration { .. }
                    | EntityCondition::StandStill { .. }
                    | EntityCondition::Speed { .. }
                    | EntityCondition::TraveledDistance { .. } => {}
                }
            }
            ConditionKind::Value(ValueCondition::UserDefined { .. }) => self.refuse("UserDefinedValueCondition", place),
            ConditionKind::Value(ValueCondition::Unsupported(what)) => self.foreign(what, place),
            ConditionKind::Value(_) => {}
        }
    }
}
