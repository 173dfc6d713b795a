//! Candidates in, scenarios out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cloverleaf_vocabulary::ScenarioId;

use crate::find::{Found, cut_ins, following};
use crate::rows::{Candidate, ClipInput};
use crate::scene::{ROAD_FILE, scene, utc_text};
use crate::situation::{Situation, SituationKind, Workflow};
use crate::tracks::ClipTracks;

/// Context around a candidate that is read for the road and the approach, s.
const BEFORE_S: f64 = 15.0;
const AFTER_S: f64 = 20.0;
/// Longer candidates are looked at in parts of about this length, s, so that work and memory grow with the part.
const PART_S: f64 = 60.0;
/// Findings of one situation nearer together than this, on a common track, are one, s.
const SAME_S: f64 = 1.5;

/// A mined scenario: two files, and what is known about them.
#[derive(Debug, Clone, PartialEq)]
pub struct MinedScenario {
    /// Id, the same for the same situation in the same clip; also the name of its folder.
    pub id: ScenarioId,
    /// Name of the [`Situation`].
    pub situation: String,
    /// Parameters by name with the unit at the end, as in UN R157 Annex 4 Appendix 3 and ISO 34502 where they have one:
    /// `Ve0_mps` ego speed, `Vo0_mps` target speed, `dx0_m` gap bumper to bumper, `dy0_m` free lateral distance, `Vy_mps`
    /// peak lateral speed of the target, `Gx_max_mps2` peak deceleration of the lead; `0` is the start of the lane change
    /// or of the following.
    pub parameters: Vec<(&'static str, f64)>,
    /// OpenSCENARIO 1.2.
    pub xosc: String,
    /// OpenDRIVE.
    pub xodr: String,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Root mean square distance of the replayed target from its detections, m: mostly the sensor's noise.
    pub rmse_m: f64,
    /// What had to be assumed, one sentence each.
    pub assumptions: Vec<String>,
}

/// Where a scenario comes from; all of it also stands in the scenario's header.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// Clip.
    pub clip_id: String,
    /// Vehicle.
    pub vehicle_id: String,
    /// Boot.
    pub boot_id: String,
    /// SHA-256 of the clip's file.
    pub clip_sha256: String,
    /// The scenario's time 0 on the boot's clock, ns.
    pub start_boot_ns: i64,
    /// Its end.
    pub end_boot_ns: i64,
    /// Its time 0 in UTC, ISO 8601, where the clip's clock relation is known.
    pub start_utc: Option<String>,
    /// Its end.
    pub end_utc: Option<String>,
    /// The rule that pointed to it, if one did.
    pub rule_id: Option<String>,
    /// What mined it.
    pub software: String,
    /// `sensor:number` of each part of the target's track.
    pub target_tracks: Vec<String>,
}

/// A candidate, or something found near one, that is no scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// Where it was looked for.
    pub candidate: Candidate,
    /// Why it is none.
    pub reason: String,
}

/// What mining a clip gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mined {
    /// Scenarios, by situation in the workflow's order, the most critical first.
    pub scenarios: Vec<MinedScenario>,
    /// What was turned down, with the reason.
    pub rejected: Vec<Rejected>,
}

/// Looks at every candidate of this clip and writes what is really there.
pub fn mine(workflow: &Workflow, input: &ClipInput) -> Mined {
    let mut mined = Mined::default();
    for situation in &workflow.situations {
        let candidates: Vec<&Candidate> = input
            .candidates
            .iter()
            .filter(|c| c.situation == situation.name && c.clip_id == input.clip.clip_id)
            .collect();
        let mut taken = Taken::default();
        // Where a rule and a query point to the same place, the rule names it.
        let (ruled, unruled): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|c| c.rule_id.is_some());
        for candidate in ruled.into_iter().chain(unruled) {
            if let Err(reason) = look(workflow, situation, input, candidate, &mut taken, &mut mined.rejected) {
                mined.rejected.push(Rejected { candidate: candidate.clone(), reason });
            }
        }
        taken.scenarios.sort_by(|a, b| a.0.total_cmp(&b.0));
        taken.scenarios.truncate(situation.max_per_clip);
        mined.scenarios.extend(taken.scenarios.into_iter().map(|(_, scenario)| scenario));
    }
    mined
}

/// What one situation gave so far in this clip.
#[derive(Default)]
struct Taken {
    /// With their time gaps, s: the less the more critical.
    scenarios: Vec<(f64, MinedScenario)>,
    seen: Vec<Seen>,
}

/// A finding already taken: when, and on which tracks.
struct Seen {
    boot_ns: i64,
    tracks: Vec<String>,
}

fn look(
    workflow: &Workflow,
    situation: &Situation,
    input: &ClipInput,
    candidate: &Candidate,
    taken: &mut Taken,
    rejected: &mut Vec<Rejected>,
) -> Result<(), String> {
    if candidate.end_boot_ns < candidate.start_boot_ns {
        return Err("the candidate ends before it starts".to_owned());
    }
    let origin_ns = input.clip.start_boot_ns;
    let secs = |boot_ns: i64| boot_ns.saturating_sub(origin_ns) as f64 / 1e9;
    let clip_s = secs(input.clip.end_boot_ns);
    let (from_s, to_s) = (secs(candidate.start_boot_ns).max(0.0), secs(candidate.end_boot_ns).min(clip_s));
    if from_s > to_s {
        return Err(format!("the candidate lies outside the clip, which is {clip_s:.1} s long"));
    }
    let parts = ((to_s - from_s) / PART_S).ceil().clamp(1.0, 1e5);
    let part_s = (to_s - from_s) / parts;
    for i in 0..parts as usize {
        let part_from_s = from_s + i as f64 * part_s;
        let span_s = (part_from_s, part_from_s + part_s);
        look_at_part(workflow, situation, input, candidate, span_s, taken, rejected);
    }
    Ok(())
}

