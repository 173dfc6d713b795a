//! The closed-form criticality measures of one follower and one leader at one instant.

/// Time to collision, s: how long until contact if both keep their speeds. `None` when the gap does not close.
///
/// TTC = gap / (v_follower - v_leader). Hayward 1972, "Near-miss determination through use of a scale of danger".
pub fn time_to_collision_s(gap_m: f64, follower_mps: f64, leader_mps: f64) -> Option<f64> {
    let closing_mps = follower_mps - leader_mps;
    (closing_mps > 0.0).then(|| gap_m.max(0.0) / closing_mps)
}

/// Time gap, s: clearance over the follower's speed (ISO 15622:2018, 3.1.16 "time gap"; UN R157, 5.2.3.3 calls the same
/// quantity time gap, much literature "time headway"). `None` at or below 0.1 m/s.
pub fn time_headway_s(gap_m: f64, follower_mps: f64) -> Option<f64> {
    (follower_mps > 0.1).then(|| gap_m.max(0.0) / follower_mps)
}

/// Deceleration rate to avoid a crash, m/s2, at least 0: what brings the follower to the leader's speed within the gap.
/// `None` at contact while closing.
///
/// DRAC = (v_follower - v_leader)^2 / (2 gap). Almqvist, Hyden and Risser 1991; Archer 2005, section 3.4.
pub fn drac_mps2(gap_m: f64, follower_mps: f64, leader_mps: f64) -> Option<f64> {
    let closing_mps = (follower_mps - leader_mps).max(0.0);
    if closing_mps == 0.0 {
        return Some(0.0);
    }
    (gap_m > 0.0).then(|| closing_mps * closing_mps / (2.0 * gap_m))
}

/// Constant deceleration, m/s2, at least 0, with which the follower just does not touch a leader that keeps its present
/// acceleration until it stands. `None` at contact while closing.
///
/// Jansson 2005, "Collision Avoidance Theory", section 4.3; the case of a leader that stops first is the stopping
/// distance balance v_f^2 / (2 a) = gap + v_l^2 / (2 |a_l|).
pub fn required_deceleration_mps2(
    gap_m: f64,
    follower_mps: f64,
    leader_mps: f64,
    leader_accel_mps2: f64,
) -> Option<f64> {
    let closing_mps = follower_mps - leader_mps;
    let leader_brakes = leader_accel_mps2 < -1e-6 && leader_mps > 0.0;
    if closing_mps <= 0.0 && !leader_brakes || follower_mps <= 0.0 {
        return Some(0.0);
    }
    if gap_m <= 0.0 {
        return None;
    }
    if leader_brakes {
        let until_leader_stands_s = leader_mps / -leader_accel_mps2;
        // With the just sufficient deceleration the speeds meet after 2 gap / closing.
        if closing_mps <= 0.0 || 2.0 * gap_m / closing_mps > until_leader_stands_s {
            let leader_stops_in_m = leader_mps * leader_mps / (-2.0 * leader_accel_mps2);
            return Some(follower_mps * follower_mps / (2.0 * (gap_m + leader_stops_in_m)));
        }
    }
    Some((closing_mps * closing_mps / (2.0 * gap_m) - leader_accel_mps2).max(0.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(time_to_collision_s(30.0, 20.0, 10.0), Some(3.0));
        assert_eq!(time_to_collision_s(30.0, 10.0, 10.0), None);
        assert_eq!(time_headway_s(30.0, 20.0), Some(1.5));
        assert_eq!(drac_mps2(25.0, 20.0, 10.0), Some(2.0));
        assert_eq!(drac_mps2(0.0, 20.0, 10.0), None);
        // A standing leader: v^2 / (2 gap).
        assert_eq!(required_deceleration_mps2(50.0, 20.0, 0.0, 0.0), Some(4.0));
        // Leader brakes with 4 from 20 m/s and stands after 50 m; 50 m gap: 400 / 200.
        assert_eq!(required_deceleration_mps2(50.0, 20.0, 20.0, -4.0), Some(2.0));
    }

    fn least_gap_m(gap: f64, follower: f64, leader: f64, accel: f64, braking: f64) -> f64 {
        let dt = 1e-3;
        let (mut gap, mut vf, mut vl, mut least) = (gap, follower, leader, gap);
        for _ in 0..200_000 {
            let vf_next = (vf - braking * dt).max(0.0);
            let vl_next = if accel < 0.0 { (vl + accel * dt).max(0.0) } else { vl + accel * dt };
            gap += 0.5 * dt * (vl + vl_next - vf - vf_next);
            (vf, vl) = (vf_next, vl_next);
            least = least.min(gap);
            if vf == 0.0 || (vf <= vl && accel >= 0.0) {
                break;
            }
        }
        least
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_required_deceleration_just_suffices(
            gap in 2.0..100.0f64, follower in 2.0..40.0f64, leader in 0.0..40.0f64, accel in -8.0..0.0f64,
        ) {
            let needed = required_deceleration_mps2(gap, follower, leader, accel).unwrap();
            prop_assert!(least_gap_m(gap, follower, leader, accel, needed * 1.01 + 0.01) > -0.02);
            if needed > 0.1 {
                prop_assert!(least_gap_m(gap, follower, leader, accel, needed * 0.98 - 0.01) < 0.05);
            }
        }
    }
}
