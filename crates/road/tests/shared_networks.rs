//! Every OpenDRIVE file of the shared data loads, and its lanes can be driven.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use cloverleaf_road::{LanePosition, Network, RoadIndex, RoadLink, RoadPosition};

fn data() -> PathBuf {
    std::env::var_os("CLOVERLEAF_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from)
}

fn networks(test: &str) -> Vec<(String, Network)> {
    let folders =
        ["esmini/resources/xodr", "osc-alks/logical_scenarios/concrete_scenarios/road_networks", "carla-xodr"];
    let mut out = Vec::new();
    for folder in folders.map(|folder| data().join(folder)) {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            eprintln!("skipped {test}: {} absent", folder.display());
            continue;
        };
        let mut files: Vec<_> =
            entries.map(|entry| entry.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "xodr")).collect();
        files.sort();
        for file in files {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&file).unwrap();
            out.push((name.clone(), Network::parse(&name, &text).unwrap_or_else(|e| panic!("{e}"))));
        }
    }
    out
}

#[test]
fn every_file_loads_and_points_come_back_to_a_millimetre() {
    for (name, network) in networks("every_file_loads_and_points_come_back_to_a_millimetre") {
        for diagnostic in &network.diagnostics {
            println!("{name}: {diagnostic}");
        }
        for (index, road) in (0u32..).zip(&network.roads) {
            for i in 1..40 {
                let s_m = road.length_m * f64::from(i) / 40.0;
                let section = road.section_at(s_m).unwrap();
                for lane in section.lanes() {
                    // Past the centre of curvature the foot point is not unique and t is no coordinate.
                    let t_m = road.lane_center_t(s_m, lane.id).unwrap() + 0.3;
                    if road.lane_width(s_m, lane.id).unwrap() < 0.7 || road.line.at(s_m).curvature_per_m * t_m > 0.9 {
                        continue;
                    }
                    let position = RoadPosition { road: RoadIndex(index), s_m, t_m };
                    let pose = network.pose(position).unwrap();
                    let found = network.locate_on(RoadIndex(index), pose.x_m, pose.y_m).unwrap();
                    let back = network.lane_pose(found.lane).unwrap();
                    let off = (back.x_m - pose.x_m).hypot(back.y_m - pose.y_m);
                    assert!(
                        off < 1e-3 && found.outside_m < 1e-3,
                        "{name} road {} s {s_m} lane {}: {off} m",
                        road.id,
                        lane.id
                    );
                    let anywhere = network.locate(pose.x_m, pose.y_m).unwrap();
                    assert!(
                        anywhere.outside_m < 1e-3,
                        "{name} road {} s {s_m} lane {}: {anywhere:?}",
                        road.id,
                        lane.id
                    );
                }
            }
        }
    }
}

#[test]
fn driving_on_is_continuous() {
    for (name, network) in networks("driving_on_is_continuous") {
        let mut changed_road = 0;
        for (index, road) in (0u32..).zip(&network.roads) {
            for lane in road.sections[0].lanes().filter(|lane| lane.kind.is_drivable()) {
                let start = LanePosition {
                    road: RoadIndex(index),
                    s_m: 0.5 * road.sections[0].end_m,
                    lane: lane.id,
                    offset_m: 0.0,
                };
                let mut at = start;
                for _ in 0..200 {
                    let next = network.advance(at, 2.0).unwrap();
                    let (from, to) = (network.lane_pose(at).unwrap(), network.lane_pose(next.position).unwrap());
                    let moved = (from.x_m - to.x_m).hypot(from.y_m - to.y_m);
                    // Sharp junction paths and small steps between roads are in the files; a jump is not.
                    assert!(moved < next.travelled_m + 0.3, "{name}: {at:?} to {next:?} moved {moved}");
                    if next.position.road != at.road {
                        changed_road += 1;
                    }
                    at = next.position;
                    if next.end_of_road {
                        break;
                    }
                }
            }
        }
        let leads_on = |(index, road): (u32, &cloverleaf_road::Road)| {
            [road.predecessor, road.successor].iter().any(|link| match link {
                Some(RoadLink::Road(other, _)) => *other != RoadIndex(index),
                Some(RoadLink::Junction(_)) => true,
                None => false,
            })
        };
        let linked = (0u32..).zip(&network.roads).any(leads_on);
        assert_eq!(changed_road > 0, linked, "{name}: roads that are linked lead on, others do not");
    }
}
