//! Files and small scenarios for the tests.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloverleaf_road::Network;
use cloverleaf_scenario::{Folder, InMemory, Scenario, read};
use cloverleaf_simulator::{Run, RunOptions, SimulationError, driver_by_name, run};

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of the shared data, or `None` with a line that says which test was skipped.
pub fn shared(test: &str, folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CLOVERLEAF_DATA").map_or_else(|| workspace().join("../shared/data"), PathBuf::from);
    let folder = root.join(folder);
    if folder.is_dir() {
        Some(folder)
    } else {
        eprintln!("skipped {test}: {} absent", folder.display());
        None
    }
}

/// The scenario files of a folder, sorted.
pub fn scenario_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "xosc"))
        .collect();
    files.sort();
    files
}

/// A scenario with its road; the message says what is missing.
pub fn load(path: &Path) -> Result<(Arc<Scenario>, Arc<Network>), String> {
    let path = path.canonicalize().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let folder = path.parent().unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    let scenario =
        read(&name, &text, &BTreeMap::new(), &Folder::new(folder)).map_err(|error| error.to_string())?.scenario;
    let road = scenario.road_file.clone().ok_or("no road")?;
    let text = std::fs::read_to_string(folder.join(&road)).map_err(|error| format!("{road}: {error}"))?;
    Ok((Arc::new(scenario), Arc::new(Network::parse(&road, &text).map_err(|error| error.to_string())?)))
}

/// Runs with the highway pilot.
pub fn drive(scenario: &Arc<Scenario>, network: &Arc<Network>, options: RunOptions) -> Result<Run, SimulationError> {
    run(scenario.clone(), network.clone(), driver_by_name("highway-pilot").unwrap(), options)
}

