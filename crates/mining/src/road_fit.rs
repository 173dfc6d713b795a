//! A road through a driven line: straight if that is near enough, else one arc, else a chain of clothoids.

use cloverleaf_road::{LinePoint, PieceSpec, ReferenceLine, Shape};
use nalgebra::{DMatrix, DVector};

use crate::situation::RoadSettings;

/// A reference line along the middle of a lane, with the place of the driven stretch on it.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedRoad {
    /// The line, lead-in and run-out included.
    pub line: ReferenceLine,
    /// s at which the driven stretch begins, m.
    pub driven_from_m: f64,
    /// s at which it ends, m.
    pub driven_to_m: f64,
    /// Root mean square distance of the driven points from the line, m.
    pub deviation_rms_m: f64,
    /// Largest such distance, m.
    pub deviation_max_m: f64,
}

/// Spacing of the points that are fitted, m.
const POINT_SPACING_M: f64 = 2.0;
/// A model that comes this near everywhere is taken before a more detailed one, m: a tenth of a lane and the wander of a
/// driver inside it.
const GOOD_ENOUGH_M: f64 = 0.4;
/// Spacings of curvature knots that are tried, m. Shorter would turn an evasive swerve (3 s) into a bend of the road.
const KNOT_SPACINGS_M: [f64; 3] = [200.0, 100.0, 60.0];
/// Standard deviation of driven points across the line, m.
const POINT_SIGMA_M: f64 = 0.2;
/// Standard deviation of the change of slope of the curvature at a knot, 1/m: what a motorway's clothoids do.
const BEND_SIGMA_PER_M: f64 = 1e-3;

/// Fits a road through points in driving order (at least 20 m of way). `beyond_m` is how far past the end of the driven
/// stretch others were seen.
pub fn fit(points: &[[f64; 2]], settings: &RoadSettings, beyond_m: f64) -> Result<FittedRoad, String> {
    let points = thin(points);
    let length_m = POINT_SPACING_M * points.len().saturating_sub(1) as f64;
    if length_m < 20.0 {
        return Err(format!("the ego vehicle moved {length_m:.0} m only; a road needs at least 20 m"));
    }
    let mut models: Vec<Vec<f64>> = vec![vec![], vec![0.0]];
    models.extend(KNOT_SPACINGS_M.iter().map(|spacing| {
        let count = (length_m / spacing).ceil().max(1.0);
        (0..=count as usize).map(|i| length_m * i as f64 / count).collect()
    }));
    let mut best: Option<Fit> = None;
    for knots in models {
        let Some(fit) = Fit::new(&points, length_m, knots) else { continue };
        let good_enough = fit.deviation_max_m <= GOOD_ENOUGH_M;
        if best.as_ref().is_none_or(|best| fit.deviation_max_m < best.deviation_max_m) {
            best = Some(fit);
        }
        if good_enough {
            break;
        }
    }
    let best = best.ok_or("no line goes through the driven path")?;
    if best.deviation_max_m > settings.max_fit_deviation_m {
        return Err(format!(
            "the driven path leaves the best fitting road by {:.2} m, more than max_fit_deviation_m = {}: it is not one lane followed",
            best.deviation_max_m, settings.max_fit_deviation_m
        ));
    }
    best.road(settings, beyond_m)
}

impl FittedRoad {
    /// s and t of a point whose s is near `near_m`.
    pub fn project(&self, x_m: f64, y_m: f64, near_m: f64) -> (f64, f64) {
        // A stretch short enough to turn by less than half a radian, moved on while the foot lies at its end.
        const HALF_M: f64 = 15.0;
        let mut s_m = near_m.clamp(0.0, self.line.length_m());
        for _ in 0..40 {
            let (from, to) = ((s_m - HALF_M).max(0.0), (s_m + HALF_M).min(self.line.length_m()));
            let found = self.line.nearest_between(x_m, y_m, from, to);
            let moved_on = (found - s_m).abs() > HALF_M - 0.01;
            s_m = found;
            if !moved_on {
                break;
            }
        }
        (s_m, left_of(&self.line.at(s_m), x_m, y_m))
    }

