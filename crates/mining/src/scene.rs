//! A finding as files: the fitted road as OpenDRIVE, the replayed target and the ego vehicle under test as OpenSCENARIO.

use chrono::{DateTime, SecondsFormat};
use cloverleaf_road::{NetworkSpec, RoadSpec, Segment, write_opendrive};
use cloverleaf_scenario::model::{
    Act, Action, ActionKind, ActivateController, BoundingBox, Condition, ConditionEdge, ConditionGroup, ConditionKind,
    Controller, DynamicsDimension, DynamicsShape, EntityObject, Event, FileHeader, FollowTrajectoryAction,
    FollowingMode, InitAction, Maneuver, ManeuverGroup, Orientation, Position, Priority, PrivateAction, Property,
    Reference, Rule, Scenario, ScenarioObject, SpeedAction, SpeedTarget, Story, Storyboard, Timing, Trajectory,
    TrajectoryShape, TransitionDynamics, Trigger, ValueCondition, Vehicle, VehicleCategory, Vertex,
};
use cloverleaf_vocabulary::ActorClass;

use crate::find::{Found, ground_speed};
use crate::mine::Provenance;
use crate::rows::ClipRow;
use crate::situation::Situation;
use crate::tracks::{ClipTracks, Track};

/// Name of the entity under test.
pub const EGO: &str = "Ego";
/// Name of the replayed entity.
pub const TARGET: &str = "Target";
/// Name of the ego vehicle's controller: the system under test.
pub const CONTROLLER: &str = "HighwayPilot";
/// Name of the road file beside the scenario.
pub const ROAD_FILE: &str = "road.xodr";

/// Id of the only road.
const ROAD: &str = "0";
/// Time between vertices of the trajectory, s.
const VERTEX_STEP_S: f64 = 0.1;
/// Rear axle to rear end of a car, m: that of `Vehicle::passenger_car`.
const REAR_OVERHANG_M: f64 = 0.9;
/// More lanes to either side are not believed.
const MAX_LANES_ASIDE: i32 = 4;

/// The two files' text and how well the replay meets the record.
pub struct Scene {
    pub xosc: String,
    pub xodr: String,
    pub rmse_m: f64,
}

struct Lanes {
    count: usize,
    /// From the middle of lane 0 to the left edge of the carriageway, m.
    left_edge_m: f64,
}

