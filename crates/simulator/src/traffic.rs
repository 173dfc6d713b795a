//! Reacting traffic: who is ahead and behind on a lane, IDM along it and MOBIL between lanes.

use cloverleaf_road::{LaneDirection, LanePosition, LaneRef, Network, TrafficRule};

use crate::car_following::{Idm, Leader};
use crate::distance::Scale;
use crate::lane_choice::{Mobil, Prospect};
use crate::world::{EntityIndex, State};

/// How a vehicle of ours behaves in traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrafficModel {
    /// Following.
    pub idm: Idm,
    /// Changing lane; `None` keeps its lane.
    pub mobil: Option<Mobil>,
    /// How many steps pass between two thoughts of changing lane, and at which of them it thinks.
    pub thinks_every: u64,
    /// See [`Self::thinks_every`].
    pub thinks_at: u64,
}

/// Farther vehicles are of no influence, m.
const HORIZON_M: f64 = 250.0;
/// How many lane pieces are looked through ahead or behind; bounds the search on chopped-up roads.
const MOST_PIECES: usize = 64;
/// Part of its time gap that a driver wants to leave, and to have left to it, when it changes lane. MOBIL's own safety
/// criterion is about braking: it lets a faster car in at any distance.
const ACCEPTED_PART: f64 = 0.75;

/// Who covers which lane, sorted, so that neighbours are found without looking at everybody.
#[derive(Debug, Clone, Default)]
pub struct LaneIndex {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    lane: LaneRef,
    /// Middle of the vehicle along the road, m.
    s_m: f64,
    entity: u32,
}

impl LaneIndex {
    /// Enters every entity into every lane its body reaches into.
    pub fn build(&mut self, scale: &Scale<'_>) {
        self.entries.clear();
        for entity in scale.state.entities() {
            let Some(at) = scale.state.lane[entity] else { continue };
            let (Some(on), Some(road)) = (scale.network.road_position(at), scale.network.road(at.road)) else {
                continue;
            };
            let footprint = scale.bodies[entity].footprint;
            let line_yaw_rad = road.line.at(on.s_m).heading_rad;
            let (sin, cos) = (scale.state.yaw_rad[entity] - line_yaw_rad).sin_cos();
            let s_m = (on.s_m + footprint.center_ahead_m * cos).clamp(0.0, road.length_m);
            let t_m = on.t_m + footprint.center_ahead_m * sin;
            let half_m = 0.5 * (footprint.width_m * cos.abs() + footprint.length_m * sin.abs());
            let section = road.section_index_at(s_m);
            for lane in road.sections[section].lanes() {
                let Some((inner, outer)) = road.lane_borders(s_m, lane.id) else { continue };
                if t_m + half_m > inner.min(outer) && t_m - half_m < inner.max(outer) {
                    let lane = LaneRef { road: at.road, section: section as u32, lane: lane.id };
                    self.entries.push(Entry { lane, s_m, entity: entity as u32 });
                }
            }
        }
        self.entries.sort_by(|a, b| a.lane.cmp(&b.lane).then(a.s_m.total_cmp(&b.s_m)).then(a.entity.cmp(&b.entity)));
    }