    /// The same road with its line `left_m` further left (negative: right). The parallel of a clothoid is almost one: each
    /// short part of it gets the curvatures and the length of the true parallel, and the same total turn.
    pub fn shifted_left(&self, left_m: f64) -> Result<Self, String> {
        const PART_M: f64 = 40.0;
        let mut parts: Vec<(f64, f64, f64)> = Vec::new();
        for piece in self.line.pieces() {
            let whole_m = piece.length_m;
            match piece.shape {
                Shape::Arc { curvature_per_m } => parts.push((whole_m, curvature_per_m, curvature_per_m)),
                Shape::Spiral { start_per_m, end_per_m } => {
                    let count = (whole_m / PART_M).ceil().max(1.0);
                    let at = |i: f64| start_per_m + (end_per_m - start_per_m) * i / count;
                    parts.extend((0..count as usize).map(|i| (whole_m / count, at(i as f64), at(i as f64 + 1.0))));
                }
                _ => parts.push((whole_m, 0.0, 0.0)),
            }
        }
        let mut profile: Vec<(f64, f64, f64)> = Vec::new();
        for (part_m, from, to) in parts {
            let turn_rad = (from + to) / 2.0 * part_m;
            let length_m = part_m - left_m * turn_rad;
            let beside = |curvature: f64| curvature / (1.0 - left_m * curvature);
            if length_m <= 0.0 || (1.0 - left_m * from).min(1.0 - left_m * to) < 0.1 {
                return Err("the ego path bends too tightly for a road of several lanes".to_owned());
            }
            let mean = (beside(from) + beside(to)) / 2.0;
            let scale = if mean.abs() > 1e-9 { turn_rad / length_m / mean } else { 1.0 };
            profile.push((length_m, beside(from) * scale, beside(to) * scale));
        }
        let (x_m, y_m, heading_rad) = self.pose(0.0, left_m);
        let line = join(LinePoint { x_m, y_m, heading_rad, curvature_per_m: 0.0 }, &profile)?;
        Ok(Self { line, ..self.clone() })
    }

    /// The pose at s and t: x, y in m and the line's heading in rad.
    pub fn pose(&self, s_m: f64, t_m: f64) -> (f64, f64, f64) {
        let point = self.line.at(s_m);
        let (sin, cos) = point.heading_rad.sin_cos();
        (point.x_m - t_m * sin, point.y_m + t_m * cos, point.heading_rad)
    }
}

fn left_of(point: &LinePoint, x_m: f64, y_m: f64) -> f64 {
    let (sin, cos) = point.heading_rad.sin_cos();
    (y_m - point.y_m) * cos - (x_m - point.x_m) * sin
}

/// Points equally spaced along the way; standing still and noise smaller than the spacing vanish.
fn thin(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut out: Vec<[f64; 2]> = points.first().copied().into_iter().collect();
    for point in points {
        while let Some(last) = out.last().copied() {
            let (dx, dy) = (point[0] - last[0], point[1] - last[1]);
            let distance = dx.hypot(dy);
            if !distance.is_finite() || distance < POINT_SPACING_M {
                break;
            }
            out.push([last[0] + dx / distance * POINT_SPACING_M, last[1] + dy / distance * POINT_SPACING_M]);
        }
    }
    out
}

struct Fit {
    start: LinePoint,
    length_m: f64,
    /// Where the curvature is a parameter: none is a straight, one is an arc.
    knots_m: Vec<f64>,
    curvatures: Vec<f64>,
    deviation_rms_m: f64,
    deviation_max_m: f64,
}

impl Fit {
    fn new(points: &[[f64; 2]], length_m: f64, knots_m: Vec<f64>) -> Option<Self> {
        let heading = |i: usize, j: usize| (points[j][1] - points[i][1]).atan2(points[j][0] - points[i][0]);
        // Headings of 10 m chords, unwrapped, give the first guess.
        let chord = 5.min(points.len() - 1);
        let mut headings = vec![heading(0, chord)];
        for i in 1..points.len() - chord {
            let last = headings[i - 1];
            headings.push(last + cloverleaf_road::wrap_angle(heading(i, i + chord) - last));
        }
        let guess = |s_m: f64, reach_m: f64| {
            let index = |s_m: f64| ((s_m / POINT_SPACING_M).max(0.0) as usize).min(headings.len() - 1);
            let (a, b) = (index(s_m - reach_m), index(s_m + reach_m));
            if b > a { (headings[b] - headings[a]) / ((b - a) as f64 * POINT_SPACING_M) } else { 0.0 }
        };
        let reach_m = if knots_m.len() > 1 { (knots_m[1] - knots_m[0]) / 2.0 } else { length_m };
        let mut fit = Self {
            start: LinePoint {
                x_m: points[0][0],
                y_m: points[0][1],
                heading_rad: headings[0] - guess(0.0, reach_m) * POINT_SPACING_M * chord as f64 / 2.0,
                curvature_per_m: 0.0,
            },
            length_m,
            curvatures: knots_m.iter().map(|s_m| guess(*s_m, reach_m)).collect(),
            knots_m,
            deviation_rms_m: f64::INFINITY,
            deviation_max_m: f64::INFINITY,
        };
        for _ in 0..12 {
            if fit.improve(points)? < 1e-4 {
                break;
            }
        }
        fit.measure(points)?;
        Some(fit)
    }

