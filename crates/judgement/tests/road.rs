//! Judged on a known road: gaps along the lane, neighbours in a curve, leaving the road.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use cloverleaf_judgement::{Criteria, Criterion, Scene, Verdict, judge};
use cloverleaf_road::{LanePosition, Network, RoadIndex};
use cloverleaf_vocabulary::{ActorClass, ActorState, ActorTrace, Footprint};

const RADIUS_M: f64 = 250.0;

/// A left-hand curve with lanes -1 and -2 of 3.5 m.
fn curve() -> Network {
    let lane = |id: i32| {
        format!(r#"<lane id="{id}" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>"#)
    };
    let text = format!(
        r#"<OpenDRIVE><header revMajor="1" revMinor="6"/><road name="r" length="700" id="1" junction="-1"><planView>
        <geometry s="0" x="0" y="0" hdg="0" length="700"><arc curvature="{}"/></geometry></planView><lanes><laneSection s="0">
        <center><lane id="0" type="none" level="false"/></center><right>{}{}</right></laneSection></lanes></road></OpenDRIVE>"#,
        1.0 / RADIUS_M,
        lane(-1),
        lane(-2)
    );
    Network::parse("curve", &text).unwrap()
}

/// Drives along a lane at a constant speed over ground, `offset_m` from its middle.
fn drive(
    network: &Network,
    name: &str,
    lane: i32,
    from_m: f64,
    speed_mps: f64,
    offset_m: impl Fn(f64) -> f64,
) -> ActorTrace {
    let start = LanePosition { road: RoadIndex(0), s_m: from_m, lane, offset_m: 0.0 };
    let states = (0..=150)
        .map(|i| {
            let t_s = f64::from(i) * 0.1;
            let at = network.advance(start, speed_mps * t_s).unwrap().position;
            let pose = network.lane_pose(LanePosition { offset_m: offset_m(t_s), ..at }).unwrap();
            ActorState { t_s, x_m: pose.x_m, y_m: pose.y_m, yaw_rad: pose.heading_rad, speed_mps, accel_mps2: 0.0 }
        })
        .collect();
    ActorTrace { name: name.into(), class: ActorClass::Car, footprint: Footprint::CAR, states }
}

fn verdict(network: &Network, traces: &[ActorTrace]) -> Verdict {
    judge(&Scene { traces, subject: "ego", road: Some(network) }, &Criteria::default()).unwrap()
}

#[test]
fn the_gap_is_measured_along_the_lane_not_along_the_chord() {
    let network = curve();
    // 80 m of s is 80 (1 + 5.25 / 250) m of lane -2, in a curve of which the chord leaves the lane.
    let traces = [drive(&network, "ego", -2, 20.0, 20.0, |_| 0.0), drive(&network, "lead", -2, 100.0, 20.0, |_| 0.0)];
    let verdict = verdict(&network, &traces);
    let gap_m = verdict.summary.min_gap_m.unwrap().value;
    let expected_m = 80.0 * (1.0 + 5.25 / RADIUS_M) - 4.6;
    assert!((gap_m - expected_m).abs() < 0.1, "{gap_m}, expected {expected_m}");
    assert!(verdict.passed && verdict.timeline.iter().all(|sample| sample.leader == Some(1)));
    // Without the road the arc of the yaw rate says nearly the same.
    let blind = judge(&Scene { traces: &traces, subject: "ego", road: None }, &Criteria::default()).unwrap();
    let settled = blind.timeline.iter().find(|sample| sample.t_s > 1.0).unwrap();
    assert!((settled.gap_m.unwrap() - expected_m).abs() < 0.5, "{settled:?}");
}

#[test]
fn who_stands_in_the_next_lane_of_a_curve_is_no_leader() {
    let network = curve();
    let traces =
        [drive(&network, "ego", -2, 20.0, 20.0, |_| 0.0), drive(&network, "standing", -1, 150.0, 0.0, |_| 0.0)];
    let verdict = verdict(&network, &traces);
    assert!(verdict.passed && verdict.timeline.iter().all(|sample| sample.leader.is_none()), "{:?}", verdict.findings);
}

#[test]
fn a_wheel_off_the_road_is_a_finding() {
    let network = curve();
    let drifting = |t: f64| if t > 5.0 { -1.2 } else { 0.0 };
    let verdict = verdict(&network, &[drive(&network, "ego", -2, 20.0, 20.0, drifting)]);
    let off = verdict.findings.iter().find(|finding| finding.criterion == Criterion::OffRoad).unwrap();
    assert!((off.at_s - 5.1).abs() < 0.11 && off.measured > 9.0, "{off:?}");
    // The same drift on the inner lane stays on the road.
    let inner = judge(
        &Scene { traces: &[drive(&network, "ego", -1, 20.0, 20.0, drifting)], subject: "ego", road: Some(&network) },
        &Criteria::default(),
    );
    assert!(inner.unwrap().findings.iter().all(|finding| finding.criterion != Criterion::OffRoad));
}
