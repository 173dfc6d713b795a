//! Who takes part: bodies, who is under test, and who decides for whom.

use cloverleaf_scenario::model::{
    ActionKind, BoundingBox, Controller, EntityObject, InitAction, PrivateAction, Scenario, ScenarioObject,
};
use cloverleaf_vocabulary::{Draw, Footprint};

use crate::bicycle::VehicleLimits;
use crate::car_following::Idm;
use crate::lane_choice::Mobil;
use crate::motion::{Brain, Control};
use crate::traffic::TrafficModel;
use crate::world::{Body, EntityIndex};

/// Name of the controller (`ObjectController/Controller name`) that hands a vehicle to our traffic model. Its properties:
/// `desiredSpeed` (m/s; default the speed limit of the lane it starts on, else its initial speed), `timeGap` (s, 1.0),
/// `politeness` (0.2), `laneChange` (`true`), `speedSpread` (relative standard deviation of the desired speed drawn from the
/// run's seed, 0).
pub const TRAFFIC_CONTROLLER: &str = "CloverleafTraffic";

/// Steps between two thoughts of changing lane: half a second at the usual step.
const THINKS_EVERY: u64 = 50;

/// The bodies of a scenario's entities, in its order.
pub fn bodies(scenario: &Scenario) -> Vec<Body> {
    scenario
        .entities
        .iter()
        .map(|entity| {
            let footprint = entity.object.bounding_box().map_or(Footprint::CAR, BoundingBox::footprint);
            Body {
                name: entity.name.clone(),
                class: entity.object.actor_class(),
                footprint,
                limits: limits(&entity.object),
            }
        })
        .collect()
}

/// What a vehicle can do by its description; a car's values where it says nothing usable.
fn limits(object: &EntityObject) -> VehicleLimits {
    let car = VehicleLimits::CAR;
    let EntityObject::Vehicle(vehicle) = object else { return car };
    let usable = |value: f64, otherwise: f64| if value.is_finite() && value > 0.0 { value } else { otherwise };
    let wheelbase_m = vehicle.front_axle.map_or(0.0, |front| front.position_x_m - vehicle.rear_axle.position_x_m);
    VehicleLimits {
        wheelbase_m: usable(wheelbase_m, usable(0.6 * vehicle.bounding_box.length_m, car.wheelbase_m)),
        max_steering_rad: usable(vehicle.front_axle.map_or(0.0, |front| front.max_steering_rad), car.max_steering_rad)
            .min(1.2),
        max_accel_mps2: usable(vehicle.performance.max_acceleration_mps2, car.max_accel_mps2),
        max_decel_mps2: usable(vehicle.performance.max_deceleration_mps2, car.max_decel_mps2),
        max_speed_mps: usable(vehicle.performance.max_speed_mps, car.max_speed_mps),
        ..car
    }
}

/// The entity under test: the one asked for; else one named `ego` or `hero`, else one whose controller's name begins so
/// (whatever the case), else the first vehicle. The error names what was asked for.
pub fn subject(scenario: &Scenario, asked: Option<&str>) -> Result<EntityIndex, String> {
    let find = |fits: &dyn Fn(&ScenarioObject) -> bool| scenario.entities.iter().position(fits);
    if let Some(asked) = asked {
        return find(&|entity| entity.name == asked)
            .ok_or_else(|| format!("the scenario has no entity {asked:?} to test"));
    }
    let says_so = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("ego") || name.starts_with("hero")
    };
    let is_vehicle = |entity: &ScenarioObject| matches!(entity.object, EntityObject::Vehicle(_));
    find(&|entity| ["ego", "hero"].iter().any(|word| entity.name.eq_ignore_ascii_case(word)))
        .or_else(|| find(&|entity| entity.controllers.iter().any(|controller| says_so(&controller.name))))
        .or_else(|| find(&|entity| is_vehicle(entity) && says_so(&entity.name)))
        .or_else(|| find(&is_vehicle))
        .ok_or_else(|| "the scenario has no vehicle to test".to_owned())
}

