//! The situations in the tracks: a cut-in, a car-following episode, with their parameters.

use crate::situation::{CarFollowingThresholds, CutInThresholds};
use crate::tracks::{ClipTracks, Track, TrackState};

/// Step in which tracks are searched, s.
const STEP_S: f64 = 0.05;
/// How far before and after a candidate's range the situation may begin, s: rules fire late and hold their last value.
const MARGIN_S: f64 = 4.0;
/// Slower objects stand still, m/s.
const STANDING_MPS: f64 = 2.0;
/// Reflections of one vehicle lie within this, m.
const CAR_LENGTH_M: f64 = 5.0;
/// Accelerations beyond these are errors of tracking, m/s2: dry friction allows about 9.
const MAX_ACCEL_MPS2: f64 = 12.0;
const MAX_LATERAL_ACCEL_MPS2: f64 = 6.0;
/// A lane change takes at most this long before its intrusion, s (Toledo and Zohar 2007 found up to 13 s for the whole).
const MAX_APPROACH_S: f64 = 6.0;

/// A situation found in the tracks.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Index of the target or lead in [`ClipTracks::tracks`].
    pub track: usize,
    /// What the scenario covers, s since the clip's start.
    pub span_s: (f64, f64),
    /// The moment that decides, for telling findings apart, s.
    pub moment_s: f64,
    /// Parameters by name, unit at the end of the name; see [`crate::MinedScenario::parameters`].
    pub parameters: Vec<(&'static str, f64)>,
    /// Smaller is more critical.
    pub time_gap_s: f64,
    /// What had to be assumed, one sentence each.
    pub assumptions: Vec<String>,
}

/// What was found near a candidate and what was turned down, with the reason.
#[derive(Debug, Default)]
pub struct Findings {
    /// Situations.
    pub found: Vec<Found>,
    /// Reasons.
    pub turned_down: Vec<String>,
}

/// Looks for cut-ins whose intrusion lies near `from_s..to_s`.
pub fn cut_ins(clip: &ClipTracks, thresholds: &CutInThresholds, from_s: f64, to_s: f64) -> Findings {
    let mut findings = Findings::default();
    for (index, track) in clip.tracks.iter().enumerate() {
        for intrusion_s in intrusions(clip, track, thresholds) {
            if !(from_s - MARGIN_S..=to_s + MARGIN_S).contains(&intrusion_s) {
                continue;
            }
            match cut_in(clip, index, thresholds, intrusion_s) {
                Ok(found) => findings.found.push(found),
                Err(why) => {
                    let (sensor, id) = &track.ids[0];
                    findings.turned_down.push(format!("track {id} of {sensor} at {intrusion_s:.2} s: {why}"));
                }
            }
        }
    }
    if findings.found.is_empty() && findings.turned_down.is_empty() {
        let count = clip.tracks.len();
        findings.turned_down.push(format!("none of {count} tracks moves from beside the ego lane into it there"));
    }
    findings
}

/// Distance from the middle of our lane, m.
fn offset_m(clip: &ClipTracks, track: &Track, t_s: f64) -> Option<f64> {
    Some(track.at(t_s)?.d_m - clip.own_lane(t_s)?.1)
}

/// |offset| below which the near side of the track is over our lane marking by `intrusion_m`.
fn reach_m(clip: &ClipTracks, track: &Track, intrusion_m: f64) -> f64 {
    (clip.lane_width_m + track.width_or_usual_m()) / 2.0 - intrusion_m
}

/// Times at which the track's side comes over the marking of our lane.
fn intrusions(clip: &ClipTracks, track: &Track, thresholds: &CutInThresholds) -> Vec<f64> {
    let reach_m = reach_m(clip, track, thresholds.intrusion_m);
    let times = times(track.span_s());
    let inside = |t_s: f64| offset_m(clip, track, t_s).map(|offset| offset.abs() < reach_m);
    times.windows(2).filter(|t| inside(t[0]) == Some(false) && inside(t[1]) == Some(true)).map(|t| t[1]).collect()
}

