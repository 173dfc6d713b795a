//! Which object is the vehicle ahead in our path, and the `Vehicle.ADAS.Lead.*` signals that follow.
//!
//! Our path is an arc of the present curvature. An object must stay well inside it for a while to become the lead vehicle
//! and well outside to cease: curvature is a noisy ratio, and a pole beside a bend crosses the predicted path for a moment.
//! What stands still and was never seen to move must pass a stricter gate, where the path is nearly straight.

use std::collections::VecDeque;

use cloverleaf_vocabulary::{BootTime, TimeDelta};

use crate::messages::{Object, ObjectClass, ObjectList};
use crate::vss::{Catalogue, SignalId};

/// An object enters the path within this of its middle, m: half the width of a car, so that we would hit it.
const ENTER_M: f64 = 1.0;
/// It leaves beyond this, m: half of a 3.5 m lane, so that its middle is over the line.
const LEAVE_M: f64 = 1.8;
/// How long a moving object must be inside, s.
const ENTER_AFTER_S: f64 = 0.2;
/// How long an object never seen to move must be inside, s.
const ENTER_STANDING_AFTER_S: f64 = 1.0;
/// How long the lead may be outside or unseen before it is given up, s.
const LEAVE_AFTER_S: f64 = 0.3;
/// A track unseen for this long is forgotten, s.
const FORGET_AFTER_S: f64 = 0.5;
/// Where the predicted path bends away further than this, m, it says little about standing objects or about the past.
const TRUSTED_BEND_M: f64 = 1.0;
/// Beyond this the lateral position of an automotive radar is worse than a lane, m.
const RANGE_M: f64 = 120.0;
/// Objects slower over ground than this stand still, m/s; also the error of a radar's and a wheel's speed together.
const STANDING_MPS: f64 = 2.0;
/// Speed at which curvature from yaw rate has lost half its worth to gyro offset and noise, m/s.
const CURVATURE_SPEED_MPS: f64 = 3.0;
/// Smoothing of the yaw rate, s.
const YAW_SMOOTHING_S: f64 = 0.3;
/// Smoothing of the lateral speed, s.
const LATERAL_SMOOTHING_S: f64 = 0.5;
/// From the axle the car turns about (rear) to the front bumper, m; a passenger car.
const REAR_AXLE_TO_BUMPER_M: f64 = 3.8;
/// Time of path history kept for `PathEntryOffset`, s.
const HISTORY_S: f64 = 3.0;
/// Spacing of that history, s.
const HISTORY_STEP_S: f64 = 0.05;
/// Reflections nearer to each other than this along x are of one vehicle, m: no two fit.
const ONE_VEHICLE_M: f64 = 4.0;
/// Longest time gap and time to collision reported, s.
const LONGEST_S: f64 = 100.0;
/// Tracks followed at once; a radar reports 16 to 64.
const MAX_TRACKS: usize = 256;

/// How we move while the objects are seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EgoMotion {
    /// Forward speed, m/s.
    pub speed_mps: f64,
    /// Yaw rate, rad/s, turning left positive.
    pub yaw_rate_radps: f64,
}

/// The vehicle ahead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lead {
    /// The sensor's track number.
    pub track_id: u32,
    /// From our front bumper along x, m.
    pub distance_m: f64,
    /// Its speed minus ours, m/s.
    pub relative_speed_mps: f64,
    /// Distance over our speed, s, at most 100.
    pub time_gap_s: f64,
    /// Distance over closing speed, s, at most 100.
    pub time_to_collision_s: f64,
    /// From the middle of our predicted path, m, left positive.
    pub lateral_offset_m: f64,
    /// Its rate, smoothed, m/s.
    pub lateral_speed_mps: f64,
    /// Largest absolute offset in the 3 s before it became the lead vehicle, m.
    pub path_entry_offset_m: f64,
    /// Time since it became the lead vehicle, s.
    pub time_in_path_s: f64,
}

/// Picks the lead vehicle from successive object lists of one sensor.
#[derive(Debug, Clone)]
pub struct LeadSelector {
    tracks: Vec<Track>,
    leading: Option<Leading>,
    yaw_rate_radps: f64,
    last: Option<BootTime>,
}

#[derive(Debug, Clone, Copy)]
struct Leading {
    /// The track's number; `None` once that is used for something else.
    track: Option<u32>,
    since: BootTime,
    entry_offset_m: f64,
    /// As last seen.
    object: Object,
}

