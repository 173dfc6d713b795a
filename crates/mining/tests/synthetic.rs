//! Drives of known truth, measured with noise, through the whole of mining.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests they serve")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use cloverleaf_mining::{Candidate, ClipInput, ClipRow, Mined, MinedScenario, ObjectRow, SignalRow, Workflow, mine};
use cloverleaf_road::Network;
use cloverleaf_vocabulary::{ActorClass, Draw, LocalFrame, Wgs84};

const LANE_M: f64 = 3.75;
const AXLE_TO_BUMPER_M: f64 = 3.7;
const START_NS: i64 = 7_000_000_000;

/// A road user: s and d over time on the true road.
type Motion = Box<dyn Fn(f64) -> (f64, f64)>;

struct Actor {
    id: i64,
    motion: Motion,
    /// Seen only where this holds.
    seen: Box<dyn Fn(f64) -> bool>,
    class: Option<ActorClass>,
}

struct Drive {
    seconds: f64,
    curvature: fn(f64) -> f64,
    ego: Motion,
    actors: Vec<Actor>,
    noise: f64,
    seed: u64,
    lanes_reported: bool,
    positions_reported: bool,
    clutter: usize,
}

impl Drive {
    fn new(seconds: f64, ego: impl Fn(f64) -> (f64, f64) + 'static) -> Self {
        Self {
            seconds,
            curvature: |_| 0.0,
            ego: Box::new(ego),
            actors: Vec::new(),
            noise: 1.0,
            seed: 1,
            lanes_reported: false,
            positions_reported: false,
            clutter: 0,
        }
    }

    fn actor(mut self, id: i64, motion: impl Fn(f64) -> (f64, f64) + 'static) -> Self {
        self.actors.push(Actor { id, motion: Box::new(motion), seen: Box::new(|_| true), class: None });
        self
    }

    /// Measures the drive: 20 Hz signals, object lists every 1/17 s.
    fn measure(&self) -> ClipInput {
        let line = Line::new(self.curvature, 3_000.0);
        let mut draw = Draw::new(self.seed, 0, 0);
        let ns = |t_s: f64| START_NS + (t_s * 1e9) as i64;
        let frame = LocalFrame::at(Wgs84 { latitude_deg: 30.1, longitude_deg: 114.2, altitude_m: 0.0 });
        let mut signals = Vec::new();
        for i in 0..=(self.seconds / 0.05) as usize {
            let t_s = i as f64 * 0.05;
            let pose = line.pose(&self.ego, t_s);
            let (_, d) = (self.ego)(t_s);
            let yaw = (line.pose(&self.ego, t_s + 0.01).2 - line.pose(&self.ego, t_s - 0.01).2) / 0.02;
            let place = frame.place_from_enu([
                pose.0 + 0.8 * self.noise * draw.normal(),
                pose.1 + 0.8 * self.noise * draw.normal(),
                0.0,
            ]);
            let lane = (d / LANE_M).round();
            signals.push(SignalRow {
                boot_ns: ns(t_s),
                speed_mps: Some(line.speed(&self.ego, t_s) + 0.05 * self.noise * draw.normal()),
                yaw_rate_radps: Some(yaw + 0.003 * self.noise * draw.normal()),
                latitude_deg: self.positions_reported.then_some(place.latitude_deg),
                longitude_deg: self.positions_reported.then_some(place.longitude_deg),
                lane_offset_m: self.lanes_reported.then(|| d - lane * LANE_M + 0.03 * self.noise * draw.normal()),
                lane_width_m: self.lanes_reported.then_some(LANE_M),
            });
        }
        let mut objects = Vec::new();
        for i in 0..(self.seconds * 17.0) as usize {
            let t_s = i as f64 / 17.0;
            for actor in self.actors.iter().filter(|actor| (actor.seen)(t_s)) {
                let (x, y) = line.relative(&self.ego, &actor.motion, t_s);
                let before = line.relative(&self.ego, &actor.motion, t_s - 0.005);
                let after = line.relative(&self.ego, &actor.motion, t_s + 0.005);
                if x < 0.5 || x.hypot(y) > 160.0 {
                    continue;
                }
                objects.push(ObjectRow {
                    boot_ns: ns(t_s),
                    sensor: "front".into(),
                    object_id: actor.id,
                    class: actor.class,
                    x_m: x + 0.2 * self.noise * draw.normal(),
                    y_m: y + self.noise * (0.1 + 0.003 * x) * draw.normal(),
                    vx_mps: Some((after.0 - before.0) / 0.01 + 0.15 * self.noise * draw.normal()),
                    length_m: None,
                    width_m: None,
                });
            }
            for _ in 0..self.clutter {
                objects.push(ObjectRow {
                    boot_ns: ns(t_s),
                    sensor: "front".into(),
                    object_id: draw.below(40) as i64,
                    class: None,
                    x_m: draw.uniform(1.0, 150.0),
                    y_m: draw.uniform(-12.0, 12.0),
                    vx_mps: Some(draw.uniform(-35.0, 10.0)),
                    length_m: None,
                    width_m: None,
                });
            }
        }
        let end_boot_ns = ns(self.seconds);
        let candidate = |situation: &str, rule_id: Option<&str>| Candidate {
            situation: situation.into(),
            clip_id: "clip-0123456789abcdef".into(),
            start_boot_ns: START_NS,
            end_boot_ns,
            rule_id: rule_id.map(Into::into),
        };
        ClipInput {
            clip: ClipRow {
                clip_id: "clip-0123456789abcdef".into(),
                vehicle_id: "test-1".into(),
                boot_id: "boot-test-1".into(),
                start_boot_ns: START_NS,
                end_boot_ns,
                start_utc_us: Some(1_795_000_000_000_000),
                sha256: "ab".repeat(32),
                origin: "synthetic <test> & \"truth\"".into(),
                utc_uncertainty_s: Some(0.001),
            },
            signals,
            objects,
            candidates: vec![
                candidate("cut-in", None),
                candidate("cut-in", Some("cut-in")),
                candidate("car-following", None),
            ],
        }
    }

