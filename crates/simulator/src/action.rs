//! Starting actions: what each does to the control or the state of an entity.

use std::collections::VecDeque;

use cloverleaf_scenario::model::{
    ActivateController, DistanceMeasure, FollowTrajectoryAction, GlobalAction, LaneChangeAction, LaneOffsetAction,
    LaneOffsetTarget, LaneTarget, LateralDistanceAction, LongitudinalDistanceAction, ModifyRule, Position,
    PrivateAction, RelativeDistanceType, SpeedAction, SpeedProfileAction, SpeedTarget, SynchronizeAction,
};

use crate::cast;
use crate::distance::Target;
use crate::motion::{ActionId, Beside, Brain, KeepDistance, Lat, Lon, Ramp, Synchronize, relative_speed_mps};
use crate::simulation::Simulation;
use crate::traffic::offset_from_m;
use crate::trajectory::Path;
use crate::transition::Transition;
use crate::world::EntityIndex;

/// How an action began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It goes on over time.
    Running,
    /// It is already over.
    Done,
}

type Outcome = Result<Begun, String>;

/// Fastest movement across where an action names no limit, m/s: a brisk lane change.
const MAX_SIDEWAYS_MPS: f64 = 1.5;

impl Simulation {
    /// Starts an action of one entity. An error says why it cannot be done now.
    pub(crate) fn start_private(&mut self, entity: EntityIndex, action: &PrivateAction, id: ActionId) -> Outcome {
        match action {
            PrivateAction::Teleport(position) => self.teleport(entity, position),
            PrivateAction::Speed(speed) => self.start_speed(entity, speed, id),
            PrivateAction::SpeedProfile(profile) => self.start_profile(entity, profile, id),
            PrivateAction::LongitudinalDistance(distance) => self.start_distance(entity, distance, id),
            PrivateAction::LaneChange(change) => self.start_lane_change(entity, change, id),
            PrivateAction::LaneOffset(offset) => self.start_lane_offset(entity, offset, id),
            PrivateAction::FollowTrajectory(follow) => self.start_trajectory(entity, follow, id),
            PrivateAction::AssignRoute(route) => {
                let places = self.scale().route_places(route).map_err(|error| error.to_string())?.into();
                // The first waypoint is where the route begins; one already passed decides nothing.
                self.controls[entity].route = places;
                Ok(Begun::Done)
            }
            PrivateAction::AcquirePosition(position) => {
                self.controls[entity].route = self.lane_of(position)?.into_iter().collect();
                self.controls[entity].route_action = id;
                Ok(Begun::Running)
            }
            PrivateAction::ActivateController(which) => {
                self.activate(entity, which);
                Ok(Begun::Done)
            }
            PrivateAction::AssignController { controller, activate } => {
                if entity != self.subject && cast::is_traffic(controller) {
                    let name = self.bodies[entity].name.clone();
                    let mut model = cast::traffic_model(controller, &name, entity, self.options.seed)?;
                    if model.idm.desired_speed_mps == 0.0 {
                        model.idm.desired_speed_mps = self.state.speed_mps[entity];
                    }
                    self.controls[entity].brain = Brain::Traffic(model);
                }
                self.activate(entity, activate);
                Ok(Begun::Done)
            }
            PrivateAction::Visibility { .. } | PrivateAction::Unsupported(_) => Ok(Begun::Done),
            PrivateAction::LateralDistance(distance) => self.start_lateral_distance(entity, distance, id),
            PrivateAction::Synchronize(meeting) => self.start_synchronize(entity, meeting, id),
        }
    }

    /// Does something to the world.
    pub(crate) fn start_global(&mut self, action: &GlobalAction) -> Outcome {
        match action {
            GlobalAction::Environment(environment) => {
                if let Some(factor) = environment.friction_scale_factor.filter(|factor| *factor > 0.0) {
                    for body in &mut self.bodies {
                        body.limits.friction = crate::bicycle::VehicleLimits::CAR.friction * factor;
                    }
                }
            }
            GlobalAction::AddEntity { entity, position } => {
                let index = self.entity_index(entity)?;
                self.teleport(index, position)?;
            }
            GlobalAction::DeleteEntity { entity } => {
                let index = self.entity_index(entity)?;
                self.state.present[index] = false;
            }
            GlobalAction::SetParameter { parameter: name, value }
            | GlobalAction::SetVariable { variable: name, value } => {
                self.values.insert(name.clone(), value.clone());
            }
            GlobalAction::Modify { name, rule, .. } => {
                let now = self.values.get(name).and_then(|value| value.trim().parse::<f64>().ok());
                let now = now.ok_or_else(|| format!("{name:?} has no numeric value to modify"))?;
                let new = match rule {
                    ModifyRule::Add(by) => now + by,
                    ModifyRule::Multiply(by) => now * by,
                };
                self.values.insert(name.clone(), new.to_string());
            }
            GlobalAction::Unsupported(_) => {}
        }
        Ok(Begun::Done)
    }