fn cut_in(clip: &ClipTracks, index: usize, thresholds: &CutInThresholds, intrusion_s: f64) -> Result<Found, String> {
    let track = &clip.tracks[index];
    let (first_s, last_s) = overlap(clip, track);
    let state = |t_s: f64| track.at(t_s).ok_or("its track ends there");
    let at = state(intrusion_s)?;
    let offset = |t_s: f64| offset_m(clip, track, t_s).ok_or("its track ends there");
    // +1 when it comes from the right and moves to the left.
    let side = -offset(intrusion_s)?.signum();
    let towards = |t_s: f64| state(t_s).map(|state| side * state.lateral_mps);

    let own = clip.own.at(intrusion_s).ok_or("the own path ends there")?;
    let gap_m = clip.gap_m(intrusion_s, at.s_m).ok_or("the own path ends there")?;
    if own.speed_mps < thresholds.min_ego_speed_mps {
        return Err(format!("ego drives {:.1} m/s, below min_ego_speed_mps", own.speed_mps));
    }
    if track.mean_speed_mps() < STANDING_MPS {
        return Err("it stands still".into());
    }
    if gap_m <= 0.0 {
        return Err(format!("it is beside or behind the front bumper (gap {gap_m:.1} m)"));
    }
    if gap_m > thresholds.max_gap_m {
        return Err(format!("it is {gap_m:.0} m ahead, more than max_gap_m"));
    }
    let beside_m = (clip.lane_width_m + track.width_or_usual_m()) / 2.0 - 0.1;
    let was_beside = times((first_s.max(intrusion_s - MAX_APPROACH_S), intrusion_s))
        .iter()
        .any(|t_s| offset(*t_s).is_ok_and(|offset| -side * offset >= beside_m));
    if !was_beside {
        return Err("it was never wholly beside the ego lane before".into());
    }
    // In the lane is where its middle is over neither marking.
    let in_lane = |t_s: f64| offset(t_s).is_ok_and(|offset| offset.abs() < clip.lane_width_m / 2.0);
    let entered_s = times((intrusion_s, last_s.min(intrusion_s + MAX_APPROACH_S)))
        .into_iter()
        .find(|t_s| in_lane(*t_s))
        .ok_or("its middle does not come into the ego lane")?;
    let held_s = times((entered_s, last_s)).into_iter().take_while(|t_s| in_lane(*t_s)).last().unwrap_or(entered_s);
    if held_s - entered_s < thresholds.min_hold_s {
        return Err(format!("it is seen in the ego lane for {:.1} s only", held_s - entered_s));
    }
    let around = times(((intrusion_s - 3.0).max(first_s), (entered_s + 2.0).min(last_s)));
    let peak_mps = around.iter().filter_map(|t_s| towards(*t_s).ok()).fold(0.0, f64::max);
    if peak_mps < thresholds.min_lateral_speed_mps || peak_mps > thresholds.max_lateral_speed_mps {
        return Err(format!("its largest lateral speed is {peak_mps:.2} m/s, outside the thresholds"));
    }
    let moving = |t_s: &f64| towards(*t_s).is_ok_and(|speed| speed > (0.1 * peak_mps).max(0.1));
    let mut before = times((first_s.max(intrusion_s - MAX_APPROACH_S), intrusion_s));
    before.reverse();
    let start_s = before.into_iter().take_while(moving).last().unwrap_or(intrusion_s);
    let end_s = times((intrusion_s, last_s)).into_iter().take_while(moving).last().unwrap_or(intrusion_s);

    let span_s = ((start_s - thresholds.before_s).max(first_s), (intrusion_s + thresholds.after_s).min(last_s));
    plausible(clip, track, span_s)?;
    nobody_between(clip, index, intrusion_s, at.s_m)?;

    let mut assumptions = Vec::new();
    if start_s - first_s < STEP_S {
        assumptions.push(
            "The target was first seen while already changing lane; the values at the start are those of that moment."
                .to_owned(),
        );
    }
    let begin = state(start_s)?;
    let own_begin = clip.own.at(start_s).ok_or("the own path ends there")?;
    let own_d = clip.own_place(start_s).ok_or("the own path ends there")?.1;
    let begin_gap_m = clip.gap_m(start_s, begin.s_m).ok_or("the own path ends there")?;
    let begin_speed = ground_speed(clip, &begin);
    let speed = ground_speed(clip, &at);
    let own_width_m = 1.85;
    let closing_mps = own.speed_mps - speed;
    let mut parameters = vec![
        ("Ve0_mps", own_begin.speed_mps),
        ("Vo0_mps", begin_speed),
        ("Ve0_minus_Vo0_mps", own_begin.speed_mps - begin_speed),
        ("dx0_m", begin_gap_m),
        ("dy0_m", (begin.d_m - own_d).abs() - (own_width_m + track.width_or_usual_m()) / 2.0),
        ("Vy_mps", peak_mps),
        ("lane_change_start_s", start_s - span_s.0),
        ("lane_change_duration_s", end_s - start_s),
        ("intrusion_s", intrusion_s - span_s.0),
        ("Ve_intrusion_mps", own.speed_mps),
        ("Vo_intrusion_mps", speed),
        ("dx_intrusion_m", gap_m),
        ("time_gap_intrusion_s", gap_m / own.speed_mps),
        ("from_left", f64::from(side < 0.0)),
    ];
    if closing_mps > 0.1 {
        parameters.push(("TTC_intrusion_s", gap_m / closing_mps));
    }
    Ok(Found {
        track: index,
        span_s,
        moment_s: intrusion_s,
        parameters,
        time_gap_s: gap_m / own.speed_mps,
        assumptions,
    })
}

