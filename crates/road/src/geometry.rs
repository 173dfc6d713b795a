//! The reference line as a function of arc length: line, arc, clothoid, cubic and parametric cubic.

use crate::wrap_angle;

/// A point of the reference line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinePoint {
    /// m.
    pub x_m: f64,
    /// m.
    pub y_m: f64,
    /// Anticlockwise from x, rad; not wrapped inside one piece.
    pub heading_rad: f64,
    /// Positive turns left, 1/m.
    pub curvature_per_m: f64,
}

/// The plan view of a road: pieces joined end to end.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceLine {
    pieces: Vec<Piece>,
    length_m: f64,
}

/// One piece as a file gives it, before compilation.
#[derive(Debug, Clone, PartialEq)]
pub struct PieceSpec {
    /// s of the piece's beginning, m.
    pub start_m: f64,
    /// Arc length, m, positive.
    pub length_m: f64,
    /// Beginning, m.
    pub x_m: f64,
    /// Beginning, m.
    pub y_m: f64,
    /// Heading at the beginning, rad.
    pub heading_rad: f64,
    /// Its form.
    pub shape: Shape,
}

/// The form of a piece, in its own frame (u ahead, v left).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Straight.
    Line,
    /// Constant curvature, 1/m, positive left.
    Arc {
        /// 1/m.
        curvature_per_m: f64,
    },
    /// Clothoid: curvature linear in arc length.
    Spiral {
        /// At the beginning, 1/m.
        start_per_m: f64,
        /// At the end, 1/m.
        end_per_m: f64,
    },
    /// `v(u)`: OpenDRIVE's poly3.
    Poly3 {
        /// Coefficients of 1, u, u^2, u^3.
        v: [f64; 4],
    },
    /// `u(p), v(p)`: OpenDRIVE's paramPoly3, p from 0 to `p_end` (1 when normalised, the length when by arc length).
    ParamPoly3 {
        /// Coefficients of 1, p, p^2, p^3.
        u: [f64; 4],
        /// Coefficients of 1, p, p^2, p^3.
        v: [f64; 4],
        /// End of the parameter's range.
        p_end: f64,
    },
}

#[derive(Debug, Clone, PartialEq)]
struct Piece {
    spec: PieceSpec,
    cos: f64,
    sin: f64,
    table: Table,
}

#[derive(Debug, Clone, PartialEq)]
enum Table {
    /// Evaluated in closed form.
    Closed,
    /// Local position at equally spaced arc lengths, for spirals.
    Spiral { step_m: f64, knots: Vec<[f64; 2]> },
    /// Arc length at equally spaced parameters, for curves whose parameter is not arc length.
    Curve { u: [f64; 4], v: [f64; 4], step: f64, arcs: Vec<f64> },
}

/// 8-point Gauss-Legendre nodes and weights on [-1, 1] (Abramowitz and Stegun 1964, table 25.4), positive half.
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

fn integrate<const N: usize>(from: f64, to: f64, f: impl Fn(f64) -> [f64; N]) -> [f64; N] {
    let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
    let mut sum = [0.0; N];
    for (node, weight) in GAUSS {
        let (low, high) = (f(middle - half * node), f(middle + half * node));
        for i in 0..N {
            sum[i] += weight * (low[i] + high[i]);
        }
    }
    sum.map(|value| value * half)
}

fn cubic(c: &[f64; 4], p: f64) -> f64 {
    c[0] + p * (c[1] + p * (c[2] + p * c[3]))
}

fn cubic_slope(c: &[f64; 4], p: f64) -> f64 {
    c[1] + p * (2.0 * c[2] + p * 3.0 * c[3])
}

fn cubic_bend(c: &[f64; 4], p: f64) -> f64 {
    2.0 * c[2] + 6.0 * c[3] * p
}

/// Above this a piece winds around itself so often that it is no road; it also bounds the tables.
const MAX_TURN_RAD: f64 = 2_000.0;

