//! A trace made safe to compute with: finite, in order, and readable between its samples.

use std::f64::consts::{PI, TAU};

use cloverleaf_vocabulary::{ActorState, ActorTrace, Footprint};

/// One road user's usable states. What cannot be used was set aside and counted.
#[derive(Debug, Clone)]
pub struct Track<'a> {
    /// The name it has in its scene.
    pub name: &'a str,
    /// The ground it covers.
    pub footprint: Footprint,
    states: Vec<ActorState>,
    quarantined: usize,
}

impl<'a> Track<'a> {
    /// Takes the states of `trace` that are finite and later than the one before.
    pub fn new(trace: &'a ActorTrace) -> Self {
        let mut states: Vec<ActorState> = Vec::with_capacity(trace.states.len());
        for state in &trace.states {
            let finite = [state.t_s, state.x_m, state.y_m, state.yaw_rad, state.speed_mps, state.accel_mps2]
                .iter()
                .all(|value| value.is_finite());
            if finite && states.last().is_none_or(|last| state.t_s > last.t_s) {
                states.push(*state);
            }
        }
        let quarantined = trace.states.len() - states.len();
        Self { name: &trace.name, footprint: trace.footprint, states, quarantined }
    }

    /// The usable states, strictly increasing in time.
    pub fn states(&self) -> &[ActorState] {
        &self.states
    }

    /// How many states were not finite or not in order.
    pub fn quarantined(&self) -> usize {
        self.quarantined
    }

    /// The state at `t_s`, straight between the samples on either side; `None` outside the trace.
    pub fn at(&self, t_s: f64) -> Option<ActorState> {
        let next = self.states.partition_point(|state| state.t_s < t_s);
        let after = self.states.get(next)?;
        if after.t_s == t_s {
            return Some(*after);
        }
        let before = self.states.get(next.checked_sub(1)?)?;
        Some(between(before, after, t_s))
    }

    /// Mean longitudinal acceleration over the `window_s` that end at `t_s`, m/s2: the speed gained over that time. The
    /// window shrinks at the beginning of the trace; `None` at its first state and outside.
    pub fn mean_accel_mps2(&self, t_s: f64, window_s: f64) -> Option<f64> {
        self.mean_slope(t_s, window_s, |state| state.speed_mps, |change| change)
    }

    /// Mean yaw rate over the `window_s` that end at `t_s`, rad/s.
    pub fn mean_yaw_rate_radps(&self, t_s: f64, window_s: f64) -> Option<f64> {
        self.mean_slope(t_s, window_s, |state| state.yaw_rad, wrapped_rad)
    }

    /// Mean jerk over the `window_s` that end at `t_s`, m/s3, from the acceleration channel. Needs the full window.
    pub fn mean_jerk_mps3(&self, t_s: f64, window_s: f64) -> Option<f64> {
        let earlier = self.at(t_s - window_s)?;
        Some((self.at(t_s)?.accel_mps2 - earlier.accel_mps2) / window_s)
    }

    fn mean_slope(
        &self,
        t_s: f64,
        window_s: f64,
        value: impl Fn(&ActorState) -> f64,
        change: impl Fn(f64) -> f64,
    ) -> Option<f64> {
        let first = self.states.first()?;
        let from_s = (t_s - window_s).max(first.t_s);
        let (from, to) = (self.at(from_s)?, self.at(t_s)?);
        (to.t_s > from.t_s).then(|| change(value(&to) - value(&from)) / (to.t_s - from.t_s))
    }
}

/// The same angle within [-pi, pi].
pub fn wrapped_rad(angle_rad: f64) -> f64 {
    if angle_rad.abs() <= PI { angle_rad } else { angle_rad - TAU * (angle_rad / TAU).round() }
}

fn between(a: &ActorState, b: &ActorState, t_s: f64) -> ActorState {
    let part = (t_s - a.t_s) / (b.t_s - a.t_s);
    let mix = |from: f64, to: f64| from + part * (to - from);
    ActorState {
        t_s,
        x_m: mix(a.x_m, b.x_m),
        y_m: mix(a.y_m, b.y_m),
        yaw_rad: a.yaw_rad + part * wrapped_rad(b.yaw_rad - a.yaw_rad),
        speed_mps: mix(a.speed_mps, b.speed_mps),
        accel_mps2: mix(a.accel_mps2, b.accel_mps2),
    }
}

#[cfg(test)]
mod tests {
    use cloverleaf_vocabulary::ActorClass;

    use super::*;

    fn trace(states: Vec<ActorState>) -> ActorTrace {
        ActorTrace { name: "a".into(), class: ActorClass::Car, footprint: Footprint::CAR, states }
    }

    fn state(t_s: f64, x_m: f64, yaw_rad: f64, speed_mps: f64) -> ActorState {
        ActorState { t_s, x_m, y_m: 0.0, yaw_rad, speed_mps, accel_mps2: 0.0 }
    }

    #[test]
    fn unusable_states_are_set_aside_and_counted() {
        let raw = trace(vec![
            state(0.0, 0.0, 0.0, 1.0),
            state(0.1, f64::NAN, 0.0, 1.0),
            state(f64::INFINITY, 0.0, 0.0, 1.0),
            state(0.0, 0.0, 0.0, 1.0),
            state(0.2, 0.2, 0.0, 1.0),
        ]);
        let track = Track::new(&raw);
        assert_eq!((track.states().len(), track.quarantined()), (2, 3));
        assert!((track.at(0.1).unwrap().x_m - 0.1).abs() < 1e-12);
        assert!(track.at(0.21).is_none() && track.at(-0.01).is_none());
    }

    #[test]
    fn headings_turn_the_short_way() {
        let raw = trace(vec![state(0.0, 0.0, 3.1, 1.0), state(1.0, 0.0, -3.1, 3.0)]);
        let track = Track::new(&raw);
        assert!((track.at(0.5).unwrap().yaw_rad - PI).abs() < 1e-9);
        assert!((track.mean_yaw_rate_radps(1.0, 0.5).unwrap() - (TAU - 6.2)).abs() < 1e-9);
        assert!((track.mean_accel_mps2(1.0, 0.5).unwrap() - 2.0).abs() < 1e-9);
    }
}
