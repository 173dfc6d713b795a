//! The carriageway: a reference line of straights, clothoids and arcs, with three lanes beside it.
//!
//! Curvature is piecewise linear in arc length (a clothoid between any two different values), as motorways are laid out.
//! The line runs along the middle of the middle lane; lateral offsets are positive to the left.

use cloverleaf_vocabulary::{Draw, LocalFrame, Wgs84};

/// Number of lanes, all of one direction. Lane 0 is the rightmost (slowest).
pub const LANES: usize = 3;
/// Width of every lane, m (China JTG D20: 3.75 m for 120 km/h; Germany RAA: 3.75 m or 3.50 m).
pub const LANE_WIDTH_M: f64 = 3.7;
/// Width of the hard shoulder on the right, m.
pub const SHOULDER_RIGHT_M: f64 = 3.0;
/// Width of the marginal strip on the left, m.
pub const SHOULDER_LEFT_M: f64 = 1.2;

/// Distance between stored points of the line, m.
const STEP_M: f64 = 1.0;

/// Lateral offset of a lane's middle, m.
pub fn lane_middle_m(lane: usize) -> f64 {
    (lane as f64 - (LANES as f64 - 1.0) / 2.0) * LANE_WIDTH_M
}

/// The lane whose middle is nearest to a lateral offset.
pub fn lane_at(lateral_m: f64) -> usize {
    let index = (lateral_m / LANE_WIDTH_M + (LANES as f64 - 1.0) / 2.0).round();
    index.clamp(0.0, LANES as f64 - 1.0) as usize
}

/// A place on the reference line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinePoint {
    /// East of the origin, m.
    pub x_m: f64,
    /// North of the origin, m.
    pub y_m: f64,
    /// Direction of travel, anticlockwise from east, rad (not wrapped).
    pub heading_rad: f64,
    /// Curvature, left positive, 1/m.
    pub curvature_per_m: f64,
}

/// The reference line and where it lies on the Earth.
#[derive(Debug, Clone)]
pub struct Road {
    points: Vec<LinePoint>,
    start_m: f64,
    frame: LocalFrame,
}

impl Road {
    /// Lays out a road from `from_m` to `to_m` of arc length; 0 m is where the drive starts.
    ///
    /// Radii are 900 m and more, so that 33 m/s asks for no more than 1.25 m/s2 of lateral acceleration.
    pub fn lay_out(seed: u64, from_m: f64, to_m: f64) -> Self {
        let mut draw = Draw::new(seed, ROAD_STREAM, 0);
        // Open country south of Wuhan; the exact place only has to be a plausible one.
        let origin = Wgs84 {
            latitude_deg: draw.uniform(29.6, 30.4),
            longitude_deg: draw.uniform(113.6, 114.6),
            altitude_m: draw.uniform(18.0, 60.0),
        };
        let heading_start = draw.uniform(0.0, std::f64::consts::TAU);
        let count = ((to_m - from_m) / STEP_M).ceil().max(1.0) as usize + 1;
        let mut profile = CurvatureProfile::new(&mut draw);
        let mut point = LinePoint { x_m: 0.0, y_m: 0.0, heading_rad: heading_start, curvature_per_m: 0.0 };
        let mut points = Vec::with_capacity(count);
        for _ in 0..count {
            points.push(point);
            let next_curvature = profile.advance(STEP_M, &mut draw);
            // Heading is exact for linear curvature; position by the midpoint rule (error below 1e-9 m a step).
            let slope = (next_curvature - point.curvature_per_m) / STEP_M;
            let middle = point.heading_rad + point.curvature_per_m * STEP_M / 2.0 + slope * STEP_M * STEP_M / 8.0;
            point = LinePoint {
                x_m: point.x_m + STEP_M * middle.cos(),
                y_m: point.y_m + STEP_M * middle.sin(),
                heading_rad: point.heading_rad + (point.curvature_per_m + next_curvature) / 2.0 * STEP_M,
                curvature_per_m: next_curvature,
            };
        }
        Self { points, start_m: from_m, frame: LocalFrame::at(origin) }
    }