/// Writes a finding. `provenance` goes into the header; the error says what cannot be written.
pub fn scene(
    clip: &ClipTracks,
    found: &Found,
    situation: &Situation,
    row: &ClipRow,
    provenance: &Provenance,
    id: &str,
) -> Result<Scene, String> {
    let track = &clip.tracks[found.track];
    let lanes = lanes(clip, track, found.span_s)?;
    let road = clip.road.shifted_left(lanes.left_edge_m)?;
    let vehicle = target_vehicle(track);
    let vertices = vertices(clip, track, found.span_s, vehicle.bounding_box)?;
    let rmse_m = replay_rmse_m(track, &vertices, found.span_s, vehicle.bounding_box)?;

    let start_s = found.span_s.0;
    let own = clip.own.at(start_s).ok_or("the own path does not reach the scenario's start")?;
    let (s_m, t_m) = road.project(own.x_m, own.y_m, clip.own_place(start_s).map_or(0.0, |place| place.0));
    let rightwards = ((-t_m / clip.lane_width_m).floor().max(0.0) as i32).min(lanes.count as i32 - 1);
    let ego_lane = -(rightwards + 1);
    let middle_t_m = -(f64::from(rightwards) + 0.5) * clip.lane_width_m;
    let turned_rad = cloverleaf_road::wrap_angle(own.heading_rad - road.line.at(s_m).heading_rad);
    let ego_start = Position::Lane {
        road: ROAD.to_owned(),
        lane: ego_lane,
        s_m: rounded(s_m),
        offset_m: rounded(t_m - middle_t_m),
        orientation: Orientation { reference: Reference::Relative, h_rad: rounded(turned_rad), p_rad: 0.0, r_rad: 0.0 },
    };
    let begin = track.at(start_s).ok_or("the track does not reach the scenario's start")?;
    let first = vertices.first().map(|vertex| vertex.position.clone()).ok_or("the trajectory is empty")?;
    let duration_s = rounded(found.span_s.1 - start_s);

    let scenario = Scenario {
        header: header(clip, found, situation, row, provenance, rmse_m),
        road_file: Some(ROAD_FILE.to_owned()),
        entities: vec![
            ScenarioObject {
                name: EGO.to_owned(),
                object: EntityObject::Vehicle(Vehicle::passenger_car("ego_car")),
                controllers: vec![Controller {
                    name: CONTROLLER.to_owned(),
                    kind: None,
                    properties: vec![property("role", "system-under-test"), property("driver", "highway-pilot")],
                }],
            },
            ScenarioObject { name: TARGET.to_owned(), object: EntityObject::Vehicle(vehicle), controllers: Vec::new() },
        ],
        storyboard: Storyboard {
            init: [
                (EGO, PrivateAction::Teleport(ego_start)),
                (EGO, speed(own.speed_mps)),
                (
                    EGO,
                    PrivateAction::ActivateController(ActivateController {
                        lateral: Some(true),
                        longitudinal: Some(true),
                        ..ActivateController::default()
                    }),
                ),
                (TARGET, PrivateAction::Teleport(first)),
                (TARGET, speed(ground_speed(clip, &begin))),
            ]
            .into_iter()
            .map(|(entity, action)| InitAction::Private { entity: entity.to_owned(), action })
            .collect(),
            stories: vec![replay(vertices)],
            stop_trigger: at_time("the record ends", duration_s),
        },
        ..Scenario::default()
    };
    let xosc = cloverleaf_scenario::write(&scenario).map_err(|e| e.to_string())?;
    let line = road.line.at(0.0);
    let segments = road.line.pieces().map(|piece| Segment { length_m: piece.length_m, shape: piece.shape }).collect();
    let network = NetworkSpec {
        name: id.to_owned(),
        vendor: provenance.software.clone(),
        date: scenario.header.date.clone(),
        geo_reference: clip.own.anchor.map(|anchor| {
            let origin = anchor.origin;
            format!(
                "+proj=tmerc +lat_0={:.9} +lon_0={:.9} +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs",
                origin.latitude_deg, origin.longitude_deg
            )
        }),
        roads: vec![RoadSpec {
            name: format!("fitted to the drive of {}", provenance.clip_id),
            x_m: line.x_m,
            y_m: line.y_m,
            heading_rad: line.heading_rad,
            ..RoadSpec::motorway(ROAD, segments, lanes.count, clip.lane_width_m)
        }],
    };
    let xodr = write_opendrive(&network).map_err(|e| e.to_string())?;
    Ok(Scene { xosc, xodr, rmse_m })
}

/// Every lane that ego or target use, and one on either side of the ego vehicle's first.
fn lanes(clip: &ClipTracks, track: &Track, (from_s, to_s): (f64, f64)) -> Result<Lanes, String> {
    let lane_of = |d_m: f64| (d_m / clip.lane_width_m).round() as i32;
    let first = clip.own_lane(from_s).map_or(0, |lane| lane.0);
    let (mut low, mut high) = (first - 1, first + 1);
    let mut t_s = from_s;
    while t_s <= to_s {
        let places = [clip.own_place(t_s).map(|place| place.1), track.at(t_s).map(|state| state.d_m)];
        for lane in places.into_iter().flatten().map(lane_of) {
            low = low.min(lane);
            high = high.max(lane);
        }
        t_s += 0.1;
    }
    if low < first - MAX_LANES_ASIDE || high > first + MAX_LANES_ASIDE {
        return Err(format!("not physically consistent: the tracks spread over {} lanes", high - low + 1));
    }
    Ok(Lanes {
        count: usize::try_from(high - low + 1).unwrap_or(3),
        left_edge_m: (f64::from(high) + 0.5) * clip.lane_width_m,
    })
}

fn target_vehicle(track: &Track) -> Vehicle {
    let mut vehicle = Vehicle::passenger_car("target_vehicle");
    let (category, length_m, height_m) = match track.class {
        ActorClass::Truck => (VehicleCategory::Truck, 12.0, 3.5),
        ActorClass::Bus => (VehicleCategory::Bus, 12.0, 3.2),
        ActorClass::Van => (VehicleCategory::Van, 5.5, 2.2),
        ActorClass::Motorbike => (VehicleCategory::Motorbike, 2.2, 1.5),
        ActorClass::Bicycle => (VehicleCategory::Bicycle, 1.8, 1.7),
        _ => (VehicleCategory::Car, 4.6, 1.5),
    };
    let length_m = track.length_m.filter(|m| (0.5..=30.0).contains(m)).unwrap_or(length_m);
    let overhang_m = REAR_OVERHANG_M.min(length_m / 4.0);
    vehicle.category = category;
    vehicle.bounding_box = BoundingBox {
        center_x_m: rounded(length_m / 2.0 - overhang_m),
        center_y_m: 0.0,
        center_z_m: height_m / 2.0,
        length_m: rounded(length_m),
        width_m: rounded(track.width_or_usual_m()),
        height_m,
    };
    if let Some(front) = vehicle.front_axle.as_mut() {
        front.position_x_m = rounded(length_m - 2.0 * overhang_m);
    }
    vehicle
}