#[derive(Debug, Clone)]
struct Track {
    id: u32,
    object: Object,
    offset_m: f64,
    lateral_speed_mps: f64,
    seen: BootTime,
    /// Since when it has been within [`ENTER_M`].
    inside: Option<BootTime>,
    /// Since when it has been beyond [`LEAVE_M`].
    outside: Option<BootTime>,
    /// It has moved over ground at some time.
    moved: bool,
    /// Absolute offsets of the last seconds, oldest first.
    history: VecDeque<(BootTime, f64)>,
}

impl Default for LeadSelector {
    fn default() -> Self {
        Self::new()
    }
}

impl LeadSelector {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self { tracks: Vec::new(), leading: None, yaw_rate_radps: 0.0, last: None }
    }

    /// Takes one object list; objects with a number that is not finite are passed over. An earlier `at` than the last is
    /// taken as the last; motion that is not finite is taken as standing still.
    pub fn update(&mut self, at: BootTime, list: &ObjectList, ego: EgoMotion) -> Option<Lead> {
        let at = self.last.map_or(at, |last| at.max(last));
        let path = self.path(at, ego);
        self.last = Some(at);
        // Numbers that go on first: only what no object of this list goes on with may have changed its number.
        let sound = || list.objects.iter().filter(|object| is_sound(object));
        for object in sound() {
            self.go_on(at, object, &path);
        }
        for object in sound() {
            self.take_up(at, object, &path);
        }
        self.tracks.retain(|track| secs(at, track.seen) <= FORGET_AFTER_S);
        self.choose(at, &path);
        self.lead(at, &path)
    }

    fn path(&mut self, at: BootTime, ego: EgoMotion) -> Path {
        let yaw_rate = if ego.yaw_rate_radps.is_finite() { ego.yaw_rate_radps } else { 0.0 };
        let speed_mps = if ego.speed_mps.is_finite() { ego.speed_mps.max(0.0) } else { 0.0 };
        let share = self.last.map_or(1.0, |last| 1.0 - (-secs(at, last) / YAW_SMOOTHING_S).exp());
        self.yaw_rate_radps += share * (yaw_rate - self.yaw_rate_radps);
        // omega / v with its noise bounded at low speed: the best linear estimate for noise of this size.
        let weighted = speed_mps / (speed_mps.powi(2) + CURVATURE_SPEED_MPS.powi(2));
        Path { curvature_per_m: self.yaw_rate_radps * weighted, speed_mps }
    }

    /// Follows an object under its known number.
    fn go_on(&mut self, at: BootTime, object: &Object, path: &Path) {
        let known = |track: &&mut Track| track.id == object.id && !object.is_new && track.continues(object);
        if let Some(track) = self.tracks.iter_mut().find(known) {
            track.follow(at, object, path);
        }
    }

    /// Begins a track for an object that none went on with, or goes on with one that lost its number a moment ago.
    fn take_up(&mut self, at: BootTime, object: &Object, path: &Path) {
        if let Some(index) = self.tracks.iter().position(|track| track.id == object.id) {
            if self.tracks[index].seen == at {
                return;
            }
            // The number is used for something else now.
            self.forget(index);
        }
        let lost = self.tracks.iter_mut().find(|track| track.seen < at && track.continues(object));
        if let Some(track) = lost {
            let old = std::mem::replace(&mut track.id, object.id);
            track.follow(at, object, path);
            if let Some(leading) = self.leading.as_mut().filter(|leading| leading.track == Some(old)) {
                leading.track = Some(object.id);
            }
        } else if self.tracks.len() < MAX_TRACKS {
            let mut track = Track::new(at, object, path);
            track.follow(at, object, path);
            self.tracks.push(track);
        }
    }

    fn forget(&mut self, index: usize) {
        let track = self.tracks.swap_remove(index);
        if let Some(leading) = self.leading.as_mut().filter(|leading| leading.track == Some(track.id)) {
            leading.track = None;
        }
    }

    /// Keeps the lead until it has clearly gone; gives way to one that is nearer by more than a car at once.
    fn choose(&mut self, at: BootTime, path: &Path) {
        let before = self.leading;
        self.leading = before.and_then(|leading| {
            let track = self.tracks.iter().find(|track| Some(track.id) == leading.track)?;
            let outside_s = track.outside.map_or(0.0, |since| secs(at, since));
            let kept = outside_s < LEAVE_AFTER_S && secs(at, track.seen) < LEAVE_AFTER_S && track.object.x_m > 0.0;
            kept.then_some(Leading { object: track.object, ..leading })
        });
        let nearest = self
            .tracks
            .iter()
            .filter(|track| track.seen == at && track.is_candidate(at, path))
            .min_by(|a, b| a.object.x_m.total_cmp(&b.object.x_m));
        let Some(nearest) = nearest else { return };
        if self.leading.is_some_and(|present| nearest.object.x_m > present.object.x_m - ONE_VEHICLE_M) {
            return;
        }
        // A radar often follows one vehicle by several tracks: where one ends, the next is the same vehicle.
        let same = before.filter(|before| self.leading.is_none() && nearest.continues(&before.object));
        let entry_offset_m = nearest.history.iter().map(|(_, offset)| *offset).fold(0.0, f64::max);
        let (since, entry_offset_m) = same.map_or((at, entry_offset_m), |same| (same.since, same.entry_offset_m));
        self.leading = Some(Leading { track: Some(nearest.id), since, entry_offset_m, object: nearest.object });
    }

    fn lead(&self, at: BootTime, path: &Path) -> Option<Lead> {
        let leading = self.leading?;
        let track = self.tracks.iter().find(|track| Some(track.id) == leading.track)?;
        let (distance_m, relative_speed_mps) = (track.object.x_m, track.object.vx_mps);
        let over = |speed: f64| if speed > 0.0 { (distance_m / speed).min(LONGEST_S) } else { LONGEST_S };
        Some(Lead {
            track_id: track.id,
            distance_m,
            relative_speed_mps,
            time_gap_s: over(path.speed_mps),
            time_to_collision_s: over(-relative_speed_mps),
            lateral_offset_m: track.offset_m,
            lateral_speed_mps: track.lateral_speed_mps,
            path_entry_offset_m: leading.entry_offset_m,
            time_in_path_s: secs(at, leading.since),
        })
    }
}

