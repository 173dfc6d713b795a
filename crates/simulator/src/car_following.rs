//! How a driver follows: the improved Intelligent Driver Model and the ACC model built on it.

use serde::{Deserialize, Serialize};

/// The vehicle ahead, as its follower sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leader {
    /// Clearance bumper to bumper, m.
    pub gap_m: f64,
    /// Its speed along the follower's path, m/s.
    pub speed_mps: f64,
    /// Its acceleration along the follower's path, m/s2.
    pub accel_mps2: f64,
}

/// Parameters of the Intelligent Driver Model.
///
/// The free and interaction terms are combined as in the improved IDM ("IIDM", Treiber and Kesting 2013, "Traffic Flow
/// Dynamics", section 11.3.7): in equilibrium below the desired speed the gap is exactly `min_gap + v * time_gap`, and at the
/// desired speed a leader farther away than that is of no effect. (The original model of 2000 brakes for any leader.)
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Idm {
    /// Speed driven on a free road, m/s.
    pub desired_speed_mps: f64,
    /// Time gap T to the leader, s.
    pub time_gap_s: f64,
    /// Gap at standstill, m.
    pub min_gap_m: f64,
    /// Largest acceleration a, m/s2.
    pub max_accel_mps2: f64,
    /// Comfortable deceleration b, m/s2, positive.
    pub comfort_decel_mps2: f64,
}

/// Exponent of the free acceleration (Treiber and Kesting 2013, table 11.2).
const EXPONENT: f64 = 4.0;
/// Coolness of the ACC model: 0 is the IIDM, 1 trusts the constant-acceleration heuristic (Kesting et al. 2010, section 3).
const COOLNESS: f64 = 0.99;
/// Below this gap the formulas lose their meaning, m.
const LEAST_GAP_M: f64 = 0.05;

impl Idm {
    /// A car on a motorway: table 11.2 of Treiber and Kesting 2013 with the given desired speed.
    pub fn motorway(desired_speed_mps: f64) -> Self {
        Self { desired_speed_mps, time_gap_s: 1.0, min_gap_m: 2.0, max_accel_mps2: 1.0, comfort_decel_mps2: 1.5 }
    }

    /// Acceleration on a free road, m/s2.
    pub fn free_accel_mps2(&self, speed_mps: f64) -> f64 {
        let (a, b, v0) = (self.max_accel_mps2, self.comfort_decel_mps2, self.desired_speed_mps.max(0.0));
        if speed_mps <= v0 {
            if v0 > 0.0 { a * (1.0 - (speed_mps.max(0.0) / v0).powf(EXPONENT)) } else { 0.0 }
        } else {
            -b * (1.0 - (v0 / speed_mps).powf(a * EXPONENT / b))
        }
    }

    /// The gap the driver wants, m.
    pub fn desired_gap_m(&self, speed_mps: f64, leader_mps: f64) -> f64 {
        let dynamic = speed_mps * self.time_gap_s
            + speed_mps * (speed_mps - leader_mps) / (2.0 * (self.max_accel_mps2 * self.comfort_decel_mps2).sqrt());
        self.min_gap_m + dynamic.max(0.0)
    }

    /// Acceleration behind `leader`, m/s2 (IIDM). Not bounded below: at a vanishing gap it is beyond any brake.
    pub fn accel_mps2(&self, speed_mps: f64, leader: Option<Leader>) -> f64 {
        let free = self.free_accel_mps2(speed_mps);
        let Some(leader) = leader else { return free };
        let z = self.desired_gap_m(speed_mps, leader.speed_mps) / leader.gap_m.max(LEAST_GAP_M);
        let a = self.max_accel_mps2;
        if speed_mps <= self.desired_speed_mps {
            if z >= 1.0 {
                a * (1.0 - z * z)
            } else if free > 1e-9 {
                free * (1.0 - z.powf(2.0 * a / free))
            } else {
                free
            }
        } else if z >= 1.0 {
            free + a * (1.0 - z * z)
        } else {
            free
        }
    }

    /// Acceleration of the ACC model, m/s2: the IIDM, except that it does not brake harder than the situation needs when
    /// somebody cuts in (Kesting, Treiber and Helbing 2010, "Enhanced intelligent driver model to access the impact of
    /// driving strategies on traffic capacity", equations 2.6 and 2.8).
    pub fn acc_accel_mps2(&self, speed_mps: f64, leader: Option<Leader>) -> f64 {
        let iidm = self.accel_mps2(speed_mps, leader);
        let Some(leader) = leader else { return iidm };
        let cah = self.constant_accel_heuristic_mps2(speed_mps, leader);
        if iidm >= cah {
            return iidm;
        }
        let b = self.comfort_decel_mps2;
        (1.0 - COOLNESS) * iidm + COOLNESS * (cah + b * ((iidm - cah) / b).tanh())
    }

