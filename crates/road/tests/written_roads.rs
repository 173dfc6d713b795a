//! Roads we write: valid by the schema, the same when read, and geometrically right.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use cloverleaf_road::{
    ContactPoint, LanePosition, LaneSpec, LaneType, Network, NetworkSpec, RoadIndex, RoadMark, RoadPosition, RoadSpec,
    Segment, Shape, TrafficRule, write_opendrive,
};
use proptest::prelude::*;

fn network_of(roads: Vec<RoadSpec>) -> (String, Network) {
    let spec = NetworkSpec {
        name: "made <here> & now".to_owned(),
        geo_reference: Some("+proj=utm +zone=32".to_owned()),
        roads,
        ..NetworkSpec::default()
    };
    let text = write_opendrive(&spec).unwrap();
    let network = Network::parse("made.xodr", &text).unwrap();
    assert_eq!(network.diagnostics, [], "{text}");
    (text, network)
}

fn line(length_m: f64) -> Segment {
    Segment { length_m, shape: Shape::Line }
}

/// Two roads in a row that use every form, then one joined end to end.
fn chain() -> Vec<RoadSpec> {
    let forms = vec![
        line(100.0),
        Segment { length_m: 80.0, shape: Shape::Spiral { start_per_m: 0.0, end_per_m: 0.004 } },
        Segment { length_m: 150.0, shape: Shape::Arc { curvature_per_m: 0.004 } },
        Segment { length_m: 80.0, shape: Shape::Spiral { start_per_m: 0.004, end_per_m: -0.002 } },
    ];
    let mut first = RoadSpec::motorway("a", forms, 2, 3.6);
    first.speed_limit_mps = Some(120.0 / 3.6);
    first.successor = Some(("b".to_owned(), ContactPoint::Start));
    let (_, alone) = network_of(vec![RoadSpec { successor: None, ..first.clone() }]);
    let end = alone.roads[0].line.at(alone.roads[0].length_m);
    let ahead = |d: f64| [end.x_m + d * end.heading_rad.cos(), end.y_m + d * end.heading_rad.sin()];
    let mut second = RoadSpec::motorway("b", Vec::new(), 2, 3.6)
        .through(&[ahead(0.0), ahead(40.0), ahead(80.0), ahead(130.0), ahead(170.0)])
        .unwrap();
    second.predecessor = Some(("a".to_owned(), ContactPoint::End));
    vec![first, second]
}

#[test]
fn lanes_lead_from_road_to_road() {
    let (_, network) = network_of(chain());
    let start = LanePosition { road: RoadIndex(0), s_m: 20.0, lane: -2, offset_m: 0.5 };
    let mut at = start;
    let mut driven_m = 0.0;
    loop {
        let next = network.advance(at, 7.0).unwrap();
        let (from, to) = (network.lane_pose(at).unwrap(), network.lane_pose(next.position).unwrap());
        let moved_m = (from.x_m - to.x_m).hypot(from.y_m - to.y_m);
        assert!((moved_m - next.travelled_m).abs() < 0.02, "{at:?} {next:?} {moved_m}");
        driven_m += next.travelled_m;
        at = next.position;
        if next.end_of_road {
            break;
        }
    }
    assert_eq!((at.road, at.lane), (RoadIndex(1), -2));
    let middle = LanePosition { offset_m: 0.0, ..at };
    let apart = network.distance_between(LanePosition { offset_m: 0.0, ..start }, middle, 2_000.0).unwrap();
    assert!((apart - driven_m).abs() < 1.0, "{apart} {driven_m}");
    assert_eq!(network.distance_between(middle, start, 2_000.0).map(|d| d < 0.0), Some(true));
    assert_eq!(network.distance_between(middle, start, 100.0), None);
    let back = network.advance(at, -driven_m).unwrap().position;
    assert!((back.s_m - start.s_m).abs() < 1e-3, "{back:?}");
    assert_eq!(network.roads[0].speed_limit_mps(50.0, -1), Some(120.0 / 3.6));
}

#[test]
fn left_hand_traffic_runs_the_other_way() {
    let lane = |mark: &str| LaneSpec::new(LaneType::Driving, 3.5, RoadMark::white(mark));
    let road = RoadSpec {
        rule: TrafficRule::LeftHand,
        left: vec![lane("solid")],
        right: vec![lane("solid")],
        ..RoadSpec::motorway("1", vec![line(500.0)], 0, 3.5)
    };
    let (_, network) = network_of(vec![road]);
    let at = |lane| LanePosition { road: RoadIndex(0), s_m: 250.0, lane, offset_m: 0.0 };
    assert_eq!(network.advance(at(1), 10.0).unwrap().position.s_m, 260.0);
    assert_eq!(network.advance(at(-1), 10.0).unwrap().position.s_m, 240.0);
    assert!(network.lane_pose(at(-1)).unwrap().heading_rad.abs() > 3.1);
    assert_eq!(network.locate_toward(250.0, 1.75, 0.0).unwrap().lane.lane, 1);
}