    /// One step of Gauss and Newton on the distances across the line; returns the largest shift of the line, m.
    fn improve(&mut self, points: &[[f64; 2]]) -> Option<f64> {
        let line = self.line()?;
        let parameters = 2 + self.knots_m.len();
        // For every curvature knot: the integrals of its weight, and of its weight times position, up to s. Turning the
        // line by an angle at u moves the point at s to its left by that angle times (P(s) - P(u)) along the tangent at s.
        let mut turned = vec![(0.0, [0.0, 0.0]); self.knots_m.len()];
        let mut normal = DMatrix::<f64>::zeros(parameters, parameters);
        let mut right = DVector::<f64>::zeros(parameters);
        let mut rows: Vec<DVector<f64>> = Vec::with_capacity(points.len());
        for (i, point) in points.iter().enumerate() {
            let s_m = i as f64 * POINT_SPACING_M;
            let at = line.at(s_m);
            let (sin, cos) = at.heading_rad.sin_cos();
            let along = |x: f64, y: f64| x * cos + y * sin;
            let mut row = DVector::zeros(parameters);
            row[0] = (at.heading_rad - self.start.heading_rad).cos();
            row[1] = along(at.x_m - self.start.x_m, at.y_m - self.start.y_m);
            let middle_m = s_m + POINT_SPACING_M / 2.0;
            let middle = line.at(middle_m);
            for (k, (weight, moment)) in turned.iter_mut().enumerate() {
                row[2 + k] = along(at.x_m * *weight - moment[0], at.y_m * *weight - moment[1]);
                let w = self.weight(k, middle_m) * POINT_SPACING_M;
                *weight += w;
                moment[0] += w * middle.x_m;
                moment[1] += w * middle.y_m;
            }
            let scale = POINT_SIGMA_M.powi(-2);
            normal.ger(scale, &row, &row, 1.0);
            right.axpy(scale * left_of(&at, point[0], point[1]), &row, 1.0);
            rows.push(row);
        }
        for k in 1..self.knots_m.len().saturating_sub(1) {
            let bend = self.curvatures[k - 1] - 2.0 * self.curvatures[k] + self.curvatures[k + 1];
            let mut row = DVector::zeros(parameters);
            (row[1 + k], row[2 + k], row[3 + k]) = (1.0, -2.0, 1.0);
            normal.ger(BEND_SIGMA_PER_M.powi(-2), &row, &row, 1.0);
            right.axpy(-bend * BEND_SIGMA_PER_M.powi(-2), &row, 1.0);
        }
        let step = normal.cholesky()?.solve(&right);
        let (sin, cos) = self.start.heading_rad.sin_cos();
        self.start.x_m -= step[0] * sin;
        self.start.y_m += step[0] * cos;
        self.start.heading_rad += step[1];
        for (k, curvature) in self.curvatures.iter_mut().enumerate() {
            *curvature += step[2 + k];
        }
        let shift = rows.iter().map(|row| row.dot(&step).abs()).fold(0.0, f64::max);
        shift.is_finite().then_some(shift)
    }

    fn measure(&mut self, points: &[[f64; 2]]) -> Option<()> {
        let line = self.line()?;
        let (mut squares, mut max) = (0.0, 0.0f64);
        for (i, point) in points.iter().enumerate() {
            let near = i as f64 * POINT_SPACING_M;
            let s_m =
                line.nearest_between(point[0], point[1], (near - 15.0).max(0.0), (near + 15.0).min(self.length_m));
            let at = line.at(s_m);
            let distance = (point[0] - at.x_m).hypot(point[1] - at.y_m);
            squares += distance * distance;
            max = max.max(distance);
        }
        self.deviation_rms_m = (squares / points.len() as f64).sqrt();
        self.deviation_max_m = max;
        max.is_finite().then_some(())
    }