    /// Truth at a clip time: gap, ego speed, target speed.
    fn truth(&self, id: i64, t_s: f64) -> (f64, f64, f64) {
        let line = Line::new(self.curvature, 3_000.0);
        let motion = &self.actors.iter().find(|actor| actor.id == id).unwrap().motion;
        let (ego, target) = ((self.ego)(t_s), motion(t_s));
        (target.0 - ego.0 - AXLE_TO_BUMPER_M, line.speed(&self.ego, t_s), line.speed(motion, t_s))
    }
}

/// The true reference line, 0.5 m apart.
struct Line(Vec<(f64, f64, f64)>);

impl Line {
    fn new(curvature: fn(f64) -> f64, length_m: f64) -> Self {
        let (mut x, mut y, mut h) = (0.0, 0.0, 0.4f64);
        let mut points = Vec::new();
        for i in 0..(length_m / 0.5) as usize {
            points.push((x, y, h));
            let k = curvature(i as f64 * 0.5 + 0.25);
            x += 0.5 * (h + 0.25 * k).cos();
            y += 0.5 * (h + 0.25 * k).sin();
            h += 0.5 * k;
        }
        Self(points)
    }

    fn at(&self, s: f64) -> (f64, f64, f64) {
        let s = s + 100.0;
        let i = (s / 0.5).floor();
        let (a, b, part) = (self.0[i as usize], self.0[i as usize + 1], s / 0.5 - i);
        (a.0 + part * (b.0 - a.0), a.1 + part * (b.1 - a.1), a.2 + part * (b.2 - a.2))
    }

    fn xy(&self, (s, d): (f64, f64)) -> (f64, f64, f64) {
        let (x, y, h) = self.at(s);
        (x - d * h.sin(), y + d * h.cos(), h)
    }

    fn pose(&self, motion: &Motion, t_s: f64) -> (f64, f64, f64) {
        let (x, y, h) = self.xy(motion(t_s));
        let ((s0, d0), (s1, d1)) = (motion(t_s - 0.01), motion(t_s + 0.01));
        (x, y, h + ((d1 - d0) / (s1 - s0).max(1e-6)).atan())
    }

    fn speed(&self, motion: &Motion, t_s: f64) -> f64 {
        let (a, b) = (self.xy(motion(t_s - 0.05)), self.xy(motion(t_s + 0.05)));
        (b.0 - a.0).hypot(b.1 - a.1) / 0.1
    }

    /// The target's rear in the ego vehicle's frame.
    fn relative(&self, ego: &Motion, target: &Motion, t_s: f64) -> (f64, f64) {
        let (ex, ey, eh) = self.pose(ego, t_s);
        let (tx, ty, _) = self.xy(target(t_s));
        let (dx, dy) = (tx - ex, ty - ey);
        (dx * eh.cos() + dy * eh.sin() - AXLE_TO_BUMPER_M, dy * eh.cos() - dx * eh.sin())
    }
}

