//! What really happened, found in the true motion by definition; `docs/drive-truth.md` is this file in prose.

use std::collections::BTreeMap;

use cloverleaf_vocabulary::ActorClass;
use serde::{Deserialize, Serialize};

use super::director::Planted;
use super::own::WIDTH_M;
use super::road::{LANE_WIDTH_M, lane_middle_m};
use super::world::{STEP_S, World};

/// Deceleration above this is hard braking, m/s2.
pub const HARD_BRAKE_MPS2: f64 = 5.0;
/// Lateral acceleration beyond the road's own curvature that makes a swerve evasive, m/s2.
pub const SWERVE_MPS2: f64 = 3.0;
/// Heading change, out and back within [`SWERVE_WINDOW_S`], that makes a swerve evasive, degrees.
pub const SWERVE_HEADING_DEG: f64 = 4.0;
/// Time for out and back, s.
pub const SWERVE_WINDOW_S: f64 = 3.0;
/// A vehicle that enters our lane nearer than this is a cut-in, s.
pub const CUT_IN_GAP_S: f64 = 1.5;
/// A time gap below this is short, s.
pub const SHORT_GAP_S: f64 = 1.0;
/// ... when it lasts this long, s.
pub const SHORT_GAP_HOLD_S: f64 = 0.5;
/// A lead vehicle this much slower than the speed we want is slow, m/s.
pub const SLOW_LEAD_MPS: f64 = 5.0;
/// Shortest stretch without any event that is called quiet, s.
pub const QUIET_S: f64 = 20.0;
/// Distance in time that a quiet stretch keeps from events, s.
pub const QUIET_MARGIN_S: f64 = 1.0;

/// Own speed below which time gaps mean nothing, m/s.
const SLOWEST_MPS: f64 = 8.0;

/// The truth of a drive, as written beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriveTruth {
    /// Version of this layout.
    pub format: u32,
    /// Seed.
    pub seed: u64,
    /// Which rehearsal of the seed was recorded, from 0.
    pub take: u64,
    /// Length of the drive, s.
    pub seconds: f64,
    /// Boot clock at `t = 0`, ns.
    pub start_boot_ns: u64,
    /// UTC minus boot clock, ns.
    pub utc_minus_boot_ns: i64,
    /// Every road user and object that was in the world, by id.
    pub vehicles: Vec<TrueVehicle>,
    /// What happened, by start.
    pub events: Vec<TrueEvent>,
    /// Stretches of at least 20 s in which no rule may fire.
    pub quiet: Vec<Stretch>,
    /// What the director meant to do, with distractions that are no events.
    pub planted: Vec<TruePlan>,
    /// Kinds that did not happen for lack of time.
    pub not_planted: Vec<String>,
}

/// A road user or object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrueVehicle {
    /// Number; 0 is the own vehicle.
    pub id: u32,
    /// Kind.
    pub class: ActorClass,
    /// m.
    pub length_m: f64,
    /// m.
    pub width_m: f64,
    /// m.
    pub height_m: f64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrueEvent {
    /// Rule id, or `slow-lead`.
    pub kind: String,
    /// Seconds since the start of the drive.
    pub start_s: f64,
    /// Seconds since the start of the drive; equal to `start_s` for an instant.
    pub end_s: f64,
    /// The same on the boot clock, ns.
    pub start_boot_ns: u64,
    /// The same on the boot clock, ns.
    pub end_boot_ns: u64,
    /// The other vehicle, when there is one.
    pub actor: Option<u32>,
    /// Extreme values within the event, SI units in the names.
    pub peak: BTreeMap<String, f64>,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// s.
    pub start_s: f64,
    /// s.
    pub end_s: f64,
    /// ns.
    pub start_boot_ns: u64,
    /// ns.
    pub end_boot_ns: u64,
}

/// An intention of the director.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TruePlan {
    /// What.
    pub plan: String,
    /// s.
    pub from_s: f64,
    /// s.
    pub to_s: f64,
}

/// An interval that is open or may still be joined by the next one.
#[derive(Debug, Clone)]
struct Span {
    start_s: f64,
    end_s: f64,
    actor: Option<u32>,
    peak: BTreeMap<String, f64>,
}

/// Joins times at which a condition holds into intervals.
#[derive(Debug, Clone)]
struct Intervals {
    kind: &'static str,
    /// Interruptions up to this are bridged, s.
    bridge_s: f64,
    /// Shorter intervals are dropped, s.
    least_s: f64,
    open: Option<Span>,
}

