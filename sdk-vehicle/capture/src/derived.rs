//! Acceleration from speed, for vehicles that measure only the latter.

use std::collections::VecDeque;

use cloverleaf_vocabulary::{BootTime, TimeDelta};

/// Longitudinal acceleration as the slope of speed: the least-squares line through the speed samples of the last 0.4 s.
///
/// For evenly spaced samples this is the first-order Savitzky-Golay derivative. It lags by half its span, 0.2 s, and
/// its noise is that of the speed times `sqrt(12 / n) / span`: with 20 Hz and 0.05 m/s about 0.15 m/s2. Samples that are
/// more than 0.4 s apart, or fewer than three, give none.
#[derive(Debug, Default)]
pub(crate) struct SpeedSlope {
    samples: VecDeque<(BootTime, f64)>,
}

const SPAN: TimeDelta = TimeDelta::from_millis(400);
const FEWEST: usize = 3;
/// Most samples kept: 0.4 s at 1 kHz, which is faster than any vehicle bus repeats its speed.
const MOST: usize = 400;

impl SpeedSlope {
    /// Takes a speed, m/s, and gives the acceleration, m/s2.
    pub(crate) fn update(&mut self, time: BootTime, speed_mps: f64) -> Option<f64> {
        if self.samples.back().is_some_and(|(last, _)| time <= *last) {
            return None;
        }
        while self.samples.front().is_some_and(|(first, _)| time - *first > SPAN) || self.samples.len() >= MOST {
            self.samples.pop_front();
        }
        self.samples.push_back((time, speed_mps));
        if self.samples.len() < FEWEST {
            return None;
        }
        let count = self.samples.len() as f64;
        let seconds = |at: BootTime| (at - time).as_secs_f64();
        let mean_t = self.samples.iter().map(|(at, _)| seconds(*at)).sum::<f64>() / count;
        let mean_v = self.samples.iter().map(|(_, v)| v).sum::<f64>() / count;
        let (mut products, mut squares) = (0.0, 0.0);
        for (at, v) in &self.samples {
            let t = seconds(*at) - mean_t;
            products += t * (v - mean_v);
            squares += t * t;
        }
        Some(products / squares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slopes(step_ms: i64, speed: impl Fn(f64) -> f64) -> Vec<Option<f64>> {
        let mut slope = SpeedSlope::default();
        (0..40)
            .map(|step| {
                let time = BootTime::from_nanos(0) + TimeDelta::from_millis(step * step_ms);
                slope.update(time, speed(time.as_secs_f64()))
            })
            .collect()
    }

    #[test]
    fn a_line_has_its_slope() {
        for step_ms in [1, 10, 50, 200] {
            for found in slopes(step_ms, |t| 20.0 - 6.5 * t).into_iter().skip(2) {
                assert!((found.unwrap() + 6.5).abs() < 1e-9, "{step_ms} ms: {found:?}");
            }
        }
    }

    #[test]
    fn too_little_says_nothing() {
        assert!(slopes(250, |t| t).iter().all(Option::is_none));
        assert!(slopes(0, |t| t).iter().all(Option::is_none), "time stands still");
    }
}