/// From one offset to another between two times, half a sine of lateral acceleration to either side.
fn change(t_s: f64, from_s: f64, to_s: f64, from_m: f64, to_m: f64) -> f64 {
    let u = ((t_s - from_s) / (to_s - from_s)).clamp(0.0, 1.0);
    from_m + (to_m - from_m) * (u - (std::f64::consts::TAU * u).sin() / std::f64::consts::TAU)
}

fn workflow() -> Workflow {
    Workflow::parse(include_str!("../../../pipelines/mining.toml"), "pipelines/mining.toml").unwrap()
}

fn of<'a>(mined: &'a Mined, situation: &str) -> Vec<&'a MinedScenario> {
    mined.scenarios.iter().filter(|s| s.situation == situation).collect()
}

fn reasons(mined: &Mined) -> String {
    mined.rejected.iter().map(|r| format!("{}: {}\n", r.candidate.situation, r.reason)).collect()
}

/// A cut-in at 25 m/s: from `side` lanes away, 15 m ahead and 4 m/s slower, in 3.6 s.
fn cut_in_drive(side: f64) -> Drive {
    Drive::new(18.0, |t| (25.0 * t, 0.0))
        .actor(11, move |t| (21.0 * t + 45.0 + AXLE_TO_BUMPER_M, change(t, 6.0, 9.6, side * LANE_M, 0.0)))
}

fn check_cut_in(name: &str, drive: &Drive) {
    let mined = mine(&workflow(), &drive.measure());
    let found = of(&mined, "cut-in");
    assert_eq!(found.len(), 1, "{name}: {}", reasons(&mined));
    let scenario = found[0];
    let get = |key: &str| scenario.parameter(key).unwrap_or_else(|| panic!("{name}: no {key}"));
    let start_s = (scenario.provenance.start_boot_ns - START_NS) as f64 / 1e9;
    let target_d = |t_s: f64| (drive.actors.iter().find(|actor| actor.id == 11).unwrap().motion)(t_s).1;
    let near = |key: &str, truth: f64, tolerance: f64| {
        assert!((get(key) - truth).abs() <= tolerance, "{name}: {key} is {}, truth {truth}", get(key));
    };
    let begin_s = start_s + get("lane_change_start_s");
    let (gap, ego, target) = drive.truth(11, begin_s);
    near("dx0_m", gap, 0.5);
    near("Ve0_mps", ego, 0.3);
    near("Vo0_mps", target, 0.3);
    // The side of a car 1.85 m wide is 0.3 m over the marking.
    let true_s =
        (0..1800).map(|i| f64::from(i) * 0.01).find(|t| target_d(*t).abs() < (LANE_M + 1.85) / 2.0 - 0.3).unwrap();
    let (gap, ego, target) = drive.truth(11, true_s);
    near("intrusion_s", true_s - start_s, 0.3);
    near("dx_intrusion_m", gap, 1.5);
    near("Ve_intrusion_mps", ego, 0.3);
    near("Vo_intrusion_mps", target, 0.3);
    let peak = (0..1800)
        .map(|i| f64::from(i) * 0.01)
        .map(|t| (target_d(t + 0.05) - target_d(t - 0.05)).abs() / 0.1)
        .fold(0.0, f64::max);
    near("Vy_mps", peak, 0.3);
    assert!(scenario.rmse_m < 0.6 * drive.noise.max(0.5), "{name}: RMSE {}", scenario.rmse_m);
    assert!(scenario.provenance.rule_id.as_deref() == Some("cut-in"), "{name}: the rule's candidate names it");
    check_files(name, scenario);
}

