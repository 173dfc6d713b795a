//! From measures to a verdict.

use std::fmt;

use cloverleaf_road::Network;
use cloverleaf_vocabulary::ActorTrace;
use serde::{Deserialize, Serialize};

use crate::collision::{Contact, first_contact};
use crate::criteria::{Criteria, HARD_BRAKING_MPS2};
use crate::timeline::{Sample, measure};
use crate::track::Track;

/// What is judged: road users over time, which of them is the subject, and the road if one is known.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// All road users, names unique.
    pub traces: &'a [ActorTrace],
    /// Name of the subject, usually the system under test.
    pub subject: &'a str,
    /// The road they are on. Without it the subject's path is the arc of its present yaw rate.
    pub road: Option<&'a Network>,
}

/// Why a scene cannot be judged at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JudgementError {
    /// No trace has the subject's name.
    #[error("no trace is named {subject:?}; the scene has {present}")]
    NoSubject {
        /// The name asked for.
        subject: String,
        /// The names there are.
        present: String,
    },
    /// Fewer than two usable states.
    #[error(
        "{subject:?} has {usable} usable states ({quarantined} set aside as not finite or out of order); at least 2 are needed"
    )]
    TooShort {
        /// The subject.
        subject: String,
        /// States that can be used.
        usable: usize,
        /// States that cannot.
        quarantined: usize,
    },
}

/// A criterion, by the name it has in suites, reports and baselines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// [`Criteria::no_collision`].
    Collision,
    /// [`Criteria::min_ttc_s`].
    TimeToCollision,
    /// [`Criteria::min_thw_s`].
    TimeHeadway,
    /// [`Criteria::max_deceleration_mps2`].
    Deceleration,
    /// [`Criteria::max_required_deceleration_mps2`].
    RequiredDeceleration,
    /// [`Criteria::max_jerk_mps3`].
    Jerk,
    /// [`Criteria::max_lateral_accel_mps2`].
    LateralAcceleration,
    /// [`Criteria::stay_on_road`].
    OffRoad,
    /// [`Criteria::max_hard_brakings`].
    HardBraking,
    /// The driver under test misbehaved as a program: it gave a command that is not a number.
    DriverFault,
}

/// One criterion that was not satisfied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which.
    pub criterion: Criterion,
    /// The worst value measured, in [`Self::unit`].
    pub measured: f64,
    /// What was allowed, in [`Self::unit`].
    pub limit: f64,
    /// Unit of both.
    pub unit: String,
    /// When the worst value occurred, s.
    pub at_s: f64,
    /// Who was involved, the subject first.
    pub actors: Vec<String>,
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Collision => "collision",
            Self::TimeToCollision => "time to collision",
            Self::TimeHeadway => "time headway",
            Self::Deceleration => "deceleration",
            Self::RequiredDeceleration => "required deceleration",
            Self::Jerk => "jerk",
            Self::LateralAcceleration => "lateral acceleration",
            Self::OffRoad => "off the road",
            Self::HardBraking => "hard braking",
            Self::DriverFault => "driver fault",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { criterion, measured, limit, unit, at_s, actors } = self;
        write!(f, "{criterion} at {at_s:.2} s: {measured:.2} {unit}, limit {limit:.2} {unit}")?;
        match actors.get(1) {
            Some(other) => write!(f, ", with {other}"),
            None => Ok(()),
        }
    }
}

/// An extreme value, when it occurred, and towards whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extreme {
    /// The value, in the unit of the field that holds it.
    pub value: f64,
    /// When, s.
    pub at_s: f64,
    /// The leader at that time, for measures that have one.
    pub other: Option<String>,
}

/// The run in a few numbers; these are compared with a baseline.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// From the subject's first to its last state, s.
    pub duration_s: f64,
    /// Way the subject drove, m.
    pub distance_m: f64,
    /// First contact with each road user touched, by time.
    pub collisions: Vec<Contact>,
    /// Least clearance to a leader, m.
    pub min_gap_m: Option<Extreme>,
    /// Least time to collision, s.
    pub min_ttc_s: Option<Extreme>,
    /// Least time gap, s.
    pub min_thw_s: Option<Extreme>,
    /// Largest deceleration rate to avoid a crash, m/s2.
    pub max_drac_mps2: Option<Extreme>,
    /// Largest required deceleration, m/s2.
    pub max_required_decel_mps2: Option<Extreme>,
    /// Strongest deceleration, m/s2, positive when braking.
    pub max_decel_mps2: Option<Extreme>,
    /// Largest jerk of either sign, m/s3.
    pub max_jerk_mps3: Option<Extreme>,
    /// Largest lateral acceleration of either sign, m/s2.
    pub max_lateral_accel_mps2: Option<Extreme>,
    /// How often the subject braked with [`HARD_BRAKING_MPS2`] or more.
    pub hard_brakings: u32,
    /// How long the subject's body was not wholly on the road, s; `None` when no road is known.
    pub off_road_s: Option<f64>,
}