/// Ids of the lead signals in a catalogue.
#[derive(Debug, Clone, Copy)]
pub struct LeadSignals {
    detected: SignalId,
    /// In the order of [`LeadSignals::NAMES`].
    values: [SignalId; 9],
}

impl LeadSignals {
    const NAMES: [&'static str; 9] = [
        "Vehicle.ADAS.Lead.TrackID",
        "Vehicle.ADAS.Lead.Distance",
        "Vehicle.ADAS.Lead.RelativeSpeed",
        "Vehicle.ADAS.Lead.TimeGap",
        "Vehicle.ADAS.Lead.TimeToCollision",
        "Vehicle.ADAS.Lead.LateralOffset",
        "Vehicle.ADAS.Lead.LateralSpeed",
        "Vehicle.ADAS.Lead.PathEntryOffset",
        "Vehicle.ADAS.Lead.TimeInPath",
    ];

    /// Looks the names up; `None` in a catalogue without them (the standard one has them).
    pub fn new(catalogue: &Catalogue) -> Option<Self> {
        let mut values = [SignalId(0); 9];
        for (id, name) in values.iter_mut().zip(Self::NAMES) {
            *id = catalogue.id(name)?;
        }
        Some(Self { detected: catalogue.id("Vehicle.ADAS.Lead.IsDetected")?, values })
    }

    /// The samples that say what [`LeadSelector::update`] found. Without a lead only `IsDetected` (false) is said and
    /// the others grow stale, so conditions on them go with `IsDetected &&`. `IsDetected` comes last when true and
    /// first when false: no step shows it true beside another lead's values.
    pub fn samples(&self, lead: Option<&Lead>) -> impl Iterator<Item = (SignalId, f64)> + use<> {
        let values = lead.map(|lead| {
            [
                f64::from(lead.track_id),
                lead.distance_m,
                lead.relative_speed_mps,
                lead.time_gap_s,
                lead.time_to_collision_s,
                lead.lateral_offset_m,
                lead.lateral_speed_mps,
                lead.path_entry_offset_m,
                lead.time_in_path_s,
            ]
        });
        let detected = (self.detected, f64::from(u8::from(values.is_some())));
        self.values.into_iter().zip(values.into_iter().flatten()).chain([detected])
    }
}

/// The path ahead: an arc that starts at the front bumper.
#[derive(Debug, Clone, Copy)]
struct Path {
    curvature_per_m: f64,
    speed_mps: f64,
}

impl Path {
    /// Where the middle of the front bumper will be when it has come `x_m` forward (small angles): the rear axle follows
    /// the arc and the bumper swings ahead of it.
    fn lateral_m(&self, x_m: f64) -> f64 {
        let x_m = x_m.max(0.0);
        self.curvature_per_m * (x_m * x_m / 2.0 + REAR_AXLE_TO_BUMPER_M * x_m)
    }

    fn offset_m(&self, object: &Object) -> f64 {
        object.y_m - self.lateral_m(object.x_m)
    }

    fn is_trusted_at(&self, x_m: f64) -> bool {
        self.lateral_m(x_m).abs() < TRUSTED_BEND_M
    }
}