/// Who decides for each entity.
pub fn controls(scenario: &Scenario, subject: EntityIndex, seed: u64) -> Result<Vec<Control>, String> {
    scenario
        .entities
        .iter()
        .enumerate()
        .map(|(index, entity)| {
            let by_script = waits_for_activation(scenario, &entity.name);
            let mut control = if index == subject {
                Control::new(Brain::Driver)
            } else if let Some(controller) = entity.controllers.iter().find(|controller| is_traffic(controller)) {
                Control::new(Brain::Traffic(traffic_model(controller, &entity.name, index, seed)?))
            } else if matches!(entity.object, EntityObject::Vehicle(_)) && !has_script(scenario, &entity.name) {
                let idm = Idm::motorway(0.0);
                Control::new(Brain::Reactive(TrafficModel {
                    idm,
                    mobil: None,
                    thinks_every: THINKS_EVERY,
                    thinks_at: 0,
                }))
            } else {
                Control::new(Brain::None)
            };
            control.active = match control.brain {
                Brain::None => [false; 2],
                Brain::Reactive(_) => [true, false],
                Brain::Traffic(_) | Brain::Driver => [!by_script; 2],
            };
            Ok(control)
        })
        .collect()
}

/// Whether a controller is our traffic model.
pub fn is_traffic(controller: &Controller) -> bool {
    controller.name.eq_ignore_ascii_case(TRAFFIC_CONTROLLER)
}

/// The traffic model a controller describes. A `desiredSpeed` that is not given is left at 0 and set when the entity starts.
pub fn traffic_model(
    controller: &Controller,
    entity: &str,
    index: EntityIndex,
    seed: u64,
) -> Result<TrafficModel, String> {
    let number = |name: &str, otherwise: f64| {
        let Some(property) = controller.properties.iter().find(|property| property.name == name) else {
            return Ok(otherwise);
        };
        match property.value.trim().parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
            _ => Err(format!(
                "entity {entity:?}: property {name} of controller {:?} is {:?}; expected a number that is not negative",
                controller.name, property.value
            )),
        }
    };
    let changes_lane =
        controller.properties.iter().find(|p| p.name == "laneChange").is_none_or(|p| p.value.trim() != "false");
    let mut draw = Draw::new(seed, index as u64, 0);
    let spread = (1.0 + number("speedSpread", 0.0)? * draw.normal()).clamp(0.5, 1.5);
    let mut idm = Idm::motorway(number("desiredSpeed", 0.0)? * spread);
    idm.time_gap_s = number("timeGap", idm.time_gap_s)?.max(0.1);
    let mobil = Mobil { politeness: number("politeness", Mobil::default().politeness)?, ..Mobil::default() };
    Ok(TrafficModel {
        idm,
        mobil: changes_lane.then_some(mobil),
        thinks_every: THINKS_EVERY,
        thinks_at: draw.below(THINKS_EVERY),
    })
}

/// Whether the storyboard itself says when the entity's controller takes over.
fn waits_for_activation(scenario: &Scenario, entity: &str) -> bool {
    private_actions(scenario, entity)
        .any(|action| matches!(action, PrivateAction::ActivateController(_) | PrivateAction::AssignController { .. }))
}

/// Whether an entity is moved by the storyboard after `Init`.
fn has_script(scenario: &Scenario, entity: &str) -> bool {
    groups_of(scenario, entity).next().is_some()
        || scenario.storyboard.init.iter().any(|init| match init {
            InitAction::Private { entity: of, action } => {
                of == entity && !matches!(action, PrivateAction::Teleport(_) | PrivateAction::Speed(_))
            }
            InitAction::Global(_) | InitAction::Unsupported(_) => false,
        })
}

fn groups_of<'a>(
    scenario: &'a Scenario,
    entity: &'a str,
) -> impl Iterator<Item = &'a cloverleaf_scenario::model::ManeuverGroup> {
    let groups = scenario.storyboard.stories.iter().flat_map(|story| &story.acts).flat_map(|act| &act.maneuver_groups);
    groups.filter(move |group| group.select_triggering_entities || group.actors.iter().any(|actor| actor == entity))
}

/// Everything the storyboard has an entity do.
pub fn private_actions<'a>(scenario: &'a Scenario, entity: &'a str) -> impl Iterator<Item = &'a PrivateAction> {
    let init = scenario.storyboard.init.iter().filter_map(move |init| match init {
        InitAction::Private { entity: of, action } if of == entity => Some(action),
        _ => None,
    });
    let story = groups_of(scenario, entity)
        .flat_map(|group| &group.maneuvers)
        .flat_map(|maneuver| &maneuver.events)
        .flat_map(|event| &event.actions)
        .filter_map(|action| match &action.kind {
            ActionKind::Private(action) => Some(action),
            ActionKind::Global(_) | ActionKind::Unsupported(_) => None,
        });
    init.chain(story)
}
