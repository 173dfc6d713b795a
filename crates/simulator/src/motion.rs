//! How one entity gets from step n to step n + 1.

use std::collections::VecDeque;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use cloverleaf_road::{LanePosition, LaneRef, Network, wrap_angle};
use cloverleaf_scenario::model::{
    DistanceMeasure, DynamicConstraints, FinalSpeed, LongitudinalDisplacement, LongitudinalGap, SpeedTargetValue,
    SteadyState,
};

use crate::bicycle::{Bicycle, Command};
use crate::distance::{Scale, Target};
use crate::traffic::TrafficModel;
use crate::trajectory::Path;
use crate::transition::Transition;
use crate::world::{EntityIndex, State};

/// A running action, by its place in the storyboard. Actions of `Init` have none.
pub type ActionId = Option<usize>;

/// What decides about an entity's motion.
#[derive(Debug, Clone)]
pub struct Control {
    /// Speed by script.
    pub lon: Lon,
    /// Who set it.
    pub lon_action: ActionId,
    /// Path by script.
    pub lat: Lat,
    /// Who set it.
    pub lat_action: ActionId,
    /// Who decides where no script does.
    pub brain: Brain,
    /// Whether the brain has the longitudinal and the lateral domain.
    pub active: [bool; 2],
    /// Speed asked of the brain, m/s.
    pub set_speed_mps: f64,
    /// Places to pass, in order; decides at forks.
    pub route: VecDeque<LanePosition>,
    /// Who set a route that ends.
    pub route_action: ActionId,
}

/// Who decides where no script does.
#[derive(Debug, Clone)]
pub enum Brain {
    /// Nobody: speed and lane are kept, as OpenSCENARIO's default controller does.
    None,
    /// Keeps speed and lane, but follows instead of running into whoever is ahead.
    Reactive(TrafficModel),
    /// Our traffic model: follows and changes lane.
    Traffic(TrafficModel),
    /// The system under test.
    Driver,
}

/// Speed by script.
#[derive(Debug, Clone)]
pub enum Lon {
    /// None.
    Free,
    /// A transition, possibly towards a target that moves.
    Speed {
        /// How.
        transition: Transition,
        /// Reference of a continuous relative target.
        follows: Option<(EntityIndex, f64, SpeedTargetValue)>,
    },
    /// Transitions one after the other.
    Profile(VecDeque<Ramp>),
    /// A distance to somebody.
    Distance(KeepDistance),
    /// Being somewhere when somebody is somewhere.
    Synchronize(Synchronize),
}

/// One entry of a speed profile.
#[derive(Debug, Clone, Copy)]
pub enum Ramp {
    /// To a speed (m/s) in a time (s), not yet begun.
    Waiting {
        /// m/s.
        to_mps: f64,
        /// s; `None` as fast as the rates allow.
        time_s: Option<f64>,
        /// Acceleration and deceleration, m/s2.
        rates_mps2: [f64; 2],
    },
    /// Under way.
    Running(Transition),
}

/// `LongitudinalDistanceAction`.
#[derive(Debug, Clone)]
pub struct KeepDistance {
    /// To whom.
    pub entity: EntityIndex,
    /// How far.
    pub gap: LongitudinalGap,
    /// How measured.
    pub measure: DistanceMeasure,
    /// On which side.
    pub displacement: LongitudinalDisplacement,
    /// Until stopped.
    pub continuous: bool,
    /// Limits; `None` moves the entity at once.
    pub constraints: Option<DynamicConstraints>,
}

/// Path by script.
#[derive(Debug, Clone)]
pub enum Lat {
    /// None.
    Free,
    /// A transition of the offset in the lane the entity's [`State::lane`] names.
    Offset {
        /// How.
        transition: Transition,
        /// Keep the offset afterwards until stopped.
        continuous: bool,
    },
    /// A distance to somebody, across.
    Beside(Beside),
    /// A trajectory; way covered so far, m.
    Path {
        /// Where.
        path: Path,
        /// m.
        way_m: f64,
    },
}

/// What a brain wants in this step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wish {
    /// Nothing.
    None,
    /// An acceleration, m/s2, followed exactly.
    Accel(f64),
    /// A driver's command, followed by actuators. The flags say which domains it has.
    Command(Command),
}

/// Which scripts ended in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// Speed.
    pub lon: bool,
    /// Path.
    pub lat: bool,
    /// The lane ended and the entity is at its end.
    pub road: bool,
}

