//! Conditions: what they ask of the world, edges and delays.

use std::collections::{BTreeMap, VecDeque};

use cloverleaf_scenario::model::{
    CollisionTarget, Condition, ConditionEdge, ConditionKind, Direction, EntityCondition, Trigger, TtcTarget,
    ValueCondition,
};
use cloverleaf_vocabulary::ActorClass;

use crate::distance::{Scale, Target};
use crate::storyboard::Storyboard;
use crate::world::EntityIndex;

/// What conditions remember, parallel to a trigger's groups and conditions.
#[derive(Debug, Clone, Default)]
pub struct TriggerMemory(Vec<Vec<Memory>>);

#[derive(Debug, Clone, Default)]
struct Memory {
    /// The expression in the step before; `None` before the first look.
    last: Option<bool>,
    /// Changes of the edge-filtered value that a delay still holds back: step and value.
    held: VecDeque<(u64, bool)>,
    /// The value that has come through the delay.
    through: bool,
    /// The newest value put in.
    newest: bool,
}

impl TriggerMemory {
    /// Nothing seen yet.
    pub fn new(trigger: &Trigger) -> Self {
        Self(trigger.groups.iter().map(|group| vec![Memory::default(); group.conditions.len()]).collect())
    }

    /// As new.
    pub fn forget(&mut self) {
        self.0.iter_mut().flatten().for_each(|memory| *memory = Memory::default());
    }
}

impl Memory {
    /// Takes the expression's value at this step; gives the condition's, after edge and delay.
    ///
    /// The first time there is no step before, so no edge can be seen (OpenSCENARIO XML 1.2, 7.6.1.2).
    fn update(&mut self, value: bool, edge: ConditionEdge, delay_steps: u64, step: u64) -> bool {
        let before = self.last.replace(value);
        let filtered = match edge {
            ConditionEdge::None => value,
            ConditionEdge::Rising => before == Some(false) && value,
            ConditionEdge::Falling => before == Some(true) && !value,
            ConditionEdge::RisingOrFalling => before.is_some_and(|before| before != value),
        };
        if delay_steps == 0 {
            return filtered;
        }
        if filtered != self.newest {
            self.held.push_back((step, filtered));
            self.newest = filtered;
        }
        while self.held.front().is_some_and(|(since, _)| since + delay_steps <= step) {
            if let Some((_, value)) = self.held.pop_front() {
                self.through = value;
            }
        }
        self.through
    }
}

/// All a condition may look at.
pub struct View<'a> {
    /// The world.
    pub scale: Scale<'a>,
    /// Simulation time, s.
    pub t_s: f64,
    /// Step, and its length in s.
    pub step: u64,
    /// See [`Self::step`].
    pub dt_s: f64,
    /// States of the storyboard's elements.
    pub board: &'a Storyboard,
    /// Parameters and variables, by name.
    pub values: &'a BTreeMap<String, String>,
    /// Index of an entity's name.
    pub entities: &'a BTreeMap<String, EntityIndex>,
}