impl Intervals {
    fn new(kind: &'static str, bridge_s: f64, least_s: f64) -> Self {
        Self { kind, bridge_s, least_s, open: None }
    }

    /// `values` are kept as largest magnitude under their names.
    fn feed(
        &mut self,
        t_s: f64,
        holds: bool,
        actor: Option<u32>,
        values: &[(&str, f64)],
        done: &mut Vec<(String, Span)>,
    ) {
        if holds {
            let span = self.open.get_or_insert_with(|| Span { start_s: t_s, end_s: t_s, actor, peak: BTreeMap::new() });
            span.end_s = t_s;
            for &(name, value) in values {
                let smaller_is_peak = name.starts_with("least_");
                let entry = span.peak.entry(name.to_owned()).or_insert(value);
                if (smaller_is_peak && value < *entry) || (!smaller_is_peak && value.abs() > entry.abs()) {
                    *entry = value;
                }
            }
        } else if self.open.as_ref().is_some_and(|span| t_s > span.end_s + self.bridge_s) {
            self.close(done);
        }
    }

    fn close(&mut self, done: &mut Vec<(String, Span)>) {
        if let Some(span) = self.open.take()
            && span.end_s - span.start_s >= self.least_s
        {
            done.push((self.kind.to_owned(), span));
        }
    }
}

/// Lateral history of another vehicle against our lane.
#[derive(Debug, Clone, Copy)]
struct Neighbour {
    was_outside: bool,
    edge_inside_since_s: Option<f64>,
}

/// A cut-in whose car has not settled yet.
#[derive(Debug, Clone)]
struct OpenCutIn {
    actor: u32,
    crossed_s: f64,
    span: Span,
}

/// Watches the world step by step. Memory does not grow with the drive except by what is found.
#[derive(Debug, Clone)]
pub(super) struct Observer {
    hard_brake: Intervals,
    swerve: Intervals,
    short_gap: Intervals,
    slow_lead: Intervals,
    neighbours: BTreeMap<u32, Neighbour>,
    open_cut_ins: Vec<OpenCutIn>,
    was_cruising: Option<bool>,
    /// Own lane and since when it is the same, s.
    own_lane: (usize, f64),
    /// Heading against the road over the last [`SWERVE_WINDOW_S`], degrees.
    headings: std::collections::VecDeque<f64>,
    done: Vec<(String, Span)>,
    vehicles: BTreeMap<u32, TrueVehicle>,
}

impl Observer {
    /// Nothing seen yet.
    pub(super) fn new() -> Self {
        Self {
            hard_brake: Intervals::new("hard-brake", 0.5, 0.1),
            swerve: Intervals::new("evasive-swerve", 2.0, 0.2),
            short_gap: Intervals::new("short-time-gap", 1.0, SHORT_GAP_HOLD_S),
            slow_lead: Intervals::new("slow-lead", 1.0, 3.0),
            neighbours: BTreeMap::new(),
            open_cut_ins: Vec::new(),
            was_cruising: None,
            own_lane: (1, 0.0),
            headings: std::collections::VecDeque::new(),
            done: Vec::new(),
            vehicles: BTreeMap::new(),
        }
    }

    /// The world at one step.
    pub(super) fn observe(&mut self, world: &World) {
        let (t, own) = (world.t_s, &world.own);
        self.hard_brake.feed(
            t,
            -own.accel_mps2 > HARD_BRAKE_MPS2,
            world.lead().map(|lead| lead.id),
            &[("deceleration_mps2", -own.accel_mps2)],
            &mut self.done,
        );
        self.observe_swerve(world);
        self.observe_lead(world);
        self.observe_neighbours(world);
        if self.was_cruising.is_some_and(|was| was != world.pilot.is_cruising) {
            let peak = BTreeMap::from([("active".to_owned(), f64::from(u8::from(world.pilot.is_cruising)))]);
            self.done.push(("cruise-transition".to_owned(), Span { start_s: t, end_s: t, actor: None, peak }));
        }
        self.was_cruising = Some(world.pilot.is_cruising);
        for other in &world.others {
            self.vehicles.entry(other.id).or_insert_with(|| TrueVehicle {
                id: other.id,
                class: other.class,
                length_m: other.length_m,
                width_m: other.width_m,
                height_m: other.height_m,
            });
        }
    }

