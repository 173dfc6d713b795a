//! The vehicle under test: a kinematic single-track model with actuators that take time and have limits.

use cloverleaf_vocabulary::STANDARD_GRAVITY_MPS2;
use serde::{Deserialize, Serialize};

/// What limits a vehicle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VehicleLimits {
    /// Distance between the axles, m.
    pub wheelbase_m: f64,
    /// Largest steering angle of the front wheels, rad.
    pub max_steering_rad: f64,
    /// Largest steering rate of the front wheels, rad/s. 0.5 is a brisk turn of the wheel (about 430 degrees/s at a ratio
    /// of 15).
    pub max_steering_rate_radps: f64,
    /// Time constant of the steering actuator, s.
    pub steering_lag_s: f64,
    /// Largest acceleration, m/s2.
    pub max_accel_mps2: f64,
    /// Strongest deceleration, m/s2, positive.
    pub max_decel_mps2: f64,
    /// Time constant of drive and brake, s. 0.2: brake systems reach 90 % of a demand within about half a second (UN R13-H
    /// asks for 0.6 s).
    pub accel_lag_s: f64,
    /// Top speed, m/s.
    pub max_speed_mps: f64,
    /// Friction coefficient of tyre and road: bounds the combined acceleration.
    pub friction: f64,
}

impl VehicleLimits {
    /// A usual passenger car on a dry road.
    pub const CAR: Self = Self {
        wheelbase_m: 2.8,
        max_steering_rad: 0.6,
        max_steering_rate_radps: 0.5,
        steering_lag_s: 0.1,
        max_accel_mps2: 3.0,
        max_decel_mps2: 9.0,
        accel_lag_s: 0.2,
        max_speed_mps: 70.0,
        friction: 0.95,
    };
}

/// What a driver asks of the vehicle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Wanted acceleration along the heading, m/s2.
    pub accel_mps2: f64,
    /// Wanted steering angle of the front wheels, left positive, rad.
    pub steering_rad: f64,
}

impl Command {
    /// Whether both values are numbers.
    pub fn is_finite(&self) -> bool {
        self.accel_mps2.is_finite() && self.steering_rad.is_finite()
    }
}

/// State of the vehicle; the reference point is the middle of the rear axle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bicycle {
    /// Rear axle, m.
    pub x_m: f64,
    /// Rear axle, m.
    pub y_m: f64,
    /// Heading, rad.
    pub yaw_rad: f64,
    /// Speed along the heading, m/s, at least 0.
    pub speed_mps: f64,
    /// Acceleration along the heading, m/s2.
    pub accel_mps2: f64,
    /// Steering angle, rad.
    pub steering_rad: f64,
}

impl Bicycle {
    /// The state `dt_s` later under `command`. The command must be finite.
    ///
    /// Tyres bound lateral acceleration first; what remains of the friction circle bounds driving and braking.
    #[must_use]
    pub fn step(&self, command: Command, limits: &VehicleLimits, dt_s: f64) -> Self {
        let grip_mps2 = limits.friction * STANDARD_GRAVITY_MPS2;
        let lateral_mps2 = (self.speed_mps * self.speed_mps * self.steering_rad.tan() / limits.wheelbase_m)
            .clamp(-grip_mps2, grip_mps2);
        let remaining_mps2 = (grip_mps2 * grip_mps2 - lateral_mps2 * lateral_mps2).sqrt();
        let wanted_mps2 = command.accel_mps2.clamp(-remaining_mps2, remaining_mps2);
        let (speed_mps, accel_mps2) = actuate(self.speed_mps, self.accel_mps2, wanted_mps2, limits, dt_s);
        self.roll(command.steering_rad, speed_mps, accel_mps2, limits, dt_s)
    }

    /// As [`Self::step`], with speed and acceleration at the end of the step given from outside.
    ///
    /// Kinematic single-track model about the rear axle (Rajamani 2012, "Vehicle Dynamics and Control", section 2.2 with the
    /// reference point moved to the rear axle): yaw rate = v tan(steering) / wheelbase, as far as the tyres' grip goes. The
    /// steering actuator is a first-order lag with a rate limit; within a step the vehicle follows a circular arc.
    #[must_use]
    pub fn roll(&self, wanted_rad: f64, speed_mps: f64, accel_mps2: f64, limits: &VehicleLimits, dt_s: f64) -> Self {
        let wanted_rad = wanted_rad.clamp(-limits.max_steering_rad, limits.max_steering_rad);
        let most_turn_rad = limits.max_steering_rate_radps * dt_s;
        let turn_rad = lagged(self.steering_rad, wanted_rad, limits.steering_lag_s, dt_s) - self.steering_rad;
        let steering_rad = self.steering_rad + turn_rad.clamp(-most_turn_rad, most_turn_rad);
        let fastest_mps = self.speed_mps.max(speed_mps);
        let tightest_per_m = limits.friction * STANDARD_GRAVITY_MPS2 / (fastest_mps * fastest_mps).max(1e-6);
        let curvature_per_m = (steering_rad.tan() / limits.wheelbase_m).clamp(-tightest_per_m, tightest_per_m);

        let way_m = 0.5 * (self.speed_mps + speed_mps) * dt_s;
        // Chord of the arc: its length is way * sin(h) / h with half the turn h, its direction the mean heading.
        let half_rad = 0.5 * way_m * curvature_per_m;
        let chord_m = if half_rad.abs() < 1e-9 { way_m } else { way_m * half_rad.sin() / half_rad };
        let (sin, cos) = (self.yaw_rad + half_rad).sin_cos();
        Self {
            x_m: self.x_m + chord_m * cos,
            y_m: self.y_m + chord_m * sin,
            yaw_rad: cloverleaf_road::wrap_angle(self.yaw_rad + 2.0 * half_rad),
            speed_mps,
            accel_mps2,
            steering_rad,
        }
    }
}