impl Track {
    fn new(at: BootTime, object: &Object, path: &Path) -> Self {
        Self {
            id: object.id,
            object: *object,
            offset_m: path.offset_m(object),
            lateral_speed_mps: 0.0,
            seen: at,
            inside: None,
            outside: None,
            moved: false,
            history: VecDeque::new(),
        }
    }

    /// Whether the object can be what this track followed up to half a second ago.
    fn continues(&self, object: &Object) -> bool {
        (self.object.x_m - object.x_m).abs() < 5.0
            && (self.object.y_m - object.y_m).abs() < 1.5
            && (self.object.vx_mps - object.vx_mps).abs() < 5.0
    }

    fn follow(&mut self, at: BootTime, object: &Object, path: &Path) {
        let offset_m = path.offset_m(object);
        let elapsed_s = secs(at, self.seen);
        if elapsed_s > 0.0 {
            let share = 1.0 - (-elapsed_s / LATERAL_SMOOTHING_S).exp();
            self.lateral_speed_mps += share * ((offset_m - self.offset_m) / elapsed_s - self.lateral_speed_mps);
        }
        self.object = *object;
        self.offset_m = offset_m;
        self.seen = at;
        // Radial speed of a standing thing beside the road is less than ours, so only what goes our way counts as moving.
        self.moved |= path.speed_mps + object.vx_mps > STANDING_MPS;
        self.inside = if offset_m.abs() < ENTER_M { self.inside.or(Some(at)) } else { None };
        self.outside = if offset_m.abs() > LEAVE_M { self.outside.or(Some(at)) } else { None };
        while self.history.front().is_some_and(|(time, _)| secs(at, *time) > HISTORY_S) {
            self.history.pop_front();
        }
        let due = self.history.back().is_none_or(|(time, _)| secs(at, *time) >= HISTORY_STEP_S);
        if due && path.is_trusted_at(object.x_m) {
            self.history.push_back((at, offset_m.abs()));
        }
    }

    fn is_candidate(&self, at: BootTime, path: &Path) -> bool {
        let Some(inside) = self.inside else { return false };
        let wait_s = if self.moved { ENTER_AFTER_S } else { ENTER_STANDING_AFTER_S };
        let placed = self.object.x_m > 0.0 && self.object.x_m < RANGE_M;
        placed && secs(at, inside) >= wait_s && (self.moved || path.is_trusted_at(self.object.x_m))
    }
}

fn is_sound(object: &Object) -> bool {
    let numbers = [object.x_m, object.y_m, object.vx_mps];
    numbers.iter().all(|number| number.is_finite()) && object.class() != ObjectClass::Pedestrian
}

