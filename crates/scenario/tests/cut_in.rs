//! A cut-in as mining writes it: valid, the same when read, and refused when it is broken.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cloverleaf_road::{NetworkSpec, RoadSpec, Segment, Shape, write_opendrive};
use cloverleaf_scenario::model::*;
use cloverleaf_scenario::{InMemory, load, read, write};

fn car(name: &str) -> ScenarioObject {
    ScenarioObject {
        name: name.to_owned(),
        object: EntityObject::Vehicle(Vehicle::passenger_car(name)),
        controllers: Vec::new(),
    }
}

fn init(entity: &str, action: PrivateAction) -> InitAction {
    InitAction::Private { entity: entity.to_owned(), action }
}

fn speed(mps: f64, shape: DynamicsShape, dimension: DynamicsDimension, value: f64) -> PrivateAction {
    PrivateAction::Speed(SpeedAction {
        dynamics: TransitionDynamics { shape, dimension, value },
        target: SpeedTarget::Absolute(mps),
    })
}

fn when(name: &str, kind: ConditionKind) -> Trigger {
    let condition = Condition { name: name.to_owned(), delay_s: 0.0, edge: ConditionEdge::Rising, kind };
    Trigger { groups: vec![ConditionGroup { conditions: vec![condition] }] }
}

fn after(value_s: f64) -> ConditionKind {
    ConditionKind::Value(ValueCondition::SimulationTime { value_s, rule: Rule::GreaterOrEqual })
}

fn cut_in() -> Scenario {
    let event = |name: &str, action: PrivateAction, trigger: Trigger| Event {
        name: name.to_owned(),
        priority: Priority::Parallel,
        maximum_execution_count: 1,
        actions: vec![Action { name: format!("{name} action"), kind: ActionKind::Private(action) }],
        start_trigger: Some(trigger),
    };
    let change = PrivateAction::LaneChange(LaneChangeAction {
        dynamics: TransitionDynamics {
            shape: DynamicsShape::Sinusoidal,
            dimension: DynamicsDimension::Time,
            value: 3.5,
        },
        target: LaneTarget::Relative { entity: "Ego".to_owned(), lanes: 0 },
        target_lane_offset_m: 0.0,
    });
    let near = ConditionKind::Entity {
        triggering: vec!["Ego".to_owned()],
        all: false,
        condition: EntityCondition::RelativeDistance {
            entity: "Target".to_owned(),
            value_m: 25.0,
            rule: Rule::LessThan,
            measure: DistanceMeasure {
                kind: RelativeDistanceType::Longitudinal,
                coordinate_system: CoordinateSystem::Road,
                freespace: true,
            },
        },
    };
    let vertex = |t: f64| Vertex { time_s: Some(t), position: Position::world(40.0 + 25.0 * t, -1.8 + 0.1 * t, 0.004) };
    let recorded = PrivateAction::FollowTrajectory(FollowTrajectoryAction {
        trajectory: Trajectory {
            name: "recorded".to_owned(),
            closed: false,
            shape: TrajectoryShape::Polyline((0..20).map(|i| vertex(f64::from(i) * 0.1)).collect()),
        },
        time_reference: Some(Timing { domain: Reference::Absolute, scale: 1.0, offset_s: 0.0 }),
        following: FollowingMode::Position,
        initial_distance_offset_m: 0.0,
    });
    let story = Story {
        name: "cut-in".to_owned(),
        acts: vec![Act {
            name: "act".to_owned(),
            maneuver_groups: vec![ManeuverGroup {
                name: "group".to_owned(),
                maximum_execution_count: 1,
                actors: vec!["Target".to_owned()],
                select_triggering_entities: false,
                maneuvers: vec![Maneuver {
                    name: "maneuver".to_owned(),
                    events: vec![
                        event("as recorded", recorded, when("from the start", after(0.0))),
                        event("change", change, when("near", near)),
                        event(
                            "brake",
                            speed(20.0, DynamicsShape::Linear, DynamicsDimension::Rate, 2.0),
                            when("late", after(8.0)),
                        ),
                    ],
                }],
            }],
            start_trigger: Some(when("act starts", after(0.0))),
            stop_trigger: None,
        }],
    };
    let property = |name: &str, value: &str| Property { name: name.to_owned(), value: value.to_owned() };
    Scenario {
        header: FileHeader {
            rev_minor: 2,
            date: "2026-05-01T12:00:00".to_owned(),
            description: "Cut-in \"found\" in <a clip> & written".to_owned(),
            author: "Cloverleaf".to_owned(),
            properties: vec![
                property("cloverleaf.clip", "boot-7_000123"),
                property("cloverleaf.time_range_s", "12.5..20.5"),
                property("cloverleaf.sha256", &"ab".repeat(32)),
            ],
        },
        road_file: Some("road.xodr".to_owned()),
        entities: vec![car("Ego"), car("Target")],
        storyboard: Storyboard {
            init: vec![
                init("Ego", PrivateAction::Teleport(Position::lane("1", -2, 10.0, 0.0))),
                init("Ego", speed(30.0, DynamicsShape::Step, DynamicsDimension::Time, 0.0)),
                init("Target", PrivateAction::Teleport(Position::lane("1", -1, 40.0, 0.1 + 0.2))),
                init("Target", speed(25.0, DynamicsShape::Step, DynamicsDimension::Time, 0.0)),
            ],
            stories: vec![story],
            stop_trigger: when("end", after(15.0)),
        },
        ..Scenario::default()
    }
}

