//! What was last accepted, and what is worse than that.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use cloverleaf_judgement::{Extreme, Summary};
use serde::{Deserialize, Serialize};

use crate::result::{CaseResult, SuiteReport};
use crate::suite::{Suite, SuiteError, Tolerance};

/// A baseline file (JSON).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Baseline {
    /// Version of the format, 1.
    pub format: u32,
    /// Suite's name.
    pub suite: String,
    /// What was accepted, by case id.
    pub cases: BTreeMap<String, BaselineCase>,
}

/// What was accepted for one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineCase {
    /// Verdict.
    pub passed: bool,
    /// Hash over all states; equal digests are equal runs.
    pub digest: String,
    /// Metrics that had a value.
    pub metrics: BTreeMap<Metric, f64>,
}

/// A metric that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented at the judgement's Summary under the same name")]
pub enum Metric {
    Collisions,
    HardBrakings,
    MinGapM,
    MinTtcS,
    MinThwS,
    MaxDecelMps2,
    MaxRequiredDecelMps2,
    MaxJerkMps3,
    MaxLateralAccelMps2,
}

/// A difference between a case and its baseline.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The baseline does not know the case.
    New,
    /// Passed then, fails now.
    NowFails,
    /// Failed then, passes now.
    NowPasses,
    /// A metric is worse by more than the tolerance. `None` means it had, or has, no value.
    Worse(Metric, Option<f64>, Option<f64>),
    /// A metric is better by more than the tolerance.
    Better(Metric, Option<f64>, Option<f64>),
    /// The states differ, whatever the metrics say.
    Moved,
}

/// A report held against a baseline.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison {
    /// Whether there was a baseline.
    pub has_baseline: bool,
    /// Differences by case; a case without any is absent.
    pub cases: BTreeMap<String, Vec<Change>>,
    /// Cases the baseline knows and the report does not have.
    pub missing: Vec<String>,
}

impl Change {
    /// Whether it is for the worse.
    pub fn is_regression(&self) -> bool {
        matches!(self, Self::NowFails | Self::Worse(..))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Collisions => "collisions",
            Self::HardBrakings => "hard brakings",
            Self::MinGapM => "least gap (m)",
            Self::MinTtcS => "least TTC (s)",
            Self::MinThwS => "least time headway (s)",
            Self::MaxDecelMps2 => "strongest deceleration (m/s2)",
            Self::MaxRequiredDecelMps2 => "largest required deceleration (m/s2)",
            Self::MaxJerkMps3 => "largest jerk (m/s3)",
            Self::MaxLateralAccelMps2 => "largest lateral acceleration (m/s2)",
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<f64>| value.map_or_else(|| "none".to_owned(), |value| format!("{value:.2}"));
        match self {
            Self::New => f.write_str("not in the baseline"),
            Self::NowFails => f.write_str("passed in the baseline and fails now"),
            Self::NowPasses => f.write_str("failed in the baseline and passes now"),
            Self::Worse(metric, then, now) => write!(f, "{metric}: worse, {} was {}", value(now), value(then)),
            Self::Better(metric, then, now) => write!(f, "{metric}: better, {} was {}", value(now), value(then)),
            Self::Moved => f.write_str("the run is not bit for bit the baseline's"),
        }
    }
}

const FORMAT: u32 = 1;

impl Baseline {
    /// What a report would have the next one compared with. Cases without a verdict are left out.
    pub fn of(report: &SuiteReport) -> Self {
        let cases = report.cases.iter().filter_map(|case| Some((case.id.clone(), accepted(case)?))).collect();
        Self { format: FORMAT, suite: report.name.clone(), cases }
    }

    /// Reads the suite's baseline; `None` when it names none or the file does not exist yet.
    pub fn load(suite: &Suite) -> Result<Option<Self>, SuiteError> {
        let Some(path) = suite.baseline_path() else { return Ok(None) };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SuiteError::Io { path, source }),
        };
        let refuse = |message: String| SuiteError::Baseline { path: path.clone(), message };
        let baseline: Self = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        if baseline.format != FORMAT {
            return Err(refuse(format!("its format is {}; expected {FORMAT}", baseline.format)));
        }
        Ok(Some(baseline))
    }

    /// Writes it, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), SuiteError> {
        let io = |source| SuiteError::Io { path: path.to_owned(), source };
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|error| SuiteError::Report { format: "baseline", message: error.to_string() })?;
        text.push('\n');
        let partial = path.with_extension("json.partial");
        std::fs::write(&partial, text).map_err(io)?;
        std::fs::rename(&partial, path).map_err(io)
    }

    /// Holds results against this baseline.
    pub fn compare(&self, cases: &[CaseResult], tolerance: &Tolerance) -> Comparison {
        let mut comparison = Comparison { has_baseline: true, ..Comparison::default() };
        for case in cases {
            let changes = match (self.cases.get(&case.id), accepted(case)) {
                (_, None) => continue,
                (None, Some(_)) => vec![Change::New],
                (Some(then), Some(now)) => differences(then, &now, tolerance),
            };
            if !changes.is_empty() {
                comparison.cases.insert(case.id.clone(), changes);
            }
        }
        let present = |id: &String| cases.iter().any(|case| case.id == *id);
        comparison.missing = self.cases.keys().filter(|id| !present(id)).cloned().collect();
        comparison
    }
}

fn accepted(case: &CaseResult) -> Option<BaselineCase> {
    let outcome = case.outcome.as_ref().ok()?;
    Some(BaselineCase { passed: outcome.passed, digest: outcome.digest.clone(), metrics: metrics(&outcome.summary) })
}