    /// The hat function of knot `k`; a single knot weighs 1 everywhere.
    fn weight(&self, k: usize, s_m: f64) -> f64 {
        let at = self.knots_m[k];
        let side = |other: Option<&f64>| match other {
            Some(other) => (1.0 - (s_m - at) / (other - at)).clamp(0.0, 1.0),
            None => 1.0,
        };
        if s_m >= at { side(self.knots_m.get(k + 1)) } else { side(k.checked_sub(1).and_then(|k| self.knots_m.get(k))) }
    }

    fn line(&self) -> Option<ReferenceLine> {
        chain(self.start, &self.profile()).ok()
    }

    /// (s, curvature), linear in between.
    fn profile(&self) -> Vec<(f64, f64)> {
        match self.curvatures.as_slice() {
            [] => vec![(0.0, 0.0), (self.length_m, 0.0)],
            [arc] => vec![(0.0, *arc), (self.length_m, *arc)],
            many => self.knots_m.iter().copied().zip(many.iter().copied()).collect(),
        }
    }

    /// The fitted line with a lead-in of the first curvature, the last curvature as far as others were seen, and a clothoid
    /// into a straight.
    fn road(&self, settings: &RoadSettings, beyond_m: f64) -> Result<FittedRoad, String> {
        let mut profile = self.profile();
        let (first, last) = (profile[0].1, profile[profile.len() - 1].1);
        // Backwards is forwards with the curvature's sign changed.
        let mut back = self.start;
        back.heading_rad += std::f64::consts::PI;
        let lead_in_m = settings.lead_in_m;
        let begin = chain(back, &[(0.0, -first), (lead_in_m, -first)])?.at(lead_in_m);
        for (s_m, _) in &mut profile {
            *s_m += lead_in_m;
        }
        profile.insert(0, (0.0, first));
        let end_m = lead_in_m + self.length_m;
        if last == 0.0 {
            profile.push((end_m + beyond_m + settings.run_out_m, 0.0));
        } else {
            let unwind_m = settings.run_out_m / 2.0;
            profile.push((end_m + beyond_m, last));
            profile.push((end_m + beyond_m + unwind_m, 0.0));
            profile.push((end_m + beyond_m + settings.run_out_m, 0.0));
        }
        let start = LinePoint { heading_rad: begin.heading_rad - std::f64::consts::PI, ..begin };
        Ok(FittedRoad {
            line: chain(start, &profile)?,
            driven_from_m: lead_in_m,
            driven_to_m: end_m,
            deviation_rms_m: self.deviation_rms_m,
            deviation_max_m: self.deviation_max_m,
        })
    }
}

/// A line of this curvature over s, linear between the given places.
fn chain(start: LinePoint, profile: &[(f64, f64)]) -> Result<ReferenceLine, String> {
    let pieces: Vec<(f64, f64, f64)> = profile.windows(2).map(|w| (w[1].0 - w[0].0, w[0].1, w[1].1)).collect();
    join(start, &pieces)
}

/// Pieces of (length, curvature at the beginning, curvature at the end), joined end to end.
fn join(start: LinePoint, pieces: &[(f64, f64, f64)]) -> Result<ReferenceLine, String> {
    let mut at = start;
    let mut start_m = 0.0;
    let mut specs = Vec::new();
    for &(length_m, from, to) in pieces {
        if length_m < 1e-6 {
            continue;
        }
        let shape = if from == 0.0 && to == 0.0 {
            Shape::Line
        } else if from == to {
            Shape::Arc { curvature_per_m: from }
        } else {
            Shape::Spiral { start_per_m: from, end_per_m: to }
        };
        let spec = PieceSpec { start_m, length_m, x_m: at.x_m, y_m: at.y_m, heading_rad: at.heading_rad, shape };
        let alone = PieceSpec { start_m: 0.0, ..spec.clone() };
        at = ReferenceLine::new(vec![alone]).map_err(|(_, why)| why)?.at(length_m);
        start_m += length_m;
        specs.push(spec);
    }
    ReferenceLine::new(specs).map_err(|(_, why)| why)
}

#[cfg(test)]
mod tests {
    use cloverleaf_vocabulary::Draw;

    use super::*;

    const SETTINGS: RoadSettings = RoadSettings {
        lane_width_fast_m: 3.75,
        lane_width_slow_m: 3.5,
        fast_from_mps: 22.2,
        max_fit_deviation_m: 1.5,
        lead_in_m: 50.0,
        run_out_m: 300.0,
    };