/// From the rear end to the reference point, m.
fn rear_m(extent: BoundingBox) -> f64 {
    extent.length_m / 2.0 - extent.center_x_m
}

fn vertices(
    clip: &ClipTracks,
    track: &Track,
    (from_s, to_s): (f64, f64),
    extent: BoundingBox,
) -> Result<Vec<Vertex>, String> {
    let steps = ((to_s - from_s) / VERTEX_STEP_S - 1e-6).ceil().max(1.0) as usize;
    (0..=steps)
        .map(|i| {
            let t_s = (from_s + i as f64 * VERTEX_STEP_S).min(to_s);
            let state = track.at(t_s).ok_or_else(|| format!("the track has no state at {t_s:.2} s"))?;
            let (x_m, y_m, road_rad) = clip.road.pose(state.s_m, state.d_m);
            let speed = ground_speed(clip, &state);
            // At walking pace the direction of movement says nothing of the heading.
            let slant_rad = if speed > 2.0 { state.lateral_mps.atan2(speed) } else { 0.0 };
            let h_rad = cloverleaf_road::wrap_angle(road_rad + slant_rad);
            let ahead_m = rear_m(extent);
            Ok(Vertex {
                time_s: Some(rounded(t_s - from_s)),
                position: Position::world(
                    rounded(x_m + ahead_m * h_rad.cos()),
                    rounded(y_m + ahead_m * h_rad.sin()),
                    rounded(h_rad),
                ),
            })
        })
        .collect()
}

/// Root mean square distance between the detections of the target and the rear end of the vehicle that follows the written
/// trajectory, at the detections' times.
fn replay_rmse_m(
    track: &Track,
    vertices: &[Vertex],
    (from_s, to_s): (f64, f64),
    extent: BoundingBox,
) -> Result<f64, String> {
    let poses: Vec<(f64, f64, f64, f64)> = vertices
        .iter()
        .filter_map(|vertex| match (vertex.time_s, &vertex.position) {
            (Some(t_s), Position::World { x_m, y_m, h_rad, .. }) => Some((t_s, *x_m, *y_m, *h_rad)),
            _ => None,
        })
        .collect();
    let (mut squares, mut count) = (0.0, 0usize);
    for detection in track.detections.iter().filter(|d| (from_s..=to_s).contains(&d.t_s)) {
        let t_s = detection.t_s - from_s;
        let next = poses.partition_point(|pose| pose.0 <= t_s).clamp(1, poses.len() - 1);
        let (a, b) = (poses[next - 1], poses[next]);
        let part = ((t_s - a.0) / (b.0 - a.0)).clamp(0.0, 1.0);
        let h_rad = a.3 + part * cloverleaf_road::wrap_angle(b.3 - a.3);
        let x_m = a.1 + part * (b.1 - a.1) - rear_m(extent) * h_rad.cos();
        let y_m = a.2 + part * (b.2 - a.2) - rear_m(extent) * h_rad.sin();
        squares += (x_m - detection.x_m).powi(2) + (y_m - detection.y_m).powi(2);
        count += 1;
    }
    if count == 0 {
        Err("no detection of the target lies in the scenario's time".to_owned())
    } else {
        Ok((squares / count as f64).sqrt())
    }
}

