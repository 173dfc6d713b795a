//! Conditions.

use super::{CoordinateSystem, Position, Unsupported};

/// `Condition`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Name.
    pub name: String,
    /// How long after becoming true it counts, s.
    pub delay_s: f64,
    /// Which change counts.
    pub edge: ConditionEdge,
    /// What is asked.
    pub kind: ConditionKind,
}

/// `ConditionEdge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConditionEdge {
    /// While true.
    #[default]
    None,
    /// On becoming true.
    Rising,
    /// On becoming false.
    Falling,
    /// On either change.
    RisingOrFalling,
}

/// What a [`Condition`] asks.
#[derive(Debug, Clone, PartialEq)]
pub enum ConditionKind {
    /// `ByEntityCondition`.
    Entity {
        /// Entities it is asked of; selections already replaced by their members.
        triggering: Vec<String>,
        /// True when true for all of them (else for any).
        all: bool,
        /// The question.
        condition: EntityCondition,
    },
    /// `ByValueCondition`.
    Value(ValueCondition),
}

/// `Rule`: how a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// =
    EqualTo,
    /// >
    GreaterThan,
    /// <
    LessThan,
    /// >=
    GreaterOrEqual,
    /// <=
    LessOrEqual,
    /// not =
    NotEqualTo,
}

impl Rule {
    /// Whether `value` stands in this relation to `limit`.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::EqualTo => value == limit,
            Self::GreaterThan => value > limit,
            Self::LessThan => value < limit,
            Self::GreaterOrEqual => value >= limit,
            Self::LessOrEqual => value <= limit,
            Self::NotEqualTo => value != limit,
        }
    }
}

/// How a distance is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DistanceMeasure {
    /// Which component.
    pub kind: RelativeDistanceType,
    /// Frame.
    pub coordinate_system: CoordinateSystem,
    /// Between bounding boxes rather than reference points.
    pub freespace: bool,
}

/// `RelativeDistanceType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RelativeDistanceType {
    /// Along.
    Longitudinal,
    /// Across.
    Lateral,
    /// Straight (`cartesianDistance` of 1.0 too).
    #[default]
    Euclidean,
}

/// `DirectionalDimension`: which component of a vector; `None` where it is optional means its magnitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Along the entity.
    Longitudinal,
    /// Across the entity.
    Lateral,
    /// Up.
    Vertical,
}

/// `EntityCondition`.
#[derive(Debug, Clone, PartialEq)]
pub enum EntityCondition {
    /// `EndOfRoadCondition`: s at the end of a road.
    EndOfRoad {
        /// s.
        duration_s: f64,
    },
    /// `CollisionCondition`.
    Collision(CollisionTarget),
    /// `OffroadCondition`: s off the road.
    Offroad {
        /// s.
        duration_s: f64,
    },
    /// `TimeHeadwayCondition`.
    TimeHeadway {
        /// The entity ahead.
        entity: String,
        /// s.
        value_s: f64,
        /// Comparison.
        rule: Rule,
        /// Measurement; `alongRoute` of 1.0 reads as the road frame.
        measure: DistanceMeasure,
    },
    /// `TimeToCollisionCondition`.
    TimeToCollision {
        /// With what.
        target: TtcTarget,
        /// s.
        value_s: f64,
        /// Comparison.
        rule: Rule,
        /// Measurement.
        measure: DistanceMeasure,
    },
    /// `AccelerationCondition`.
    Acceleration {
        /// m/s^2.
        value_mps2: f64,
        /// Comparison.
        rule: Rule,
        /// Component.
        direction: Option<Direction>,
    },
    /// `StandStillCondition`.
    StandStill {
        /// s.
        duration_s: f64,
    },
    /// `SpeedCondition`.
    Speed {
        /// m/s.
        value_mps: f64,
        /// Comparison.
        rule: Rule,
        /// Component.
        direction: Option<Direction>,
    },
    /// `RelativeSpeedCondition`: triggering entity's speed minus the reference's.
    RelativeSpeed {
        /// Reference entity.
        entity: String,
        /// m/s.
        value_mps: f64,
        /// Comparison.
        rule: Rule,
        /// Component.
        direction: Option<Direction>,
    },
    /// `TraveledDistanceCondition`.
    TraveledDistance {
        /// m.
        value_m: f64,
    },
    /// `ReachPositionCondition`.
    ReachPosition {
        /// Where.
        position: Position,
        /// m.
        tolerance_m: f64,
    },
    /// `DistanceCondition`: to a position.
    Distance {
        /// From where.
        position: Position,
        /// m.
        value_m: f64,
        /// Comparison.
        rule: Rule,
        /// Measurement.
        measure: DistanceMeasure,
    },
    /// `RelativeDistanceCondition`: to an entity.
    RelativeDistance {
        /// Reference entity.
        entity: String,
        /// m.
        value_m: f64,
        /// Comparison.
        rule: Rule,
        /// Measurement.
        measure: DistanceMeasure,
    },
    /// A condition of the standard that is not modelled (`RelativeClearanceCondition`, `AngleCondition`, `RelativeAngleCondition`).
    Unsupported(Unsupported),
}

/// With what a collision counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CollisionTarget {
    /// One entity.
    Entity(String),
    /// Any entity of a type: `vehicle`, `pedestrian`, `miscellaneous`, `external`.
    Type(String),
}

/// `TimeToCollisionConditionTarget`.
#[derive(Debug, Clone, PartialEq)]
pub enum TtcTarget {
    /// An entity.
    Entity(String),
    /// A place.
    Position(Position),
}

/// `ByValueCondition`.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueCondition {
    /// `SimulationTimeCondition`.
    SimulationTime {
        /// s.
        value_s: f64,
        /// Comparison.
        rule: Rule,
    },
    /// `StoryboardElementStateCondition`.
    StoryboardElementState {
        /// What kind of element.
        element_type: StoryboardElementType,
        /// Its name; `act::event::action` style paths are allowed where the name alone is ambiguous.
        element: String,
        /// State or transition.
        state: StoryboardElementState,
    },
    /// `ParameterCondition`.
    Parameter {
        /// Parameter's name.
        parameter: String,
        /// Value to compare with.
        value: String,
        /// Comparison.
        rule: Rule,
    },
    /// `VariableCondition`.
    Variable {
        /// Variable's name.
        variable: String,
        /// Value to compare with.
        value: String,
        /// Comparison.
        rule: Rule,
    },
    /// `UserDefinedValueCondition`.
    UserDefined {
        /// Name of the outside value.
        name: String,
        /// Value to compare with.
        value: String,
        /// Comparison.
        rule: Rule,
    },
    /// A condition of the standard that is not modelled (`TimeOfDayCondition`, `TrafficSignalCondition`, `TrafficSignalControllerCondition`).
    Unsupported(Unsupported),
}

/// `StoryboardElementType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the standard's own words")]
pub enum StoryboardElementType {
    Story,
    Act,
    ManeuverGroup,
    Maneuver,
    Event,
    Action,
}

/// `StoryboardElementState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the standard's own words")]
pub enum StoryboardElementState {
    StandbyState,
    RunningState,
    CompleteState,
    StartTransition,
    EndTransition,
    StopTransition,
    SkipTransition,
}
