//! Triggers and conditions.

use roxmltree::Node;

use crate::context::{Context, all, name_of_element};
use crate::model::*;

impl Context<'_> {
    /// A `Trigger`.
    pub(crate) fn read_trigger(&mut self, node: Node<'_, '_>) -> Trigger {
        let groups = all(node, "ConditionGroup")
            .map(|group| ConditionGroup {
                conditions: all(group, "Condition").filter_map(|condition| self.read_condition(condition)).collect(),
            })
            .collect();
        Trigger { groups }
    }

    fn read_condition(&mut self, node: Node<'_, '_>) -> Option<Condition> {
        let inside = self.choice(node)?;
        let kind = if name_of_element(inside) == "ByEntityCondition" {
            let who = self.child(inside, "TriggeringEntities")?;
            let asked = self.child(inside, "EntityCondition").and_then(|n| self.choice(n))?;
            ConditionKind::Entity {
                all: self.text(who, "triggeringEntitiesRule") == "all",
                triggering: self.entity_list(who),
                condition: self.read_entity_condition(asked)?,
            }
        } else {
            let asked = self.choice(inside)?;
            ConditionKind::Value(self.read_value_condition(asked))
        };
        let delay_s = self.number_or(node, "delay", 0.0);
        if delay_s < 0.0 {
            self.error(node, format!("delay={delay_s}"), "expected seconds not below 0");
        }
        Some(Condition { name: self.text(node, "name"), delay_s, edge: self.named(node, "conditionEdge"), kind })
    }

    fn read_measure(&mut self, node: Node<'_, '_>) -> DistanceMeasure {
        // `alongRoute` was the only word for it in 1.0; 1.1 replaced it by the two attributes.
        let along_route = self.optional_boolean(node, "alongRoute").unwrap_or(false);
        let (kind, frame) = if along_route {
            (RelativeDistanceType::Longitudinal, CoordinateSystem::Road)
        } else {
            (RelativeDistanceType::Euclidean, CoordinateSystem::Entity)
        };
        if let Some(routing) = node.attribute("routingAlgorithm").filter(|&routing| routing != "undefined") {
            let message = format!("routingAlgorithm={routing} is not modelled");
            self.warn(node, message, "distances follow the lanes ahead");
        }
        DistanceMeasure {
            kind: self.optional_named(node, "relativeDistanceType").unwrap_or(kind),
            coordinate_system: self.optional_named(node, "coordinateSystem").unwrap_or(frame),
            freespace: self.boolean(node, "freespace"),
        }
    }

    fn read_entity_condition(&mut self, node: Node<'_, '_>) -> Option<EntityCondition> {
        let duration = |cx: &mut Self| cx.number(node, "duration");
        Some(match name_of_element(node) {
            "EndOfRoadCondition" => EntityCondition::EndOfRoad { duration_s: duration(self) },
            "OffroadCondition" => EntityCondition::Offroad { duration_s: duration(self) },
            "StandStillCondition" => EntityCondition::StandStill { duration_s: duration(self) },
            "CollisionCondition" => {
                let inside = self.choice(node)?;
                EntityCondition::Collision(match name_of_element(inside) {
                    "EntityRef" => CollisionTarget::Entity(self.entity(inside, "entityRef")),
                    _ => CollisionTarget::Type(self.text(inside, "type")),
                })
            }
            "TimeHeadwayCondition" => EntityCondition::TimeHeadway {
                entity: self.entity(node, "entityRef"),
                value_s: self.number(node, "value"),
                rule: self.named(node, "rule"),
                measure: self.read_measure(node),
            },
            "TimeToCollisionCondition" => {
                let inside = self.child(node, "TimeToCollisionConditionTarget").and_then(|n| self.choice(n))?;
                EntityCondition::TimeToCollision {
                    target: match name_of_element(inside) {
                        "EntityRef" => TtcTarget::Entity(self.entity(inside, "entityRef")),
                        _ => TtcTarget::Position(self.read_position(inside)?),
                    },
                    value_s: self.number(node, "value"),
                    rule: self.named(node, "rule"),
                    measure: self.read_measure(node),
                }
            }
            "AccelerationCondition" => EntityCondition::Acceleration {
                value_mps2: self.number(node, "value"),
                rule: self.named(node, "rule"),
                direction: self.optional_named(node, "direction"),
            },
            "SpeedCondition" => EntityCondition::Speed {
                value_mps: self.number(node, "value"),
                rule: self.named(node, "rule"),
                direction: self.optional_named(node, "direction"),
            },
            "RelativeSpeedCondition" => EntityCondition::RelativeSpeed {
                entity: self.entity(node, "entityRef"),
                value_mps: self.number(node, "value"),
                rule: self.named(node, "rule"),
                direction: self.optional_named(node, "direction"),
            },
            "TraveledDistanceCondition" => EntityCondition::TraveledDistance { value_m: self.number(node, "value") },
            "ReachPositionCondition" => EntityCondition::ReachPosition {
                position: self.read_position_in(node)?,
                tolerance_m: self.number(node, "tolerance"),
            },
            "DistanceCondition" => EntityCondition::Distance {
                position: self.read_position_in(node)?,
                value_m: self.number(node, "value"),
                rule: self.named(node, "rule"),
                measure: self.read_measure(node),
            },
            "RelativeDistanceCondition" => EntityCondition::RelativeDistance {
                entity: self.entity(node, "entityRef"),
                value_m: self.number(node, "value"),
                rule: self.named(node, "rule"),
                measure: self.read_measure(node),
            },
            _ => EntityCondition::Unsupported(self.unsupported(node)),
        })
    }

    fn read_value_condition(&mut self, node: Node<'_, '_>) -> ValueCondition {
        match name_of_element(node) {
            "SimulationTimeCondition" => {
                ValueCondition::SimulationTime { value_s: self.number(node, "value"), rule: self.named(node, "rule") }
            }
            "StoryboardElementStateCondition" => ValueCondition::StoryboardElementState {
                element_type: self.named(node, "storyboardElementType"),
                element: self.text(node, "storyboardElementRef"),
                state: self.named(node, "state"),
            },
            "ParameterCondition" => {
                let parameter = self.text(node, "parameterRef");
                self.check_declared(node, &parameter, false);
                ValueCondition::Parameter { parameter, value: self.value(node), rule: self.named(node, "rule") }
            }
            "VariableCondition" => {
                let variable = self.text(node, "variableRef");
                self.check_declared(node, &variable, true);
                ValueCondition::Variable { variable, value: self.value(node), rule: self.named(node, "rule") }
            }
            "UserDefinedValueCondition" => ValueCondition::UserDefined {
                name: self.text(node, "name"),
                value: self.value(node),
                rule: self.named(node, "rule"),
            },
            _ => ValueCondition::Unsupported(self.unsupported(node)),
        }
    }
}