fn header(
    clip: &ClipTracks,
    found: &Found,
    situation: &Situation,
    row: &ClipRow,
    provenance: &Provenance,
    rmse_m: f64,
) -> FileHeader {
    let track = &clip.tracks[found.track];
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let mut properties = vec![
        property("situation", &situation.name),
        property("clip", &provenance.clip_id),
        property("vehicle", &provenance.vehicle_id),
        property("boot", &provenance.boot_id),
        property("clip_sha256", &provenance.clip_sha256),
        property("origin", &row.origin),
        property("start_boot_ns", &provenance.start_boot_ns.to_string()),
        property("end_boot_ns", &provenance.end_boot_ns.to_string()),
        property("start_utc", &text(&provenance.start_utc)),
        property("end_utc", &text(&provenance.end_utc)),
        property("rule", &provenance.rule_id.clone().unwrap_or_else(|| "none".to_owned())),
        property("software", &provenance.software),
        property("target_tracks", &provenance.target_tracks.join(", ")),
        property("target_detections", &track.detections.len().to_string()),
        property("replay_rmse_m", &format!("{rmse_m:.3}")),
        property("road_fit_rms_m", &format!("{:.3}", clip.road.deviation_rms_m)),
        property("road_fit_max_m", &format!("{:.3}", clip.road.deviation_max_m)),
        property("lane_width_m", &format!("{:.3}", clip.lane_width_m)),
    ];
    if let Some(anchor) = clip.own.anchor {
        properties.push(property("position_misfit_rms_m", &format!("{:.3}", anchor.misfit_m)));
    }
    if let Some(seconds) = row.utc_uncertainty_s {
        properties.push(property("utc_uncertainty_s", &seconds.to_string()));
    }
    properties.extend(found.parameters.iter().map(|(name, value)| property(name, &format!("{value:.4}"))));
    let assumptions = clip.assumptions.iter().chain(&found.assumptions);
    properties.extend(assumptions.enumerate().map(|(i, text)| property(&format!("assumption_{}", i + 1), text)));
    let get = |name: &str| found.parameters.iter().find(|(n, _)| *n == name).map_or(f64::NAN, |(_, value)| *value);
    let description = format!(
        "{}. Mined from clip {} of vehicle {}: ego {:.1} m/s, {} {:.1} m/s, {:.1} m ahead at the start of the situation. {} follows its recorded and smoothed path (RMSE {:.2} m); {} starts in its recorded state and is driven by the system under test.",
        situation.description.trim_end_matches('.'),
        provenance.clip_id,
        provenance.vehicle_id,
        get("Ve0_mps"),
        TARGET,
        get("Vo0_mps"),
        get("dx0_m"),
        TARGET,
        rmse_m,
        EGO,
    );
    FileHeader {
        rev_minor: 2,
        date: provenance.start_utc.clone().unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned()),
        description,
        author: provenance.software.clone(),
        properties,
    }
}

fn replay(vertices: Vec<Vertex>) -> Story {
    let follow = PrivateAction::FollowTrajectory(FollowTrajectoryAction {
        trajectory: Trajectory {
            name: "recorded path".to_owned(),
            closed: false,
            shape: TrajectoryShape::Polyline(vertices),
        },
        time_reference: Some(Timing { domain: Reference::Absolute, scale: 1.0, offset_s: 0.0 }),
        following: FollowingMode::Position,
        initial_distance_offset_m: 0.0,
    });
    let event = Event {
        name: "target follows its recorded path".to_owned(),
        priority: Priority::Override,
        maximum_execution_count: 1,
        actions: vec![Action { name: "follow recorded path".to_owned(), kind: ActionKind::Private(follow) }],
        start_trigger: Some(at_time("from the start", 0.0)),
    };
    let group = ManeuverGroup {
        name: "target".to_owned(),
        maximum_execution_count: 1,
        actors: vec![TARGET.to_owned()],
        select_triggering_entities: false,
        maneuvers: vec![Maneuver { name: "recorded manoeuvre".to_owned(), events: vec![event] }],
    };
    let act = Act {
        name: "replay".to_owned(),
        maneuver_groups: vec![group],
        start_trigger: Some(at_time("start", 0.0)),
        stop_trigger: None,
    };
    Story { name: "recorded situation".to_owned(), acts: vec![act] }
}

fn at_time(name: &str, value_s: f64) -> Trigger {
    let kind = ConditionKind::Value(ValueCondition::SimulationTime { value_s, rule: Rule::GreaterOrEqual });
    let condition = Condition { name: name.to_owned(), delay_s: 0.0, edge: ConditionEdge::None, kind };
    Trigger { groups: vec![ConditionGroup { conditions: vec![condition] }] }
}

fn speed(mps: f64) -> PrivateAction {
    PrivateAction::Speed(SpeedAction {
        dynamics: TransitionDynamics { shape: DynamicsShape::Step, dimension: DynamicsDimension::Time, value: 0.0 },
        target: SpeedTarget::Absolute(rounded(mps)),
    })
}

fn property(name: &str, value: &str) -> Property {
    Property { name: name.to_owned(), value: value.to_owned() }
}

/// To a tenth of a millimetre, a ten-thousandth of a radian or of a second: what the text of the files needs.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// ISO 8601 of UTC microseconds since 1970.
pub fn utc_text(us: i64) -> Option<String> {
    DateTime::from_timestamp_micros(us).map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true))
}