    fn observe_swerve(&mut self, world: &World) {
        let own = &world.own;
        let curvature = world.road.at(own.along_m).curvature_per_m;
        let lateral = own.lateral_accel_mps2() - own.speed_mps.powi(2) * curvature;
        let heading = own.heading_error_rad(&world.road).to_degrees();
        self.headings.push_back(heading);
        if self.headings.len() as f64 * STEP_S > SWERVE_WINDOW_S {
            self.headings.pop_front();
        }
        // Out and back: how far the heading went from where it was, and returned half of that or more.
        let first = self.headings.front().copied().unwrap_or(heading);
        let farthest =
            self.headings.iter().map(|h| h - first).fold(0.0_f64, |a, b| if b.abs() > a.abs() { b } else { a });
        let returned = (farthest - (heading - first)) / if farthest == 0.0 { 1.0 } else { farthest };
        let out_and_back = if returned > 0.5 { farthest } else { 0.0 };
        // The interval is where the lateral acceleration is out of the ordinary; whether it was evasive shows at its end.
        let before = self.done.len();
        self.swerve.feed(
            world.t_s,
            lateral.abs() > SWERVE_MPS2 / 2.0 && own.speed_mps > SLOWEST_MPS,
            None,
            &[("lateral_accel_mps2", lateral), ("heading_change_deg", out_and_back)],
            &mut self.done,
        );
        self.keep_evasive_only(before);
    }

    fn keep_evasive_only(&mut self, from: usize) {
        let tail = self.done.split_off(from);
        self.done.extend(tail.into_iter().filter(|(kind, span)| {
            let peak = |name: &str| span.peak.get(name).map_or(0.0, |value| value.abs());
            kind != "evasive-swerve"
                || peak("lateral_accel_mps2") >= SWERVE_MPS2
                || peak("heading_change_deg") >= SWERVE_HEADING_DEG
        }));
    }

    fn observe_lead(&mut self, world: &World) {
        let speed = world.own.speed_mps;
        let lead = world
            .others
            .iter()
            .filter(|other| {
                let beside = (other.lateral_m - world.own.lateral_m).abs();
                !other.is_debris && world.gap_to_m(other) > 0.0 && beside < (other.width_m + WIDTH_M) / 2.0
            })
            .min_by(|a, b| a.rear_m().total_cmp(&b.rear_m()));
        let gap_m = lead.map_or(f64::INFINITY, |lead| world.gap_to_m(lead));
        let gap_s = gap_m / speed.max(0.1);
        let actor = lead.map(|lead| lead.id);
        let is_short = gap_s < SHORT_GAP_S && speed > SLOWEST_MPS;
        self.short_gap.feed(
            world.t_s,
            is_short,
            actor,
            &[("least_time_gap_s", gap_s), ("least_gap_m", gap_m)],
            &mut self.done,
        );
        let slower = lead.map_or(0.0, |lead| world.pilot.driver.desired_mps - lead.speed_mps);
        let is_slow = slower > SLOW_LEAD_MPS && gap_m < 100.0 && speed > SLOWEST_MPS;
        self.slow_lead.feed(
            world.t_s,
            is_slow,
            actor,
            &[("slower_mps", slower), ("least_gap_m", gap_m)],
            &mut self.done,
        );
    }

    fn observe_neighbours(&mut self, world: &World) {
        let t = world.t_s;
        let lane = world.own_lane();
        if lane != self.own_lane.0 {
            self.own_lane = (lane, t);
            self.neighbours.clear();
        }
        let middle = lane_middle_m(lane);
        for other in world.others.iter().filter(|other| !other.is_debris) {
            let off = (other.lateral_m - middle).abs();
            let is_outside = off > LANE_WIDTH_M / 2.0;
            let edge_inside = off < LANE_WIDTH_M / 2.0 + other.width_m / 2.0 - 0.15;
            let seen = self
                .neighbours
                .entry(other.id)
                .or_insert(Neighbour { was_outside: is_outside, edge_inside_since_s: None });
            seen.edge_inside_since_s = if edge_inside { seen.edge_inside_since_s.or(Some(t)) } else { None };
            let crossed = seen.was_outside && !is_outside;
            seen.was_outside = is_outside;
            let gap_m = world.gap_to_m(other);
            let gap_s = gap_m / world.own.speed_mps.max(0.1);
            let own_is_steady = world.pilot.shifts.is_empty() && t > self.own_lane.1 + 1.0;
            if crossed && own_is_steady && gap_m > -1.0 && gap_s < CUT_IN_GAP_S && world.own.speed_mps > SLOWEST_MPS {
                let start_s = seen.edge_inside_since_s.unwrap_or(t);
                let peak = BTreeMap::from([
                    ("time_gap_s".to_owned(), gap_s),
                    ("gap_m".to_owned(), gap_m),
                    ("lateral_speed_mps".to_owned(), other.lateral_mps.abs()),
                    ("relative_speed_mps".to_owned(), other.speed_mps - world.own.speed_mps),
                ]);
                let span = Span { start_s, end_s: t, actor: Some(other.id), peak };
                self.open_cut_ins.push(OpenCutIn { actor: other.id, crossed_s: t, span });
            }
        }
        self.neighbours.retain(|id, _| world.find(*id).is_some());
        let done = &mut self.done;
        self.open_cut_ins.retain_mut(|open| {
            open.span.end_s = t;
            let settled = world.find(open.actor).is_none_or(|other| (other.lateral_m - middle).abs() < 0.6);
            let keep = !settled && t < open.crossed_s + 3.0;
            if !keep {
                done.push(("cut-in".to_owned(), open.span.clone()));
            }
            keep
        });
    }

