//! The declared workflow (`pipelines/mining.toml`): which situations are looked for, and their limits.

use std::collections::BTreeSet;

use serde::Deserialize;

/// A parsed workflow.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Version of the file's layout, 1.
    pub format: u32,
    /// How roads are made.
    pub road: RoadSettings,
    /// What is looked for, in order.
    #[serde(rename = "situation", default)]
    pub situations: Vec<Situation>,
}

/// How roads are made from driven paths.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoadSettings {
    /// Lane width where none was recorded and the ego vehicle reached `fast_from_mps`, m.
    pub lane_width_fast_m: f64,
    /// Lane width where none was recorded and it did not, m.
    pub lane_width_slow_m: f64,
    /// Border between the two, m/s.
    pub fast_from_mps: f64,
    /// Furthest a point of the lane's middle may lie from the fitted line, m.
    pub max_fit_deviation_m: f64,
    /// Road behind the start, m.
    pub lead_in_m: f64,
    /// Road beyond the furthest place anyone reaches, m.
    pub run_out_m: f64,
}

/// One situation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Situation {
    /// Name, unique in the workflow; the beginning of its scenarios' ids.
    pub name: String,
    /// One sentence for the scenario's header.
    pub description: String,
    /// SQL over the catalog's tables that says where to look ([`crate::CANDIDATE_COLUMNS`]).
    pub candidates: String,
    /// At most this many scenarios of this situation from one clip; the most critical are kept.
    pub max_per_clip: usize,
    /// What is looked for and when it counts.
    #[serde(flatten)]
    pub kind: SituationKind,
}

/// What is looked for and when it counts.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(tag = "kind", content = "thresholds", rename_all = "kebab-case")]
pub enum SituationKind {
    /// A vehicle from a neighbouring lane moves in ahead.
    CutIn(CutInThresholds),
    /// One lead vehicle is followed.
    CarFollowing(CarFollowingThresholds),
}

/// When a cut-in counts.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutInThresholds {
    /// Least own speed at the intrusion, m/s.
    pub min_ego_speed_mps: f64,
    /// Kept before the lane change starts, s.
    pub before_s: f64,
    /// Kept after the intrusion, s.
    pub after_s: f64,
    /// How far the target's near side is over the marking at the intrusion, m.
    pub intrusion_m: f64,
    /// Largest gap at the intrusion, m.
    pub max_gap_m: f64,
    /// Least peak lateral speed, m/s.
    pub min_lateral_speed_mps: f64,
    /// Largest peak lateral speed, m/s.
    pub max_lateral_speed_mps: f64,
    /// How long the target stays in the lane, s.
    pub min_hold_s: f64,
}

/// When car following counts.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarFollowingThresholds {
    /// Least own speed throughout, m/s.
    pub min_ego_speed_mps: f64,
    /// Shortest episode, s.
    pub min_duration_s: f64,
    /// Longer episodes are cut to their first part of this length, s.
    pub max_duration_s: f64,
    /// Largest time gap throughout, s.
    pub max_time_gap_s: f64,
}

/// A workflow that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// Not TOML, or not of this layout.
    #[error("{file}: {message}")]
    Syntax {
        /// The name given to [`Workflow::parse`].
        file: String,
        /// Line, what was expected and what was found.
        message: String,
    },
    /// A value out of its range.
    #[error("{file}: {key} is {found}: expected {expected}")]
    Value {
        /// The name given to [`Workflow::parse`].
        file: String,
        /// Which value.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
}

impl Workflow {
    /// Parses and checks a workflow; `file` is only for messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, WorkflowError> {
        let workflow: Self = toml::from_str(text).map_err(|e| WorkflowError::Syntax {
            file: file.to_owned(),
            message: e.to_string().trim_end().to_owned(),
        })?;
        workflow.check().map_err(|(key, expected, found)| WorkflowError::Value {
            file: file.to_owned(),
            key,
            expected,
            found,
        })?;
        Ok(workflow)
    }

    fn check(&self) -> Result<(), Problem> {
        if self.format != 1 {
            return Err(("format".into(), "1, the only layout there is", self.format.to_string()));
        }
        let road = &self.road;
        for (name, value) in
            [("lane_width_fast_m", road.lane_width_fast_m), ("lane_width_slow_m", road.lane_width_slow_m)]
        {
            if !(2.0..=6.0).contains(&value) {
                return Err((format!("road.{name}"), "a lane width from 2 to 6 m", value.to_string()));
            }
        }
        positive("road", "fast_from_mps", road.fast_from_mps)?;
        positive("road", "max_fit_deviation_m", road.max_fit_deviation_m)?;
        positive("road", "lead_in_m", road.lead_in_m)?;
        positive("road", "run_out_m", road.run_out_m)?;
        if self.situations.is_empty() {
            return Err(("situation".into(), "at least one [[situation]]", "none".into()));
        }
        let mut names = BTreeSet::new();
        for situation in &self.situations {
            situation.check()?;
            if !names.insert(&situation.name) {
                return Err(("situation.name".into(), "a name no other situation has", situation.name.clone()));
            }
        }
        Ok(())
    }
}

