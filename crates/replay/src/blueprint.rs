//! The layout the viewer opens with: what a test engineer looks at first, made of the streams that exist.

use cloverleaf_signals::vss::{Catalogue, Datatype};
use rerun::AsComponents;
use rerun::blueprint::datatypes::{TextLogColumn, TextLogColumnKind, TimelineColumn};
use rerun::components::{Color, LinearSpeed, Name, Plane3D, Position3D, Range1D};
use rerun::datatypes::{Range1D as Span, Uuid};
use rerun::external::re_sdk_types::blueprint::archetypes::{
    Background, ContainerBlueprint, EyeControls3D, LineGrid3D, MapBackground, PanelBlueprint, PlotLegend, ScalarAxis,
    TextLogColumns, TimeAxis, TimePanelBlueprint, ViewBlueprint, ViewContents, ViewportBlueprint,
};
use rerun::external::re_sdk_types::blueprint::components::{
    BackgroundKind, ContainerKind, Corner2D, IncludedContent, LinkAxis, LoopMode, MapProvider, PanelState, PlayState,
    QueryExpression, RootContainer, ViewClass,
};

use crate::ReplayError;
use crate::layers::{POSITION_ENTITY, TRAJECTORY_ENTITY, entity_of_signal};
use crate::output::{Output, TIMELINE};

/// What the recording is, in words.
pub(crate) const SUMMARY_ENTITY: &str = "/summary";
/// Where rules fired.
pub(crate) const EVENT_MARKS_ENTITY: &str = "/map/events";

/// Writes the layout for what `output` holds.
pub(crate) fn write(output: &mut Output) -> Result<(), ReplayError> {
    let entities: Vec<String> = output.rows().keys().cloned().collect();
    let mut parts = Parts::default();
    let root = parts.add_node(layout(&Entities(entities)));
    let viewport = ViewportBlueprint::new().with_root_container(RootContainer(root)).with_auto_layout(false);
    parts.add("viewport", viewport.with_auto_views(false));
    parts.add("blueprint_panel", PanelBlueprint::new().with_state(PanelState::Collapsed));
    parts.add("selection_panel", PanelBlueprint::new().with_state(PanelState::Collapsed));
    let time_panel = TimePanelBlueprint::new()
        .with_state(PanelState::Collapsed)
        .with_timeline(TIMELINE)
        .with_play_state(PlayState::Paused)
        .with_loop_mode(LoopMode::Off);
    parts.add("time_panel", time_panel);
    output.write_blueprint(parts.archetypes)
}

/// Entities that have data over time.
struct Entities(Vec<String>);

impl Entities {
    fn has(&self, entity: &str) -> bool {
        self.0.iter().any(|known| known == entity)
    }

    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(String::as_str).filter(move |entity| entity.starts_with(prefix))
    }

    /// Those of the named signals that exist.
    fn signals(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| entity_of_signal(name)).filter(|entity| self.has(entity)).collect()
    }
}

/// A plot of the first page: signals of one unit, and the range worth seeing where outliers would hide it.
struct Plot {
    name: &'static str,
    signals: &'static [&'static str],
    range: Option<[f64; 2]>,
}

const PLOTS: [Plot; 5] = [
    Plot { name: "Speed [km/h]", signals: &["Vehicle.Speed", "Vehicle.ADAS.CruiseControl.SpeedSet"], range: None },
    Plot {
        name: "Acceleration [m/s²]",
        signals: &["Vehicle.Acceleration.Longitudinal", "Vehicle.Acceleration.Lateral"],
        range: None,
    },
    Plot { name: "Lead distance [m]", signals: &["Vehicle.ADAS.Lead.Distance"], range: None },
    // Time to collision goes to infinity when speeds are equal; beyond this nothing is urgent.
    Plot {
        name: "Time gap and time to collision [s]",
        signals: &["Vehicle.ADAS.Lead.TimeGap", "Vehicle.ADAS.Lead.TimeToCollision"],
        range: Some([0.0, 10.0]),
    },
    Plot { name: "Steering wheel [degrees]", signals: &["Vehicle.Chassis.SteeringWheel.Angle"], range: None },
];

