//! Hamilton quaternions `[w, x, y, z]` of vehicle attitudes.

use cloverleaf_vocabulary::Wgs84;

/// Product of two rotations: `b` first, then `a`.
pub fn product(a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
    let [aw, ax, ay, az] = a;
    let [bw, bx, by, bz] = b;
    [
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    ]
}

/// A vector turned by a unit quaternion.
#[cfg(test)]
pub fn rotate(q: [f64; 4], [x, y, z]: [f64; 3]) -> [f64; 3] {
    let conjugate = [q[0], -q[1], -q[2], -q[3]];
    let [_, x, y, z] = product(product(q, [0.0, x, y, z]), conjugate);
    [x, y, z]
}

/// Half a turn about x: from forward-left-up to forward-right-down and back.
pub const HALF_TURN_ABOUT_X: [f64; 4] = [0.0, 1.0, 0.0, 0.0];

/// Attitude of a level vehicle (x forward, y left, z up) on the Earth, its yaw anticlockwise from east.
pub fn ecef_from_level_vehicle(place: Wgs84, yaw_rad: f64) -> [f64; 4] {
    let about = |half: f64, axis: usize| {
        let (sin, cos) = half.sin_cos();
        let mut q = [cos, 0.0, 0.0, 0.0];
        q[axis + 1] = sin;
        q
    };
    let (latitude, longitude) = (place.latitude_deg.to_radians(), place.longitude_deg.to_radians());
    let quarter = std::f64::consts::FRAC_PI_2;
    // East-north-up of a place: turn by longitude + 90 degrees about z, then by 90 degrees - latitude about x.
    let ecef_from_enu = product(about((longitude + quarter) / 2.0, 2), about((quarter - latitude) / 2.0, 0));
    product(ecef_from_enu, about(yaw_rad / 2.0, 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloverleaf_vocabulary::LocalFrame;

    #[test]
    fn a_step_forward_moves_as_the_attitude_says() {
        let place = Wgs84 { latitude_deg: 30.2, longitude_deg: 114.1, altitude_m: 25.0 };
        let frame = LocalFrame::at(place);
        for (yaw, enu) in [(0.0, [1.0, 0.0, 0.0]), (std::f64::consts::FRAC_PI_2, [0.0, 1.0, 0.0])] {
            let ahead = frame.place_from_enu(enu).to_ecef();
            let here = place.to_ecef();
            let moved = [ahead.x_m - here.x_m, ahead.y_m - here.y_m, ahead.z_m - here.z_m];
            let said = rotate(ecef_from_level_vehicle(place, yaw), [1.0, 0.0, 0.0]);
            for axis in 0..3 {
                assert!((moved[axis] - said[axis]).abs() < 1e-5, "{moved:?} {said:?}");
            }
        }
    }
}
