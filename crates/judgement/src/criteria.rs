//! What a run must satisfy.

use serde::{Deserialize, Serialize};

/// Pass criteria. `None` switches a limit off. [`Criteria::default`] holds what a motorway pilot must satisfy wherever it
/// is possible at all; a suite overrides single limits with [`CriteriaOverrides`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Criteria {
    /// The subject touches nobody. UN R157, 5.2.1: the system "shall not cause any collisions that are reasonably foreseeable
    /// and preventable".
    pub no_collision: bool,
    /// Least time to collision, s. Default 1.0. Van der Horst and Hogema 1993, "Time-to-collision and collision avoidance
    /// systems", call conflicts below 1.5 s serious; but who stops behind a braking leader with deceleration a and comes to
    /// stand g short of it passes a TTC of sqrt(2 g / a) by arithmetic, which is 1 s for 2 m at 4 m/s2 and no failure.
    pub min_ttc_s: Option<f64>,
    /// Least time gap to the leader, s, not fallen below for longer than [`Self::thw_sustained_s`]. Default 0.9: half of
    /// the 1.8 s rule, below which German law (BKatV, table 2) starts to fine.
    pub min_thw_s: Option<f64>,
    /// How long the time gap may stay below its limit, s. Default 3: a cut-in takes the gap away faster than anyone can
    /// give it back (the same law's case history asks for about 3 s before it speaks of tailgating).
    pub thw_sustained_s: f64,
    /// Strongest mean deceleration over 0.5 s, m/s2. Default 7.6: 0.774 g, what the competent and careful human driver of
    /// UN R157, Annex 4, Appendix 3, brakes with at most.
    pub max_deceleration_mps2: Option<f64>,
    /// Largest required deceleration, m/s2. Default off; 6.0 is the value UN R157, 5.2.5.2, builds its cut-in case on.
    pub max_required_deceleration_mps2: Option<f64>,
    /// Largest mean jerk over 1 s, either sign, m/s3. Default off; 5.0 is ISO 15622:2018, 6.3.3.2, at low speed.
    pub max_jerk_mps3: Option<f64>,
    /// Largest lateral acceleration, m/s2. Default 3.0: UN R79, 5.6.2.1.1 (ACSF category B1, M1 vehicles).
    pub max_lateral_accel_mps2: Option<f64>,
    /// The subject's body stays on the road, where a road is known.
    pub stay_on_road: bool,
    /// How many hard braking events ([`HARD_BRAKING_MPS2`] or stronger) are allowed. Default off.
    pub max_hard_brakings: Option<u32>,
}

/// From here on a deceleration counts as hard braking, m/s2: the demand above which UN R157, 2.9 (01 series), speaks of an
/// emergency manoeuvre.
pub const HARD_BRAKING_MPS2: f64 = 5.0;

impl Default for Criteria {
    fn default() -> Self {
        Self {
            no_collision: true,
            min_ttc_s: Some(1.0),
            min_thw_s: Some(0.9),
            thw_sustained_s: 3.0,
            max_deceleration_mps2: Some(7.6),
            max_required_deceleration_mps2: None,
            max_jerk_mps3: None,
            max_lateral_accel_mps2: Some(3.0),
            stay_on_road: true,
            max_hard_brakings: None,
        }
    }
}

/// A limit as a suite file writes it: a number, or `false` for "off".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Limit {
    /// The limit.
    Value(f64),
    /// `false` switches the criterion off; `true` keeps it as it is.
    Switch(bool),
}

/// Changes to single criteria, with the same names. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "each field is documented at Criteria under the same name")]
pub struct CriteriaOverrides {
    pub no_collision: Option<bool>,
    pub min_ttc_s: Option<Limit>,
    pub min_thw_s: Option<Limit>,
    pub thw_sustained_s: Option<f64>,
    pub max_deceleration_mps2: Option<Limit>,
    pub max_required_deceleration_mps2: Option<Limit>,
    pub max_jerk_mps3: Option<Limit>,
    pub max_lateral_accel_mps2: Option<Limit>,
    pub stay_on_road: Option<bool>,
    pub max_hard_brakings: Option<u32>,
}

/// A criterion that cannot be meant.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("criterion {name} is {value}: expected a finite number that is not negative, or false to switch it off")]
pub struct CriteriaError {
    name: &'static str,
    value: f64,
}

impl Criteria {
    /// These criteria with `overrides` applied.
    pub fn with(mut self, overrides: &CriteriaOverrides) -> Result<Self, CriteriaError> {
        let limits = [
            ("min_ttc_s", &mut self.min_ttc_s, overrides.min_ttc_s),
            ("min_thw_s", &mut self.min_thw_s, overrides.min_thw_s),
            ("max_deceleration_mps2", &mut self.max_deceleration_mps2, overrides.max_deceleration_mps2),
            (
                "max_required_deceleration_mps2",
                &mut self.max_required_deceleration_mps2,
                overrides.max_required_deceleration_mps2,
            ),
            ("max_jerk_mps3", &mut self.max_jerk_mps3, overrides.max_jerk_mps3),
            ("max_lateral_accel_mps2", &mut self.max_lateral_accel_mps2, overrides.max_lateral_accel_mps2),
        ];
        for (name, slot, limit) in limits {
            match limit {
                Some(Limit::Value(value)) => *slot = Some(checked(name, value)?),
                Some(Limit::Switch(false)) => *slot = None,
                Some(Limit::Switch(true)) | None => {}
            }
        }
        if let Some(value) = overrides.thw_sustained_s {
            self.thw_sustained_s = checked("thw_sustained_s", value)?;
        }
        self.no_collision = overrides.no_collision.unwrap_or(self.no_collision);
        self.stay_on_road = overrides.stay_on_road.unwrap_or(self.stay_on_road);
        self.max_hard_brakings = overrides.max_hard_brakings.or(self.max_hard_brakings);
        Ok(self)
    }
}

fn checked(name: &'static str, value: f64) -> Result<f64, CriteriaError> {
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(CriteriaError { name, value }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_change_only_what_they_name() {
        let overrides = CriteriaOverrides {
            min_ttc_s: Some(Limit::Switch(false)),
            min_thw_s: Some(Limit::Value(0.5)),
            no_collision: Some(false),
            ..Default::default()
        };
        let criteria = Criteria::default().with(&overrides).unwrap();
        let expected = Criteria { min_ttc_s: None, min_thw_s: Some(0.5), no_collision: false, ..Criteria::default() };
        assert_eq!(criteria, expected);
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for value in [f64::NAN, -1.0, f64::INFINITY] {
            let overrides = CriteriaOverrides { max_jerk_mps3: Some(Limit::Value(value)), ..Default::default() };
            let error = Criteria::default().with(&overrides).unwrap_err().to_string();
            assert!(error.contains("max_jerk_mps3"), "{error}");
        }
    }
}