/// Slower than this is standing, m/s.
pub const STANDING_MPS: f64 = 0.01;
/// Strongest braking of traffic models, m/s2: a dry road's.
const HARDEST_MPS2: f64 = 9.0;

impl Control {
    /// Nobody decides: the entity keeps what it has.
    pub fn new(brain: Brain) -> Self {
        Self {
            lon: Lon::Free,
            lon_action: None,
            lat: Lat::Free,
            lat_action: None,
            brain,
            active: [false; 2],
            set_speed_mps: 0.0,
            route: VecDeque::new(),
            route_action: None,
        }
    }

    /// Moves `entity` from the state `scale` shows to `next`. Reads only that state and this control.
    pub fn step(
        &mut self,
        entity: EntityIndex,
        scale: &Scale<'_>,
        wish: Wish,
        t_next_s: f64,
        dt_s: f64,
        next: &mut State,
    ) -> Ended {
        let now = scale.state;
        let mut ended = Ended::default();
        if let Lat::Path { path, way_m } = &mut self.lat
            && path.is_timed()
        {
            let (at, done) = path.at_time(t_next_s);
            let before = now.speed_mps[entity];
            *way_m = at.way_m;
            let moving_mps = if t_next_s < path.start_s() { 0.0 } else { at.speed_mps };
            next.speed_mps[entity] = moving_mps;
            next.accel_mps2[entity] = (moving_mps - before) / dt_s;
            next.place(entity, at.x_m, at.y_m, at.yaw_rad, scale.network);
            ended.lat = done;
            self.finish(entity, scale, dt_s, next);
            return ended;
        }
        let (speed_mps, accel_mps2, lon_done) = self.speed(entity, scale, wish, dt_s);
        ended.lon = lon_done;
        next.speed_mps[entity] = speed_mps;
        next.accel_mps2[entity] = accel_mps2;
        let way_m = 0.5 * (now.speed_mps[entity] + speed_mps) * dt_s;
        match (&mut self.lat, wish) {
            (Lat::Path { path, way_m: along_m }, _) => {
                *along_m += way_m;
                let (at, done) = path.at_way(*along_m);
                ended.lat = done;
                next.place(entity, at.x_m, at.y_m, at.yaw_rad, scale.network);
            }
            (Lat::Offset { transition, continuous }, _) => {
                let (offset_m, done) = transition.advance(dt_s, way_m);
                ended.lat = done && !*continuous;
                ended.road = self.follow_lane(entity, scale, way_m, Some(offset_m), next);
            }
            (Lat::Beside(beside), _) => {
                let (offset_m, done) = beside.offset_m(entity, scale, dt_s);
                ended.lat = done;
                ended.road = self.follow_lane(entity, scale, way_m, offset_m, next);
            }
            (Lat::Free, Wish::Command(command)) if self.active[1] => {
                let limits = &scale.bodies[entity].limits;
                let rolled = bicycle(now, entity).roll(command.steering_rad, speed_mps, accel_mps2, limits, dt_s);
                next.steering_rad[entity] = rolled.steering_rad;
                next.place(entity, rolled.x_m, rolled.y_m, rolled.yaw_rad, scale.network);
            }
            (Lat::Free, _) => ended.road = self.follow_lane(entity, scale, way_m, None, next),
        }
        if matches!(self.brain, Brain::Driver) {
            ended.road |= self.at_end_of_road(entity, scale, next);
        }
        if !matches!(wish, Wish::Command(_)) || !self.active[1] {
            next.steering_rad[entity] = 0.0;
        }
        if ended.road && !matches!(self.brain, Brain::Driver) {
            next.speed_mps[entity] = 0.0;
            next.accel_mps2[entity] = 0.0;
        }
        next.end_of_road_s[entity] = if ended.road { now.end_of_road_s[entity] + dt_s } else { 0.0 };
        self.finish(entity, scale, dt_s, next);
        ended
    }

