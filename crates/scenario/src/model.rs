//! A scenario with all parameters resolved: what the simulator executes and mining writes.
//!
//! Field and variant names follow OpenSCENARIO XML; values are SI units and radians as in the standard.

mod action;
mod condition;
mod entity;
mod position;

pub use action::*;
pub use condition::*;
pub use entity::*;
pub use position::*;

/// A scenario file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    /// Who, when, what, and where it came from.
    pub header: FileHeader,
    /// Parameters with the values they had when the file was read.
    pub parameters: Vec<Parameter>,
    /// Variables (1.2 on) with their initial values.
    pub variables: Vec<Variable>,
    /// Directories of catalogs, kept for writing; references to them are already resolved.
    pub catalog_locations: Vec<CatalogLocation>,
    /// Path of the OpenDRIVE file, relative to the scenario's file.
    pub road_file: Option<String>,
    /// Path of the scene graph, relative to the scenario's file.
    pub scene_graph_file: Option<String>,
    /// Road users.
    pub entities: Vec<ScenarioObject>,
    /// Named groups of entities.
    pub selections: Vec<EntitySelection>,
    /// What happens.
    pub storyboard: Storyboard,
    /// Parts that are valid in the standard but that this crate does not model, wherever they stand in the file. A
    /// simulator that needs all of the scenario refuses it by these names.
    pub unsupported: Vec<Unsupported>,
}

/// `FileHeader`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FileHeader {
    /// Minor revision of OpenSCENARIO XML 1, 0 to 3. The writer writes its own (2), whatever stands here.
    pub rev_minor: u16,
    /// ISO 8601 date and time.
    pub date: String,
    /// What the scenario is about.
    pub description: String,
    /// Who made it.
    pub author: String,
    /// Free name and value pairs (1.2 on): where a mined scenario says which clip it comes from.
    pub properties: Vec<Property>,
}

/// `Property`: a free name and value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Property {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// `ParameterDeclaration` with its resolved value.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Name without `$`.
    pub name: String,
    /// Declared type, by the standard's name: `double`, `string`, `integer`, ...
    pub kind: String,
    /// Value after overrides and expressions.
    pub value: String,
}

/// `VariableDeclaration`.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Name without `$`.
    pub name: String,
    /// Declared type.
    pub kind: String,
    /// Initial value.
    pub value: String,
}

/// One entry of `CatalogLocations`.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogLocation {
    /// Which kind of thing is catalogued.
    pub kind: CatalogKind,
    /// Directory, relative to the scenario's file.
    pub path: String,
}

/// What a catalog holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CatalogKind {
    /// `VehicleCatalog`.
    Vehicle,
    /// `ControllerCatalog`.
    Controller,
    /// `PedestrianCatalog`.
    Pedestrian,
    /// `MiscObjectCatalog`.
    MiscObject,
    /// `EnvironmentCatalog`.
    Environment,
    /// `ManeuverCatalog`.
    Maneuver,
    /// `TrajectoryCatalog`.
    Trajectory,
    /// `RouteCatalog`.
    Route,
}

/// An element of the standard that this crate does not model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// File it stands in.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Element name as in the standard.
    pub element: String,
}

/// `Storyboard`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Storyboard {
    /// What holds at time 0, in file order.
    pub init: Vec<InitAction>,
    /// Stories, running side by side.
    pub stories: Vec<Story>,
    /// Ends the scenario.
    pub stop_trigger: Trigger,
}

/// One action of `Init`.
#[derive(Debug, Clone, PartialEq)]
pub enum InitAction {
    /// `GlobalAction`.
    Global(GlobalAction),
    /// `Private`: an action of one entity.
    Private {
        /// Entity's name.
        entity: String,
        /// What it does.
        action: PrivateAction,
    },
    /// `UserDefinedAction`, or an action of the standard that is not modelled.
    Unsupported(Unsupported),
}

/// `Story`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Story {
    /// Unique name; may be empty before 1.1.
    pub name: String,
    /// Acts.
    pub acts: Vec<Act>,
}

/// `Act`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Act {
    /// Name, unique inside its story.
    pub name: String,
    /// Groups, running side by side.
    pub maneuver_groups: Vec<ManeuverGroup>,
    /// Starts the act; `None` starts it with its story (1.3).
    pub start_trigger: Option<Trigger>,
    /// Ends the act.
    pub stop_trigger: Option<Trigger>,
}

/// `ManeuverGroup`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ManeuverGroup {
    /// Name, unique inside its act.
    pub name: String,
    /// How often it may run.
    pub maximum_execution_count: u32,
    /// Entities that act; selections already replaced by their members.
    pub actors: Vec<String>,
    /// Whether the entities that made the event's start condition true also act.
    pub select_triggering_entities: bool,
    /// Manoeuvres, those from catalogs included.
    pub maneuvers: Vec<Maneuver>,
}

/// `Maneuver`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Maneuver {
    /// Name, unique inside its group.
    pub name: String,
    /// Events.
    pub events: Vec<Event>,
}

/// `Event`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// Name, unique inside its manoeuvre.
    pub name: String,
    /// What happens to other events of the manoeuvre when it starts.
    pub priority: Priority,
    /// How often it may run; 1 by default.
    pub maximum_execution_count: u32,
    /// Actions, starting together.
    pub actions: Vec<Action>,
    /// Starts it; `None` starts it with its manoeuvre (1.3).
    pub start_trigger: Option<Trigger>,
}

/// `Action` of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Name, unique inside its event.
    pub name: String,
    /// What it does.
    pub kind: ActionKind,
}

/// What an [`Action`] does.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionKind {
    /// To the acting entities.
    Private(PrivateAction),
    /// To the world.
    Global(GlobalAction),
    /// `UserDefinedAction`, or an action of the standard that is not modelled.
    Unsupported(Unsupported),
}

/// `Priority` of an event. The `overwrite` of 1.0 and 1.1 reads as [`Priority::Override`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// Stops the running events of the same manoeuvre.
    #[default]
    Override,
    /// Is skipped while another event of the manoeuvre runs.
    Skip,
    /// Runs beside the others.
    Parallel,
}

/// `Trigger`: true when any group is true; without groups never true.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trigger {
    /// Groups.
    pub groups: Vec<ConditionGroup>,
}

/// `ConditionGroup`: true when all its conditions are true.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConditionGroup {
    /// Conditions, at least one.
    pub conditions: Vec<Condition>,
}

impl Scenario {
    /// The positions at which entities begin.
    pub fn initial_positions(&self) -> Vec<&Position> {
        self.storyboard
            .init
            .iter()
            .filter_map(|action| match action {
                InitAction::Private { action: PrivateAction::Teleport(position), .. } => Some(position),
                _ => None,
            })
            .collect()
    }
}