fn files() -> InMemory {
    let road = RoadSpec::motorway("1", vec![Segment { length_m: 1_000.0, shape: Shape::Line }], 3, 3.6);
    let network = NetworkSpec { roads: vec![road], ..NetworkSpec::default() };
    InMemory { files: BTreeMap::from([("road.xodr".to_owned(), write_opendrive(&network).unwrap())]) }
}

#[test]
fn written_and_read_it_is_the_same() {
    let scenario = cut_in();
    let text = write(&scenario).unwrap();
    assert_eq!(text, write(&scenario).unwrap());
    let loaded = load("cut-in.xosc", &text, &BTreeMap::new(), &files()).unwrap();
    assert_eq!(loaded.scenario, scenario);
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.network.roads.len(), 1);
}

#[test]
fn it_is_valid_by_the_schema() {
    let data = std::env::var_os("CLOVERLEAF_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let schema = data.join("xsd-asam/resources/schema/OpenSCENARIOv1.2.xsd");
    if !schema.exists() {
        eprintln!("skipped it_is_valid_by_the_schema: {} absent", schema.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut-in.xosc");
    let valid = |text: &str| {
        std::fs::write(&file, text).unwrap();
        std::process::Command::new("xmllint").arg("--noout").arg("--schema").arg(&schema).arg(&file).output()
    };
    let text = write(&cut_in()).unwrap();
    let Ok(output) = valid(&text) else {
        eprintln!("skipped it_is_valid_by_the_schema: xmllint absent (Debian package libxml2-utils)");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!valid(&text.replace("LaneChangeAction ", "LaneSwapAction ")).unwrap().status.success());
}

#[test]
fn what_is_broken_is_named_with_its_line() {
    let good = write(&cut_in()).unwrap();
    let line_of = |text: &str| text.lines().count() as u32;
    let check = |from: &str, to: &str, expected: &str| {
        let (before, _) = good.split_once(from).unwrap_or_else(|| panic!("{from}"));
        let error = load("bad.xosc", &good.replacen(from, to, 1), &BTreeMap::new(), &files()).unwrap_err();
        let first = &error.diagnostics[0];
        assert!(format!("{first}").contains(expected), "{from} -> {to}: {first}");
        assert!(
            first.line.abs_diff(line_of(before)) <= 1,
            "{from} -> {to}: {first}, expected line {}",
            line_of(before)
        );
    };
    check("value=\"3.5\"", "value=\"fast\"", "expected a number");
    check("dynamicsShape=\"sinusoidal\"", "dynamicsShape=\"wavy\"", "expected one of");
    check("dynamicsShape=\"sinusoidal\" ", "", "no attribute dynamicsShape");
    check("targetLaneOffset=", "laneOffset=", "not in the standard");
    check("<TeleportAction>", "<TeleportAction><Speed/>", "not in the standard");
    check("<EntityRef entityRef=\"Ego\"", "<EntityRef entityRef=\"Ghost\"", "names no entity");
    check("entityRef=\"Target\"", "entityRef=\"Ghost\"", "Ego, Target");
    check("value=\"25\"", "value=\"$speed\"", "not declared");
    check("value=\"25\"", "value=\"${1 +}\"", "expected");
    check("<Event ", "<Event < ", "not well-formed");
    let fails = |from: &str, to: &str, expected: &str| {
        let error = load("bad.xosc", &good.replacen(from, to, 1), &BTreeMap::new(), &files()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    fails("road.xodr", "other.xodr", "cannot be read");
    fails("laneId=\"-2\"", "laneId=\"-9\"", "lanes");
    fails("roadId=\"1\"", "roadId=\"7\"", "does not exist");
    fails("revMinor=\"2\"", "revMinor=\"9\"", "1.0 to 1.3");
    assert!(read("bad.xosc", "", &BTreeMap::new(), &InMemory::default()).is_err());
    let override_unknown = BTreeMap::from([("nope".to_owned(), "1".to_owned())]);
    assert!(read("a.xosc", &good, &override_unknown, &files()).unwrap_err().to_string().contains("nope"));
}

#[test]
fn what_is_not_modelled_is_named_and_kept_apart() {
    let text = write(&cut_in()).unwrap().replacen(
        "<PrivateAction>",
        "<PrivateAction><RoutingAction><RandomRouteAction/></RoutingAction></PrivateAction><PrivateAction>",
        1,
    );
    let scenario = read("odd.xosc", &text, &BTreeMap::new(), &files()).unwrap().scenario;
    assert_eq!(scenario.unsupported[0].element, "RandomRouteAction");
    assert!(
        matches!(&scenario.storyboard.init[0], InitAction::Private { action: PrivateAction::Unsupported(what), .. } if what.line > 1)
    );
    assert!(write(&scenario).unwrap_err().to_string().contains("RandomRouteAction"));
}

#[test]
fn what_cannot_be_said_is_not_written() {
    let mut scenario = cut_in();
    scenario.entities[0].name = "$Ego".to_owned();
    scenario.header.date = "yesterday".to_owned();
    scenario.storyboard.stories[0].acts[0].maneuver_groups[0].maneuvers[0].events[0].actions.clear();
    let problems = write(&scenario).unwrap_err().problems;
    assert_eq!(problems.len(), 3, "{problems:?}");
    let mut scenario = cut_in();
    scenario.storyboard.init[0] = init("Ego", PrivateAction::Teleport(Position::world(f64::NAN, 0.0, 0.0)));
    assert!(write(&scenario).unwrap_err().to_string().contains("not a number"));
}

#[test]
fn parameters_catalogs_and_cycles() {
    let head = "<FileHeader revMajor=\"1\" revMinor=\"1\" date=\"2026-01-01T00:00:00\" description=\"\" author=\"\"/>";
    let controller = "<Controller name=\"pilot\"><ParameterDeclarations><ParameterDeclaration name=\"gap\" parameterType=\"double\" value=\"1.5\"/></ParameterDeclarations><Properties><Property name=\"gap\" value=\"$gap\"/></Properties></Controller>";
    let trajectory = |inside: &str| {
        format!(
            "<Trajectory name=\"t\" closed=\"false\"><Shape><Polyline><Vertex time=\"0\"><Position>{inside}</Position></Vertex><Vertex time=\"1\"><Position><WorldPosition x=\"1\" y=\"0\"/></Position></Vertex></Polyline></Shape></Trajectory>"
        )
    };
    let cycle = trajectory(
        "<TrajectoryPosition s=\"0\"><TrajectoryRef><CatalogReference catalogName=\"c\" entryName=\"t\"/></TrajectoryRef></TrajectoryPosition>",
    );
    let catalog = |inside: &str| format!("<OpenSCENARIO>{head}<Catalog name=\"c\">{inside}</Catalog></OpenSCENARIO>");
    let scenario = write(&cut_in()).unwrap();
    let with_reference = |reference: &str| {
        scenario
            .replace("<CatalogLocations>", "<ParameterDeclarations><ParameterDeclaration name=\"g\" parameterType=\"double\" value=\"2\"><ConstraintGroup><ValueConstraint rule=\"lessThan\" value=\"5\"/></ConstraintGroup></ParameterDeclaration></ParameterDeclarations><CatalogLocations><ControllerCatalog><Directory path=\"cat\"/></ControllerCatalog>")
            .replacen("</Vehicle>", &format!("</Vehicle>{reference}"), 1)
    };
    let reference = "<ObjectController><CatalogReference catalogName=\"c\" entryName=\"pilot\"><ParameterAssignments><ParameterAssignment parameterRef=\"gap\" value=\"${$g * 2}\"/></ParameterAssignments></CatalogReference></ObjectController>";
    let files = |inside: &str| InMemory { files: BTreeMap::from([("cat/c.xosc".to_owned(), catalog(inside))]) };
    let text = with_reference(reference);
    let gap = |overrides: &[(&str, &str)]| {
        let overrides = overrides.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        read("p.xosc", &text, &overrides, &files(controller))
            .map(|r| r.scenario.entities[0].controllers[0].properties[0].value.clone())
    };
    assert_eq!(gap(&[]).unwrap(), "4");
    assert_eq!(gap(&[("g", "3")]).unwrap(), "6");
    assert!(gap(&[("g", "7")]).unwrap_err().to_string().contains("constraint"));
    assert!(gap(&[("g", "x")]).unwrap_err().to_string().contains("expected a number"));
    let wrong = |from: &str, to: &str, expected: &str| {
        let error =
            read("p.xosc", &text.replace(from, to), &BTreeMap::new(), &files(controller)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    wrong("catalogName=\"c\"", "catalogName=\"z\"", "catalog \"z\" does not exist");
    wrong("entryName=\"pilot\"", "entryName=\"z\"", "expected one of pilot");
    wrong("parameterRef=\"gap\"", "parameterRef=\"z\"", "declares no parameter");
    let follow = "<TeleportAction><Position><TrajectoryPosition s=\"0\"><TrajectoryRef><CatalogReference catalogName=\"c\" entryName=\"t\"/></TrajectoryRef></TrajectoryPosition></Position></TeleportAction></PrivateAction><PrivateAction><TeleportAction>";
    let text = with_reference("").replacen("<TeleportAction>", follow, 1);
    let error = read("p.xosc", &text, &BTreeMap::new(), &files(&cycle)).unwrap_err().to_string();
    assert!(error.contains("refers to itself"), "{error}");
    for deep in ["<Story>".repeat(100_000), format!("{}{}", "<Story>".repeat(100_000), "</Story>".repeat(100_000))] {
        let text = format!("<OpenSCENARIO>{deep}</OpenSCENARIO>");
        assert!(read("p.xosc", &text, &BTreeMap::new(), &files("")).is_err());
    }
    // Routes in positions in routes: valid at every level, refused at the hundredth.
    let (open, close) = (
        "<RoutePosition><RouteRef><Route name=\"r\" closed=\"false\"><Waypoint routeStrategy=\"shortest\"><Position>",
        "</Position></Waypoint></Route></RouteRef><InRoutePosition/></RoutePosition>",
    );
    let nested = format!("{}<WorldPosition x=\"0\" y=\"0\"/>{}", open.repeat(500), close.repeat(500));
    let text = scenario.replacen("<LanePosition ", &format!("{nested}<LanePosition "), 1);
    assert!(read("p.xosc", &text, &BTreeMap::new(), &files("")).unwrap_err().to_string().contains("nested deeper"));
}

proptest::proptest! {
    /// Whatever a file says, reading it ends in a scenario or an error, not in a panic; what was read can be written
    /// unless it says why not.
    #[test]
    fn damaged_files_do_no_harm(edits in proptest::collection::vec((0..20_000_usize, "[-0-9.e\"<>a-zA-Z/ ${}]{0,4}"), 1..4)) {
        let mut text = write(&cut_in()).unwrap();
        for (at, new) in edits {
            let at = at % (text.len() - 4);
            text.replace_range(at..at + 1, &new);
        }
        if let Ok(reading) = read("damaged.xosc", &text, &BTreeMap::new(), &files())
            && let Ok(text) = write(&reading.scenario)
        {
            let back = read("again.xosc", &text, &BTreeMap::new(), &files()).unwrap();
            proptest::prop_assert_eq!(back.scenario.storyboard, reading.scenario.storyboard);
        }
    }
}