    /// Speed, acceleration and whether the script ended.
    fn speed(&mut self, entity: EntityIndex, scale: &Scale<'_>, wish: Wish, dt_s: f64) -> (f64, f64, bool) {
        let now = scale.state;
        let speed_mps = now.speed_mps[entity];
        let scripted = |to_mps: f64, done: bool| (to_mps, (to_mps - speed_mps) / dt_s, done);
        match &mut self.lon {
            Lon::Free => match wish {
                Wish::Command(command) if self.active[0] => {
                    let limits = &scale.bodies[entity].limits;
                    let moved = bicycle(now, entity).step(command, limits, dt_s);
                    (moved.speed_mps, moved.accel_mps2, false)
                }
                Wish::Accel(wanted_mps2) => {
                    let limits = &scale.bodies[entity].limits;
                    let wanted_mps2 =
                        wanted_mps2.clamp(-HARDEST_MPS2.min(limits.max_decel_mps2), limits.max_accel_mps2);
                    let to_mps = (speed_mps + wanted_mps2 * dt_s).max(0.0);
                    (to_mps, (to_mps - speed_mps) / dt_s, false)
                }
                _ => (speed_mps, 0.0, false),
            },
            Lon::Speed { transition, follows } => {
                if let Some((reference, value, kind)) = follows {
                    transition.aim(relative_speed_mps(now.speed_mps[*reference], *value, *kind));
                }
                let (to_mps, done) = transition.advance(dt_s, speed_mps * dt_s);
                scripted(to_mps, done && follows.is_none())
            }
            Lon::Profile(ramps) => {
                let Some(ramp) = ramps.front_mut() else { return (speed_mps, 0.0, true) };
                let (to_mps, done) = ramp.advance(speed_mps, dt_s);
                if done {
                    ramps.pop_front();
                }
                scripted(to_mps, ramps.is_empty())
            }
            Lon::Distance(keep) => {
                let (to_mps, done) = keep.speed_mps(entity, scale, dt_s);
                scripted(to_mps, done)
            }
            Lon::Synchronize(meeting) => {
                let (to_mps, done) = meeting.speed_mps(entity, scale, dt_s);
                scripted(to_mps, done)
            }
        }
    }

    /// Moves along the lane (or straight on without one). Returns whether the lane ended.
    fn follow_lane(
        &self,
        entity: EntityIndex,
        scale: &Scale<'_>,
        way_m: f64,
        offset_m: Option<f64>,
        next: &mut State,
    ) -> bool {
        let now = scale.state;
        let lane_yaw_rad = now.lane_yaw_rad[entity];
        let along = lane_yaw_rad.abs() < FRAC_PI_4;
        let against = lane_yaw_rad.abs() > PI - FRAC_PI_4;
        let Some(lane) = now.lane[entity].filter(|_| along || against || offset_m.is_some()) else {
            let (sin, cos) = now.yaw_rad[entity].sin_cos();
            let (x_m, y_m) = (now.x_m[entity] + way_m * cos, now.y_m[entity] + way_m * sin);
            next.place(entity, x_m, y_m, now.yaw_rad[entity], scale.network);
            return false;
        };
        let sign = if lane_yaw_rad.abs() > FRAC_PI_2 { -1.0 } else { 1.0 };
        let sideways_m = offset_m.map_or(0.0, |offset_m| offset_m - lane.offset_m);
        let along_m = (way_m * way_m - sideways_m * sideways_m).max(0.0).sqrt() * way_m.signum() * sign;
        let Some(moved) = scale.network.advance_by(lane, along_m, |ways| self.choose(ways, scale.network)) else {
            return true;
        };
        let mut at = moved.position;
        if let Some(offset_m) = offset_m {
            // Where the lane's direction turned over, so did the meaning of left.
            at.offset_m = if (at.offset_m - lane.offset_m).abs() > (at.offset_m + lane.offset_m).abs() {
                -offset_m
            } else {
                offset_m
            };
        }
        if !next.place_on_lane(
            entity,
            at,
            if offset_m.is_some() { snapped(lane_yaw_rad) } else { lane_yaw_rad },
            scale.network,
        ) {
            return true;
        }
        if sideways_m != 0.0 && along_m.abs() > 1e-9 {
            // Face the way actually taken.
            let (dx, dy) = (next.x_m[entity] - now.x_m[entity], next.y_m[entity] - now.y_m[entity]);
            let reverse = if way_m < 0.0 { PI } else { 0.0 };
            next.yaw_rad[entity] = wrap_angle(dy.atan2(dx) + reverse);
        }
        moved.end_of_road
    }

    /// Which way to take at a fork.
    pub fn choose(&self, ways: &[LaneRef], network: &Network) -> usize {
        way_to(self.route.iter(), ways, network)
    }