fn metrics(summary: &Summary) -> BTreeMap<Metric, f64> {
    let extremes: [(Metric, &Option<Extreme>); 7] = [
        (Metric::MinGapM, &summary.min_gap_m),
        (Metric::MinTtcS, &summary.min_ttc_s),
        (Metric::MinThwS, &summary.min_thw_s),
        (Metric::MaxDecelMps2, &summary.max_decel_mps2),
        (Metric::MaxRequiredDecelMps2, &summary.max_required_decel_mps2),
        (Metric::MaxJerkMps3, &summary.max_jerk_mps3),
        (Metric::MaxLateralAccelMps2, &summary.max_lateral_accel_mps2),
    ];
    // Rounded: a baseline is read by people, and the digest tells exact equality.
    let rounded = |value: f64| (value * 1e4).round() / 1e4;
    extremes
        .into_iter()
        .filter_map(|(metric, extreme)| Some((metric, rounded(extreme.as_ref()?.value))))
        .chain([
            (Metric::Collisions, summary.collisions.len() as f64),
            (Metric::HardBrakings, f64::from(summary.hard_brakings)),
        ])
        .collect()
}

fn differences(then: &BaselineCase, now: &BaselineCase, tolerance: &Tolerance) -> Vec<Change> {
    let mut changes = Vec::new();
    match (then.passed, now.passed) {
        (true, false) => changes.push(Change::NowFails),
        (false, true) => changes.push(Change::NowPasses),
        _ => {}
    }
    let all = [
        (Metric::Collisions, false, 0.5),
        (Metric::HardBrakings, false, 0.5),
        (Metric::MinGapM, true, tolerance.min_gap_m),
        (Metric::MinTtcS, true, tolerance.min_ttc_s),
        (Metric::MinThwS, true, tolerance.min_thw_s),
        (Metric::MaxDecelMps2, false, tolerance.max_decel_mps2),
        (Metric::MaxRequiredDecelMps2, false, tolerance.max_required_decel_mps2),
        (Metric::MaxJerkMps3, false, tolerance.max_jerk_mps3),
        (Metric::MaxLateralAccelMps2, false, tolerance.max_lateral_accel_mps2),
    ];
    for (metric, more_is_better, tolerance) in all {
        let (before, after) = (then.metrics.get(&metric).copied(), now.metrics.get(&metric).copied());
        // No value means the situation did not arise: as good as it gets.
        let best = if more_is_better { FAR_AWAY } else { 0.0 };
        let gain = (after.unwrap_or(best) - before.unwrap_or(best)) * if more_is_better { 1.0 } else { -1.0 };
        // Large gaps and times say nothing about danger: beyond the horizon all are alike.
        let harmless =
            more_is_better && [before, after].iter().all(|value| value.unwrap_or(best) >= harmless_from(metric));
        if gain < -tolerance && !harmless {
            changes.push(Change::Worse(metric, before, after));
        } else if gain > tolerance && !harmless {
            changes.push(Change::Better(metric, before, after));
        }
    }
    if then.digest != now.digest {
        changes.push(Change::Moved);
    }
    changes
}

const FAR_AWAY: f64 = 1e9;

/// From here on a metric of which more is better says nothing any more: 100 m of gap; 10 s to a collision (four times the
/// warning time of van der Horst and Hogema 1993); 5 s behind the leader.
fn harmless_from(metric: Metric) -> f64 {
    match metric {
        Metric::MinGapM => 100.0,
        Metric::MinTtcS => 10.0,
        Metric::MinThwS => 5.0,
        _ => FAR_AWAY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(passed: bool, metrics: &[(Metric, f64)]) -> BaselineCase {
        BaselineCase { passed, digest: "a".into(), metrics: metrics.iter().copied().collect() }
    }

    #[test]
    fn worse_is_worse_in_the_direction_of_each_metric() {
        let tolerance = Tolerance::default();
        let changes = |then: &[(Metric, f64)], now: &[(Metric, f64)]| {
            differences(&case(true, then), &case(true, now), &tolerance)
        };
        let worse = |changes: Vec<Change>| changes.iter().filter(|change| change.is_regression()).count();
        assert_eq!(worse(changes(&[(Metric::MinTtcS, 3.0)], &[(Metric::MinTtcS, 2.0)])), 1);
        assert_eq!(worse(changes(&[(Metric::MinTtcS, 2.0)], &[(Metric::MinTtcS, 3.0)])), 0);
        assert_eq!(worse(changes(&[(Metric::MinTtcS, 3.0)], &[(Metric::MinTtcS, 2.9)])), 0);
        assert_eq!(worse(changes(&[(Metric::MinTtcS, 300.0)], &[(Metric::MinTtcS, 20.0)])), 0);
        assert_eq!(worse(changes(&[], &[(Metric::MinTtcS, 2.0)])), 1);
        assert_eq!(worse(changes(&[(Metric::MinTtcS, 2.0)], &[])), 0);
        assert_eq!(worse(changes(&[(Metric::MaxDecelMps2, 3.0)], &[(Metric::MaxDecelMps2, 4.0)])), 1);
        assert_eq!(worse(changes(&[(Metric::Collisions, 0.0)], &[(Metric::Collisions, 1.0)])), 1);
        assert_eq!(differences(&case(true, &[]), &case(false, &[]), &tolerance), [Change::NowFails]);
    }
}