impl ReferenceLine {
    /// Compiles pieces, which must be in order of `start_m`. The error says what is wrong with which piece.
    pub fn new(specs: Vec<PieceSpec>) -> Result<Self, (usize, String)> {
        let pieces = specs
            .into_iter()
            .enumerate()
            .map(|(i, spec)| Piece::new(spec).map_err(|why| (i, why)))
            .collect::<Result<Vec<_>, _>>()?;
        let Some(last) = pieces.last() else {
            return Err((0, "the plan view holds no geometry; expected at least one".to_owned()));
        };
        let length_m = last.spec.start_m + last.spec.length_m;
        Ok(Self { pieces, length_m })
    }

    /// Arc length, m.
    pub fn length_m(&self) -> f64 {
        self.length_m
    }

    /// The pieces as they were given.
    pub fn pieces(&self) -> impl Iterator<Item = &PieceSpec> {
        self.pieces.iter().map(|piece| &piece.spec)
    }

    /// For every piece but the first, how far its beginning lies from the end of the piece before, m.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = (usize, f64)> {
        self.pieces.windows(2).enumerate().map(|(i, pair)| {
            let end = pair[0].at(pair[0].spec.length_m);
            (i + 1, (end.x_m - pair[1].spec.x_m).hypot(end.y_m - pair[1].spec.y_m))
        })
    }

    /// The point at s, which is held inside the line's range.
    pub fn at(&self, s_m: f64) -> LinePoint {
        let s_m = s_m.clamp(0.0, self.length_m);
        let index = self.pieces.partition_point(|piece| piece.spec.start_m <= s_m).saturating_sub(1);
        self.pieces[index].at(s_m - self.pieces[index].spec.start_m)
    }

    /// The s between `from_m` and `to_m` whose point is nearest to (x, y), by Newton's method on the tangential distance.
    /// The stretch must not turn by more than about half a radian.
    pub fn nearest_between(&self, x_m: f64, y_m: f64, from_m: f64, to_m: f64) -> f64 {
        let mut s_m = 0.5 * (from_m + to_m);
        for _ in 0..30 {
            let point = self.at(s_m);
            let (sin, cos) = point.heading_rad.sin_cos();
            let (dx, dy) = (x_m - point.x_m, y_m - point.y_m);
            let ahead = dx * cos + dy * sin;
            let left = dy * cos - dx * sin;
            // Beyond the centre of curvature the function is no longer convex: fall back to a short plain step.
            let step = ahead / (1.0 - point.curvature_per_m * left).max(0.2);
            let next = (s_m + step).clamp(from_m, to_m);
            if (next - s_m).abs() < 1e-9 {
                return next;
            }
            s_m = next;
        }
        s_m
    }

    /// Splits the line into stretches no longer than `max_m` that turn by at most 0.2 rad, never across two pieces.
    pub(crate) fn stretches(&self, max_m: f64) -> Vec<(f64, f64)> {
        let mut out = Vec::new();
        for piece in &self.pieces {
            let PieceSpec { start_m, length_m, .. } = piece.spec;
            let turn_rad = piece.turn_rad();
            let count = (length_m / max_m).max(turn_rad / 0.2).ceil().max(1.0);
            for i in 0..count as usize {
                let at = |i: f64| start_m + length_m * i / count;
                out.push((at(i as f64), at(i as f64 + 1.0)));
            }
        }
        out
    }
}

