//! Actions.

use super::{Controller, Parameter, Position, Property, Reference, Route, Trajectory, Unsupported};

/// `PrivateAction`: something one entity does.
#[derive(Debug, Clone, PartialEq)]
pub enum PrivateAction {
    /// `TeleportAction`.
    Teleport(Position),
    /// `SpeedAction`.
    Speed(SpeedAction),
    /// `SpeedProfileAction`.
    SpeedProfile(SpeedProfileAction),
    /// `LongitudinalDistanceAction`.
    LongitudinalDistance(LongitudinalDistanceAction),
    /// `LaneChangeAction`.
    LaneChange(LaneChangeAction),
    /// `LaneOffsetAction`.
    LaneOffset(LaneOffsetAction),
    /// `LateralDistanceAction`.
    LateralDistance(LateralDistanceAction),
    /// `SynchronizeAction`.
    Synchronize(SynchronizeAction),
    /// `FollowTrajectoryAction`.
    FollowTrajectory(FollowTrajectoryAction),
    /// `AssignRouteAction`.
    AssignRoute(Route),
    /// `AcquirePositionAction`.
    AcquirePosition(Position),
    /// `ActivateControllerAction`.
    ActivateController(ActivateController),
    /// `AssignControllerAction`.
    AssignController {
        /// The controller.
        controller: Controller,
        /// Domains it takes over at once.
        activate: ActivateController,
    },
    /// `VisibilityAction`.
    Visibility {
        /// Seen by image generators.
        graphics: bool,
        /// Seen by sensors.
        sensors: bool,
        /// Seen by other road users.
        traffic: bool,
    },
    /// An action of the standard that is not modelled (`AppearanceAction`, `TrailerAction`, `OverrideControllerValueAction`, ...).
    Unsupported(Unsupported),
}

/// `GlobalAction`: something done to the world.
#[derive(Debug, Clone, PartialEq)]
pub enum GlobalAction {
    /// `EnvironmentAction`.
    Environment(Environment),
    /// `AddEntityAction`.
    AddEntity {
        /// Entity's name.
        entity: String,
        /// Where it appears.
        position: Position,
    },
    /// `DeleteEntityAction`.
    DeleteEntity {
        /// Entity's name.
        entity: String,
    },
    /// `ParameterAction` with `SetAction` (deprecated since 1.2).
    SetParameter {
        /// Parameter's name.
        parameter: String,
        /// New value.
        value: String,
    },
    /// `VariableAction` with `SetAction`.
    SetVariable {
        /// Variable's name.
        variable: String,
        /// New value.
        value: String,
    },
    /// `ParameterAction` or `VariableAction` with `ModifyAction`.
    Modify {
        /// Parameter's or variable's name.
        name: String,
        /// True for a variable.
        is_variable: bool,
        /// What to do with its value.
        rule: ModifyRule,
    },
    /// An action of the standard that is not modelled (`TrafficAction`, `InfrastructureAction`, `SetMonitorAction`).
    Unsupported(Unsupported),
}

/// `ModifyRule`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ModifyRule {
    /// Add.
    Add(f64),
    /// Multiply by.
    Multiply(f64),
}

/// `TransitionDynamics`: how a value gets from here to there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransitionDynamics {
    /// Form of the transition.
    pub shape: DynamicsShape,
    /// What `value` is.
    pub dimension: DynamicsDimension,
    /// Duration in s, distance in m, or rate per s (m/s^2 for speeds, m/s for lane changes).
    pub value: f64,
}

/// `DynamicsShape`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DynamicsShape {
    /// Constant rate.
    Linear,
    /// Cubic with zero rate at both ends.
    Cubic,
    /// Half a sine wave, zero rate at both ends.
    Sinusoidal,
    /// At once.
    Step,
}

/// `DynamicsDimension`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DynamicsDimension {
    /// `value` is a duration, s.
    Time,
    /// `value` is a distance travelled, m.
    Distance,
    /// `value` is a rate (the greatest one for shapes that are not linear).
    Rate,
}

/// `SpeedAction`.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeedAction {
    /// How.
    pub dynamics: TransitionDynamics,
    /// To what.
    pub target: SpeedTarget,
}

/// `SpeedActionTarget`.
#[derive(Debug, Clone, PartialEq)]
pub enum SpeedTarget {
    /// m/s.
    Absolute(f64),
    /// From another entity's speed.
    Relative {
        /// Reference entity.
        entity: String,
        /// m/s for a delta, a plain number for a factor.
        value: f64,
        /// What `value` is.
        kind: SpeedTargetValue,
        /// Keep following the reference after reaching it.
        continuous: bool,
    },
}

