//! Longitudinal driver models: the Intelligent Driver Model and its ACC variant.

/// Parameters of one driver.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Driver {
    /// Speed wanted on a free road, m/s.
    pub desired_mps: f64,
    /// Time gap kept behind others, s.
    pub time_gap_s: f64,
    /// Gap kept at standstill, m.
    pub standstill_m: f64,
    /// Largest acceleration, m/s2.
    pub accel_mps2: f64,
    /// Comfortable deceleration, m/s2, positive.
    pub brake_mps2: f64,
}

/// The vehicle ahead as its follower perceives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leader {
    /// From our front to its rear, m.
    pub gap_m: f64,
    /// Its speed, m/s.
    pub speed_mps: f64,
    /// Its acceleration, m/s2.
    pub accel_mps2: f64,
}

impl Driver {
    /// Acceleration by the ACC model of Kesting, Treiber and Helbing, "Enhanced intelligent driver model to access the
    /// impact of driving strategies on traffic capacity", Phil. Trans. R. Soc. A 368 (2010), eqs. (2.4) to (2.9): IDM,
    /// softened by the constant-acceleration heuristic so that a car that cuts in does not cause a panic.
    pub fn acceleration_mps2(&self, speed_mps: f64, leader: Option<Leader>) -> f64 {
        const COOLNESS: f64 = 0.99;
        let free = 1.0 - (speed_mps / self.desired_mps.max(0.1)).powi(4);
        let Some(leader) = leader else { return self.accel_mps2 * free.max(-2.0) };
        let gap = leader.gap_m.max(0.1);
        let closing = speed_mps - leader.speed_mps;
        let dynamic =
            speed_mps * self.time_gap_s + speed_mps * closing / (2.0 * (self.accel_mps2 * self.brake_mps2).sqrt());
        let wanted = self.standstill_m + dynamic.max(0.0);
        let idm = self.accel_mps2 * (free.max(-2.0) - (wanted / gap).powi(2));
        let lead_accel = leader.accel_mps2.min(self.accel_mps2);
        let heuristic = if leader.speed_mps * closing <= -2.0 * gap * lead_accel {
            let braking_room = leader.speed_mps.powi(2) - 2.0 * gap * lead_accel;
            if braking_room > 1e-6 { speed_mps.powi(2) * lead_accel / braking_room } else { idm }
        } else {
            lead_accel - closing.max(0.0).powi(2) / (2.0 * gap)
        };
        if idm >= heuristic {
            idm
        } else {
            let softened = heuristic + self.brake_mps2 * ((idm - heuristic) / self.brake_mps2).tanh();
            (1.0 - COOLNESS) * idm + COOLNESS * softened
        }
    }
}

/// Constant deceleration (positive, m/s2) that keeps 2 m to the leader if it goes on as it does now.
pub fn required_deceleration_mps2(speed_mps: f64, leader: Leader) -> f64 {
    let room = (leader.gap_m - 2.0).max(0.3);
    let closing = (speed_mps - leader.speed_mps).max(0.0);
    let at_its_speed = closing * closing / (2.0 * room);
    if leader.accel_mps2 < -1.0 {
        let its_stopping_m = leader.speed_mps.powi(2) / (-2.0 * leader.accel_mps2);
        at_its_speed.max(speed_mps * speed_mps / (2.0 * (room + its_stopping_m)))
    } else {
        at_its_speed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIVER: Driver =
        Driver { desired_mps: 30.0, time_gap_s: 1.4, standstill_m: 2.0, accel_mps2: 1.2, brake_mps2: 1.8 };

    #[test]
    fn a_platoon_settles_at_its_equilibrium_gap() {
        let (mut gap, mut speed) = (120.0, 30.0);
        for _ in 0..60_000 {
            let leader = Leader { gap_m: gap, speed_mps: 22.0, accel_mps2: 0.0 };
            speed += 0.01 * DRIVER.acceleration_mps2(speed, Some(leader));
            gap += 0.01 * (22.0 - speed);
            assert!(gap > 5.0);
        }
        // IDM: s_e = (s0 + vT) / sqrt(1 - (v/v0)^4).
        let expected = (2.0 + 22.0 * 1.4) / (1.0 - (22.0_f64 / 30.0).powi(4)).sqrt();
        assert!((speed - 22.0).abs() < 0.01, "{speed}");
        assert!((gap - expected).abs() < 1.5, "{gap} is not {expected}");
    }

    #[test]
    fn a_cut_in_at_equal_speed_is_not_a_panic() {
        let leader = Leader { gap_m: 10.0, speed_mps: 28.0, accel_mps2: 0.0 };
        let answer = DRIVER.acceleration_mps2(28.0, Some(leader));
        assert!((-3.0..-0.5).contains(&answer), "{answer}");
    }

    #[test]
    fn required_deceleration_is_kinematics() {
        let standing = Leader { gap_m: 52.0, speed_mps: 0.0, accel_mps2: 0.0 };
        assert!((required_deceleration_mps2(20.0, standing) - 4.0).abs() < 1e-9);
        let slower_but_opening = Leader { gap_m: 52.0, speed_mps: 25.0, accel_mps2: 0.0 };
        assert_eq!(required_deceleration_mps2(20.0, slower_but_opening), 0.0);
    }
}
