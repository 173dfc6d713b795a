//! The shipped rules: silent in ordinary driving, firing on what they are for, and right about a real minute.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use cloverleaf_signals::lead::{EgoMotion, LeadSelector, LeadSignals};
use cloverleaf_signals::messages::{Object, ObjectList};
use cloverleaf_signals::vss::Catalogue;
use cloverleaf_triggers::{Engine, Firing, read_rules};
use cloverleaf_vocabulary::BootTime;

/// An engine with the shipped rules, fed like in a car: signals and object lists.
struct Car {
    engine: Engine,
    selector: LeadSelector,
    lead: LeadSignals,
    speed_mps: f64,
    yaw_rate_radps: f64,
    has_lead_s: f64,
    longest_lead_s: f64,
}

impl Car {
    fn new() -> Self {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../rules/loop.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let rules = read_rules("loop.toml", &text, Catalogue::standard()).unwrap_or_else(|error| panic!("{error}"));
        Self {
            engine: Engine::new(rules, Catalogue::standard()).unwrap(),
            selector: LeadSelector::new(),
            lead: LeadSignals::new(Catalogue::standard()).unwrap(),
            speed_mps: 0.0,
            yaw_rate_radps: 0.0,
            has_lead_s: 0.0,
            longest_lead_s: 0.0,
        }
    }

    fn push(&mut self, t: f64, name: &str, value: f64) {
        self.engine.push(BootTime::from_secs_f64(t), Catalogue::standard().id(name).unwrap(), value);
    }

    fn speed(&mut self, t: f64, mps: f64) {
        self.speed_mps = mps;
        self.push(t, "Vehicle.Speed", mps * 3.6);
    }

    fn yaw(&mut self, t: f64, radps: f64) {
        self.yaw_rate_radps = radps;
        self.push(t, "Vehicle.AngularVelocity.Yaw", radps.to_degrees());
    }

    fn objects(&mut self, t: f64, objects: Vec<Object>) {
        let at = BootTime::from_secs_f64(t);
        let ego = EgoMotion { speed_mps: self.speed_mps, yaw_rate_radps: self.yaw_rate_radps };
        let lead = self.selector.update(at, &ObjectList { objects }, ego);
        self.has_lead_s += if lead.is_some() { 0.05 } else { 0.0 };
        self.longest_lead_s = self.longest_lead_s.max(lead.map_or(0.0, |lead| lead.time_in_path_s));
        for (id, value) in self.lead.samples(lead.as_ref()) {
            self.engine.push(at, id, value);
        }
    }

    fn finish(mut self, t: f64) -> BTreeMap<String, Vec<Firing>> {
        self.engine.finish(BootTime::from_secs_f64(t));
        let mut by_rule: BTreeMap<String, Vec<Firing>> = BTreeMap::new();
        for firing in self.engine.drain().filter(|firing| firing.until.is_some()) {
            by_rule.entry(firing.rule.to_string()).or_default().push(firing);
        }
        by_rule
    }
}

/// Pseudo-noise within +-1, the same in every run.
fn noise(n: u32) -> f64 {
    let bits = n.wrapping_mul(2_654_435_761).rotate_left(15).wrapping_mul(2_246_822_519);
    f64::from(bits) / f64::from(u32::MAX) * 2.0 - 1.0
}

struct Story {
    speed_mps: fn(f64) -> f64,
    yaw_radps: fn(f64) -> f64,
    objects: fn(f64) -> Vec<Object>,
    cruise: fn(f64) -> bool,
    with_accelerometer: bool,
}

const QUIET: Story = Story {
    speed_mps: |_| 27.0,
    yaw_radps: |_| 0.0,
    objects: |_| Vec::new(),
    cruise: |_| true,
    with_accelerometer: true,
};

fn object(id: u32, x_m: f64, y_m: f64, vx_mps: f64) -> Object {
    Object { id, x_m, y_m, vx_mps, ..Object::default() }
}