/// `SpeedTargetValueType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeedTargetValue {
    /// Added to the reference's speed.
    Delta,
    /// Multiplied with it.
    Factor,
}

/// `SpeedProfileAction`.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeedProfileAction {
    /// When given, speeds are relative to this entity's.
    pub entity: Option<String>,
    /// How exactly to follow.
    pub following: FollowingMode,
    /// Limits.
    pub constraints: DynamicConstraints,
    /// At least one.
    pub entries: Vec<SpeedProfileEntry>,
}

/// `SpeedProfileEntry`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeedProfileEntry {
    /// s after the entry before; `None` as soon as the constraints allow.
    pub time_s: Option<f64>,
    /// m/s.
    pub speed_mps: f64,
}

/// `FollowingMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowingMode {
    /// Exactly.
    Position,
    /// As well as the vehicle's own dynamics allow.
    Follow,
}

/// `DynamicConstraints`; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DynamicConstraints {
    /// m/s^2.
    pub max_acceleration_mps2: Option<f64>,
    /// m/s^2, positive.
    pub max_deceleration_mps2: Option<f64>,
    /// m/s.
    pub max_speed_mps: Option<f64>,
    /// m/s^3.
    pub max_acceleration_rate_mps3: Option<f64>,
    /// m/s^3.
    pub max_deceleration_rate_mps3: Option<f64>,
}

/// `LongitudinalDistanceAction`.
#[derive(Debug, Clone, PartialEq)]
pub struct LongitudinalDistanceAction {
    /// Entity to keep the distance to.
    pub entity: String,
    /// How far.
    pub gap: LongitudinalGap,
    /// Measured between bounding boxes rather than reference points.
    pub freespace: bool,
    /// Keep it until stopped by another action.
    pub continuous: bool,
    /// On which side of the reference entity.
    pub displacement: LongitudinalDisplacement,
    /// Frame of the measurement.
    pub coordinate_system: CoordinateSystem,
    /// Limits; `None` lets the distance be set at once.
    pub constraints: Option<DynamicConstraints>,
}

/// Distance or time gap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LongitudinalGap {
    /// m.
    Distance(f64),
    /// s at the acting entity's speed.
    Time(f64),
}

/// `LongitudinalDisplacement`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LongitudinalDisplacement {
    /// Either side.
    Any,
    /// Behind the reference entity.
    #[default]
    Trailing,
    /// Ahead of it.
    Leading,
}

/// `CoordinateSystem` of a distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CoordinateSystem {
    /// The entity's axes.
    #[default]
    Entity,
    /// Along and across the lane.
    Lane,
    /// Along and across the road's reference line.
    Road,
    /// Along and across the entity's trajectory.
    Trajectory,
    /// The world's axes (1.3).
    World,
}

/// `LaneChangeAction`.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneChangeAction {
    /// How.
    pub dynamics: TransitionDynamics,
    /// To which lane.
    pub target: LaneTarget,
    /// Offset in the target lane, m.
    pub target_lane_offset_m: f64,
}

/// `LaneChangeTarget`.
#[derive(Debug, Clone, PartialEq)]
pub enum LaneTarget {
    /// OpenDRIVE lane id.
    Absolute(i32),
    /// Counted from an entity's lane.
    Relative {
        /// Reference entity.
        entity: String,
        /// Lanes, positive to the reference entity's left; lane 0 is not counted.
        lanes: i32,
    },
}

/// `LaneOffsetAction`.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneOffsetAction {
    /// Form of the transition.
    pub shape: DynamicsShape,
    /// Greatest lateral acceleration, m/s^2; `None` is unlimited.
    pub max_lateral_acceleration_mps2: Option<f64>,
    /// To what.
    pub target: LaneOffsetTarget,
    /// Keep it until stopped by another action.
    pub continuous: bool,
}

/// `LaneOffsetTarget`.
#[derive(Debug, Clone, PartialEq)]
pub enum LaneOffsetTarget {
    /// From the lane's centre, m, positive left.
    Absolute(f64),
    /// From an entity's offset.
    Relative {
        /// Reference entity.
        entity: String,
        /// m.
        offset_m: f64,
    },
}