    /// Whether the front of the vehicle under test has come to where its lane ends for good.
    fn at_end_of_road(&self, entity: EntityIndex, scale: &Scale<'_>, next: &State) -> bool {
        let Some(lane) = next.lane[entity].filter(|_| next.lane_yaw_rad[entity].abs() < FRAC_PI_4) else {
            return false;
        };
        let footprint = scale.bodies[entity].footprint;
        let front_m = footprint.center_ahead_m + 0.5 * footprint.length_m;
        let moved = scale.network.advance_by(lane, front_m + END_OF_ROAD_M, |ways| self.choose(ways, scale.network));
        moved.is_some_and(|moved| moved.end_of_road)
    }

    /// What holds after every kind of motion: way, timers, yaw rate, route.
    fn finish(&mut self, entity: EntityIndex, scale: &Scale<'_>, dt_s: f64, next: &mut State) {
        let now = scale.state;
        let moved_m = (next.x_m[entity] - now.x_m[entity]).hypot(next.y_m[entity] - now.y_m[entity]);
        next.travelled_m[entity] = now.travelled_m[entity] + moved_m;
        next.yaw_rate_radps[entity] = wrap_angle(next.yaw_rad[entity] - now.yaw_rad[entity]) / dt_s;
        let standing = next.speed_mps[entity].abs() < STANDING_MPS;
        next.standing_s[entity] = if standing { now.standing_s[entity] + dt_s } else { 0.0 };
        let off_road = next.lane[entity].is_none();
        next.off_road_s[entity] = if off_road { now.off_road_s[entity] + dt_s } else { 0.0 };
        if let (Some(place), Some(lane)) = (self.route.front(), next.lane[entity])
            && lane.road == place.road
            && scale
                .network
                .distance_ahead(lane, *place, ROUTE_HORIZON_M)
                .is_none_or(|ahead_m| ahead_m < ROUTE_REACHED_M)
        {
            self.route.pop_front();
        }
    }
}

/// A lane that leads nowhere this far ahead of the front bumper has ended, m.
const END_OF_ROAD_M: f64 = 0.5;
/// How far places of a route may lie apart, m.
const ROUTE_HORIZON_M: f64 = 20_000.0;
/// This near a place of the route counts as passed, m.
const ROUTE_REACHED_M: f64 = 1.0;