/// Thirty seconds of a story at 50 Hz with sensor noise; the rules that fired and how often.
fn check(story: Story, expected: &[(&str, usize)]) {
    let mut car = Car::new();
    for n in 0..1500 {
        let t = f64::from(n) * 0.02;
        let clock = 500.0 + t;
        let acceleration = ((story.speed_mps)(t + 0.01) - (story.speed_mps)(t - 0.01)) / 0.02;
        car.speed(clock, (story.speed_mps)(t) + 0.02 * noise(n));
        if story.with_accelerometer {
            car.push(clock, "Vehicle.Acceleration.Longitudinal", acceleration + 0.5 * noise(n + 9999));
        }
        car.yaw(clock, (story.yaw_radps)(t) + 0.004 * noise(n + 7777));
        car.push(clock, "Vehicle.ADAS.CruiseControl.IsActive", f64::from(u8::from((story.cruise)(t))));
        if n % 3 == 0 {
            car.objects(clock, (story.objects)(t));
        }
    }
    let found = car.finish(530.0);
    let found: Vec<_> = found.iter().map(|(rule, firings)| (rule.as_str(), firings.len())).collect();
    assert_eq!(found, expected);
}

#[test]
fn ordinary_driving_is_silent() {
    check(QUIET, &[]);
    // Stop and go behind a car, braking at 3 m/s2 for a light.
    check(Story { speed_mps: |t| (20.0 - 3.0 * (t - 10.0).max(0.0)).max(0.0), ..QUIET }, &[]);
    // A lane change in 4 s at 27 m/s, and then one at 14 m/s.
    check(Story { yaw_radps: |t| lane_change(t, 27.0), ..QUIET }, &[]);
    check(Story { speed_mps: |_| 14.0, yaw_radps: |t| lane_change(t, 14.0), ..QUIET }, &[]);
    // A bend of 300 m radius with cars in the next lane.
    let bend = Story {
        yaw_radps: |t| if t > 8.0 { 27.0 / 300.0 } else { 0.0 },
        objects: |t| vec![object(1, 40.0, if t > 8.0 { 3.5 + 40.0 * 40.0 / 600.0 } else { 3.5 }, 0.0)],
        ..QUIET
    };
    check(bend, &[]);
    // Following at 1.5 s.
    check(Story { objects: |_| vec![object(1, 40.5, 0.1, 0.0)], ..QUIET }, &[]);
}

/// A 3.5 m lane change between 10 s and 14 s: one period of lateral acceleration.
fn lane_change(t: f64, speed_mps: f64) -> f64 {
    let phase = (t - 10.0) / 4.0;
    if (0.0..1.0).contains(&phase) {
        std::f64::consts::TAU * 3.5 / (16.0 * speed_mps) * (phase * std::f64::consts::TAU).sin()
    } else {
        0.0
    }
}

#[test]
fn hard_braking_fires_once_with_or_without_an_accelerometer() {
    let braking: fn(f64) -> f64 = |t| (27.0 - 7.0 * (t - 10.0).clamp(0.0, 2.5)).max(0.0);
    check(Story { speed_mps: braking, ..QUIET }, &[("hard-brake", 1)]);
    check(Story { speed_mps: braking, with_accelerometer: false, ..QUIET }, &[("hard-brake", 1)]);
}

#[test]
fn a_swerve_fires_once() {
    // 2.5 m to the side and straight again in 1.8 s: 4.8 m/s2 each way.
    let swerve: fn(f64) -> f64 = |t| {
        let phase = (t - 10.0) / 1.8;
        if (0.0..1.0).contains(&phase) { 4.85 / 27.0 * (phase * std::f64::consts::TAU).sin() } else { 0.0 }
    };
    check(Story { yaw_radps: swerve, ..QUIET }, &[("evasive-swerve", 1)]);
}

#[test]
fn a_cut_in_fires_once_and_a_car_we_change_lane_behind_does_not() {
    let cut_in: fn(f64) -> Vec<Object> = |t| vec![object(4, 35.0, (3.5 - (t - 10.0).max(0.0)).max(0.0), -0.5)];
    check(Story { objects: cut_in, ..QUIET }, &[("cut-in", 1)]);
    let ours: fn(f64) -> Vec<Object> = |t| vec![object(4, 35.0, 3.5 - 3.5 * ((t - 10.0) / 4.0).clamp(0.0, 1.0), 0.0)];
    check(Story { objects: ours, yaw_radps: |t| lane_change(t, 27.0), ..QUIET }, &[]);
}