    /// The acceleration that just avoids a crash if the leader keeps its acceleration and nobody hesitates, m/s2. The paper
    /// lets the gap go to 0; here the gap at standstill is kept free, or the model would stop bumper to bumper.
    fn constant_accel_heuristic_mps2(&self, speed_mps: f64, leader: Leader) -> f64 {
        let gap_m = (leader.gap_m - self.min_gap_m).max(LEAST_GAP_M);
        let leader_accel = leader.accel_mps2.min(self.max_accel_mps2);
        let closing_mps = speed_mps - leader.speed_mps;
        // The leader stands before the gap is used up. One that stands already is the other case.
        if leader_accel < 0.0 && leader.speed_mps * closing_mps <= -2.0 * gap_m * leader_accel {
            speed_mps * speed_mps * leader_accel / (leader.speed_mps * leader.speed_mps - 2.0 * gap_m * leader_accel)
        } else {
            leader_accel - closing_mps.max(0.0).powi(2) / (2.0 * gap_m)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leader(gap_m: f64, speed_mps: f64) -> Option<Leader> {
        Some(Leader { gap_m, speed_mps, accel_mps2: 0.0 })
    }

    proptest! {
        #[test]
        fn equilibrium_gap_is_the_closed_form(v in 0.1..35.0f64, time_gap in 0.5..2.5f64) {
            let idm = Idm { time_gap_s: time_gap, ..Idm::motorway(40.0) };
            prop_assert!(idm.accel_mps2(v, leader(2.0 + v * time_gap, v)).abs() < 1e-9);
            prop_assert!(idm.accel_mps2(v, leader(2.2 + v * time_gap, v)) > 0.0);
            prop_assert!(idm.accel_mps2(v, leader(1.8 + v * time_gap, v)) < 0.0);
        }

        #[test]
        fn at_the_desired_speed_a_leader_beyond_the_desired_gap_is_of_no_effect(v in 1.0..40.0f64, extra in 0.0..100.0f64) {
            let idm = Idm::motorway(v);
            prop_assert_eq!(idm.accel_mps2(v, leader(idm.desired_gap_m(v, v) + extra + 1e-9, v)), 0.0);
        }

        #[test]
        fn closer_or_slower_leaders_never_mean_more_acceleration(
            v in 0.0..40.0f64, gap in 0.5..150.0f64, lead in 0.0..40.0f64, closer in 0.1..0.9f64,
        ) {
            let idm = Idm::motorway(33.0);
            prop_assert!(idm.accel_mps2(v, leader(gap * closer, lead)) <= idm.accel_mps2(v, leader(gap, lead)) + 1e-9);
            prop_assert!(idm.accel_mps2(v, leader(gap, lead * closer)) <= idm.accel_mps2(v, leader(gap, lead)) + 1e-9);
            prop_assert!(idm.accel_mps2(v, leader(gap, lead)) <= idm.accel_mps2(v, None) + 1e-9);
        }

        #[test]
        fn everything_is_finite(v in 0.0..80.0f64, gap in -5.0..500.0f64, lead in 0.0..80.0f64, accel in -12.0..5.0f64, v0 in 0.0..60.0f64) {
            let idm = Idm::motorway(v0);
            let leader = Some(Leader { gap_m: gap, speed_mps: lead, accel_mps2: accel });
            prop_assert!(idm.accel_mps2(v, leader).is_finite() && idm.acc_accel_mps2(v, leader).is_finite());
        }
    }

    #[test]
    fn the_acc_model_keeps_cool_at_a_harmless_cut_in() {
        // Half the desired gap, same speed: the IIDM brakes with 3 m/s2, a driver who sees no danger does not.
        let idm = Idm::motorway(33.0);
        let cut_in = leader(0.5 * idm.desired_gap_m(25.0, 25.0), 25.0);
        assert!(idm.accel_mps2(25.0, cut_in) < -2.9);
        assert!(idm.acc_accel_mps2(25.0, cut_in) > -1.7);
    }

    #[test]
    fn both_models_stop_before_a_wall_and_comfortably_at_the_gap_of_standstill() {
        type Model = fn(&Idm, f64, Option<Leader>) -> f64;
        for (model, hardest) in [(Idm::accel_mps2 as Model, 3.0), (Idm::acc_accel_mps2 as Model, 3.0)] {
            let idm = Idm { time_gap_s: 1.6, max_accel_mps2: 1.5, comfort_decel_mps2: 2.0, ..Idm::motorway(17.0) };
            let (mut v, mut gap, mut strongest) = (17.0f64, 200.0, 0.0f64);
            for _ in 0..10_000 {
                let a = model(&idm, v, leader(gap, 0.0));
                strongest = strongest.min(a);
                let next = (v + a * 0.01).max(0.0);
                gap -= 0.5 * (v + next) * 0.01;
                v = next;
            }
            assert!(v < 0.01 && (1.8..2.6).contains(&gap), "v {v}, gap {gap}");
            assert!(strongest > -hardest, "{strongest}");
        }
    }

    #[test]
    fn a_column_behind_a_braking_leader_never_collides() {
        // Ten cars at equilibrium, the first brakes with 4 m/s2 to rest; closed-loop integration at 10 ms.
        let idm = Idm { time_gap_s: 1.2, ..Idm::motorway(30.0) };
        let (dt, length) = (0.01, 4.6);
        let mut v = [25.0f64; 10];
        let mut x: [f64; 10] = std::array::from_fn(|i| -(i as f64) * (length + 2.0 + 25.0 * 1.2));
        for _ in 0..6_000 {
            let (x0, v0) = (x, v);
            v[0] = (v0[0] - 4.0 * dt).max(0.0);
            x[0] += 0.5 * (v0[0] + v[0]) * dt;
            for i in 1..10 {
                let gap_m = x0[i - 1] - x0[i] - length;
                assert!(gap_m > 0.0, "car {i} hit its leader");
                v[i] = (v0[i] + idm.accel_mps2(v0[i], leader(gap_m, v0[i - 1])).max(-9.0) * dt).max(0.0);
                x[i] += 0.5 * (v0[i] + v[i]) * dt;
            }
        }
        assert!(v.iter().all(|&v| v < 0.05));
    }
}