/// The outcome of judging one scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// True when there is no finding.
    pub passed: bool,
    /// What was not satisfied, by time.
    pub findings: Vec<Finding>,
    /// The extremes.
    pub summary: Summary,
    /// Measures over time, one row for each usable state of the subject.
    pub timeline: Vec<Sample>,
    /// States of all traces that were set aside because they were not finite or not in order.
    pub quarantined: usize,
}

impl Verdict {
    /// Adds something that a criterion over traces cannot see, for example a driver's fault. The run has then failed.
    pub fn add(&mut self, finding: Finding) {
        self.passed = false;
        self.findings.push(finding);
        self.findings.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then(a.criterion.cmp(&b.criterion)));
    }
}

/// Measures `scene` and holds it against `criteria`. Recorded and simulated scenes are judged alike.
pub fn judge(scene: &Scene<'_>, criteria: &Criteria) -> Result<Verdict, JudgementError> {
    let tracks: Vec<Track<'_>> = scene.traces.iter().map(Track::new).collect();
    let Some(subject) = tracks.iter().position(|track| track.name == scene.subject) else {
        let present = tracks.iter().map(|track| track.name).collect::<Vec<_>>().join(", ");
        return Err(JudgementError::NoSubject { subject: scene.subject.to_owned(), present });
    };
    let (usable, quarantined) = (tracks[subject].states().len(), tracks[subject].quarantined());
    if usable < 2 {
        return Err(JudgementError::TooShort { subject: scene.subject.to_owned(), usable, quarantined });
    }
    let timeline = measure(&tracks, subject, scene.road);
    let summary = summarise(&tracks, subject, &timeline);
    let mut verdict = Verdict {
        passed: true,
        findings: Vec::new(),
        summary,
        timeline,
        quarantined: tracks.iter().map(Track::quarantined).sum(),
    };
    for finding in findings(scene.subject, &tracks, &verdict.summary, &verdict.timeline, criteria) {
        verdict.add(finding);
    }
    Ok(verdict)
}

fn summarise(tracks: &[Track<'_>], subject: usize, timeline: &[Sample]) -> Summary {
    let ego = &tracks[subject];
    let mut collisions: Vec<Contact> = tracks
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != subject)
        .filter_map(|(_, other)| first_contact(ego, other))
        .collect();
    collisions.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    let states = ego.states();
    let extreme = |measure: fn(&Sample) -> Option<f64>, sign: f64| {
        let (sample, value) = timeline
            .iter()
            .filter_map(|sample| Some((sample, measure(sample)?)))
            .max_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)))?;
        let other = sample.leader.and_then(|index| tracks.get(index)).map(|track| track.name.to_owned());
        Some(Extreme { value, at_s: sample.t_s, other })
    };
    let own = |measure: fn(&Sample) -> Option<f64>| extreme(measure, 1.0).map(|e| Extreme { other: None, ..e });
    Summary {
        duration_s: states.last().map_or(0.0, |s| s.t_s) - states.first().map_or(0.0, |s| s.t_s),
        distance_m: states.windows(2).map(|w| (w[1].x_m - w[0].x_m).hypot(w[1].y_m - w[0].y_m)).sum(),
        collisions,
        min_gap_m: extreme(|s| s.gap_m, -1.0),
        min_ttc_s: extreme(|s| s.ttc_s, -1.0),
        min_thw_s: extreme(|s| s.thw_s, -1.0),
        max_drac_mps2: extreme(|s| s.drac_mps2, 1.0),
        max_required_decel_mps2: extreme(|s| s.required_decel_mps2, 1.0),
        max_decel_mps2: own(|s| s.accel_mps2.map(|a| (-a).max(0.0))),
        max_jerk_mps3: own(|s| s.jerk_mps3.map(f64::abs)),
        max_lateral_accel_mps2: own(|s| s.lateral_accel_mps2.map(f64::abs)),
        hard_brakings: hard_brakings(timeline),
        off_road_s: timeline
            .iter()
            .any(|s| s.on_road.is_some())
            .then(|| timeline.windows(2).filter(|w| w[1].on_road == Some(false)).map(|w| w[1].t_s - w[0].t_s).sum()),
    }
}