/// What the files hold when they are read back: a road on which the ego vehicle stands in a driving lane, with room.
fn check_files(name: &str, scenario: &MinedScenario) {
    use cloverleaf_scenario::model::{InitAction, Position, PrivateAction, TrajectoryShape};
    let network = Network::parse("road.xodr", &scenario.xodr).unwrap();
    assert!(network.diagnostics.is_empty(), "{name}: {:?}", network.diagnostics);
    let files = cloverleaf_scenario::InMemory::default();
    let reading = cloverleaf_scenario::read("scenario.xosc", &scenario.xosc, &BTreeMap::new(), &files).unwrap();
    let read = reading.scenario;
    assert!(read.unsupported.is_empty());
    let property = |key: &str| read.header.properties.iter().find(|p| p.name == key).map(|p| p.value.clone());
    assert_eq!(property("clip_sha256"), Some("ab".repeat(32)));
    assert_eq!(property("origin").as_deref(), Some("synthetic <test> & \"truth\""));
    assert_eq!(property("start_boot_ns"), Some(scenario.provenance.start_boot_ns.to_string()));
    assert!(property("start_utc").unwrap().starts_with("2026-11-18T"), "{:?}", property("start_utc"));
    assert!(property("replay_rmse_m").is_some());
    let Some(InitAction::Private {
        action: PrivateAction::Teleport(Position::Lane { lane, s_m, offset_m, .. }), ..
    }) = read.storyboard.init.first()
    else {
        panic!("{name}: {:?}", read.storyboard.init.first());
    };
    let road = &network.roads[0];
    assert!(road.is_drivable(*s_m, *lane) && offset_m.abs() < 1.0, "{name}: lane {lane}, offset {offset_m}");
    let story = &read.storyboard.stories[0].acts[0].maneuver_groups[0].maneuvers[0].events[0].actions[0];
    let cloverleaf_scenario::model::ActionKind::Private(PrivateAction::FollowTrajectory(follow)) = &story.kind else {
        panic!("{name}: {story:?}");
    };
    let TrajectoryShape::Polyline(vertices) = &follow.trajectory.shape else { panic!("{name}") };
    for vertex in vertices {
        let Position::World { x_m, y_m, .. } = &vertex.position else { panic!("{name}") };
        let at = network.locate(*x_m, *y_m).unwrap();
        assert!(at.outside_m < 0.1, "{name}: the target leaves the road by {} m", at.outside_m);
        assert!(road.length_m - at.lane.s_m > 100.0, "{name}: no room to run out");
    }
}

#[test]
fn a_cut_in_is_recovered_under_noise() {
    for seed in 1..=12 {
        for side in [-1.0, 1.0] {
            let drive = Drive { seed, ..cut_in_drive(side) };
            check_cut_in(&format!("side {side}, seed {seed}"), &drive);
        }
    }
}

#[test]
fn bends_and_positions_change_nothing() {
    let bend: fn(f64) -> f64 = |s| ((s - 250.0) / 200.0).clamp(0.0, 1.0) / 900.0;
    let s_bend: fn(f64) -> f64 = |s| if s < 300.0 { 1.0 / 1500.0 } else { -1.0 / 1200.0 };
    for (name, curvature) in [("bend", bend), ("s bend", s_bend)] {
        for lanes_reported in [false, true] {
            let drive =
                Drive { curvature, lanes_reported, positions_reported: true, seconds: 20.0, ..cut_in_drive(1.0) };
            check_cut_in(&format!("{name}, lanes {lanes_reported}"), &drive);
            let mined = mine(&workflow(), &drive.measure());
            assert!(of(&mined, "cut-in")[0].xodr.contains("+proj=tmerc +lat_0=30.1"), "{name}");
        }
    }
}

#[test]
fn a_new_track_number_a_gap_and_clutter_do_not_break_the_target() {
    let mut drive = Drive { clutter: 3, seed: 4, ..cut_in_drive(-1.0) };
    let motion = |t: f64| (21.0 * t + 45.0 + AXLE_TO_BUMPER_M, change(t, 6.0, 9.6, -LANE_M, 0.0));
    drive.actors[0].seen = Box::new(|t| t < 7.4);
    drive.actors[0].id = 60;
    drive = drive.actor(61, motion);
    drive.actors[1].seen = Box::new(|t| t > 7.8);
    // Truth asks for actor 11, which no sensor sees under that number.
    drive = drive.actor(11, motion);
    drive.actors[2].seen = Box::new(|_| false);
    check_cut_in("stitched", &drive);
    let mined = mine(&workflow(), &drive.measure());
    assert_eq!(of(&mined, "cut-in")[0].provenance.target_tracks, ["front:60", "front:61"]);
}

#[test]
fn a_braking_ego_and_an_accelerating_target_are_followed() {
    let ego = |t: f64| {
        let braking = (t - 8.5).clamp(0.0, 2.0);
        (30.0 * t - 1.5 * braking * braking - (t - 10.5).max(0.0) * 6.0, 0.0)
    };
    let drive = Drive::new(16.0, ego).actor(11, |t| (24.0 * t + 0.25 * t * t + 45.0, change(t, 5.0, 8.0, LANE_M, 0.0)));
    check_cut_in("braking", &drive);
}