impl View<'_> {
    /// Whether a trigger is true now; the entities that made it so are added to `by`. Every condition is looked at in every
    /// step, so that edges are seen even while another condition of the group is false.
    pub fn trigger(
        &self,
        trigger: &Trigger,
        memory: &mut TriggerMemory,
        from: &str,
        by: &mut Vec<EntityIndex>,
    ) -> bool {
        let mut any = false;
        for (group, memories) in trigger.groups.iter().zip(&mut memory.0) {
            let mut all = !group.conditions.is_empty();
            let mut who = Vec::new();
            for (condition, memory) in group.conditions.iter().zip(memories) {
                let value = self.expression(condition, from, &mut who);
                let delay_steps = (condition.delay_s / self.dt_s).round().max(0.0) as u64;
                all &= memory.update(value, condition.edge, delay_steps, self.step);
            }
            if all {
                any = true;
                by.extend(who);
            }
        }
        by.sort_unstable();
        by.dedup();
        any
    }

    fn expression(&self, condition: &Condition, from: &str, who: &mut Vec<EntityIndex>) -> bool {
        match &condition.kind {
            ConditionKind::Value(value) => self.value(value, from),
            ConditionKind::Entity { triggering, all, condition } => {
                let true_for: Vec<EntityIndex> = triggering
                    .iter()
                    .filter_map(|name| self.entities.get(name).copied())
                    .filter(|&entity| self.scale.state.present[entity] && self.holds(entity, condition))
                    .collect();
                let holds = if *all {
                    true_for.len() == triggering.len() && !triggering.is_empty()
                } else {
                    !true_for.is_empty()
                };
                who.extend(true_for);
                holds
            }
        }
    }

    fn value(&self, condition: &ValueCondition, from: &str) -> bool {
        match condition {
            // Half a nanosecond of slack: step times are multiples of a decimal that has no exact binary form.
            ValueCondition::SimulationTime { value_s, rule } => {
                let t_s = if (self.t_s - value_s).abs() < 5e-10 { *value_s } else { self.t_s };
                rule.holds(t_s, *value_s)
            }
            ValueCondition::StoryboardElementState { element_type, element, state } => self
                .board
                .resolve(*element_type, element, from)
                .is_some_and(|element| self.board.shows(element, *state)),
            ValueCondition::Parameter { parameter: name, value, rule }
            | ValueCondition::Variable { variable: name, value, rule } => {
                self.values.get(name).is_some_and(|now| cloverleaf_scenario::compare(*rule, now, value))
            }
            ValueCondition::UserDefined { .. } | ValueCondition::Unsupported(_) => false,
        }
    }

    fn holds(&self, entity: EntityIndex, condition: &EntityCondition) -> bool {
        let state = self.scale.state;
        let named =
            |name: &str| self.entities.get(name).copied().and_then(|other| Some((other, self.scale.entity(other)?)));
        let position = |position| {
            let at = self.scale.place(position).ok()?;
            Some(Target { point_m: [at.x_m, at.y_m], body: None, lane: at.lane.map(|(lane, _)| lane) })
        };
        match condition {
            EntityCondition::EndOfRoad { duration_s } => lasted(state.end_of_road_s[entity], *duration_s),
            EntityCondition::Offroad { duration_s } => lasted(state.off_road_s[entity], *duration_s),
            EntityCondition::StandStill { duration_s } => lasted(state.standing_s[entity], *duration_s),
            EntityCondition::Collision(target) => {
                let own = state.rectangle(entity, self.scale.bodies);
                state.entities().filter(|other| *other != entity).any(|other| {
                    let body = &self.scale.bodies[other];
                    let meant = match target {
                        CollisionTarget::Entity(name) => body.name == *name,
                        CollisionTarget::Type(kind) => is_of_type(body.class, kind),
                    };
                    meant && own.touches(&state.rectangle(other, self.scale.bodies))
                })
            }
            EntityCondition::TimeHeadway { entity: other, value_s, rule, measure } => {
                let Some((_, target)) = named(other) else { return false };
                let headway_s = self.scale.longitudinal_m(entity, &target, *measure).map(|ahead_m| {
                    // Nobody is ahead: the headway is without end.
                    if ahead_m < 0.0 { f64::INFINITY } else { ahead_m / state.speed_mps[entity].abs().max(1e-9) }
                });
                headway_s.is_some_and(|headway_s| rule.holds(headway_s, *value_s))
            }
            EntityCondition::TimeToCollision { target, value_s, rule, measure } => {
                let (target, other_mps) = match target {
                    TtcTarget::Entity(name) => {
                        let Some((other, target)) = named(name) else { return false };
                        (target, [0, 1].map(|axis| self.velocity_mps(other)[axis]))
                    }
                    TtcTarget::Position(at) => {
                        let Some(target) = position(at) else { return false };
                        (target, [0.0; 2])
                    }
                };
                let Some(distance_m) = self.scale.distance_m(entity, &target, *measure) else { return false };
                let own_mps = self.velocity_mps(entity);
                let to = [0, 1].map(|axis| target.point_m[axis] - [state.x_m[entity], state.y_m[entity]][axis]);
                let length_m = to[0].hypot(to[1]).max(1e-9);
                let closing_mps =
                    ((own_mps[0] - other_mps[0]) * to[0] + (own_mps[1] - other_mps[1]) * to[1]) / length_m;
                let ttc_s = if closing_mps > 1e-9 { distance_m / closing_mps } else { f64::INFINITY };
                rule.holds(ttc_s, *value_s)
            }
            EntityCondition::Acceleration { value_mps2, rule, direction } => {
                let along = state.accel_mps2[entity];
                let across = state.speed_mps[entity] * state.yaw_rate_radps[entity];
                rule.holds(component(along, across, *direction), *value_mps2)
            }
            EntityCondition::Speed { value_mps, rule, direction } => {
                rule.holds(component(state.speed_mps[entity], 0.0, *direction), *value_mps)
            }
            EntityCondition::RelativeSpeed { entity: other, value_mps, rule, direction } => {
                let Some((other, _)) = named(other) else { return false };
                let speed_mps = match direction {
                    None => state.speed_mps[entity] - state.speed_mps[other],
                    Some(direction) => {
                        let (own, reference) = (self.velocity_mps(entity), self.velocity_mps(other));
                        let (sin, cos) = state.yaw_rad[entity].sin_cos();
                        let (dx, dy) = (own[0] - reference[0], own[1] - reference[1]);
                        component(cos * dx + sin * dy, cos * dy - sin * dx, Some(*direction))
                    }
                };
                rule.holds(speed_mps, *value_mps)
            }
            EntityCondition::TraveledDistance { value_m } => state.travelled_m[entity] >= *value_m,
            EntityCondition::ReachPosition { position: at, tolerance_m } => position(at).is_some_and(|target| {
                let (dx, dy) = (target.point_m[0] - state.x_m[entity], target.point_m[1] - state.y_m[entity]);
                dx.hypot(dy) <= *tolerance_m
            }),
            EntityCondition::Distance { position: at, value_m, rule, measure } => position(at)
                .and_then(|target| self.scale.distance_m(entity, &target, *measure))
                .is_some_and(|distance_m| rule.holds(distance_m, *value_m)),
            EntityCondition::RelativeDistance { entity: other, value_m, rule, measure } => named(other)
                .and_then(|(_, target)| self.scale.distance_m(entity, &target, *measure))
                .is_some_and(|distance_m| rule.holds(distance_m, *value_m)),
            EntityCondition::Unsupported(_) => false,
        }
    }

    fn velocity_mps(&self, entity: EntityIndex) -> [f64; 2] {
        let state = self.scale.state;
        let (sin, cos) = state.yaw_rad[entity].sin_cos();
        [state.speed_mps[entity] * cos, state.speed_mps[entity] * sin]
    }
}

