//! Triggers and conditions to text.

use crate::model::*;
use crate::names::name_of;
use crate::write::Writer;

impl Writer {
    /// A trigger under its element's name.
    pub(crate) fn trigger(&mut self, element: &'static str, trigger: &Trigger) {
        if trigger.groups.is_empty() {
            return self.xml.leaf(element, &[]);
        }
        self.xml.open(element, &[]);
        for group in &trigger.groups {
            if group.conditions.is_empty() {
                self.xml.problem(format!("a condition group of a {element} is empty"));
            }
            self.xml.open("ConditionGroup", &[]);
            for condition in &group.conditions {
                self.condition(condition);
            }
            self.xml.close();
        }
        self.xml.close();
    }

    fn condition(&mut self, condition: &Condition) {
        self.xml.open(
            "Condition",
            &[("name", &condition.name), ("delay", &condition.delay_s), ("conditionEdge", &name_of(condition.edge))],
        );
        match &condition.kind {
            ConditionKind::Entity { triggering, all, condition } => {
                self.xml.open("ByEntityCondition", &[]);
                let rule = if *all { "all" } else { "any" };
                self.xml.open("TriggeringEntities", &[("triggeringEntitiesRule", &rule)]);
                for entity in triggering {
                    self.xml.leaf("EntityRef", &[("entityRef", entity)]);
                }
                self.xml.close();
                self.xml.open("EntityCondition", &[]);
                self.entity_condition(condition);
                self.xml.close();
                self.xml.close();
            }
            ConditionKind::Value(condition) => {
                self.xml.open("ByValueCondition", &[]);
                self.value_condition(condition);
                self.xml.close();
            }
        }
        self.xml.close();
    }

    fn entity_condition(&mut self, condition: &EntityCondition) {
        match condition {
            EntityCondition::EndOfRoad { duration_s } => {
                self.xml.leaf("EndOfRoadCondition", &[("duration", duration_s)])
            }
            EntityCondition::Offroad { duration_s } => self.xml.leaf("OffroadCondition", &[("duration", duration_s)]),
            EntityCondition::StandStill { duration_s } => {
                self.xml.leaf("StandStillCondition", &[("duration", duration_s)]);
            }
            EntityCondition::Collision(target) => {
                self.xml.open("CollisionCondition", &[]);
                match target {
                    CollisionTarget::Entity(entity) => self.xml.leaf("EntityRef", &[("entityRef", entity)]),
                    CollisionTarget::Type(kind) => self.xml.leaf("ByType", &[("type", kind)]),
                }
                self.xml.close();
            }
            EntityCondition::TimeHeadway { entity, value_s, rule, measure } => {
                let (kind, frame) = self.measure(measure);
                self.xml.leaf(
                    "TimeHeadwayCondition",
                    &[
                        ("entityRef", entity),
                        ("value", value_s),
                        ("freespace", &measure.freespace),
                        ("rule", &name_of(*rule)),
                        ("coordinateSystem", &frame),
                        ("relativeDistanceType", &kind),
                    ],
                );
            }
            EntityCondition::TimeToCollision { target, value_s, rule, measure } => {
                let (kind, frame) = self.measure(measure);
                self.xml.open(
                    "TimeToCollisionCondition",
                    &[
                        ("value", value_s),
                        ("freespace", &measure.freespace),
                        ("rule", &name_of(*rule)),
                        ("coordinateSystem", &frame),
                        ("relativeDistanceType", &kind),
                    ],
                );
                self.xml.open("TimeToCollisionConditionTarget", &[]);
                match target {
                    TtcTarget::Entity(entity) => self.xml.leaf("EntityRef", &[("entityRef", entity)]),
                    TtcTarget::Position(position) => self.position(position),
                }
                self.xml.close();
                self.xml.close();
            }
            EntityCondition::Acceleration { value_mps2, rule, direction } => self.xml.leaf(
                "AccelerationCondition",
                &[("value", value_mps2), ("rule", &name_of(*rule)), ("direction", &direction.map(name_of))],
            ),
            EntityCondition::Speed { value_mps, rule, direction } => self.xml.leaf(
                "SpeedCondition",
                &[("value", value_mps), ("rule", &name_of(*rule)), ("direction", &direction.map(name_of))],
            ),
            EntityCondition::RelativeSpeed { entity, value_mps, rule, direction } => self.xml.leaf(
                "RelativeSpeedCondition",
                &[
                    ("entityRef", entity),
                    ("value", value_mps),
                    ("rule", &name_of(*rule)),
                    ("direction", &direction.map(name_of)),
                ],
            ),
            EntityCondition::TraveledDistance { value_m } => {
                self.xml.leaf("TraveledDistanceCondition", &[("value", value_m)]);
            }
            EntityCondition::ReachPosition { position, tolerance_m } => {
                self.xml.open("ReachPositionCondition", &[("tolerance", tolerance_m)]);
                self.position(position);
                self.xml.close();
            }
            EntityCondition::Distance { position, value_m, rule, measure } => {
                let (kind, frame) = self.measure(measure);
                self.xml.open(
                    "DistanceCondition",
                    &[
                        ("value", value_m),
                        ("freespace", &measure.freespace),
                        ("rule", &name_of(*rule)),
                        ("coordinateSystem", &frame),
                        ("relativeDistanceType", &kind),
                    ],
                );
                self.position(position);
                self.xml.close();
            }
            EntityCondition::RelativeDistance { entity, value_m, rule, measure } => {
                let (kind, frame) = self.measure(measure);
                self.xml.leaf(
                    "RelativeDistanceCondition",
                    &[
                        ("entityRef", entity),
                        ("value", value_m),
                        ("freespace", &measure.freespace),
                        ("rule", &name_of(*rule)),
                        ("coordinateSystem", &frame),
                        ("relativeDistanceType", &kind),
                    ],
                );
            }
            EntityCondition::Unsupported(what) => self.unsupported(what),
        }
    }

    fn measure(&mut self, measure: &DistanceMeasure) -> (&'static str, &'static str) {
        if measure.coordinate_system == CoordinateSystem::World {
            self.rev_minor = 3;
        }
        (name_of(measure.kind), name_of(measure.coordinate_system))
    }

    fn value_condition(&mut self, condition: &ValueCondition) {
        match condition {
            ValueCondition::SimulationTime { value_s, rule } => {
                self.xml.leaf("SimulationTimeCondition", &[("value", value_s), ("rule", &name_of(*rule))]);
            }
            ValueCondition::StoryboardElementState { element_type, element, state } => self.xml.leaf(
                "StoryboardElementStateCondition",
                &[
                    ("storyboardElementType", &name_of(*element_type)),
                    ("storyboardElementRef", element),
                    ("state", &name_of(*state)),
                ],
            ),
            ValueCondition::Parameter { parameter, value, rule } => self.xml.leaf(
                "ParameterCondition",
                &[("parameterRef", parameter), ("value", value), ("rule", &name_of(*rule))],
            ),
            ValueCondition::Variable { variable, value, rule } => self
                .xml
                .leaf("VariableCondition", &[("variableRef", variable), ("value", value), ("rule", &name_of(*rule))]),
            ValueCondition::UserDefined { name, value, rule } => self
                .xml
                .leaf("UserDefinedValueCondition", &[("name", name), ("value", value), ("rule", &name_of(*rule))]),
            ValueCondition::Unsupported(what) => self.unsupported(what),
        }
    }
}