fn layout(entities: &Entities) -> Node {
    let mut top = Vec::new();
    for camera in entities.below("/camera/") {
        let name = camera.trim_start_matches("/camera/");
        top.push((1.0, View::new("2D", &format!("Camera {name}"), camera).into()));
    }
    if entities.below("/vehicle/").next().is_some() {
        top.push((1.2, scene_view().into()));
    }
    if entities.has(POSITION_ENTITY) {
        top.push((0.8, map_view().into()));
    }

    let mut lines = Vec::new();
    let mut used = Vec::new();
    for plot in &PLOTS {
        let mut contents = entities.signals(plot.signals);
        used.extend(contents.iter().cloned());
        if plot.signals.contains(&"Vehicle.Speed") && contents.is_empty() {
            contents.extend(entities.below("/gnss/").map(str::to_owned));
        }
        if !contents.is_empty() {
            lines.push((1.0, plot_view(plot.name, contents, plot.range).into()));
        }
    }
    let states = state_entities(entities);
    let mut bottom = Vec::new();
    if !states.is_empty() {
        let mut view = View::new("StateTimeline", "Events and states", "/").with_contents(states.clone());
        view.add("TimeAxis", TimeAxis::new().with_link(LinkAxis::LinkToGlobal));
        bottom.push((2.0, view.into()));
    }
    if entities.below("/events/").next().is_some() {
        bottom.push((1.0, event_list().into()));
    }

    let rest: Vec<(String, Vec<String>)> = rest_by_unit(entities, &used, &states);
    let more = rest.into_iter().map(|(name, contents)| (1.0, plot_view(&name, contents, None).into())).collect();
    let can = can_views(entities);

    let plots = Node::group(ContainerKind::Grid, "Drive", lines);
    let mut pages = vec![(1.0, plots)];
    pages.push((1.0, Node::group(ContainerKind::Grid, "More signals", more)));
    pages.push((1.0, Node::group(ContainerKind::Horizontal, "CAN", can)));
    pages.push((1.0, View::new("TextDocument", "About", SUMMARY_ENTITY).into()));
    Node::group(
        ContainerKind::Vertical,
        "Replay",
        vec![
            (5.0, Node::group(ContainerKind::Horizontal, "Scene", top)),
            (4.0, Node::group(ContainerKind::Tabs, "Signals", pages)),
            (2.0, Node::group(ContainerKind::Horizontal, "Events", bottom)),
        ],
    )
}

fn scene_view() -> View {
    let mut view = View::new("3D", "Objects around the vehicle", "/vehicle");
    let grid = LineGrid3D::new().with_spacing(10.0).with_plane(Plane3D::XY).with_color(Color::from_u32(0x2A3138FF));
    view.add("LineGrid3D", grid);
    let background = Background::new(BackgroundKind::SolidColor).with_color(Color::from_u32(0x14181DFF));
    view.add("Background", background);
    // Behind and above our own vehicle, looking where it goes.
    let eye = EyeControls3D::new()
        .with_position(Position3D::new(-15.0, 0.0, 8.5))
        .with_look_target(Position3D::new(20.0, 0.0, 0.0))
        .with_eye_up([0.0, 0.0, 1.0])
        .with_speed(LinearSpeed::from(20.0));
    view.add("EyeControls3D", eye);
    view
}

fn map_view() -> View {
    let contents = [TRAJECTORY_ENTITY, POSITION_ENTITY, EVENT_MARKS_ENTITY].map(str::to_owned);
    let mut view = View::new("Map", "Map", "/map").with_contents(contents.to_vec());
    view.add("MapBackground", MapBackground::new(MapProvider::OpenStreetMap));
    view
}

fn event_list() -> View {
    let mut view = View::new("TextLog", "Events", "/events");
    let column = TimelineColumn { visible: true.into(), timeline: TIMELINE.into() };
    let body = TextLogColumn { visible: true.into(), kind: TextLogColumnKind::Body };
    let columns = TextLogColumns::new().with_timeline_columns([column]).with_text_log_columns([body]);
    view.add("TextLogColumns", columns);
    view
}

fn plot_view(name: &str, contents: Vec<String>, range: Option<[f64; 2]>) -> View {
    let mut view = View::new("TimeSeries", name, "/").with_contents(contents);
    view.add("PlotLegend", PlotLegend::new().with_corner(Corner2D::RightTop));
    view.add("TimeAxis", TimeAxis::new().with_link(LinkAxis::LinkToGlobal));
    if let Some(range) = range {
        view.add("ScalarAxis", ScalarAxis::new().with_range(Range1D(Span(range))));
    }
    view
}

fn can_views(entities: &Entities) -> Vec<(f32, Node)> {
    let rates: Vec<String> = entities.below("/can/").map(str::to_owned).collect();
    if rates.is_empty() {
        return Vec::new();
    }
    let tables = rates.iter().filter_map(|rate| {
        let bus = rate.strip_suffix("/rate")?;
        Some((1.0, View::new("TextDocument", bus, &format!("{bus}/identifiers")).into()))
    });
    let tables = Node::group(ContainerKind::Tabs, "Identifiers", tables.collect());
    vec![(1.0, plot_view("Frames a second", rates, None).into()), (1.0, tables)]
}

/// Lanes: events first, then what is switched, as the catalogue orders it.
fn state_entities(entities: &Entities) -> Vec<String> {
    let mut states: Vec<String> = entities.below("/events/").map(str::to_owned).collect();
    let switched = Catalogue::standard()
        .iter()
        .filter(|(_, definition)| matches!(definition.datatype, Datatype::Boolean | Datatype::Enum))
        .map(|(_, definition)| entity_of_signal(&definition.name))
        .filter(|entity| entities.has(entity));
    states.extend(switched);
    states
}

