//! The ground a road user covers, as an oriented rectangle, and whether two of them touch.

use cloverleaf_vocabulary::{ActorState, Footprint};

/// An oriented rectangle on the ground plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectangle {
    /// Centre, m.
    pub center_m: [f64; 2],
    /// Unit vector along the length.
    pub forward: [f64; 2],
    /// Half of the length and half of the width, m.
    pub half_m: [f64; 2],
}

impl Rectangle {
    /// The rectangle that `footprint` covers when its reference point is at `state`.
    pub fn of(state: &ActorState, footprint: &Footprint) -> Self {
        let (sin, cos) = state.yaw_rad.sin_cos();
        Self {
            center_m: [state.x_m + footprint.center_ahead_m * cos, state.y_m + footprint.center_ahead_m * sin],
            forward: [cos, sin],
            half_m: [0.5 * footprint.length_m, 0.5 * footprint.width_m],
        }
    }

    /// Half of the rectangle's extent along the unit vector `axis`, m.
    pub fn half_extent_m(&self, axis: [f64; 2]) -> f64 {
        let left = [-self.forward[1], self.forward[0]];
        self.half_m[0] * dot(self.forward, axis).abs() + self.half_m[1] * dot(left, axis).abs()
    }

    /// Radius of the circle around the centre that holds the rectangle, m.
    pub fn radius_m(&self) -> f64 {
        self.half_m[0].hypot(self.half_m[1])
    }

    /// The four corners, anticlockwise from front left, m.
    pub fn corners_m(&self) -> [[f64; 2]; 4] {
        let left = [-self.forward[1], self.forward[0]];
        [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)].map(|(along, across)| {
            [0, 1].map(|axis| {
                self.center_m[axis] + along * self.half_m[0] * self.forward[axis] + across * self.half_m[1] * left[axis]
            })
        })
    }

    /// A lower bound of the distance between two rectangles, m: the widest gap along either rectangle's axes, at most 0
    /// when they touch or overlap. Exact for the question "do they touch" by the separating axis theorem (Gottschalk,
    /// Lin and Manocha 1996, "OBBTree", section 5, in two dimensions).
    pub fn separation_m(&self, other: &Self) -> f64 {
        let between = [other.center_m[0] - self.center_m[0], other.center_m[1] - self.center_m[1]];
        [self, other]
            .into_iter()
            .flat_map(|r| [r.forward, [-r.forward[1], r.forward[0]]])
            .map(|axis| dot(between, axis).abs() - self.half_extent_m(axis) - other.half_extent_m(axis))
            .fold(f64::NEG_INFINITY, f64::max)
    }

    /// Whether two rectangles touch or overlap.
    pub fn touches(&self, other: &Self) -> bool {
        self.separation_m(other) <= 0.0
    }
}

fn dot(a: [f64; 2], b: [f64; 2]) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rectangle(x_m: f64, y_m: f64, yaw_rad: f64, length_m: f64, width_m: f64) -> Rectangle {
        let state = ActorState { t_s: 0.0, x_m, y_m, yaw_rad, speed_mps: 0.0, accel_mps2: 0.0 };
        Rectangle::of(&state, &Footprint { length_m, width_m, center_ahead_m: 0.0 })
    }

    #[test]
    fn touching_by_hand() {
        let car = rectangle(0.0, 0.0, 0.0, 4.0, 2.0);
        let cases = [
            (rectangle(4.01, 0.0, 0.0, 4.0, 2.0), false),
            (rectangle(3.99, 0.0, 0.0, 4.0, 2.0), true),
            (rectangle(0.0, 2.01, 0.0, 4.0, 2.0), false),
            (rectangle(2.65, 1.65, std::f64::consts::FRAC_PI_4, 2.0, 2.0), true),
            (rectangle(2.8, 1.8, std::f64::consts::FRAC_PI_4, 2.0, 2.0), false),
        ];
        for (other, expected) in cases {
            assert_eq!(car.touches(&other), expected, "{other:?}");
        }
    }

    #[test]
    fn reference_point_at_the_rear_axle_moves_the_rectangle_forward() {
        let state = ActorState { t_s: 0.0, x_m: 1.0, y_m: 0.0, yaw_rad: 0.0, speed_mps: 0.0, accel_mps2: 0.0 };
        let footprint = Footprint { length_m: 4.0, width_m: 2.0, center_ahead_m: 1.4 };
        assert!((Rectangle::of(&state, &footprint).center_m[0] - 2.4).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn touching_is_symmetric_and_survives_a_common_rotation(
            x in -8.0..8.0f64, y in -8.0..8.0f64, yaw in -4.0..4.0f64, turn in -4.0..4.0f64,
        ) {
            let (a, b) = (rectangle(0.0, 0.0, 0.0, 4.5, 1.8), rectangle(x, y, yaw, 12.0, 2.5));
            prop_assert_eq!(a.touches(&b), b.touches(&a));
            let (sin, cos) = turn.sin_cos();
            let a2 = rectangle(0.0, 0.0, turn, 4.5, 1.8);
            let b2 = rectangle(x * cos - y * sin, x * sin + y * cos, yaw + turn, 12.0, 2.5);
            prop_assert!((a.separation_m(&b) - a2.separation_m(&b2)).abs() < 1e-9);
        }

        #[test]
        fn a_corner_inside_means_touching(x in -8.0..8.0f64, y in -4.0..4.0f64, yaw in -4.0..4.0f64) {
            let (a, b) = (rectangle(0.0, 0.0, 0.0, 4.5, 1.8), rectangle(x, y, yaw, 4.0, 2.0));
            if b.corners_m().iter().any(|c| c[0].abs() < 2.25 && c[1].abs() < 0.9) {
                prop_assert!(a.touches(&b));
            }
        }
    }
}