impl Piece {
    fn new(spec: PieceSpec) -> Result<Self, String> {
        let length_m = spec.length_m;
        let (sin, cos) = spec.heading_rad.sin_cos();
        let turn = |turn_rad: f64| {
            if turn_rad.abs() <= MAX_TURN_RAD {
                Ok(())
            } else {
                Err(format!(
                    "the piece turns by {turn_rad:.0} rad over {length_m} m; expected a road that does not wind up (curvature is in 1/m)"
                ))
            }
        };
        let table = match spec.shape {
            Shape::Line => Table::Closed,
            Shape::Arc { curvature_per_m } => {
                turn(curvature_per_m * length_m)?;
                Table::Closed
            }
            Shape::Spiral { start_per_m, end_per_m } => {
                turn(start_per_m * length_m)?;
                turn(end_per_m * length_m)?;
                // Half a radian per panel keeps the 8-point rule at rounding error.
                let panels = ((start_per_m.abs().max(end_per_m.abs()) * length_m) / 0.5).ceil().max(1.0);
                let step_m = length_m / panels;
                let mut knots = vec![[0.0, 0.0]];
                let mut at = [0.0, 0.0];
                for i in 0..panels as usize {
                    let [du, dv] =
                        spiral_between(start_per_m, end_per_m, length_m, step_m * i as f64, step_m * (i as f64 + 1.0));
                    at = [at[0] + du, at[1] + dv];
                    knots.push(at);
                }
                Table::Spiral { step_m, knots }
            }
            Shape::Poly3 { v } => {
                // The curve's own end is the u at which its arc length equals the piece's length.
                let u = [0.0, 1.0, 0.0, 0.0];
                Table::curve(u, v, poly3_end(&v, length_m), length_m)?
            }
            Shape::ParamPoly3 { u, v, p_end } => Table::curve(u, v, p_end, length_m)?,
        };
        Ok(Self { spec, cos, sin, table })
    }

    /// Total turning, rad.
    fn turn_rad(&self) -> f64 {
        let length_m = self.spec.length_m;
        match (&self.spec.shape, &self.table) {
            (Shape::Arc { curvature_per_m }, _) => (curvature_per_m * length_m).abs(),
            (Shape::Spiral { start_per_m, end_per_m }, _) => start_per_m.abs().max(end_per_m.abs()) * length_m,
            (_, Table::Curve { u, v, step, arcs }) => (1..arcs.len())
                .map(|i| {
                    let heading = |p: f64| cubic_slope(v, p).atan2(cubic_slope(u, p));
                    wrap_angle(heading(step * i as f64) - heading(step * (i as f64 - 1.0))).abs()
                })
                .sum(),
            _ => 0.0,
        }
    }

    fn at(&self, s_m: f64) -> LinePoint {
        let s_m = s_m.clamp(0.0, self.spec.length_m);
        let (u, v, heading, curvature_per_m) = match (&self.spec.shape, &self.table) {
            (&Shape::Arc { curvature_per_m }, _) => {
                let angle = curvature_per_m * s_m;
                // (sin a) / a and (1 - cos a) / a without cancellation near 0.
                let half = 0.5 * angle;
                let sinc = if half.abs() < 1e-8 { 1.0 } else { half.sin() / half };
                (s_m * sinc * half.cos(), s_m * sinc * half.sin(), angle, curvature_per_m)
            }
            (&Shape::Spiral { start_per_m, end_per_m }, Table::Spiral { step_m, knots }) => {
                let index = ((s_m / step_m) as usize).min(knots.len() - 2);
                let [du, dv] = spiral_between(start_per_m, end_per_m, self.spec.length_m, step_m * index as f64, s_m);
                let rate = (end_per_m - start_per_m) / self.spec.length_m;
                (
                    knots[index][0] + du,
                    knots[index][1] + dv,
                    s_m * (start_per_m + 0.5 * rate * s_m),
                    start_per_m + rate * s_m,
                )
            }
            (_, Table::Curve { u, v, step, arcs }) => {
                let p = parameter_at(u, v, *step, arcs, s_m / self.spec.length_m);
                let (du, dv) = (cubic_slope(u, p), cubic_slope(v, p));
                let speed = du.hypot(dv).max(1e-12);
                let curvature = (du * cubic_bend(v, p) - dv * cubic_bend(u, p)) / (speed * speed * speed);
                (cubic(u, p), cubic(v, p), dv.atan2(du), curvature)
            }
            _ => (s_m, 0.0, 0.0, 0.0),
        };
        LinePoint {
            x_m: self.spec.x_m + u * self.cos - v * self.sin,
            y_m: self.spec.y_m + u * self.sin + v * self.cos,
            heading_rad: self.spec.heading_rad + heading,
            curvature_per_m,
        }
    }
}