/// Looks for the longest stretch near `from_s..to_s` in which one lead vehicle is followed.
pub fn following(clip: &ClipTracks, thresholds: &CarFollowingThresholds, from_s: f64, to_s: f64) -> Findings {
    let mut findings = Findings::default();
    let (first_s, last_s) = clip.own.span_s();
    let times = times(((from_s - MARGIN_S).max(first_s), (to_s + MARGIN_S).min(last_s)));
    // Runs of one lead, with lapses of up to half a second (a bend in which it leaves the lane's middle).
    let mut runs: Vec<(usize, f64, f64)> = Vec::new();
    for t_s in times {
        for track in followed(clip, thresholds, t_s) {
            match runs.iter_mut().rev().find(|run| run.0 == track) {
                Some(run) if t_s - run.2 <= 0.5 + STEP_S => run.2 = t_s,
                _ => runs.push((track, t_s, t_s)),
            }
        }
    }
    let longest = runs.into_iter().max_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)));
    let Some((track, start_s, end_s)) = longest else {
        findings
            .turned_down
            .push(format!("none of {} tracks is a lead vehicle the ego vehicle follows there", clip.tracks.len()));
        return findings;
    };
    if end_s - start_s < thresholds.min_duration_s {
        findings.turned_down.push(format!(
            "the longest following of one lead vehicle lasts {:.1} s, min_duration_s is {}",
            end_s - start_s,
            thresholds.min_duration_s
        ));
        return findings;
    }
    let span_s = (start_s, end_s.min(start_s + thresholds.max_duration_s));
    match following_of(clip, track, span_s) {
        Ok(found) => findings.found.push(found),
        Err(why) => findings.turned_down.push(why),
    }
    findings
}

/// The tracks of the lead vehicle at one instant: the nearest moving one in our lane, if it counts, and what lies within
/// a car's length behind that face. A radar often keeps several tracks on one vehicle, and the nearest changes.
fn followed(clip: &ClipTracks, thresholds: &CarFollowingThresholds, t_s: f64) -> Vec<usize> {
    let Some(own) = clip.own.at(t_s).filter(|own| own.speed_mps >= thresholds.min_ego_speed_mps) else {
        return Vec::new();
    };
    let ahead = |track: &Track| {
        let offset = offset_m(clip, track, t_s)?;
        let gap_m = clip.gap_m(t_s, track.at(t_s)?.s_m)?;
        (gap_m > 0.0 && offset.abs() < clip.lane_width_m / 2.0 && track.mean_speed_mps() > STANDING_MPS)
            .then_some(gap_m)
    };
    let in_lane: Vec<(usize, f64)> =
        clip.tracks.iter().enumerate().filter_map(|(index, track)| Some((index, ahead(track)?))).collect();
    let nearest_m = in_lane.iter().map(|(_, gap_m)| *gap_m).fold(f64::INFINITY, f64::min);
    if nearest_m / own.speed_mps > thresholds.max_time_gap_s {
        return Vec::new();
    }
    in_lane.into_iter().filter(|(_, gap_m)| *gap_m <= nearest_m + CAR_LENGTH_M).map(|(index, _)| index).collect()
}