fn look_at_part(
    workflow: &Workflow,
    situation: &Situation,
    input: &ClipInput,
    candidate: &Candidate,
    (from_s, to_s): (f64, f64),
    taken: &mut Taken,
    rejected: &mut Vec<Rejected>,
) {
    let origin_ns = input.clip.start_boot_ns;
    let clip_s = input.clip.end_boot_ns.saturating_sub(origin_ns) as f64 / 1e9;
    let around = ((from_s - BEFORE_S).max(0.0), (to_s + AFTER_S).min(clip_s));
    let reject = |reason| Rejected { candidate: candidate.clone(), reason };
    let clip = match ClipTracks::from_rows(origin_ns, &input.signals, &input.objects, around, &workflow.road) {
        Ok(clip) => clip,
        Err(reason) => return rejected.push(reject(reason)),
    };
    let findings = match &situation.kind {
        SituationKind::CutIn(thresholds) => cut_ins(&clip, thresholds, from_s, to_s),
        SituationKind::CarFollowing(thresholds) => following(&clip, thresholds, from_s, to_s),
    };
    rejected.extend(findings.turned_down.into_iter().map(reject));
    for found in findings.found {
        let boot_ns = origin_ns.saturating_add((found.moment_s * 1e9).round() as i64);
        let tracks = track_names(&clip, &found);
        let known = taken.seen.iter().any(|other| {
            (other.boot_ns - boot_ns).abs() as f64 / 1e9 <= SAME_S && other.tracks.iter().any(|t| tracks.contains(t))
        });
        if known {
            continue;
        }
        taken.seen.push(Seen { boot_ns, tracks });
        let time_gap_s = found.time_gap_s;
        match scenario(situation, input, candidate, &clip, found) {
            Ok(scenario) => taken.scenarios.push((time_gap_s, scenario)),
            Err(reason) => rejected.push(reject(reason)),
        }
    }
}

fn track_names(clip: &ClipTracks, found: &Found) -> Vec<String> {
    clip.tracks[found.track].ids.iter().map(|(sensor, id)| format!("{sensor}:{id}")).collect()
}

fn scenario(
    situation: &Situation,
    input: &ClipInput,
    candidate: &Candidate,
    clip: &ClipTracks,
    found: Found,
) -> Result<MinedScenario, String> {
    let row = &input.clip;
    let boot_ns = |t_s: f64| row.start_boot_ns.saturating_add((t_s * 1e9).round() as i64);
    let utc = |t_s: f64| row.start_utc_us.and_then(|us| utc_text(us.saturating_add((t_s * 1e6).round() as i64)));
    let id = format!("{}-{}-{:06}ms", situation.name, row.clip_id, (found.moment_s * 1e3).round());
    let id = ScenarioId::new(id).map_err(|e| e.to_string())?;
    let provenance = Provenance {
        clip_id: row.clip_id.clone(),
        vehicle_id: row.vehicle_id.clone(),
        boot_id: row.boot_id.clone(),
        clip_sha256: row.sha256.clone(),
        start_boot_ns: boot_ns(found.span_s.0),
        end_boot_ns: boot_ns(found.span_s.1),
        start_utc: utc(found.span_s.0),
        end_utc: utc(found.span_s.1),
        rule_id: candidate.rule_id.clone(),
        software: concat!("cloverleaf-mining ", env!("CARGO_PKG_VERSION")).to_owned(),
        target_tracks: track_names(clip, &found),
    };
    let scene = scene(clip, &found, situation, row, &provenance, id.as_str())?;
    let assumptions = clip.assumptions.iter().chain(&found.assumptions).cloned().collect();
    Ok(MinedScenario {
        id,
        situation: situation.name.clone(),
        parameters: found.parameters,
        xosc: scene.xosc,
        xodr: scene.xodr,
        provenance,
        rmse_m: scene.rmse_m,
        assumptions,
    })
}

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be written")]
pub struct WriteFileError {
    path: PathBuf,
    source: io::Error,
}

impl MinedScenario {
    /// A parameter by its name.
    pub fn parameter(&self, name: &str) -> Option<f64> {
        self.parameters.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    /// Writes `<folder>/<id>/road.xodr` and then `<folder>/<id>/scenario.xosc`, each whole or not at all, over what an
    /// earlier run wrote. Returns the scenario's path: where it exists, the road does.
    pub fn write_to(&self, folder: &Path) -> Result<PathBuf, WriteFileError> {
        let own = folder.join(self.id.as_str());
        fs::create_dir_all(&own).map_err(|source| WriteFileError { path: own.clone(), source })?;
        write_whole(&own.join(ROAD_FILE), &self.xodr)?;
        let path = own.join("scenario.xosc");
        write_whole(&path, &self.xosc)?;
        Ok(path)
    }
}

fn write_whole(path: &Path, text: &str) -> Result<(), WriteFileError> {
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    let written = fs::write(&temporary, text).and_then(|()| fs::File::open(&temporary)?.sync_all());
    written.and_then(|()| fs::rename(&temporary, path)).map_err(|source| {
        // The failure already being reported is the first one; a leftover changes nothing about it.
        drop(fs::remove_file(&temporary));
        WriteFileError { path: path.to_owned(), source }
    })
}
