//! Smoothing of one coordinate over time: a Kalman filter forwards and a Rauch-Tung-Striebel smoother backwards over a
//! constant-acceleration model.
//!
//! The model is the white-noise-jerk one of Bar-Shalom, Li and Kirubarajan 2001, "Estimation with Applications to Tracking
//! and Navigation", 6.2.3; the smoother is that of Rauch, Tung and Striebel 1965, "Maximum likelihood estimates of linear
//! dynamic systems".

use nalgebra::{Matrix1x3, Matrix3, Vector3};

/// One measurement of a coordinate and, where the sensor has it, of its rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// s.
    pub t_s: f64,
    /// The coordinate and its standard deviation.
    pub value: (f64, f64),
    /// The rate and its standard deviation.
    pub rate: Option<(f64, f64)>,
}

/// The smoothed coordinate at the times of its measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Smoothed {
    times_s: Vec<f64>,
    states: Vec<Vector3<f64>>,
    outliers: Vec<usize>,
}

/// A value may stand this many standard deviations from its prediction; further off it is an outlier and not used.
const GATE_SIGMAS: f64 = 5.0;

impl Smoothed {
    /// Smooths measurements in strictly increasing time; `jerk_psd` is the spectral density of the jerk (for a length in
    /// m: m2/s5). `None` without measurements.
    pub fn new(measurements: &[Measurement], jerk_psd: f64) -> Option<Self> {
        let first = measurements.first()?;
        // Rate and acceleration start unknown, but within what any road user does.
        let mut x = Vector3::new(first.value.0, first.rate.map_or(0.0, |rate| rate.0), 0.0);
        let mut p = Matrix3::from_diagonal(&Vector3::new(
            first.value.1.powi(2),
            first.rate.map_or(60.0f64.powi(2), |rate| rate.1.powi(2)),
            16.0,
        ));
        let mut times_s = vec![first.t_s];
        let mut filtered = vec![(x, p)];
        let mut predicted = vec![(x, p, Matrix3::identity())];
        let mut outliers = Vec::new();
        let mut rejected_in_a_row = 0;
        for (i, measurement) in measurements.iter().enumerate().skip(1) {
            let dt = measurement.t_s - times_s[times_s.len() - 1];
            let (f, q) = transition(dt, jerk_psd);
            x = f * x;
            p = f * p * f.transpose() + q;
            times_s.push(measurement.t_s);
            predicted.push((x, p, f));
            // After a second of refusals the filter is wrong, not the sensor.
            let forgiving = rejected_in_a_row >= 10;
            let value_fits = forgiving || fits(&x, &p, 0, measurement.value);
            let rate_fits = measurement.rate.is_none_or(|rate| forgiving || fits(&x, &p, 1, rate));
            if value_fits && rate_fits {
                rejected_in_a_row = 0;
                update(&mut x, &mut p, 0, measurement.value);
                if let Some(rate) = measurement.rate {
                    update(&mut x, &mut p, 1, rate);
                }
            } else {
                rejected_in_a_row += 1;
                outliers.push(i);
            }
            filtered.push((x, p));
        }
        let mut states: Vec<Vector3<f64>> = filtered.iter().map(|(x, _)| *x).collect();
        for k in (0..states.len().saturating_sub(1)).rev() {
            let (x_next, p_next, f) = &predicted[k + 1];
            // A covariance that cannot be inverted carries no knowledge back: the filtered state stands.
            if let Some(inverse) = p_next.try_inverse() {
                let gain = filtered[k].1 * f.transpose() * inverse;
                states[k] = filtered[k].0 + gain * (states[k + 1] - x_next);
            }
        }
        Some(Self { times_s, states, outliers })
    }

    /// Value, rate and acceleration at `t_s`, by the quintic through the neighbouring states; held to the ends by constant
    /// rate.
    pub fn at(&self, t_s: f64) -> [f64; 3] {
        let last = self.times_s.len() - 1;
        let next = self.times_s.partition_point(|t| *t <= t_s);
        if next == 0 || next > last {
            let end = if next == 0 { 0 } else { last };
            let state = self.states[end];
            let rate = state[1];
            return if t_s == self.times_s[end] {
                [state[0], rate, state[2]]
            } else {
                [state[0] + rate * (t_s - self.times_s[end]), rate, 0.0]
            };
        }
        let (a, b) = (self.states[next - 1], self.states[next]);
        let dt = self.times_s[next] - self.times_s[next - 1];
        quintic(&a, &b, dt, t_s - self.times_s[next - 1])
    }

    /// First and last time, s.
    pub fn span_s(&self) -> (f64, f64) {
        (self.times_s[0], self.times_s[self.times_s.len() - 1])
    }

    /// Indices of the measurements that were set aside as outliers.
    pub fn outliers(&self) -> &[usize] {
        &self.outliers
    }
}

fn transition(dt: f64, q: f64) -> (Matrix3<f64>, Matrix3<f64>) {
    let f = Matrix3::new(1.0, dt, dt * dt / 2.0, 0.0, 1.0, dt, 0.0, 0.0, 1.0);
    let (a, b, c) = (dt.powi(5) / 20.0, dt.powi(4) / 8.0, dt.powi(3) / 6.0);
    let (d, e) = (dt.powi(3) / 3.0, dt.powi(2) / 2.0);
    (f, Matrix3::new(a, b, c, b, d, e, c, e, dt) * q)
}

fn fits(x: &Vector3<f64>, p: &Matrix3<f64>, component: usize, (value, sigma): (f64, f64)) -> bool {
    let variance = p[(component, component)] + sigma * sigma;
    (value - x[component]).powi(2) <= GATE_SIGMAS * GATE_SIGMAS * variance
}