#[test]
fn car_following_is_recovered() {
    let drive = Drive::new(26.0, |t| (22.0 * t - 4.0 * (t / 4.0).sin(), 0.2 * (t / 3.0).sin()))
        .actor(5, |t| (22.0 * t - 3.0 * ((t + 1.0) / 4.0).sin() + 38.7, 0.1))
        .actor(6, |t| (27.0 * t + 10.0, LANE_M))
        .actor(8, |_| (300.0, 7.0));
    for seed in 1..=6 {
        let drive = Drive { seed, actors: Vec::new(), ..Drive::new(26.0, |_| (0.0, 0.0)) }.with(&drive);
        let mined = mine(&workflow(), &drive.measure());
        let found = of(&mined, "car-following");
        assert_eq!(found.len(), 1, "{}", reasons(&mined));
        let get = |key: &str| found[0].parameter(key).unwrap();
        let start_s = (found[0].provenance.start_boot_ns - START_NS) as f64 / 1e9;
        let (gap, ego, lead) = drive.truth(5, start_s + 0.05);
        assert!((get("dx0_m") - gap).abs() < 0.5, "{} {gap}", get("dx0_m"));
        assert!((get("Ve0_mps") - ego).abs() < 0.3 && (get("Vo0_mps") - lead).abs() < 0.3);
        assert!(get("duration_s") > 24.0 && get("time_gap_min_s") > 1.2 && get("time_gap_min_s") < 1.8);
        assert_eq!(found[0].provenance.target_tracks, ["front:5"]);
        check_files("following", found[0]);
        assert!(of(&mined, "cut-in").is_empty(), "{}", of(&mined, "cut-in").len());
    }
}

impl Drive {
    /// This drive's seed with another's motions.
    fn with(mut self, other: &Self) -> Self {
        // Motions are the same functions written again: closures cannot be cloned.
        assert_eq!(other.actors.len(), 3);
        self.ego = Box::new(|t| (22.0 * t - 4.0 * (t / 4.0).sin(), 0.2 * (t / 3.0).sin()));
        self.actor(5, |t| (22.0 * t - 3.0 * ((t + 1.0) / 4.0).sin() + 38.7, 0.1))
            .actor(6, |t| (27.0 * t + 10.0, LANE_M))
            .actor(8, |_| (300.0, 7.0))
    }
}

#[test]
fn nothing_is_found_where_nothing_happens() {
    let clutter = |clutter| Drive { clutter, ..Drive::new(20.0, |t| (25.0 * t, 0.0)) };
    let beside = || Drive::new(20.0, |t| (25.0 * t, 0.0)).actor(3, |t| (28.0 * t - 10.0, LANE_M));
    let brushing = || {
        Drive::new(20.0, |t| (25.0 * t, 0.0)).actor(3, |t| {
            let out = change(t, 5.0, 7.0, LANE_M, 2.3);
            (25.0 * t + 30.0, if t < 7.5 { out } else { change(t, 7.5, 9.5, 2.3, LANE_M) })
        })
    };
    let poles = || {
        (0..20).fold(Drive::new(20.0, |t| (25.0 * t, 0.0)), |drive, i| {
            drive.actor(i, move |_| (40.0 + 25.0 * i as f64, -5.5))
        })
    };
    // The ego vehicle changes lane behind a slower one; the slower one keeps its lane.
    let own_change = || Drive {
        lanes_reported: true,
        ..Drive::new(20.0, |t| (25.0 * t, change(t, 6.0, 10.0, 0.0, LANE_M))).actor(3, |t| (24.0 * t + 40.0, LANE_M))
    };
    let standing = || Drive::new(20.0, |_| (0.0, 0.0)).actor(3, |t| (10.0 + 5.0 * t, 0.0));
    for (name, drive) in [
        ("empty road", clutter(0)),
        ("clutter", clutter(4)),
        ("passing beside", beside()),
        ("brushing the marking", brushing()),
        ("poles", poles()),
        ("own lane change", own_change()),
        ("standing", standing()),
    ] {
        let mined = mine(&workflow(), &drive.measure());
        assert!(of(&mined, "cut-in").is_empty(), "{name}: {:?}", of(&mined, "cut-in")[0].parameters);
        let reasons = reasons(&mined);
        assert!(reasons.contains("cut-in: "), "{name} was passed over in silence:\n{reasons}");
        if name != "own lane change" {
            assert!(of(&mined, "car-following").is_empty(), "{name}");
        }
    }
}