    pub(crate) fn entity_index(&self, name: &str) -> Result<EntityIndex, String> {
        self.entities.get(name).copied().ok_or_else(|| format!("entity {name:?} is not declared"))
    }

    fn teleport(&mut self, entity: EntityIndex, position: &Position) -> Outcome {
        let at = self.scale().place(position).map_err(|error| error.to_string())?;
        let network = self.network.clone();
        match at.lane {
            Some((lane, lane_yaw_rad)) => {
                self.state.place_on_lane(entity, lane, lane_yaw_rad, &network);
            }
            None => self.state.place(entity, at.x_m, at.y_m, at.yaw_rad, &network),
        }
        if let Position::Route { route, .. } = position {
            // Who is put on a route is meant to follow it.
            let places = self.scale().route_places(route).map_err(|error| error.to_string())?;
            self.controls[entity].route = places.into();
        }
        Ok(Begun::Done)
    }

    fn lane_of(&self, position: &Position) -> Result<Option<cloverleaf_road::LanePosition>, String> {
        let at = self.scale().place(position).map_err(|error| error.to_string())?;
        Ok(at.lane.map(|(lane, _)| lane))
    }

    fn activate(&mut self, entity: EntityIndex, which: &ActivateController) {
        let speed_mps = self.state.speed_mps[entity];
        let control = &mut self.controls[entity];
        if which.longitudinal == Some(true) && !control.active[0] && control.set_speed_mps == 0.0 {
            control.set_speed_mps = speed_mps;
        }
        for (domain, asked) in [which.longitudinal, which.lateral].into_iter().enumerate() {
            control.active[domain] = asked.unwrap_or(control.active[domain]);
        }
    }

    /// Gives the longitudinal domain of an entity to a new script; an older one is stopped.
    fn take_lon(&mut self, entity: EntityIndex, lon: Lon, id: ActionId) {
        let control = &mut self.controls[entity];
        control.lon = lon;
        if let Some(old) = std::mem::replace(&mut control.lon_action, id)
            && id != Some(old)
        {
            self.supplanted.push(old);
        }
    }

    /// Gives the lateral domain of an entity to a new script; an older one is stopped.
    fn take_lat(&mut self, entity: EntityIndex, lat: Lat, id: ActionId) {
        let control = &mut self.controls[entity];
        control.lat = lat;
        if let Some(old) = std::mem::replace(&mut control.lat_action, id)
            && id != Some(old)
        {
            self.supplanted.push(old);
        }
    }

    fn start_speed(&mut self, entity: EntityIndex, action: &SpeedAction, id: ActionId) -> Outcome {
        let (target_mps, follows) = match &action.target {
            SpeedTarget::Absolute(speed_mps) => (*speed_mps, None),
            SpeedTarget::Relative { entity: reference, value, kind, continuous } => {
                let reference = self.entity_index(reference)?;
                let target_mps = relative_speed_mps(self.state.speed_mps[reference], *value, *kind);
                (target_mps, continuous.then_some((reference, *value, *kind)))
            }
        };
        if !target_mps.is_finite() {
            return Err("the target speed is not finite".to_owned());
        }
        self.controls[entity].set_speed_mps = target_mps;
        // A speed given in Init is where traffic starts from; one given later is what it wants from then on.
        if id.is_some()
            && let Brain::Reactive(model) | Brain::Traffic(model) = &mut self.controls[entity].brain
        {
            model.idm.desired_speed_mps = target_mps.max(0.0);
        }
        let transition = Transition::of_speed(self.state.speed_mps[entity], target_mps, action.dynamics);
        if transition.finished() && follows.is_none() {
            self.state.speed_mps[entity] = target_mps;
            self.state.accel_mps2[entity] = 0.0;
            self.take_lon(entity, Lon::Free, None);
            return Ok(Begun::Done);
        }
        self.take_lon(entity, Lon::Speed { transition, follows }, id);
        Ok(Begun::Running)
    }