    /// The nearest vehicle ahead (or behind) of the middle of `entity` if that were at `from`, and the clearance, m.
    pub fn neighbour(
        &self,
        scale: &Scale<'_>,
        entity: EntityIndex,
        from: LanePosition,
        ahead: bool,
    ) -> Option<(EntityIndex, f64)> {
        let network = scale.network;
        let mut at = LanePosition { offset_m: 0.0, ..from };
        let mut passed_m = 0.0;
        for _ in 0..MOST_PIECES {
            let lane = network.lane_ref(at)?;
            let road = network.road(lane.road)?;
            let section = road.sections.get(lane.section as usize)?;
            let up = (network.lane(lane)?.direction != LaneDirection::Backward) == ahead;
            if let Some(found) = self.next_on(lane, at.s_m, up, entity) {
                if (found.s_m - at.s_m).abs() > 2.0 * HORIZON_M {
                    return None;
                }
                let way_m = passed_m + road.lane_length(at.s_m, found.s_m, lane.lane, 0.0);
                let other = found.entity as usize;
                let gap_m = way_m - half_along_m(scale, entity, entity) - half_along_m(scale, other, entity);
                return (way_m <= HORIZON_M).then_some((other, gap_m));
            }
            let end_m = if up { section.end_m } else { section.start_m };
            // Along the line and along the lane differ by the curvature only, so twice the horizon is surely beyond it.
            if (end_m - at.s_m).abs() > 2.0 * HORIZON_M {
                return None;
            }
            let rest_m = road.lane_length(at.s_m, end_m, lane.lane, 0.0);
            passed_m += rest_m;
            if passed_m > HORIZON_M {
                return None;
            }
            // A millimetre beyond the boundary is inside the next piece.
            let hop_m = rest_m + 1e-3;
            let moved = network.advance(at, if ahead { hop_m } else { -hop_m })?;
            if moved.end_of_road {
                return None;
            }
            passed_m += 1e-3;
            at = LanePosition { offset_m: 0.0, ..moved.position };
        }
        None
    }

    fn next_on(&self, lane: LaneRef, s_m: f64, up: bool, but: EntityIndex) -> Option<Entry> {
        let first = self.entries.partition_point(|e| e.lane < lane);
        let split =
            self.entries.partition_point(|e| (e.lane, e.s_m) < (lane, s_m) || e.lane == lane && e.s_m == s_m && !up);
        let on_lane = |e: &&Entry| e.lane == lane;
        let other = |e: &&Entry| e.entity as usize != but;
        if up {
            self.entries[split..].iter().take_while(on_lane).find(other).copied()
        } else {
            self.entries[first..split].iter().rev().take_while(on_lane).find(other).copied()
        }
    }
}

/// Half of an entity's extent along the heading of another, m.
fn half_along_m(scale: &Scale<'_>, entity: EntityIndex, heading_of: EntityIndex) -> f64 {
    let (sin, cos) = scale.state.yaw_rad[heading_of].sin_cos();
    scale.state.rectangle(entity, scale.bodies).half_extent_m([cos, sin])
}

/// The leader as the follower sees it.
fn leader(scale: &Scale<'_>, follower: EntityIndex, (other, gap_m): (EntityIndex, f64)) -> Leader {
    let turn_rad = scale.state.yaw_rad[other] - scale.state.yaw_rad[follower];
    Leader {
        gap_m,
        speed_mps: scale.state.speed_mps[other] * turn_rad.cos(),
        accel_mps2: scale.state.accel_mps2[other],
    }
}

/// Where the middle of an entity is by lane, on the lane it is on and the one it is going to.
fn own_lanes(scale: &Scale<'_>, entity: EntityIndex) -> [Option<LanePosition>; 2] {
    let middle = |lane: LanePosition| {
        let ahead_m = scale.bodies[entity].footprint.center_ahead_m;
        scale.network.advance(LanePosition { offset_m: 0.0, ..lane }, ahead_m).map(|moved| moved.position)
    };
    let going_to = scale.state.lane[entity];
    let on = scale.state.lane_under(entity, scale.network);
    let other = going_to.filter(|lane| on.is_none_or(|on| on.lane != lane.lane));
    [on.and_then(middle), other.and_then(middle)]
}

/// Acceleration of a vehicle in traffic, m/s2: behind the nearest leader on its lanes.
pub fn following_accel_mps2(scale: &Scale<'_>, index: &LaneIndex, entity: EntityIndex, idm: &Idm) -> f64 {
    let speed_mps = scale.state.speed_mps[entity].max(0.0);
    own_lanes(scale, entity)
        .into_iter()
        .flatten()
        .filter_map(|lane| index.neighbour(scale, entity, lane, true))
        .map(|found| idm.accel_mps2(speed_mps, Some(leader(scale, entity, found))))
        .fold(idm.accel_mps2(speed_mps, None), f64::min)
}