#[test]
fn a_ghost_that_moves_otherwise_than_its_speed_says_is_no_target() {
    let mut input = cut_in_drive(1.0).measure();
    for object in &mut input.objects {
        object.vx_mps = object.vx_mps.map(|vx| vx + 8.0);
    }
    let mined = mine(&workflow(), &input);
    assert!(mined.scenarios.is_empty());
}

#[test]
fn poor_input_is_turned_down_with_a_reason() {
    let whole = cut_in_drive(1.0).measure();
    let no_speed = ClipInput {
        signals: whole.signals.iter().map(|row| SignalRow { speed_mps: None, ..*row }).collect(),
        ..whole.clone()
    };
    let nothing = ClipInput { signals: Vec::new(), objects: Vec::new(), ..whole.clone() };
    let not_a_number = ClipInput {
        objects: whole.objects.iter().map(|row| ObjectRow { x_m: f64::NAN, ..row.clone() }).collect(),
        ..whole.clone()
    };
    let backwards =
        ClipInput { candidates: vec![Candidate { end_boot_ns: 0, ..whole.candidates[0].clone() }], ..whole.clone() };
    let extreme = ClipInput {
        candidates: vec![Candidate { start_boot_ns: i64::MIN, end_boot_ns: i64::MAX, ..whole.candidates[0].clone() }],
        clip: ClipRow { start_boot_ns: i64::MAX, ..whole.clip.clone() },
        ..whole.clone()
    };
    for (name, input, expected) in [
        ("no speed", no_speed, "Vehicle.Speed"),
        ("nothing", nothing, "Vehicle.Speed"),
        ("not a number", not_a_number, "none of 0 tracks"),
        ("backwards", backwards, "ends before it starts"),
        ("extreme", extreme, "outside the clip"),
    ] {
        let mined = mine(&workflow(), &input);
        assert!(mined.scenarios.is_empty(), "{name}");
        assert!(!mined.rejected.is_empty() && reasons(&mined).contains(expected), "{name}: {}", reasons(&mined));
    }
}

#[test]
fn the_order_of_rows_does_not_matter_and_files_are_whole() {
    let input = cut_in_drive(1.0).measure();
    let mut shuffled = input.clone();
    shuffled.signals.reverse();
    shuffled.objects.reverse();
    shuffled.candidates.reverse();
    let (a, b) = (mine(&workflow(), &input), mine(&workflow(), &shuffled));
    assert_eq!(a.scenarios, b.scenarios);

    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let path = a.scenarios[0].write_to(folder.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), a.scenarios[0].xosc);
        assert_eq!(std::fs::read_to_string(path.with_file_name("road.xodr")).unwrap(), a.scenarios[0].xodr);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
    }
    let error = a.scenarios[0].write_to(Path::new("/proc/none")).unwrap_err();
    assert!(error.to_string().contains("/proc/none"), "{error}");
}

#[test]
fn files_are_valid_against_the_standards_schemas() {
    let data = std::env::var_os("CLOVERLEAF_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let schemas = data.join("xsd-asam/resources/schema");
    // xmllint takes a schema that includes itself by another spelling of its path for a second schema.
    let Ok(schemas) = schemas.canonicalize() else {
        eprintln!("skipped files_are_valid_against_the_standards_schemas: {} absent", schemas.display());
        return;
    };
    if Command::new("xmllint").arg("--version").output().is_err() {
        eprintln!("skipped files_are_valid_against_the_standards_schemas: xmllint (libxml2-utils) absent");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bend: fn(f64) -> f64 = |s| ((s - 250.0) / 200.0).clamp(0.0, 1.0) / 900.0;
    let mut drive = Drive { curvature: bend, positions_reported: true, seconds: 20.0, ..cut_in_drive(1.0) };
    drive.actors[0].class = Some(ActorClass::Truck);
    let following = Drive::new(15.0, |t| (25.0 * t, 0.0)).actor(5, |t| (25.0 * t + 40.0, 0.0));
    let scenarios: Vec<MinedScenario> =
        [drive, following].iter().flat_map(|drive| mine(&workflow(), &drive.measure()).scenarios).collect();
    assert_eq!(scenarios.len(), 2);
    for scenario in &scenarios {
        let path = scenario.write_to(folder.path()).unwrap();
        for (schema, file) in [
            ("OpenSCENARIOv1.2.xsd", path.clone()),
            ("OpenDRIVE_1.7/localSchema/opendrive_17_core.xsd", path.with_file_name("road.xodr")),
        ] {
            let output = Command::new("xmllint")
                .args(["--noout", "--schema"])
                .arg(schemas.join(schema))
                .arg(&file)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {said}", file.display());
        }
    }
}
