//! The storyboard's rules and the actions, one small scenario each.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod world;

use cloverleaf_simulator::{ElementTransition, Run, RunEnd, RunOptions};
use cloverleaf_vocabulary::{ActorState, ActorTrace};
use world::{drive, ego, event, lane_change, scenario, speed, state, straight_road, time, value};

fn run(events: &str, stop: &str) -> Run {
    let options = RunOptions { max_duration_s: 30.0, record_every: 1, ..RunOptions::default() };
    let run = drive(&scenario(events, stop), &straight_road(), options).unwrap();
    assert!(run.notes.is_empty(), "{:?}", run.notes);
    run
}

/// What happened to the named element, with times.
fn story(run: &Run, name: &str) -> Vec<(f64, ElementTransition)> {
    let about = |path: &str| path.rsplit("::").next() == Some(name);
    run.events.iter().filter(|event| about(&event.path)).map(|event| (event.t_s, event.transition)).collect()
}

fn trace<'a>(run: &'a Run, name: &str) -> &'a ActorTrace {
    run.traces.iter().find(|trace| trace.name == name).unwrap()
}

fn at(run: &Run, name: &str, t_s: f64) -> ActorState {
    *trace(run, name).states.iter().find(|state| (state.t_s - t_s).abs() < 1e-6).unwrap()
}

fn near(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "{found}, expected {expected} within {within}");
}

#[test]
fn an_action_starts_on_time_takes_its_time_and_ends() {
    let run = run(&event("E", "priority='override'", &speed(25.0, "rate", 2.0), &time(3.0)), &time(12.0));
    use ElementTransition::{End, Start};
    assert_eq!(story(&run, "E"), [(3.0, Start), (8.0, End)]);
    assert_eq!(story(&run, "EAction"), [(3.0, Start), (8.0, End)]);
    near(at(&run, "A", 5.0).speed_mps, 19.0, 1e-6);
    near(at(&run, "A", 9.0).speed_mps, 25.0, 1e-9);
    assert_eq!((run.end, run.duration_s), (RunEnd::StopTrigger, 12.0));
    // 15 m/s for 3 s, the mean of 15 and 25 for 5 s, 25 for 4 s.
    near(at(&run, "A", 12.0).x_m, 200.0 + 45.0 + 100.0 + 100.0, 0.01);
}