#[test]
fn a_clothoid_ends_where_fresnel_says() {
    // Euler spiral of curvature s from 0 to 1: (C, S) by Abramowitz and Stegun 7.3, to 15 digits by series.
    let (mut x, mut y, mut term) = (0.0, 0.0, 1.0_f64);
    for n in 0..20 {
        let power = f64::from(2 * n);
        // The n-th term of exp(i s^2 / 2) integrated from 0 to 1.
        match n % 4 {
            0 => x += term / (power + 1.0),
            1 => y += term / (power + 1.0),
            2 => x -= term / (power + 1.0),
            _ => y -= term / (power + 1.0),
        }
        term /= 2.0 * f64::from(n + 1);
    }
    let piece = Segment { length_m: 1.0, shape: Shape::Spiral { start_per_m: 0.0, end_per_m: 1.0 } };
    let (_, network) = network_of(vec![RoadSpec::motorway("1", vec![piece], 1, 0.5)]);
    let end = network.roads[0].line.at(1.0);
    assert!((end.x_m - x).abs() < 1e-14 && (end.y_m - y).abs() < 1e-14, "{end:?} {x} {y}");
}

#[test]
fn bad_specifications_are_refused() {
    let refused =
        |roads: Vec<RoadSpec>| write_opendrive(&NetworkSpec { roads, ..NetworkSpec::default() }).unwrap_err().message;
    assert!(refused(vec![]).contains("no road"));
    assert!(refused(vec![RoadSpec::motorway("1", vec![], 1, 3.5)]).contains("geometry"));
    assert!(refused(vec![RoadSpec::motorway("1", vec![line(-1.0)], 1, 3.5)]).contains("length"));
    assert!(refused(vec![RoadSpec::motorway("1", vec![line(f64::NAN)], 1, 3.5)]).contains("length"));
    assert!(refused(vec![RoadSpec::motorway("1", vec![line(9.0)], 1, f64::NAN)]).contains("number"));
    assert!(
        refused(vec![
            RoadSpec::motorway("1", vec![line(9.0)], 1, 3.5),
            RoadSpec::motorway("1", vec![line(9.0)], 1, 3.5)
        ])
        .contains("twice")
    );
    assert!(RoadSpec::motorway("1", vec![], 1, 3.5).through(&[[0.0, 0.0], [0.0, 0.0]]).is_err());
}

#[test]
fn broken_files_are_refused_with_their_line() {
    let good = write_opendrive(&NetworkSpec { roads: chain(), ..NetworkSpec::default() }).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        assert!(good.contains(from), "{from}");
        let error = Network::parse("bad.xodr", &good.replacen(from, to, 1)).unwrap_err();
        assert!(error.message.contains(expected) && error.line > 1, "{error}");
    };
    check("<line/>", "<curve/>", "expected line");
    check("curvature=\"0.004\"", "curvature=\"left\"", "expected a finite number");
    check("curvature=\"0.004\"", "curvature=\"1e9\"", "wind up");
    check(" length=\"100\"", "", "length is missing");
    check("lane id=\"-2\"", "lane id=\"-3\"", "lane id");
    check("rule=\"RHT\"", "rule=\"both\"", "RHT or LHT");
    check("unit=\"m/s\"", "unit=\"knots\"", "km/h");
    check("contactPoint=\"start\"", "contactPoint=\"middle\"", "start or end");
    assert!(Network::parse("bad.xodr", "<OpenDRIVE><road").is_err());
    assert!(Network::parse("bad.xodr", "").is_err());
    let gone = Network::parse("odd.xodr", &good.replacen("elementId=\"b\"", "elementId=\"z\"", 1)).unwrap();
    assert!(
        gone.diagnostics.iter().any(|d| d.line > 1 && d.message.contains("does not exist")),
        "{:?}",
        gone.diagnostics
    );
}