    /// Ends all open intervals and puts everything together.
    pub(super) fn finish(mut self, seed: u64, seconds: f64, start_boot_ns: u64, utc_minus_boot_ns: i64) -> DriveTruth {
        let before = self.done.len();
        for intervals in [&mut self.hard_brake, &mut self.swerve, &mut self.short_gap, &mut self.slow_lead] {
            intervals.close(&mut self.done);
        }
        self.done.extend(self.open_cut_ins.drain(..).map(|open| ("cut-in".to_owned(), open.span)));
        self.keep_evasive_only(before);
        let boot_ns = |t_s: f64| start_boot_ns + (t_s * 1e9).round() as u64;
        let mut events: Vec<TrueEvent> = self
            .done
            .into_iter()
            .map(|(kind, span)| TrueEvent {
                kind,
                start_s: rounded(span.start_s),
                end_s: rounded(span.end_s),
                start_boot_ns: boot_ns(span.start_s),
                end_boot_ns: boot_ns(span.end_s),
                actor: span.actor,
                peak: span.peak.into_iter().map(|(name, value)| (name, rounded(value))).collect(),
            })
            .collect();
        events.sort_by(|a, b| a.start_s.total_cmp(&b.start_s).then_with(|| a.kind.cmp(&b.kind)));
        let quiet = quiet_stretches(&events, seconds)
            .into_iter()
            .map(|(start_s, end_s)| Stretch {
                start_s: rounded(start_s),
                end_s: rounded(end_s),
                start_boot_ns: boot_ns(start_s),
                end_boot_ns: boot_ns(end_s),
            })
            .collect();
        DriveTruth {
            format: 1,
            seed,
            take: 0,
            seconds,
            start_boot_ns,
            utc_minus_boot_ns,
            vehicles: self.vehicles.into_values().collect(),
            events,
            quiet,
            planted: Vec::new(),
            not_planted: Vec::new(),
        }
    }
}

impl DriveTruth {
    /// Adds what was intended.
    pub(super) fn with_plans(mut self, planted: &[Planted], not_planted: &[super::director::Plan]) -> Self {
        self.planted = planted
            .iter()
            .map(|done| TruePlan {
                plan: done.plan.name().to_owned(),
                from_s: rounded(done.from_s),
                to_s: rounded(done.to_s),
            })
            .collect();
        // What happened by itself is not missing.
        let happened = |name: &str| {
            (name == "quiet" && !self.quiet.is_empty()) || self.events.iter().any(|event| event.kind == name)
        };
        self.not_planted =
            not_planted.iter().map(|plan| plan.name()).filter(|name| !happened(name)).map(str::to_owned).collect();
        self
    }
}

/// To the microsecond or micro-unit: what a reader of JSON can use.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn quiet_stretches(events: &[TrueEvent], seconds: f64) -> Vec<(f64, f64)> {
    let mut from = 0.0;
    let mut found = Vec::new();
    let mut consider = |from: f64, to: f64| {
        if to - from >= QUIET_S {
            found.push((from, to));
        }
    };
    // A slow lead is a circumstance, not something a rule fires on.
    for event in events.iter().filter(|event| event.kind != "slow-lead") {
        consider(from, event.start_s - QUIET_MARGIN_S);
        from = from.max(event.end_s + QUIET_MARGIN_S);
    }
    consider(from, seconds);
    found
}
