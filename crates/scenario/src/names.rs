//! The standard's spelling of each enumeration.

use crate::model::*;

/// An enumeration whose values have names in the standard.
pub(crate) trait Named: Copy + 'static {
    /// Values and names; where a value has two, the first is written.
    const NAMES: &'static [(&'static str, Self)];

    fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(text, _)| *text == name).map(|(_, value)| *value)
    }
}

/// The name a value is written with.
pub(crate) fn name_of<T: Named + PartialEq>(value: T) -> &'static str {
    T::NAMES.iter().find(|(_, other)| *other == value).map_or("", |(name, _)| name)
}

macro_rules! names {
    ($($type:ident { $($value:ident = $($text:literal)|+),+ $(,)? })+) => {
        $(impl Named for $type {
            const NAMES: &'static [(&'static str, Self)] = &[$($(($text, Self::$value)),+),+];
        })+
    };
}

names! {
    Priority { Override = "override" | "overwrite", Skip = "skip", Parallel = "parallel" }
    Reference { Absolute = "absolute", Relative = "relative" }
    RouteStrategy { Fastest = "fastest", LeastIntersections = "leastIntersections", Random = "random", Shortest = "shortest" }
    VehicleCategory {
        Bicycle = "bicycle", Bus = "bus", Car = "car", Motorbike = "motorbike", Semitrailer = "semitrailer",
        Trailer = "trailer", Train = "train", Tram = "tram", Truck = "truck", Van = "van",
    }
    DynamicsShape { Linear = "linear", Cubic = "cubic", Sinusoidal = "sinusoidal", Step = "step" }
    DynamicsDimension { Time = "time", Distance = "distance", Rate = "rate" }
    SpeedTargetValue { Delta = "delta", Factor = "factor" }
    FollowingMode { Position = "position", Follow = "follow" }
    LongitudinalDisplacement {
        Any = "any", Trailing = "trailingReferencedEntity", Leading = "leadingReferencedEntity",
    }
    CoordinateSystem {
        Entity = "entity", Lane = "lane", Road = "road", Trajectory = "trajectory", World = "world",
    }
    ConditionEdge { None = "none", Rising = "rising", Falling = "falling", RisingOrFalling = "risingOrFalling" }
    Rule {
        EqualTo = "equalTo", GreaterThan = "greaterThan", LessThan = "lessThan",
        GreaterOrEqual = "greaterOrEqual", LessOrEqual = "lessOrEqual", NotEqualTo = "notEqualTo",
    }
    RelativeDistanceType {
        Longitudinal = "longitudinal", Lateral = "lateral", Euclidean = "euclidianDistance" | "cartesianDistance",
    }
    Direction { Longitudinal = "longitudinal", Lateral = "lateral", Vertical = "vertical" }
    StoryboardElementType {
        Story = "story", Act = "act", ManeuverGroup = "maneuverGroup", Maneuver = "maneuver", Event = "event", Action = "action",
    }
    StoryboardElementState {
        StandbyState = "standbyState", RunningState = "runningState", CompleteState = "completeState",
        StartTransition = "startTransition", EndTransition = "endTransition", StopTransition = "stopTransition",
        SkipTransition = "skipTransition",
    }
    CatalogKind {
        Vehicle = "VehicleCatalog", Controller = "ControllerCatalog", Pedestrian = "PedestrianCatalog",
        MiscObject = "MiscObjectCatalog", Environment = "EnvironmentCatalog", Maneuver = "ManeuverCatalog",
        Trajectory = "TrajectoryCatalog", Route = "RouteCatalog",
    }
}
