//! From a condition to firings and capture windows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use cloverleaf_signals::vss::{Catalogue, SignalId};
use cloverleaf_triggers::{Engine, EngineError, Firing, Rule};
use cloverleaf_vocabulary::{BootTime, RuleId, TimeDelta};

fn id(name: &str) -> SignalId {
    Catalogue::standard().id(name).unwrap()
}

fn at(seconds: f64) -> BootTime {
    BootTime::from_secs_f64(1000.0 + seconds)
}

fn rule(name: &str, when: &str) -> Rule {
    let mut rule =
        Rule::new(RuleId::new(name).unwrap(), when, Catalogue::standard()).unwrap_or_else(|error| panic!("{error}"));
    rule.pre = TimeDelta::from_secs_f64(2.0);
    rule.post = TimeDelta::from_secs_f64(3.0);
    rule.cooldown = TimeDelta::from_secs_f64(1.0);
    rule.max_duration = TimeDelta::from_secs_f64(10.0);
    rule
}

/// Ends of firings in seconds: from, until, window start, window end.
fn check(rule: Rule, speeds: &[(f64, f64)], expected: &[(f64, f64, f64, f64)]) {
    let mut engine = Engine::new([rule], Catalogue::standard()).unwrap();
    for (time, speed) in speeds {
        engine.push(at(*time), id("Vehicle.Speed"), *speed);
    }
    engine.finish(at(60.0));
    let seconds = |time: BootTime| ((time - at(0.0)).as_secs_f64() * 1e6).round() / 1e6;
    let found: Vec<_> = engine
        .drain()
        .filter_map(|f| Some((seconds(f.at), seconds(f.until?), seconds(f.window.start), seconds(f.window.end))))
        .collect();
    assert_eq!(found, expected);
}

/// Speed samples at 10 Hz: 50 within the stretches, 0 outside.
fn speeds(stretches: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let inside = |t: f64| stretches.iter().any(|(from, to)| t >= *from && t < *to);
    (0..400).map(|n| f64::from(n) / 10.0).map(|t| (t, if inside(t) { 50.0 } else { 0.0 })).collect()
}

#[test]
fn a_firing_lasts_as_long_as_its_condition() {
    check(rule("r", "Vehicle.Speed > 30"), &speeds(&[(5.0, 6.0)]), &[(5.0, 6.0, 3.0, 9.0)]);
}

#[test]
fn cooldown_joins_flicker_and_delays_the_next() {
    // The second stretch begins within the cooldown and lasts past it; the third lies within the next cooldown.
    let flicker = speeds(&[(5.0, 6.0), (6.5, 9.0), (9.2, 9.6)]);
    check(rule("r", "Vehicle.Speed > 30"), &flicker, &[(5.0, 6.0, 3.0, 9.0), (7.0, 9.0, 5.0, 12.0)]);
}

#[test]
fn a_long_condition_fills_one_window_and_no_second() {
    check(rule("r", "Vehicle.Speed > 30"), &speeds(&[(5.0, 30.0)]), &[(5.0, 10.0, 3.0, 13.0)]);
}

#[test]
fn a_condition_that_lost_its_signal_ends_when_that_is_stale() {
    check(rule("r", "Vehicle.Speed > 30"), &[(5.0, 50.0)], &[(5.0, 6.0, 3.0, 9.0)]);
    // And a rule about missing signals begins there.
    check(rule("r", "!has(Vehicle.Speed)"), &[(5.0, 50.0), (5.5, 50.0)], &[(6.5, 11.5, 4.5, 14.5)]);
}

#[test]
fn begin_is_reported_before_the_end_with_the_values() {
    let mut engine = Engine::new(
        [rule("r", "Vehicle.Speed > 30 && (Vehicle.Acceleration.Longitudinal < 0 || true)")],
        Catalogue::standard(),
    )
    .unwrap();
    engine.push(at(0.0), id("Vehicle.Speed"), 88.25);
    let begun: Vec<Firing> = engine.drain().collect();
    assert_eq!(begun.len(), 1);
    assert_eq!((begun[0].until, begun[0].window.start, begun[0].window.end), (None, at(-2.0), at(3.0)));
    assert_eq!(begun[0].message, "Vehicle.Speed 88.25 km/h, Vehicle.Acceleration.Longitudinal unknown m/s^2");
    engine.finish(at(0.5));
    assert_eq!(engine.drain().next().unwrap().until, Some(at(0.5)));
}

#[test]
fn what_is_no_number_or_out_of_order_is_counted() {
    let mut engine = Engine::new([rule("r", "Vehicle.Speed > 30")], Catalogue::standard()).unwrap();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        engine.push(at(1.0), id("Vehicle.Speed"), bad);
    }
    engine.push(at(2.0), id("Vehicle.Speed"), 1.0);
    engine.push(at(1.0), id("Vehicle.Speed"), 50.0);
    engine.push(at(1.0), SignalId(u16::MAX), 50.0);
    let counts = engine.counts();
    assert_eq!((counts.samples, counts.non_finite, counts.late, counts.unknown_signal), (2, 3, 1, 1));
    assert_eq!(engine.drain().next().unwrap().at, at(2.0), "a late sample counts from now");
}

#[test]
fn a_clock_that_leaps_costs_little() {
    let conditions =
        ["window_mean(Vehicle.Speed, 10ms) > 3", "age(Vehicle.Speed) > 700s", "for(Vehicle.Speed > 3, 5min)"];
    let rules = conditions.iter().enumerate().map(|(n, when)| rule(&format!("r{n}"), when));
    let mut engine = Engine::new(rules, Catalogue::standard()).unwrap();
    engine.push(at(0.0), id("Vehicle.Speed"), 50.0);
    engine.push(BootTime::from_nanos(u64::MAX / 2), id("Vehicle.Speed"), 50.0);
    engine.finish(BootTime::from_nanos(u64::MAX));
    assert!(engine.counts().evaluations < 20_000, "{:?}", engine.counts());
}

#[test]
fn rules_of_one_name_or_another_catalogue_are_refused() {
    let standard = Catalogue::standard();
    let twice = Engine::new([rule("r", "Vehicle.Speed > 3"), rule("r", "Vehicle.Speed > 4")], standard);
    assert!(matches!(twice, Err(EngineError::Duplicate(_))));
    let larger = standard.with_private(["Vehicle.Private.A.B"]).unwrap();
    let foreign = Rule::new(RuleId::new("r").unwrap(), "Vehicle.Private.A.B > 1", &larger).unwrap();
    assert!(matches!(Engine::new([foreign], standard), Err(EngineError::OtherCatalogue(_))));
}