/// A straight road of 2 km with lanes -1, -2, -3 of 3.5 m.
pub fn straight_road() -> Arc<Network> {
    let lane = |id: i32| {
        format!(r#"<lane id="{id}" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>"#)
    };
    let text = format!(
        r#"<OpenDRIVE><header revMajor="1" revMinor="6"/><road name="r" length="2000" id="1" junction="-1"><planView>
        <geometry s="0" x="0" y="0" hdg="0" length="2000"><line/></geometry></planView><lanes><laneSection s="0">
        <center><lane id="0" type="none" level="false"/></center><right>{}{}{}</right></laneSection></lanes></road></OpenDRIVE>"#,
        lane(-1),
        lane(-2),
        lane(-3)
    );
    Arc::new(Network::parse("straight", &text).unwrap())
}

/// A scenario on [`straight_road`]: `Ego` at s = 100 m in lane -2 with 20 m/s, `A` at s = 200 m in lane -1 with 15 m/s. `events`
/// are the events of `A`'s only manoeuvre, `stop` is a condition that ends the run.
pub fn scenario(events: &str, stop: &str) -> Arc<Scenario> {
    let vehicle = |name: &str| {
        format!(
            r#"<ScenarioObject name="{name}"><Vehicle name="car" vehicleCategory="car"><BoundingBox><Center x="1.4" y="0" z="0.75"/>
            <Dimensions width="1.8" length="4.6" height="1.5"/></BoundingBox>
            <Performance maxSpeed="60" maxAcceleration="4" maxDeceleration="9"/><Axles>
            <FrontAxle maxSteering="0.5" wheelDiameter="0.6" trackWidth="1.6" positionX="2.8" positionZ="0.3"/>
            <RearAxle maxSteering="0" wheelDiameter="0.6" trackWidth="1.6" positionX="0" positionZ="0.3"/></Axles><Properties/>
            </Vehicle></ScenarioObject>"#
        )
    };
    let place = |name: &str, lane: i32, s: f64, speed: f64| {
        format!(
            r#"<Private entityRef="{name}"><PrivateAction><TeleportAction><Position>
            <LanePosition roadId="1" laneId="{lane}" s="{s}"/></Position></TeleportAction></PrivateAction>
            <PrivateAction><LongitudinalAction><SpeedAction>
            <SpeedActionDynamics dynamicsShape="step" dynamicsDimension="time" value="0"/>
            <SpeedActionTarget><AbsoluteTargetSpeed value="{speed}"/></SpeedActionTarget></SpeedAction></LongitudinalAction>
            </PrivateAction></Private>"#
        )
    };
    let text = format!(
        r#"<?xml version="1.0"?><OpenSCENARIO>
        <FileHeader revMajor="1" revMinor="2" date="2026-01-01T00:00:00" description="test" author="test"/>
        <ParameterDeclarations/><CatalogLocations/><RoadNetwork><LogicFile filepath="r.xodr"/></RoadNetwork>
        <Entities>{}{}</Entities><Storyboard><Init><Actions>{}{}</Actions></Init>
        <Story name="S"><Act name="Act"><ManeuverGroup name="G" maximumExecutionCount="1">
        <Actors selectTriggeringEntities="false"><EntityRef entityRef="A"/></Actors>
        <Maneuver name="M">{events}</Maneuver></ManeuverGroup>
        <StartTrigger>{}</StartTrigger></Act></Story>
        <StopTrigger>{stop}</StopTrigger></Storyboard></OpenSCENARIO>"#,
        vehicle("Ego"),
        vehicle("A"),
        place("Ego", -2, 100.0, 20.0),
        place("A", -1, 200.0, 15.0),
        time(0.0),
    );
    let files = InMemory { files: BTreeMap::from([("r.xodr".to_owned(), "<OpenDRIVE/>".to_owned())]) };
    Arc::new(read("test.xosc", &text, &BTreeMap::new(), &files).unwrap().scenario)
}

/// A trigger's content: simulation time reached.
pub fn time(at_s: f64) -> String {
    value("none", 0.0, &format!(r#"<SimulationTimeCondition value="{at_s}" rule="greaterOrEqual"/>"#))
}

/// A trigger's content: a condition by value.
pub fn value(edge: &str, delay_s: f64, condition: &str) -> String {
    format!(
        r#"<ConditionGroup><Condition name="c" delay="{delay_s}" conditionEdge="{edge}"><ByValueCondition>{condition}</ByValueCondition>
        </Condition></ConditionGroup>"#
    )
}

/// A trigger's content: a storyboard element's state, seen at its rise.
pub fn state(kind: &str, element: &str, state: &str, delay_s: f64) -> String {
    let condition = format!(
        r#"<StoryboardElementStateCondition storyboardElementType="{kind}" storyboardElementRef="{element}" state="{state}"/>"#
    );
    value("rising", delay_s, &condition)
}

/// A trigger's content: a condition on the ego.
pub fn ego(condition: &str) -> String {
    format!(
        r#"<ConditionGroup><Condition name="c" delay="0" conditionEdge="none"><ByEntityCondition>
        <TriggeringEntities triggeringEntitiesRule="any"><EntityRef entityRef="Ego"/></TriggeringEntities>
        <EntityCondition>{condition}</EntityCondition></ByEntityCondition></Condition></ConditionGroup>"#
    )
}

/// An event with one action.
pub fn event(name: &str, attributes: &str, action: &str, trigger: &str) -> String {
    format!(
        r#"<Event name="{name}" {attributes}><Action name="{name}Action"><PrivateAction>{action}</PrivateAction></Action>
        <StartTrigger>{trigger}</StartTrigger></Event>"#
    )
}

/// A linear change of speed.
pub fn speed(to_mps: f64, dimension: &str, value: f64) -> String {
    format!(
        r#"<LongitudinalAction><SpeedAction><SpeedActionDynamics dynamicsShape="linear" dynamicsDimension="{dimension}" value="{value}"/>
        <SpeedActionTarget><AbsoluteTargetSpeed value="{to_mps}"/></SpeedActionTarget></SpeedAction></LongitudinalAction>"#
    )
}

/// A lane change to an absolute lane.
pub fn lane_change(lane: i32, duration_s: f64) -> String {
    format!(
        r#"<LateralAction><LaneChangeAction><LaneChangeActionDynamics dynamicsShape="sinusoidal" dynamicsDimension="time" value="{duration_s}"/>
        <LaneChangeTarget><AbsoluteTargetLane value="{lane}"/></LaneChangeTarget></LaneChangeAction></LateralAction>"#
    )
}