fn update(x: &mut Vector3<f64>, p: &mut Matrix3<f64>, component: usize, (value, sigma): (f64, f64)) {
    let mut h = Matrix1x3::zeros();
    h[component] = 1.0;
    let gain = *p * h.transpose() / (p[(component, component)] + sigma * sigma);
    *x += gain * (value - x[component]);
    // Joseph's form keeps the covariance symmetric and positive.
    let keep = Matrix3::identity() - gain * h;
    *p = keep * *p * keep.transpose() + gain * gain.transpose() * (sigma * sigma);
}

/// The polynomial of degree 5 that has value, rate and acceleration `a` at 0 and `b` at `span`.
fn quintic(a: &Vector3<f64>, b: &Vector3<f64>, span: f64, t: f64) -> [f64; 3] {
    let (c0, c1, c2) = (a[0], a[1], a[2] / 2.0);
    let miss = b[0] - (c0 + c1 * span + c2 * span * span);
    let miss_rate = (b[1] - (c1 + 2.0 * c2 * span)) * span;
    let miss_accel = (b[2] - 2.0 * c2) * span * span;
    let c3 = (10.0 * miss - 4.0 * miss_rate + 0.5 * miss_accel) / span.powi(3);
    let c4 = (-15.0 * miss + 7.0 * miss_rate - miss_accel) / span.powi(4);
    let c5 = (6.0 * miss - 3.0 * miss_rate + 0.5 * miss_accel) / span.powi(5);
    [
        c0 + t * (c1 + t * (c2 + t * (c3 + t * (c4 + t * c5)))),
        c1 + t * (2.0 * c2 + t * (3.0 * c3 + t * (4.0 * c4 + t * 5.0 * c5))),
        2.0 * c2 + t * (6.0 * c3 + t * (12.0 * c4 + t * 20.0 * c5)),
    ]
}

/// Standard deviation of the noise in equally spaced samples of something smooth, from the median of its absolute third
/// differences (noise multiplies by sqrt(20), a motion without jerk vanishes), at least `floor`.
pub fn noise_sigma(values: &[f64], floor: f64) -> f64 {
    let mut third: Vec<f64> = values.windows(4).map(|w| (w[3] - 3.0 * w[2] + 3.0 * w[1] - w[0]).abs()).collect();
    if third.is_empty() {
        return floor;
    }
    let middle = third.len() / 2;
    let (_, median, _) = third.select_nth_unstable_by(middle, f64::total_cmp);
    // 0.6745 is the median of |N(0, 1)|.
    (*median / 0.6745 / 20f64.sqrt()).max(floor)
}

#[cfg(test)]
mod tests {
    use cloverleaf_vocabulary::Draw;
    use proptest::prelude::*;

    use super::*;

    fn measure(n: usize, noise: f64, seed: u64, truth: impl Fn(f64) -> f64) -> Vec<Measurement> {
        let mut draw = Draw::new(seed, 0, 0);
        (0..n)
            .map(|i| i as f64 * 0.05)
            .map(|t_s| Measurement { t_s, value: (truth(t_s) + noise * draw.normal(), noise), rate: None })
            .collect()
    }

    #[test]
    fn a_lane_change_keeps_its_speed_under_noise() {
        let truth = |t: f64| {
            let u = ((t - 3.0) / 4.0).clamp(0.0, 1.0);
            3.5 * (u - (std::f64::consts::TAU * u).sin() / std::f64::consts::TAU)
        };
        let mut worst: f64 = 0.0;
        for seed in 0..20 {
            let smoothed = Smoothed::new(&measure(200, 0.2, seed, truth), 2.0).unwrap();
            worst = worst.max((smoothed.at(5.0)[1] - 1.75).abs());
            assert!((smoothed.at(8.0)[0] - 3.5).abs() < 0.2);
        }
        assert!(worst < 0.3, "lateral speed is {worst} m/s off");
    }

    #[test]
    fn outliers_are_set_aside_and_a_jump_that_stays_is_believed() {
        let mut measurements = measure(100, 0.1, 3, |t| 20.0 * t);
        measurements[50].value.0 += 30.0;
        let smoothed = Smoothed::new(&measurements, 1.0).unwrap();
        assert_eq!(smoothed.outliers(), [50]);
        assert!((smoothed.at(2.5)[0] - 50.0).abs() < 0.2);
    }

    #[test]
    fn the_noise_is_estimated_from_the_data() {
        let values: Vec<f64> = measure(400, 0.3, 11, |t| 25.0 * t + 0.5 * t * t).iter().map(|m| m.value.0).collect();
        let sigma = noise_sigma(&values, 0.05);
        assert!((sigma - 0.3).abs() < 0.05, "{sigma}");
        assert_eq!(noise_sigma(&values[..2], 0.05), 0.05);
    }

    proptest! {
        #[test]
        fn without_noise_a_constant_acceleration_is_exact(
            p in -100.0..100.0f64, v in -50.0..50.0f64, a in -5.0..5.0f64, t in 0.0..4.9f64
        ) {
            let truth = |t: f64| p + v * t + a * t * t / 2.0;
            let mut measurements = measure(100, 0.0, 0, truth);
            for m in &mut measurements { m.value.1 = 0.05; }
            let smoothed = Smoothed::new(&measurements, 1.0).unwrap();
            prop_assert!((smoothed.at(t)[0] - truth(t)).abs() < 0.06);
        }
    }
}