/// All other lines, those of one unit together.
fn rest_by_unit(entities: &Entities, used: &[String], states: &[String]) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |name: String, entity: &str| match groups.iter_mut().find(|(known, _)| *known == name) {
        Some((_, contents)) => contents.push(entity.to_owned()),
        None => groups.push((name, vec![entity.to_owned()])),
    };
    for (_, definition) in Catalogue::standard().iter() {
        let entity = entity_of_signal(&definition.name);
        let is_left = entities.has(&entity) && !used.contains(&entity) && !states.contains(&entity);
        if is_left {
            let name = if definition.unit.is_empty() { "No unit".to_owned() } else { format!("[{}]", definition.unit) };
            add(name, &entity);
        }
    }
    for entity in entities.below("/vss/Vehicle/Private/") {
        add("Vehicle's own".to_owned(), entity);
    }
    for entity in entities.below("/gnss/") {
        add("[km/h]".to_owned(), entity);
    }
    for entity in entities.below("/imu/") {
        add(if entity.ends_with("/acceleration") { "IMU [m/s^2]" } else { "IMU [rad/s]" }.to_owned(), entity);
    }
    groups
}

/// A part of the layout.
enum Node {
    View(View),
    Group { kind: ContainerKind, name: String, children: Vec<(f32, Self)> },
}

struct View {
    class: &'static str,
    name: String,
    origin: String,
    contents: Vec<String>,
    properties: Vec<(&'static str, Box<dyn AsComponents>)>,
}

impl View {
    fn new(class: &'static str, name: &str, origin: &str) -> Self {
        let contents = vec!["$origin/**".to_owned()];
        Self { class, name: name.to_owned(), origin: origin.to_owned(), contents, properties: Vec::new() }
    }

    fn with_contents(mut self, entities: Vec<String>) -> Self {
        self.contents = entities.into_iter().map(|entity| format!("+ {entity}")).collect();
        self
    }

    fn add(&mut self, property: &'static str, archetype: impl AsComponents + 'static) {
        self.properties.push((property, Box::new(archetype)));
    }
}

impl From<View> for Node {
    fn from(view: View) -> Self {
        Self::View(view)
    }
}

impl Node {
    /// Children beside, below or behind each other, with their shares of the room.
    fn group(kind: ContainerKind, name: &str, children: Vec<(f32, Self)>) -> Self {
        let children = children.into_iter().filter(|(_, child)| !child.is_empty()).collect();
        Self::Group { kind, name: name.to_owned(), children }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Group { children, .. } if children.is_empty())
    }
}

/// A layout as the archetypes it is stored as.
#[derive(Default)]
struct Parts {
    archetypes: Vec<(String, Box<dyn AsComponents>)>,
}

impl Parts {
    fn add(&mut self, path: &str, archetype: impl AsComponents + 'static) {
        self.archetypes.push((path.to_owned(), Box::new(archetype)));
    }

    /// Stores a container and all in it.
    fn add_node(&mut self, node: Node) -> Uuid {
        // The viewer keeps the state of views by id, whatever layout they come from: ids must never meet again.
        let id = Uuid::random();
        match node {
            Node::View(view) => {
                let path = format!("view/{id}");
                let contents = view.contents.into_iter().map(|query| QueryExpression(query.into()));
                self.add(&format!("{path}/ViewContents"), ViewContents::new(contents));
                let blueprint = ViewBlueprint::new(ViewClass(view.class.into()))
                    .with_display_name(Name(view.name.into()))
                    .with_space_origin(view.origin);
                self.add(&path, blueprint);
                for (property, archetype) in view.properties {
                    self.archetypes.push((format!("{path}/{property}"), archetype));
                }
            }
            Node::Group { kind, name, children } => {
                let mut blueprint = ContainerBlueprint::new(kind).with_display_name(Name(name.into()));
                let shares: Vec<f32> = children.iter().map(|(share, _)| *share).collect();
                let mut contents = Vec::new();
                for (_, child) in children {
                    let folder = if matches!(child, Node::View(_)) { "view" } else { "container" };
                    let child_id = self.add_node(child);
                    contents.push(format!("{folder}/{child_id}"));
                }
                if let Some(first) = contents.first().filter(|_| kind == ContainerKind::Tabs) {
                    blueprint = blueprint.with_active_tab(first.as_str());
                }
                blueprint = match kind {
                    ContainerKind::Horizontal => blueprint.with_col_shares(shares),
                    ContainerKind::Vertical => blueprint.with_row_shares(shares),
                    ContainerKind::Grid | ContainerKind::Tabs => blueprint,
                };
                blueprint = blueprint.with_contents(contents.into_iter().map(|path| IncludedContent(path.into())));
                self.add(&format!("container/{id}"), blueprint);
            }
        }
        id
    }
}
