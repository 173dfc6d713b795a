//! The own vehicle: kinematic bicycle, actuators with lag and limited rates, lane keeping and planned lateral shifts.

use super::road::Road;

/// Distance between the axles, m.
pub const WHEELBASE_M: f64 = 2.8;
/// Distance between the wheels of an axle, m.
pub const TRACK_M: f64 = 1.6;
/// Rear axle to front bumper, m.
pub const FRONT_M: f64 = 3.75;
/// Overall length, m.
pub const LENGTH_M: f64 = 4.7;
/// Overall width, m.
pub const WIDTH_M: f64 = 1.86;
/// Steering wheel angle over road wheel angle.
pub const STEERING_RATIO: f64 = 15.0;

const DRIVE_LAG_S: f64 = 0.15;
const STEER_LAG_S: f64 = 0.06;
/// Road wheel rate limit; an alarmed driver reaches about 600 degrees/s at the steering wheel.
const STEER_RATE_LIMIT_RADPS: f64 = 0.7;

/// Change of longitudinal demand, m/s3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Everyday driving.
    Comfort,
    /// Emergency braking: the brake builds up within about a quarter of a second.
    Emergency,
}

/// A move of the lateral target along a minimum-jerk polynomial (zero velocity and acceleration at both ends).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Start of the move, s.
    pub start_s: f64,
    /// Its duration, s.
    pub duration_s: f64,
    /// Target before, m.
    pub from_m: f64,
    /// Target after, m.
    pub to_m: f64,
}

impl Shift {
    /// Offset, its rate and its second derivative at a time.
    pub fn at(&self, t_s: f64) -> [f64; 3] {
        let u = ((t_s - self.start_s) / self.duration_s).clamp(0.0, 1.0);
        let span = self.to_m - self.from_m;
        [
            self.from_m + span * u.powi(3) * (10.0 - 15.0 * u + 6.0 * u * u),
            span * 30.0 * u * u * (1.0 - u).powi(2) / self.duration_s,
            span * 60.0 * u * (1.0 - u) * (1.0 - 2.0 * u) / self.duration_s.powi(2),
        ]
    }

    /// Whether the move is over.
    pub fn is_over(&self, t_s: f64) -> bool {
        t_s >= self.start_s + self.duration_s
    }
}

/// State of the own vehicle; the reference point is the middle of the rear axle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnVehicle {
    /// East, m.
    pub x_m: f64,
    /// North, m.
    pub y_m: f64,
    /// Anticlockwise from east, rad, not wrapped.
    pub yaw_rad: f64,
    /// m/s, never negative.
    pub speed_mps: f64,
    /// True longitudinal acceleration, m/s2.
    pub accel_mps2: f64,
    /// Demand after the rate limit, before the actuator, m/s2.
    pub demand_mps2: f64,
    /// Road wheel angle, left positive, rad.
    pub steer_rad: f64,
    /// Rate of it, rad/s.
    pub steer_rate_radps: f64,
    /// Yaw rate, rad/s.
    pub yaw_rate_radps: f64,
    /// Arc length of the reference point on the road, m.
    pub along_m: f64,
    /// Lateral offset of the reference point, m.
    pub lateral_m: f64,
    /// Distance travelled, m.
    pub travelled_m: f64,
}

impl OwnVehicle {
    /// On the middle of a lateral offset at arc length 0, along the road.
    pub fn start(road: &Road, lateral_m: f64, speed_mps: f64) -> Self {
        let [x_m, y_m] = road.xy(0.0, lateral_m);
        let line = road.at(0.0);
        Self {
            x_m,
            y_m,
            yaw_rad: line.heading_rad,
            speed_mps,
            accel_mps2: 0.0,
            demand_mps2: 0.0,
            steer_rad: (WHEELBASE_M * line.curvature_per_m).atan(),
            steer_rate_radps: 0.0,
            yaw_rate_radps: speed_mps * line.curvature_per_m,
            along_m: 0.0,
            lateral_m,
            travelled_m: 0.0,
        }
    }

    /// Lateral acceleration, left positive, m/s2.
    pub fn lateral_accel_mps2(&self) -> f64 {
        self.speed_mps * self.yaw_rate_radps
    }

    /// Heading against the road, left positive, rad.
    pub fn heading_error_rad(&self, road: &Road) -> f64 {
        self.yaw_rad - road.at(self.along_m).heading_rad
    }

