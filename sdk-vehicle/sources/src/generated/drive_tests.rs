//! Properties of whole drives over many seeds, without sensors.

use super::take::Take;
use super::truth::{DriveTruth, Observer};
use super::world::World;

fn drive(seed: u64, seconds: f64, mut each: impl FnMut(&World)) -> (u64, DriveTruth) {
    let mut take = Take::first_good(seed, seconds, |_| {}).unwrap();
    let mut observer = Observer::new();
    while take.world.t_s < seconds {
        take.director.direct(&mut take.world);
        take.world.step();
        observer.observe(&take.world);
        each(&take.world);
    }
    (
        take.number,
        observer.finish(seed, seconds, 0, 0).with_plans(take.director.planted(), &take.director.not_planted()),
    )
}

#[test]
fn two_minutes_contain_everything_and_nobody_is_hit() {
    let mut takes = Vec::new();
    for seed in 0..40 {
        let mut last: Option<(f64, f64, f64, f64)> = None;
        let (number, truth) = drive(seed, 120.0, |world| {
            let own = &world.own;
            if let Some((x, y, speed, yaw)) = last {
                let moved = (own.x_m - x).hypot(own.y_m - y);
                assert!((moved - speed * 0.01).abs() < 0.002, "seed {seed}: jumped at {:.2} s", world.t_s);
                assert!((own.yaw_rad - yaw).abs() < 0.01, "seed {seed}: turned at {:.2} s", world.t_s);
            }
            last = Some((own.x_m, own.y_m, own.speed_mps, own.yaw_rad));
            assert_eq!(world.overlap_m(), None, "seed {seed} at {:.2} s", world.t_s);
            assert!(own.lateral_m.abs() < 6.0, "seed {seed}: off the road at {:.2} s", world.t_s);
        });
        takes.push(number);
        for kind in ["hard-brake", "evasive-swerve", "cut-in", "short-time-gap", "cruise-transition", "slow-lead"] {
            assert!(truth.events.iter().any(|event| event.kind == kind), "seed {seed}: no {kind}");
        }
        for stretch in &truth.quiet {
            assert!(stretch.end_s - stretch.start_s >= 20.0);
            for event in truth.events.iter().filter(|event| event.kind != "slow-lead") {
                assert!(event.end_s < stretch.start_s || event.start_s > stretch.end_s, "seed {seed}: {event:?}");
            }
        }
        assert!(!truth.quiet.is_empty() && truth.not_planted.is_empty(), "seed {seed}");
    }
    let mean = takes.iter().sum::<u64>() as f64 / takes.len() as f64;
    assert!(mean < 2.0, "{mean} retakes on average: {takes:?}");
}

#[test]
fn events_differ_from_seed_to_seed() {
    let brakes: Vec<f64> = (100..112)
        .flat_map(|seed| drive(seed, 120.0, |_| {}).1.events)
        .filter(|event| event.kind == "hard-brake")
        .map(|event| event.peak["deceleration_mps2"])
        .collect();
    let mean = brakes.iter().sum::<f64>() / brakes.len() as f64;
    let spread = (brakes.iter().map(|b| (b - mean).powi(2)).sum::<f64>() / brakes.len() as f64).sqrt();
    assert!(spread > 0.3 && (5.5..9.0).contains(&mean), "{brakes:?}");
}

#[test]
fn a_short_drive_says_what_it_left_out() {
    let (_, truth) = drive(4, 30.0, |_| {});
    assert!(!truth.not_planted.is_empty());
    assert!(truth.events.iter().all(|event| event.end_s <= 30.01));
}