    fn start_profile(&mut self, entity: EntityIndex, action: &SpeedProfileAction, id: ActionId) -> Outcome {
        let base_mps = match &action.entity {
            Some(reference) => self.state.speed_mps[self.entity_index(reference)?],
            None => 0.0,
        };
        let limits = &self.bodies[entity].limits;
        let rates_mps2 = [
            action.constraints.max_acceleration_mps2.unwrap_or(limits.max_accel_mps2),
            action.constraints.max_deceleration_mps2.unwrap_or(limits.max_decel_mps2),
        ];
        let ramps: VecDeque<Ramp> = action
            .entries
            .iter()
            .map(|entry| Ramp::Waiting { to_mps: base_mps + entry.speed_mps, time_s: entry.time_s, rates_mps2 })
            .collect();
        if let Some(last) = action.entries.last() {
            self.controls[entity].set_speed_mps = base_mps + last.speed_mps;
        }
        self.take_lon(entity, Lon::Profile(ramps), id);
        Ok(Begun::Running)
    }

    fn start_distance(&mut self, entity: EntityIndex, action: &LongitudinalDistanceAction, id: ActionId) -> Outcome {
        let keep = KeepDistance {
            entity: self.entity_index(&action.entity)?,
            gap: action.gap,
            measure: DistanceMeasure {
                kind: RelativeDistanceType::Longitudinal,
                coordinate_system: action.coordinate_system,
                freespace: action.freespace,
            },
            displacement: action.displacement,
            continuous: action.continuous,
            constraints: action.constraints,
        };
        if keep.constraints.is_none() {
            self.jump_to_distance(entity, &keep)?;
            if !keep.continuous {
                self.take_lon(entity, Lon::Free, None);
                return Ok(Begun::Done);
            }
        }
        self.take_lon(entity, Lon::Distance(keep), id);
        Ok(Begun::Running)
    }

    /// Without dynamic constraints a distance holds at once: the entity is moved along its lane.
    fn jump_to_distance(&mut self, entity: EntityIndex, keep: &KeepDistance) -> Result<(), String> {
        // Along a curve the distance by the entity's axes is not the way along the lane: a few rounds converge.
        for _ in 0..8 {
            let error_m = keep.error_m(entity, &self.scale());
            let error_m = error_m.ok_or("the distance to the reference entity cannot be measured")?;
            if error_m.abs() < 1e-6 {
                break;
            }
            let lane = self.state.lane[entity].ok_or("the entity is not on a road")?;
            let sign = self.state.lane_yaw_rad[entity].cos().signum();
            let moved = self.network.advance(lane, sign * error_m).ok_or("the entity is not on a road")?;
            let lane_yaw_rad = self.state.lane_yaw_rad[entity];
            let network = self.network.clone();
            self.state.place_on_lane(entity, moved.position, lane_yaw_rad, &network);
            if moved.end_of_road {
                return Err("the road ends before the distance is reached".to_owned());
            }
        }
        Ok(())
    }

    fn start_lane_change(&mut self, entity: EntityIndex, action: &LaneChangeAction, id: ActionId) -> Outcome {
        let from = self.state.lane_under(entity, &self.network).ok_or("the entity is not on a road")?;
        let lane = match &action.target {
            LaneTarget::Absolute(lane) => *lane,
            LaneTarget::Relative { entity: reference, lanes } => {
                let reference = self.entity_index(reference)?;
                let of =
                    self.state.lane_under(reference, &self.network).ok_or("the reference entity is not on a road")?;
                self.scale().lane_beside(reference, of, *lanes).ok_or("there is no such lane")?
            }
        };
        let to = cloverleaf_road::LanePosition { lane, offset_m: 0.0, ..from };
        if self.network.lane_ref(to).is_none() {
            return Err(format!("lane {lane} does not exist at s = {:.1} m", from.s_m));
        }
        let offset_m = offset_from_m(&self.state, &self.network, entity, to).ok_or("the entity is not on a road")?;
        self.state.lane[entity] = Some(cloverleaf_road::LanePosition { offset_m, ..to });
        // On a lane of the opposite direction the entity goes on in its own.
        let lane_yaw_rad = self.network.lane_pose(to).ok_or("there is no such lane")?.heading_rad;
        self.state.lane_yaw_rad[entity] = cloverleaf_road::wrap_angle(self.state.yaw_rad[entity] - lane_yaw_rad);
        let transition = Transition::new(offset_m, action.target_lane_offset_m, action.dynamics);
        self.take_lat(entity, Lat::Offset { transition, continuous: false }, id);
        Ok(Begun::Running)
    }