fn secs(later: BootTime, earlier: BootTime) -> f64 {
    let span: TimeDelta = later.saturating_since(earlier);
    span.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRUISE: EgoMotion = EgoMotion { speed_mps: 25.0, yaw_rate_radps: 0.0 };

    /// Runs 20 Hz object lists and returns what was found at each.
    fn run(seconds: f64, ego: impl Fn(f64) -> EgoMotion, objects: impl Fn(f64) -> Vec<Object>) -> Vec<Option<Lead>> {
        let mut selector = LeadSelector::new();
        let steps = (seconds * 20.0) as u32;
        let step = |n: u32| {
            let t = f64::from(n) * 0.05;
            selector.update(BootTime::from_secs_f64(100.0 + t), &ObjectList { objects: objects(t) }, ego(t))
        };
        (0..steps).map(step).collect()
    }

    fn object(id: u32, x_m: f64, y_m: f64, vx_mps: f64) -> Object {
        Object { id, x_m, y_m, vx_mps, ..Object::default() }
    }

    #[test]
    fn a_car_ahead_leads_and_its_neighbour_does_not() {
        let found = run(3.0, |_| CRUISE, |_| vec![object(1, 20.0, 3.5, 1.0), object(2, 50.0, 0.2, -5.0)]);
        let lead = found.last().copied().flatten().unwrap();
        assert_eq!((lead.track_id, lead.time_gap_s, lead.time_to_collision_s), (2, 2.0, 10.0));
        assert!(lead.path_entry_offset_m < 0.5);
    }

    #[test]
    fn a_cut_in_enters_from_the_side() {
        let y = |t: f64| (3.5 - (t - 2.0).max(0.0) * 1.2).max(0.0);
        let found = run(8.0, |_| CRUISE, |t| vec![object(9, 60.0, 0.0, 0.0), object(4, 18.0, y(t), -1.0)]);
        let entry = found.iter().flatten().find(|lead| lead.track_id == 4).unwrap();
        assert!(entry.path_entry_offset_m > 2.5, "{entry:?}");
        assert!(entry.lateral_speed_mps < -0.5 && entry.time_in_path_s == 0.0, "{entry:?}");
        assert!(found[..20].iter().flatten().all(|lead| lead.track_id == 9));
    }

    #[test]
    fn a_new_number_for_the_same_car_changes_nothing_else() {
        let found = run(4.0, |_| CRUISE, |t| vec![object(if t < 2.0 { 3 } else { 8 }, 40.0, 0.1, 0.0)]);
        let last = found.last().copied().flatten().unwrap();
        assert_eq!(last.track_id, 8);
        assert!(last.time_in_path_s > 3.5, "{last:?}");
        assert!(found[10..].iter().all(Option::is_some), "the lead was lost over the change");
    }

    #[test]
    fn several_tracks_of_one_car_are_one_lead() {
        let tracks = |t: f64| {
            let flicker = if (t * 2.0).fract() < 0.5 { 0.4 } else { -0.4 };
            let mut seen = vec![object(8, 40.0 + flicker, 0.3, 0.2)];
            // The first track ends and its number goes to something in the next lane.
            seen.push(if t < 2.0 { object(3, 40.0, 0.1, 0.0) } else { object(3, 60.0, 3.6, 0.0) });
            seen
        };
        let found = run(4.0, |_| CRUISE, tracks);
        let last = found.last().copied().flatten().unwrap();
        assert!(last.track_id == 8 && last.time_in_path_s > 3.5, "{last:?}");
        assert!(found[10..].iter().all(Option::is_some));
    }

    #[test]
    fn what_stands_beside_a_bend_never_leads() {
        // 80 m radius at 10 m/s; poles 3 m outside the path come nearer along a straight line in our frame.
        let ego = EgoMotion { speed_mps: 10.0, yaw_rate_radps: 10.0 / 80.0 };
        let pole = |t: f64| {
            let ahead = (60.0 - 10.0 * t) / 80.0;
            vec![object(5, 83.0 * f64::sin(ahead), 80.0 - 83.0 * f64::cos(ahead), -10.0 * f64::cos(ahead))]
        };
        assert!(run(5.5, |_| ego, pole).iter().all(Option::is_none));
    }

    #[test]
    fn yaw_noise_at_walking_pace_does_not_make_leads_of_parked_cars() {
        let noisy = |t: f64| EgoMotion { speed_mps: 2.0, yaw_rate_radps: 0.03 * f64::sin(t * 9.0) };
        let found = run(10.0, noisy, |t| vec![object(1, 40.0 - 2.0 * t, -2.6, -2.0)]);
        assert!(found.iter().all(Option::is_none));
    }

    #[test]
    fn a_car_that_stops_ahead_keeps_leading_and_a_standing_one_is_found() {
        let braking = |t: f64| (15.0 - 3.0 * t).max(0.0);
        let ego = |t: f64| EgoMotion { speed_mps: braking(t), yaw_rate_radps: 0.0 };
        assert!(run(12.0, ego, |_| vec![object(7, 12.0, 0.0, 0.0)])[10..].iter().all(Option::is_some));
        let found = run(4.0, |_| CRUISE, |t| vec![object(7, 110.0 - 25.0 * t, 0.1, -25.0)]);
        assert!(found[25].is_some(), "a standing car straight ahead must be found within 1.25 s");
    }

    #[test]
    fn numbers_that_are_not_numbers_do_no_harm() {
        let bad =
            |_| vec![object(1, f64::NAN, 0.0, 0.0), object(2, 30.0, f64::INFINITY, 0.0), object(3, 30.0, 0.0, 0.0)];
        let ego = |_| EgoMotion { speed_mps: f64::NAN, yaw_rate_radps: f64::NEG_INFINITY };
        let lead = run(3.0, ego, bad).last().copied().flatten().unwrap();
        assert_eq!((lead.track_id, lead.time_gap_s), (3, 100.0));
    }

    #[test]
    fn samples_say_nothing_but_absence_without_a_lead() {
        let signals = LeadSignals::new(Catalogue::standard()).unwrap();
        let detected = Catalogue::standard().id("Vehicle.ADAS.Lead.IsDetected").unwrap();
        assert_eq!(signals.samples(None).collect::<Vec<_>>(), [(detected, 0.0)]);
        let lead = run(1.0, |_| CRUISE, |_| vec![object(2, 50.0, 0.0, 0.0)]).last().copied().flatten();
        assert_eq!(signals.samples(lead.as_ref()).count(), 10);
        assert_eq!(signals.samples(lead.as_ref()).last(), Some((detected, 1.0)));
    }
}