/// Which way to take at a fork: the one from which the next of `places` that can be reached at all is nearest; else the
/// straightest, as the network's own `advance` has it.
pub fn way_to<'a>(places: impl Iterator<Item = &'a LanePosition>, ways: &[LaneRef], network: &Network) -> usize {
    let start = |lane: &LaneRef| -> Option<LanePosition> {
        let section = network.road(lane.road)?.sections.get(lane.section as usize)?;
        let backward = network.lane(*lane)?.direction == cloverleaf_road::LaneDirection::Backward;
        let s_m = if backward { section.end_m.next_down() } else { section.start_m };
        Some(LanePosition { road: lane.road, s_m, lane: lane.lane, offset_m: 0.0 })
    };
    for place in places {
        let reach = |lane: &LaneRef| network.distance_ahead(start(lane)?, *place, ROUTE_HORIZON_M);
        let best = ways
            .iter()
            .enumerate()
            .filter_map(|(index, lane)| Some((index, reach(lane)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((index, _)) = best {
            return index;
        }
    }
    let turn = |lane: &LaneRef| {
        let road = network.road(lane.road);
        road.and_then(|road| Some((road, road.sections.get(lane.section as usize)?))).map_or(
            f64::INFINITY,
            |(road, section)| {
                let heading = |s_m: f64| road.line.at(s_m).heading_rad;
                wrap_angle(heading(section.end_m) - heading(section.start_m)).abs()
            },
        )
    };
    (1..ways.len()).fold(0, |best, index| if turn(&ways[index]) < turn(&ways[best]) - 1e-9 { index } else { best })
}

/// The steered vehicle's state as the single-track model has it.
fn bicycle(state: &State, entity: EntityIndex) -> Bicycle {
    Bicycle {
        x_m: state.x_m[entity],
        y_m: state.y_m[entity],
        yaw_rad: state.yaw_rad[entity],
        speed_mps: state.speed_mps[entity].max(0.0),
        accel_mps2: state.accel_mps2[entity],
        steering_rad: state.steering_rad[entity],
    }
}

/// Along or against the lane, whichever is nearer.
fn snapped(lane_yaw_rad: f64) -> f64 {
    if lane_yaw_rad.abs() < FRAC_PI_2 { 0.0 } else { PI }
}

/// Speed relative to a reference's.
pub fn relative_speed_mps(reference_mps: f64, value: f64, kind: SpeedTargetValue) -> f64 {
    match kind {
        SpeedTargetValue::Delta => reference_mps + value,
        SpeedTargetValue::Factor => reference_mps * value,
    }
}

impl Ramp {
    fn advance(&mut self, speed_mps: f64, dt_s: f64) -> (f64, bool) {
        use cloverleaf_scenario::model::{DynamicsDimension, DynamicsShape, TransitionDynamics};
        if let Self::Waiting { to_mps, time_s, rates_mps2 } = *self {
            let rate = if to_mps >= speed_mps { rates_mps2[0] } else { rates_mps2[1] };
            let (dimension, value) = time_s.map_or((DynamicsDimension::Rate, rate), |t| (DynamicsDimension::Time, t));
            let dynamics = TransitionDynamics { shape: DynamicsShape::Linear, dimension, value };
            *self = Self::Running(Transition::of_speed(speed_mps, to_mps, dynamics));
        }
        match self {
            Self::Running(transition) => transition.advance(dt_s, 0.0),
            Self::Waiting { .. } => (speed_mps, false),
        }
    }
}

/// How fast a distance is regulated, 1/s, and how strongly without given limits, m/s2.
const DISTANCE_GAIN_PER_S: f64 = 0.4;
const DISTANCE_BRAKE_MPS2: f64 = 3.0;
/// A distance is reached when it and the speed are within these, m and m/s.
const DISTANCE_REACHED: [f64; 2] = [0.05, 0.05];

impl KeepDistance {
    /// The wanted gap, m.
    pub fn wanted_m(&self, speed_mps: f64) -> f64 {
        match self.gap {
            LongitudinalGap::Distance(gap_m) => gap_m,
            LongitudinalGap::Time(gap_s) => gap_s * speed_mps.abs(),
        }
    }

    /// How far ahead the entity must move to be at its distance, m; `None` when it cannot be measured.
    pub fn error_m(&self, entity: EntityIndex, scale: &Scale<'_>) -> Option<f64> {
        let target = scale.entity(self.entity)?;
        let ahead_m = scale.longitudinal_m(entity, &target, self.measure)?;
        let wanted_m = self.wanted_m(scale.state.speed_mps[entity]);
        let leading = match self.displacement {
            LongitudinalDisplacement::Leading => true,
            LongitudinalDisplacement::Trailing => false,
            LongitudinalDisplacement::Any => ahead_m < 0.0,
        };
        Some(if leading { ahead_m + wanted_m } else { ahead_m - wanted_m })
    }

    fn speed_mps(&self, entity: EntityIndex, scale: &Scale<'_>, dt_s: f64) -> (f64, bool) {
        let now = scale.state;
        let speed_mps = now.speed_mps[entity];
        let Some(error_m) = self.error_m(entity, scale) else { return (speed_mps, false) };
        let reference_mps = now.speed_mps[self.entity];
        let reached = error_m.abs() < DISTANCE_REACHED[0] && (speed_mps - reference_mps).abs() < DISTANCE_REACHED[1];
        let limits = self.constraints.unwrap_or_default();
        let brake_mps2 = limits.max_deceleration_mps2.unwrap_or(DISTANCE_BRAKE_MPS2);
        // Not faster than the remaining way allows to slow down again at half of the limit.
        let catching_up = (DISTANCE_GAIN_PER_S * error_m.abs()).min((brake_mps2 * error_m.abs()).sqrt());
        let wanted_mps = (reference_mps + catching_up.copysign(error_m)).max(0.0);
        let mut accel_mps2 = (wanted_mps - speed_mps) / (0.5f64).max(dt_s);
        let before = now.accel_mps2[entity];
        if let Some(rate) = limits.max_acceleration_rate_mps3 {
            accel_mps2 = accel_mps2.min(before + rate * dt_s);
        }
        if let Some(rate) = limits.max_deceleration_rate_mps3 {
            accel_mps2 = accel_mps2.max(before - rate * dt_s);
        }
        accel_mps2 = accel_mps2
            .min(limits.max_acceleration_mps2.unwrap_or(f64::INFINITY))
            .max(-limits.max_deceleration_mps2.unwrap_or(f64::INFINITY));
        let to_mps = (speed_mps + accel_mps2 * dt_s).min(limits.max_speed_mps.unwrap_or(f64::INFINITY)).max(0.0);
        (to_mps, reached && !self.continuous)
    }
}

/// `SynchronizeAction`.
#[derive(Debug, Clone)]
pub struct Synchronize {
    /// With whom.
    pub master: EntityIndex,
    /// Where the other will be, and how near counts, m.
    pub master_target: (Target, f64),
    /// Where this entity will be, and how near counts, m.
    pub target: (Target, f64),
    /// Speed on arrival.
    pub final_speed: Option<FinalSpeed>,
}

impl Synchronize {
    /// The speed with which both arrive together: the one whose straight ramp to the final speed covers the remaining way in
    /// the other's remaining time; without a final speed the mean.
    fn speed_mps(&self, entity: EntityIndex, scale: &Scale<'_>, dt_s: f64) -> (f64, bool) {
        let (now, limits) = (scale.state, &scale.bodies[entity].limits);
        let (speed_mps, master_mps) = (now.speed_mps[entity], now.speed_mps[self.master]);
        let final_mps = self.final_speed.map(|last| match last.relative {
            None => last.value,
            Some(kind) => relative_speed_mps(master_mps, last.value, kind),
        });
        let own_m = scale.way_to_m(entity, &self.target.0).filter(|way_m| *way_m > self.target.1);
        let master_m = scale.way_to_m(self.master, &self.master_target.0).filter(|way_m| *way_m > self.master_target.1);
        let (Some(mut own_m), Some(master_m)) = (own_m, master_m) else {
            return (final_mps.unwrap_or(speed_mps), true);
        };
        if master_mps < STANDING_MPS {
            return (speed_mps, false);
        }
        let mut left_s = master_m / master_mps;
        if let (Some(last), Some(final_mps)) = (self.final_speed, final_mps) {
            // The last part is driven steadily.
            let (steady_m, steady_s) = match last.steady {
                None => (0.0, 0.0),
                Some(SteadyState::Distance(way_m)) => (way_m, way_m / final_mps.max(0.1)),
                Some(SteadyState::Time(time_s)) => (time_s * final_mps, time_s),
            };
            if own_m <= steady_m {
                return (final_mps, false);
            }
            (own_m, left_s) = (own_m - steady_m, left_s - steady_s);
        }
        let mean_mps = own_m / left_s.max(dt_s);
        let wanted_mps =
            final_mps.map_or(mean_mps, |final_mps| 2.0 * mean_mps - final_mps).clamp(0.0, limits.max_speed_mps);
        let accel_mps2 = ((wanted_mps - speed_mps) / 0.2).clamp(-limits.max_decel_mps2, limits.max_accel_mps2);
        ((speed_mps + accel_mps2 * dt_s).max(0.0), false)
    }
}

/// `LateralDistanceAction`.
#[derive(Debug, Clone)]
pub struct Beside {
    /// To whom.
    pub entity: EntityIndex,
    /// How far, m, positive when the other is to be to the left.
    pub signed_m: f64,
    /// How measured.
    pub measure: DistanceMeasure,
    /// Until stopped.
    pub continuous: bool,
    /// Fastest movement across, m/s.
    pub max_speed_mps: f64,
}

impl Beside {
    /// The offset in the entity's lane after this step, if it can be told, and whether the distance is reached for good.
    fn offset_m(&self, entity: EntityIndex, scale: &Scale<'_>, dt_s: f64) -> (Option<f64>, bool) {
        let found = scale.entity(self.entity).and_then(|target| scale.lateral_m(entity, &target, self.measure));
        let (Some(left_m), Some(lane)) = (found, scale.state.lane[entity]) else { return (None, false) };
        let error_m = left_m - self.signed_m;
        let most_m = self.max_speed_mps * dt_s;
        let move_m = (error_m * dt_s / BESIDE_LAG_S).clamp(-most_m, most_m);
        let Some(road) = scale.network.road(lane.road) else { return (None, false) };
        // To the left in the entity's view is up in t when it drives along s.
        let up = (scale.state.yaw_rad[entity] - road.line.at(lane.s_m).heading_rad).cos().signum();
        (Some(lane.offset_m + up * move_m), !self.continuous && error_m.abs() < DISTANCE_REACHED[0])
    }
}

/// How quickly a lateral distance is regulated, s.
const BESIDE_LAG_S: f64 = 0.8;