fn lasted(timer_s: f64, duration_s: f64) -> bool {
    timer_s > 0.0 && timer_s + 1e-9 >= duration_s
}

/// A component of a planar vector; without a direction its magnitude, with the sign of the part along where there is none across.
fn component(along: f64, across: f64, direction: Option<Direction>) -> f64 {
    match direction {
        None if across == 0.0 => along,
        None => along.hypot(across),
        Some(Direction::Longitudinal) => along,
        Some(Direction::Lateral) => across,
        Some(Direction::Vertical) => 0.0,
    }
}

fn is_of_type(class: ActorClass, kind: &str) -> bool {
    match kind {
        "pedestrian" => class == ActorClass::Pedestrian,
        "miscellaneous" => class == ActorClass::Other,
        "vehicle" => !matches!(class, ActorClass::Pedestrian | ActorClass::Other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(values: &[bool], edge: ConditionEdge, delay_steps: u64) -> Vec<bool> {
        let mut memory = Memory::default();
        (0..).zip(values).map(|(step, &value)| memory.update(value, edge, delay_steps, step)).collect()
    }

    #[test]
    fn edges_need_a_step_before() {
        let (t, f) = (true, false);
        let values = [t, t, f, t, f, f];
        assert_eq!(run(&values, ConditionEdge::None, 0), values);
        assert_eq!(run(&values, ConditionEdge::Rising, 0), [f, f, f, t, f, f]);
        assert_eq!(run(&values, ConditionEdge::Falling, 0), [f, f, t, f, t, f]);
        assert_eq!(run(&values, ConditionEdge::RisingOrFalling, 0), [f, f, t, t, t, f]);
    }

    #[test]
    fn a_delay_shifts_everything() {
        let (t, f) = (true, false);
        let values = [f, t, f, f, t, t, f, f, f];
        assert_eq!(run(&values, ConditionEdge::None, 2), [f, f, f, t, f, f, t, t, f]);
        assert_eq!(run(&values, ConditionEdge::Rising, 3), [f, f, f, f, t, f, f, t, f]);
    }
}