/// The lane a vehicle wants to change to now, if any.
pub fn wanted_lane(
    scale: &Scale<'_>,
    index: &LaneIndex,
    entity: EntityIndex,
    model: &TrafficModel,
) -> Option<LanePosition> {
    let mobil = model.mobil?;
    let from = scale.state.lane_under(entity, scale.network)?;
    let [Some(middle), None] = own_lanes(scale, entity) else { return None };
    let road = scale.network.road(from.road)?;
    let direction = road.direction(from.s_m, from.lane)?;
    let accel = |of: EntityIndex, ahead: Option<(EntityIndex, f64)>| {
        let idm = if of == entity {
            model.idm
        } else {
            Idm { desired_speed_mps: model.idm.desired_speed_mps.max(scale.state.speed_mps[of]), ..model.idm }
        };
        idm.accel_mps2(scale.state.speed_mps[of].max(0.0), ahead.map(|found| leader(scale, of, found)))
    };
    let now_ahead = index.neighbour(scale, entity, middle, true);
    let now_behind = index.neighbour(scale, entity, middle, false);
    let own_length_m = 2.0 * half_along_m(scale, entity, entity);
    // What the follower has ahead once somebody left from between: both gaps and the length in between.
    let freed = |behind_gap_m: f64, ahead: Option<(EntityIndex, f64)>| {
        ahead.map(|(leader, gap_m)| (leader, behind_gap_m + own_length_m + gap_m))
    };
    let own_before = accel(entity, now_ahead);
    let old_follower = now_behind.map_or([0.0; 2], |(follower, gap_m)| {
        [accel(follower, Some((entity, gap_m))), accel(follower, freed(gap_m, now_ahead))]
    });
    let keep_side = if road.rule == TrafficRule::RightHand { -1 } else { 1 };
    let mut best: Option<(f64, LanePosition)> = None;
    for side in [1, -1] {
        let Some(lane) = scale.lane_beside(entity, from, side) else { continue };
        if road.direction(from.s_m, lane) != Some(direction) || !road.is_drivable(from.s_m, lane) {
            continue;
        }
        let there = LanePosition { lane, ..middle };
        if scale.network.lane_ref(there).is_none() || ends_soon(scale.network, there) {
            continue;
        }
        let ahead = index.neighbour(scale, entity, there, true);
        let behind = index.neighbour(scale, entity, there, false);
        let accepts = |follower: EntityIndex, gap_m: f64| {
            let time_gap_m = ACCEPTED_PART * model.idm.time_gap_s * scale.state.speed_mps[follower].max(0.0);
            gap_m >= model.idm.min_gap_m + time_gap_m
        };
        if ahead.is_some_and(|(_, gap_m)| !accepts(entity, gap_m))
            || behind.is_some_and(|(follower, gap_m)| !accepts(follower, gap_m))
        {
            continue;
        }
        let new_follower = behind.map_or([0.0; 2], |(follower, gap_m)| {
            [accel(follower, freed(gap_m, ahead)), accel(follower, Some((entity, gap_m)))]
        });
        let prospect = Prospect { own: [own_before, accel(entity, ahead)], new_follower, old_follower };
        if let Some(advantage) = mobil.advantage_mps2(&prospect, side == keep_side)
            && best.is_none_or(|(most, _)| advantage > most)
        {
            best = Some((advantage, LanePosition { lane, ..from }));
        }
    }
    best.map(|(_, lane)| lane)
}

/// Whether the lane leads nowhere within the next seconds of driving.
fn ends_soon(network: &Network, at: LanePosition) -> bool {
    const WORTH_M: f64 = 150.0;
    network.advance(LanePosition { offset_m: 0.0, ..at }, WORTH_M).is_none_or(|moved| moved.end_of_road)
}

/// The offset from the centre of `to` at which an entity is now, m.
pub fn offset_from_m(state: &State, network: &Network, entity: EntityIndex, to: LanePosition) -> Option<f64> {
    let now = network.road_position(state.lane[entity]?)?;
    let center_t_m = network.road(to.road)?.lane_center_t(now.s_m, to.lane)?;
    Some(now.t_m - center_t_m)
}