#[test]
fn what_is_written_is_valid_opendrive() {
    let data = std::env::var_os("CLOVERLEAF_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let schema = data.join("xsd-asam/resources/schema/OpenDRIVE_1.7/localSchema/opendrive_17_core.xsd");
    // xmllint takes a schema that includes itself by another spelling of its path for a second schema.
    let Ok(schema) = schema.canonicalize() else {
        eprintln!("skipped what_is_written_is_valid_opendrive: {} absent", schema.display());
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made.xodr");
    std::fs::write(&file, network_of(chain()).0).unwrap();
    let run = |file: &Path| {
        std::process::Command::new("xmllint").arg("--noout").arg("--schema").arg(&schema).arg(file).output()
    };
    let Ok(output) = run(&file) else {
        eprintln!("skipped what_is_written_is_valid_opendrive: xmllint absent (Debian package libxml2-utils)");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The schema is really applied: a wrong word is noticed.
    std::fs::write(&file, network_of(chain()).0.replace("motorway", "autobahn")).unwrap();
    assert!(!run(&file).unwrap().status.success());
}

fn segment() -> impl Strategy<Value = Segment> {
    let curvature = -0.01..0.01_f64;
    let shape = prop_oneof![
        Just(Shape::Line),
        curvature.clone().prop_map(|curvature_per_m| Shape::Arc { curvature_per_m }),
        (curvature.clone(), curvature).prop_map(|(start_per_m, end_per_m)| Shape::Spiral { start_per_m, end_per_m }),
    ];
    (5.0..150.0_f64, shape).prop_map(|(length_m, shape)| Segment { length_m, shape })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Road to world and back is the same place to a millimetre, wherever the road lies.
    #[test]
    fn there_and_back(
        segments in prop::collection::vec(segment(), 1..6),
        origin in (-1e6..1e6_f64, -1e6..1e6_f64, -3.0..3.0_f64),
        fraction in 0.0..1.0_f64,
        t_m in -12.0..-0.01_f64,
    ) {
        let mut road = RoadSpec::motorway("1", segments, 3, 3.7);
        (road.x_m, road.y_m, road.heading_rad) = origin;
        let (_, network) = network_of(vec![road]);
        let road = &network.roads[0];
        let s_m = fraction * road.length_m;
        let pose = network.pose(RoadPosition { road: RoadIndex(0), s_m, t_m }).unwrap();
        let found = network.locate(pose.x_m, pose.y_m).unwrap();
        prop_assert!(found.outside_m < 1e-3);
        let back = network.lane_pose(found.lane).unwrap();
        prop_assert!((back.x_m - pose.x_m).hypot(back.y_m - pose.y_m) < 1e-3);
        // A road that turns by more than half a circle can cross itself: only then may another s be found.
        let turn: f64 = road.line.pieces().map(|piece| match piece.shape {
            Shape::Arc { curvature_per_m } => curvature_per_m.abs() * piece.length_m,
            Shape::Spiral { start_per_m, end_per_m } => start_per_m.abs().max(end_per_m.abs()) * piece.length_m,
            _ => 0.0,
        }).sum();
        if turn < 3.0 {
            prop_assert!((found.lane.s_m - s_m).abs() < 1e-3 && (found.t_m - t_m).abs() < 1e-3, "{s_m} {t_m} {found:?}");
        }
    }

    /// Going on and back by the same distance ends where it began.
    #[test]
    fn on_and_back(segments in prop::collection::vec(segment(), 1..6), distance_m in 0.0..200.0_f64, offset_m in -1.0..1.0_f64) {
        let (_, network) = network_of(vec![RoadSpec::motorway("1", segments, 2, 3.5)]);
        let start = LanePosition { road: RoadIndex(0), s_m: 0.5, lane: -1, offset_m };
        let on = network.advance(start, distance_m).unwrap();
        let back = network.advance(on.position, -on.travelled_m).unwrap();
        prop_assert!((back.position.s_m - start.s_m).abs() < 2e-3, "{on:?} {back:?}");
    }

    /// Whatever a file says, reading it and asking it ends in an answer or an error, not in a panic.
    #[test]
    fn damaged_files_do_no_harm(edits in prop::collection::vec((0..10_000_usize, "[-0-9.e\"<>a-z/ ]{0,4}"), 1..5)) {
        let mut text: String = write_opendrive(&NetworkSpec { roads: chain(), ..NetworkSpec::default() }).unwrap();
        for (at, new) in edits {
            let at = at % (text.len() - 4);
            text.replace_range(at..at + 1, &new);
        }
        if let Ok(network) = Network::parse("damaged.xodr", &text) {
            for (x_m, y_m) in [(0.0, 0.0), (1e12, -1e12)] {
                if let Some(found) = network.locate(x_m, y_m) {
                    for distance_m in [1e4, -1e4] {
                        network.advance(found.lane, distance_m);
                    }
                    network.distance_between(found.lane, found.lane, 100.0);
                }
            }
        }
    }
}
