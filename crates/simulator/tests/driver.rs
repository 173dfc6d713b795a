//! The port of the system under test: what it sees, and what happens when it misbehaves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod world;

use std::sync::{Arc, Mutex};

use cloverleaf_judgement::{Criteria, Criterion};
use cloverleaf_simulator::{Command, Observation, RunEnd, RunOptions, SimulationError, run};
use world::{event, scenario, speed, straight_road, time, workspace};

/// Nothing happens in it.
fn quiet(stop: &str) -> Arc<cloverleaf_scenario::Scenario> {
    scenario(&event("E", "priority='override'", &speed(15.0, "time", 1.0), &time(1_000.0)), stop)
}

fn options() -> RunOptions {
    RunOptions { max_duration_s: 10.0, ..RunOptions::default() }
}

#[test]
fn a_command_that_is_no_number_is_a_finding_and_no_panic() {
    let events = event("E", "priority='override'", &speed(15.0, "time", 1.0), &time(1.0));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let driver = move |seen: &Observation<'_>| Command {
            accel_mps2: 0.0,
            steering_rad: if seen.t_s > 2.0 { bad } else { 0.0 },
        };
        let road = straight_road();
        let run = run(scenario(&events, &time(8.0)), road.clone(), Box::new(driver), options()).unwrap();
        assert_eq!(run.end, RunEnd::StopTrigger);
        assert!(run.first_driver_fault_s.is_some_and(|at_s| (2.0..2.1).contains(&at_s)));
        assert!(run.traces.iter().flat_map(|trace| &trace.states).all(|state| state.x_m.is_finite()));
        let verdict = run.judge(&road, &Criteria::default()).unwrap();
        assert!(!verdict.passed);
        assert!(verdict.findings.iter().any(|finding| finding.criterion == Criterion::DriverFault));
    }
}

#[test]
fn a_driver_sees_the_world_from_its_own_rear_axle() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    let driver = move |observation: &Observation<'_>| {
        let object = observation.objects[0];
        notes.lock().unwrap().push((
            observation.ego.speed_mps,
            observation.set_speed_mps,
            object,
            observation.lane[10],
        ));
        Command { accel_mps2: 0.0, steering_rad: 0.0 }
    };
    let run = run(quiet(&time(1.0)), straight_road(), Box::new(driver), options());
    assert!(run.is_ok());
    let seen = seen.lock().unwrap();
    let (speed_mps, set_mps, object, lane) = seen[0];
    assert_eq!((speed_mps, set_mps), (20.0, 20.0));
    // A stands 100 m ahead, one lane of 3.5 m to the left; the middle of its body is 1.4 m ahead of its rear axle.
    assert!((object.x_m - 101.4).abs() < 1e-9 && (object.y_m - 3.5).abs() < 1e-9, "{object:?}");
    assert!((object.velocity_x_mps - 15.0).abs() < 1e-9 && object.velocity_y_mps.abs() < 1e-9);
    assert!((lane.x_m - lane.along_m).abs() < 1e-6 && lane.y_m.abs() < 1e-9 && (lane.width_m - 3.5).abs() < 1e-9);
}

#[test]
fn a_driver_that_leaves_the_road_has_a_verdict() {
    let driver = |_: &Observation<'_>| Command { accel_mps2: 0.0, steering_rad: 0.05 };
    let road = straight_road();
    let run = run(quiet(&time(6.0)), road.clone(), Box::new(driver), options()).unwrap();
    let verdict = run.judge(&road, &Criteria::default()).unwrap();
    assert!(verdict.findings.iter().any(|finding| finding.criterion == Criterion::OffRoad), "{:?}", verdict.findings);
}

#[test]
fn what_is_not_executed_is_refused_by_name_before_anything_runs() {
    let action = r#"<TeleportAction><Position><GeoPosition latitudeDeg="48.1" longitudeDeg="11.5"/></Position></TeleportAction>"#;
    let events = event("Jump", "priority='override'", action, &time(1.0));
    let driver = |_: &Observation<'_>| -> Command { panic!("it ran") };
    let refused = run(scenario(&events, &time(2.0)), straight_road(), Box::new(driver), options());
    let Err(SimulationError::Unsupported(what)) = refused else { panic!("{refused:?}") };
    assert!(what.len() == 1 && what[0].contains("GeoPosition") && what[0].contains("test.xosc:"), "{what:?}");
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    for (options, name) in [
        (RunOptions { step_s: 0.0, ..options() }, "step_s"),
        (RunOptions { step_s: f64::NAN, ..options() }, "step_s"),
        (RunOptions { max_duration_s: f64::INFINITY, ..options() }, "max_duration_s"),
        (RunOptions { record_every: 0, ..options() }, "record_every"),
        (RunOptions { subject: Some("Nobody".into()), ..options() }, "Nobody"),
    ] {
        let driver = cloverleaf_simulator::driver_by_name("highway-pilot").unwrap();
        let error = run(quiet(&time(2.0)), straight_road(), driver, options).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn traffic_reacts_to_a_driver_that_stops_in_its_way() {
    let (scenario, network) = world::load(&workspace().join("scenarios/motorway/dense-traffic.xosc")).unwrap();
    let brake = |_: &Observation<'_>| Command { accel_mps2: -6.0, steering_rad: 0.0 };
    let options = RunOptions { max_duration_s: 30.0, seed: 1, ..RunOptions::default() };
    let run = run(scenario, network.clone(), Box::new(brake), options).unwrap();
    let verdict = run.judge(&network, &Criteria::default()).unwrap();
    assert!(verdict.summary.collisions.is_empty(), "{:?}", verdict.summary.collisions);
    let slowest = |name: &str| {
        let trace = run.traces.iter().find(|trace| trace.name == name).unwrap();
        trace.states.iter().map(|state| state.speed_mps).fold(f64::INFINITY, f64::min)
    };
    // Traffic5 comes up behind the ego in its lane with 29 m/s and must slow down before it can pass; Traffic7 is ahead.
    assert!(slowest("Traffic5") < 24.0, "{}", slowest("Traffic5"));
    assert!(slowest("Traffic7") > 25.0, "{}", slowest("Traffic7"));
}