#[test]
fn overriding_stops_skipping_waits_and_parallel_runs_beside() {
    use ElementTransition::{End, Skip, Start, Stop};
    for (priority, first, second) in [
        ("override", vec![(1.0, Start), (3.0, Stop)], vec![(3.0, Start), (7.0, End)]),
        ("parallel", vec![(1.0, Start), (6.0, End)], vec![(3.0, Start), (7.0, End)]),
    ] {
        let events = event("First", "priority='parallel'", &lane_change(-2, 5.0), &time(1.0))
            + &event("Second", &format!("priority='{priority}'"), &speed(23.0, "time", 4.0), &time(3.0));
        let run = run(&events, &time(10.0));
        assert_eq!((story(&run, "First"), story(&run, "Second")), (first, second), "{priority}");
    }
    let events = event("First", "priority='parallel'", &lane_change(-2, 5.0), &time(1.0))
        + &event(
            "Second",
            "priority='skip'",
            &speed(23.0, "time", 1.0),
            &value("rising", 0.0, r#"<SimulationTimeCondition value="3" rule="greaterOrEqual"/>"#),
        );
    assert_eq!(story(&run(&events, &time(10.0)), "Second"), [(3.0, Skip)]);
}

#[test]
fn an_event_runs_as_often_as_it_may() {
    let toggling = ego(
        r#"<RelativeDistanceCondition entityRef="A" relativeDistanceType="longitudinal" freespace="false" coordinateSystem="lane" value="500" rule="lessThan"/>"#,
    );
    let events = event("E", "priority='override' maximumExecutionCount='3'", &speed(16.0, "time", 1.0), &toggling);
    let run = run(&events, &time(10.0));
    let starts = story(&run, "E").iter().filter(|(_, transition)| *transition == ElementTransition::Start).count();
    assert_eq!(starts, 3);
    assert_eq!(story(&run, "M").len(), 2, "the manoeuvre ends after the last execution");
}

#[test]
fn conditions_see_states_with_edge_and_delay() {
    let events = event("First", "priority='override'", &speed(17.0, "time", 2.0), &time(1.0))
        + &event(
            "Second",
            "priority='override'",
            &speed(15.0, "time", 1.0),
            &state("action", "FirstAction", "endTransition", 2.5),
        );
    let run = run(&events, &state("event", "Second", "completeState", 1.0));
    let start = story(&run, "Second")[0].0;
    near(start, 3.0 + 2.5, 0.03);
    near(run.duration_s, start + 1.0 + 1.0, 0.05);
}

#[test]
fn a_rising_edge_that_was_always_up_is_none() {
    let always = value("rising", 0.0, r#"<SimulationTimeCondition value="0" rule="greaterOrEqual"/>"#);
    let run = run(&event("E", "priority='override'", &speed(0.0, "time", 1.0), &always), &time(5.0));
    assert!(story(&run, "E").is_empty());
}

#[test]
fn a_lane_change_arrives_in_the_lanes_middle_and_faces_where_it_goes() {
    let run = run(&event("E", "priority='override'", &lane_change(-3, 4.0), &time(2.0)), &time(8.0));
    near(at(&run, "A", 2.0).y_m, -1.75, 1e-9);
    near(at(&run, "A", 4.0).y_m, -5.25, 0.05);
    near(at(&run, "A", 6.1).y_m, -8.75, 1e-6);
    near(at(&run, "A", 7.0).yaw_rad, 0.0, 1e-9);
    // Greatest lateral speed of half a sine over 7 m in 4 s, at 15 m/s.
    near(at(&run, "A", 4.0).yaw_rad, -(std::f64::consts::FRAC_PI_2 * 7.0 / 4.0 / 15.0).asin(), 2e-3);
}

#[test]
fn distances_are_kept_between_bumpers() {
    let keep = r#"<LongitudinalAction><LongitudinalDistanceAction entityRef="Ego" distance="30" freespace="true" continuous="true"
        coordinateSystem="lane" displacement="leadingReferencedEntity"><DynamicConstraints maxAcceleration="3" maxDeceleration="5" maxSpeed="40"/>
        </LongitudinalDistanceAction></LongitudinalAction>"#;
    let run = run(&event("E", "priority='override'", keep, &time(1.0)), &time(29.0));
    let (ego, a) = (at(&run, "Ego", 29.0), at(&run, "A", 29.0));
    near(a.x_m - ego.x_m - 4.6, 30.0, 0.3);
    near(a.speed_mps, ego.speed_mps, 0.1);
}

#[test]
fn two_meet_where_and_when_they_are_meant_to() {
    let lane = |lane: i32, s: f64| format!(r#"<LanePosition roadId="1" laneId="{lane}" s="{s}"/>"#);
    let meet = format!(
        r#"<SynchronizeAction masterEntityRef="Ego" targetToleranceMaster="1" targetTolerance="1"><TargetPositionMaster>{}</TargetPositionMaster>
        <TargetPosition>{}</TargetPosition><FinalSpeed><AbsoluteSpeed value="18"/></FinalSpeed></SynchronizeAction>"#,
        lane(-2, 400.0),
        lane(-1, 450.0)
    );
    // The ego needs 15 s for 300 m; A is to be at 450 m then, with 18 m/s.
    let run = run(&event("E", "priority='override'", &meet, &time(1.0)), &time(16.0));
    near(at(&run, "Ego", 15.0).x_m, 400.0, 0.5);
    near(at(&run, "A", 15.0).x_m, 450.0, 2.0);
    near(at(&run, "A", 15.0).speed_mps, 18.0, 0.5);
}

#[test]
fn lateral_distances_are_kept_between_sides() {
    let beside = r#"<LateralAction><LateralDistanceAction entityRef="Ego" distance="0.7" freespace="true" continuous="true" coordinateSystem="road">
        <DynamicConstraints maxAcceleration="2" maxDeceleration="2" maxSpeed="1"/></LateralDistanceAction></LateralAction>"#;
    let run = run(&event("E", "priority='override'", beside, &time(1.0)), &time(12.0));
    // Ego's middle is at -5.25, both are 1.8 m wide; 1 m/s is the fastest it may move over.
    near(at(&run, "A", 11.0).y_m, -5.25 + 1.8 + 0.7, 0.02);
    assert!(at(&run, "A", 1.5).y_m >= -1.75 - 0.51);
}

#[test]
fn a_trajectory_by_time_is_where_it_says_when_it_says() {
    let vertex = |t: f64, x: f64, y: f64| {
        format!(r#"<Vertex time="{t}"><Position><WorldPosition x="{x}" y="{y}" h="0.0"/></Position></Vertex>"#)
    };
    let follow = format!(
        r#"<RoutingAction><FollowTrajectoryAction><TrajectoryRef><Trajectory name="T" closed="false"><ParameterDeclarations/><Shape><Polyline>{}{}{}</Polyline></Shape>
        </Trajectory></TrajectoryRef><TimeReference><Timing domainAbsoluteRelative="relative" scale="1.0" offset="0.0"/></TimeReference>
        <TrajectoryFollowingMode followingMode="position"/></FollowTrajectoryAction></RoutingAction>"#,
        vertex(0.0, 215.0, -1.75),
        vertex(2.0, 255.0, -1.75),
        vertex(4.0, 285.0, -5.25)
    );
    let run = run(&event("E", "priority='override'", &follow, &time(1.0)), &time(8.0));
    near(at(&run, "A", 2.0).x_m, 235.0, 0.05);
    near(at(&run, "A", 4.0).x_m, 270.0, 0.05);
    near(at(&run, "A", 4.0).y_m, -3.5, 0.05);
    assert_eq!(story(&run, "EAction")[1], (5.0, ElementTransition::End));
    // Afterwards it goes on as fast as it was.
    near(at(&run, "A", 7.0).x_m, 285.0 + 2.0 * 15.1, 0.5);
}

#[test]
fn what_cannot_be_done_is_noted_and_the_story_goes_on() {
    let events = event("E", "priority='override'", &lane_change(-7, 2.0), &time(1.0));
    let options = RunOptions { max_duration_s: 5.0, ..RunOptions::default() };
    let run = drive(&scenario(&events, &time(4.0)), &straight_road(), options).unwrap();
    assert_eq!(run.notes.len(), 1, "{:?}", run.notes);
    assert!(run.notes[0].contains("lane -7 does not exist"), "{:?}", run.notes);
    assert_eq!(run.duration_s, 4.0);
}
