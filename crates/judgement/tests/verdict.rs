//! Situations with known numbers, judged.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use cloverleaf_judgement::{Criteria, CriteriaOverrides, Criterion, JudgementError, Limit, Scene, Verdict, judge};
use cloverleaf_vocabulary::{ActorClass, ActorState, ActorTrace, Footprint};

/// Drives straight along x; `accel` gives the acceleration over time.
fn drive(name: &str, x_m: f64, y_m: f64, speed_mps: f64, accel: impl Fn(f64) -> f64) -> ActorTrace {
    let dt = 0.02;
    let (mut x_m, mut speed_mps) = (x_m, speed_mps);
    let states = (0..=1_000)
        .map(|i| {
            let t_s = f64::from(i) * dt;
            let accel_mps2 = if speed_mps > 0.0 { accel(t_s) } else { 0.0 };
            let state = ActorState { t_s, x_m, y_m, yaw_rad: 0.0, speed_mps, accel_mps2 };
            let next = (speed_mps + accel_mps2 * dt).max(0.0);
            x_m += 0.5 * (speed_mps + next) * dt;
            speed_mps = next;
            state
        })
        .collect();
    ActorTrace { name: name.into(), class: ActorClass::Car, footprint: Footprint::CAR, states }
}

fn verdict(traces: &[ActorTrace]) -> Verdict {
    judge(&Scene { traces, subject: "ego", road: None }, &Criteria::default()).unwrap()
}

fn criteria_of(verdict: &Verdict) -> Vec<Criterion> {
    verdict.findings.iter().map(|finding| finding.criterion).collect()
}

#[test]
fn steady_following_passes_and_its_numbers_are_right() {
    let traces = [drive("ego", 0.0, 0.0, 25.0, |_| 0.0), drive("lead", 4.6 + 50.0, 0.0, 25.0, |_| 0.0)];
    let verdict = verdict(&traces);
    assert!(verdict.passed, "{:?}", verdict.findings);
    let summary = &verdict.summary;
    assert!((summary.min_gap_m.as_ref().unwrap().value - 50.0).abs() < 1e-9);
    assert!((summary.min_thw_s.as_ref().unwrap().value - 2.0).abs() < 1e-9);
    assert_eq!(summary.min_ttc_s, None);
    assert!((summary.distance_m - 500.0).abs() < 1e-6 && summary.hard_brakings == 0);
    assert_eq!(verdict.timeline.len(), 1_001);
}

#[test]
fn tailgating_fails_only_when_it_lasts() {
    let close = |catching_up: f64| {
        [
            drive("ego", 0.0, 0.0, 25.0, move |t| if t < 1.0 { -catching_up } else { 0.0 }),
            drive("lead", 4.6 + 15.0, 0.0, 25.0, |_| 0.0),
        ]
    };
    // 15 m at 25 m/s is 0.6 s, for good or until 22.5 m are reached after about 2 s.
    assert_eq!(criteria_of(&verdict(&close(0.0))), [Criterion::TimeHeadway]);
    assert!(verdict(&close(5.0)).passed);
}

#[test]
fn a_neighbour_is_no_leader_until_its_body_is_in_the_path() {
    let beside = |y_m| [drive("ego", 0.0, 0.0, 30.0, |_| 0.0), drive("slow", 40.0, y_m, 20.0, |_| 0.0)];
    assert!(verdict(&beside(3.5)).passed);
    let hit = verdict(&beside(1.8));
    assert!(criteria_of(&hit).contains(&Criterion::Collision), "{:?}", hit.findings);
    assert_eq!(hit.findings[0].actors, ["ego", "slow"]);
}

#[test]
fn hard_braking_is_counted_and_limited_on_request() {
    let traces = [drive("ego", 0.0, 0.0, 30.0, |t| if (2.0..4.0).contains(&t) || t > 10.0 { -6.0 } else { 0.0 })];
    let plain = verdict(&traces);
    assert_eq!(plain.summary.hard_brakings, 2);
    assert!(plain.passed);
    assert!((plain.summary.max_decel_mps2.as_ref().unwrap().value - 6.0).abs() < 1e-6);
    let overrides = CriteriaOverrides {
        max_hard_brakings: Some(1),
        max_deceleration_mps2: Some(Limit::Value(5.5)),
        ..Default::default()
    };
    let strict = Criteria::default().with(&overrides).unwrap();
    let verdict = judge(&Scene { traces: &traces, subject: "ego", road: None }, &strict).unwrap();
    let mut found = criteria_of(&verdict);
    found.sort();
    assert_eq!(found, [Criterion::Deceleration, Criterion::HardBraking]);
}

#[test]
fn values_that_are_not_finite_are_counted_and_change_nothing() {
    let clean = [drive("ego", 0.0, 0.0, 25.0, |_| 0.0), drive("lead", 54.6, 0.0, 25.0, |_| 0.0)];
    let mut dirty = clean.clone();
    dirty[0].states[100].speed_mps = f64::NAN;
    dirty[1].states[200].x_m = f64::INFINITY;
    dirty[1].states[300].accel_mps2 = f64::NEG_INFINITY;
    let (clean, dirty) = (verdict(&clean), verdict(&dirty));
    assert_eq!(dirty.quarantined, 3);
    assert!((dirty.summary.min_gap_m.unwrap().value - clean.summary.min_gap_m.unwrap().value).abs() < 1e-9);
    assert!(dirty.passed);
}

#[test]
fn verdicts_travel_as_json() {
    let traces = [drive("ego", 0.0, 0.0, 33.3, |_| -0.1), drive("lead", 54.6, 0.0, 21.7, |_| 0.0)];
    let verdict = verdict(&traces);
    let text = serde_json::to_string(&verdict).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf"));
    let back = serde_json::from_str::<Verdict>(&text).unwrap();
    assert_eq!((back.passed, criteria_of(&back)), (verdict.passed, criteria_of(&verdict)));
    let least = |v: &Verdict| v.summary.max_drac_mps2.as_ref().unwrap().value;
    assert!((least(&back) - least(&verdict)).abs() < 1e-9);
}

#[test]
fn scenes_that_cannot_be_judged_say_why() {
    let traces = [drive("ego", 0.0, 0.0, 25.0, |_| 0.0)];
    let error = judge(&Scene { traces: &traces, subject: "hero", road: None }, &Criteria::default()).unwrap_err();
    assert_eq!(error.to_string(), "no trace is named \"hero\"; the scene has ego");
    let mut broken = traces.clone();
    broken[0].states.iter_mut().for_each(|state| state.x_m = f64::NAN);
    let error = judge(&Scene { traces: &broken, subject: "ego", road: None }, &Criteria::default()).unwrap_err();
    assert_eq!(error, JudgementError::TooShort { subject: "ego".into(), usable: 0, quarantined: 1_001 });
}
