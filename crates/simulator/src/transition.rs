//! How a value gets from here to there: OpenSCENARIO's `TransitionDynamics`.

use std::f64::consts::{FRAC_PI_2, PI};

use cloverleaf_scenario::model::{DynamicsDimension, DynamicsShape, TransitionDynamics};

/// A running transition of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    from: f64,
    change: f64,
    shape: DynamicsShape,
    /// Duration in s or way in m.
    extent: f64,
    by_way: bool,
    done: f64,
}

impl Transition {
    /// From `from` to `to`. For the dimension `distance` of a speed use [`Self::of_speed`].
    pub fn new(from: f64, to: f64, dynamics: TransitionDynamics) -> Self {
        let change = to - from;
        let (extent, by_way) = match dynamics.dimension {
            DynamicsDimension::Time => (dynamics.value, false),
            DynamicsDimension::Distance => (dynamics.value, true),
            DynamicsDimension::Rate => (peak_rate(dynamics.shape) * change.abs() / dynamics.value.abs(), false),
        };
        // A rate or way of 0 for no change is 0 / 0: nothing to do.
        let extent =
            if dynamics.shape == DynamicsShape::Step || change == 0.0 && extent.is_nan() { 0.0 } else { extent };
        Self { from, change, shape: dynamics.shape, extent: extent.max(0.0), by_way, done: 0.0 }
    }

    /// A transition of speed. Over a distance it takes the time in which the mean speed covers it: all shapes are symmetric,
    /// so the mean is the middle of both speeds.
    pub fn of_speed(from_mps: f64, to_mps: f64, dynamics: TransitionDynamics) -> Self {
        let dynamics = match dynamics.dimension {
            DynamicsDimension::Distance => TransitionDynamics {
                dimension: DynamicsDimension::Time,
                value: dynamics.value / (0.5 * (from_mps + to_mps)).abs().max(1e-3),
                ..dynamics
            },
            _ => dynamics,
        };
        Self::new(from_mps, to_mps, dynamics)
    }

    /// A sideways transition that keeps lateral acceleration at or below `max_mps2`. `None` is at once.
    pub fn of_offset(from_m: f64, to_m: f64, shape: DynamicsShape, max_mps2: Option<f64>) -> Self {
        let change = (to_m - from_m).abs();
        // Peak accelerations: sine pi^2 c / (2 T^2), cubic 6 c / T^2; a linear one is rounded off over its whole length, 4 c / T^2.
        let factor = match shape {
            DynamicsShape::Sinusoidal => 0.5 * PI * PI,
            DynamicsShape::Cubic => 6.0,
            DynamicsShape::Linear => 4.0,
            DynamicsShape::Step => 0.0,
        };
        let duration_s = max_mps2.map_or(0.0, |max| (factor * change / max).sqrt());
        let dynamics = TransitionDynamics { shape, dimension: DynamicsDimension::Time, value: duration_s };
        Self::new(from_m, to_m, dynamics)
    }

    /// Goes on by a time and a way; returns the value and whether it has arrived.
    pub fn advance(&mut self, dt_s: f64, way_m: f64) -> (f64, bool) {
        self.done += if self.by_way { way_m.abs() } else { dt_s };
        (self.value(), self.finished())
    }

    /// The present value.
    pub fn value(&self) -> f64 {
        self.from + self.change * self.part()
    }

    /// Moves the target, keeping the progress: for targets that move themselves.
    pub fn aim(&mut self, to: f64) {
        self.change = to - self.from;
    }

    /// Whether it has arrived.
    pub fn finished(&self) -> bool {
        // A thousandth of a step of slack, so that a whole number of steps is not one more by rounding.
        self.done + 1e-9 >= self.extent
    }

    fn part(&self) -> f64 {
        if self.finished() {
            return 1.0;
        }
        let p = self.done / self.extent;
        match self.shape {
            DynamicsShape::Linear => p,
            DynamicsShape::Cubic => p * p * (3.0 - 2.0 * p),
            DynamicsShape::Sinusoidal => 0.5 * (1.0 - (PI * p).cos()),
            DynamicsShape::Step => 1.0,
        }
    }
}

/// Greatest rate of a shape relative to the linear one's.
fn peak_rate(shape: DynamicsShape) -> f64 {
    match shape {
        DynamicsShape::Linear => 1.0,
        DynamicsShape::Cubic => 1.5,
        DynamicsShape::Sinusoidal => FRAC_PI_2,
        DynamicsShape::Step => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dynamics(shape: DynamicsShape, dimension: DynamicsDimension, value: f64) -> TransitionDynamics {
        TransitionDynamics { shape, dimension, value }
    }

    #[test]
    fn the_given_rate_is_the_greatest_one() {
        for shape in [DynamicsShape::Linear, DynamicsShape::Cubic, DynamicsShape::Sinusoidal] {
            let mut transition = Transition::new(20.0, 10.0, dynamics(shape, DynamicsDimension::Rate, 2.0));
            let (mut last, mut steepest, mut steps) = (20.0f64, 0.0f64, 0);
            loop {
                let (value, finished) = transition.advance(0.01, 0.0);
                steepest = steepest.max((last - value) / 0.01);
                (last, steps) = (value, steps + 1);
                if finished {
                    break;
                }
                assert!(steps < 10_000);
            }
            assert_eq!(last, 10.0);
            assert!((steepest - 2.0).abs() < 0.02, "{shape:?}: {steepest}");
        }
    }

    #[test]
    fn an_offset_respects_its_lateral_acceleration() {
        for shape in [DynamicsShape::Cubic, DynamicsShape::Sinusoidal] {
            let mut transition = Transition::of_offset(0.0, 1.5, shape, Some(0.5));
            let dt = 0.001;
            let (mut values, mut peak) = (vec![0.0, 0.0], 0.0f64);
            while !transition.finished() {
                values.push(transition.advance(dt, 0.0).0);
                let n = values.len();
                if n > 4 {
                    peak = peak.max(((values[n - 1] - 2.0 * values[n - 2] + values[n - 3]) / (dt * dt)).abs());
                }
            }
            assert!((peak - 0.5).abs() < 0.02, "{shape:?}: {peak}");
        }
    }

    #[test]
    fn nothing_to_do_is_done_at_once() {
        for dimension in [DynamicsDimension::Rate, DynamicsDimension::Time, DynamicsDimension::Distance] {
            let transition = Transition::new(3.0, 3.0, dynamics(DynamicsShape::Linear, dimension, 0.0));
            assert!(transition.finished() && transition.value() == 3.0, "{dimension:?}");
        }
        assert!(Transition::new(3.0, 9.0, dynamics(DynamicsShape::Step, DynamicsDimension::Time, 5.0)).finished());
    }

    #[test]
    fn braking_over_a_distance_covers_that_distance() {
        for shape in [DynamicsShape::Linear, DynamicsShape::Cubic, DynamicsShape::Sinusoidal] {
            let mut transition = Transition::of_speed(30.0, 10.0, dynamics(shape, DynamicsDimension::Distance, 100.0));
            let (mut way_m, mut last) = (0.0, 30.0);
            while !transition.finished() {
                let (value, _) = transition.advance(0.001, 0.0);
                way_m += 0.5 * (last + value) * 0.001;
                last = value;
            }
            assert!((way_m - 100.0).abs() < 0.1, "{shape:?}: {way_m}");
        }
    }
}