/// Counts stretches of hard braking; a new one begins only after the deceleration fell below half the threshold.
fn hard_brakings(timeline: &[Sample]) -> u32 {
    let (mut count, mut braking) = (0, false);
    for accel_mps2 in timeline.iter().filter_map(|sample| sample.accel_mps2) {
        if !braking && accel_mps2 <= -HARD_BRAKING_MPS2 {
            count += 1;
            braking = true;
        } else if accel_mps2 > -0.5 * HARD_BRAKING_MPS2 {
            braking = false;
        }
    }
    count
}

fn findings(
    subject: &str,
    tracks: &[Track<'_>],
    summary: &Summary,
    timeline: &[Sample],
    criteria: &Criteria,
) -> Vec<Finding> {
    let finding = |criterion, measured, limit, unit: &str, at_s, other: Option<&str>| Finding {
        criterion,
        measured,
        limit,
        unit: unit.to_owned(),
        at_s,
        actors: std::iter::once(subject).chain(other).map(str::to_owned).collect(),
    };
    let mut found = Vec::new();
    if criteria.no_collision {
        found.extend(summary.collisions.iter().map(|contact| {
            finding(Criterion::Collision, contact.relative_speed_mps, 0.0, "m/s", contact.at_s, Some(&contact.other))
        }));
    }
    let mut least = |criterion, extreme: &Option<Extreme>, limit: Option<f64>, unit| {
        if let (Some(extreme), Some(limit)) = (extreme, limit)
            && extreme.value < limit
        {
            found.push(finding(criterion, extreme.value, limit, unit, extreme.at_s, extreme.other.as_deref()));
        }
    };
    least(Criterion::TimeToCollision, &summary.min_ttc_s, criteria.min_ttc_s, "s");
    if let Some(limit_s) = criteria.min_thw_s {
        let worst = worst_sustained_headway(timeline, limit_s, criteria.thw_sustained_s);
        found.extend(worst.map(|(measured, at_s, leader)| {
            let other = tracks.get(leader).map(|track| track.name);
            finding(Criterion::TimeHeadway, measured, limit_s, "s", at_s, other)
        }));
    }
    let mut most = |criterion, extreme: &Option<Extreme>, limit: Option<f64>, unit| {
        if let (Some(extreme), Some(limit)) = (extreme, limit)
            && extreme.value > limit
        {
            found.push(finding(criterion, extreme.value, limit, unit, extreme.at_s, extreme.other.as_deref()));
        }
    };
    most(Criterion::Deceleration, &summary.max_decel_mps2, criteria.max_deceleration_mps2, "m/s2");
    most(
        Criterion::RequiredDeceleration,
        &summary.max_required_decel_mps2,
        criteria.max_required_deceleration_mps2,
        "m/s2",
    );
    most(Criterion::Jerk, &summary.max_jerk_mps3, criteria.max_jerk_mps3, "m/s3");
    most(Criterion::LateralAcceleration, &summary.max_lateral_accel_mps2, criteria.max_lateral_accel_mps2, "m/s2");
    if criteria.stay_on_road
        && let Some(off) = timeline.iter().find(|sample| sample.on_road == Some(false))
    {
        found.push(finding(Criterion::OffRoad, summary.off_road_s.unwrap_or(0.0), 0.0, "s", off.t_s, None));
    }
    if let Some(limit) = criteria.max_hard_brakings
        && summary.hard_brakings > limit
    {
        let at_s = summary.max_decel_mps2.as_ref().map_or(0.0, |extreme| extreme.at_s);
        found.push(finding(
            Criterion::HardBraking,
            f64::from(summary.hard_brakings),
            f64::from(limit),
            "events",
            at_s,
            None,
        ));
    }
    found
}

/// The least time gap among stretches below `limit_s` that lasted longer than `sustained_s`: (value, when, leader).
fn worst_sustained_headway(timeline: &[Sample], limit_s: f64, sustained_s: f64) -> Option<(f64, f64, usize)> {
    let mut worst: Option<(f64, f64, usize)> = None;
    let mut run: Option<(f64, (f64, f64, usize))> = None;
    for sample in timeline {
        run = match (sample.thw_s, sample.leader) {
            (Some(thw_s), Some(leader)) if thw_s < limit_s => {
                let here = (thw_s, sample.t_s, leader);
                let (from_s, least) = run.unwrap_or((sample.t_s, here));
                let least = if thw_s < least.0 { here } else { least };
                if sample.t_s - from_s > sustained_s && worst.is_none_or(|w| least.0 < w.0) {
                    worst = Some(least);
                }
                Some((from_s, least))
            }
            _ => None,
        };
    }
    worst
}