/// Movement in the piece's frame along a clothoid: the Fresnel integrals in their direct form,
/// `integral of (cos, sin)(k0 s + k' s^2 / 2)`, by quadrature.
fn spiral_between(start_per_m: f64, end_per_m: f64, length_m: f64, from_m: f64, to_m: f64) -> [f64; 2] {
    let rate = (end_per_m - start_per_m) / length_m;
    integrate(from_m, to_m, |s| {
        let (sin, cos) = (s * (start_per_m + 0.5 * rate * s)).sin_cos();
        [cos, sin]
    })
}

fn poly3_end(v: &[f64; 4], length_m: f64) -> f64 {
    // Arc length grows at least as fast as u, so the end lies in [0, length]: bisection on a composite rule.
    let arc = |end: f64| {
        let panels = 32;
        (0..panels)
            .map(|i| {
                let at = |i: i32| end * f64::from(i) / f64::from(panels);
                integrate(at(i), at(i + 1), |u| [1.0_f64.hypot(cubic_slope(v, u))])[0]
            })
            .sum::<f64>()
    };
    let (mut low, mut high) = (0.0, length_m);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if arc(middle) < length_m { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

impl Table {
    fn curve(u: [f64; 4], v: [f64; 4], p_end: f64, length_m: f64) -> Result<Self, String> {
        let panels = (length_m / 2.0).ceil().clamp(16.0, 4_096.0);
        let step = p_end / panels;
        let mut arcs = vec![0.0];
        let mut sum = 0.0;
        for i in 0..panels as usize {
            sum += arc_between(&u, &v, step * i as f64, step * (i as f64 + 1.0));
            arcs.push(sum);
        }
        if !(sum.is_finite() && sum > 0.0) {
            return Err(format!("the cubic has an arc length of {sum} m; expected about {length_m} m"));
        }
        if (sum - length_m).abs() > 0.2 * length_m + 1.0 {
            return Err(format!(
                "the cubic's own arc length is {sum:.3} m but the geometry says length={length_m}; check pRange (arcLength or normalized) and the coefficients"
            ));
        }
        Ok(Self::Curve { u, v, step, arcs })
    }
}

/// Arc length of a parametric cubic from 0 to `p_end`.
pub(crate) fn curve_length(u: &[f64; 4], v: &[f64; 4], p_end: f64) -> f64 {
    let panels = 16;
    let at = |i: i32| p_end * f64::from(i) / f64::from(panels);
    (0..panels).map(|i| arc_between(u, v, at(i), at(i + 1))).sum()
}

fn arc_between(u: &[f64; 4], v: &[f64; 4], from: f64, to: f64) -> f64 {
    integrate(from, to, |p| [cubic_slope(u, p).hypot(cubic_slope(v, p))])[0]
}

/// The parameter at a fraction of the curve's arc length. A length attribute that differs a little from the true arc
/// length is thereby spread over the piece, and the piece still ends where the next begins.
fn parameter_at(u: &[f64; 4], v: &[f64; 4], step: f64, arcs: &[f64], fraction: f64) -> f64 {
    let total = arcs[arcs.len() - 1];
    let arc = fraction.clamp(0.0, 1.0) * total;
    let index = arcs.partition_point(|&a| a <= arc).clamp(1, arcs.len() - 1) - 1;
    let low = step * index as f64;
    let span = (arcs[index + 1] - arcs[index]).max(1e-12);
    let mut p = low + step * (arc - arcs[index]) / span;
    for _ in 0..4 {
        let speed = cubic_slope(u, p).hypot(cubic_slope(v, p)).max(1e-12);
        let correction = (arcs[index] + arc_between(u, v, low, p) - arc) / speed;
        p = (p - correction).clamp(low, low + step);
        if correction.abs() < 1e-10 * step {
            break;
        }
    }
    p
}