    /// One step. `wanted_mps2` is the driver's or the cruise control's wish; `target` is the lateral offset wanted with
    /// its rate and second derivative.
    pub fn step(&mut self, road: &Road, dt_s: f64, wanted_mps2: f64, urgency: Urgency, target: [f64; 3]) {
        let (down, up) = match urgency {
            Urgency::Comfort => (4.0, 2.5),
            Urgency::Emergency => (32.0, 14.0),
        };
        self.demand_mps2 += (wanted_mps2 - self.demand_mps2).clamp(-down * dt_s, up * dt_s);
        self.accel_mps2 += (self.demand_mps2 - self.accel_mps2) * dt_s / DRIVE_LAG_S;
        let wanted_steer = self.steering_towards(road, target);
        let rate =
            ((wanted_steer - self.steer_rad) / STEER_LAG_S).clamp(-STEER_RATE_LIMIT_RADPS, STEER_RATE_LIMIT_RADPS);
        self.steer_rate_radps = rate;
        self.steer_rad += rate * dt_s;

        let speed_before = self.speed_mps;
        self.speed_mps = (self.speed_mps + self.accel_mps2 * dt_s).max(0.0);
        if self.speed_mps == 0.0 {
            self.accel_mps2 = self.accel_mps2.max(0.0);
        }
        let mean_speed = (speed_before + self.speed_mps) / 2.0;
        self.yaw_rate_radps = self.speed_mps * self.steer_rad.tan() / WHEELBASE_M;
        let middle_yaw = self.yaw_rad + self.yaw_rate_radps * dt_s / 2.0;
        self.x_m += mean_speed * middle_yaw.cos() * dt_s;
        self.y_m += mean_speed * middle_yaw.sin() * dt_s;
        self.yaw_rad += self.yaw_rate_radps * dt_s;
        self.travelled_m += mean_speed * dt_s;
        (self.along_m, self.lateral_m) = road.project(self.x_m, self.y_m, self.along_m + mean_speed * dt_s);
    }

    /// Road wheel angle for the lateral target: curvature of the road, feed-forward of the target's acceleration, and a
    /// critically damped correction of offset and rate.
    fn steering_towards(&self, road: &Road, [offset, rate, accel]: [f64; 3]) -> f64 {
        const STIFFNESS_PER_S2: f64 = 2.2;
        const DAMPING_PER_S: f64 = 2.6;
        let speed = self.speed_mps.max(3.0);
        let lateral_rate = speed * self.heading_error_rad(road).sin();
        let wanted_accel = accel + DAMPING_PER_S * (rate - lateral_rate) + STIFFNESS_PER_S2 * (offset - self.lateral_m);
        let curvature = road.at(self.along_m).curvature_per_m + wanted_accel / (speed * speed);
        (WHEELBASE_M * curvature).atan().clamp(-0.5, 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_lane_through_curves() {
        let road = Road::lay_out(5, -100.0, 5_000.0);
        let mut own = OwnVehicle::start(&road, 0.0, 30.0);
        while own.along_m < 4_800.0 {
            own.step(&road, 0.01, 0.0, Urgency::Comfort, [0.0; 3]);
            assert!(own.lateral_m.abs() < 0.25, "{} m off at {} m", own.lateral_m, own.along_m);
        }
    }

    #[test]
    fn follows_a_quick_shift_closely() {
        let road = Road::lay_out(5, -100.0, 2_000.0);
        let mut own = OwnVehicle::start(&road, 0.0, 30.0);
        let shift = Shift { start_s: 1.0, duration_s: 1.6, from_m: 0.0, to_m: 2.0 };
        let mut peak = 0.0_f64;
        for step in 0..500 {
            let t = f64::from(step) * 0.01;
            own.step(&road, 0.01, 0.0, Urgency::Comfort, shift.at(t));
            assert!((own.lateral_m - shift.at(t)[0]).abs() < 0.35, "{} at {t} s", own.lateral_m);
            peak = peak.max(own.lateral_accel_mps2().abs());
        }
        assert!((3.5..6.5).contains(&peak), "{peak}");
    }

    #[test]
    fn emergency_braking_stays_within_physics() {
        let road = Road::lay_out(5, -100.0, 2_000.0);
        let mut own = OwnVehicle::start(&road, 0.0, 30.0);
        for _ in 0..600 {
            let before = own.accel_mps2;
            own.step(&road, 0.01, -8.0, Urgency::Emergency, [0.0; 3]);
            assert!(own.accel_mps2 > -8.01 && (own.accel_mps2 - before) > -0.4);
        }
        assert_eq!(own.speed_mps, 0.0);
    }
}