/// `LateralDistanceAction`.
#[derive(Debug, Clone, PartialEq)]
pub struct LateralDistanceAction {
    /// Entity to keep the distance to.
    pub entity: String,
    /// m; `None` keeps the present one.
    pub distance_m: Option<f64>,
    /// Measured between bounding boxes.
    pub freespace: bool,
    /// Keep it until stopped.
    pub continuous: bool,
    /// On which side: the standard's name, `any`, `leftToReferencedEntity` or `rightToReferencedEntity`.
    pub displacement: String,
    /// Frame of the measurement.
    pub coordinate_system: CoordinateSystem,
    /// Limits.
    pub constraints: Option<DynamicConstraints>,
}

/// `SynchronizeAction`: be at a place when another entity is at another place.
#[derive(Debug, Clone, PartialEq)]
pub struct SynchronizeAction {
    /// The entity to be in time with.
    pub master: String,
    /// Where the master will be.
    pub master_target: Position,
    /// Where the acting entity will be.
    pub target: Position,
    /// How near counts as there, m, for the master.
    pub master_tolerance_m: f64,
    /// How near counts as there, m.
    pub tolerance_m: f64,
    /// Speed on arrival.
    pub final_speed: Option<FinalSpeed>,
}

/// `FinalSpeed`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FinalSpeed {
    /// m/s, or relative to the master's speed.
    pub value: f64,
    /// `None` for an absolute speed.
    pub relative: Option<SpeedTargetValue>,
    /// Steady speed before arrival.
    pub steady: Option<SteadyState>,
}

/// How long the final speed is held before arrival.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SteadyState {
    /// m.
    Distance(f64),
    /// s.
    Time(f64),
}

/// `FollowTrajectoryAction`.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowTrajectoryAction {
    /// The trajectory.
    pub trajectory: Trajectory,
    /// Whether its times count. `None` keeps the entity's own speed.
    pub time_reference: Option<Timing>,
    /// How exactly to follow.
    pub following: FollowingMode,
    /// Where on the trajectory to begin, m.
    pub initial_distance_offset_m: f64,
}

/// `Timing`: t = scale * time + offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// What 0 is: the start of the simulation or of the action.
    pub domain: Reference,
    /// Factor.
    pub scale: f64,
    /// s.
    pub offset_s: f64,
}

/// `ActivateControllerAction`: which domains the controller takes over (`Some(true)`) or gives back (`Some(false)`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ActivateController {
    /// Which controller of the entity; `None` is the only one.
    pub controller: Option<String>,
    /// Steering.
    pub lateral: Option<bool>,
    /// Speed.
    pub longitudinal: Option<bool>,
    /// Animation.
    pub animation: Option<bool>,
    /// Lights.
    pub lighting: Option<bool>,
}

/// `Environment`, as far as it matters to motion; the rest is kept as text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Environment {
    /// Name.
    pub name: String,
    /// Parameters declared in it.
    pub parameters: Vec<Parameter>,
    /// Time of day: ISO 8601 and whether it runs.
    pub time_of_day: Option<(String, bool)>,
    /// Weather.
    pub weather: Option<Weather>,
    /// Friction factor of the road, 1 for dry.
    pub friction_scale_factor: Option<f64>,
    /// Properties of the road condition.
    pub road_properties: Vec<Property>,
}

/// `Weather`; `None` leaves a value as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weather {
    /// Sky, by the standard's name (`cloudState` or `fractionalCloudCover`).
    pub cloud: Option<String>,
    /// K.
    pub temperature_k: Option<f64>,
    /// Pa.
    pub atmospheric_pressure_pa: Option<f64>,
    /// Sun.
    pub sun: Option<Sun>,
    /// Visual range in fog, m.
    pub fog_visual_range_m: Option<f64>,
    /// Precipitation.
    pub precipitation: Option<Precipitation>,
    /// Wind: direction, rad, and speed, m/s.
    pub wind: Option<(f64, f64)>,
}

/// `Sun`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sun {
    /// rad, clockwise from north.
    pub azimuth_rad: f64,
    /// rad above the horizon.
    pub elevation_rad: f64,
    /// Illuminance, lx (W/m^2 intensity of 1.0 and 1.1 files is kept as it stands).
    pub illuminance: Option<f64>,
}

/// `Precipitation`.
#[derive(Debug, Clone, PartialEq)]
pub struct Precipitation {
    /// `dry`, `rain` or `snow`.
    pub kind: String,
    /// mm/h (0 to 1 in 1.0 files, kept as it stands).
    pub intensity: f64,
}