#[test]
fn close_following_and_cruise_changes_fire() {
    let close: fn(f64) -> Vec<Object> = |t| vec![object(4, if t > 10.0 { 20.0 } else { 50.0 }, 0.1, 0.0)];
    check(Story { objects: close, ..QUIET }, &[("short-time-gap", 1)]);
    check(Story { cruise: |t| !(10.0..20.0).contains(&t), ..QUIET }, &[("cruise-transition", 2)]);
}

#[test]
fn the_real_minute_has_no_emergency() {
    let root = std::env::var_os("CLOVERLEAF_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let log = root.join("comma2k19-example1/processed_log");
    if !log.exists() {
        eprintln!("skipped the_real_minute_has_no_emergency: {} absent", log.display());
        return;
    }
    let read = |name: &str, columns| {
        let rows = |part: &str, columns| npy(&std::fs::read(log.join(name).join(part)).unwrap(), columns);
        rows("t", 1).into_iter().map(|row| row[0]).zip(rows("value", columns))
    };

    // One time line of all three; the radar sends its tracks in bursts 50 ms apart.
    enum Input {
        Speed(f64),
        Yaw(f64),
        Objects(Vec<Object>),
    }
    let mut inputs: Vec<(f64, Input)> = Vec::new();
    inputs.extend(read("CAN/speed", 1).map(|(t, v)| (t, Input::Speed(v[0]))));
    // Phone frame of comma2k19: forward, right, down.
    inputs.extend(read("IMU/gyro", 3).map(|(t, g)| (t, Input::Yaw(-g[2]))));
    let mut sweep: (f64, Vec<Object>) = (f64::NEG_INFINITY, Vec::new());
    for (t, row) in read("CAN/radar", 7) {
        if t > sweep.0 + 0.02 && !sweep.1.is_empty() {
            inputs.push((sweep.0, Input::Objects(std::mem::take(&mut sweep.1))));
        }
        sweep.0 = t;
        let is_new = row[6] != 0.0;
        sweep.1.push(Object { is_new, ..object(row[5] as u32, row[0], row[1], row[2]) });
    }
    inputs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut car = Car::new();
    let end = inputs.last().map_or(0.0, |(t, _)| *t);
    for (t, input) in inputs {
        match input {
            Input::Speed(v) => car.speed(t, v),
            Input::Yaw(w) => car.yaw(t, w),
            Input::Objects(objects) => car.objects(t, objects),
        }
    }
    let (with_lead_s, longest_s) = (car.has_lead_s, car.longest_lead_s);
    let found = car.finish(end);
    for firing in found.values().flatten() {
        println!(
            "{} {} until {:?}: {}",
            firing.rule,
            firing.at.as_secs_f64(),
            firing.until.map(BootTime::as_secs_f64),
            firing.message
        );
    }
    println!("with a lead: {with_lead_s:.1} s, the longest {longest_s:.1} s");
    // The raw rows show one car ahead, 70 to 30 m away, for the last 45 s, by two or three tracks at once.
    assert!(with_lead_s > 50.0 && longest_s > 40.0, "{with_lead_s} {longest_s}");
    assert!(!found.contains_key("hard-brake") && !found.contains_key("evasive-swerve"), "{found:?}");
}

/// The rows of a little-endian float64 array of NumPy's format 1.0.
fn npy(bytes: &[u8], columns: usize) -> Vec<Vec<f64>> {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let body = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..body]);
    assert!(header.contains("'<f8'"), "{header}");
    let values: Vec<f64> = bytes[body..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    let rows = values.len() / columns;
    let column_major = header.contains("'fortran_order': True");
    let at =
        |row: usize, column: usize| values[if column_major { column * rows + row } else { row * columns + column }];
    (0..rows).map(|row| (0..columns).map(|column| at(row, column)).collect()).collect()
}