type Problem = (String, &'static str, String);

impl Situation {
    fn check(&self) -> Result<(), Problem> {
        let name = &self.name;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 40 || !name.chars().all(is_plain) {
            return Err(("situation.name".into(), "1 to 40 of a-z, 0-9 and '-'", format!("{name:?}")));
        }
        if self.candidates.trim().is_empty() {
            return Err((format!("{name}.candidates"), "a SQL query", "empty".into()));
        }
        if !(1..=1000).contains(&self.max_per_clip) {
            return Err((format!("{name}.max_per_clip"), "1 to 1000", self.max_per_clip.to_string()));
        }
        match &self.kind {
            SituationKind::CutIn(t) => {
                for (key, value) in [
                    ("min_ego_speed_mps", t.min_ego_speed_mps),
                    ("before_s", t.before_s),
                    ("after_s", t.after_s),
                    ("max_gap_m", t.max_gap_m),
                    ("min_lateral_speed_mps", t.min_lateral_speed_mps),
                    ("max_lateral_speed_mps", t.max_lateral_speed_mps),
                    ("min_hold_s", t.min_hold_s),
                ] {
                    positive(name, key, value)?;
                }
                if !(0.0..=1.5).contains(&t.intrusion_m) {
                    return Err((format!("{name}.intrusion_m"), "0 to 1.5 m", t.intrusion_m.to_string()));
                }
                ordered(name, "max_lateral_speed_mps", t.min_lateral_speed_mps, t.max_lateral_speed_mps)
            }
            SituationKind::CarFollowing(t) => {
                positive(name, "min_ego_speed_mps", t.min_ego_speed_mps)?;
                positive(name, "min_duration_s", t.min_duration_s)?;
                positive(name, "max_duration_s", t.max_duration_s)?;
                positive(name, "max_time_gap_s", t.max_time_gap_s)?;
                ordered(name, "max_duration_s", t.min_duration_s, t.max_duration_s)
            }
        }
    }
}

fn positive(place: &str, key: &str, value: f64) -> Result<(), Problem> {
    let good = value.is_finite() && value > 0.0;
    if good { Ok(()) } else { Err((format!("{place}.{key}"), "a finite number above 0", value.to_string())) }
}

fn ordered(place: &str, key: &str, low: f64, high: f64) -> Result<(), Problem> {
    if low <= high { Ok(()) } else { Err((format!("{place}.{key}"), "not below its minimum", high.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = include_str!("../../../pipelines/mining.toml");

    #[test]
    fn the_shipped_workflow_is_valid() {
        let workflow = Workflow::parse(OURS, "pipelines/mining.toml").unwrap();
        let names: Vec<&str> = workflow.situations.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["cut-in", "car-following"]);
        assert!(matches!(workflow.situations[0].kind, SituationKind::CutIn(_)));
        assert!(matches!(workflow.situations[1].kind, SituationKind::CarFollowing(_)));
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("min_hold_s = 1.0", "min_hold = 1.0", "min_hold"),
            ("max_gap_m = 120.0", "max_gap_m = -3.0", "cut-in.max_gap_m is -3"),
            ("max_gap_m = 120.0", "max_gap_m = \"far\"", "far"),
            ("max_gap_m = 120.0", "", "max_gap_m"),
            ("kind = \"cut-in\"", "kind = \"cut-out\"", "cut-out"),
            ("format = 1", "format = 2", "format is 2"),
            ("lane_width_fast_m = 3.75", "lane_width_fast_m = 375.0", "road.lane_width_fast_m is 375"),
            ("max_duration_s = 30.0", "max_duration_s = 3.0", "car-following.max_duration_s is 3"),
            ("name = \"car-following\"", "name = \"cut-in\"", "no other situation"),
            ("max_per_clip = 3", "max_per_clip = 0", "cut-in.max_per_clip is 0"),
            ("[road]", "[road", "line"),
        ];
        for (right, wrong, expected) in cases {
            let text = OURS.replacen(right, wrong, 1);
            assert_ne!(text, OURS, "{right} is not in the file");
            let message = Workflow::parse(&text, "m.toml").unwrap_err().to_string();
            assert!(message.starts_with("m.toml: ") && message.contains(expected), "{wrong}: {message}");
        }
    }
}
