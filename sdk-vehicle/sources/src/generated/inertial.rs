//! IMU, GNSS and the reference pose, with noise and bias.

use cloverleaf_signals::messages::{
    GnssVelocity, Imu, LocationFix, Pose, PoseInFrame, PositionCovarianceType, Quaternion, Vector3, proto_timestamp,
};
use cloverleaf_vocabulary::{Draw, STANDARD_GRAVITY_MPS2, Timestamp};

use super::world::World;
use crate::attitude;

/// GNSS cycle in world steps (10 Hz).
pub const GNSS_STEPS: u64 = 10;
/// Pose cycle in world steps (20 Hz).
pub const POSE_STEPS: u64 = 5;

/// Standard deviation of the slow position error per axis (east, north, up), m.
const SLOW_ERROR_M: [f64; 3] = [1.2, 1.2, 2.2];
/// Its correlation time, s: satellite geometry and atmosphere change slowly.
const SLOW_ERROR_S: f64 = 60.0;

/// All three sensors.
pub struct Inertial {
    accel_bias_mps2: [f64; 3],
    gyro_bias_radps: [f64; 3],
    slow_error_m: [f64; 3],
    draw: Draw,
}

impl Inertial {
    /// Sensors with their own errors.
    pub fn new(seed: u64) -> Self {
        let mut draw = Draw::new(seed, INERTIAL_STREAM, 0);
        Self {
            accel_bias_mps2: [(); 3].map(|()| 0.04 * draw.normal()),
            gyro_bias_radps: [(); 3].map(|()| 0.0015 * draw.normal()),
            slow_error_m: SLOW_ERROR_M.map(|spread| spread * draw.normal()),
            draw,
        }
    }

    /// Specific force and angular rate, 100 Hz.
    pub fn imu(&mut self, world: &World, utc: Timestamp) -> Imu {
        let own = &world.own;
        // Road roughness grows with speed.
        let rough = 0.06 + 0.003 * own.speed_mps;
        let truth = [own.accel_mps2, own.lateral_accel_mps2(), STANDARD_GRAVITY_MPS2];
        let rate = [0.0, 0.0, own.yaw_rate_radps];
        let mut linear_acceleration_mps2 = [0.0; 3];
        let mut angular_velocity_radps = [0.0; 3];
        for axis in 0..3 {
            let shake = if axis == 2 { 2.0 * rough } else { 0.6 * rough };
            linear_acceleration_mps2[axis] = truth[axis] + self.accel_bias_mps2[axis] + shake * self.draw.normal();
            angular_velocity_radps[axis] = rate[axis] + self.gyro_bias_radps[axis] + 0.0015 * self.draw.normal();
        }
        Imu { utc, angular_velocity_radps, linear_acceleration_mps2 }
    }

    /// Position and ground velocity, 10 Hz.
    pub fn gnss(&mut self, world: &World, utc: Timestamp) -> (LocationFix, GnssVelocity) {
        let keep = (-0.1 / SLOW_ERROR_S).exp();
        for (error, spread) in self.slow_error_m.iter_mut().zip(SLOW_ERROR_M) {
            *error = keep * *error + (1.0 - keep * keep).sqrt() * spread * self.draw.normal();
        }
        let own = &world.own;
        let mut off = |axis: usize| self.slow_error_m[axis] + 0.12 * self.draw.normal();
        let (east, north, up) = (off(0), off(1), off(2));
        let place = world.road.place(own.x_m + east, own.y_m + north);
        let [e, n, u] = SLOW_ERROR_M.map(|spread| spread * spread + 0.0144);
        let fix = LocationFix {
            timestamp: Some(proto_timestamp(utc)),
            frame_id: "gnss".to_owned(),
            latitude: place.latitude_deg,
            longitude: place.longitude_deg,
            altitude: place.altitude_m + up,
            position_covariance: vec![e, 0.0, 0.0, 0.0, n, 0.0, 0.0, 0.0, u],
            position_covariance_type: PositionCovarianceType::DiagonalKnown as i32,
        };
        let speed_mps = (own.speed_mps + 0.04 * self.draw.normal()).max(0.0);
        let course = 90.0 - own.yaw_rad.to_degrees() + 0.15 * self.draw.normal();
        (fix, GnssVelocity { speed_mps, course_deg: course.rem_euclid(360.0), utc_ns: utc.as_nanos() })
    }

    /// Pose as a survey-grade system would give it (some 2 cm), 20 Hz.
    pub fn pose(&mut self, world: &World, utc: Timestamp) -> PoseInFrame {
        let own = &world.own;
        let mut near = |value: f64| value + 0.02 * self.draw.normal();
        let place = world.road.place(near(own.x_m), near(own.y_m));
        let ecef = place.to_ecef();
        let yaw_rad = own.yaw_rad + 0.0005 * self.draw.normal();
        let [w, x, y, z] = attitude::ecef_from_level_vehicle(place, yaw_rad);
        PoseInFrame {
            timestamp: Some(proto_timestamp(utc)),
            frame_id: "ecef".to_owned(),
            pose: Some(Pose {
                position: Some(Vector3 { x: ecef.x_m, y: ecef.y_m, z: ecef.z_m }),
                orientation: Some(Quaternion { x, y, z, w }),
            }),
        }
    }
}

const INERTIAL_STREAM: u64 = 0x494E_4552;