    fn start_lane_offset(&mut self, entity: EntityIndex, action: &LaneOffsetAction, id: ActionId) -> Outcome {
        let from = self.state.lane_under(entity, &self.network).ok_or("the entity is not on a road")?;
        let target_m = match &action.target {
            LaneOffsetTarget::Absolute(offset_m) => *offset_m,
            LaneOffsetTarget::Relative { entity: reference, offset_m } => {
                let reference = self.entity_index(reference)?;
                let of =
                    self.state.lane_under(reference, &self.network).ok_or("the reference entity is not on a road")?;
                of.offset_m + offset_m
            }
        };
        self.state.lane[entity] = Some(from);
        let limit = action.max_lateral_acceleration_mps2.filter(|limit| *limit > 0.0);
        let transition = Transition::of_offset(from.offset_m, target_m, action.shape, limit);
        self.take_lat(entity, Lat::Offset { transition, continuous: action.continuous }, id);
        Ok(Begun::Running)
    }

    fn start_lateral_distance(&mut self, entity: EntityIndex, action: &LateralDistanceAction, id: ActionId) -> Outcome {
        let reference = self.entity_index(&action.entity)?;
        let measure = DistanceMeasure {
            kind: RelativeDistanceType::Lateral,
            coordinate_system: action.coordinate_system,
            freespace: action.freespace,
        };
        let scale = self.scale();
        let target = scale.entity(reference).ok_or("the reference entity is not in the world")?;
        let left_m = scale.lateral_m(entity, &target, measure).ok_or("the lateral distance cannot be measured")?;
        let wanted_m = action.distance_m.unwrap_or(left_m.abs());
        let signed_m = match action.displacement.as_str() {
            "leftToReferencedEntity" => -wanted_m,
            "rightToReferencedEntity" => wanted_m,
            _ => wanted_m.copysign(left_m),
        };
        let max_speed_mps = action.constraints.and_then(|limits| limits.max_speed_mps).unwrap_or(MAX_SIDEWAYS_MPS);
        let beside = Beside { entity: reference, signed_m, measure, continuous: action.continuous, max_speed_mps };
        self.take_lat(entity, Lat::Beside(beside), id);
        Ok(Begun::Running)
    }

    fn start_synchronize(&mut self, entity: EntityIndex, action: &SynchronizeAction, id: ActionId) -> Outcome {
        let target = |position: &Position| {
            let at = self.scale().place(position).map_err(|error| error.to_string())?;
            Ok::<_, String>(Target { point_m: [at.x_m, at.y_m], body: None, lane: at.lane.map(|(lane, _)| lane) })
        };
        let meeting = Synchronize {
            master: self.entity_index(&action.master)?,
            master_target: (target(&action.master_target)?, action.master_tolerance_m),
            target: (target(&action.target)?, action.tolerance_m),
            final_speed: action.final_speed,
        };
        self.take_lon(entity, Lon::Synchronize(meeting), id);
        Ok(Begun::Running)
    }

    fn start_trajectory(&mut self, entity: EntityIndex, action: &FollowTrajectoryAction, id: ActionId) -> Outcome {
        let path = Path::new(
            &action.trajectory,
            action.time_reference,
            action.initial_distance_offset_m,
            self.t_s(),
            &self.scale(),
        )
        .map_err(|error| error.to_string())?;
        let timed = path.is_timed();
        let way_m = path.start_m();
        if !self.state.present[entity] {
            let at = path.at_way(way_m).0;
            let network = self.network.clone();
            self.state.place(entity, at.x_m, at.y_m, at.yaw_rad, &network);
        }
        self.take_lat(entity, Lat::Path { path, way_m }, id);
        if timed && self.controls[entity].lon_action != id {
            // A timed trajectory decides about speed too.
            self.take_lon(entity, Lon::Free, None);
        }
        Ok(Begun::Running)
    }
}
