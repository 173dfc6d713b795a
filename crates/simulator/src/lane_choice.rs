//! Whether to change lane: MOBIL.

use serde::{Deserialize, Serialize};

/// Parameters of MOBIL, "minimizing overall braking induced by lane changes" (Kesting, Treiber and Helbing 2007, "General
/// lane-changing model MOBIL for car-following models", sections 2 and 4).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mobil {
    /// Weight p of other drivers' accelerations: 0 is selfish, 1 is altruistic.
    pub politeness: f64,
    /// Advantage a change must bring, m/s2.
    pub threshold_mps2: f64,
    /// Hardest braking the new follower may be put to, m/s2, positive.
    pub safe_decel_mps2: f64,
    /// Bias towards the keep-lane rule's side (right in right-hand traffic), m/s2.
    pub keep_lane_bias_mps2: f64,
}

impl Default for Mobil {
    /// Table 1 and section 4.3 of the paper.
    fn default() -> Self {
        Self { politeness: 0.2, threshold_mps2: 0.1, safe_decel_mps2: 4.0, keep_lane_bias_mps2: 0.3 }
    }
}

/// Accelerations before and after a contemplated change, m/s2. A missing follower has 0 in both.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prospect {
    /// Of the changing driver.
    pub own: [f64; 2],
    /// Of the driver who would be behind in the new lane.
    pub new_follower: [f64; 2],
    /// Of the driver who is behind now.
    pub old_follower: [f64; 2],
}

impl Mobil {
    /// The advantage above the threshold, m/s2, when the change is safe and worth it. `towards_keep_lane` says that the
    /// change goes to the side on which the rules want slow traffic.
    pub fn advantage_mps2(&self, prospect: &Prospect, towards_keep_lane: bool) -> Option<f64> {
        if prospect.new_follower[1] < -self.safe_decel_mps2 || prospect.own[1] < -self.safe_decel_mps2 {
            return None;
        }
        let gain = |[before, after]: [f64; 2]| after - before;
        let bias = if towards_keep_lane { self.keep_lane_bias_mps2 } else { -self.keep_lane_bias_mps2 };
        let advantage =
            gain(prospect.own) + self.politeness * (gain(prospect.new_follower) + gain(prospect.old_follower)) + bias
                - self.threshold_mps2;
        (advantage > 0.0).then_some(advantage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safety_comes_before_advantage() {
        let mobil = Mobil::default();
        let cutting_up = Prospect { own: [-2.0, 1.0], new_follower: [0.0, -4.1], old_follower: [0.0, 0.0] };
        assert_eq!(mobil.advantage_mps2(&cutting_up, false), None);
        let harmless = Prospect { new_follower: [0.0, -0.5], ..cutting_up };
        assert!(mobil.advantage_mps2(&harmless, false).unwrap() > 2.0);
    }

    #[test]
    fn empty_roads_lead_back_to_the_right() {
        let mobil = Mobil::default();
        assert!(mobil.advantage_mps2(&Prospect::default(), true).is_some());
        assert!(mobil.advantage_mps2(&Prospect::default(), false).is_none());
    }
}