    /// The line at an arc length, linear between stored points, held at both ends.
    pub fn at(&self, along_m: f64) -> LinePoint {
        let last = self.points.len() - 1;
        let position = ((along_m - self.start_m) / STEP_M).clamp(0.0, last as f64);
        let index = (position.floor() as usize).min(last.saturating_sub(1));
        let t = position - index as f64;
        let (a, b) = (self.points[index], self.points[(index + 1).min(last)]);
        let mix = |p: f64, q: f64| p + (q - p) * t;
        LinePoint {
            x_m: mix(a.x_m, b.x_m),
            y_m: mix(a.y_m, b.y_m),
            heading_rad: mix(a.heading_rad, b.heading_rad),
            curvature_per_m: mix(a.curvature_per_m, b.curvature_per_m),
        }
    }

    /// East and north of a point given along and beside the line.
    pub fn xy(&self, along_m: f64, lateral_m: f64) -> [f64; 2] {
        let line = self.at(along_m);
        [line.x_m - lateral_m * line.heading_rad.sin(), line.y_m + lateral_m * line.heading_rad.cos()]
    }

    /// Arc length and lateral offset of a point near `near_m`, by Newton's method on the foot of the perpendicular.
    pub fn project(&self, x_m: f64, y_m: f64, near_m: f64) -> (f64, f64) {
        let mut along = near_m;
        for _ in 0..4 {
            let line = self.at(along);
            let (dx, dy) = (x_m - line.x_m, y_m - line.y_m);
            along += dx * line.heading_rad.cos() + dy * line.heading_rad.sin();
        }
        let line = self.at(along);
        let (dx, dy) = (x_m - line.x_m, y_m - line.y_m);
        (along, dy * line.heading_rad.cos() - dx * line.heading_rad.sin())
    }

    /// Where on the Earth a point lies; the road is level on its tangent plane.
    pub fn place(&self, x_m: f64, y_m: f64) -> Wgs84 {
        self.frame.place_from_enu([x_m, y_m, 0.0])
    }
}

const ROAD_STREAM: u64 = 0x524F_4144;

/// Endless straights, clothoids and arcs.
struct CurvatureProfile {
    curvature: f64,
    target: f64,
    ramp_left_m: f64,
    hold_left_m: f64,
}

impl CurvatureProfile {
    fn new(draw: &mut Draw) -> Self {
        Self { curvature: 0.0, target: 0.0, ramp_left_m: 0.0, hold_left_m: draw.uniform(250.0, 500.0) }
    }

    fn advance(&mut self, step_m: f64, draw: &mut Draw) -> f64 {
        if self.ramp_left_m > 0.0 {
            self.curvature += (self.target - self.curvature) * (step_m / self.ramp_left_m).min(1.0);
            self.ramp_left_m -= step_m;
        } else if self.hold_left_m > 0.0 {
            self.hold_left_m -= step_m;
        } else {
            // A quarter of the elements are straight; the rest bend to either side.
            self.target = match draw.below(4) {
                0 => 0.0,
                side => (if side % 2 == 0 { 1.0 } else { -1.0 }) / draw.uniform(900.0, 4_000.0),
            };
            self.ramp_left_m = draw.uniform(120.0, 300.0);
            self.hold_left_m = draw.uniform(150.0, 700.0);
        }
        self.curvature
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projection_undoes_placement() {
        for seed in 0..20 {
            let road = Road::lay_out(seed, -500.0, 4_000.0);
            for (along, lateral) in [(-400.0, 3.0), (0.3, -1.7), (1_234.56, 5.0), (3_900.9, -5.4)] {
                let [x, y] = road.xy(along, lateral);
                let (s, d) = road.project(x, y, along + 4.0);
                assert!((s - along).abs() < 0.02, "seed {seed}: {s} is not {along}");
                assert!((d - lateral).abs() < 0.02, "seed {seed}: {d} is not {lateral}");
            }
        }
    }

    #[test]
    fn curvature_is_gentle_and_continuous() {
        let road = Road::lay_out(3, 0.0, 20_000.0);
        for pair in road.points.windows(2) {
            assert!(pair[1].curvature_per_m.abs() <= 1.0 / 900.0 + 1e-12);
            assert!((pair[1].curvature_per_m - pair[0].curvature_per_m).abs() < 2.0e-5, "a step in curvature");
            let length = (pair[1].x_m - pair[0].x_m).hypot(pair[1].y_m - pair[0].y_m);
            assert!((length - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn lanes_count_from_the_right() {
        assert_eq!([0, 1, 2].map(lane_middle_m), [-3.7, 0.0, 3.7]);
        assert_eq!([-9.0, -2.0, 0.5, 1.9, 4.0].map(lane_at), [0, 0, 1, 2, 2]);
    }
}