/// Speed and acceleration `dt_s` later when `wanted_mps2` is asked of drive and brake: a first-order lag, exact over the
/// step, within the vehicle's limits. Brakes hold the vehicle; they do not pull it backwards.
pub fn actuate(speed_mps: f64, accel_mps2: f64, wanted_mps2: f64, limits: &VehicleLimits, dt_s: f64) -> (f64, f64) {
    let wanted_mps2 = wanted_mps2.clamp(-limits.max_decel_mps2, limits.max_accel_mps2);
    let accel_mps2 = lagged(accel_mps2, wanted_mps2, limits.accel_lag_s, dt_s);
    let next_mps = speed_mps + accel_mps2 * dt_s;
    if next_mps <= 0.0 {
        return (0.0, accel_mps2.max(0.0));
    }
    let top_mps = limits.max_speed_mps.max(speed_mps);
    if next_mps > top_mps { (top_mps, accel_mps2.min(0.0)) } else { (next_mps, accel_mps2) }
}

fn lagged(from: f64, to: f64, lag_s: f64, dt_s: f64) -> f64 {
    to + (from - to) * (-dt_s / lag_s.max(1e-6)).exp()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Bicycle =
        Bicycle { x_m: 0.0, y_m: 0.0, yaw_rad: 0.0, speed_mps: 20.0, accel_mps2: 0.0, steering_rad: 0.0 };

    #[test]
    fn constant_steering_drives_the_circle_of_the_closed_form() {
        let radius_m = 250.0;
        let steering_rad = (VehicleLimits::CAR.wheelbase_m / radius_m).atan();
        let mut car = Bicycle { steering_rad, ..START };
        for _ in 0..3_000 {
            car = car.step(Command { accel_mps2: 0.0, steering_rad }, &VehicleLimits::CAR, 0.01);
        }
        let angle = 20.0 * 30.0 / radius_m;
        assert!((car.x_m - radius_m * f64::sin(angle)).abs() < 1e-6, "{car:?}");
        assert!((car.y_m - radius_m * (1.0 - f64::cos(angle))).abs() < 1e-6, "{car:?}");
    }

    #[test]
    fn braking_takes_its_time_and_ends_at_rest() {
        let mut car = START;
        let brake = Command { accel_mps2: -8.0, steering_rad: 0.0 };
        car = car.step(brake, &VehicleLimits::CAR, 0.01);
        assert!(car.accel_mps2 > -0.5, "no brake acts at once");
        for _ in 0..1_000 {
            car = car.step(brake, &VehicleLimits::CAR, 0.01);
        }
        assert_eq!((car.speed_mps, car.accel_mps2), (0.0, 0.0));
        // v^2 / 2a plus the way lost to the lag, v * lag.
        let expected_m = 400.0 / 16.0 + 20.0 * VehicleLimits::CAR.accel_lag_s;
        assert!((car.x_m - expected_m).abs() < 0.5, "{car:?}");
    }

    proptest! {
        #[test]
        fn limits_hold_whatever_is_asked(accel in -1e6..1e6f64, steering in -1e6..1e6f64, speed in 0.0..80.0f64) {
            let mut car = Bicycle { speed_mps: speed, ..START };
            for _ in 0..300 {
                let before = car;
                car = car.step(Command { accel_mps2: accel, steering_rad: steering }, &VehicleLimits::CAR, 0.01);
                let lateral = before.speed_mps * cloverleaf_road::wrap_angle(car.yaw_rad - before.yaw_rad) / 0.01;
                prop_assert!(car.x_m.is_finite() && car.speed_mps >= 0.0 && car.speed_mps <= 80.0);
                prop_assert!(lateral.abs() < 0.95 * STANDARD_GRAVITY_MPS2 + 0.2);
                prop_assert!(car.steering_rad.abs() <= 0.6 + 1e-12 && car.accel_mps2.abs() <= 9.4);
            }
        }
    }
}