    /// Points of a line with this curvature over s, 1 m apart, with noise.
    fn drive(length_m: usize, heading: f64, noise: f64, curvature: impl Fn(f64) -> f64) -> Vec<[f64; 2]> {
        let mut draw = Draw::new(5, 0, 0);
        let (mut x, mut y, mut h) = (3.0, -7.0, heading);
        (0..=length_m)
            .map(|i| {
                let k = curvature(i as f64 + 0.5);
                let point = [x + noise * draw.normal(), y + noise * draw.normal()];
                x += (h + k / 2.0).cos();
                y += (h + k / 2.0).sin();
                h += k;
                point
            })
            .collect()
    }

    fn shapes(road: &FittedRoad) -> Vec<&'static str> {
        road.line
            .pieces()
            .map(|piece| match piece.shape {
                Shape::Line => "line",
                Shape::Arc { .. } => "arc",
                Shape::Spiral { .. } => "spiral",
                _ => "other",
            })
            .collect()
    }

    #[test]
    fn a_straight_stays_one() {
        let road = fit(&drive(600, 2.0, 0.05, |_| 0.0), &SETTINGS, 100.0).unwrap();
        assert!(shapes(&road).iter().all(|shape| *shape == "line"));
        assert!(road.deviation_max_m < 0.4);
        assert!((road.line.length_m() - 1050.0).abs() < 5.0);
        let (s, t) = road.project(3.0, -7.0, 0.0);
        assert!((s - 50.0).abs() < 0.3 && t.abs() < 0.1, "{s} {t}");
    }

    #[test]
    fn an_arc_is_found_with_its_radius() {
        let road = fit(&drive(500, -1.0, 0.05, |_| 1.0 / 400.0), &SETTINGS, 80.0).unwrap();
        assert_eq!(shapes(&road)[1], "arc");
        assert!((road.line.at(200.0).curvature_per_m - 1.0 / 400.0).abs() < 2e-5);
        assert_eq!(road.line.at(road.line.length_m()).curvature_per_m, 0.0);
    }

    #[test]
    fn a_motorway_bend_follows_within_a_tenth_of_a_metre() {
        let curvature =
            |s: f64| ((s - 200.0) / 250.0).clamp(0.0, 1.0) / 900.0 - ((s - 700.0) / 200.0).clamp(0.0, 1.0) / 500.0;
        let points = drive(1200, 0.3, 0.0, curvature);
        let road = fit(&points, &SETTINGS, 80.0).unwrap();
        assert!(road.deviation_rms_m < 0.15, "{} {}", road.deviation_rms_m, road.deviation_max_m);
        // The line is continuous in place and heading where pieces meet.
        let specs: Vec<_> = road.line.pieces().collect();
        for pair in specs.windows(2) {
            let before = road.line.at(pair[1].start_m - 1e-6);
            assert!((before.x_m - pair[1].x_m).hypot(before.y_m - pair[1].y_m) < 1e-4);
            assert!((before.heading_rad - pair[1].heading_rad).abs() < 1e-4);
        }
    }

    #[test]
    fn the_parallel_road_keeps_its_distance() {
        let curvature = |s: f64| ((s - 100.0) / 150.0).clamp(0.0, 1.0) / 250.0;
        let road = fit(&drive(500, 0.3, 0.0, curvature), &SETTINGS, 80.0).unwrap();
        let left = road.shifted_left(5.6).unwrap();
        for i in 0..50 {
            let s = road.line.length_m() * f64::from(i) / 50.0;
            let (x, y, _) = road.pose(s, 0.0);
            let (_, t) = left.project(x, y, s);
            assert!((t + 5.6).abs() < 0.01, "{t} at {s}");
        }
        assert!(road.shifted_left(260.0).is_err());
    }

    #[test]
    fn a_street_corner_is_no_lane_followed() {
        let corner = |s: f64| if (100.0..110.0).contains(&s) { 0.15 } else { 0.0 };
        let error = fit(&drive(200, 0.0, 0.0, corner), &SETTINGS, 0.0).unwrap_err();
        assert!(error.contains("max_fit_deviation_m"), "{error}");
        assert!(fit(&drive(10, 0.0, 0.0, |_| 0.0), &SETTINGS, 0.0).unwrap_err().contains("moved"));
    }
}
