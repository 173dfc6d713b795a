//! Where others are along the way ahead of the subject.

use cloverleaf_vocabulary::ActorState;

use crate::track::wrapped_rad;

/// A point relative to the subject, measured along the subject's path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Along {
    /// Distance along the path from the subject's centre, ahead positive, m.
    pub ahead_m: f64,
    /// Distance from the path, left positive, m.
    pub left_m: f64,
    /// Direction of the path at that point, in the ground frame, rad.
    pub path_yaw_rad: f64,
}

/// Below this speed the yaw rate of a recorded vehicle says little about its path, m/s.
const SLOWEST_TURNING_MPS: f64 = 3.0;
/// No road vehicle turns tighter at speed, 1/m.
const TIGHTEST_PER_M: f64 = 0.1;

/// The circular arc a vehicle follows when it keeps its speed and yaw rate: the path when no road is known.
#[derive(Debug, Clone, Copy)]
pub struct ArcPath {
    origin_m: [f64; 2],
    yaw_rad: f64,
    curvature_per_m: f64,
}

impl ArcPath {
    /// From a vehicle's centre, its state and its yaw rate; straight when it is too slow to tell.
    pub fn new(center_m: [f64; 2], state: &ActorState, yaw_rate_radps: f64) -> Self {
        let curvature_per_m = if state.speed_mps > SLOWEST_TURNING_MPS {
            (yaw_rate_radps / state.speed_mps).clamp(-TIGHTEST_PER_M, TIGHTEST_PER_M)
        } else {
            0.0
        };
        Self { origin_m: center_m, yaw_rad: state.yaw_rad, curvature_per_m }
    }

    /// Where `point_m` is along the arc; `None` beyond a quarter turn, where "ahead" has no meaning.
    pub fn along(&self, point_m: [f64; 2]) -> Option<Along> {
        let (sin, cos) = self.yaw_rad.sin_cos();
        let offset = [point_m[0] - self.origin_m[0], point_m[1] - self.origin_m[1]];
        let (x, y) = (cos * offset[0] + sin * offset[1], cos * offset[1] - sin * offset[0]);
        let k = self.curvature_per_m;
        if k.abs() < 1e-6 {
            return Some(Along { ahead_m: x, left_m: y, path_yaw_rad: self.yaw_rad });
        }
        let turned_rad = (k * x).atan2(1.0 - k * y);
        (turned_rad.abs() < std::f64::consts::FRAC_PI_2).then(|| Along {
            ahead_m: turned_rad / k,
            left_m: (1.0 - (k * x).hypot(1.0 - k * y)) / k,
            path_yaw_rad: wrapped_rad(self.yaw_rad + turned_rad),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_car_ahead_on_the_same_curve_is_straight_ahead() {
        let radius_m = 500.0;
        let state = ActorState { t_s: 0.0, x_m: 10.0, y_m: -5.0, yaw_rad: 0.0, speed_mps: 25.0, accel_mps2: 0.0 };
        for turn in [1.0, -1.0] {
            let path = ArcPath::new([10.0, -5.0], &state, turn * 25.0 / radius_m);
            let angle = 80.0 / radius_m;
            let point = [10.0 + radius_m * f64::sin(angle), -5.0 + turn * radius_m * (1.0 - f64::cos(angle))];
            let along = path.along(point).unwrap();
            assert!((along.ahead_m - 80.0).abs() < 1e-9 && along.left_m.abs() < 1e-9, "{along:?}");
            assert!((along.path_yaw_rad - turn * angle).abs() < 1e-9);
        }
    }

    #[test]
    fn standing_means_straight() {
        let state = ActorState { t_s: 0.0, x_m: 0.0, y_m: 0.0, yaw_rad: 1.0, speed_mps: 0.2, accel_mps2: 0.0 };
        let along = ArcPath::new([0.0, 0.0], &state, 0.5).along([f64::cos(1.0) * 9.0, f64::sin(1.0) * 9.0]).unwrap();
        assert!((along.ahead_m - 9.0).abs() < 1e-9 && along.left_m.abs() < 1e-9);
    }
}