fn following_of(clip: &ClipTracks, index: usize, span_s: (f64, f64)) -> Result<Found, String> {
    let track = &clip.tracks[index];
    plausible(clip, track, span_s)?;
    let sample = |t_s: f64| {
        let (state, own) = (track.at(t_s)?, clip.own.at(t_s)?);
        let speed = ground_speed(clip, &state);
        Some((state, own.speed_mps, speed, clip.gap_m(t_s, state.s_m)?))
    };
    let samples: Vec<_> = times(span_s).into_iter().filter_map(sample).collect();
    let first = samples.first().ok_or("its track ends there")?;
    let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
    let time_gap_s = least(&mut samples.iter().map(|(_, own, _, gap)| gap / own));
    let mut parameters = vec![
        ("Ve0_mps", first.1),
        ("Vo0_mps", first.2),
        ("Ve0_minus_Vo0_mps", first.1 - first.2),
        ("dx0_m", first.3),
        ("Gx_max_mps2", (-least(&mut samples.iter().map(|(state, ..)| state.accel_mps2))).max(0.0)),
        ("Vo_min_mps", least(&mut samples.iter().map(|(_, _, speed, _)| *speed))),
        ("dx_min_m", least(&mut samples.iter().map(|(_, _, _, gap)| *gap))),
        ("time_gap_0_s", first.3 / first.1),
        ("time_gap_min_s", time_gap_s),
        ("duration_s", span_s.1 - span_s.0),
    ];
    let ttc_s = least(
        &mut samples
            .iter()
            .filter(|(_, own, speed, _)| own - speed > 0.1)
            .map(|(_, own, speed, gap)| gap / (own - speed)),
    );
    if ttc_s.is_finite() {
        parameters.push(("TTC_min_s", ttc_s));
    }
    Ok(Found { track: index, span_s, moment_s: span_s.0, parameters, time_gap_s, assumptions: Vec::new() })
}

/// Speed over ground along the road: inside of a bend the same progress along the middle is a shorter way.
pub fn ground_speed(clip: &ClipTracks, state: &TrackState) -> f64 {
    state.speed_mps * (1.0 - clip.road.line.at(state.s_m).curvature_per_m * state.d_m)
}

/// The error says what no road user can do.
fn plausible(clip: &ClipTracks, track: &Track, span_s: (f64, f64)) -> Result<(), String> {
    for t_s in times(span_s) {
        let (Some(state), Some(own)) = (track.at(t_s), clip.own_place(t_s)) else { continue };
        if state.speed_mps < -1.0 || state.speed_mps > 90.0 {
            return Err(format!("not physically consistent: it moves at {:.1} m/s at {t_s:.2} s", state.speed_mps));
        }
        if state.accel_mps2.abs() > MAX_ACCEL_MPS2 || state.lateral_accel_mps2.abs() > MAX_LATERAL_ACCEL_MPS2 {
            return Err(format!(
                "not physically consistent: it accelerates with {:.1} m/s2 along and {:.1} m/s2 across the road at {t_s:.2} s",
                state.accel_mps2, state.lateral_accel_mps2
            ));
        }
        let gap_m = clip.gap_m(t_s, state.s_m).unwrap_or(f64::INFINITY);
        if gap_m < -0.5 && gap_m > -4.0 && (state.d_m - own.1).abs() < 1.0 {
            return Err(format!("not physically consistent: it is inside the ego vehicle at {t_s:.2} s"));
        }
    }
    Ok(())
}

fn nobody_between(clip: &ClipTracks, target: usize, t_s: f64, target_s_m: f64) -> Result<(), String> {
    for (index, track) in clip.tracks.iter().enumerate() {
        let (Some(state), Some(offset)) = (track.at(t_s), offset_m(clip, track, t_s)) else { continue };
        let gap_m = clip.gap_m(t_s, state.s_m).unwrap_or(-1.0);
        // 8 m: a reflection of the target's own other end, or of what it passes, is nobody else.
        let is_other = index != target && state.s_m < target_s_m - 8.0 && track.mean_speed_mps() > STANDING_MPS;
        if is_other && gap_m > 0.0 && offset.abs() < clip.lane_width_m / 3.0 {
            return Err(format!("track {} of {} is in the ego lane before it", track.ids[0].1, track.ids[0].0));
        }
    }
    Ok(())
}

fn overlap(clip: &ClipTracks, track: &Track) -> (f64, f64) {
    let ((a, b), (c, d)) = (clip.own.span_s(), track.span_s());
    (a.max(c), b.min(d))
}

fn times((from_s, to_s): (f64, f64)) -> Vec<f64> {
    let steps = ((to_s - from_s) / STEP_S + 1e-9).floor();
    if steps < 0.0 { Vec::new() } else { (0..=steps as usize).map(|i| from_s + i as f64 * STEP_S).collect() }
}
